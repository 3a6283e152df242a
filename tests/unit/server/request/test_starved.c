/*
 * test_starved.c: each allocation of a part fails in turn, once or from then on. The part must
 * report it or do without, and release everything it took.
 *
 * malloc and related functions are replaced for the whole program, so that failures inside the
 * libraries count too. A sanitizer has its own malloc, so there nothing fails.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/sanitized.h"
#include "tests/unit/scratchfile.h"

#include "config/manual.h"
#include "config/sources.h"
#include "server/http/auth.h"
#include "server/configure.h"
#include "server/http/compress.h"
#include "server/http/cors.h"
#include "server/observe/exposition.h"
#include "server/observe/metrics.h"
#include "server/observe/tracked.h"
#include "tests/lib/unittest.h"

/* ---- An allocator that fails on demand ------------------------------------------------------ */

static struct {
    bool armed, for_ever, failed;
    long countdown; /* allocations until the one that fails */
    long live;      /* blocks taken and not given back, while armed */
} hunger;

#if !SANITIZED
#pragma GCC visibility push(default) /* the libraries must see these, too */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

static bool refuses(void)
{
    if (!hunger.armed)
        return false;
    if (hunger.failed && hunger.for_ever)
        return true;
    if (hunger.countdown-- != 0)
        return false;
    hunger.failed = true;
    return true;
}

static void *counted(void *block)
{
    hunger.live += hunger.armed && block;
    return block;
}

void *malloc(size_t size)
{
    if (refuses()) {
        errno = ENOMEM;
        return NULL;
    }
    return counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    if (refuses()) {
        errno = ENOMEM;
        return NULL;
    }
    return counted(__libc_calloc(count, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
    if (refuses()) {
        errno = ENOMEM;
        return NULL;
    }
    return counted(__libc_memalign(alignment, size));
}

void *realloc(void *block, size_t size)
{
    if (refuses()) {
        errno = ENOMEM;
        return NULL;
    }
    void *const grown = __libc_realloc(block, size);
    hunger.live += hunger.armed && !block && grown;
    return grown;
}

void *reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(block, bytes);
}

void free(void *block)
{
    hunger.live -= hunger.armed && block;
    __libc_free(block);
}
#pragma GCC visibility pop
#endif

/* ---- Parts ---------------------------------------------------------------------------------- */

static struct rl_error error;

/* Each uses one part once, releases everything and returns whether it succeeded. */
static bool load_settings(void)
{
    static char config[200], *argv[] = {"ranklossd", config, "--listen=:1", "--open-paths=/a,/b"};
    static char *environment[] = {"RANKLOSSD_CORS_ORIGINS=https://a.example", NULL};
    const struct rl_sources sources = {4, argv, environment};
    struct rl_settings *settings = NULL;
    snprintf(config, sizeof(config), "--config=%s/config.json", scratch_directory);
    const enum rl_status status = rl_configure(&sources, &settings, &error);
    if (status != RL_OK && settings)
        abort(); /* an output was touched on failure */
    rl_settings_free(settings);
    return status == RL_OK;
}

static bool print(enum rl_status (*printer)(FILE *out, struct rl_error *error))
{
    static char buffer[1 << 16];
    FILE *const out = fmemopen(buffer, sizeof(buffer), "w");
    if (!out)
        return false;
    const enum rl_status status = printer(out, &error);
    fclose(out);
    return status == RL_OK;
}

static bool print_json(void)
{
    return print(rl_settings_help_json);
}

static bool print_example(void)
{
    return print(rl_settings_example);
}

static bool load_tokens(void)
{
    static char path[200];
    struct rl_auth *auth = NULL;
    snprintf(path, sizeof(path), "%s/tokens", scratch_directory);
    const bool ok = rl_auth_create(path, &auth, &error) == RL_OK;
    if (ok && rl_auth_check(auth, "Bearer token-20") != RL_AUTH_OK)
        abort();
    if (ok && rl_auth_reload(auth, path, &error) != RL_OK &&
        rl_auth_check(auth, "Bearer token-20") != RL_AUTH_OK)
        abort(); /* a failed reload must leave the old tokens */
    rl_auth_free(auth);
    return ok;
}

static bool load_origins(void)
{
    static const char *origins[] = {"https://a.example", "https://b.example"};
    struct rl_cors *cors = NULL;
    const bool ok = rl_cors_create(&(struct rl_words){origins, 2}, &cors, &error) == RL_OK;
    if (ok && rl_cors_reload(cors, &(struct rl_words){origins, 1}, &error) != RL_OK &&
        rl_cors_decide(cors, origins[1]) != RL_CORS_ORIGIN)
        abort();
    rl_cors_free(cors);
    return ok;
}

static bool pack_and_unpack(void)
{
    static char text[100000];
    char *packed, *back;
    size_t length, back_length;
    memset(text, 'x', sizeof(text));
    if (!rl_deflate(RL_CODING_GZIP, text, sizeof(text), &packed, &length))
        return false;
    const bool ok = rl_inflate(RL_CODING_GZIP, packed, length, sizeof(text), &back, &back_length,
                               &error) == RL_OK;
    free(packed);
    if (ok)
        free(back);
    return ok;
}

static bool count_and_expose(void)
{
    struct rl_text text;
    if (rl_metrics_init(4, &error) != RL_OK)
        return false;
    rl_metrics_request(RL_METHOD_GET, RL_HANDLER_PAGE, 200, 1, 2, 3);
    rl_tracked_add(RL_NDCG, "a", 1);
    rl_tracked_add(RL_NDCG, "b", 2);
    rl_text_init(&text);
    rl_exposition_write(true, &text);
    const bool ok = !text.failed;
    rl_text_release(&text);
    rl_metrics_release();
    return ok;
}

static bool (*const parts[])(void) = {load_settings, print_json,      print_example,   load_tokens,
                                      load_origins,  pack_and_unpack, count_and_expose};
enum { PARTS = sizeof(parts) / sizeof(*parts) };

/* ---- Tests ---------------------------------------------------------------------------------- */

static void write_files(void)
{
    char tokens[1000] = "";
    for (int i = 10; i < 40; i++)
        snprintf(tokens + strlen(tokens), sizeof(tokens) - strlen(tokens), "token-%d\n", i);
    scratch_text("tokens", tokens);
    scratch_text("config.json", "{\"threads\": 2, \"max_body_bytes\": \"32MiB\", \"open_paths\": "
                                "[\"/x\", \"/y\"], \"log_level\": \"debug\"}");
}

/* Runs a part with its n-th allocation failing; false once there is no n-th one. */
static bool starve(bool (*part)(void), long n, bool for_ever)
{
    hunger.live = 0;
    hunger.failed = false;
    hunger.countdown = n;
    hunger.for_ever = for_ever;
    hunger.armed = true;
    const bool ok = part();
    hunger.armed = false;
    ck_assert_msg(hunger.live == 0, "allocation %ld failed, %ld blocks leaked", n, hunger.live);
    ck_assert(ok || hunger.failed);
    return hunger.failed;
}

START_LOOP_TEST(parts_survive_every_failure, 2 * PARTS)
{
    bool (*const part)(void) = parts[_i / 2];
    long failures = 0;
    for (int i = 0; i < 3; i++) /* what libraries keep for good is taken here */
        ck_assert(part());
    while (!SANITIZED && starve(part, failures, _i % 2))
        failures++;
    ck_assert(SANITIZED || failures > 0);
}
END_TEST

void test_before_all(void)
{
    ck_assert_msg(rl_init(NULL, &error) == RL_OK, "%s", error.detail);
    scratch_create();
    write_files();
}
