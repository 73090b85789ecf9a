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

int64_t kc_sweep_join(kc_sweep_room *const *rooms, int64_t count, int64_t plans, int64_t share, int64_t shares,
                      kc_breach *list, int64_t *start) {
    int64_t *from = calloc((size_t)(plans + 1), sizeof *from), kept = 0;
    if (!from) return -1;
    for (int64_t room = 0; room < count; room++) {
        const kc_breaches *found = &rooms[room]->meetings.found;
        for (int64_t k = 0; k < found->count; k++) from[1 + found->list[k].a]++;
    }
    for (int64_t i = 0; i < plans; i++) from[i + 1] += from[i];
    int64_t first = share_from(from, plans, share, shares), upto = share_from(from, plans, share + 1, shares);
    int64_t stays = from[upto] - from[first];
    *start = from[first];
    list += *start;
    key *keys = malloc((size_t)(2 * stays + 1) * sizeof *keys), *next = keys;
    if (!keys) {
        free(from);
        return -1;
    }
    for (int64_t room = 0; room < count; room++) {
        const kc_breaches *found = &rooms[room]->meetings.found;
        for (int64_t k = 0; k < found->count; k++) {
            *next = (key){(int32_t)found->list[k].a, (int32_t)found->list[k].b, (int32_t)room, (int32_t)k};
            next += (next->a >= first) & (next->a < upto);
        }
    }
    put_in_order(keys, keys + stays, stays, from, plans);
    for (int64_t k = 0; k < stays;) {
        int64_t begin = kept, one = k;
        do {
            const char *soon = (const char *)stay_of(rooms, keys + (k + AHEAD < stays ? k + AHEAD : k));
            for (int line = 0; line < 2; line++) __builtin_prefetch(soon + 64 * line);
            list[kept++] = *stay_of(rooms, keys + k++);
        } while (k < stays && keys[k].a == keys[one].a && keys[k].b == keys[one].b);
        kept = begin + kc_joined(list + begin, kept - begin);
    }
    free(keys);
    free(from);
    return kept;
}
