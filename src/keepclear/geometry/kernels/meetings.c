#include "meetings.h"

enum { SOON = 6 }; /* what is needed is called for so many before */

static inline void call(const void *from, size_t size) {
    for (size_t at = 0; at < size; at += 64) __builtin_prefetch((const char *)from + at);
}

static inline double most_of(double one, double other) { return one > other ? one : other; }
static inline double least_of(double one, double other) { return one < other ? one : other; }

/* Whether two ways that go almost evenly through one slab can pass within `rough` in it, and in which part of it. */
static inline int may_pass(const kc_ball *a, const kc_ball *b, double rough, double *from, double *upto) {
    double aa = 0.0, ab = 0.0, bb = 0.0;
    for (int i = 0; i < 3; i++) {
        double first = a->start[i] - b->start[i], step = (a->stop[i] - b->stop[i]) - first;
        aa += first * first;
        ab += first * step;
        bb += step * step;
    }
    /* Without a branch: nothing waits for the root. Those that stay as they are do so all the time. */
    double over = aa - rough * rough, root2 = ab * ab - bb * over, root = sqrt(most_of(root2, 0.0));
    double moves = bb > 1.0, rate = moves / most_of(bb, 1.0), length = *upto - *from;
    double begin = (-ab - root) * rate, end = (-ab + root) * rate + (1.0 - moves);
    int never = (over > 0.0) & ((ab >= 0.0) | (root2 < 0.0) | (begin > 1.0));
    *upto = *from + least_of(end, 1.0) * length;
    *from = *from + most_of(begin, 0.0) * length;
    return !never;
}

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
static int work_out(kc_meetings *now) {
    kc_met met[KC_LANES];
    int bits = kc_legs_meet_many(&now->pairs, met) & ((1 << now->waits) - 1);
    now->waits = 0;
    for (; bits; bits &= bits - 1) {
        int k = __builtin_ctz(bits);
        const kc_put_off *one = &now->waiting[k];
        if (met[k].t0 >= one->from && met[k].t0 < one->upto &&
            !kc_add_stay(&now->found, one->a, one->b, KC_WAYS_NEAR, one->flags, one->across, one->height, &met[k]))
            return 0;
    }
    return 1;
}

static int loose_ways_near(kc_meetings *now, const kc_mover *a, const kc_mover *b, const kc_rule *rule, kc_span in) {
    double across = rule->across + a->buffer + b->buffer;
    double height = rule->height + a->vertical_buffer + b->vertical_buffer;
    double t0 = in.t0 - KC_SLIP_S, t1 = in.t1 + KC_SLIP_S;
    double early = a->early, late = a->late, other_early = b->early, other_late = b->late;
    kc_met met;
    for (const double *leg = kc_first_leg(a->from, a->upto, t0 - late); leg < a->upto && leg[KC_T] - early <= t1;
         leg += KC_NODE) {
        double from = fmax(leg[KC_T] - early, t0), upto = fmin(leg[KC_NODE] + late, t1);
        const double *other = kc_first_leg(b->from, b->upto, from - other_late);
        for (; other < b->upto && other[KC_T] - other_early <= upto; other += KC_NODE) {
            now->counts.legs++;
            if (!kc_legs_may_meet_loosely(leg, other, across, height)) continue;
            now->counts.exact++;
            if (kc_legs_meet_loosely(leg, early, late, other, other_early, other_late, across, height, &met) &&
                met.t0 >= in.from && met.t0 < in.upto &&
                !kc_add_stay(&now->found, a->plan, b->plan, KC_WAYS_NEAR, rule->flags, across, height, &met))
                return 0;
        }
    }
    return 1;
}

