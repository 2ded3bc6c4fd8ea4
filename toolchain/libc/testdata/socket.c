/* Sockets, name look-up of numbers, poll, select, epoll, events. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static void *serve(void *listener)
{
	int s = accept4(*(int *)listener, NULL, NULL, SOCK_CLOEXEC), n;
	char b[100];

	while ((n = recv(s, b, sizeof b, 0)) > 0) {
		for (int i = 0; i < n; i++)
			b[i] ^= 0x20;
		send(s, b, n, MSG_NOSIGNAL);
	}
	close(s);
	return NULL;
}

static void tcp(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof a;
	int l = socket(AF_INET, SOCK_STREAM, 0), c, one = 1, got = 0;
	pthread_t t;
	char b[10] = { 0 };

	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	printf("%d ", bind(l, (void *)&a, sizeof a));
	printf("%d\n", listen(l, 5));
	getsockname(l, (void *)&a, &length);
	pthread_create(&t, NULL, serve, &l);
	c = socket(AF_INET, SOCK_STREAM, 0);
	printf("%d\n", connect(c, (void *)&a, sizeof a));
	setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	send(c, "Hello", 5, 0);
	printf("%zd ", recv(c, b, 5, MSG_WAITALL));
	puts(b);
	length = sizeof got;
	getsockopt(c, SOL_SOCKET, SO_TYPE, &got, &length);
	printf("%d\n", got == SOCK_STREAM);
	shutdown(c, SHUT_WR);
	pthread_join(t, NULL);
	printf("%zd\n", recv(c, b, 5, 0));
	close(c);
	close(l);
}

static void messages(void)
{
	int s[2], passed[2], fd;
	char b[20] = { 0 };
	struct iovec out[2] = { { "ab", 2 }, { "cde", 3 } }, in = { b, sizeof b };
	union { char space[CMSG_SPACE(sizeof fd)]; struct cmsghdr align; } control = { 0 };
	struct msghdr m = { .msg_iov = out, .msg_iovlen = 2, .msg_control = &control, .msg_controllen = sizeof control };

	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s);
	pipe(passed);
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(h), &passed[1], sizeof fd);
	printf("%zd\n", sendmsg(s[0], &m, 0));
	m.msg_iov = &in;
	m.msg_iovlen = 1;
	printf("%zd ", recvmsg(s[1], &m, MSG_CMSG_CLOEXEC));
	puts(b);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
	write(fd, "through", 7);
	printf("%zd\n", read(passed[0], b, sizeof b));
}

static void waiting(void)
{
	int p[2], q[2], e = epoll_create1(EPOLL_CLOEXEC), n, t, ev;
	struct epoll_event a = { EPOLLIN, { .u64 = 0x1122334455667788 } }, b = { EPOLLIN | EPOLLET, { .u64 = 0x99aabbccddeeff00 } }, c = { EPOLLOUT, { .fd = 7 } }, got[10];
	unsigned long x = 0;
	uint64_t count;

	pipe(p);
	pipe(q);
	printf("%d %d %d\n", epoll_ctl(e, EPOLL_CTL_ADD, p[0], &a), epoll_ctl(e, EPOLL_CTL_ADD, q[0], &b), epoll_ctl(e, EPOLL_CTL_ADD, q[1], &c));
	printf("%d\n", epoll_ctl(e, EPOLL_CTL_ADD, q[1], &c) == -1 && errno == EEXIST);
	write(p[1], "x", 1);
	write(q[1], "y", 1);
	memset(got, 0, sizeof got);
	n = epoll_wait(e, got, 10, 1000);
	for (int i = 0; i < n; i++)
		x ^= got[i].data.u64 * got[i].events;
	printf("%d %lx\n", n, x);
	printf("%d\n", epoll_ctl(e, EPOLL_CTL_DEL, q[1], NULL));
	n = epoll_wait(e, got, 10, 0);
	printf("%d %d\n", n, n == 1 && got[0].data.u64 == a.data.u64);
	read(p[0], &x, 1);
	printf("%d\n", epoll_wait(e, got, 10, 5));
	struct pollfd f[2] = { { p[0], POLLIN, 0 }, { q[0], POLLIN | POLLRDHUP, 0 } };
	printf("%d ", poll(f, 2, 10));
	printf("%x\n", f[1].revents);
	fd_set set;
	FD_ZERO(&set);
	FD_SET(q[0], &set);
	FD_SET(p[0], &set);
	struct timeval limit = { 1, 0 };
	printf("%d ", select(FD_SETSIZE, &set, NULL, NULL, &limit));
	printf("%d\n", FD_ISSET(q[0], &set) != 0);
	ev = eventfd(3, EFD_NONBLOCK);
	eventfd_write(ev, 4);
	eventfd_read(ev, &count);
	printf("%d\n", (int)count);
	printf("%d\n", eventfd_read(ev, &count) == -1 && errno == EAGAIN);
	t = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	struct itimerspec once = { { 0, 0 }, { 0, 1000000 } };
	timerfd_settime(t, 0, &once, NULL);
	read(t, &count, 8);
	printf("%d\n", (int)count);
	sigset_t signals;
	struct signalfd_siginfo info;
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	int s = signalfd(-1, &signals, SFD_CLOEXEC);
	raise(SIGUSR1);
	read(s, &info, sizeof info);
	printf("%d\n", info.ssi_signo == SIGUSR1);
}

int main(void)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM }, *list;
	char text[100], host[100], service[20];
	struct in6_addr six;

	tcp();
	messages();
	waiting();
	printf("%d", getaddrinfo("192.0.2.7", "80", &hints, &list));
	getnameinfo(list->ai_addr, list->ai_addrlen, host, sizeof host, service, sizeof service, NI_NUMERICHOST | NI_NUMERICSERV);
	printf(" %s %s\n", host, service);
	freeaddrinfo(list);
	printf("%d ", inet_pton(AF_INET6, "2001:db8::1:0:2", &six));
	puts(inet_ntop(AF_INET6, &six, text, sizeof text));
	printf("%x %s\n", ntohl(inet_addr("10.1.2.3")), inet_ntoa((struct in_addr){ htonl(0x7f000001) }));
	printf("%s\n", gai_strerror(EAI_NONAME));
	return 0;
}
