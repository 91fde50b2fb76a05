/* A clock of the day that a test can set, for programs that are started with this in LD_PRELOAD: it is as many seconds
   off as the 64-bit number in the file says that TEST_CLOCK names. The other clocks are as they are. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

static int (*real)(clockid_t, struct timespec *);
static const volatile int64_t *seconds;

/* Mapped at the start: what locks itself in cannot open files later. */
__attribute__((constructor)) static void begin(void)
{
    real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    const char *path = getenv("TEST_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *mapped = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *seconds, PROT_READ, MAP_SHARED, file, 0);
    seconds = mapped == MAP_FAILED ? NULL : mapped;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int failed = real(clock, time);
    if (!failed && clock == CLOCK_REALTIME && seconds)
        time->tv_sec += *seconds;
    return failed;
}
