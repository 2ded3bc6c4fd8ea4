/* Mappings and System V's shared memory, semaphores and queues. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

/* The addresses that a process may have on every architecture. */
static int low(void *p) { return (uintptr_t)p < 1UL << 47; }

int main(void)
{
	char *p, *q, *all[300];
	int fd, id, ok = 1;

	for (int i = 0; i < 300; i++) {
		all[i] = mmap(NULL, 4096 * (i % 50 + 1), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ok &= low(all[i]) && all[i] != MAP_FAILED;
		all[i][0] = i;
		if (i % 3 == 0)
			munmap(all[i], 4096 * (i % 50 + 1));
	}
	for (int i = 0; i < 300; i++)
		if (i % 3)
			ok &= all[i][0] == (char)i;
	printf("%d\n", ok);
	p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(p, 5, 1 << 20);
	q = mmap(p - 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	printf("%d\n", low(q));
	q = mremap(p, 1 << 20, 64 << 20, MREMAP_MAYMOVE);
	printf("%d %d %d\n", low(q), q[0], q[(1 << 20) - 1] + q[(64 << 20) - 1]);
	q = mremap(q, 64 << 20, 8192, 0);
	printf("%d %d\n", q[8191], mprotect(q, 4096, PROT_READ));
	printf("%d ", madvise(q + 4096, 4096, MADV_DONTNEED));
	printf("%d\n", q[8191]);
	p = mmap(q, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	printf("%d %d\n", p == q, p[0]);
	printf("%d ", mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	printf("%d\n", errno == EINVAL);
	printf("%d\n", mmap(NULL, 1UL << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	fd = memfd_create("x", MFD_CLOEXEC);
	ftruncate(fd, 10000);
	p = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fork() == 0) {
		strcpy(p, "from the child");
		_exit(0);
	}
	wait(NULL);
	printf("%s %d\n", p, msync(p, 10000, MS_SYNC));
	p = sbrk(100000);
	printf("%d\n", p != (void *)-1 || errno == ENOMEM);

	id = shmget(IPC_PRIVATE, 100000, IPC_CREAT | 0600);
	p = shmat(id, NULL, 0);
	q = shmat(id, NULL, 0);
	strcpy(p, "shared");
	struct shmid_ds shm;
	shmctl(id, IPC_STAT, &shm);
	printf("%d %d %s %zu %d\n", low(p), low(q), q, shm.shm_segsz, (int)shm.shm_nattch);
	shmdt(p);
	shmdt(q);
	shmctl(id, IPC_RMID, NULL);

	id = semget(IPC_PRIVATE, 3, IPC_CREAT | 0600);
	union { int val; struct semid_ds *buf; unsigned short *array; } argument = { .array = (unsigned short[]){ 1, 2, 3 } };
	semctl(id, 0, SETALL, argument);
	struct sembuf up = { 1, 5, 0 };
	semop(id, &up, 1);
	struct semid_ds sem;
	argument.buf = &sem;
	printf("%d ", semctl(id, 0, IPC_STAT, argument));
	printf("%d %d\n", (int)sem.sem_nsems, sem.sem_otime > 1000000000 && sem.sem_ctime > 1000000000);
	printf("%d\n", semctl(id, 1, GETVAL));
	semctl(id, 0, IPC_RMID);

	struct { long type; char text[10]; } m = { 3, "queue" };
	struct msqid_ds msg;
	id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
	msgsnd(id, &m, 6, 0);
	msgctl(id, IPC_STAT, &msg);
	memset(&m, 0, sizeof m);
	printf("%d %zd ", (int)msg.msg_qnum, msgrcv(id, &m, 10, 3, 0));
	printf("%s\n", m.text);
	msgctl(id, IPC_RMID, NULL);
	return 0;
}
