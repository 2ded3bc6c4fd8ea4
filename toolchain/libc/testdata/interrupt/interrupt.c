/*
 * Waits for a byte on standard input in calls that the kernel ends with EINTR
 * when the process was stopped, though no handler has run.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	struct epoll_event event = { EPOLLIN, { .u64 = 0x0123456789abcdef } }, got = { 0 };
	struct sembuf down = { 0, -1, 0 }, up = { 0, 1, 0 };
	int e = epoll_create1(0), s = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600), n;
	char c;

	epoll_ctl(e, EPOLL_CTL_ADD, 0, &event);
	puts("ready");
	fflush(stdout);
	n = epoll_wait(e, &got, 1, -1);
	printf("%d %s %d\n", n, n < 0 ? strerror(errno) : "", got.data.u64 == event.data.u64);
	fflush(stdout);
	read(0, &c, 1);
	if (fork() == 0) {
		read(0, &c, 1);
		semop(s, &up, 1);
		_exit(0);
	}
	n = semop(s, &down, 1);
	printf("%d %s\n", n, n < 0 ? strerror(errno) : "");
	semctl(s, 0, IPC_RMID);
	wait(NULL);
	return 0;
}
