/* Signals: handlers and what they are told, masks, nesting, timers, waiting, stacks, interrupted calls. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static volatile sig_atomic_t count, depth, deepest, last;
static volatile int told_value, told_code, in_mask;
static sigjmp_buf back;

static void result(long r) { printf("%ld %s\n", r, r < 0 ? strerror(errno) : ""); }

static void counter(int sig) { count++; last = sig; }

static void nest(int sig)
{
	char pad[2000];

	memset(pad, sig, sizeof pad);
	depth++;
	if (depth > deepest)
		deepest = depth;
	if (depth < 10)
		raise(SIGUSR1);
	for (size_t i = 0; i < sizeof pad; i++)
		if (pad[i] != (char)sig)
			abort();
	depth--;
}

static void informed(int sig, siginfo_t *info, void *context)
{
	sigset_t now;

	told_value = info->si_value.sival_int;
	told_code = info->si_code;
	sigprocmask(SIG_BLOCK, NULL, &now);
	in_mask = sigismember(&now, sig) * 10 + sigismember(&now, SIGUSR1);
	/* What the mask will be after the handler. */
	sigaddset(&((ucontext_t *)context)->uc_sigmask, SIGWINCH);
}

static void fault(int sig, siginfo_t *info, void *context)
{
	told_value = info->si_addr == (void *)24;
	siglongjmp(back, sig);
}

static void on_stack(int sig)
{
	stack_t now;

	sigaltstack(NULL, &now);
	last = (now.ss_flags & SS_ONSTACK) != 0;
}

static void jump_away(int sig) { siglongjmp(back, 1); }

static void *interrupt(void *thread)
{
	for (int i = 0; i < 50; i++) {
		usleep(500);
		pthread_kill(*(pthread_t *)thread, SIGUSR1);
	}
	return NULL;
}

static void timer_expired(union sigval v) { *(volatile int *)v.sival_ptr = 1; }

int main(void)
{
	struct sigaction action = { .sa_handler = counter }, old;
	sigset_t set, was;
	struct timespec limit = { 5, 0 }, none = { 0, 0 };
	siginfo_t info;
	int fd[2];

	sigaction(SIGUSR1, &action, &old);
	printf("%d\n", old.sa_handler == SIG_DFL);
	sigaction(SIGUSR1, NULL, &old);
	printf("%d %x\n", old.sa_handler == counter, old.sa_flags & ~0x04000000);
	raise(SIGUSR1);
	kill(getpid(), SIGUSR1);
	printf("%d\n", count);
	printf("%d ", signal(SIGUSR1, SIG_IGN) == counter);
	printf("%d\n", raise(SIGUSR1));
	printf("%d\n", signal(SIGUSR1, counter) == SIG_IGN);
	action.sa_flags = SA_RESETHAND;
	sigaction(SIGUSR2, &action, NULL);
	raise(SIGUSR2);
	sigaction(SIGUSR2, NULL, &old);
	printf("%d %d\n", count, old.sa_handler == SIG_DFL);
	result(sigaction(SIGKILL, &action, NULL));

	action.sa_flags = SA_NODEFER;
	action.sa_handler = nest;
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	printf("%d %d\n", deepest, depth);

	action.sa_flags = SA_SIGINFO;
	action.sa_sigaction = informed;
	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGUSR1);
	sigaction(SIGRTMIN, &action, NULL);
	sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 4711 });
	sigprocmask(SIG_BLOCK, NULL, &set);
	printf("%d %d %d %d\n", told_value, told_code == SI_QUEUE, in_mask, sigismember(&set, SIGWINCH));

	signal(SIGUSR1, counter);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &was);
	count = 0;
	raise(SIGUSR1);
	sigpending(&set);
	printf("%d %d\n", count, sigismember(&set, SIGUSR1));
	sigsuspend(&was);
	printf("%d\n", count);
	raise(SIGUSR1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	printf("%d\n", sigwaitinfo(&set, &info) == SIGUSR1);
	result(sigtimedwait(&set, &info, &none));
	sigprocmask(SIG_SETMASK, &was, NULL);

	/* A fault, and a jump out of its handler, many times. */
	action.sa_sigaction = fault;
	sigemptyset(&action.sa_mask);
	sigaction(SIGSEGV, &action, NULL);
	for (volatile int i = 0; i < 300; i++)
		if (!sigsetjmp(back, 1))
			*(volatile int *)24 = 1;
	sigprocmask(SIG_BLOCK, NULL, &set);
	printf("%d %d\n", told_value, sigismember(&set, SIGSEGV));
	/* Out of several nested ones at once. */
	action.sa_handler = nest;
	action.sa_flags = SA_NODEFER;
	sigaction(SIGUSR1, &action, NULL);
	signal(SIGALRM, jump_away);
	deepest = 0;
	if (!sigsetjmp(back, 1)) {
		depth = -100;
		alarm(1);
		for (;;) {
			raise(SIGUSR1);
			depth = -100;
			pause();
		}
	}
	printf("%d\n", deepest);
	depth = 0;
	raise(SIGUSR1);
	printf("%d\n", deepest);

	stack_t alternate = { .ss_sp = malloc(SIGSTKSZ), .ss_size = SIGSTKSZ };
	printf("%d\n", sigaltstack(&alternate, NULL));
	action.sa_handler = on_stack;
	action.sa_flags = SA_ONSTACK;
	sigaction(SIGUSR2, &action, NULL);
	raise(SIGUSR2);
	printf("%d\n", last);

	/* Interrupted calls: restarted or not. */
	pthread_t main_thread = pthread_self(), other;
	char c;
	action.sa_handler = counter;
	action.sa_flags = 0;
	sigaction(SIGUSR1, &action, NULL);
	pipe(fd);
	pthread_create(&other, NULL, interrupt, &main_thread);
	result(read(fd[0], &c, 1));
	printf("%d\n", nanosleep(&limit, &none) == -1 && errno == EINTR && none.tv_sec <= 5);
	pthread_join(other, NULL);
	action.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &action, NULL);
	pthread_create(&other, NULL, interrupt, &main_thread);
	if (fork() == 0) {
		usleep(60000);
		write(fd[1], "x", 1);
		_exit(0);
	}
	result(read(fd[0], &c, 1));
	putchar(c);
	pthread_join(other, NULL);
	while (wait(NULL) < 0 && errno == EINTR)
		;

	/* Timers. */
	struct itimerval interval = { { 0, 1000 }, { 0, 1000 } };
	signal(SIGALRM, counter);
	count = 0;
	setitimer(ITIMER_REAL, &interval, NULL);
	while (count < 20)
		pause();
	memset(&interval, 0, sizeof interval);
	setitimer(ITIMER_REAL, &interval, NULL);
	printf("%d\n", last == SIGALRM);
	volatile int expired = 0;
	timer_t timer;
	struct sigevent event = { .sigev_notify = SIGEV_THREAD, .sigev_notify_function = timer_expired, .sigev_value.sival_ptr = (void *)&expired };
	struct itimerspec once = { { 0, 0 }, { 0, 1000000 } };
	printf("%d", timer_create(CLOCK_MONOTONIC, &event, &timer));
	timer_settime(timer, 0, &once, NULL);
	while (!expired)
		usleep(1000);
	printf(" %d\n", timer_delete(timer));
	return 0;
}
