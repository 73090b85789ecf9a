#include "pieces.h"

#include <stdlib.h>

/* Beside what is counted: rounding of places to 4 bytes in the postings, and the lift of chords to the surface. */
static const double SPARE_M = 2.0;
/* Pieces of plans that matter to their neighbours only are not cut shorter than about this. */
static const double SHORTEST_M = 1000.0;

typedef struct {
    const double *nodes; /* of the way */
    int64_t count;
    const double *passed;
    const double *room; /* buffer, vertical buffer, early, late */
    double longest;     /* metres of a piece, about */
    kc_pieces *pieces;
} way;

static int add(kc_pieces *pieces, kc_piece *one) {
    if (pieces->count == pieces->room) {
        int64_t room = pieces->room ? 2 * pieces->room : 128;
        kc_piece *list = realloc(pieces->list, (size_t)room * sizeof *list);
        if (!list) return 0;
        pieces->list = list;
        pieces->room = room;
    }
    double half = 0.5 * (one->t1 - one->t0), speed = sqrt(kc_dot(one->v, one->v));
    for (int i = 0; i < 3; i++) one->middle[i] = one->p[i] + half * one->v[i];
    one->whole = one->radius + half * speed;
    double *m = one->middle, across2 = m[0] * m[0] + m[1] * m[1];
    one->of = KC_NOBODY;
    one->across = sqrt(across2);
    one->deep = sqrt(across2 + m[2] * m[2]);
    one->lat = atan2(m[2], one->across);
    one->lon = atan2(m[1], m[0]);
    pieces->list[pieces->count++] = *one;
    return 1;
}

/* Where and between which heights a way is at a time on the leg from node i. */
static void at(const way *w, int64_t i, double t, double p[3], double *lower, double *upper) {
    const double *n = w->nodes + KC_NODE * i;
    double share = (t - n[KC_T]) / (n[KC_NODE] - n[KC_T]);
    for (int k = 0; k < 3; k++) p[k] = n[KC_X + k] + share * (n[KC_NODE + KC_X + k] - n[KC_X + k]);
    *lower = n[KC_LOWER] + share * (n[KC_NODE + KC_LOWER] - n[KC_LOWER]);
    *upper = n[KC_UPPER] + share * (n[KC_NODE + KC_UPPER] - n[KC_UPPER]);
}

static double passed_at(const way *w, int64_t i, double t) {
    const double *n = w->nodes + KC_NODE * i;
    double share = (t - n[KC_T]) / (n[KC_NODE] - n[KC_T]);
    return w->passed[i] + share * (w->passed[i + 1] - w->passed[i]);
}

/* One piece for the time from a (on the leg from node i) to b (on the leg from node j). */
static int add_part(const way *w, double a, int64_t i, double b, int64_t j) {
    kc_piece one;
    double end[3], lower, upper, longest2 = 0.0, off2 = 0.0;
    at(w, i, a, one.p, &one.lower, &one.upper);
    at(w, j, b, end, &lower, &upper);
    one.lower = fmin(one.lower, lower);
    one.upper = fmax(one.upper, upper);
    for (int k = 0; k < 3; k++) one.v[k] = (end[k] - one.p[k]) / (b - a);
    for (int64_t n = i; n <= j; n++) {
        double leg = w->passed[n + 1] - w->passed[n];
        longest2 = fmax(longest2, leg * leg);
        if (n == i) continue;
        const double *node = w->nodes + KC_NODE * n;
        double square = 0.0;
        for (int k = 0; k < 3; k++) {
            double d = node[KC_X + k] - one.p[k] - one.v[k] * (node[KC_T] - a);
            square += d * d;
        }
        off2 = fmax(off2, square);
        one.lower = fmin(one.lower, node[KC_LOWER]);
        one.upper = fmax(one.upper, node[KC_UPPER]);
    }
    one.radius = sqrt(off2) + longest2 / (8.0 * KC_LEAST_RADIUS_M) + SPARE_M + w->room[0];
    one.lower -= w->room[1];
    one.upper += w->room[1];
    /* Ahead of its plan or behind, it is where the piece has it at another moment: a wider ball on the same way, or,
     * where that is less, one that stands still and holds the whole of it. */
    double early = w->room[2], late = w->room[3], slack = fmax(early, late), speed = sqrt(kc_dot(one.v, one.v));
    if (slack < 0.5 * (b - a)) {
        for (int k = 0; k < 3; k++) one.p[k] -= one.v[k] * early;
        one.radius += speed * slack;
    } else {
        one.radius += 0.5 * speed * (b - a);
        for (int k = 0; k < 3; k++) {
            one.p[k] = 0.5 * (one.p[k] + end[k]);
            one.v[k] = 0.0;
        }
    }
    one.t0 = a - early;
    one.t1 = b + late;
    return add(w->pieces, &one);
}

