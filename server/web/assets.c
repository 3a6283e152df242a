/*
 * assets.c: the files of server/web, put into the binary by the assembler.
 *
 * The page is put together at start: playground.html says with two markers where the style and the
 * script go. Paths are relative to the top of the tree, where the build runs.
 */
#include "server/web/assets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#define INCLUDE(file) ".incbin \"server/web/" file "\"\n"

/* Hidden symbols NAME and NAME_end around the bytes of the included files, in read-only data. */
#define EMBED(name, includes)                                                                      \
    __asm__(".pushsection .rodata, \"a\", %progbits\n"                                             \
            ".balign 16\n"                                                                         \
            ".globl " #name "\n.hidden " #name "\n" #name ":\n" includes ".globl " #name           \
            "_end\n.hidden " #name "_end\n" #name "_end:\n"                                        \
            ".popsection\n");                                                                      \
    extern const unsigned char name[], name##_end[]

EMBED(rl_web_playground_html, INCLUDE("playground.html"));
EMBED(rl_web_style_css, INCLUDE("style.css"));
EMBED(rl_web_openapi_json, INCLUDE("openapi.json"));
/* The scripts become one, in this order. */
/* clang-format off */
EMBED(rl_web_script,
      INCLUDE("measures.js") INCLUDE("samples.js") INCLUDE("rows.js") INCLUDE("jsontext.js")
      INCLUDE("ask.js") INCLUDE("problems.js") INCLUDE("textpane.js") INCLUDE("model.js")
      INCLUDE("overview.js") INCLUDE("rankings.js") INCLUDE("listdetail.js") INCLUDE("heatmap.js")
      INCLUDE("modes.js") INCLUDE("comparesamples.js") INCLUDE("comparerows.js")
      INCLUDE("comparetable.js") INCLUDE("comparepane.js") INCLUDE("compareask.js")
      INCLUDE("verdict.js") INCLUDE("intervals.js") INCLUDE("comparison.js")
      INCLUDE("differences.js") INCLUDE("groupfigures.js") INCLUDE("snippets.js")
      INCLUDE("livefigures.js") INCLUDE("app.js"));
/* clang-format on */

static const char style_marker[] = "/*style*/", script_marker[] = "/*script*/";

enum { DIGEST_SIZE = 32, BASE64_MAX = 48 };

/* A piece of bytes, a view. */
struct piece {
    const unsigned char *data;
    size_t size;
};

static struct rl_asset assets[] = {
    {.path = "/", .content_type = "text/html; charset=utf-8"},
    {.path = "/openapi.json", .content_type = "application/json"},
};
static unsigned char *page;

static struct piece piece_between(const unsigned char *begin, const unsigned char *end)
{
    return (struct piece){.data = begin, .size = (size_t)(end - begin)};
}

/* SHA-256 of the piece as base64. */
static bool piece_hash(struct piece piece, char ret_base64[BASE64_MAX])
{
    unsigned char digest[DIGEST_SIZE];
    gnutls_datum_t text = {0}, raw = {.data = digest, .size = DIGEST_SIZE};
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, piece.data, piece.size, digest) < 0)
        return false;
    if (gnutls_base64_encode2(&raw, &text) < 0)
        return false;
    snprintf(ret_base64, BASE64_MAX, "%.*s", (int)text.size, (const char *)text.data);
    gnutls_free(text.data);
    return true;
}

/* Cuts `whole` at `marker`, which occurs in it exactly once. */
static void piece_cut(struct piece whole, const char *marker, struct piece *ret_before,
                      struct piece *ret_after)
{
    const unsigned char *const at = memmem(whole.data, whole.size, marker, strlen(marker));
    if (!at)
        abort(); /* our own page lacks its marker: a mistake of the build, caught by any test */
    *ret_before = piece_between(whole.data, at);
    *ret_after = piece_between(at + strlen(marker), whole.data + whole.size);
}

static struct piece page_join(const struct piece *pieces, size_t count)
{
    struct piece whole = {0};
    for (size_t i = 0; i < count; i++)
        whole.size += pieces[i].size;
    unsigned char *at = page = malloc(whole.size);
    for (size_t i = 0; at && i < count; i++) {
        memcpy(at, pieces[i].data, pieces[i].size);
        at += pieces[i].size;
    }
    whole.data = page;
    return whole;
}

/* The page: head, style, middle, script, tail. data is NULL when memory is short. */
static struct piece page_build(struct piece style, struct piece script)
{
    const struct piece html = piece_between(rl_web_playground_html, rl_web_playground_html_end);
    struct piece head, rest, middle, tail;
    piece_cut(html, style_marker, &head, &rest);
    piece_cut(rest, script_marker, &middle, &tail);
    const struct piece pieces[] = {head, style, middle, script, tail};
    return page_join(pieces, sizeof(pieces) / sizeof(pieces[0]));
}

static bool page_policy(struct piece style, struct piece script, char ret_policy[RL_POLICY_MAX])
{
    char style_hash[BASE64_MAX], script_hash[BASE64_MAX];
    if (!piece_hash(style, style_hash) || !piece_hash(script, script_hash))
        return false;
    snprintf(ret_policy, RL_POLICY_MAX,
             "default-src 'none'; script-src 'sha256-%s'; style-src 'sha256-%s'; "
             "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
             "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
             script_hash, style_hash);
    return true;
}

static bool asset_fill(struct rl_asset *asset, struct piece content)
{
    char hash[BASE64_MAX];
    if (!piece_hash(content, hash))
        return false;
    asset->data = content.data;
    asset->size = content.size;
    snprintf(asset->etag, sizeof(asset->etag), "\"%s\"", hash);
    return true;
}

enum rl_status rl_assets_init(struct rl_error *error)
{
    const struct piece style = piece_between(rl_web_style_css, rl_web_style_css_end);
    const struct piece script = piece_between(rl_web_script, rl_web_script_end);
    rl_assets_release();
    const struct piece whole = page_build(style, script);
    if (!whole.data)
        return rl_fail(error, RL_NOMEM, "", "no memory for the page");
    if (page_policy(style, script, assets[0].policy) && asset_fill(&assets[0], whole) &&
        asset_fill(&assets[1], piece_between(rl_web_openapi_json, rl_web_openapi_json_end)))
        return RL_OK;
    rl_assets_release();
    return rl_fail(error, RL_SYSTEM, "", "cannot hash the embedded files");
}

void rl_assets_release(void)
{
    free(page);
    page = NULL;
    for (size_t i = 0; i < sizeof(assets) / sizeof(assets[0]); i++)
        assets[i].data = NULL;
}

const struct rl_asset *rl_asset_find(const char *path)
{
    for (size_t i = 0; i < sizeof(assets) / sizeof(assets[0]); i++)
        if (strcmp(assets[i].path, path) == 0)
            return &assets[i];
    return NULL;
}