static int way_near_volume(kc_meetings *now, const kc_mover *way, const kc_mover *volume, const kc_rule *rule,
                           kc_span in) {
    const kc_plans *plans = &now->sweep->plans;
    const double *room = plans->room + 4 * way->plan, *area = plans->areas + 8 * volume->volume;
    const double *window = plans->volumes + 4 * volume->volume;
    double t0 = fmax(in.t0, window[0]) - KC_SLIP_S, t1 = fmin(in.t1, window[1]) + KC_SLIP_S;
    double reach = rule->across + room[0] + area[3] + 0.1;
    int64_t first = way->plan < volume->plan ? way->plan : volume->plan;
    kc_rule whose = *rule;
    if (way->plan != first) whose.flags |= KC_WAY_OF_B;
    const double *leg = kc_first_leg(way->from, way->upto, t0 - room[3]);
    for (; leg < way->upto && leg[KC_T] - room[2] <= t1; leg += KC_NODE) {
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
                             in.upto, &now->found))
            return 0;
    }
    return 1;
}

static int volumes_near(kc_meetings *now, const kc_mover *a, const kc_mover *b, const kc_rule *rule, kc_span in) {
    const kc_plans *plans = &now->sweep->plans;
    double begin = fmax(plans->volumes[4 * a->volume], plans->volumes[4 * b->volume]);
    if (begin < in.from || begin >= in.upto) return 1;
    now->counts.exact++;
    return kc_add_volumes(plans, a->plan, a->volume, plans, b->plan, b->volume, *rule, &now->found);
}

/* Works out which of the pairs of legs that were gathered meet: first which may, then those that have to be known. */
static int legs_near(kc_meetings *now, int64_t count, kc_span in) {
    int64_t nearer = 0;
    now->counts.legs += count;
    for (int64_t k = 0; k < count; k++) {
        const kc_leg_pair *one = &now->legs[k], *soon = &now->legs[k + SOON < count ? k + SOON : k];
        call(soon->leg, 2 * KC_NODE * sizeof *soon->leg);
        call(soon->other, 2 * KC_NODE * sizeof *soon->other);
        int together = (one->begin <= one->end) & (one->leg[KC_NODE] > one->leg[KC_T]) &
                       (one->other[KC_NODE] > one->other[KC_T]);
        now->nearer[nearer] = (int32_t)k;
        nearer += together &
                  kc_legs_may_meet(one->leg, one->other, one->begin, one->end, one->of->across, one->of->height);
    }
    for (int64_t k = 0; k < nearer; k++) {
        const kc_leg_pair *one = &now->legs[now->nearer[k]];
        const kc_meeting *of = one->of;
        if (one->begin == of->t0 && together_before(one->leg, one->other, of->t0, of->across, of->height)) continue;
        now->counts.exact++;
        kc_put_pair(&now->pairs, now->waits, one->leg, one->other, of->across, of->height);
        now->waiting[now->waits++] =
            (kc_put_off){of->a->plan, of->b->plan, of->across, of->height, in.from, in.upto, of->flags};
        if (now->waits == KC_LANES && !work_out(now)) return 0;
    }
    return 1;
}

/* Adds a pair of legs to those that are gathered; works them out when there are enough. */
static inline int put_legs(kc_meetings *now, int64_t *count, kc_leg_pair legs, kc_span in) {
    now->legs[(*count)++] = legs;
    if (*count < KC_LEG_PAIRS) return 1;
    int64_t all = *count;
    *count = 0;
    return legs_near(now, all, in);
}

static int many_legs(kc_meetings *now, int64_t *count, const kc_meeting *one, kc_span in) {
    const double *last = one->a->upto, *other_last = one->b->upto;
    const double *leg = kc_first_leg(one->a->from, last, one->t0);
    const double *other = kc_first_leg(one->b->from, other_last, one->t0);
    while (leg < last && other < other_last && leg[KC_T] <= one->t1 && other[KC_T] <= one->t1) {
        double begin = most_of(most_of(leg[KC_T], other[KC_T]), one->t0);
        double end = least_of(least_of(leg[KC_NODE], other[KC_NODE]), one->t1);
        if (!put_legs(now, count, (kc_leg_pair){leg, other, begin, end, one}, in)) return 0;
        int64_t step = KC_NODE & -(int64_t)(leg[KC_NODE] <= other[KC_NODE]); /* of the one that ends first */
        leg += step;
        other += KC_NODE - step;
    }
    return 1;
}

/* The first of a few legs that is not over before t. */
static inline int64_t first_of_few(const kc_mover *way, double t) {
    const double *times = way->times;
    int64_t first = (times[1] < t) + (times[2] < t) + (times[3] < t) + (times[4] < t);
    return first < way->few - 1 ? first : way->few - 1;
}

