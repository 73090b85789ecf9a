#include "tracks.h"

#include <stdlib.h>
#include <string.h>

enum { AHEAD = 12 };             /* nodes are called for so many plans before they are needed */
static const double STEPS = 3.5; /* a mover goes about so many times what it must keep in a slab */

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

static kc_track way_track(const kc_sweep *sweep, int64_t plan) {
    const kc_plans *plans = &sweep->plans;
    const double *room = plans->room + 4 * plan, *nodes = plans->nodes + KC_NODE * plans->node_from[plan];
    int64_t legs = plans->node_from[plan + 1] - plans->node_from[plan] - 1;
    double begin = nodes[KC_T], end = nodes[KC_NODE * legs + KC_T], lasts = end - begin;
    double reach = 2.0 * (sweep->across[plans->kind[plan]] + room[0]), speed = speed_of(nodes, legs);
    double wish = speed > 0.0 ? fmax(STEPS * reach / speed, lasts / (double)legs) : lasts;
    wish = fmin(fmax(wish, room[2] + room[3]), lasts + room[2] + room[3]);
    return (kc_track){begin - room[2], end + room[3], wish, plan, -1};
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

/* Where the tracks of a part begin. */
static inline int64_t part_from(const kc_plans *plans, int64_t plan) { return plan + plans->volume_from[plan]; }

static inline int64_t first_plan(const kc_sweep *sweep, int64_t part) {
    return sweep->plans.count * part / sweep->parts;
}

/* The level whose slabs suit a track. */
static inline int32_t level_of(const kc_sweep *sweep, const kc_track *one) {
    int32_t level = 0;
    while (level + 1 < KC_LEVELS && one->wish >= sweep->width[level + 1]) level++;
    return level;
}

/* By level and by when they begin, equals as they were: digit by digit from the last. False if there is no memory. */
static int put_in_order(kc_sweep *sweep, int64_t count) {
    rank *ranks = malloc((size_t)(2 * count + 1) * sizeof *ranks);
    kc_track *ordered = malloc((size_t)(count + 1) * sizeof *ordered);
    int32_t (*before)[VALUES] = calloc(DIGITS + 1, sizeof *before);
    if (!ranks || !ordered || !before) {
        free(ranks);
        free(ordered);
        free(before);
        return 0;
    }
    rank *now = ranks, *other = ranks + count, *next = ranks;
    for (int64_t part = 0; part < sweep->parts; part++) {
        int64_t from = part_from(&sweep->plans, first_plan(sweep, part));
        for (int64_t k = from; k < from + sweep->laid[part].count; k++) {
            const kc_track *one = &sweep->tracks[k];
            *next = (rank){in_order(one->begin), level_of(sweep, one), (int32_t)k};
            sweep->level_from[next->level + 1]++;
            sweep->longest[next->level] = fmax(sweep->longest[next->level], one->end - one->begin);
            for (int digit = 0; digit <= DIGITS; digit++) before[digit][value_of(next, digit)]++;
            next++;
        }
    }
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
    for (int level = 0; level < KC_LEVELS; level++) sweep->level_from[level + 1] += sweep->level_from[level];
    free(before);
    free(ranks);
    free(sweep->tracks);
    sweep->tracks = ordered;
    return 1;
}

/* Two directions in which the plans lie far apart: east and north of them all, or two axes of the earth. */
static kc_axes axes_of(const kc_laid *all) {
    kc_axes axes = {{0.0}, {0.0}};
    double n = all->count ? (double)all->count : 1.0, mean[3], spread[3];
    for (int i = 0; i < 3; i++) {
        mean[i] = all->sum[i] / n;
        spread[i] = all->square[i] / n - mean[i] * mean[i];
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

kc_sweep *kc_sweep_new(const kc_plans *plans, const kc_minima *minima, int64_t parts) {
    kc_sweep *sweep = calloc(1, sizeof *sweep);
    if (!sweep) return NULL;
    sweep->plans = *plans;
    sweep->minima = *minima;
    sweep->parts = parts;
    sweep->tracks = malloc((size_t)(part_from(plans, plans->count) + 1) * sizeof *sweep->tracks);
    sweep->laid = calloc((size_t)parts, sizeof *sweep->laid);
    if (!sweep->tracks || !sweep->laid) {
        kc_sweep_free(sweep);
        return NULL;
    }
    share_out(sweep);
    return sweep;
}

/* Adds a track to a part, and what lies at `place`. */
static inline void put_track(kc_laid *part, kc_track *tracks, kc_track one, const double *place) {
    double weight = (one.end - one.begin) / one.wish;
    tracks[part->count++] = one;
    part->weights += weight;
    part->logs += weight * log(one.wish);
    part->begin = fmin(part->begin, one.begin);
    part->end = fmax(part->end, one.end);
    for (int i = 0; i < 3; i++) {
        part->sum[i] += place[i];
        part->square[i] += place[i] * place[i];
    }
}

void kc_sweep_lay(kc_sweep *sweep, int64_t part) {
    const kc_plans *plans = &sweep->plans;
    kc_laid laid = {.begin = INFINITY, .end = -INFINITY};
    int64_t first = first_plan(sweep, part), last = first_plan(sweep, part + 1);
    kc_track *tracks = sweep->tracks + part_from(plans, first);
    for (int64_t i = first; i < last; i++) {
        if (i + AHEAD < last) call_for(plans, i + AHEAD);
        if (plans->node_from[i + 1] - plans->node_from[i] > 1) {
            kc_track way = way_track(sweep, i);
            if (way.wish > 0.0) put_track(&laid, tracks, way, plans->nodes + KC_NODE * plans->node_from[i] + KC_X);
        }
        for (int64_t v = plans->volume_from[i]; v < plans->volume_from[i + 1]; v++) {
            double from = plans->volumes[4 * v], upto = plans->volumes[4 * v + 1];
            if (upto > from)
                put_track(&laid, tracks, (kc_track){from, upto, 0.25 * (upto - from), i, v}, plans->areas + 8 * v);
        }
    }
    sweep->laid[part] = laid;
}

int kc_sweep_order(kc_sweep *sweep, double width) {
    kc_laid all = {.begin = INFINITY, .end = -INFINITY};
    for (int64_t part = 0; part < sweep->parts; part++) {
        const kc_laid *one = &sweep->laid[part];
        all.count += one->count;
        all.weights += one->weights;
        all.logs += one->logs;
        all.begin = fmin(all.begin, one->begin);
        all.end = fmax(all.end, one->end);
        for (int i = 0; i < 3; i++) {
            all.sum[i] += one->sum[i];
            all.square[i] += one->square[i];
        }
    }
    if (!(width > 0.0)) width = all.count ? exp(all.logs / all.weights) : 1.0;
    for (int level = 0; level < KC_LEVELS; level++) sweep->width[level] = width * exp2(KC_FINER * (double)level);
    sweep->axes = axes_of(&all);
    sweep->origin = all.count ? all.begin - KC_SLIP_S : 0.0;
    sweep->slabs = all.count ? (int64_t)floor((all.end + KC_SLIP_S - sweep->origin) / width) + 1 : 0;
    return put_in_order(sweep, all.count);
}

int64_t kc_first_track(const kc_sweep *sweep, int level, double t) {
    int64_t low = sweep->level_from[level], high = sweep->level_from[level + 1];
    double begin = t - sweep->longest[level] - 1.0; /* a second more than enough, for rounding */
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (sweep->tracks[middle].begin < begin)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void kc_sweep_free(kc_sweep *sweep) {
    if (!sweep) return;
    free(sweep->tracks);
    free(sweep->laid);
    free(sweep);
}

void kc_sweep_cut(const kc_sweep *sweep, int64_t parts, int64_t *cuts) {
    enum { BINS = 2048, ENOUGH = 4096 };
    double there[BINS + 1] = {0.0}, passed[BINS + 1] = {0.0}, now = 0.0;
    double per_bin = (double)sweep->slabs / BINS, rate = 1.0 / (sweep->width[0] * per_bin);
    int64_t step = sweep->level_from[KC_LEVELS] / ENOUGH + 1; /* one stands for so many */
    for (int64_t k = 0; k < sweep->level_from[KC_LEVELS]; k += step) {
        const kc_track *one = &sweep->tracks[k];
        double from = (one->begin - sweep->origin) * rate, upto = (one->end - sweep->origin) * rate;
        there[(int)fmin(fmax(from, 0.0), BINS - 1)] += (double)step;
        there[(int)fmin(fmax(upto, 0.0), BINS - 1) + 1] -= (double)step;
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
