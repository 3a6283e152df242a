/*
 * tracked.c: a hash table of names that only grows.
 */
#include "server/observe/tracked.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { NAME_MAX_BYTES = 128 };

struct named_cell {
    _Atomic uint64_t count;
    _Atomic double last, sum;
};

struct named {
    uint64_t hash;
    char name[NAME_MAX_BYTES + 1];
    struct named_cell cells[RL_MEASURES];
};

/* An open-addressing hash table, at most half full. A slot is set once, under the lock, and its
 * entry is never freed before release, so adding to a known name and reading need no lock. */
static struct {
    _Atomic(struct named *) *slots;
    size_t mask, limit;
    _Atomic size_t taken;
    _Atomic uint64_t dropped;
    uint64_t seed;
    pthread_mutex_t lock;
} names = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* FNV-1a, seeded so that clients cannot choose names that collide. */
static uint64_t hash_name(const char *name, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325u ^ names.seed;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * 0x100000001b3u;
    return hash ^ hash >> 32;
}

static struct named *named_create(const char *name, size_t length, uint64_t hash)
{
    struct named *const entry = calloc(1, sizeof(*entry));
    if (entry) {
        entry->hash = hash;
        memcpy(entry->name, name, length);
    }
    return entry;
}

static bool is_named(const struct named *entry, const char *name, size_t length, uint64_t hash)
{
    return entry->hash == hash && strlen(entry->name) == length &&
           memcmp(entry->name, name, length) == 0;
}

/* The slot of a name, or the empty slot where it belongs. */
static _Atomic(struct named *) *slot_of(const char *name, size_t length, uint64_t hash)
{
    for (size_t i = hash & names.mask;; i = (i + 1) & names.mask) {
        const struct named *const entry =
            atomic_load_explicit(&names.slots[i], memory_order_acquire);
        if (!entry || is_named(entry, name, length, hash))
            return &names.slots[i];
    }
}

static bool has_room(void)
{
    return atomic_load_explicit(&names.taken, memory_order_relaxed) < names.limit;
}

/* Takes the lock: two threads may add the same name, and only one may take the last slot. */
static struct named *named_add(const char *name, size_t length, uint64_t hash)
{
    pthread_mutex_lock(&names.lock);
    _Atomic(struct named *) *const slot = slot_of(name, length, hash);
    struct named *entry = atomic_load_explicit(slot, memory_order_relaxed);
    if (!entry && has_room() && (entry = named_create(name, length, hash))) {
        atomic_fetch_add_explicit(&names.taken, 1, memory_order_relaxed);
        atomic_store_explicit(slot, entry, memory_order_release);
    }
    pthread_mutex_unlock(&names.lock);
    return entry;
}

/* The entry of a name, created if needed; NULL if the table is full or memory is short. */
static struct named *named_get(const char *name, size_t length)
{
    const uint64_t hash = hash_name(name, length);
    struct named *const entry =
        atomic_load_explicit(slot_of(name, length, hash), memory_order_acquire);
    return entry || !has_room() ? entry : named_add(name, length, hash);
}

static void add_double(_Atomic double *sum, double value)
{
    double old = atomic_load_explicit(sum, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(sum, &old, old + value, memory_order_relaxed,
                                                  memory_order_relaxed))
        ;
}

void rl_tracked_add(enum rl_measure_id measure, const char *name, double value)
{
    if (names.limit == 0)
        return;
    struct named *const entry = named_get(name, strnlen(name, NAME_MAX_BYTES));
    if (!entry) {
        atomic_fetch_add_explicit(&names.dropped, 1, memory_order_relaxed);
        return;
    }
    struct named_cell *const cell = &entry->cells[measure];
    atomic_store_explicit(&cell->last, value, memory_order_relaxed);
    add_double(&cell->sum, value);
    atomic_fetch_add_explicit(&cell->count, 1, memory_order_release);
}

static void read_entry(struct named *entry,
                       void (*each)(void *context, const struct rl_tracked *value), void *context)
{
    for (unsigned i = 0; i < RL_MEASURES; i++) {
        struct named_cell *const cell = &entry->cells[i];
        const struct rl_tracked value = {
            .name = entry->name,
            .measure = (enum rl_measure_id)i,
            .count = atomic_load_explicit(&cell->count, memory_order_acquire),
            .last = atomic_load_explicit(&cell->last, memory_order_relaxed),
            .sum = atomic_load_explicit(&cell->sum, memory_order_relaxed),
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
    atomic_store(&names.taken, 0);
    atomic_store(&names.dropped, 0);
}
