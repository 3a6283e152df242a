/*
 * fuzz_config.c: any bytes as configuration file, environment and command line.
 *
 * The input is cut at NUL bytes: the first piece is the file, pieces that begin with '-' are flags,
 * the rest are variables. Loading succeeds or fails with one line; a reload keeps the values that
 * may not change.
 */
#include "config/sources.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/fuzzer.h"

enum { PIECES = 24 };

struct input {
    char *text; /* NUL terminated, with NULs inside */
    size_t file_length;
    char *argv[PIECES + 4], *environment[PIECES + 1];
    int argc;
    size_t variables;
};

static void add_piece(struct input *input, char *piece)
{
    if (piece[0] == '-' && input->argc < PIECES)
        input->argv[input->argc++] = piece;
    else if (piece[0] != '\0' && input->variables < PIECES)
        input->environment[input->variables++] = piece;
}

static void cut(struct input *input, const uint8_t *data, size_t size, char *flag)
{
    input->text = malloc(size + 1);
    REQUIRE(input->text != NULL);
    memcpy(input->text, data, size);
    input->text[size] = '\0';
    input->file_length = strlen(input->text);
    input->argv[input->argc++] = flag; /* the program's name; any text will do */
    input->argv[input->argc++] = flag;
    for (size_t at = input->file_length + 1; at < size; at += strlen(input->text + at) + 1)
        add_piece(input, input->text + at);
}

/* A file in memory with this content; its path is written to `ret_flag` as --config=…. */
static int make_file(const uint8_t *data, size_t size, char *ret_flag, size_t room)
{
    const int fd = memfd_create("config", MFD_CLOEXEC);
    const size_t length = strnlen((const char *)data, size);
    REQUIRE(fd >= 0 && write(fd, data, length) == (ssize_t)length);
    snprintf(ret_flag, room, "--config=/proc/self/fd/%d", fd);
    return fd;
}

static void ignore(void *context, const struct rl_setting *setting)
{
    (void)context;
    (void)setting;
}

/* A reload of an empty configuration keeps what may not change. */
static void check_reload(const struct rl_settings *settings)
{
    struct rl_error error;
    struct rl_settings *next;
    REQUIRE(rl_settings_create(&next, &error) == RL_OK);
    REQUIRE(rl_settings_keep_fixed(next, settings, ignore, NULL, &error) == RL_OK);
    for (int id = 0; id < RL_SETTINGS; id++) {
        const struct rl_setting *const setting = rl_setting_get((enum rl_setting_id)id);
        REQUIRE(setting->reloadable || rl_settings_equal(settings, next, setting));
    }
    rl_settings_free(next);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char flag[64];
    const int fd = make_file(data, size, flag, sizeof(flag));
    struct input input = {0};
    cut(&input, data, size, flag);
    const struct rl_sources sources = {
        .argc = input.argc, .argv = input.argv, .environment = input.environment};
    struct rl_settings *settings = NULL;
    struct rl_error error = {0};
    const char *url = NULL;
    rl_sources_action(&sources, &url);
    if (rl_settings_load(&sources, &settings, &error) == RL_OK) {
        check_reload(settings);
        rl_settings_free(settings);
    } else {
        REQUIRE(!settings && error.status == RL_CONFIG && error.detail[0] != '\0');
        REQUIRE(strchr(error.detail, '\n') == NULL);
    }
    free(input.text);
    close(fd);
    return 0;
}
