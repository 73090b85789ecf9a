#include "sweep.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

/* How it goes. A mover goes through a slab of time in a ball that goes evenly from where it is first to where it is last,
 * and only movers whose balls touch on their way can meet in it; a volume is a ball at rest as long as it lasts. Each is cut into slabs of its own width: of eight to the power of its level
 * finest slabs, so wide that in one the mover gets about as far as it must keep from others. At each slab the balls of
 * its level are held to one another and to those of every coarser level at that time. Legs of two that touch are worked
 * out whole, whatever the slab, and a stay counts in the slab in which it begins: so slabs and threads change nothing.
 */

enum { MOST_KEPT = 30000 }; /* for no more movers does a run leave memory to the next: some 20 MB */
enum { AHEAD = 12 }; /* nodes are called for so many movers before they are needed */
enum { LEVELS = 12, FINER = 3 }; /* a level is 1 << FINER times as coarse as the one below */
static const double STEPS = 3.0; /* a mover goes about so many times what it must keep in a slab */
static const double SLIP_S = 1e-5; /* so far outside its slab a stay may begin by rounding */

/* A way or a volume. */
typedef struct {
    double begin, end, wish; /* when it is there, and the width of slab that suits it, s */
    int64_t plan, volume;    /* `volume` is -1 for a way */
    int64_t level;
} track;

struct kc_sweep {
    kc_plans plans;
    kc_minima minima;
    double across[KC_KINDS], height[KC_KINDS]; /* shares: two kinds must never keep more than the sum of theirs */
    track *tracks;                             /* by level, then by begin */
    int64_t level_from[LEVELS + 1];
    double origin, width[LEVELS];
    int64_t slabs;
    kc_axes axes;
};

static void share_out(kc_sweep *sweep) {
    int present[KC_KINDS] = {0};
    for (int64_t i = 0; i < sweep->plans.count; i++) present[sweep->plans.kind[i]] = 1;
    for (int figure = 0; figure < 2; figure++) {
        const double *least = figure ? sweep->minima.height : sweep->minima.across;
        double *share = figure ? sweep->height : sweep->across;
        for (int a = 0; a < KC_KINDS; a++) share[a] = least[a * KC_KINDS + a] > 0.0 ? 0.5 * least[a * KC_KINDS + a] : 0.0;
        for (int a = 0; a < KC_KINDS; a++)
            for (int b = 0; b < a; b++) {
                double need = least[a * KC_KINDS + b];
                if (!present[a] || !present[b] || isnan(sweep->minima.across[a * KC_KINDS + b])) continue;
                int smaller = share[a] < share[b] ? a : b;
                if (share[a] + share[b] < need) share[smaller] = need - (smaller == a ? share[b] : share[a]);
            }
    }
}

/* The speed of a way in m/s, more or less: from end to end, or on its middle leg if that is faster. */
static double speed_of(const double *nodes, int64_t legs) {
    const double *pairs[2][2] = {{nodes, nodes + KC_NODE * legs},
                                 {nodes + KC_NODE * (legs / 2), nodes + KC_NODE * (legs / 2 + 1)}};
    double speed = 0.0;
    for (int k = 0; k < 2; k++) {
        double apart2 = 0.0, lasts = pairs[k][1][KC_T] - pairs[k][0][KC_T];
        for (int i = KC_X; i < KC_X + 3; i++) apart2 += (pairs[k][1][i] - pairs[k][0][i]) * (pairs[k][1][i] - pairs[k][0][i]);
        if (lasts > 0.0) speed = fmax(speed, sqrt(apart2) / lasts);
    }
    return speed;
}

/* Has the nodes that `way_track` looks at brought here. */
static void call_for(const kc_plans *plans, int64_t plan) {
    int64_t first = plans->node_from[plan], last = plans->node_from[plan + 1] - 1;
    const double *nodes = plans->nodes;
    __builtin_prefetch(nodes + KC_NODE * first);
    __builtin_prefetch(nodes + KC_NODE * last);
    __builtin_prefetch(nodes + KC_NODE * (first + (last - first) / 2));
    __builtin_prefetch(nodes + KC_NODE * (first + (last - first) / 2 + 1));
}

static track way_track(const kc_sweep *sweep, int64_t plan) {
    const kc_plans *plans = &sweep->plans;
    const double *room = plans->room + 4 * plan, *nodes = plans->nodes + KC_NODE * plans->node_from[plan];
    int64_t legs = plans->node_from[plan + 1] - plans->node_from[plan] - 1;
    double begin = nodes[KC_T], end = nodes[KC_NODE * legs + KC_T], lasts = end - begin;
    double reach = 2.0 * (sweep->across[plans->kind[plan]] + room[0]), speed = speed_of(nodes, legs);
    double wish = speed > 0.0 ? fmax(STEPS * reach / speed, lasts / (double)legs) : lasts;
    wish = fmin(fmax(wish, room[2] + room[3]), lasts + room[2] + room[3]);
    return (track){begin - room[2], end + room[3], wish, plan, -1, 0};
}

