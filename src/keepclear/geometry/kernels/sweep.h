/* All pairs of many plans: a sweep through time, slab by slab. */
#ifndef KEEPCLEAR_SWEEP_H
#define KEEPCLEAR_SWEEP_H

#include "plan_pair.h"

typedef struct kc_sweep kc_sweep;

/* A set of plans to be swept: NULL if there is no memory. The plans' arrays must outlive it.
 *
 * Its `parts` (one or more) are laid out one by one, by as many threads as there are; then they are put in order, false if
 * there is no memory. `width` is that of the finest slabs in seconds, 0 to have it derived; what is found depends neither
 * on it nor on the parts. Then it may be run by many threads at once.
 */
KC_EXPORT kc_sweep *kc_sweep_new(const kc_plans *plans, const kc_minima *minima, int64_t parts);
KC_EXPORT void kc_sweep_lay(kc_sweep *sweep, int64_t part);
KC_EXPORT int kc_sweep_order(kc_sweep *sweep, double width);
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

/* Adds the stays that begin in slabs `from` up to `upto` to what the room has, in no order and not joined, and maybe
 * some that begin later; a room that was never run, or cleared, has none. A run that begins where the last in its room
 * ended goes on there: any other has to find first who is on the way. `counts` may be NULL. Returns false if there is no
 * memory left. */
KC_EXPORT int kc_sweep_run(const kc_sweep *sweep, int64_t from, int64_t upto, kc_sweep_room *room,
                           kc_sweep_counts *counts);

/* How many stays a room has; and forgetting them, and whatever was run. */
KC_EXPORT int64_t kc_sweep_found(const kc_sweep_room *room);
KC_EXPORT void kc_sweep_clear(kc_sweep_room *room);

/* The stays in `count` rooms of runs over a set of `plans` plans, in order of their pair and of time, those that follow
 * upon one another joined: of `shares` shares of the pairs, of about so many stays each, share `share`. They are written
 * to `list` from place `*start` on; it has room for all stays of all rooms, and no two shares write to one place. An odd
 * share begins where the one before it ends; before the others there may be a gap.
 *
 * Returns how many are written, or -1 if there is no memory. The shares may be joined by as many threads.
 */
KC_EXPORT int64_t kc_sweep_join(kc_sweep_room *const *rooms, int64_t count, int64_t plans, int64_t share, int64_t shares,
                                kc_breach *list, int64_t *start);

#endif
