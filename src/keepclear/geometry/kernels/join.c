/* What the runs of a sweep found, put in order. */
#include <stdlib.h>
#include <string.h>

#include "rooms.h"

enum { AHEAD = 12 }; /* stays are called for so many before they are needed */

typedef struct {
    int32_t a, b, room, stay;
} key;

static inline const kc_breach *stay_of(kc_sweep_room *const *rooms, const key *one) {
    return rooms[one->room]->meetings.found.list + one->stay;
}

/* The first plan of a share of the pairs if each has about as many stays: `before` (plans + 1,) has how many are of
 * plans before each. */
static int64_t share_from(const int64_t *before, int64_t plans, int64_t share, int64_t shares) {
    int64_t low = 0, high = plans;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (before[middle] * shares < before[plans] * share)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* By b, then by a, equals left as they were; `from` (plans + 1,) is worked in. */
static void put_in_order(key *keys, key *other, int64_t count, int64_t *from, int64_t plans) {
    for (int first = 0; first < 2; first++) {
        key *before = first ? other : keys, *after = first ? keys : other;
        memset(from, 0, (size_t)(plans + 1) * sizeof *from);
        for (int64_t k = 0; k < count; k++) from[1 + (first ? before[k].a : before[k].b)]++;
        for (int64_t i = 0; i < plans; i++) from[i + 1] += from[i];
        for (int64_t k = 0; k < count; k++) after[from[first ? before[k].a : before[k].b]++] = before[k];
    }
}

/* Writes a group of stays, those of one pair, to `list`, joined; returns how many it is then. */
static inline int64_t join(kc_sweep_room *const *rooms, const key *group, int64_t count, kc_breach *list) {
    for (int64_t k = 0; k < count; k++) list[k] = *stay_of(rooms, group + k);
    return kc_joined(list, count);
}

static inline int same_pair(const key *one, const key *other) { return one->a == other->a && one->b == other->b; }

static inline void call_for(kc_sweep_room *const *rooms, const key *soon) {
    const char *stay = (const char *)stay_of(rooms, soon);
    __builtin_prefetch(stay);
    __builtin_prefetch(stay + 64);
    __builtin_prefetch(stay + sizeof(kc_breach) - 1); /* it may lie on three lines */
}

int64_t kc_sweep_join(kc_sweep_room *const *rooms, int64_t count, int64_t plans, int64_t share, int64_t shares,
                      kc_breach *list, int64_t *start) {
    int64_t *from = calloc((size_t)(plans + 1), sizeof *from);
    if (!from) return -1;
    for (int64_t room = 0; room < count; room++)
        for (int64_t k = 0; k < rooms[room]->told; k++) from[1 + rooms[room]->whose[k].a]++;
    for (int64_t i = 0; i < plans; i++) from[i + 1] += from[i];
    int64_t first = share_from(from, plans, share, shares), upto = share_from(from, plans, share + 1, shares);
    int64_t begin = from[first], stays = from[upto] - begin;
    key *keys = malloc((size_t)(2 * stays + 1) * sizeof *keys), *next = keys;
    if (!keys) {
        free(from);
        return -1;
    }
    for (int64_t room = 0; room < count; room++)
        for (int64_t k = 0; k < rooms[room]->told; k++) {
            kc_whose one = rooms[room]->whose[k];
            *next = (key){one.a, one.b, (int32_t)room, (int32_t)k};
            next += (one.a >= first) & (one.a < upto);
        }
    put_in_order(keys, keys + stays, stays, from, plans);
    int64_t kept = 0;
    if (share % 2) {
        for (int64_t k = 0, group; k < stays; k = group) {
            call_for(rooms, keys + (k + AHEAD < stays ? k + AHEAD : k));
            for (group = k + 1; group < stays && same_pair(keys + k, keys + group);) group++;
            kept += join(rooms, keys + k, group - k, list + begin + kept);
        }
        *start = begin;
    } else { /* from the last to the first, so that what is written ends where the next share begins */
        int64_t end = begin + stays;
        for (int64_t k = stays, group; k > 0; k = group) {
            call_for(rooms, keys + (k > AHEAD ? k - AHEAD : 0));
            for (group = k - 1; group > 0 && same_pair(keys + k - 1, keys + group - 1);) group--;
            int64_t all = k - group, many = join(rooms, keys + group, all, list + end - kept - all);
            if (many < all)
                memmove(list + end - kept - many, list + end - kept - all, (size_t)many * sizeof *list);
            kept += many;
        }
        *start = end - kept;
    }
    free(keys);
    free(from);
    return kept;
}
