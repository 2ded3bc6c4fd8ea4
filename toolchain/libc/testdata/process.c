/* fork, exec, wait, spawn, pipes between processes. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void prepare(void) { fputs("prepare\n", stdout); }
static void in_parent(void) { fputs("parent\n", stdout); }
static void in_child(void) { _exit(7); }

static void status(const char *what, pid_t pid)
{
	int s = -1;

	if (pid < 0 || waitpid(pid, &s, 0) != pid)
		printf("%s: %s\n", what, strerror(errno));
	else if (WIFEXITED(s))
		printf("%s: exit %d\n", what, WEXITSTATUS(s));
	else
		printf("%s: signal %d\n", what, WTERMSIG(s));
	fflush(stdout);
}

static int cloned(void *argument)
{
	*(int *)argument = 99;
	return 5;
}

static void *fork_in_thread(void *unused)
{
	pid_t pid = fork();

	if (pid == 0) {
		char *p = malloc(100000);

		memset(p, 1, 100000);
		free(p);
		exit(13);
	}
	return (void *)(long)pid;
}

int main(int argc, char **argv)
{
	int fd[2], value = 1, n;
	char text[100], *arguments[] = { argv[0], "again", "and again", NULL };
	pid_t pid;

	if (argc > 1) {
		printf("%s %s %s %d\n", argv[1], argv[2], getenv("TOLD"), getppid() > 1);
		return 21;
	}
	setvbuf(stdout, NULL, _IOFBF, 4096);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(getppid() > 1 ? 3 : 4);
	status("fork", pid);
	pid = fork();
	if (pid == 0)
		abort();
	status("abort", pid);
	pid = fork();
	if (pid == 0) {
		raise(SIGKILL);
		_exit(0);
	}
	status("kill", pid);

	pipe(fd);
	pid = fork();
	if (pid == 0) {
		dup2(fd[1], 1);
		close(fd[0]);
		close(fd[1]);
		setenv("TOLD", "by the environment", 1);
		execv("/proc/self/exe", arguments);
		_exit(99);
	}
	close(fd[1]);
	n = read(fd[0], text, sizeof text);
	close(fd[0]);
	printf("%.*s", n > 0 ? n : 0, text);
	status("exec", pid);

	pid = vfork();
	if (pid == 0)
		_exit(8);
	status("vfork", pid);

	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	char *sh[] = { "sh", "-c", "read x; echo got $x; exit 4", NULL };

	pipe(fd);
	write(fd[1], "word\n", 5);
	close(fd[1]);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd[0], 0);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	n = posix_spawnp(&pid, "sh", &actions, &attributes, sh, environ);
	status("spawn", pid);
	printf("%d\n", n);
	fflush(stdout);
	close(fd[0]);
	printf("%d\n", posix_spawn(&pid, "/nonexistent", NULL, NULL, sh, environ) == ENOENT);
	printf("%d\n", WEXITSTATUS(system("exit 6")));

	FILE *f = popen("echo popen; exit 2", "r");
	printf("%s", fgets(text, sizeof text, f));
	printf("%d\n", WEXITSTATUS(pclose(f)));

	/* A process of its own, and one that shares memory. */
	char *stack = mmap(NULL, 1 << 17, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	fflush(stdout);
	status("clone", clone(cloned, stack + (1 << 17), SIGCHLD, &value));
	printf("%d\n", value);
	fflush(stdout);
	status("clone with memory", clone(cloned, stack + (1 << 17), CLONE_VM | SIGCHLD, &value));
	printf("%d\n", value);
	fflush(stdout);

	pthread_t thread;
	void *result;
	pthread_create(&thread, NULL, fork_in_thread, NULL);
	pthread_join(thread, &result);
	status("fork in a thread", (long)result);

	pthread_atfork(prepare, in_parent, in_child);
	pid = fork();
	status("atfork", pid);
	struct rusage usage;
	printf("%d %d\n", getrusage(RUSAGE_CHILDREN, &usage), usage.ru_utime.tv_sec < 1000);
	siginfo_t info;
	pid = fork();
	printf("%d\n", waitid(P_PID, pid, &info, WEXITED));
	printf("%d %d %d\n", info.si_code == CLD_EXITED, info.si_status, info.si_pid == pid);
	return 0;
}
