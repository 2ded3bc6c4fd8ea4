/*
 * counter: one line a few times a second, for ever, whichever architecture it
 * happens to run on:
 *
 *	x86_64  count=42 sum=4.326746 signals=3 pid=21007
 *
 * count goes up by one a line, sum is 1/1 + 1/2 + ... + 1/count, and signals
 * is how many SIGUSR1 have arrived. Between two lines it computes for a while
 * and sleeps for a while.
 *
 * usage: counter [busy|sleepy] [lines]
 */
#include "rt/frame.h"

struct timespec { long s, ns; };

/* The kernel's, with which it is the same on all ISAs. */
struct sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask;
};

enum {
	STDOUT = 1,
	STDERR = 2,
	CLOCK_MONOTONIC = 1,
	SIGUSR1 = 10,
	SA_RESTORER = 0x04000000,
	MS = 1000000,             /* in nanoseconds */
	ROUNDS = 100000,          /* of work between two looks at the clock */
};

/* What to do between two lines, each in nanoseconds, and for how many lines. */
struct plan {
	long busy;
	long asleep;
	unsigned long lines;      /* 0: no limit */
};

static const char busy[] = "busy";
static const char sleepy[] = "sleepy";
static const char usage[] = "usage: counter [busy|sleepy] [lines]\n";

/* All that differs between the two programs. */
static const char arch[16] =
#if defined(__x86_64__)
	"x86_64";
#elif defined(__aarch64__)
	"aarch64";
#endif

static const char count_is[] = "  count=";
static const char sum_is[] = " sum=";
static const char signals_is[] = " signals=";
static const char pid_is[] = " pid=";

static volatile unsigned long signals;

/* The handler has no polls: a thread is not moved while it runs. */
static void on_signal(int number)
{
	(void)number;
	signals++;
}

/* Leaves: they make no call that could reach a poll, and use C locals freely. */

static char *put_text(char *p, const char *text)
{
	while (*text)
		*p++ = *text++;
	return p;
}

/* At least so many digits. */
static char *put_number(char *p, unsigned long value, int digits)
{
	unsigned long power = 1;

	while (--digits > 0)
		power *= 10;
	while (value / power >= 10)
		power *= 10;
	for (; power; power /= 10)
		*p++ = '0' + value / power % 10;
	return p;
}

/* A line; sum is rounded to millionths, halves upwards. Returns its end. */
static char *format(char *p, unsigned long count, double sum, long pid)
{
	unsigned long millionths = (long)(sum * 1e6 + 0.5);

	p = put_text(p, arch);
	p = put_text(p, count_is);
	p = put_number(p, count, 1);
	p = put_text(p, sum_is);
	p = put_number(p, millionths / 1000000, 1);
	*p++ = '.';
	p = put_number(p, millionths % 1000000, 6);
	p = put_text(p, signals_is);
	p = put_number(p, signals, 1);
	p = put_text(p, pid_is);
	p = put_number(p, pid, 1);
	*p++ = '\n';
	return p;
}