/* Goes through the pairs of legs of the first `meetings` of them. */
static int ways_near(kc_meetings *now, int64_t meetings, kc_span in) {
    int64_t count = 0;
    for (int64_t k = 0; k < meetings; k++) {
        const kc_meeting *one = &now->meetings[k];
        const kc_mover *a = one->a, *b = one->b;
        if (!a->few || !b->few) {
            if (!many_legs(now, &count, one, in)) return 0;
            continue;
        }
        int64_t i = first_of_few(a, one->t0), j = first_of_few(b, one->t0);
        while (i < a->few && j < b->few && a->times[i] <= one->t1 && b->times[j] <= one->t1) {
            double ends = a->times[i + 1], other_ends = b->times[j + 1];
            double begin = most_of(most_of(a->times[i], b->times[j]), one->t0);
            double end = least_of(least_of(ends, other_ends), one->t1);
            kc_leg_pair legs = {a->from + KC_NODE * i, b->from + KC_NODE * j, begin, end, one};
            if (!put_legs(now, &count, legs, in)) return 0;
            int64_t step = ends <= other_ends;
            i += step;
            j += 1 - step;
        }
    }
    return legs_near(now, count, in);
}

/* Of two movers of which one is a volume, or may be early or late. */
static int others_near(kc_meetings *now, const kc_mover *a, const kc_mover *b, kc_span in) {
    if (a->plan == b->plan) return 1;
    if (a->plan > b->plan) {
        const kc_mover *other = a;
        a = b;
        b = other;
    }
    kc_rule rule = kc_rule_for(&now->sweep->minima, a->kind, a->ball.datum, b->kind, b->ball.datum);
    if (!(rule.across >= 0.0)) return 1;
    now->counts.near++;
    if (a->volume >= 0 && b->volume >= 0) return volumes_near(now, a, b, &rule, in);
    if (a->volume >= 0) return way_near_volume(now, b, a, &rule, in);
    if (b->volume >= 0) return way_near_volume(now, a, b, &rule, in);
    now->counts.ways++;
    return loose_ways_near(now, a, b, &rule, in);
}

int kc_touches_meet(kc_meetings *now, const kc_mover *movers, const kc_mover *others, const kc_part *of, int64_t count,
                    kc_span in) {
    int64_t meetings = 0;
    for (int64_t k = 0; k < count; k++) {
        const kc_mover *a = &movers[now->touches[k].ball], *b = &others[now->touches[k].other];
        const kc_touch *soon = &now->touches[k + SOON < count ? k + SOON : k];
        call(&movers[soon->ball], sizeof *a);
        call(&others[soon->other], sizeof *a);
        if (a->loose | b->loose | (a->volume >= 0) | (b->volume >= 0)) {
            if (!others_near(now, a, b, in)) return 0;
            continue;
        }
        kc_rule rule = kc_rule_for(&now->sweep->minima, a->kind, a->ball.datum, b->kind, b->ball.datum);
        int swap = a->plan > b->plan;
        const kc_mover *first = swap ? b : a, *second = swap ? a : b; /* sums round alike, whoever touches whom */
        double from = in.t0, upto = in.t1, across = rule.across + first->buffer + second->buffer;
        int pass = (a->plan != b->plan) & (rule.across >= 0.0);
        now->counts.near += pass;
        if (pass && of) {
            kc_ball other = kc_ball_in(&b->ball, *of);
            pass = may_pass(&a->ball, &other, across + a->wobble + b->wobble, &from, &upto);
        } else if (pass) {
            pass = may_pass(&a->ball, &b->ball, across + a->wobble + b->wobble, &from, &upto);
        }
        now->meetings[meetings] =
            (kc_meeting){first, second, from - KC_SLIP_S, upto + KC_SLIP_S, across,
                         rule.height + first->vertical_buffer + second->vertical_buffer, rule.flags};
        meetings += pass;
    }
    now->counts.ways += meetings;
    return ways_near(now, meetings, in);
}

int kc_meetings_end(kc_meetings *now) { return work_out(now); }
