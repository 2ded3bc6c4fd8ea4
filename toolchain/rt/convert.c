/*
 * Where a kernel's own calls differ from the canonical ones (what Linux calls
 * asm-generic). Each ISA's stub asks its function for those calls that its
 * table marks. The frame keeps the canonical arguments in any case, so that the
 * call can be issued anew on another ISA; calls that cannot block are made
 * here, out of the range in which a thread can be moved.
 */
#include "rt.h"

/* struct stat of asm-generic/stat.h, and that of x86-64. */
struct stat_generic {
	u64 dev, ino;
	u32 mode, nlink, uid, gid;
	u64 rdev, pad1;
	long size;
	int blksize, pad2;
	long blocks, times[6];
	u32 unused[2];
};

struct stat_x86_64 {
	u64 dev, ino, nlink;
	u32 mode, uid, gid, pad;
	u64 rdev;
	long size, blksize, blocks, times[6], unused[3];
};

/* struct semid64_ds of asm-generic/sembuf.h, and that of x86-64. */
struct semid_generic { u64 permissions[6], otime, ctime, nsems, unused[2]; };
struct semid_x86_64 { u64 permissions[6], otime, unused1, ctime, unused2, nsems, unused[2]; };
enum { IPC_STAT = 2, SEM_STAT = 18, SEM_STAT_ANY = 20 };

struct epoll_generic { u32 events, pad; u64 data; };
struct epoll_x86_64 { u32 events; u64 data; } __attribute__((packed));

/* struct open_how of linux/openat2.h */
struct how { u64 flags, mode, resolve; };

enum { F_GETFL = 3, F_SETFL = 4 };

/* open's flags that differ: what asm-generic/fcntl.h says, and aarch64. */
enum {
	O_DIRECT = 040000, O_LARGEFILE = 0100000, O_DIRECTORY = 0200000, O_NOFOLLOW = 0400000,
	AARCH64_DIRECTORY = 040000, AARCH64_NOFOLLOW = 0100000, AARCH64_DIRECT = 0200000, AARCH64_LARGEFILE = 0400000,
	O_DIFFERENT = 0740000,
};

static u64 flags_to_aarch64(u64 flags)
{
	return (flags & ~(u64)O_DIFFERENT) |
	       (flags & O_DIRECT ? AARCH64_DIRECT : 0) | (flags & O_LARGEFILE ? AARCH64_LARGEFILE : 0) |
	       (flags & O_DIRECTORY ? AARCH64_DIRECTORY : 0) | (flags & O_NOFOLLOW ? AARCH64_NOFOLLOW : 0);
}

static u64 flags_from_aarch64(u64 flags)
{
	return (flags & ~(u64)O_DIFFERENT) |
	       (flags & AARCH64_DIRECT ? O_DIRECT : 0) | (flags & AARCH64_LARGEFILE ? O_LARGEFILE : 0) |
	       (flags & AARCH64_DIRECTORY ? O_DIRECTORY : 0) | (flags & AARCH64_NOFOLLOW ? O_NOFOLLOW : 0);
}

/*
 * Calls that the runtime takes part in on every ISA. True if it was one of
 * them; its result is in the frame then.
 */
static int take_part(struct tp_call *c)
{
	u64 *a = c->arg;

	switch (c->number) {
	case SYS_exit:
		__tp_exit(a[0]);
	case SYS_rt_sigaction:
		c->result = __tp_sigaction(a[0], (void *)a[1], (void *)a[2], a[3]);
		return 1;
	case SYS_mmap:
		c->result = __tp_mmap(a[0], a[1], a[2], a[3], a[4], a[5]);
		return 1;
	case SYS_mremap:
		c->result = __tp_mremap(a[0], a[1], a[2], a[3], a[4]);
		return 1;
	case SYS_munmap:
		c->result = __tp_munmap(a[0], a[1]);
		return 1;
	case SYS_shmat:
		c->result = __tp_shmat(a[0], a[1], a[2]);
		return 1;
	}
	return 0;
}

/* Prepares the call to be issued with other arguments than the canonical ones. */
static u64 *copy_arguments(struct tp_call *c)
{
	c->native[0] = c->number;
	for (int i = 0; i < 6; i++)
		c->native[i + 1] = c->arg[i];
	return c->native + 1;
}

