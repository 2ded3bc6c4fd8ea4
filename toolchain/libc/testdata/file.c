/* Files: what stat says, open's flags, directories, links, locks, times, vectors. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

static int check(const char *what, long result)
{
	if (result < 0)
		printf("%s: %s\n", what, strerror(errno));
	else
		printf("%s: %ld\n", what, result);
	return result;
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *f)
{
	printf("%d %d %s\n", f->level, type, path + f->base);
	return st->st_uid != getuid();
}

static int only_files(const struct dirent *d) { return d->d_name[0] == 'f'; }

int main(void)
{
	char dir[] = "/tmp/fileXXXXXX", path[PATH_MAX], text[100] = { 0 };
	struct stat st, other;
	struct statvfs vfs;
	struct dirent **names;
	int fd, d, n;

	umask(022);
	check("mkdtemp", mkdtemp(dir) ? 0 : -1);
	check("chdir", chdir(dir));
	printf("%d\n", getcwd(path, sizeof path) && !strcmp(path, dir));
	fd = open("file", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	check("open again", open("file", O_RDWR | O_CREAT | O_EXCL, 0640));
	check("write", write(fd, "0123456789", 10));
	check("pwrite", pwrite(fd, "ab", 2, 4));
	check("lseek", lseek(fd, -3, SEEK_END));
	check("read", read(fd, text, 50));
	puts(text);
	struct iovec v[2] = { { text, 3 }, { text + 10, 20 } };
	check("preadv", preadv(fd, v, 2, 2));
	printf("%.3s %s\n", text, text + 10);
	check("ftruncate", ftruncate(fd, 100000));
	check("fstat", fstat(fd, &st));
	printf("%ld %o %ld %d %d\n", (long)st.st_size, st.st_mode, (long)st.st_nlink, st.st_uid == getuid(), st.st_gid == getgid());
	check("stat", stat("file", &other));
	printf("%d %d %d %d\n", st.st_ino == other.st_ino, st.st_dev == other.st_dev, st.st_mtim.tv_nsec == other.st_mtim.tv_nsec, st.st_blksize == other.st_blksize);
	struct timespec times[2] = { { 1000000000, 123456789 }, { 1100000000, 5 } };
	check("utimensat", utimensat(AT_FDCWD, "file", times, 0));
	stat("file", &st);
	printf("%ld %ld %ld %ld\n", (long)st.st_atim.tv_sec, st.st_atim.tv_nsec, (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	stat("/dev/null", &st);
	printf("%lx %d\n", (long)st.st_rdev, S_ISCHR(st.st_mode));
	check("stat of nothing", stat("nothing", &st));
	check("chmod", chmod("file", 0600));
	check("access", access("file", R_OK | W_OK));
	check("link", link("file", "file2"));
	check("symlink", symlink("file", "link"));
	n = readlink("link", text, sizeof text);
	printf("%.*s\n", n, text);
	lstat("link", &st);
	printf("%d %ld\n", S_ISLNK(st.st_mode), (long)st.st_size);

	/* Flags whose numbers are not the same everywhere. */
	check("O_NOFOLLOW", open("link", O_RDONLY | O_NOFOLLOW));
	check("O_DIRECTORY", open("file", O_RDONLY | O_DIRECTORY));
	d = open(".", O_RDONLY | O_DIRECTORY);
	printf("%d\n", d >= 0);
	printf("%o\n", fcntl(d, F_GETFL) & (O_DIRECTORY | O_NOFOLLOW | O_DIRECT | O_ACCMODE));
	check("F_SETFL", fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
	printf("%o\n", fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK | O_DIRECTORY | O_NOFOLLOW | O_DIRECT | O_ACCMODE));
	check("F_GETFD", fcntl(fd, F_GETFD));
	check("openat", openat(d, "file", O_RDONLY | O_NOFOLLOW | O_CLOEXEC) >= 0 ? 0 : -1);
	int pipes[2];
	check("pipe2", pipe2(pipes, O_DIRECT | O_NONBLOCK | O_CLOEXEC));
	printf("%o\n", fcntl(pipes[0], F_GETFL) & (O_DIRECT | O_NONBLOCK));
	check("read of an empty pipe", read(pipes[0], text, 1));
	write(pipes[1], "abc", 3);
	write(pipes[1], "de", 2);
	check("a packet", read(pipes[0], text, 50));

	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 20 };
	check("F_SETLK", fcntl(fd, F_SETLK, &lock));
	check("flock", flock(fd, LOCK_EX | LOCK_NB));
	check("mkdir", mkdir("sub", 0700));
	check("mkfifo", mkfifo("sub/fifo", 0600));
	check("rename", rename("file2", "sub/file3"));
	check("rmdir", rmdir("sub"));
	n = scandir(".", &names, only_files, alphasort);
	printf("%d %s\n", n, names[0]->d_name);
	unlink("sub/fifo");
	check("nftw", nftw("sub", visit, 5, FTW_PHYS | FTW_DEPTH));
	printf("%s\n", realpath("sub/../link", path) && !strcmp(path + strlen(dir), "/file") ? "real" : path);
	check("statvfs", statvfs(".", &vfs));
	printf("%d\n", vfs.f_bsize > 0);
	check("sendfile", sendfile(pipes[1], fd, (off_t[]){ 0 }, 5));
	check("fsync", fsync(fd));
	check("posix_fallocate", posix_fallocate(fd, 0, 4096));
	check("fchdir", fchdir(d));
	unlink("sub/file3");
	rmdir("sub");
	unlink("link");
	unlink("file");
	chdir("/");
	check("remove", remove(dir));
	return 0;
}
