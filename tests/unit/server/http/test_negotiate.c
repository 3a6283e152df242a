/*
 * test_negotiate.c: weights of names in the lists of Accept headers.
 */
#include "server/http/negotiate.h"

#include "tests/lib/unittest.h"

static const struct {
    const char *list, *name;
    int weight;
} cases[] = {
    {NULL, "gzip", -1},
    {"", "gzip", -1},
    {",, ,", "gzip", -1},
    {"gzip", "gzip", 1000},
    {"GZip", "gzip", 1000},
    {"x-gzip", "gzip", -1},
    {"gzipx", "gzip", -1},
    {"gz", "gzip", -1},
    {"br, gzip ; q=0.5", "gzip", 500},
    {"br,\tgzip\t;\tq=0.5\t,x", "gzip", 500},
    {"gzip;q=0", "gzip", 0},
    {"gzip;q=0.000", "gzip", 0},
    {"gzip;q=1.000", "gzip", 1000},
    {"gzip;q=0.123", "gzip", 123},
    {"gzip;Q=0.1", "gzip", 100},
    {"gzip;q=1.", "gzip", 1000},
    {"gzip;level=1;q=0.2", "gzip", 200},
    {"text/plain;version=0.0.4;q=0.3;x=\"y\"", "text/plain", 300},
    /* Malformed weights: the element is passed over. */
    {"gzip;q=1.001", "gzip", -1},
    {"gzip;q=2", "gzip", -1},
    {"gzip;q=-1", "gzip", -1},
    {"gzip;q=", "gzip", -1},
    {"gzip;q=0.1234", "gzip", -1},
    {"gzip;q=0,5", "gzip", 0},
    {"gzip;q=x, gzip;q=0.4", "gzip", 400},
    {"*", "gzip", -1},
    {"*;q=0.1", "*", 100},
    {"gzip;", "gzip", 1000},
    {"gzip;;", "gzip", 1000},
    {";q=1", "gzip", -1},
};

enum { CASES = sizeof(cases) / sizeof(*cases) };

START_LOOP_TEST(weights, CASES)
{
    ck_assert_msg(rl_negotiate_weight(cases[_i].list, cases[_i].name) == cases[_i].weight,
                  "'%s' gives %d", cases[_i].list,
                  rl_negotiate_weight(cases[_i].list, cases[_i].name));
}
END_TEST

START_TEST(openmetrics_is_chosen_where_it_is_preferred)
{
    static const struct {
        const char *accept;
        bool open;
    } rows[] = {
        {NULL, false},
        {"", false},
        {"*/*", false},
        {"text/plain", false},
        {"text/html,*/*;q=0.8", false},
        {"application/openmetrics-text", true},
        {"application/openmetrics-text; version=1.0.0", true},
        {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
         "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
         true},
        {"application/openmetrics-text;q=0.4,text/plain;q=0.5", false},
        {"application/openmetrics-text;q=0.4,text/*;q=0.5", false},
        {"application/openmetrics-text;q=0.4,text/plain;q=0.3,*/*;q=0.9", true},
        {"application/openmetrics-text;q=0", false},
        {"APPLICATION/OPENMETRICS-TEXT", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        ck_assert_msg(rl_negotiate_openmetrics(rows[i].accept) == rows[i].open, "%s",
                      rows[i].accept);
}
END_TEST
