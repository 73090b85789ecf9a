#include "plan_pair.h"

#include <stdlib.h>

/* Stays of one reason nearer in time than this are one, and what lasts no longer is none. */
static const double JOIN_S = 1e-5;

static int nearer(const kc_breach *one, const kc_breach *other) {
    if (one->horizontal != other->horizontal) return one->horizontal < other->horizontal;
    if (one->vertical != other->vertical) return one->vertical < other->vertical;
    if (one->nearest_t != other->nearest_t) return one->nearest_t < other->nearest_t;
    for (int i = 0; i < 3; i++) /* so that it is the same one in whatever order they come */
        if (one->place[i] != other->place[i]) return one->place[i] < other->place[i];
    return one->flags < other->flags;
}

static int follows(const kc_breach *whole, const kc_breach *next) {
    return next->reason == whole->reason && next->t0 >= whole->t0 && next->t0 <= whole->t1 + JOIN_S;
}

/* Makes one of two that follow upon one another: nearest where the nearer of them is. */
static void take_in(kc_breach *whole, const kc_breach *next) {
    double from = whole->t0, upto = fmax(whole->t1, next->t1);
    if (nearer(next, whole)) *whole = *next;
    whole->t0 = from;
    whole->t1 = upto;
}

int kc_add_stay(kc_breaches *found, int64_t i, int64_t j, int32_t reason, int32_t flags, double across, double height,
                const kc_met *stay) {
    kc_breach *before = found->count ? &found->list[found->count - 1] : NULL;
    kc_breach one = {.a = i,
                     .b = j,
                     .t0 = stay->t0,
                     .t1 = stay->t1,
                     .nearest_t = stay->nearest_t,
                     .horizontal = stay->horizontal,
                     .vertical = stay->vertical,
                     .margin = fmin(0.0, fmax(stay->horizontal - across, stay->vertical - height)),
                     .place = {stay->place[0], stay->place[1], stay->place[2]},
                     .reason = reason,
                     .flags = flags};
    /* Most follow upon the one before; whatever does not is found when all are joined. */
    if (before && before->a == i && before->b == j && follows(before, &one)) {
        take_in(before, &one);
        return 1;
    }
    return kc_add_breach(found, &one);
}

static int by_reason(const void *left, const void *right) {
    const kc_breach *one = left, *other = right;
    if (one->reason != other->reason) return one->reason < other->reason ? -1 : 1;
    if (one->t0 != other->t0) return one->t0 < other->t0 ? -1 : 1;
    return one->t1 < other->t1 ? -1 : one->t1 > other->t1;
}

static int by_time(const void *left, const void *right) {
    const kc_breach *one = left, *other = right;
    if (one->t0 != other->t0) return one->t0 < other->t0 ? -1 : 1;
    if (one->t1 != other->t1) return one->t1 < other->t1 ? -1 : 1;
    return one->reason < other->reason ? -1 : one->reason > other->reason;
}

static void put_in_order(kc_breach *list, int64_t count, int (*order)(const void *, const void *)) {
    for (int64_t k = 1; k < count; k++) {
        if (order(&list[k - 1], &list[k]) <= 0) continue;
        qsort(list, (size_t)count, sizeof *list, order);
        return;
    }
}

int64_t kc_joined(kc_breach *list, int64_t count) {
    put_in_order(list, count, by_reason);
    int64_t kept = 0;
    for (int64_t k = 0; k < count;) {
        kc_breach whole = list[k];
        for (k++; k < count && follows(&whole, &list[k]); k++) take_in(&whole, &list[k]);
        if (whole.t1 - whole.t0 > JOIN_S) list[kept++] = whole;
    }
    put_in_order(list, kept, by_time);
    return kept;
}

typedef struct {
    const kc_plans *plans;
    int64_t plan, first, last; /* its nodes */
    double buffer, vertical_buffer, early, late;
} way;

static way way_of(const kc_plans *plans, int64_t i) {
    const double *room = plans->room + 4 * i;
    return (way){plans, i, plans->node_from[i], plans->node_from[i + 1] - 1, room[0], room[1], room[2], room[3]};
}

static inline const double *node(const way *of, int64_t k) { return of->plans->nodes + KC_NODE * k; }

/* The first leg that ends at a time or after it; `last` if none does. Sought from where it is if all last alike: of a
 * way that nobody looked at lately each further place costs the most. */
static int64_t leg_at(const way *of, double t) {
    double share = (t - node(of, of->first)[KC_T]) / (node(of, of->last)[KC_T] - node(of, of->first)[KC_T]);
    if (!(share > 0.0)) return of->first;
    int64_t k = of->first + (int64_t)((share < 1.0 ? share : 1.0) * (double)(of->last - of->first));
    while (k > of->first && node(of, k)[KC_T] >= t) k--;
    while (k < of->last && node(of, k + 1)[KC_T] < t) k++;
    return k;
}