static void stat_from_x86_64(struct stat_generic *to, const struct stat_x86_64 *from)
{
	*to = (struct stat_generic){
		.dev = from->dev, .ino = from->ino, .mode = from->mode, .nlink = from->nlink, .uid = from->uid,
		.gid = from->gid, .rdev = from->rdev, .size = from->size, .blksize = from->blksize, .blocks = from->blocks,
	};
	for (int i = 0; i < 6; i++)
		to->times[i] = from->times[i];
}

static void semid_from_x86_64(struct semid_generic *to, const struct semid_x86_64 *from)
{
	for (int i = 0; i < 6; i++)
		to->permissions[i] = from->permissions[i];
	to->otime = from->otime;
	to->ctime = from->ctime;
	to->nsems = from->nsems;
}

/*
 * The call has been made. A thread that is stopped in the stub from now on must
 * not make it again.
 */
static int done(struct tp_call *c)
{
	__atomic_store_n(&c->phase, 1, __ATOMIC_RELEASE);
	return 0;
}

/*
 * True if the kernel is to be called, with c->native. Otherwise the call has
 * been made, and its result is in the frame.
 */
int __tp_convert_x86_64(struct tp_call *c)
{
	u64 *a = c->arg;
	struct stat_x86_64 stat;
	struct semid_x86_64 semid;
	struct epoll_x86_64 event;

	if (take_part(c))
		return done(c);
	switch (c->number) {
	case SYS_newfstatat:
		c->result = RAW(SYS_newfstatat, a[0], a[1], &stat, a[3]);
		if (c->result == 0)
			stat_from_x86_64((void *)a[2], &stat);
		return done(c);
	case SYS_fstat:
		c->result = RAW(SYS_fstat, a[0], &stat);
		if (c->result == 0)
			stat_from_x86_64((void *)a[1], &stat);
		return done(c);
	case SYS_semctl:
		if (a[2] != IPC_STAT && a[2] != SEM_STAT && a[2] != SEM_STAT_ANY)
			break;
		c->result = RAW(SYS_semctl, a[0], a[1], a[2], &semid);
		if (!failed(c->result))
			semid_from_x86_64((void *)a[3], &semid);
		return done(c);
	case SYS_epoll_ctl:
		if (a[3])
			event = (struct epoll_x86_64){ ((struct epoll_generic *)a[3])->events,
						       ((struct epoll_generic *)a[3])->data };
		c->result = RAW(SYS_epoll_ctl, a[0], a[1], a[2], a[3] ? &event : 0);
		return done(c);
	case SYS_epoll_pwait:
	case SYS_epoll_pwait2:
		c->flags |= CALL_PACKED;
		break;
	case SYS_clone: /* the last two arguments change places */
		c->result = RAW(SYS_clone, a[0], a[1], a[2], a[4], a[3]);
		return done(c);
	}
	copy_arguments(c);
	return 1;
}

int __tp_convert_aarch64(struct tp_call *c)
{
	u64 *a = c->arg, *native;
	struct how *how;

	if (take_part(c))
		return done(c);
	native = copy_arguments(c);
	switch (c->number) {
	case SYS_fcntl:
		if (a[1] == F_SETFL)
			native[2] = flags_to_aarch64(a[2]);
		if (a[1] != F_GETFL)
			break;
		c->result = RAW(SYS_fcntl, a[0], a[1]);
		if (!failed(c->result))
			c->result = flags_from_aarch64(c->result);
		return done(c);
	case SYS_openat:
	case SYS_open_by_handle_at:
		native[2] = flags_to_aarch64(a[2]);
		break;
	case SYS_pipe2:
	case SYS_fanotify_init:
		native[1] = flags_to_aarch64(a[1]);
		break;
	case SYS_openat2:
		if (a[3] != sizeof *how) /* a later one, of which nothing is known here */
			break;
		how = (struct how *)c->scratch;
		*how = *(struct how *)a[2];
		how->flags = flags_to_aarch64(how->flags);
		native[2] = (u64)how;
		break;
	}
	return 1;
}

/*
 * Gives the events that an x86-64 kernel has stored, 12 bytes each, the
 * canonical 16. This may well happen on another ISA than the call. A thread is
 * not moved in here, so it is done once.
 */
void __tp_unpack(struct tp_call *c)
{
	struct epoll_x86_64 *from = (void *)c->arg[1];
	struct epoll_generic *to = (void *)c->arg[1];

	for (long i = c->result - 1; i >= 0; i--) { /* the last first: they overlap */
		struct epoll_x86_64 event = from[i];

		to[i] = (struct epoll_generic){ .events = event.events, .data = event.data };
	}
	c->flags &= ~CALL_PACKED;
}