typedef struct {
    uint64_t begin; /* in the order of the moments it stands for */
    int32_t level, index;
} rank;

enum { DIGIT_BITS = 11, DIGITS = 6, VALUES = 1 << DIGIT_BITS };

static inline uint64_t in_order(double moment) {
    uint64_t bits;
    memcpy(&bits, &moment, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static inline int value_of(const rank *one, int digit) {
    return digit < DIGITS ? (int)(one->begin >> DIGIT_BITS * digit & (VALUES - 1)) : one->level;
}

/* By level and by when they begin, equals as they were: digit by digit from the last. False if there is no memory. */
static int put_in_order(kc_sweep *sweep, int64_t count) {
    rank *ranks = malloc((size_t)(2 * count + 1) * sizeof *ranks), *other = ranks + count;
    track *ordered = malloc((size_t)(count + 1) * sizeof *ordered);
    int32_t (*before)[VALUES] = calloc(DIGITS + 1, sizeof *before);
    if (!ranks || !ordered || !before) {
        free(ranks);
        free(ordered);
        free(before);
        return 0;
    }
    for (int64_t k = 0; k < count; k++) {
        ranks[k] = (rank){in_order(sweep->tracks[k].begin), (int32_t)sweep->tracks[k].level, (int32_t)k};
        for (int digit = 0; digit <= DIGITS; digit++) before[digit][value_of(&ranks[k], digit)]++;
    }
    rank *now = ranks;
    for (int digit = 0; digit <= DIGITS && count; digit++) {
        if (before[digit][value_of(now, digit)] == count) continue; /* it is the same in all */
        int32_t sum = 0;
        for (int value = 0; value < VALUES; value++) {
            int32_t many = before[digit][value];
            before[digit][value] = sum;
            sum += many;
        }
        for (int64_t k = 0; k < count; k++) other[before[digit][value_of(&now[k], digit)]++] = now[k];
        rank *done = now;
        now = other;
        other = done;
    }
    for (int64_t k = 0; k < count; k++) ordered[k] = sweep->tracks[now[k].index];
    free(before);
    free(ranks);
    free(sweep->tracks);
    sweep->tracks = ordered;
    return 1;
}

/* Two directions in which the plans lie far apart: east and north of them all, or two axes of the earth. */
static kc_axes axes_of(const kc_sweep *sweep, const track *tracks, int64_t count) {
    const kc_plans *plans = &sweep->plans;
    double sum[3] = {0.0}, square[3] = {0.0};
    for (int64_t k = 0; k < count; k++) {
        const double *at = tracks[k].volume < 0
                               ? plans->nodes + KC_NODE * plans->node_from[tracks[k].plan] + KC_X
                               : plans->areas + 8 * tracks[k].volume;
        for (int i = 0; i < 3; i++) {
            sum[i] += at[i];
            square[i] += at[i] * at[i];
        }
    }
    kc_axes axes = {{0.0}, {0.0}};
    double n = count ? (double)count : 1.0, mean[3], spread[3];
    for (int i = 0; i < 3; i++) {
        mean[i] = sum[i] / n;
        spread[i] = square[i] / n - mean[i] * mean[i];
    }
    if (kc_dot(mean, mean) > 0.25 * KC_MEAN_RADIUS_M * KC_MEAN_RADIUS_M) {
        kc_plane plane;
        kc_plane_at(mean, &plane);
        memcpy(axes.along, plane.east, sizeof plane.east);
        memcpy(axes.across, plane.north, sizeof plane.north);
    } else {
        int least = spread[0] < spread[1] ? (spread[0] < spread[2] ? 0 : 2) : (spread[1] < spread[2] ? 1 : 2);
        axes.along[(least + 1) % 3] = 1.0;
        axes.across[(least + 2) % 3] = 1.0;
    }
    return axes;
}

kc_sweep *kc_sweep_lay(const kc_plans *plans, const kc_minima *minima, double width) {
    int64_t most = plans->count + (plans->count ? plans->volume_from[plans->count] : 0), count = 0;
    kc_sweep *sweep = calloc(1, sizeof *sweep);
    track *tracks = malloc((size_t)(most + 1) * sizeof *tracks);
    if (!sweep || !tracks) {
        free(sweep);
        free(tracks);
        return NULL;
    }
    sweep->plans = *plans;
    sweep->minima = *minima;
    sweep->tracks = tracks;
    share_out(sweep);
    double weights = 0.0, logs = 0.0, begin = INFINITY, end = -INFINITY;
    for (int64_t i = 0; i < plans->count; i++) {
        if (i + AHEAD < plans->count) call_for(plans, i + AHEAD);
        if (plans->node_from[i + 1] - plans->node_from[i] > 1) {
            tracks[count] = way_track(sweep, i);
            if (tracks[count].wish > 0.0) count++;
        }
        for (int64_t v = plans->volume_from[i]; v < plans->volume_from[i + 1]; v++) {
            const double *volume = plans->volumes + 4 * v;
            if (volume[1] > volume[0])
                tracks[count++] = (track){volume[0], volume[1], 0.25 * (volume[1] - volume[0]), i, v, 0};
        }
    }
    for (int64_t k = 0; k < count; k++) {
        double weight = (tracks[k].end - tracks[k].begin) / tracks[k].wish;
        weights += weight;
        logs += weight * log(tracks[k].wish);
        begin = fmin(begin, tracks[k].begin);
        end = fmax(end, tracks[k].end);
    }
    if (!(width > 0.0)) width = count ? exp(logs / weights) : 1.0;
    for (int64_t k = 0; k < count; k++)
        while (tracks[k].level + 1 < LEVELS && tracks[k].wish >= width * exp2(FINER * (double)(tracks[k].level + 1)))
            tracks[k].level++;
    sweep->axes = axes_of(sweep, tracks, count); /* while the plans are one after the other */
    if (!put_in_order(sweep, count)) {
        kc_sweep_free(sweep);
        return NULL;
    }
    tracks = sweep->tracks;
    for (int64_t k = count; k-- > 0;) sweep->level_from[tracks[k].level] = k;
    sweep->level_from[LEVELS] = count;
    for (int level = LEVELS - 1; level >= 0; level--) {
        int none = sweep->level_from[level] >= count || tracks[sweep->level_from[level]].level != level;
        if (none) sweep->level_from[level] = sweep->level_from[level + 1];
        sweep->width[level] = width * exp2(FINER * (double)level);
    }
    sweep->origin = count ? begin - SLIP_S : 0.0;
    sweep->slabs = count ? (int64_t)floor((end + SLIP_S - sweep->origin) / width) + 1 : 0;
    return sweep;
}

void kc_sweep_free(kc_sweep *sweep) {
    if (!sweep) return;
    free(sweep->tracks);
    free(sweep);
}

void kc_sweep_cut(const kc_sweep *sweep, int64_t parts, int64_t *cuts) {
    enum { BINS = 2048 };
    double there[BINS + 1] = {0.0}, passed[BINS + 1] = {0.0}, now = 0.0;
    double per_bin = (double)sweep->slabs / BINS;
    for (int64_t k = 0; k < sweep->level_from[LEVELS]; k++) {
        const track *one = &sweep->tracks[k];
        double from = (one->begin - sweep->origin) / (sweep->width[0] * per_bin);
        double upto = (one->end - sweep->origin) / (sweep->width[0] * per_bin);
        there[(int)fmin(fmax(from, 0.0), BINS - 1)] += 1.0;
        there[(int)fmin(fmax(upto, 0.0), BINS - 1) + 1] -= 1.0;
    }
    for (int bin = 0; bin < BINS; bin++) {
        now += there[bin];
        passed[bin + 1] = passed[bin] + 1.0 + now * (400.0 + now);
    }
    for (int64_t part = 0, bin = 0; part <= parts; part++) {
        double wanted = passed[BINS] * (double)part / (double)parts;
        while (bin < BINS && passed[bin + 1] <= wanted) bin++;
        double share = bin < BINS ? (wanted - passed[bin]) / (passed[bin + 1] - passed[bin]) : 0.0;
        cuts[part] = part == parts ? sweep->slabs : (int64_t)(((double)bin + share) * per_bin);
    }
}

/* ── One run ─────────────────────────────────────────────────────────────────────────────────────────────────────── */

/* A track that is there now. */
typedef struct {
    const double *first, *last; /* of a way: its nodes */
    const double *leg;          /* the one on which it is at the moment `known` */
    double begin, end, buffer, vertical_buffer, early, late, reach, tall;
    double known, place[5]; /* where it is at the moment `known`, and its band */
    int64_t plan, volume;
    int32_t datum, kind;
} mover;

/* A mover in one slab. */
typedef struct {
    kc_ball ball;
    double wobble; /* of a way: how far off even going */
    const double *leg, *last;         /* the legs that touch the slab, up to the node `last` */
    int64_t plan, volume;
    double buffer, vertical_buffer;
    int32_t kind, loose;
} item;

typedef struct {
    int64_t slab;  /* the one that the balls are of, -1 before the first */
    int64_t track; /* the next to come */
    mover *movers;
    item *items;
    int64_t count, room;
    kc_balls balls;
} level_state;

/* A pair of legs to be worked out: whose, by which rule, and when a stay must begin to count. */
typedef struct {
    int64_t a, b;
    double across, height, from, upto;
    int32_t flags;
} put_off;

typedef struct kc_sweep_room {
    const kc_sweep *sweep;
    kc_breaches *found;
    level_state level[LEVELS]; /* whose memory serves the next run */
    int32_t *near;
    int64_t near_room;
    double from, upto; /* stays that begin in this time are this run's */
    kc_sweep_counts counts;
    kc_leg_pairs pairs; /* put off until there are enough of them to be worked out side by side */
    put_off waiting[KC_LANES];
    int32_t waits;
} run;

/* The next float down or up if rounding went the other way; to a thousandth more for numbers near nothing. */
static inline float rounded_down(double value) {
    float to = (float)value;
    return (double)to > value ? to - fabsf(to) * FLT_EPSILON - 1e-6f : to;
}

static inline float rounded_up(double value) {
    float to = (float)value;
    return (double)to < value ? to + fabsf(to) * FLT_EPSILON + 1e-6f : to;
}

static mover mover_of(const kc_sweep *sweep, const track *one) {
    const kc_plans *plans = &sweep->plans;
    int kind = plans->kind[one->plan];
    mover it = {.begin = one->begin, .end = one->end, .reach = sweep->across[kind], .tall = sweep->height[kind],
                .known = -INFINITY, .plan = one->plan, .volume = one->volume, .datum = plans->datum[one->plan], .kind = kind};
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
    }
    return it;
}

static inline double later(double one, double other) { return one > other ? one : other; }
static inline double sooner(double one, double other) { return one < other ? one : other; }

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

/* The first leg of some that is not over before t. */
static inline const double *first_leg(const double *leg, const double *last, double t) {
    if (last - leg > 8 * KC_NODE) {
        int64_t low = 0, high = (last - leg) / KC_NODE - 1;
        while (low < high) {
            int64_t middle = (low + high) / 2;
            if (leg[KC_NODE * (middle + 1)] < t)
                low = middle + 1;
            else
                high = middle;
        }
        return leg + KC_NODE * low;
    }
    while (leg + KC_NODE < last && leg[KC_NODE] < t) leg += KC_NODE;
    return leg;
}

/* Puts a way where it is at a moment that is not the one at which it was last. */
static __attribute__((noinline)) void put_at(mover *it, double from) {
    while (it->leg > it->first && it->leg[KC_T] > from) it->leg -= KC_NODE;
    if (it->leg[KC_NODE] < from) it->leg = first_leg(it->leg, it->last, from); /* most begin now */
    chord_at(it->leg, from, it->place);
}

static void way_item(mover *it, double t0, double t1, double rate, item *made) {
    double from = t0 - it->late, upto = t1 + it->early;
    const double *last = it->last;
    if (it->known != from) put_at(it, from);
    const double *leg = it->leg;
    double start[3], step[3], low = it->place[3], high = it->place[4];
    memcpy(start, it->place, sizeof start);
    const double *node = leg + KC_NODE;
    while (node < last && node[KC_T] <= upto) node += KC_NODE;
    it->leg = node - KC_NODE;
    it->known = upto;
    chord_at(it->leg, upto, it->place);
    widen(it->place[3], it->place[4], &low, &high);
    made->leg = leg;
    made->last = node;
    while (made->leg > it->first && made->leg[KC_T] >= from - SLIP_S) made->leg -= KC_NODE;
    while (made->last < last && made->last[KC_T] <= upto + SLIP_S) made->last += KC_NODE;

    double step2 = 0.0, off2 = 0.0, longest2 = 0.0;
    if (it->late + it->early > 0.0) rate = 1.0 / (upto - from);
    for (int i = 0; i < 3; i++) {
        step[i] = it->place[i] - start[i];
        made->ball.start[i] = start[i];
        made->ball.stop[i] = it->place[i];
        step2 += step[i] * step[i];
    }
    /* Before its first node and after its last a mover is taken to stand there: it is not held to anybody then. */
    for (node = leg; node < made->last; node += KC_NODE) {
        double chord2 = 0.0, beside2 = 0.0, share = (node[KC_T] - from) * rate;
        for (int i = 0; i < 3; i++) {
            double chord = node[KC_NODE + KC_X + i] - node[KC_X + i];
            double beside = node[KC_X + i] - start[i] - share * step[i];
            chord2 += chord * chord;
            beside2 += beside * beside;
        }
        longest2 = later(longest2, chord2);
        if (share < 0.0) continue;
        widen(node[KC_LOWER], node[KC_UPPER], &low, &high);
        off2 = later(off2, beside2);
    }
    if (node[KC_T] <= upto) { /* the end of the way */
        double beside2 = 0.0, share = (node[KC_T] - from) * rate;
        for (int i = 0; i < 3; i++) {
            double beside = node[KC_X + i] - start[i] - share * step[i];
            beside2 += beside * beside;
        }
        off2 = later(off2, beside2);
    }
    /* A leg bows from its chord, and a mover goes on for the slip: no more than 20 cm at 20 km/s. */
    double sag = longest2 / (8.0 * KC_LEAST_RADIUS_M) + 0.2;
    made->wobble = sqrt(off2) + sag;
    made->ball.radius = made->wobble + it->reach;
    if (made->loose) { /* its time is not that of the slab: it may be anywhere on its way at any time */
        for (int i = 0; i < 3; i++) made->ball.start[i] = made->ball.stop[i] = start[i] + 0.5 * step[i];
        made->ball.radius += 0.5 * sqrt(step2);
    }
    made->ball.lower = rounded_down(low - it->tall);
    made->ball.upper = rounded_up(high + it->tall);
}

static void volume_item(const kc_plans *plans, const mover *it, item *made) {
    const double *area = plans->areas + 8 * it->volume, *volume = plans->volumes + 4 * it->volume;
    memcpy(made->ball.start, area, sizeof made->ball.start);
    memcpy(made->ball.stop, area, sizeof made->ball.stop);
    made->ball.radius = area[3] + it->reach + 0.2;
    made->ball.lower = rounded_down(volume[2] - it->tall);
    made->ball.upper = rounded_up(volume[3] + it->tall);
    made->leg = made->last = NULL;
}

/* Takes in the tracks that have come by slab `slab` of a level, lets go of those that are over, makes and orders the
 * balls. */
static int build(run *now, int of, int64_t slab) {
    const kc_sweep *sweep = now->sweep;
    level_state *state = &now->level[of];
    double t0 = sweep->origin + (double)slab * sweep->width[of], t1 = sweep->origin + (double)(slab + 1) * sweep->width[of];
    int64_t kept = 0;
    for (int64_t k = 0; k < state->count; k++)
        if (state->movers[k].end + SLIP_S >= t0) state->movers[kept++] = state->movers[k];
    state->count = kept;
    for (; state->track < sweep->level_from[of + 1]; state->track++) {
        const track *one = &sweep->tracks[state->track];
        if (one->begin - SLIP_S > t1) break;
        if (one->end + SLIP_S < t0) continue;
        if (state->count == state->room) {
            int64_t room = state->room ? 2 * state->room : 256;
            mover *movers = realloc(state->movers, (size_t)room * sizeof *movers);
            if (movers) state->movers = movers;
            item *items = realloc(state->items, (size_t)room * sizeof *items);
            if (items) state->items = items;
            if (!movers || !items) return 0;
            state->room = room;
        }
        state->movers[state->count++] = mover_of(sweep, one);
    }
    double rate = 1.0 / (t1 - t0);
    for (int64_t k = 0; k < state->count; k++) {
        mover *it = &state->movers[k];
        const double *ahead = state->movers[k + AHEAD < state->count ? k + AHEAD : k].leg;
        for (int line = 0; line < 4; line++) __builtin_prefetch(ahead + 8 * line);
        item *made = &state->items[k];
        made->plan = it->plan;
        made->volume = it->volume;
        made->kind = it->kind;
        made->buffer = it->buffer;
        made->vertical_buffer = it->vertical_buffer;
        made->loose = it->early > 0.0 || it->late > 0.0;
        made->ball.datum = it->datum;
        if (it->volume < 0)
            way_item(it, t0, t1, rate, made);
        else
            volume_item(&sweep->plans, it, made);
    }
    state->slab = slab;
    now->counts.balls += state->count;
    if (!kc_balls_order(&state->balls, &sweep->axes, state->items, state->count, sizeof *state->items)) return 0;
    if (state->balls.copies > now->near_room) {
        int32_t *near = realloc(now->near, (size_t)(2 * state->balls.copies) * sizeof *near);
        if (!near) return 0;
        now->near = near;
        now->near_room = 2 * state->balls.copies;
    }
    return 1;
}

/* Whether two ways that go almost evenly through one slab can pass within `reach` in it, and then in which part of it. */
static inline int may_pass(const item *a, const item *b, double reach, double *from, double *upto) {
    double aa = 0.0, ab = 0.0, bb = 0.0, rough = reach + a->wobble + b->wobble;
    for (int i = 0; i < 3; i++) {
        double first = a->ball.start[i] - b->ball.start[i], step = (a->ball.stop[i] - b->ball.stop[i]) - first;
        aa += first * first;
        ab += first * step;
        bb += step * step;
    }
    double over = aa - rough * rough, root2 = ab * ab - bb * over;
    if (over > 0.0 && (ab >= 0.0 || root2 < 0.0)) return 0;
    if (bb > 1.0) { /* else they stay as they are */
        double root = sqrt(root2), begin = (-ab - root) / bb, end = (-ab + root) / bb, length = *upto - *from;
        if (begin > 1.0) return 0;
        *upto = end < 1.0 ? *from + end * length : *upto;
        *from = begin > 0.0 ? *from + begin * length : *from;
    }
    return 1;
}

typedef struct {
    double t0, t1;      /* the slab, or the part of it that matters */
    double from, upto;  /* what begins in this time counts */
} span;

/* Whether two legs are surely too near already at t, so that their stay began before. */
static inline int together_before(const double *leg, const double *other, double t, double reach, double height) {
    double share = (t - leg[KC_T]) / (leg[KC_NODE] - leg[KC_T]);
    double other_share = (t - other[KC_T]) / (other[KC_NODE] - other[KC_T]);
    double lower, upper, other_lower, other_upper, chord2 = 0.0, apart2 = 0.0;
    kc_band_at(leg, share, &lower, &upper);
    kc_band_at(other, other_share, &other_lower, &other_upper);
    if (lower - other_upper > height - 2.0 * KC_DEPTH_M || other_lower - upper > height - 2.0 * KC_DEPTH_M) return 0;
    for (int i = KC_X; i < KC_X + 3; i++) {
        double chord = leg[KC_NODE + i] - leg[i], other_chord = other[KC_NODE + i] - other[i];
        double apart = leg[i] - other[i] + share * chord - other_share * other_chord;
        chord2 += chord * chord + other_chord * other_chord;
        apart2 += apart * apart;
    }
    double bend = reach / KC_LEAST_RADIUS_M; /* along the ground it is longer than straight through the earth */
    double sure = reach * (1.0 - bend * bend / 20.0) - chord2 / (8.0 * KC_LEAST_RADIUS_M) - 0.1;
    return sure > 0.0 && apart2 < sure * sure;
}

/* Works out the pairs of legs that wait. */
static int work_out(run *now) {
    kc_met met[KC_LANES];
    int bits = kc_legs_meet_many(&now->pairs, met) & ((1 << now->waits) - 1);
    now->waits = 0;
    for (; bits; bits &= bits - 1) {
        int k = __builtin_ctz(bits);
        const put_off *one = &now->waiting[k];
        if (met[k].t0 >= one->from && met[k].t0 < one->upto &&
            !kc_add_stay(now->found, one->a, one->b, KC_WAYS_NEAR, one->flags, one->across, one->height, &met[k]))
            return 0;
    }
    return 1;
}

static int ways_near(run *now, const item *a, const item *b, const kc_rule *rule, span in) {
    double across = rule->across + a->buffer + b->buffer;
    double height = rule->height + a->vertical_buffer + b->vertical_buffer;
    double t0 = in.t0 - SLIP_S, t1 = in.t1 + SLIP_S;
    kc_met met;
    if (!a->loose && !b->loose) {
        const double *leg = first_leg(a->leg, a->last, t0), *other = first_leg(b->leg, b->last, t0);
        while (leg < a->last && other < b->last && leg[KC_T] <= t1 && other[KC_T] <= t1) {
            double begin = later(later(leg[KC_T], other[KC_T]), t0), end = sooner(sooner(leg[KC_NODE], other[KC_NODE]), t1);
            now->counts.legs++;
            if (begin <= end && leg[KC_NODE] > leg[KC_T] && other[KC_NODE] > other[KC_T] &&
                kc_legs_may_meet(leg, other, begin, end, across, height) &&
                !(begin == t0 && together_before(leg, other, t0, across, height))) {
                now->counts.exact++;
                kc_put_pair(&now->pairs, now->waits, leg, other, across, height);
                now->waiting[now->waits++] = (put_off){a->plan, b->plan, across, height, in.from, in.upto, rule->flags};
                if (now->waits == KC_LANES && !work_out(now)) return 0;
            }
            if (leg[KC_NODE] <= other[KC_NODE])
                leg += KC_NODE;
            else
                other += KC_NODE;
        }
        return 1;
    }
    const double *room = now->sweep->plans.room + 4 * a->plan, *other_room = now->sweep->plans.room + 4 * b->plan;
    double early = room[2], late = room[3], other_early = other_room[2], other_late = other_room[3];
    for (const double *leg = first_leg(a->leg, a->last, t0 - late); leg < a->last && leg[KC_T] - early <= t1; leg += KC_NODE) {
        double from = fmax(leg[KC_T] - early, t0), upto = fmin(leg[KC_NODE] + late, t1);
        const double *other = first_leg(b->leg, b->last, from - other_late);
        for (; other < b->last && other[KC_T] - other_early <= upto; other += KC_NODE) {
            now->counts.legs++;
            if (!kc_legs_may_meet_loosely(leg, other, across, height)) continue;
            now->counts.exact++;
            if (kc_legs_meet_loosely(leg, early, late, other, other_early, other_late, across, height, &met) &&
                met.t0 >= in.from && met.t0 < in.upto &&
                !kc_add_stay(now->found, a->plan, b->plan, KC_WAYS_NEAR, rule->flags, across, height, &met))
                return 0;
        }
    }
    return 1;
}

static int way_near_volume(run *now, const item *way, const item *volume, const kc_rule *rule, span in) {
    const kc_plans *plans = &now->sweep->plans;
    const double *room = plans->room + 4 * way->plan, *area = plans->areas + 8 * volume->volume;
    const double *window = plans->volumes + 4 * volume->volume;
    double t0 = fmax(in.t0, window[0]) - SLIP_S, t1 = fmin(in.t1, window[1]) + SLIP_S;
    double reach = rule->across + room[0] + area[3] + 0.1;
    int64_t first = way->plan < volume->plan ? way->plan : volume->plan;
    kc_rule whose = *rule;
    if (way->plan != first) whose.flags |= KC_WAY_OF_B;
    for (const double *leg = first_leg(way->leg, way->last, t0 - room[3]); leg < way->last && leg[KC_T] - room[2] <= t1;
         leg += KC_NODE) {
        double apart2 = 0.0, chord2 = 0.0;
        for (int i = 0; i < 3; i++) {
            double half = 0.5 * (leg[KC_NODE + KC_X + i] - leg[KC_X + i]), d = leg[KC_X + i] + half - area[i];
            chord2 += half * half;
            apart2 += d * d;
        }
        double rough = reach + sqrt(chord2) + chord2 / (2.0 * KC_LEAST_RADIUS_M);
        now->counts.legs++;
        if (apart2 > rough * rough) continue;
        now->counts.exact++;
        if (!kc_add_stays_in(leg, room, plans, volume->volume, whose, first, way->plan + volume->plan - first, in.from,
                             in.upto, now->found))
            return 0;
    }
    return 1;
}

static int volumes_near(run *now, const item *a, const item *b, const kc_rule *rule, span in) {
    const kc_plans *plans = &now->sweep->plans;
    double begin = fmax(plans->volumes[4 * a->volume], plans->volumes[4 * b->volume]);
    if (begin < in.from || begin >= in.upto) return 1;
    now->counts.exact++;
    return kc_add_volumes(plans, a->plan, a->volume, plans, b->plan, b->volume, *rule, now->found);
}

static int pair_near(run *now, const item *a, const item *b, int same_slab, span in) {
    if (a->plan == b->plan) return 1;
    if (a->plan > b->plan) {
        const item *other = a;
        a = b;
        b = other;
    }
    kc_rule rule = kc_rule_for(&now->sweep->minima, a->kind, a->ball.datum, b->kind, b->ball.datum);
    if (!(rule.across >= 0.0)) return 1;
    now->counts.near++;
    if (a->volume >= 0 && b->volume >= 0) return volumes_near(now, a, b, &rule, in);
    if (a->volume >= 0) return way_near_volume(now, b, a, &rule, in);
    if (b->volume >= 0) return way_near_volume(now, a, b, &rule, in);
    if (same_slab && !a->loose && !b->loose && !may_pass(a, b, rule.across + a->buffer + b->buffer, &in.t0, &in.t1))
        return 1;
    now->counts.ways++;
    return ways_near(now, a, b, &rule, in);
}

/* Everything in one slab of a level: its balls among themselves, and each with those of the coarser levels now. */
static int slab_of(run *now, int of, int64_t slab) {
    if (!build(now, of, slab)) return 0;
    const kc_sweep *sweep = now->sweep;
    level_state *state = &now->level[of];
    double t0 = sweep->origin + (double)slab * sweep->width[of], t1 = sweep->origin + (double)(slab + 1) * sweep->width[of];
    span in = {t0, t1, fmax(t0, now->from), fmin(t1, now->upto)};
    for (int64_t at = 0; at < state->balls.copies; at++) {
        const item *one = &state->items[state->balls.ball[at]];
        int64_t count = kc_balls_after(&state->balls, at, now->near);
        for (int64_t k = 0; k < count; k++)
            if (!pair_near(now, one, &state->items[now->near[k]], 1, in)) return 0;
    }
    for (int coarser = of + 1; coarser < LEVELS; coarser++) {
        level_state *other = &now->level[coarser];
        if (!other->count || other->slab != slab >> (FINER * (coarser - of))) continue;
        for (int64_t i = 0; i < state->count; i++) {
            int64_t count = kc_balls_near(&other->balls, &state->items[i].ball, now->near);
            for (int64_t k = 0; k < count; k++)
                if (!pair_near(now, &state->items[i], &other->items[now->near[k]], 0, in)) return 0;
        }
    }
    return 1;
}

/* The next slab of a level in which there is anything, at or after `least`; beyond the sweep if there is none. */
static int64_t next_slab(const run *now, int of, int64_t least) {
    const kc_sweep *sweep = now->sweep;
    const level_state *state = &now->level[of];
    if (state->slab >= 0 && state->count) return state->slab + 1;
    if (state->track == sweep->level_from[of + 1]) return INT64_MAX / 4 >> (FINER * of);
    double begin = sweep->tracks[state->track].begin - SLIP_S;
    int64_t slab = (int64_t)floor((begin - sweep->origin) / sweep->width[of]);
    if (slab <= state->slab) slab = state->slab + 1;
    return slab > least ? slab : least;
}

static void let_go(run *now) {
    for (int level = 0; level < LEVELS; level++) {
        level_state *state = &now->level[level];
        free(state->movers);
        free(state->items);
        kc_balls_free(&state->balls);
        *state = (level_state){0};
    }
    free(now->near);
    now->near = NULL;
    now->near_room = 0;
}

kc_sweep_room *kc_sweep_room_new(void) { return calloc(1, sizeof(kc_sweep_room)); }

void kc_sweep_room_free(kc_sweep_room *room) {
    if (!room) return;
    let_go(room);
    free(room);
}

int kc_sweep_run(const kc_sweep *sweep, int64_t from, int64_t upto, kc_sweep_room *now, kc_breaches *found,
                 kc_sweep_counts *counts) {
    now->sweep = sweep;
    now->found = found;
    now->from = from <= 0 ? -INFINITY : sweep->origin + (double)from * sweep->width[0];
    now->upto = upto >= sweep->slabs ? INFINITY : sweep->origin + (double)upto * sweep->width[0];
    now->counts = (kc_sweep_counts){0};
    now->waits = 0;
    int64_t next[LEVELS];
    for (int level = 0; level < LEVELS; level++) {
        now->level[level].slab = -1;
        now->level[level].count = 0;
        now->level[level].track = sweep->level_from[level];
        next[level] = next_slab(now, level, from >> (FINER * level));
    }
    int enough = 1;
    while (enough) {
        int of = 0; /* the coarsest of the levels whose slab begins first */
        for (int level = 1; level < LEVELS; level++)
            if (next[level] << (FINER * level) <= next[of] << (FINER * of)) of = level;
        if (next[of] << (FINER * of) >= upto) break;
        enough = slab_of(now, of, next[of]);
        next[of] = next_slab(now, of, 0);
    }
    enough = enough && work_out(now);
    if (counts) *counts = now->counts;
    int64_t movers = 0;
    for (int level = 0; level < LEVELS; level++) movers += now->level[level].room;
    if (movers > MOST_KEPT) let_go(now);
    return enough;
}

/* ── In order ────────────────────────────────────────────────────────────────────────────────────────────────────── */

typedef struct {
    int32_t a, b, part, stay;
} key;

static inline const kc_breach *stay_of(const kc_breaches *parts, const key *one) {
    return parts[one->part].list + one->stay;
}

int64_t kc_sweep_join(const kc_breaches *parts, int64_t count, int64_t plans, kc_breach *list) {
    int64_t stays = 0, kept = 0;
    for (int64_t part = 0; part < count; part++) stays += parts[part].count;
    key *keys = malloc((size_t)(2 * stays + 1) * sizeof *keys), *other = keys + stays, *next = keys;
    int64_t *from = malloc((size_t)(plans + 1) * sizeof *from);
    if (!keys || !from) {
        free(keys);
        free(from);
        return -1;
    }
    for (int64_t part = 0; part < count; part++)
        for (int64_t k = 0; k < parts[part].count; k++)
            *next++ = (key){(int32_t)parts[part].list[k].a, (int32_t)parts[part].list[k].b, (int32_t)part, (int32_t)k};
    for (int first = 0; first < 2; first++) { /* by the second plan, then by the first, equals left as they were */
        key *before = first ? other : keys, *after = first ? keys : other;
        memset(from, 0, (size_t)(plans + 1) * sizeof *from);
        for (int64_t k = 0; k < stays; k++) from[1 + (first ? before[k].a : before[k].b)]++;
        for (int64_t i = 0; i < plans; i++) from[i + 1] += from[i];
        for (int64_t k = 0; k < stays; k++) after[from[first ? before[k].a : before[k].b]++] = before[k];
    }
    for (int64_t k = 0; k < stays;) {
        int64_t first = kept, one = k;
        do {
            const char *soon = (const char *)stay_of(parts, keys + (k + AHEAD < stays ? k + AHEAD : k));
            for (int line = 0; line < 2; line++) __builtin_prefetch(soon + 64 * line);
            list[kept++] = *stay_of(parts, keys + k++);
        } while (k < stays && keys[k].a == keys[one].a && keys[k].b == keys[one].b);
        kept = first + kc_joined(list + first, kept - first);
    }
    free(keys);
    free(from);
    return kept;
}
