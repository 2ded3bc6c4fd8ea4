/*
 * A test of the compiler, switched on by TPFS_POISON=RATE: every poll parks,
 * and one park in RATE overwrites what must be dead there, all of the native
 * frames but return addresses, frame pointers and saved contexts, and the
 * callee-saved registers, and goes on. A program whose output changes has kept
 * something where a translation would lose it.
 *
 * PROGRAM.sites, beside the executable, says what a frame looks like at each
 * site, and counts what all processes of the program have done. It is made by
 * toolchain/poison.
 */
#include "rt.h"

struct site {
	u64 address;                     /* the return address */
	u32 cfa;                         /* bytes from the frame pointer up to the end of the frame */
	u32 context;                     /* bytes from the end of the frame down to the saved context; 0: none */
};

/* The file. Of a park that was refused, a frame has no site, at last_refused. */
struct table {
	u64 parks, poisoned, refused, last_refused;
	struct site sites[];             /* ascending by address */
};

/* A native frame record. */
struct record {
	struct record *caller;
	u64 address;
};

enum { SEEK_END = 2, AT_FDCWD = -100, O_RDWR = 2, MAP_SHARED = 1, SYS_lseek = 62, SYS_readlinkat = 78 };

/* One park in this many is poisoned; 0: the poison mode is off. */
u32 __tp_poison_rate;

static struct table *table;
static u64 number_of_sites;
static u64 random = 88172645463325252;

extern volatile u32 __tp_pause;
extern const char __tp_root[], __tp_root_thread[], __tp_signal_return[], __tp_sys_parked[];

void __tp_start_poison(const char *rate)
{
	static const char suffix[] = ".sites";
	static char path[4096 + sizeof suffix];
	long length, fd, size, mapped;

	for (; *rate >= '0' && *rate <= '9'; rate++)
		__tp_poison_rate = __tp_poison_rate * 10 + (*rate - '0');
	if (__tp_poison_rate == 0 || *rate)
		__tp_fatal("poison: TPFS_POISON must be a number from 1 on\n");
	length = RAW(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", path, 4096);
	if (failed(length))
		__tp_fatal("poison: cannot read /proc/self/exe: mount /proc\n");
	__builtin_memcpy(path + length, suffix, sizeof suffix);
	fd = RAW(SYS_openat, AT_FDCWD, path, O_RDWR);
	size = failed(fd) ? fd : RAW(SYS_lseek, fd, 0, SEEK_END);
	mapped = size < (long)sizeof *table ? -1 : RAW(SYS_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	if (failed(mapped))
		__tp_fatal("poison: cannot map the table of sites, PROGRAM.sites beside the program\n");
	RAW(SYS_close, fd);
	table = (struct table *)mapped;
	number_of_sites = (size - sizeof *table) / sizeof *table->sites;
	__tp_pause = 1;
}

static void count(u64 *what)
{
	__atomic_fetch_add(what, 1, __ATOMIC_RELAXED);
}

static const struct site *find(u64 address)
{
	const struct site *sites = table->sites;
	u64 low = 0, high = number_of_sites;

	while (low < high) {
		u64 middle = (low + high) / 2;

		if (sites[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < number_of_sites && sites[low].address == address ? &sites[low] : NULL;
}

/* True if a chain of frames ends here. What a handler has interrupted is not looked at. */
static int is_root(u64 address)
{
	return address == (u64)__tp_root || address == (u64)__tp_root_thread || address == (u64)__tp_signal_return;
}

/* Overwrites what is dead from address low up to the end of the frame. */
static void overwrite(u64 low, const struct record *frame, const struct site *site)
{
	u64 end = (u64)frame + site->cfa, *word;

	for (word = (u64 *)low; word < (u64 *)end; word++)
		if (word != (u64 *)frame && word != (u64 *)frame + 1 &&
		    !(site->context && word == (u64 *)(end - site->context)))
			*(volatile u64 *)word = POISON;
}

/*
 * Called by the park stub with its frame record. True if the frames have been
 * overwritten, and the registers are to be.
 */
int __tp_poison(struct record *innermost)
{
	struct record *record = innermost;
	u64 end;
	const struct site *site;

	count(&table->parks);
	random ^= random << 13;
	random ^= random >> 7;
	random ^= random << 17;
	if (random % __tp_poison_rate)
		return 0;
	if (record->address == (u64)__tp_sys_parked)
		record = record->caller;
	for (innermost = record; !is_root(record->address); record = record->caller)
		if (!find(record->address)) {
			count(&table->refused);
			table->last_refused = record->address;
			return 0;
		}
	end = (u64)(innermost + 1); /* of the frames so far */
	for (record = innermost; !is_root(record->address); record = record->caller) {
		site = find(record->address);
		overwrite(end, record->caller, site);
		end = (u64)record->caller + site->cfa;
	}
	count(&table->poisoned);
	return 1;
}
