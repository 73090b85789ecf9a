/* All pairs of many plans: a sweep through time, slab by slab. */
#ifndef KEEPCLEAR_SWEEP_H
#define KEEPCLEAR_SWEEP_H

#include "plan_pair.h"

typedef struct kc_sweep kc_sweep;

/* Lays a set of plans out for a sweep: NULL if there is no memory. The plans' arrays must outlive it.
 *
 * `width` is that of the finest slabs in seconds, 0 to have it derived; what is found does not depend on it. A sweep may
 * be run by many threads at once.
 */
KC_EXPORT kc_sweep *kc_sweep_lay(const kc_plans *plans, const kc_minima *minima, double width);
KC_EXPORT void kc_sweep_free(kc_sweep *sweep);

/* Writes `parts + 1` slabs, from the first to the one after the last, between which there is about equal work. */
KC_EXPORT void kc_sweep_cut(const kc_sweep *sweep, int64_t parts, int64_t *cuts);

/* What a run went through, for whoever measures. */
typedef struct {
    int64_t balls, near, ways, legs, exact; /* balls made; pairs that touch; of ways that may pass; of legs; worked out */
} kc_sweep_counts;

/* What a run works in, and what it found. It serves one run at a time, of any sweep, and the next finds the memory there.
 * NULL: none left. */
typedef struct kc_sweep_room kc_sweep_room;
KC_EXPORT kc_sweep_room *kc_sweep_room_new(void);
KC_EXPORT void kc_sweep_room_free(kc_sweep_room *room);

/* Adds the stays that begin in slabs `from` up to `upto` to what the room has, in no order and not joined; one that was
 * never run, or cleared, has none. `counts` may be NULL. Returns false if there is no memory left. */
KC_EXPORT int kc_sweep_run(const kc_sweep *sweep, int64_t from, int64_t upto, kc_sweep_room *room,
                           kc_sweep_counts *counts);

/* How many stays a room has; and forgetting them. */
KC_EXPORT int64_t kc_sweep_found(const kc_sweep_room *room);
KC_EXPORT void kc_sweep_clear(kc_sweep_room *room);

/* The stays in `count` rooms of runs over a set of `plans` plans, in order of their pair and of time, those that follow
 * upon one another joined: of `shares` shares of the pairs, of about so many stays each, share `share`. They are written
 * to `list` from place `*start` on; it has room for all stays of all rooms, and no two shares write to one place.
 *
 * Returns how many are written, or -1 if there is no memory. The shares may be joined by as many threads.
 */
KC_EXPORT int64_t kc_sweep_join(kc_sweep_room *const *rooms, int64_t count, int64_t plans, int64_t share, int64_t shares,
                                kc_breach *list, int64_t *start);

#endif
