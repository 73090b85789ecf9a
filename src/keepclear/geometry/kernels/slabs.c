#include "slabs.h"

#include <float.h>
#include <string.h>

#include "fours.h"

enum { AHEAD = 20 }; /* nodes are called for so many movers before they are needed */

/* How much a float has to be moved so that rounding to it went the other way; a millionth more near nothing. */
static inline float beyond_rounding(float to) {
    float size = fabsf(to);
    return (size < FLT_MAX ? size : FLT_MAX) * FLT_EPSILON + 1e-6f;
}

/* Without a branch: which way it goes is as good as chance. */
static inline float rounded_down(double value) {
    float to = (float)value;
    return to - (float)((double)to > value) * beyond_rounding(to);
}

static inline float rounded_up(double value) {
    float to = (float)value;
    return to + (float)((double)to < value) * beyond_rounding(to);
}

static kc_mover mover_of(const kc_sweep *sweep, const kc_track *one) {
    const kc_plans *plans = &sweep->plans;
    int kind = plans->kind[one->plan];
    kc_mover it = {.end = one->end, .reach = sweep->across[kind], .tall = sweep->height[kind], .known = -INFINITY,
                   .plan = one->plan, .volume = one->volume, .kind = kind, .ball.datum = plans->datum[one->plan]};
    if (one->volume < 0) {
        const double *room = plans->room + 4 * one->plan;
        it.first = it.leg = plans->nodes + KC_NODE * plans->node_from[one->plan];
        it.last = plans->nodes + KC_NODE * (plans->node_from[one->plan + 1] - 1);
        it.buffer = room[0];
        it.vertical_buffer = room[1];
        it.early = room[2];
        it.late = room[3];
        it.reach += room[0];
        it.tall += room[1] - 0.4 * KC_DEPTH_M; /* a little more than its half: heights are rounded */
        it.loose = it.early > 0.0 || it.late > 0.0;
    }
    return it;
}

static inline void widen(double lower, double upper, double *low, double *high) {
    *low = lower < *low ? lower : *low;
    *high = upper > *high ? upper : *high;
}

/* Where a way is on its chord at a moment on or beside a leg, and its band there, which is never infinite. */
static inline void chord_at(const double *leg, double t, double place[5]) {
    double lasts = leg[KC_NODE] - leg[KC_T], share = (t - leg[KC_T]) / lasts;
    share = share > 0.0 ? share < 1.0 ? share : 1.0 : 0.0;
    for (int i = 0; i < 5; i++) place[i] = leg[KC_X + i] + share * (leg[KC_NODE + KC_X + i] - leg[KC_X + i]);
}

const double *kc_first_leg_of_many(const double *leg, const double *last, double t) {
    /* Sought about where it is if all last alike: of a way that nobody looked at lately every place costs much. */
    double share = (t - leg[KC_T]) / (last[KC_T] - leg[KC_T]);
    int64_t low = 0, high = (last - leg) / KC_NODE - 1, step = 1;
    int64_t guess = share > 0.0 ? (int64_t)((share < 1.0 ? share : 1.0) * (double)high) : 0;
    if (leg[KC_NODE * (guess + 1)] < t) {
        low = guess < high ? guess + 1 : high; /* the last if all are over */
        for (; low + step < high && leg[KC_NODE * (low + step)] < t; step *= 2) low += step;
        high = low + step < high ? low + step : high;
    } else {
        for (high = guess; high - step > low && leg[KC_NODE * (high - step)] >= t; step *= 2) high -= step;
        low = high - step > low ? high - step : low;
    }
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (leg[KC_NODE * (middle + 1)] < t)
            low = middle + 1;
        else
            high = middle;
    }
    return leg + KC_NODE * low;
}

/* Puts a way where it is at a moment that is not the one at which it was last. */
static __attribute__((noinline)) void put_at(kc_mover *it, double from) {
    while (it->leg > it->first && it->leg[KC_T] > from) it->leg -= KC_NODE;
    if (it->leg[KC_NODE] < from) it->leg = kc_first_leg(it->leg, it->last, from); /* most begin now */
    chord_at(it->leg, from, it->place);
}

enum { AT_ONCE = 4 }; /* so many nodes of a way are looked at together: most pass no more in a slab */

/* What is to be known of the way of a mover through a slab: x, y, z, and the lower end of its band. */
typedef struct {
    kc_four start, step;  /* where it is first, and how far from there it is last */
    kc_four least, most;  /* the box about where it should be that it keeps to */
    kc_four low, chords2; /* `chords2` of its legs, added up */
    double high;
} course;

KC_FOUR void keep_in(course *of, kc_four node, double share, kc_four_bits counts) {
    kc_four beside = kc_kept(counts, node - of->start - kc_four_of(share) * of->step);
    of->least = kc_lesser(beside, of->least);
    of->most = kc_greater(beside, of->most);
}

