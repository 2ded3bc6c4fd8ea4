/* Calendar and clocks. What is printed does not depend on when it runs. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long between(struct timespec a, struct timespec b)
{
	return (b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec;
}

int main(void)
{
	static const time_t times[] = { 0, 1, 951782400, 1700000000, -1, -86400 * 365L * 70, 253402200000 };
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_COARSE };
	struct timespec a, b, pause = { 0, 2000000 };
	struct timeval now;
	struct tm tm;
	char text[200], *end;

	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		gmtime_r(&times[i], &tm);
		strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %A %B %j %U %V %G %C %y", &tm);
		printf("%s %ld\n", text, (long)timegm(&tm));
		localtime_r(&times[i], &tm);
		strftime(text, sizeof text, "%c %Z %z %p %I %D %R %e", &tm);
		printf("%s %ld ", text, (long)mktime(&tm));
		printf("%d\n", tm.tm_isdst);
		printf("%s", asctime(&tm));
	}
	memset(&tm, 0, sizeof tm);
	end = strptime("2024-02-29 12:34:56 rest", "%Y-%m-%d %H:%M:%S", &tm);
	printf("%s|%d %d %d\n", end, tm.tm_year, tm.tm_mon, tm.tm_sec);
	tm.tm_mday += 400;
	tm.tm_isdst = -1;
	printf("%ld ", (long)mktime(&tm));
	printf("%d\n", tm.tm_wday);
	printf("%g\n", difftime(times[3], times[2]));

	for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
		printf("%d ", clock_gettime(clocks[i], &a));
		for (int k = 0; k < 1000; k++)
			clock_gettime(clocks[i], &b);
		printf("%d ", between(a, b) >= 0);
	}
	printf("%d\n", clock_gettime(12345, &a));
	clock_gettime(CLOCK_MONOTONIC, &a);
	nanosleep(&pause, NULL);
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%d\n", between(a, b) >= 2000000);
	clock_gettime(CLOCK_MONOTONIC, &a);
	a.tv_nsec = (a.tv_nsec + 1000000) % 1000000000;
	printf("%d\n", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &a, NULL));
	gettimeofday(&now, NULL);
	printf("%d %d\n", labs(now.tv_sec - time(NULL)) < 5, clock() >= 0);
	printf("%d %d\n", clock_getres(CLOCK_MONOTONIC, &a), usleep(1));
	return 0;
}
