/*
 * From the kernel's entry to main, in C. A process of one ISA must fit into the
 * address space of the others, and the kernel puts its stack near the top of
 * its own. So the initial stack (arguments, environment, auxiliary vector)
 * moves below the program, and the program runs on stacks in .bss.
 *
 * Nothing here is ever moved to another ISA: no polls, no portable frames.
 */
#include "tp.h"

enum {
	GUARD = 64 << 10,         /* the largest page size of any ISA */
	STACK = 256 << 10,        /* without the guard below it */
};

/* The copied initial stack ends here, one guard below the program. */
#define ARGUMENTS_TOP (0x1000000UL - GUARD)

static char __tp_native_stack[GUARD + STACK] __attribute__((aligned(GUARD)));
static char __tp_portable_stack[GUARD + STACK] __attribute__((aligned(GUARD)));

volatile unsigned int __tp_pause;

struct tp_thread __tp_main_thread __attribute__((aligned(64))) = {
	.self = &__tp_main_thread,
	.portable_sp = __tp_portable_stack + GUARD + STACK,
	.native_low = __tp_native_stack + GUARD,
	.native_high = __tp_native_stack + GUARD + STACK,
};

_Static_assert(__builtin_offsetof(struct tp_thread, portable_sp) == 40, "thread word");
_Static_assert(__builtin_offsetof(struct tp_thread, native_low) == 48, "thread word");
_Static_assert(__builtin_offsetof(struct tp_thread, native_high) == 56, "thread word");

/* From the kernel's headers; the same on all ISAs. */
enum {
	AT_FDCWD = -100,
	PROT_NONE = 0, PROT_READ = 1, PROT_WRITE = 2,
	MAP_PRIVATE = 0x2, MAP_ANONYMOUS = 0x20, MAP_FIXED_NOREPLACE = 0x100000,
	PR_SET_MM = 35, PR_SET_MM_MAP = 14,
	AT_NULL = 0, AT_PLATFORM = 15, AT_BASE_PLATFORM = 24, AT_RANDOM = 25, AT_EXECFN = 31,
};

/* struct prctl_mm_map of linux/prctl.h */
struct mm_map {
	unsigned long start_code, end_code;
	unsigned long start_data, end_data;
	unsigned long start_brk, brk;
	unsigned long start_stack;
	unsigned long arg_start, arg_end;
	unsigned long env_start, env_end;
	unsigned long *auxv;
	unsigned int auxv_size;   /* bytes */
	unsigned int exe_fd;      /* -1: leave /proc/PID/exe alone */
};

static char buffer[8192];

static const char stat_path[] = "/proc/self/stat";
static const char maps_path[] = "/proc/self/maps";
static const char no_proc[] = "start: cannot read /proc/self/stat and /proc/self/maps: mount /proc\n";
static const char no_room[] = "start: cannot move the arguments below the program: are they larger than 15 MiB?\n";
static const char no_stack[] = "start: cannot find or unmap the initial stack\n";
static const char no_guard[] = "start: cannot protect the guards of the stacks\n";
static const char no_bounds[] = "start: the kernel refuses PR_SET_MM_MAP (CONFIG_CHECKPOINT_RESTORE?): "
	"running on, but a dump of this process will not restore on another architecture\n";

static long call(long number, long a1, long a2, long a3, long a4, long a5)
{
	return __tp_raw_syscall(number, a1, a2, a3, a4, a5, 0);
}

static void complain(const char *message)
{
	unsigned long length = 0;

	while (message[length])
		length++;
	call(SYS_write, 2, (long)message, length, 0, 0);
}

static void fail(const char *message)
{
	complain(message);
	call(SYS_exit_group, 127, 0, 0, 0, 0);
}

/* Reads a file of /proc into buffer, as a string. */
static void read_proc(const char *path)
{
	unsigned long length = 0;
	long got;
	long fd = call(SYS_openat, AT_FDCWD, (long)path, 0, 0, 0);

	if (fd < 0)
		fail(no_proc);
	do {
		got = call(SYS_read, fd, (long)(buffer + length), sizeof buffer - 1 - length, 0, 0);
		if (got < 0)
			fail(no_proc);
		length += got;
	} while (got > 0);
	buffer[length] = 0;
	call(SYS_close, fd, 0, 0, 0, 0);
}