KC_FOUR void go_on(kc_mover *it, double upto, course *of) {
    it->known = upto;
    chord_at(it->leg, upto, it->place);
    kc_four place = kc_four_at(it->place);
    of->step = place - of->start;
    of->low = kc_lesser(place, of->low);
    of->high = it->place[4] > of->high ? it->place[4] : of->high;
}

/* The course of a way from `from`, where it is, to `upto`. How many nodes it passes is not to be foretold: those that
 * most pass are looked at whether it does or not. Before its first node and after its last a mover is taken to stand
 * there: it is not held to anybody then. */
KC_FOUR void follow(kc_mover *it, double from, double upto, double rate, course *of) {
    const double *here = it->leg, *last = it->last, *node[AT_ONCE];
    kc_four before = kc_four_at(here + KC_X), at[AT_ONCE], end = kc_four_of(upto);
    kc_four_bits passed[AT_ONCE], leads = {-1, -1, -1, -1};
    int64_t count = 0;
    for (int j = 0; j < AT_ONCE; j++) {
        const double *one = here + KC_NODE * (j + 1);
        node[j] = one < last ? one : last;
        at[j] = kc_four_at(node[j] + KC_X);
        passed[j] = kc_four_of(node[j][KC_T]) <= end;
        count += node[j][KC_T] <= upto;
        of->low = kc_lesser(kc_chosen(passed[j], at[j], of->low), of->low);
        kc_four chord = at[j] - before;
        of->chords2 += kc_kept(leads, chord * chord);
        before = at[j];
        leads = passed[j];
    }
    kc_four times = {node[0][KC_T], node[1][KC_T], node[2][KC_T], node[3][KC_T]}, high = kc_four_of(of->high);
    kc_four upper = {node[0][KC_UPPER], node[1][KC_UPPER], node[2][KC_UPPER], node[3][KC_UPPER]};
    of->high = kc_greatest(kc_greater(kc_chosen(times <= end, upper, high), high));
    const double *stop = here + KC_NODE * count, *beyond = here + KC_NODE * (AT_ONCE + 1);
    it->leg = stop < last ? stop : last - KC_NODE;
    it->few = (int32_t)((it->leg - here) / KC_NODE) + 1;
    it->times[0] = here[KC_T];
    memcpy(it->times + 1, &times, sizeof times);
    it->times[AT_ONCE + 1] = (beyond < last ? beyond : last)[KC_T];
    go_on(it, upto, of);
    for (int j = 0; j < AT_ONCE; j++) keep_in(of, at[j], (node[j][KC_T] - from) * rate, passed[j]);
}

/* The same of a way that passes many. */
static __attribute__((noinline)) void follow_far(kc_mover *it, double from, double upto, double rate, course *of) {
    const kc_four_bits all = {-1, -1, -1, -1};
    const double *here = it->leg, *last = it->last, *node = here + KC_NODE;
    it->few = 0;
    for (;; node += KC_NODE) {
        kc_four at = kc_four_at(node + KC_X), chord = at - kc_four_at(node - KC_NODE + KC_X);
        of->chords2 += chord * chord;
        if (node == last || node[KC_T] > upto) break;
        of->low = kc_lesser(at, of->low);
        of->high = node[KC_UPPER] > of->high ? node[KC_UPPER] : of->high;
    }
    it->leg = node - KC_NODE;
    go_on(it, upto, of);
    const double *beyond = node[KC_T] <= upto ? node + KC_NODE : node;
    for (node = here + KC_NODE; node < beyond; node += KC_NODE)
        keep_in(of, kc_four_at(node + KC_X), (node[KC_T] - from) * rate, all);
}

