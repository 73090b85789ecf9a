/* The plans that are live: put in, replaced, taken out, and asked who of them comes too near to another plan. */
#ifndef KEEPCLEAR_AIRSPACE_H
#define KEEPCLEAR_AIRSPACE_H

#include "plan_pair.h"

/* Plans are copied in, and are known by their slot from then on: a number that is free again once they are out. An
 * airspace is for one thread at a time; several may take turns. */
typedef struct kc_airspace kc_airspace;

/* What is told of a plan that is in beside its breaches. `ends` are the highest of the lower ends and the lowest of the
 * upper ends of all its bands, m. */
typedef struct {
    int64_t slot, kind, volumes;
    double room[4], ends[2];
} kc_known;

/* A list of them, given back with kc_free(known.list). */
typedef struct {
    kc_known *list;
    int64_t count, room;
} kc_known_list;

/* An airspace with nothing in it; NULL if there is no memory left. */
KC_EXPORT kc_airspace *kc_airspace_new(const kc_minima *minima);
KC_EXPORT void kc_airspace_free(kc_airspace *air);

/* Puts n plans in, all or none: false if there is no memory left, and then nothing changed.
 *
 * `old` (n,) is the slot of what each replaces, -1 if nothing; none twice. `slots` (n,) takes where they are.
 */
KC_EXPORT int kc_airspace_put(kc_airspace *air, const kc_plans *plans, const int64_t *old, int64_t *slots);

/* Finds the breaches between each of n plans and those that are in, but the one it would replace (`old`, as above).
 *
 * `found` and `known` are empty lists. In a breach `a` is the plan's index and `b` a place in `known`, which has the others
 * in order of slot; the breaches of a plan are in order of slot, then of time. False if there is no memory left, and
 * then both are empty.
 */
KC_EXPORT int kc_airspace_check(kc_airspace *air, const kc_plans *plans, const int64_t *old, kc_breaches *found,
                                kc_known_list *known);

/* Writes the slots of the plans that plan i is held against exactly, in no order, for whoever measures or doubts what is
 * passed over; returns how many, or -1 if there is no memory left. `slots` has room for all that are in. */
KC_EXPORT int64_t kc_airspace_near(kc_airspace *air, const kc_plans *plans, int64_t i, int64_t *slots);

/* Checks each of n plans and then puts it in, one after the other: so each is checked against those before it as well.
 *
 * With `only_free` one that has a breach is left out (its slot is -1), and what it would have replaced stays. A plan in
 * `known` may itself have been replaced later in the same call; its slot is not used again before the call ends. False
 * if there is no memory left, and then nothing changed.
 */
KC_EXPORT int kc_airspace_check_and_put(kc_airspace *air, const kc_plans *plans, const int64_t *old, int only_free,
                                        int64_t *slots, kc_breaches *found, kc_known_list *known);

/* Takes the plans at `count` slots out. Each must be in. */
KC_EXPORT void kc_airspace_remove(kc_airspace *air, const int64_t *slots, int64_t count);

/* Takes out the plans that are over at `now` (s), their lateness included; returns how many. `slots` takes where they
 * were and has room for all that are in. */
KC_EXPORT int64_t kc_airspace_expire(kc_airspace *air, double now, int64_t *slots);

/* How many plans are in; bytes of memory held. */
KC_EXPORT int64_t kc_airspace_count(const kc_airspace *air);
KC_EXPORT int64_t kc_airspace_bytes(const kc_airspace *air);

#endif