/* The number at *p in the given base, which is 10 or 16; *p moves behind it. */
static unsigned long number(const char **p, unsigned long base)
{
	unsigned long value = 0;
	const char *s = *p;

	for (;; s++) {
		if (*s >= '0' && *s <= '9')
			value = value * base + (*s - '0');
		else if (base == 16 && *s >= 'a' && *s <= 'f')
			value = value * base + (*s - 'a' + 10);
		else
			break;
	}
	*p = s;
	return value;
}

/* Finds the bounds of the mapping that holds address: lines "low-high ...". */
static void find_mapping(unsigned long address, unsigned long *low, unsigned long *high)
{
	const char *p = buffer;

	read_proc(maps_path);
	while (*p) {
		*low = number(&p, 16);
		p++;
		*high = number(&p, 16);
		if (*low <= address && address < *high)
			return;
		while (*p && *p++ != '\n')
			;
	}
	fail(no_stack);
}

/* Fills in what the kernel says of the program in /proc/self/stat; see proc(5). */
static void read_bounds(struct mm_map *map)
{
	const char *p = buffer, *q;
	int field;

	read_proc(stat_path);
	for (q = buffer; *q; q++) /* field 2 is a name in parentheses, with anything in it */
		if (*q == ')')
			p = q;
	for (field = 2; *p; field++) {
		while (*p && *p++ != ' ')
			;
		switch (field + 1) {
		case 26: map->start_code = number(&p, 10); break;
		case 27: map->end_code = number(&p, 10); break;
		case 45: map->start_data = number(&p, 10); break;
		case 46: map->end_data = number(&p, 10); break;
		case 47: map->start_brk = number(&p, 10); break;
		case 48: map->arg_start = number(&p, 10); break;
		case 49: map->arg_end = number(&p, 10); break;
		case 50: map->env_start = number(&p, 10); break;
		case 51: map->env_end = number(&p, 10); break;
		}
	}
	map->brk = call(SYS_brk, 0, 0, 0, 0, 0);
}

/*
 * Moves the initial stack. top is the stack pointer at entry, where the kernel
 * left argc, argv, NULL, envp, NULL, auxv and, above, the strings they point
 * to. The result is where argc is now.
 */
long *__tp_start(char *top)
{
	static struct mm_map map;
	unsigned long low, high, size, delta, base, *word, i;
	char *copy;

	find_mapping((unsigned long)top, &low, &high);
	read_bounds(&map);

	size = high - (unsigned long)top;
	copy = (char *)((ARGUMENTS_TOP - size) & ~15UL);
	delta = copy - top;
	base = (unsigned long)copy & ~(GUARD - 1UL);
	if (size > ARGUMENTS_TOP - (1 << 20) ||
	    call(SYS_mmap, base, ARGUMENTS_TOP - base, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1) != (long)base)
		fail(no_room);
	for (i = 0; i < size; i++)
		copy[i] = top[i];

	word = (unsigned long *)copy + 1;
	for (i = 0; i < 2; i++) { /* argv, then envp */
		for (; *word; word++)
			*word += delta;
		word++;
	}
	map.auxv = word;
	for (; word[0] != AT_NULL; word += 2)
		switch (word[0]) {
		case AT_PLATFORM:
		case AT_BASE_PLATFORM:
		case AT_RANDOM:
		case AT_EXECFN:
			word[1] += delta;
		}
	word += 2;
	map.auxv_size = (char *)word - (char *)map.auxv;
	map.start_stack = (unsigned long)copy;
	map.arg_start += delta;
	map.arg_end += delta;
	map.env_start += delta;
	map.env_end += delta;
	map.exe_fd = -1;

	/* First the bounds: /proc/PID/cmdline is right at any time. */
	if (call(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP, (long)&map, sizeof map, 0) < 0)
		complain(no_bounds);
	if (call(SYS_munmap, low, high - low, 0, 0, 0) < 0)
		fail(no_stack);
	if (call(SYS_mprotect, (long)__tp_native_stack, GUARD, PROT_NONE, 0, 0) < 0 ||
	    call(SYS_mprotect, (long)__tp_portable_stack, GUARD, PROT_NONE, 0, 0) < 0)
		fail(no_guard);
	return (long *)copy;
}
