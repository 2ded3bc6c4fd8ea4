/* Cancellation: at points and at once, with clean-up, and calls that are not to be cancelled. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fd[2];
static sem_t ready;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void note(void *what) { printf("cleanup %s\n", (char *)what); }
static volatile int stopped;
static void stop(void *unused) { stopped = 1; } /* nothing more may be called when it comes at once */
static void unlock(void *m) { pthread_mutex_unlock(m); }

static void *in_read(void *unused)
{
	char c;

	pthread_cleanup_push(note, "read");
	sem_post(&ready);
	read(fd[0], &c, 1);
	pthread_cleanup_pop(0);
	return NULL;
}

static void *in_wait(void *unused)
{
	pthread_mutex_lock(&mutex);
	pthread_cleanup_push(unlock, &mutex);
	pthread_cleanup_push(note, "condition");
	sem_post(&ready);
	for (;;)
		pthread_cond_wait(&condition, &mutex);
	pthread_cleanup_pop(0);
	pthread_cleanup_pop(0);
	return NULL;
}

static void *spinning(void *unused)
{
	int old;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
	pthread_cleanup_push(stop, NULL);
	sem_post(&ready);
	for (;;)
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
	pthread_cleanup_pop(0);
	return NULL;
}

static void *disabled(void *unused)
{
	int old;
	char c = 0;
	ssize_t n;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	sem_post(&ready);
	n = read(fd[0], &c, 1);
	printf("disabled: %zd %c\n", n, c);
	pthread_setcancelstate(old, NULL);
	pthread_testcancel();
	puts("not reached");
	return NULL;
}

static void *computing(void *unused)
{
	volatile long n = 0;

	sem_post(&ready);
	for (;;) {
		for (int i = 0; i < 1000; i++)
			n++;
		pthread_testcancel();
	}
}

static void *mixed(void *unused)
{
	char buffer[64];

	sem_post(&ready);
	for (;;) {
		write(fd[1], "0123456789", 10);
		read(fd[0], buffer, 10);
		usleep(1);
	}
}

static void cancel(void *(*f)(void *))
{
	pthread_t t;
	void *result;

	pthread_create(&t, NULL, f, NULL);
	sem_wait(&ready);
	pthread_cancel(t);
	if (f == disabled) {
		usleep(5000);
		write(fd[1], "d", 1);
	}
	pthread_join(t, &result);
	if (result != PTHREAD_CANCELED)
		puts("not cancelled");
}

int main(void)
{
	sem_init(&ready, 0, 0);
	pipe(fd);
	for (int i = 0; i < 100; i++)
		cancel(mixed);
	close(fd[0]);
	close(fd[1]);
	pipe(fd);
	cancel(in_read);
	cancel(in_wait);
	cancel(spinning);
	printf("%d\n", stopped);
	cancel(disabled);
	cancel(computing);
	printf("%d\n", pthread_mutex_trylock(&mutex));
	return 0;
}
