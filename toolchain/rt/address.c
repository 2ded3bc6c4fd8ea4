/*
 * Memory where a process of every ISA may have it. Each kernel hands out
 * addresses from the top of its own address space, and that of aarch64 is the
 * larger one. So a mapping that comes out too high is undone, and from then on
 * the runtime chooses: from the limit downwards, at a hint that moves.
 * Nothing is reserved, for a process that comes from another ISA could not have
 * done it.
 */
#include "rt.h"

enum { MREMAP_MAYMOVE = 1, MREMAP_FIXED = 2, MREMAP_DONTUNMAP = 4 };
enum { IPC_STAT = 2, SHM_REMAP = 040000 };

#define PAGE 4096UL
#define HUGE_PAGE (2UL << 20)
#define LOWEST (1UL << 32) /* the program and its heap are below */
#define LONGEST_STEP (1UL << 30)

/* An x86-64 kernel leaves the last page below 2^47 free. */
static u64 limit = (1UL << 47) - PAGE;

/* Below it the next mapping goes. Zero as long as the kernel's own choice is right. */
static u64 hint;

void __tp_limit_addresses(int bits)
{
	limit = (1UL << bits) - PAGE;
}

int __tp_beyond_limit(u64 end)
{
	return end > limit;
}

static int too_high(long address, u64 size)
{
	return !failed(address) && __tp_beyond_limit(address + size);
}

static u64 round_up(u64 size)
{
	return (size + PAGE - 1) & -PAGE;
}

/*
 * Maps at the hint, or at the next hole below it. Other threads may do the same:
 * the kernel says who was first.
 */
static long map_below(u64 size, u64 protection, u64 flags, long fd, u64 offset)
{
	u64 align = size >= HUGE_PAGE || flags & MAP_HUGETLB ? HUGE_PAGE : PAGE;
	u64 step = HUGE_PAGE, from, address;
	int wrapped = 0;
	long got;

	size = round_up(size);
	if (!(flags & MAP_HUGETLB)) /* its pages may need a coarser alignment, which the kernel knows */
		flags |= MAP_FIXED_NOREPLACE;
	for (;;) {
		from = __atomic_load_n(&hint, __ATOMIC_RELAXED);
		if (from < LOWEST + size) {
			if (wrapped++)
				return -ENOMEM;
			__atomic_compare_exchange_n(&hint, &from, limit, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
			continue;
		}
		address = (from - size) & -align;
		got = RAW(SYS_mmap, address, size, protection, flags, fd, offset);
		if (failed(got) ? got != -EEXIST : !too_high(got, size)) {
			if (got == (long)address)
				__atomic_compare_exchange_n(&hint, &from, address, 0, __ATOMIC_RELAXED,
							    __ATOMIC_RELAXED);
			return got;
		}
		if (!failed(got)) /* a kernel that takes the address as a wish */
			RAW(SYS_munmap, got, size);
		address = from - LOWEST > step ? from - step : LOWEST;
		if (__atomic_compare_exchange_n(&hint, &from, address, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED) &&
		    step < LONGEST_STEP)
			step *= 2;
	}
}

/* The kernel's choice has turned out too high: from now on it is ours. */
static void start_choosing(void)
{
	u64 none = 0;

	__atomic_compare_exchange_n(&hint, &none, limit, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static int choosing(void)
{
	return __atomic_load_n(&hint, __ATOMIC_RELAXED) != 0;
}

long __tp_mmap(u64 address, u64 size, u64 protection, u64 flags, long fd, u64 offset)
{
	long got;

	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
		return RAW(SYS_mmap, address, size, protection, flags, fd, offset);
	if (address || !choosing()) {
		got = RAW(SYS_mmap, address, size, protection, flags, fd, offset);
		if (!too_high(got, size))
			return got;
		RAW(SYS_munmap, got, size);
		start_choosing();
	}
	if (size > limit)
		return -ENOMEM;
	return map_below(size, protection, flags, fd, offset);
}

static long reserve(u64 size)
{
	return map_below(size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/* There may be room for a mapping to grow beyond the limit. */
static long resize_in_place(u64 address, u64 old_size, u64 size)
{
	if (size > old_size && __tp_beyond_limit(address + round_up(size)))
		return -ENOMEM;
	return RAW(SYS_mremap, address, old_size, size, 0);
}

long __tp_mremap(u64 address, u64 old_size, u64 size, u64 flags, u64 target)
{
	long got, place;

	if (!flags)
		return resize_in_place(address, old_size, size);
	if (flags & MREMAP_FIXED || !(flags & MREMAP_MAYMOVE))
		return RAW(SYS_mremap, address, old_size, size, flags, target);
	if (!choosing()) {
		got = RAW(SYS_mremap, address, old_size, size, flags);
		if (!too_high(got, size))
			return got;
		start_choosing();
		address = got; /* move it once more */
		old_size = size;
		flags = MREMAP_MAYMOVE;
	} else if (old_size && !(flags & MREMAP_DONTUNMAP)) {
		got = resize_in_place(address, old_size, size);
		if (got != -ENOMEM)
			return got;
	}
	place = reserve(size);
	if (failed(place))
		return place;
	got = RAW(SYS_mremap, address, old_size, size, flags | MREMAP_FIXED, place);
	if (failed(got))
		__tp_munmap(place, size);
	return got;
}

long __tp_munmap(u64 address, u64 size)
{
	long got = RAW(SYS_munmap, address, size);
	u64 lowest = address;

	if (got == 0 && address) /* what was mapped last goes first: so its place is used again */
		__atomic_compare_exchange_n(&hint, &lowest, address + round_up(size), 0, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED);
	return got;
}

long __tp_shmat(long id, u64 address, u64 flags)
{
	struct { u64 permissions[6], size, rest[7]; } segment; /* struct shmid64_ds */
	long got = RAW(SYS_shmat, id, address, flags), place;

	if (address || failed(got) || (place = RAW(SYS_shmctl, id, IPC_STAT, &segment)) < 0 ||
	    !too_high(got, segment.size))
		return got;
	RAW(SYS_shmdt, got);
	start_choosing();
	place = reserve(segment.size);
	if (failed(place))
		return place;
	got = RAW(SYS_shmat, id, place, flags | SHM_REMAP);
	if (failed(got))
		__tp_munmap(place, segment.size);
	return got;
}

long __tp_map_stack(u64 size, u64 guard, char **low)
{
	long got;

	size = round_up(size);
	got = __tp_mmap(0, guard + size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (failed(got))
		return got;
	*low = (char *)got + guard;
	got = RAW(SYS_mprotect, *low, size, PROT_READ | PROT_WRITE);
	if (failed(got)) {
		__tp_munmap((u64)*low - guard, guard + size);
		return got;
	}
	return (long)*low + size;
}
