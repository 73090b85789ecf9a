#include "slabs.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { AHEAD = 20 }; /* nodes are called for so many movers before they are needed */

/* The next float down or up if rounding went the other way; to a thousandth more for numbers near nothing. */
static inline float rounded_down(double value) {
    float to = (float)value;
    return (double)to > value ? to - fabsf(to) * FLT_EPSILON - 1e-6f : to;
}

static inline float rounded_up(double value) {
    float to = (float)value;
    return (double)to < value ? to + fabsf(to) * FLT_EPSILON + 1e-6f : to;
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
        it.tall += room[1] - 0.5 * KC_DEPTH_M;
        it.loose = it.early > 0.0 || it.late > 0.0;
    }
    return it;
}

static inline void widen(double lower, double upper, double *low, double *high) {
    *low = lower < *low ? lower : *low;
    *high = upper > *high ? upper : *high;
}

/* Where a way is on its chord at a moment on or beside a leg, and its band there. */
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
        for (low = guess + 1; low + step < high && leg[KC_NODE * (low + step)] < t; step *= 2) low += step;
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

static void put_way(kc_mover *it, double t0, double t1, double rate) {
    double from = t0 - it->late, upto = t1 + it->early;
    if (it->known != from) put_at(it, from);
    const double *last = it->last, *leg = it->leg, *node = leg + KC_NODE;
    double start[3], step[3], low = it->place[3], high = it->place[4];
    double least[3] = {0.0, 0.0, 0.0}, most[3] = {0.0, 0.0, 0.0}, longest2[3] = {0.0, 0.0, 0.0};
    for (int i = 0; i < 3; i++) start[i] = it->place[i];
    for (;; node += KC_NODE) {
        for (int i = 0; i < 3; i++) {
            double chord = node[KC_X + i] - node[KC_X + i - KC_NODE];
            longest2[i] = chord * chord > longest2[i] ? chord * chord : longest2[i];
        }
        if (node == last || node[KC_T] > upto) break;
        widen(node[KC_LOWER], node[KC_UPPER], &low, &high);
    }
    it->leg = node - KC_NODE;
    it->known = upto;
    chord_at(it->leg, upto, it->place);
    widen(it->place[3], it->place[4], &low, &high);
    it->from = leg;
    it->upto = node;
    while (it->from > it->first && it->from[KC_T] >= from - KC_SLIP_S) it->from -= KC_NODE;
    while (it->upto < last && it->upto[KC_T] <= upto + KC_SLIP_S) it->upto += KC_NODE;

    /* How far off even going it is: in which box about where it then should be. Before its first node and after its last
     * a mover is taken to stand there: it is not held to anybody then. */
    if (it->loose) rate = 1.0 / (upto - from);
    for (int i = 0; i < 3; i++) step[i] = it->place[i] - start[i];
    const double *beyond = node[KC_T] <= upto ? node + KC_NODE : node;
    for (node = leg[KC_T] > from ? leg : leg + KC_NODE; node < beyond; node += KC_NODE) {
        double share = (node[KC_T] - from) * rate;
        for (int i = 0; i < 3; i++) {
            double beside = node[KC_X + i] - start[i] - share * step[i];
            least[i] = beside < least[i] ? beside : least[i];
            most[i] = beside > most[i] ? beside : most[i];
        }
    }
    /* The ball goes along the middle of the box. A leg bows from its chord, and a mover goes on for the slip: no more
     * than 20 cm at 20 km/s. */
    double sag = (longest2[0] + longest2[1] + longest2[2]) / (8.0 * KC_LEAST_RADIUS_M) + 0.2, half2 = 0.0;
    for (int i = 0; i < 3; i++) {
        double shift = 0.5 * (least[i] + most[i]), half = 0.5 * (most[i] - least[i]);
        half2 += half * half;
        it->ball.start[i] = start[i] + shift;
        it->ball.stop[i] = it->place[i] + shift;
    }
    it->wobble = sqrt(half2) + sag;
    it->ball.radius = it->wobble + it->reach;
    if (it->loose) { /* its time is not that of the slab: it may be anywhere on its way at any time */
        for (int i = 0; i < 3; i++) it->ball.start[i] = it->ball.stop[i] = it->ball.start[i] + 0.5 * step[i];
        it->ball.radius += 0.5 * sqrt(kc_dot(step, step));
    }
    it->ball.lower = rounded_down(low - it->tall);
    it->ball.upper = rounded_up(high + it->tall);
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

static int take_in(kc_slab *now, const kc_sweep *sweep, int level, double t0, double t1) {
    int64_t all = sweep->level_from[level + 1];
    for (; now->track < all; now->track++) {
        const kc_track *one = &sweep->tracks[now->track];
        if (one->begin - KC_SLIP_S > t1) break;
        if (now->track + 4 * AHEAD < all) call_for(sweep, one + 2 * AHEAD, one + 4 * AHEAD, t0);
        if (one->end + KC_SLIP_S < t0) continue;
        if (now->count == now->room) {
            int64_t room = now->room ? 2 * now->room : 256;
            kc_mover *movers = realloc(now->movers, (size_t)room * sizeof *movers);
            if (!movers) return 0;
            now->movers = movers;
            now->room = room;
        }
        now->movers[now->count++] = mover_of(sweep, one);
    }
    return 1;
}

int kc_slab_fill(kc_slab *now, const kc_sweep *sweep, int level, int64_t slab) {
    double t0 = kc_slab_at(sweep, level, slab), t1 = kc_slab_at(sweep, level, slab + 1), rate = 1.0 / (t1 - t0);
    for (int64_t k = now->count; k-- > 0;)
        if (now->movers[k].end + KC_SLIP_S < t0) now->movers[k] = now->movers[--now->count];
    if (!take_in(now, sweep, level, t0, t1)) return 0;
    for (int64_t k = 0; k < now->count; k++) {
        kc_mover *it = &now->movers[k];
        const double *ahead = now->movers[k + AHEAD < now->count ? k + AHEAD : k].leg;
        for (int line = 0; line < 4; line++) __builtin_prefetch(ahead + 8 * line);
        if (it->volume < 0)
            put_way(it, t0, t1, rate);
        else
            put_volume(&sweep->plans, it);
    }
    now->slab = slab;
    return kc_balls_order(&now->balls, &sweep->axes, now->movers, now->count, sizeof *now->movers);
}

void kc_slab_free(kc_slab *now) {
    free(now->movers);
    kc_balls_free(&now->balls);
    *now = (kc_slab){0};
}