static int equal(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

/* Returns 0 if the arguments are none that we know. */
static int parse(struct plan *plan, int argc, char **argv)
{
	const char *p;
	int i;

	plan->busy = 100 * MS;
	plan->asleep = 150 * MS;
	plan->lines = 0;
	for (i = 1; i < argc; i++) {
		if (equal(argv[i], busy)) {
			plan->busy = 250 * MS;
			plan->asleep = 0;
		} else if (equal(argv[i], sleepy)) {
			plan->busy = 0;
			plan->asleep = 250 * MS;
		} else {
			for (p = argv[i]; *p >= '0' && *p <= '9'; p++)
				plan->lines = plan->lines * 10 + (*p - '0');
			if (*p || p == argv[i])
				return 0;
		}
	}
	return 1;
}

/* From here on all functions may be on the stack while their thread is moved. */

struct write_frame {
	int fd;
	const char *next, *end;
	long result;
};

/* Writes all of it. The result is 0 or a negative error number. */
static long write_all(int fd, const char *text, const char *end)
{
	ENTER(struct write_frame);
	F->fd = fd;
	F->next = text;
	F->end = end;
	POLL();
	while (F->next < F->end) {
		F->result = __tp_syscall(SYS_write, F->fd, (long)F->next, F->end - F->next, 0, 0, 0);
		if (F->result < 0 && F->result != -EINTR)
			RETURN(F->result);
		if (F->result > 0)
			F->next += F->result;
		POLL();
	}
	RETURN(0L);
}

struct report_frame {
	unsigned long count;
	double sum;
	long pid, result;
	char line[128];
};

static long report(unsigned long count, double sum)
{
	ENTER(struct report_frame);
	F->count = count;
	F->sum = sum;
	POLL();
	F->pid = __tp_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
	F->result = write_all(STDOUT, F->line, format(F->line, F->count, F->sum, F->pid));
	RETURN(F->result);
}

struct nap_frame {
	struct timespec left;
	long result;
};

static void nap(long ns)
{
	ENTER(struct nap_frame);
	F->left.s = ns / (1000 * MS);
	F->left.ns = ns % (1000 * MS);
	POLL();
	/* The kernel keeps left up to date at each interruption, so that it
	   does not matter whether it goes on, we do, or another kernel. */
	do {
		F->result = __tp_syscall(SYS_nanosleep, (long)&F->left, (long)&F->left, 0, 0, 0, 0);
		POLL();
	} while (F->result == -EINTR);
	LEAVE();
}

struct work_frame {
	long i;
	double done;
};

/* Does that many rounds of something, and tells how many it did. */
static double work(long rounds)
{
	ENTER(struct work_frame);
	F->done = 0;
	F->i = rounds;
	POLL();
	for (; F->i > 0; F->i--) {
		F->done += 1;
		POLL();
	}
	RETURN(F->done);
}

struct clock_frame {
	struct timespec time;
	long result;
};

/* The monotonic clock in nanoseconds. Another host has another one. */
static long now(void)
{
	ENTER(struct clock_frame);
	POLL();
	F->result = __tp_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&F->time, 0, 0, 0, 0);
	RETURN(F->time.s * 1000 * MS + F->time.ns);
}

struct compute_frame {
	long ns, start, elapsed;
	long rounds;
	double part, done;
};

/* Computes for that long, or until the clock jumps. Returns 1, if all went well. */
static double compute(long ns)
{
	ENTER(struct compute_frame);
	F->ns = ns;
	F->rounds = 0;
	F->done = 0;
	POLL();
	F->start = now();
	do {
		F->part = work(ROUNDS);
		F->done += F->part;
		F->rounds += ROUNDS;
		F->elapsed = now();
		F->elapsed -= F->start;
		POLL();
	} while (F->elapsed >= 0 && F->elapsed < F->ns);
	RETURN(F->done / F->rounds);
}

struct step_frame {
	const struct plan *plan;
	unsigned long n;
	double one;
};

/* The n-th term of the sum, after the time the plan wants it to take. */
static double step(const struct plan *plan, unsigned long n)
{
	ENTER(struct step_frame);
	F->plan = plan;
	F->n = n;
	POLL();
	F->one = compute(F->plan->busy);
	if (F->plan->asleep)
		nap(F->plan->asleep);
	RETURN(F->one / (long)F->n);
}

struct measure_frame {
	const struct plan *plan;
	unsigned long count;
	double term, sum;
	long result;
};

static long measure(const struct plan *plan)
{
	ENTER(struct measure_frame);
	F->plan = plan;
	F->count = 0;
	F->sum = 0;
	F->result = 0;
	POLL();
	while (F->result == 0 && (F->plan->lines == 0 || F->count < F->plan->lines)) {
		F->count++;
		F->term = step(F->plan, F->count);
		F->sum += F->term;
		F->result = report(F->count, F->sum);
		POLL();
	}
	RETURN(F->result);
}

struct main_frame {
	int argc;
	char **argv;
	struct plan plan;
	struct sigaction action;
	long result;
};

int main(int argc, char **argv)
{
	ENTER(struct main_frame);
	F->argc = argc;
	F->argv = argv;
	POLL();
	if (!parse(&F->plan, F->argc, F->argv)) {
		F->result = write_all(STDERR, usage, usage + sizeof usage - 1);
		RETURN(2);
	}
	F->action.handler = on_signal;
	F->action.flags = SA_RESTORER;
	F->action.restorer = __tp_restorer;
	F->action.mask = 0;
	F->result = __tp_syscall(SYS_rt_sigaction, SIGUSR1, (long)&F->action, 0, sizeof F->action.mask, 0, 0);
	if (F->result == 0)
		F->result = measure(&F->plan);
	RETURN(F->result != 0);
}
