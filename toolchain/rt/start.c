/*
 * From the kernel's entry to libc. The program gets stacks of the runtime's
 * own, and if the kernel put the initial stack (arguments, environment,
 * auxiliary vector) beyond the limit of addresses, it moves too.
 */
#include "rt.h"

/* From the kernel's headers; the same on all ISAs. */
enum {
	AT_FDCWD = -100, RLIMIT_STACK = 3, PR_SET_MM = 35, PR_SET_MM_MAP = 14,
	AT_NULL = 0, AT_PLATFORM = 15, AT_SECURE = 23, AT_BASE_PLATFORM = 24, AT_RANDOM = 25, AT_EXECFN = 31,
};

/* The bits of an address. A program may bring another value along, and TPFS_ADDRESS_BITS is stronger. */
__attribute__((weak)) const int __tp_address_bits = 47;

/* Non-zero asks every thread to park at its next poll. A futex word. */
volatile u32 __tp_pause;

/* The main thread's stacks, for libc to put into its descriptor. */
char *__tp_main_portable_low, *__tp_main_portable_high, *__tp_main_native_low, *__tp_main_native_high;

/* The mapping of the initial stack, if it is to go. */
static u64 old_low, old_size;

/* struct prctl_mm_map of linux/prctl.h */
struct mm_map {
	u64 start_code, end_code;
	u64 start_data, end_data;
	u64 start_brk, brk;
	u64 start_stack;
	u64 arg_start, arg_end;
	u64 env_start, env_end;
	u64 *auxv;
	u32 auxv_size;   /* bytes */
	u32 exe_fd;      /* -1: leave /proc/PID/exe alone */
};

static char buffer[8192];

void __tp_complain(const char *message)
{
	size_t length = 0;

	while (message[length])
		length++;
	RAW(SYS_write, 2, message, length);
}

_Noreturn void __tp_fatal(const char *message)
{
	__tp_complain(message);
	RAW(SYS_exit_group, 127);
	__builtin_trap();
}

/* Reads a file of /proc into buffer, as a string. */
static void read_proc(const char *path)
{
	size_t length = 0;
	long got, fd = RAW(SYS_openat, AT_FDCWD, path, 0);

	if (fd < 0)
		goto fail;
	do {
		got = RAW(SYS_read, fd, buffer + length, sizeof buffer - 1 - length);
		if (got < 0)
			goto fail;
		length += got;
	} while (got > 0);
	buffer[length] = 0;
	RAW(SYS_close, fd);
	return;
fail:
	__tp_fatal("start: cannot read /proc/self/stat and /proc/self/maps: mount /proc\n");
}

/* The number at *p in the given base, which is 10 or 16; *p moves behind it. */
static u64 number(const char **p, unsigned base)
{
	u64 value = 0;

	for (;; ++*p) {
		unsigned digit = **p - '0';

		if (base == 16 && **p >= 'a')
			digit = **p - 'a' + 10;
		if (digit >= base)
			return value;
		value = value * base + digit;
	}
}

/* Finds the mapping that holds address, in lines "low-high ...". */
static void find_mapping(u64 address, u64 *low, u64 *high)
{
	const char *p = buffer;

	read_proc("/proc/self/maps");
	while (*p) {
		*low = number(&p, 16);
		p++;
		*high = number(&p, 16);
		if (*low <= address && address < *high)
			return;
		while (*p && *p++ != '\n')
			;
	}
	__tp_fatal("start: the initial stack is not in /proc/self/maps\n");
}

/* Fills in what the kernel says of the program in /proc/self/stat; see proc(5). */
static void read_bounds(struct mm_map *map)
{
	const char *p = buffer, *q;
	int field;

	read_proc("/proc/self/stat");
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
	map->brk = RAW(SYS_brk, 0);
}

/* Moves what lies between the stack pointer at entry and the stack's end. */
static long *move_arguments(char *top)
{
	static struct mm_map map;
	u64 low, high, delta, *word;
	char *copy;
	long place;
	int i;

	find_mapping((u64)top, &low, &high);
	read_bounds(&map);
	place = __tp_mmap(0, high - low, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (failed(place))
		__tp_fatal("start: no memory for a copy of the arguments\n");
	delta = place - low;
	copy = top + delta;
	__builtin_memcpy(copy, top, high - (u64)top);

	word = (u64 *)copy + 1;
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
	map.auxv_size = (char *)(word + 2) - (char *)map.auxv;
	map.start_stack = (u64)copy;
	map.arg_start += delta;
	map.arg_end += delta;
	map.env_start += delta;
	map.env_end += delta;
	map.exe_fd = -1;

	/* While the old stack is there, so that /proc/PID/cmdline is right at any time. */
	if (RAW(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map) < 0)
		__tp_complain("start: the kernel refuses PR_SET_MM_MAP (CONFIG_CHECKPOINT_RESTORE?): running on, "
			      "but a dump of this process will not restore on another architecture\n");
	old_low = low;
	old_size = high - low;
	return (long *)copy;
}

/*
 * The value of an environment variable, whose name is given with '=', or NULL.
 * There is none for a program that has more rights than who starts it.
 */
static const char *find_variable(char **environment, const char *name)
{
	u64 *word = (u64 *)environment;

	while (*word++)
		;
	for (; word[0] != AT_NULL; word += 2)
		if (word[0] == AT_SECURE && word[1])
			return NULL;
	for (; *environment; environment++) {
		const char *p = *environment, *q = name;

		while (*q && *p == *q)
			p++, q++;
		if (!*q)
			return p;
	}
	return NULL;
}

/* The bytes of a main thread's stack, by the limit that is set for it. */
static u64 stack_size(void)
{
	struct { u64 soft, hard; } size;

	if (RAW(SYS_prlimit64, 0, RLIMIT_STACK, 0, &size) < 0 || size.soft == -1UL)
		return 64UL << 20;
	if (size.soft < 128UL << 10)
		return 128UL << 10;
	return size.soft < 1UL << 30 ? size.soft : 1UL << 30;
}

/* Called on the initial stack with the stack pointer at entry. */
struct tp_start *__tp_prepare(char *top)
{
	static struct tp_start start;
	static struct tp_thread boot; /* until libc has made the real descriptor */
	char **environment = (char **)top + *(long *)top + 2;
	const char *value = find_variable(environment, "TPFS_ADDRESS_BITS=");
	u64 bits = value ? number(&value, 10) : (u64)__tp_address_bits;
	u64 size = stack_size() & -65536UL, guard = size > GUARD ? size : GUARD;
	long portable, native;

	if (bits < 36 || bits > 47)
		__tp_fatal("start: the bits of an address (TPFS_ADDRESS_BITS, __tp_address_bits) must be 36 to 47\n");
	__set_thread_area(&boot);
	__tp_limit_addresses(bits);
	portable = __tp_map_stack(size, guard, &__tp_main_portable_low);
	native = __tp_map_stack(size, guard, &__tp_main_native_low);
	if (failed(portable) || failed(native))
		__tp_fatal("start: no memory for the stacks: lower the stack limit (ulimit -s)\n");
	__tp_main_portable_high = start.portable = (char *)portable;
	__tp_main_native_high = start.native = (char *)native;
	start.arguments = (long *)top;
	if (__tp_beyond_limit((u64)top))
		start.arguments = move_arguments(top);
	value = find_variable(environment, "TPFS_POISON=");
	if (value)
		__tp_start_poison(value);
	return &start;
}

/* Called on the new stack. */
void __tp_settle(void)
{
	if (old_size && RAW(SYS_munmap, old_low, old_size) < 0)
		__tp_fatal("start: cannot unmap the initial stack\n");
}
