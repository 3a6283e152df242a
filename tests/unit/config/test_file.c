/*
 * test_file.c: small files are read whole; errors name the file.
 */
#include "config/file.h"

#include "tests/unit/scratchfile.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "tests/lib/unittest.h"

static enum rl_status read_file(const char *path, size_t max, char **ret_data, size_t *ret_length,
                                struct rl_error *error)
{
    return rl_file_read(path, "some-file", max, ret_data, ret_length, error);
}

/* Every length around the sizes at which the buffer grows comes back byte for byte. */
START_TEST(reads_whole_files)
{
    static const size_t lengths[] = {0, 1, 4094, 4095, 4096, 4097, 8191, 8192, 8193, 100000};
    struct rl_error error;
    char *data;
    size_t length;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        char *const bytes = malloc(lengths[i] + 1);
        for (size_t at = 0; at < lengths[i]; at++)
            bytes[at] = (char)(at * 7);
        const char *const path = scratch_write("whole", bytes, lengths[i]);
        ck_assert_int_eq(read_file(path, 100000, &data, &length, &error), RL_OK);
        ck_assert_uint_eq(length, lengths[i]);
        ck_assert_int_eq(memcmp(data, bytes, length), 0);
        ck_assert_int_eq(data[length], '\0');
        free(data);
        free(bytes);
    }
}
END_TEST

START_TEST(stops_at_the_limit)
{
    struct rl_error error;
    char *data;
    size_t length;
    const char *const path = scratch_text("limit", "0123456789");
    ck_assert_int_eq(read_file(path, 10, &data, &length, &error), RL_OK);
    free(data);
    ck_assert_int_eq(read_file(path, 9, &data, &length, &error), RL_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.detail, "too large"));
    ck_assert_int_eq(read_file("/dev/zero", 100000, &data, &length, &error), RL_CONFIG);
}
END_TEST

START_TEST(says_what_is_wrong)
{
    struct rl_error error;
    char *data = NULL;
    size_t length = 77;
    ck_assert_int_eq(read_file(scratch_path("absent"), 10, &data, &length, &error), RL_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.detail, "some-file: cannot read "));
    ck_assert_ptr_nonnull(strstr(error.detail, "No such file"));
    ck_assert_int_eq(read_file(scratch_directory, 10, &data, &length, &error), RL_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.detail, "directory"));
    ck_assert_ptr_null(data);
    ck_assert_uint_eq(length, 77);
}
END_TEST

/* A pipe whose writer is silent must not hang a reload. */
START_TEST(gives_up_on_a_silent_pipe)
{
    struct rl_error error;
    char *data;
    size_t length;
    const char *const path = scratch_path("pipe");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    const int writer = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(writer, 0);
    ck_assert_int_eq(read_file(path, 10, &data, &length, &error), RL_CONFIG);
    ck_assert_int_eq(write(writer, "abc", 3), 3);
    ck_assert_int_eq(read_file(path, 2, &data, &length, &error), RL_CONFIG);
    close(writer);
}
END_TEST

void test_before_all(void)
{
    scratch_create();
}