/* The part of a way within a slab, from its leg `i` on: whole if it is short enough, else in four. */
static int cut_slab(const way *w, int level, double slab, int64_t i) {
    const double *t = w->nodes;
    double width = kc_slab_s(level);
    double a = fmax(t[0], slab * width), b = fmin(t[KC_NODE * (w->count - 1)], (slab + 1.0) * width);
    if (!(a < b)) return 1;
    while (t[KC_NODE * (i + 1)] <= a) i++;
    int64_t j = i;
    while (t[KC_NODE * (j + 1)] < b) j++;
    double speed = (passed_at(w, j, b) - passed_at(w, i, a)) / (b - a);
    if (level == 0 || speed * width <= w->longest || width <= w->room[2] + w->room[3]) return add_part(w, a, i, b, j);
    for (int k = 0; k < 4; k++)
        if (!cut_slab(w, level - 1, 4.0 * slab + k, i)) return 0;
    return 1;
}

static int cut_way(const kc_plans *plans, int64_t index, double reach, kc_pieces *pieces) {
    int64_t from = plans->node_from[index], count = plans->node_from[index + 1] - from;
    if (count < 2) return 1;
    if (count > pieces->passed_room) {
        int64_t room = count + count / 2;
        double *passed = realloc(pieces->passed, (size_t)room * sizeof *passed);
        if (!passed) return 0;
        pieces->passed = passed;
        pieces->passed_room = room;
    }
    const double *nodes = plans->nodes + KC_NODE * from, *room = plans->room + 4 * index;
    pieces->passed[0] = 0.0;
    for (int64_t n = 1; n < count; n++) {
        double square = 0.0;
        for (int k = 0; k < 3; k++) {
            double d = nodes[KC_NODE * n + KC_X + k] - nodes[KC_NODE * (n - 1) + KC_X + k];
            square += d * d;
        }
        pieces->passed[n] = pieces->passed[n - 1] + sqrt(square);
    }
    way w = {nodes, count, pieces->passed, room, fmax(1.5 * reach + 2.0 * room[0], SHORTEST_M), pieces};
    double t0 = nodes[KC_T], t1 = nodes[KC_NODE * (count - 1)];
    if (!(t0 < t1)) return 1;
    int level = 0;
    while (level < KC_TIME_LEVELS - 1 && floor(t1 / kc_slab_s(level)) - floor(t0 / kc_slab_s(level)) > 3.0) level++;
    for (double slab = floor(t0 / kc_slab_s(level)); slab * kc_slab_s(level) < t1; slab += 1.0)
        if (!cut_slab(&w, level, slab, 0)) return 0;
    return 1;
}

static int add_volume(const kc_plans *plans, int64_t volume, kc_pieces *pieces) {
    const double *lasts = plans->volumes + 4 * volume, *area = plans->areas + 8 * volume;
    kc_piece one = {.t0 = lasts[0], .t1 = lasts[1], .lower = lasts[2], .upper = lasts[3]};
    for (int k = 0; k < 3; k++) one.p[k] = area[k];
    one.radius = area[3] + SPARE_M;
    return add(pieces, &one);
}

int kc_cut(const kc_plans *plans, int64_t index, double reach, kc_pieces *pieces) {
    if (!cut_way(plans, index, reach, pieces)) return 0;
    for (int64_t k = plans->volume_from[index]; k < plans->volume_from[index + 1]; k++)
        if (!add_volume(plans, k, pieces)) return 0;
    return 1;
}
