/*
 * Portable frames by hand: what a compiler for tpfs does by itself.
 *
 * A function that makes a call during which its thread may be moved to another
 * ISA keeps all that it needs after the call in a structure on the portable
 * stack, which looks the same on every ISA:
 *
 *	struct sum_frame { long i, total; };
 *
 *	static long sum(long n)
 *	{
 *		ENTER(struct sum_frame);
 *		F->i = n;
 *		F->total = 0;
 *		POLL();
 *		...
 *		RETURN(F->total);
 *	}
 *
 * The rules, for the native frame is lost at each such call:
 *  - parameters and C locals are not used after a call;
 *  - a call is a statement of its own: F->x = f(F->y), with nothing around it;
 *  - F is computed anew at each use. Pointers into portable frames may be kept
 *    (in frames): the portable stack does not move.
 * The compiler has its part in it: -O0 with instruction selection one
 * instruction at a time, so that it carries no address or constant across a
 * call on its own account.
 */
#ifndef FRAME_H
#define FRAME_H

#include "tp.h"

/* First in a function: takes a frame of that type. */
#define ENTER(type) \
	typedef type frame_type; \
	tp_self()->portable_sp -= FRAME_SIZE

/* The fields of the frame. */
#define F ((frame_type *)tp_self()->portable_sp)

/* Last in a function: gives the frame back. The value must not contain calls. */
#define LEAVE() (tp_self()->portable_sp += FRAME_SIZE)
#define RETURN(value) \
	do { \
		__typeof__(value) result_ = (value); \
		LEAVE(); \
		return result_; \
	} while (0)

#define FRAME_SIZE ((sizeof(frame_type) + 15) & ~15UL)

/* A place where the thread may be moved; at function entry and in each loop. */
#define POLL() \
	do { \
		if (__builtin_expect(__tp_pause != 0, 0)) \
			__tp_park(); \
	} while (0)

#endif
