/*
 * test_procfs.c: what the kernel says of this process, against what is known of it.
 */
#include "server/observe/procfs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/unittest.h"

START_TEST(descriptors)
{
    struct rl_process before, after;
    struct rlimit limit;
    int fds[10];
    rl_process_read(&before);
    for (int i = 0; i < 10; i++)
        fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    rl_process_read(&after);
    for (int i = 0; i < 10; i++)
        close(fds[i]);
    ck_assert_double_eq(after.open_fds - before.open_fds, 10);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_double_eq(after.max_fds, (double)limit.rlim_cur);
}
END_TEST

START_TEST(memory)
{
    enum { SIZE = 64 << 20 };
    struct rl_process before, mapped, touched;
    rl_process_read(&before);
    char *const block =
        mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(block, MAP_FAILED);
    rl_process_read(&mapped);
    memset(block, 1, SIZE);
    rl_process_read(&touched);
    munmap(block, SIZE);
    ck_assert_double_ge(mapped.virtual_bytes - before.virtual_bytes, SIZE);
    ck_assert_double_lt(mapped.resident_bytes - before.resident_bytes, SIZE / 2);
    ck_assert_double_ge(touched.resident_bytes - before.resident_bytes, SIZE / 2);
}
END_TEST

START_TEST(times)
{
    struct rl_process before, after;
    const double now = (double)time(NULL);
    rl_process_read(&before);
    ck_assert_double_le(before.start_time, now + 1);
    ck_assert_double_ge(before.start_time, now - 3600);
    do
        rl_process_read(&after); /* which is work enough */
    while (after.cpu_seconds <= before.cpu_seconds && (double)time(NULL) < now + 30);
    ck_assert_double_gt(after.cpu_seconds, before.cpu_seconds);
    ck_assert_double_eq_tol(after.start_time, before.start_time, 0.1);
}
END_TEST