static void put_way(kc_mover *it, double t0, double t1, double rate) {
    double from = t0 - it->late, upto = t1 + it->early;
    if (it->known != from) put_at(it, from);
    if (it->loose) rate = 1.0 / (upto - from);
    const double *leg = it->leg, *last = it->last, *beyond = leg + KC_NODE * (AT_ONCE + 1);
    kc_four start = kc_four_at(it->place), none = {0.0};
    course of = {start, none, none, none, start, none, it->place[4]};
    if (beyond <= last && beyond[KC_T] <= upto)
        follow_far(it, from, upto, rate, &of);
    else
        follow(it, from, upto, rate, &of);
    if (leg[KC_T] > from) /* it begins in this slab */
        keep_in(&of, kc_four_at(leg + KC_X), (leg[KC_T] - from) * rate, (kc_four_bits){-1, -1, -1, -1});
    it->from = leg;
    it->upto = it->leg + KC_NODE;
    while (it->from > it->first && it->from[KC_T] >= from - KC_SLIP_S) it->from -= KC_NODE, it->few = 0;
    while (it->upto < last && it->upto[KC_T] <= upto + KC_SLIP_S) it->upto += KC_NODE, it->few = 0;

    /* The ball goes along the middle of the box. A leg bows from its chord, and a mover goes on for the slip: no more
     * than 20 cm at 20 km/s. */
    kc_four half = 0.5 * (of.most - of.least), first = start + 0.5 * (of.most + of.least), then = first + of.step;
    memcpy(it->ball.start, &first, sizeof it->ball.start);
    memcpy(it->ball.stop, &then, sizeof it->ball.stop);
    it->wobble = sqrt(kc_sum3(half * half)) + kc_sum3(of.chords2) / (8.0 * KC_LEAST_RADIUS_M) + 0.2;
    it->ball.radius = it->wobble + it->reach;
    if (it->loose) { /* its time is not that of the slab: it may be anywhere on its way at any time */
        for (int i = 0; i < 3; i++) it->ball.start[i] = it->ball.stop[i] = first[i] + 0.5 * of.step[i];
        it->ball.radius += 0.5 * sqrt(kc_sum3(of.step * of.step));
    }
    it->ball.lower = rounded_down(of.low[3] - it->tall);
    it->ball.upper = rounded_up(of.high + it->tall);
}

static void put_volume(const kc_plans *plans, kc_mover *it) {
    const double *area = plans->areas + 8 * it->volume, *volume = plans->volumes + 4 * it->volume;
    memcpy(it->ball.start, area, sizeof it->ball.start);
    memcpy(it->ball.stop, area, sizeof it->ball.stop);
    it->ball.radius = area[3] + it->reach + 0.2;
    it->ball.lower = rounded_down(volume[2] - it->tall);
    it->ball.upper = rounded_up(volume[3] + it->tall);
}

/* Has what `mover_of` and `put_way` first look at of two tracks to come brought here. */
static inline void call_for(const kc_sweep *sweep, const kc_track *soon, const kc_track *later, double t) {
    const kc_plans *plans = &sweep->plans;
    __builtin_prefetch(plans->node_from + later->plan);
    __builtin_prefetch(plans->room + 4 * later->plan);
    if (soon->volume >= 0) return;
    int64_t first = plans->node_from[soon->plan], legs = plans->node_from[soon->plan + 1] - first - 1;
    double share = (t - soon->begin) / (soon->end - soon->begin); /* above 0 where a run begins in the middle */
    int64_t leg = share > 0.0 && share < 1.0 ? (int64_t)(share * (double)legs) : 0;
    const double *nodes = plans->nodes + KC_NODE * (first + leg);
    for (int line = 0; line < 3; line++) __builtin_prefetch(nodes + 8 * line);
}

static int take_in(kc_slab *now, kc_pool *pool, const kc_sweep *sweep, int level, double t0, double t1) {
    int64_t all = sweep->level_from[level + 1];
    for (; now->track < all; now->track++) {
        const kc_track *one = &sweep->tracks[now->track];
        if (one->begin - KC_SLIP_S > t1) break;
        if (now->track + 4 * AHEAD < all) call_for(sweep, one + 2 * AHEAD, one + 4 * AHEAD, t0);
        if (one->end + KC_SLIP_S < t0) continue;
        if (now->count == now->room) {
            int64_t room = now->room ? 2 * now->room : 256;
            kc_mover *movers = kc_pool_take(pool, (size_t)room * sizeof *movers);
            if (!movers) return 0;
            if (now->count) memcpy(movers, now->movers, (size_t)now->count * sizeof *movers);
            now->movers = movers;
            now->room = room;
        }
        now->movers[now->count++] = mover_of(sweep, one);
    }
    return 1;
}

int kc_slab_fill(kc_slab *now, kc_pool *pool, const kc_sweep *sweep, int level, int64_t slab) {
    double t0 = kc_slab_at(sweep, level, slab), t1 = kc_slab_at(sweep, level, slab + 1), rate = 1.0 / (t1 - t0);
    for (int64_t k = now->count; k-- > 0;)
        if (now->movers[k].end + KC_SLIP_S < t0) now->movers[k] = now->movers[--now->count];
    if (!take_in(now, pool, sweep, level, t0, t1)) return 0;
    for (int64_t k = 0; k < now->count; k++) {
        kc_mover *it = &now->movers[k];
        const double *ahead = now->movers[k + AHEAD < now->count ? k + AHEAD : k].leg;
        for (int line = 0; line < 6; line++) __builtin_prefetch(ahead + 8 * line);
        if (it->volume < 0)
            put_way(it, t0, t1, rate);
        else
            put_volume(&sweep->plans, it);
    }
    now->slab = slab;
    return kc_balls_order(&now->balls, pool, &sweep->axes, now->movers, now->count, sizeof *now->movers);
}
