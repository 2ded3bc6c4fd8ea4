/* Threads: mutexes, conditions, barriers, locks, keys, thread-local variables, attributes, detached ones. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 8, ROUNDS = 20000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin;
static pthread_barrier_t barrier;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static sem_t semaphore;
static long total, spun, once_calls, destroyed, turn;

static __thread int number = 5;
static _Thread_local char text[100] = "template";
static __thread struct { long a, b[20]; } zero;
_Alignas(32) __thread int aligned = 9;

static void count_once(void) { once_calls++; }
static void destroy(void *value) { __atomic_fetch_add(&destroyed, (long)value, __ATOMIC_RELAXED); }

static void *work(void *argument)
{
	long me = (long)argument, serial = 0;

	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		total++;
		pthread_mutex_unlock(&mutex);
		pthread_spin_lock(&spin);
		spun++;
		pthread_spin_unlock(&spin);
		if (i % 8 == 0) {
			pthread_rwlock_rdlock(&rwlock);
			serial += total & 0;
			pthread_rwlock_unlock(&rwlock);
		}
	}
	pthread_once(&once, count_once);
	pthread_setspecific(key, (void *)(me + 1));
	number += me;
	snprintf(text + 8, sizeof text - 8, "-%ld", me);
	zero.b[19] += me;
	if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
		sem_post(&semaphore);
	pthread_mutex_lock(&mutex);
	while (turn != me)
		pthread_cond_wait(&condition, &mutex);
	printf("%ld: %d %s %ld %ld %d %d\n", me, number, text, zero.a, zero.b[19], aligned, (int)((uintptr_t)&aligned % 32));
	turn++;
	pthread_cond_broadcast(&condition);
	pthread_mutex_unlock(&mutex);
	return (void *)(me * me);
}

static void *recurse(void *argument)
{
	volatile char pad[1000];
	long n = (long)argument;

	pad[n % 1000] = n;
	if (n == 0)
		return NULL;
	return (void *)((long)recurse((void *)(n - 1)) + (pad[n % 1000] == (char)n));
}

static void *detached(void *unused)
{
	sem_post(&semaphore);
	return NULL;
}

static void *own_stack(void *low)
{
	char here;
	void *address;
	size_t size;
	pthread_attr_t attr;

	pthread_getattr_np(pthread_self(), &attr);
	pthread_attr_getstack(&attr, &address, &size);
	pthread_attr_destroy(&attr);
	return (void *)(long)(low ? address == low : size >= PTHREAD_STACK_MIN) + (here = 0);
}

static int c11(void *argument)
{
	thrd_yield();
	return *(int *)argument + 1;
}

int main(void)
{
	pthread_t threads[THREADS];
	pthread_attr_t attr;
	pthread_mutexattr_t kind;
	pthread_mutex_t checked, recursive;
	struct timespec soon;
	void *result;
	long sum = 0;
	int value = 41;

	pthread_spin_init(&spin, 0);
	pthread_barrier_init(&barrier, NULL, THREADS);
	sem_init(&semaphore, 0, 0);
	pthread_key_create(&key, destroy);
	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, (void *)i);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &result);
		sum += (long)result;
	}
	sem_wait(&semaphore);
	printf("%ld %ld %ld %ld %ld %d %s\n", total, spun, sum, once_calls, destroyed, number, text);

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 8 << 20);
	pthread_create(&threads[0], &attr, recurse, (void *)5000L);
	pthread_join(threads[0], &result);
	printf("%ld\n", (long)result);
	char *stack = mmap(NULL, 1 << 18, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_attr_setstack(&attr, stack, 1 << 18);
	pthread_create(&threads[0], &attr, own_stack, stack);
	pthread_join(threads[0], &result);
	printf("%ld %ld\n", (long)result, (long)own_stack(NULL));
	pthread_attr_destroy(&attr);

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (int i = 0; i < 200; i++) {
		while (pthread_create(&threads[0], &attr, detached, NULL))
			usleep(100);
		sem_wait(&semaphore);
	}
	for (int i = 0; i < 300; i++) {
		pthread_create(&threads[0], NULL, detached, NULL);
		pthread_join(threads[0], NULL);
		sem_wait(&semaphore);
	}

	pthread_mutexattr_init(&kind);
	pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&checked, &kind);
	pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&recursive, &kind);
	pthread_mutex_lock(&checked);
	pthread_mutex_lock(&recursive);
	printf("%d %d %d\n", pthread_mutex_lock(&checked) == EDEADLK, pthread_mutex_lock(&recursive), pthread_mutex_trylock(&mutex));
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec = (soon.tv_nsec + 1000000) % 1000000000;
	printf("%d ", pthread_mutex_timedlock(&checked, &soon) != 0);
	printf("%d\n", pthread_cond_timedwait(&condition, &mutex, &soon) == ETIMEDOUT);
	printf("%d %d\n", sem_trywait(&semaphore), pthread_rwlock_trywrlock(&rwlock));
	pthread_setname_np(pthread_self(), "renamed");
	char name[20];
	pthread_getname_np(pthread_self(), name, sizeof name);
	puts(name);

	thrd_t t;
	int got;
	thrd_create(&t, c11, &value);
	thrd_join(t, &got);
	printf("%d %d\n", got, sched_getcpu() >= 0);
	pthread_exit((puts("exit of the main thread"), NULL));
}
