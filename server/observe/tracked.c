/*
 * tracked.c: a hash table of names that only grows.
 */
#include "server/observe/tracked.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { NAME_MAX_BYTES = 128 };

struct named_cell {
    _Atomic uint64_t count;              /* released after the values it counts */
    _Atomic double last, sum, bounds[2]; /* relaxed: a reader acquires the count first */
};

struct named {
    uint64_t hash;
    char name[NAME_MAX_BYTES + 1];
    char baseline[NAME_MAX_BYTES + 1];
    bool is_difference; /* of name and baseline */
    struct named_cell cells[RL_MEASURES];
};

/* An open-addressing hash table, at most half full. A slot is set once, under the lock, and its
 * entry is never freed before release, so adding to a known name and reading need no lock. */
static struct {
    _Atomic(struct named *) *slots; /* released with the entry filled, and so acquired */
    size_t mask, limit;
    _Atomic size_t taken; /* relaxed, like `dropped`: it grows under the lock, and is only a hint
                             outside */
    _Atomic uint64_t dropped;
    uint64_t seed;
    pthread_mutex_t lock;
} names = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* What values are recorded under. */
struct key {
    const char *name, *baseline; /* baseline: "" if there is none */
    size_t name_length, baseline_length;
    bool is_difference;
    uint64_t hash;
};

/* FNV-1a, seeded so that clients cannot choose names that collide. */
static uint64_t hash_text(uint64_t hash, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
    return hash ^ hash >> 32;
}

static struct key key_of(const char *name, const char *baseline)
{
    struct key key = {.name = name,
                      .baseline = baseline ? baseline : "",
                      .name_length = strnlen(name, NAME_MAX_BYTES),
                      .is_difference = baseline != NULL};
    key.baseline_length = strnlen(key.baseline, NAME_MAX_BYTES);
    key.hash = hash_text(0xcbf29ce484222325u ^ names.seed, name, key.name_length);
    if (baseline)
        key.hash = hash_text(~key.hash, baseline, key.baseline_length);
    return key;
}

static struct named *named_create(const struct key *key)
{
    struct named *const entry = calloc(1, sizeof(*entry));
    if (entry) {
        entry->hash = key->hash;
        entry->is_difference = key->is_difference;
        memcpy(entry->name, key->name, key->name_length);
        memcpy(entry->baseline, key->baseline, key->baseline_length);
    }
    return entry;
}

static bool is_text(const char *own, const char *text, size_t length)
{
    return strlen(own) == length && memcmp(own, text, length) == 0;
}

static bool is_named(const struct named *entry, const struct key *key)
{
    return entry->hash == key->hash && entry->is_difference == key->is_difference &&
           is_text(entry->name, key->name, key->name_length) &&
           is_text(entry->baseline, key->baseline, key->baseline_length);
}

/* The slot of a key, or the empty slot where it belongs. */
static _Atomic(struct named *) *slot_of(const struct key *key)
{
    for (size_t i = key->hash & names.mask;; i = (i + 1) & names.mask) {
        const struct named *const entry =
            atomic_load_explicit(&names.slots[i], memory_order_acquire);
        if (!entry || is_named(entry, key))
            return &names.slots[i];
    }
}

static bool has_room(void)
{
    return atomic_load_explicit(&names.taken, memory_order_relaxed) < names.limit;
}

/* Takes the lock: two threads may add the same name, and only one may take the last slot. */
static struct named *named_add(const struct key *key)
{
    pthread_mutex_lock(&names.lock);
    _Atomic(struct named *) *const slot = slot_of(key);
    struct named *entry = atomic_load_explicit(slot, memory_order_relaxed);
    if (!entry && has_room() && (entry = named_create(key))) {
        atomic_fetch_add_explicit(&names.taken, 1, memory_order_relaxed);
        atomic_store_explicit(slot, entry, memory_order_release);
    }
    pthread_mutex_unlock(&names.lock);
    return entry;
}

/* The entry of a key, created if needed; NULL if the table is full or memory is short. */
static struct named *named_get(const struct key *key)
{
    struct named *const entry = atomic_load_explicit(slot_of(key), memory_order_acquire);
    return entry || !has_room() ? entry : named_add(key);
}

static void add_double(_Atomic double *sum, double value)
{
    double old = atomic_load_explicit(sum, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(sum, &old, old + value, memory_order_relaxed,
                                                  memory_order_relaxed))
        ;
}

void rl_tracked_add_sure(enum rl_measure_id measure, const char *name, const char *baseline,
                         double value, const double bounds[2])
{
    if (names.limit == 0)
        return;
    const struct key key = key_of(name, baseline);
    struct named *const entry = named_get(&key);
    if (!entry) {
        atomic_fetch_add_explicit(&names.dropped, 1, memory_order_relaxed);
        return;
    }
    struct named_cell *const cell = &entry->cells[measure];
    atomic_store_explicit(&cell->last, value, memory_order_relaxed);
    for (int side = 0; side < 2; side++)
        atomic_store_explicit(&cell->bounds[side], bounds[side], memory_order_relaxed);
    add_double(&cell->sum, value);
    atomic_fetch_add_explicit(&cell->count, 1, memory_order_release);
}

void rl_tracked_add(enum rl_measure_id measure, const char *name, double value)
{
    rl_tracked_add_sure(measure, name, NULL, value, (const double[]){NAN, NAN});
}

static void read_entry(struct named *entry,
                       void (*each)(void *context, const struct rl_tracked *value), void *context)
{
    for (unsigned i = 0; i < RL_MEASURES; i++) {
        struct named_cell *const cell = &entry->cells[i];
        const struct rl_tracked value = {
            .name = entry->name,
            .baseline = entry->is_difference ? entry->baseline : NULL,
            .measure = (enum rl_measure_id)i,
            .count = atomic_load_explicit(&cell->count, memory_order_acquire),
            .last = atomic_load_explicit(&cell->last, memory_order_relaxed),
            .sum = atomic_load_explicit(&cell->sum, memory_order_relaxed),
            .bounds = {atomic_load_explicit(&cell->bounds[0], memory_order_relaxed),
                       atomic_load_explicit(&cell->bounds[1], memory_order_relaxed)},
        };
        if (value.count)
            each(context, &value);
    }
}

void rl_tracked_read(void (*each)(void *context, const struct rl_tracked *value), void *context)
{
    for (size_t i = 0; names.limit && i <= names.mask; i++) {
        struct named *const entry = atomic_load_explicit(&names.slots[i], memory_order_acquire);
        if (entry)
            read_entry(entry, each, context);
    }
}

uint64_t rl_tracked_dropped(void)
{
    return atomic_load_explicit(&names.dropped, memory_order_relaxed);
}

bool rl_tracked_init(size_t limit)
{
    size_t slots = 2;
    while (slots < 2 * limit)
        slots *= 2;
    names.slots = calloc(slots, sizeof(*names.slots));
    if (!names.slots)
        return false;
    names.mask = slots - 1;
    names.limit = limit;
    if (getrandom(&names.seed, sizeof(names.seed), GRND_NONBLOCK) < 0)
        names.seed = (uint64_t)(uintptr_t)names.slots;
    return true;
}

void rl_tracked_release(void)
{
    for (size_t i = 0; names.slots && i <= names.mask; i++)
        free(atomic_load_explicit(&names.slots[i], memory_order_relaxed));
    free(names.slots);
    names.slots = NULL;
    names.limit = names.mask = 0;
    atomic_init(&names.taken, 0);
    atomic_init(&names.dropped, 0);
}
