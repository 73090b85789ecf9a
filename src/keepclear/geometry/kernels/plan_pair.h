/* Everything that can bring two plans too near: way and way, way and volume, volume and volume. */
#ifndef KEEPCLEAR_PLAN_PAIR_H
#define KEEPCLEAR_PLAN_PAIR_H

#include "areas.h"

/* What two plans must keep, buffers not yet added. */
typedef struct {
    double across, height; /* m; `across` is NaN if they need keep nothing, `height` infinite if any height counts */
    int32_t flags;         /* of every breach of it */
} kc_rule;

static inline kc_rule kc_rule_for(const kc_minima *minima, int kind, int datum, int other_kind, int other_datum) {
    int kinds = kind * KC_KINDS + other_kind, differ = datum != other_datum;
    return (kc_rule){minima->across[kinds], differ ? INFINITY : minima->height[kinds],
                     differ ? KC_HEIGHTS_NOT_COMPARABLE : 0};
}

static inline kc_rule kc_rule_of(const kc_plans *a, int64_t i, const kc_plans *b, int64_t j, const kc_minima *minima) {
    return kc_rule_for(minima, a->kind[i], a->datum[i], b->kind[j], b->datum[j]);
}

/* The breaches between plan i of `a` and plan j of `b`, added to `found` with a = i and b = j, in order of time.
 *
 * Stays of one reason that follow upon one another are one. Returns false if there is no memory left.
 */
KC_EXPORT int kc_plans_meet(const kc_plans *a, int64_t i, const kc_plans *b, int64_t j, const kc_minima *minima,
                            kc_breaches *found);

/* The same of two that are surely not too near before `from` or after `upto`. */
int kc_plans_meet_within(const kc_plans *a, int64_t i, const kc_plans *b, int64_t j, const kc_minima *minima,
                         double from, double upto, kc_breaches *found);

/* Adds a stay as a breach not yet joined to its neighbours; `across` and `height` have the buffers in. */
int kc_add_stay(kc_breaches *found, int64_t i, int64_t j, int32_t reason, int32_t flags, double across, double height,
                const kc_met *stay);

/* Adds the stay of volume `volume` of plan i of `a` and volume `other` of plan j of `b`, if they meet. */
int kc_add_volumes(const kc_plans *a, int64_t i, int64_t volume, const kc_plans *b, int64_t j, int64_t other,
                   kc_rule rule, kc_breaches *found);

/* Adds the stays of a mover on a leg in a volume, those that begin from `from` on and before `upto`.
 *
 * `room` is that of the leg's plan, `rule` that of the two, `i` and `j` the plans in the order to tell them in.
 */
int kc_add_stays_in(const double *leg, const double *room, const kc_plans *others, int64_t volume, kc_rule rule,
                    int64_t i, int64_t j, double from, double upto, kc_breaches *found);

/* Joins what follows upon one another of `count` breaches of one pair, drops what takes no time, and puts them in order
 * of time; returns how many are left, at the start of the list. */
int64_t kc_joined(kc_breach *list, int64_t count);

/* Whether the bands of two legs, whenever each is anywhere on its own, come nearer than `enough`. */
static inline int kc_bands_may_meet(const double *leg, const double *other, double enough) {
    const double *after = leg + KC_NODE, *other_after = other + KC_NODE;
    double lower = fmin(leg[KC_LOWER], after[KC_LOWER]), upper = fmax(leg[KC_UPPER], after[KC_UPPER]);
    double other_lower = fmin(other[KC_LOWER], other_after[KC_LOWER]);
    double other_upper = fmax(other[KC_UPPER], other_after[KC_UPPER]);
    return lower - other_upper < enough && other_lower - upper < enough;
}

/* Whether two legs may come within `reach` and `height` between two moments common to them; never false if they do.
 * Without a branch: nothing waits for its answer. */
static inline int kc_legs_may_meet(const double *leg, const double *other, double begin, double end, double reach,
                                   double height) {
    const double *after = leg + KC_NODE, *other_after = other + KC_NODE;
    double enough = height - KC_DEPTH_M;
    double lower = leg[KC_LOWER] < after[KC_LOWER] ? leg[KC_LOWER] : after[KC_LOWER];
    double upper = leg[KC_UPPER] > after[KC_UPPER] ? leg[KC_UPPER] : after[KC_UPPER];
    double other_lower = other[KC_LOWER] < other_after[KC_LOWER] ? other[KC_LOWER] : other_after[KC_LOWER];
    double other_upper = other[KC_UPPER] > other_after[KC_UPPER] ? other[KC_UPPER] : other_after[KC_UPPER];
    int level = (lower - other_upper < enough) & (other_lower - upper < enough);
    double rate = 1.0 / (after[KC_T] - leg[KC_T]), other_rate = 1.0 / (other_after[KC_T] - other[KC_T]);
    double from = (begin - leg[KC_T]) * rate, upto = (end - leg[KC_T]) * rate;
    double other_from = (begin - other[KC_T]) * other_rate, other_upto = (end - other[KC_T]) * other_rate;
    double chord2 = 0.0, other_chord2 = 0.0, a = 0.0, b = 0.0, c = 0.0;
    for (int i = KC_X; i < KC_X + 3; i++) {
        double chord = after[i] - leg[i], other_chord = other_after[i] - other[i];
        double first = leg[i] - other[i] + from * chord - other_from * other_chord;
        double step = (upto - from) * chord - (other_upto - other_from) * other_chord;
        chord2 += chord * chord;
        other_chord2 += other_chord * other_chord;
        a += step * step;
        b += first * step;
        c += first * first;
    }
    /* Within rough of one another at a share s of the time: c + 2 b s + a s s <= rough * rough for an s in [0, 1]. */
    double rough = reach + (chord2 + other_chord2) / (8.0 * KC_LEAST_RADIUS_M) + 0.1;
    double over = c - rough * rough;
    int later = (-b >= a) & (over + 2.0 * b + a <= 0.0), meanwhile = (-b < a) & (b * b >= a * over);
    return level & ((over <= 0.0) | ((b < 0.0) & (later | meanwhile)));
}

/* The same whenever they are on them. */
static inline int kc_legs_may_meet_loosely(const double *leg, const double *other, double reach, double height) {
    if (!kc_bands_may_meet(leg, other, height - KC_DEPTH_M)) return 0;
    double half2 = 0.0, other_half2 = 0.0, apart2 = 0.0;
    for (int i = 0; i < 3; i++) {
        double half = 0.5 * (leg[KC_NODE + KC_X + i] - leg[KC_X + i]);
        double other_half = 0.5 * (other[KC_NODE + KC_X + i] - other[KC_X + i]);
        double apart = leg[KC_X + i] + half - other[KC_X + i] - other_half;
        half2 += half * half;
        other_half2 += other_half * other_half;
        apart2 += apart * apart;
    }
    double rough = reach + sqrt(half2) + sqrt(other_half2) + (half2 + other_half2) / (2.0 * KC_LEAST_RADIUS_M) + 0.1;
    return apart2 <= rough * rough;
}

#endif
