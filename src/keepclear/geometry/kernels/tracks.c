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
    return (kc_track){begin - room[2], end + room[3], wish, plan, -1, 0};
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
    rank *ranks = malloc((size_t)(2 * count + 1) * sizeof *ranks);
    kc_track *ordered = malloc((size_t)(count + 1) * sizeof *ordered);
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
    rank *now = ranks, *other = ranks + count;
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
static kc_axes axes_of(const kc_sweep *sweep, const kc_track *tracks, int64_t count) {
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
    kc_track *tracks = malloc((size_t)(most + 1) * sizeof *tracks);
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
                tracks[count++] = (kc_track){volume[0], volume[1], 0.25 * (volume[1] - volume[0]), i, v, 0};
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
        while (tracks[k].level + 1 < KC_LEVELS && tracks[k].wish >= width * exp2(KC_FINER * (double)(tracks[k].level + 1)))
            tracks[k].level++;
    sweep->axes = axes_of(sweep, tracks, count); /* while the plans are one after the other */
    if (!put_in_order(sweep, count)) {
        kc_sweep_free(sweep);
        return NULL;
    }
    tracks = sweep->tracks;
    for (int64_t k = count; k-- > 0;) sweep->level_from[tracks[k].level] = k;
    sweep->level_from[KC_LEVELS] = count;
    for (int level = KC_LEVELS - 1; level >= 0; level--) {
        int none = sweep->level_from[level] >= count || tracks[sweep->level_from[level]].level != level;
        if (none) sweep->level_from[level] = sweep->level_from[level + 1];
        sweep->width[level] = width * exp2(KC_FINER * (double)level);
    }
    sweep->origin = count ? begin - KC_SLIP_S : 0.0;
    sweep->slabs = count ? (int64_t)floor((end + KC_SLIP_S - sweep->origin) / width) + 1 : 0;
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
    for (int64_t k = 0; k < sweep->level_from[KC_LEVELS]; k++) {
        const kc_track *one = &sweep->tracks[k];
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