static int ways_meet(const way *one, const way *other, const kc_rule *rule, double from, double upto,
                     kc_breaches *found) {
    double across = rule->across + one->buffer + other->buffer;
    double height = rule->height + one->vertical_buffer + other->vertical_buffer;
    double sooner = one->early + other->late, later = one->late + other->early;
    int loosely = sooner > 0.0 || later > 0.0;
    if (one->last <= one->first || other->last <= other->first) return 1;
    /* Most ways are longer than what they share with another: what comes before that is leapt over. */
    int64_t first = leg_at(one, fmax(from - one->late, node(other, other->first)[KC_T] - later));
    int64_t begin = leg_at(other, fmax(from - other->late, node(one, first)[KC_T] - sooner));
    double over = fmin(upto + one->early, node(other, other->last)[KC_T] + sooner), other_over = upto + other->early;
    kc_met met;
    for (int64_t k = first; k < one->last && node(one, k)[KC_T] <= over; k++) {
        const double *leg = node(one, k);
        if (!(leg[KC_NODE] > leg[KC_T])) continue;
        while (begin < other->last && node(other, begin + 1)[KC_T] < leg[KC_T] - sooner) begin++;
        double until = fmin(other_over, leg[KC_NODE] + later);
        for (int64_t l = begin; l < other->last && node(other, l)[KC_T] <= until; l++) {
            const double *other_leg = node(other, l);
            if (loosely) {
                if (!kc_legs_may_meet_loosely(leg, other_leg, across, height)) continue;
                if (!kc_legs_meet_loosely(leg, one->early, one->late, other_leg, other->early, other->late, across,
                                          height, &met))
                    continue;
            } else {
                double start = fmax(leg[KC_T], other_leg[KC_T]), end = fmin(leg[KC_NODE], other_leg[KC_NODE]);
                if (!(start < end) || !kc_legs_may_meet(leg, other_leg, start, end, across, height)) continue;
                if (!kc_legs_meet(leg, other_leg, across, height, &met)) continue;
            }
            if (!kc_add_stay(found, one->plan, other->plan, KC_WAYS_NEAR, rule->flags, across, height, &met)) return 0;
        }
    }
    return 1;
}

enum { FEW_STAYS = 32 };

int kc_add_stays_in(const double *leg, const double *room, const kc_plans *others, int64_t volume, kc_rule rule,
                    int64_t i, int64_t j, double from, double upto, kc_breaches *found) {
    kc_met few[FEW_STAYS], *stays = few;
    double across = rule.across + room[0], height = rule.height + room[1];
    int most = FEW_STAYS;
    int count = kc_leg_meets_volume(leg, room[2], room[3], others, volume, across, height, stays, most);
    if (count > most) {
        most = count;
        stays = malloc((size_t)most * sizeof *stays);
        if (!stays) return 0;
        count = kc_leg_meets_volume(leg, room[2], room[3], others, volume, across, height, stays, most);
    }
    int added = count >= 0; /* else there was no memory */
    for (int k = 0; k < count && added; k++)
        if (stays[k].t0 >= from && stays[k].t0 < upto)
            added = kc_add_stay(found, i, j, KC_WAY_THROUGH_VOLUME, rule.flags, across, height, &stays[k]);
    if (stays != few) free(stays);
    return added;
}

static int way_through(const way *one, const kc_plans *others, int64_t j, kc_rule rule, int64_t first, int64_t second,
                       double from, double upto, kc_breaches *found) {
    if (one->last <= one->first) return 1;
    int64_t begin = leg_at(one, from - one->late);
    for (int64_t volume = others->volume_from[j]; volume < others->volume_from[j + 1]; volume++)
        for (int64_t k = begin; k < one->last && node(one, k)[KC_T] <= upto + one->early; k++)
            if (!kc_add_stays_in(node(one, k), one->plans->room + 4 * one->plan, others, volume, rule, first, second,
                                 -INFINITY, INFINITY, found))
                return 0;
    return 1;
}

int kc_add_volumes(const kc_plans *a, int64_t i, int64_t volume, const kc_plans *b, int64_t j, int64_t other,
                   kc_rule rule, kc_breaches *found) {
    kc_met met;
    int meet = kc_volumes_meet(a, volume, b, other, rule.across, rule.height, &met);
    if (meet <= 0) return meet == 0;
    return kc_add_stay(found, i, j, KC_VOLUMES_MEET, rule.flags, rule.across, rule.height, &met);
}

static int volumes_meet(const kc_plans *a, int64_t i, const kc_plans *b, int64_t j, kc_rule rule, kc_breaches *found) {
    for (int64_t v = a->volume_from[i]; v < a->volume_from[i + 1]; v++)
        for (int64_t w = b->volume_from[j]; w < b->volume_from[j + 1]; w++)
            if (!kc_add_volumes(a, i, v, b, j, w, rule, found)) return 0;
    return 1;
}

int kc_plans_meet_within(const kc_plans *a, int64_t i, const kc_plans *b, int64_t j, const kc_minima *minima,
                         double from, double upto, kc_breaches *found) {
    kc_rule rule = kc_rule_of(a, i, b, j, minima), others = rule;
    if (!(rule.across >= 0.0)) return 1;
    others.flags |= KC_WAY_OF_B;
    way one = way_of(a, i), other = way_of(b, j);
    int64_t start = found->count;
    if (!ways_meet(&one, &other, &rule, from, upto, found) ||
        !way_through(&one, b, j, rule, i, j, from, upto, found) ||
        !way_through(&other, a, i, others, i, j, from, upto, found) || !volumes_meet(a, i, b, j, rule, found))
        return 0;
    if (found->count > start) found->count = start + kc_joined(found->list + start, found->count - start);
    return 1;
}

int kc_plans_meet(const kc_plans *a, int64_t i, const kc_plans *b, int64_t j, const kc_minima *minima,
                  kc_breaches *found) {
    return kc_plans_meet_within(a, i, b, j, minima, -INFINITY, INFINITY, found);
}
