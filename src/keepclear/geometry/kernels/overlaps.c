/* Two volumes: how far apart their areas are, or whether they overlap.
 *
 * Rings are taken a block of neighbouring edges at a time, each with a box in space about it, so that of two rings of
 * thousands of vertices only the blocks near one another are looked into.
 */
#include <stdlib.h>

#include "areas.h"
#include "outlines.h"

enum { BLOCK = 16, FEW_BLOCKS = 8 };
#define BLOCK_M 10e3 /* nor is a block wider than this: its edges are seen from a plane about its middle */
#define NOTHING_M 1e-6 /* pieces of an edge shorter than this are rounding */

typedef struct {
    double low[3], high[3]; /* holds the edges, bows included */
    const double *ring;     /* vertices of its ring */
    int64_t size;           /* of the ring */
    int64_t first;          /* edge k goes from vertex first + k to the next, the last of a ring to its first */
    int count;
} block;

typedef struct {
    block *list;
    int64_t count;
    block few[FEW_BLOCKS];
} blocks;

static inline const double *vertex(const block *one, int64_t k) {
    int64_t at = one->first + k;
    return one->ring + 3 * (at < one->size ? at : at - one->size);
}

static int too_wide(const block *one, const double p[3]) {
    for (int i = 0; i < 3; i++)
        if (one->high[i] - one->low[i] > BLOCK_M || one->high[i] - p[i] > BLOCK_M || p[i] - one->low[i] > BLOCK_M)
            return 1;
    return 0;
}

/* The blocks of a polygon. Give back with end_blocks. False if there is no memory. */
static int begin_blocks(const kc_plans *plans, int64_t volume, blocks *all) {
    int64_t room = FEW_BLOCKS;
    all->list = all->few;
    all->count = 0;
    for (int64_t r = plans->ring_from[volume]; r < plans->ring_from[volume + 1]; r++) {
        int64_t size;
        const double *ring = kc_ring(plans, r, &size);
        for (int64_t k = 0; k < size;) {
            if (all->count == room) {
                block *list = malloc(2 * (size_t)room * sizeof *list);
                if (!list) return 0;
                for (int64_t i = 0; i < all->count; i++) list[i] = all->list[i];
                if (all->list != all->few) free(all->list);
                all->list = list;
                room *= 2;
            }
            block *one = &all->list[all->count++];
            *one = (block){{INFINITY, INFINITY, INFINITY}, {-INFINITY, -INFINITY, -INFINITY}, ring, size, k, 0};
            double longest2 = 0.0;
            kc_hold(one->low, one->high, vertex(one, 0));
            while (k < size && one->count < BLOCK && (one->count == 0 || !too_wide(one, vertex(one, one->count + 1)))) {
                const double *from = vertex(one, one->count), *to = vertex(one, one->count + 1);
                double edge[3] = {to[0] - from[0], to[1] - from[1], to[2] - from[2]};
                double length2 = kc_dot(edge, edge);
                if (length2 > longest2) longest2 = length2;
                kc_hold(one->low, one->high, to);
                one->count++;
                k++;
            }
            double bow = longest2 / (8.0 * KC_LEAST_RADIUS_M);
            for (int i = 0; i < 3; i++) {
                one->low[i] -= bow;
                one->high[i] += bow;
            }
        }
    }
    return 1;
}

static void end_blocks(blocks *all) {
    if (all->list != all->few) free(all->list);
}

/* The square of the least distance between two boxes. */
static inline double between_boxes2(const double *low, const double *high, const block *other) {
    double sum = 0.0;
    for (int i = 0; i < 3; i++) {
        double above = other->low[i] - high[i], below = low[i] - other->high[i];
        double gap = above > below ? above : below;
        if (gap > 0.0) sum += gap * gap;
    }
    return sum;
}

/* The square of the distance from the middle of a ball to a box. */
static inline double to_ball2(const block *one, const double *area) { return between_boxes2(area, area, one); }

static void between(const double a[3], const double b[3], double share, double p[3]) {
    double d2 = 0.0;
    for (int i = 0; i < 3; i++) d2 += (b[i] - a[i]) * (b[i] - a[i]);
    double angle = 2.0 * asin(fmin(1.0, sqrt(d2) / (2.0 * KC_MEAN_RADIUS_M))), sine = sin(angle);
    double one = sine > 1e-9 ? sin((1.0 - share) * angle) / sine : 1.0 - share;
    double other = sine > 1e-9 ? sin(share * angle) / sine : share;
    for (int i = 0; i < 3; i++) p[i] = one * a[i] + other * b[i];
    kc_to_surface(p);
}

/* ── circles ─────────────────────────────────────────────────────────────────────────────────────────────────────── */

static int circles_meet(const double *area, const double *other, double reach, kc_met *met) {
    double away = kc_distance(area, other), apart = away - area[4] - other[4];
    if (!(apart < reach)) return 0;
    met->horizontal = apart > 0.0 ? apart : 0.0;
    /* Halfway between the rims that face each other, but not past the middle of either circle. */
    double halfway = 0.5 * (area[4] + away - other[4]);
    halfway = halfway < 0.0 ? 0.0 : halfway > away ? away : halfway;
    between(area, other, away > 0.0 ? halfway / away : 0.0, met->place);
    return 1;
}

static int circle_meets_polygon(const double *area, const kc_plans *others, int64_t other, double reach, kc_met *met) {
    double foot[3], depth = kc_depth(others, other, area, foot), apart = depth - area[4];
    if (!(apart < reach)) return 0;
    met->horizontal = apart > 0.0 ? apart : 0.0;
    double halfway = depth > 0.0 ? fmin(depth, 0.5 * (depth + area[4])) : 0.0;
    between(area, foot, depth > 0.0 ? halfway / depth : 0.0, met->place);
    return 1;
}

/* ── polygons apart ──────────────────────────────────────────────────────────────────────────────────────────────── */

/* Two segments on a plane: the square of their distance (0 if they cross), and the shares where they are nearest. */
static double apart2(const double *a, const double *b, const double *c, const double *d, double *share, double *other) {
    double du = b[0] - a[0], dv = b[1] - a[1], eu = d[0] - c[0], ev = d[1] - c[1], u = c[0] - a[0], v = c[1] - a[1];
    double turn = du * ev - dv * eu, s = u * ev - v * eu, t = u * dv - v * du;
    if (turn < 0.0) {
        turn = -turn;
        s = -s;
        t = -t;
    }
    if (turn > 0.0 && s >= 0.0 && s <= turn && t >= 0.0 && t <= turn) {
        *share = s / turn;
        *other = t / turn;
        return 0.0;
    }
    const double *ends[4] = {a, b, c, d};
    double least = INFINITY;
    for (int k = 0; k < 4; k++) {
        const double *from = k < 2 ? c : a, *to = k < 2 ? d : b;
        double at, d2 = kc_to_segment(ends[k][0], ends[k][1], from[0], from[1], to[0], to[1], &at);
        if (d2 < least) {
            least = d2;
            *share = k < 2 ? (double)k : at;
            *other = k < 2 ? at : (double)(k - 2);
        }
    }
    return least;
}

/* The nearest edges of two blocks, if nearer than *least: seen from a plane about the middle of the first. */
static void blocks_apart(const block *one, const kc_plane *plane, double (*seen)[2], const block *other, double *least,
                         kc_met *met) {
    double there[BLOCK + 1][2];
    for (int k = 0; k <= other->count; k++) kc_on_plane(plane, vertex(other, k), there[k]);
    for (int i = 0; i < one->count; i++) {
        const double *a = seen[i], *b = seen[i + 1];
        double west = fmin(a[0], b[0]) - *least, east = fmax(a[0], b[0]) + *least;
        double south = fmin(a[1], b[1]) - *least, north = fmax(a[1], b[1]) + *least;
        for (int j = 0; j < other->count; j++) {
            const double *c = there[j], *d = there[j + 1];
            if ((c[0] < west && d[0] < west) || (c[0] > east && d[0] > east) || (c[1] < south && d[1] < south) ||
                (c[1] > north && d[1] > north))
                continue;
            double share = 0.0, other_share = 0.0, square = apart2(a, b, c, d, &share, &other_share);
            if (!(square < *least * *least)) continue;
            double p[3], q[3];
            kc_edge_at(vertex(one, i), vertex(one, i + 1), share, p);
            kc_edge_at(vertex(other, j), vertex(other, j + 1), other_share, q);
            for (int m = 0; m < 3; m++) met->place[m] = 0.5 * (p[m] + q[m]);
            *least = met->horizontal = sqrt(square);
            if (*least == 0.0) return;
        }
    }
}

/* Whether the first vertex of one area lies in the other; it is then a place of both. */
static int begins_in(const kc_plans *plans, int64_t volume, const kc_plans *others, int64_t other, kc_met *met) {
    const double *start = plans->vertices + 3 * plans->vertex_from[plans->ring_from[volume]];
    if (!kc_in_outline(others, other, start)) return 0;
    for (int i = 0; i < 3; i++) met->place[i] = start[i];
    met->horizontal = 0.0;
    return 1;
}

/* Areas whose rims are apart are apart, or one lies in the other. */
static int polygons_apart(const kc_plans *plans, int64_t volume, const blocks *all, const kc_plans *others,
                          int64_t other, const blocks *those, double reach, kc_met *met) {
    if (begins_in(plans, volume, others, other, met) || begins_in(others, other, plans, volume, met)) return 1;
    const double *ball = others->areas + 8 * other;
    double least = reach;
    int found = 0;
    for (int64_t i = 0; i < all->count && least > 0.0; i++) {
        const block *one = &all->list[i];
        double seen[BLOCK + 1][2], about = least + ball[3];
        int drawn = 0;
        kc_plane plane;
        if (to_ball2(one, ball) > about * about) continue;
        for (int64_t j = 0; j < those->count && least > 0.0; j++) {
            if (between_boxes2(one->low, one->high, &those->list[j]) > least * least) continue;
            if (!drawn++) {
                double middle[3];
                for (int m = 0; m < 3; m++) middle[m] = 0.5 * (one->low[m] + one->high[m]);
                kc_to_surface(middle);
                kc_plane_at(middle, &plane);
                for (int k = 0; k <= one->count; k++) kc_on_plane(&plane, vertex(one, k), seen[k]);
            }
            double before = least;
            blocks_apart(one, &plane, seen, &those->list[j], &least, met);
            found |= least < before;
        }
    }
    return found;
}

/* ── polygons deeper than a millimetre in one another ────────────────────────────────────────────────────────────── */

/* Whether a place is in the polygon of these blocks: kc_in_outline, a block at a time. */
static int in_blocks(const blocks *those, const double p[3]) {
    kc_plane plane;
    kc_plane_at(p, &plane);
    int inside = 0;
    for (int64_t j = 0; j < those->count; j++) {
        const block *one = &those->list[j];
        double east = 0.0, middle = 0.0, half = 0.0;
        for (int i = 0; i < 3; i++) {
            double to = 0.5 * (one->low[i] + one->high[i]) - p[i], wide = 0.5 * (one->high[i] - one->low[i]);
            middle += to * plane.north[i];
            half += wide * fabs(plane.north[i]);
            east += to * plane.east[i] + wide * fabs(plane.east[i]);
        }
        if (middle - half > NOTHING_M || middle + half < -NOTHING_M || east < -NOTHING_M) continue;
        double u0 = 0.0, v0 = 0.0;
        for (int k = 0; k <= one->count; k++) {
            const double *next = vertex(one, k);
            double d[3] = {next[0] - p[0], next[1] - p[1], next[2] - p[2]};
            double u1 = kc_dot(d, plane.east), v1 = kc_dot(d, plane.north);
            if (k && (v0 > 0.0) != (v1 > 0.0)) inside ^= u0 + (u1 - u0) * (v0 / (v0 - v1)) > 0.0;
            u0 = u1;
            v0 = v1;
        }
    }
    return inside;
}

/* The blocks of another polygon that come within KC_DEPTH_M of one. */
typedef struct {
    const block **list;
    int64_t count;
} neighbours;

/* Adds the parts of an edge, which lies in a box and runs along v = 0 of its frame, within KC_DEPTH_M of some rim. */
static int by_rim(const kc_frame *frame, const double *low, const double *high, double start, double stop,
                  const neighbours *near, kc_spans *rim) {
    for (int64_t j = 0; j < near->count; j++) {
        const block *other = near->list[j];
        if (between_boxes2(low, high, other) > KC_DEPTH_M * KC_DEPTH_M) continue;
        double u0, v0, u1, v1;
        kc_in_frame(frame, vertex(other, 0), &u0, &v0);
        for (int k = 0; k < other->count; k++, u0 = u1, v0 = v1) {
            kc_span one;
            kc_in_frame(frame, vertex(other, k + 1), &u1, &v1);
            if ((v0 > KC_DEPTH_M && v1 > KC_DEPTH_M) || (v0 < -KC_DEPTH_M && v1 < -KC_DEPTH_M)) continue;
            if (kc_span_near(u0, v0, u1, v1, KC_DEPTH_M, start, stop, &one) &&
                !kc_spans_add(rim, one.lo, one.hi, 0.0, one.lo))
                return 0;
        }
    }
    return 1;
}

/* Whether some part of an edge lies in the other polygon, more than KC_DEPTH_M from its rim; -1 if there is no memory.
 *
 * What is left of a ring when all near the other's rim is taken off falls into pieces, each wholly in or out. `*out`
 * says that the piece which reaches the start of the edge is out; then whether the one that reaches its end is.
 */
static int edge_reaches_into(const double *from, const double *to, const blocks *those, const neighbours *near,
                             int *out, kc_met *met) {
    if (*out && !near->count) return 0;
    double low[3], high[3], middle[3], start, stop;
    double edge[3] = {to[0] - from[0], to[1] - from[1], to[2] - from[2]};
    double bow = kc_dot(edge, edge) / (8.0 * KC_LEAST_RADIUS_M);
    for (int i = 0; i < 3; i++) {
        low[i] = (from[i] < to[i] ? from[i] : to[i]) - bow;
        high[i] = (from[i] < to[i] ? to[i] : from[i]) + bow;
    }
    int by_some = 0;
    for (int64_t j = 0; j < near->count && !by_some; j++)
        by_some = between_boxes2(low, high, near->list[j]) <= KC_DEPTH_M * KC_DEPTH_M;
    kc_edge_at(from, to, 0.5, middle);
    if (!by_some && (*out || !in_blocks(those, middle))) { /* all of it is where its middle is */
        *out = 1;
        return 0;
    }
    kc_frame frame;
    kc_frame_of(middle, from, to, &frame, &start, &stop);
    if (start == stop) return 0;
    kc_spans rim;
    kc_spans_begin(&rim);
    int done = by_rim(&frame, low, high, start, stop, near, &rim), inside = 0;
    kc_spans_join(&rim);
    double lo = start;
    for (int64_t k = 0; done && !inside && k <= rim.count; k++) {
        double hi = k < rim.count ? rim.list[k].lo : stop;
        if (hi - lo > NOTHING_M && !*out) {
            kc_edge_at(from, to, (0.5 * (lo + hi) - start) / (stop - start), met->place);
            inside = in_blocks(those, met->place);
        }
        *out = hi - lo > NOTHING_M && hi == stop;
        if (k < rim.count) lo = rim.list[k].hi;
    }
    kc_spans_end(&rim);
    return done ? inside : -1;
}

/* The same of all edges; `ball` holds the other polygon. */
static int rings_reach_into(const blocks *all, const blocks *those, const double *ball, kc_met *met) {
    const block *few[FEW_BLOCKS];
    neighbours near = {few, 0};
    if (those->count > FEW_BLOCKS && !(near.list = malloc((size_t)those->count * sizeof *near.list))) return -1;
    int out = 0, into = 0;
    for (int64_t i = 0; i < all->count && !into; i++) {
        const block *one = &all->list[i];
        if (one->first == 0) out = 0;
        if (to_ball2(one, ball) > ball[3] * ball[3]) {
            out = 1;
            continue;
        }
        near.count = 0;
        for (int64_t j = 0; j < those->count; j++)
            if (between_boxes2(one->low, one->high, &those->list[j]) <= KC_DEPTH_M * KC_DEPTH_M)
                near.list[near.count++] = &those->list[j];
        for (int k = 0; k < one->count && !into; k++)
            into = edge_reaches_into(vertex(one, k), vertex(one, k + 1), those, &near, &out, met);
    }
    if (near.list != few) free(near.list);
    return into;
}

/* Whether the place well within one area lies deep enough in the other too: it often does if they overlap. */
static int inner_within(const kc_plans *plans, int64_t volume, const kc_plans *others, int64_t other, kc_met *met) {
    const double *inner = plans->areas + 8 * volume + 5;
    if (!kc_deep_within(others, other, inner)) return 0;
    for (int i = 0; i < 3; i++) met->place[i] = inner[i];
    return 1;
}

/* Asked where neither of the two does. */
static int polygons_overlap(const kc_plans *plans, int64_t volume, const blocks *all, const kc_plans *others,
                            int64_t other, const blocks *those, kc_met *met) {
    int into = rings_reach_into(all, those, others->areas + 8 * other, met);
    return into ? into : rings_reach_into(those, all, plans->areas + 8 * volume, met);
}

/* ── volumes ─────────────────────────────────────────────────────────────────────────────────────────────────────── */

int kc_volumes_meet(const kc_plans *plans, int64_t volume, const kc_plans *others, int64_t other, double across,
                    double height, kc_met *met) {
    const double *limits = plans->volumes + 4 * volume, *other_limits = others->volumes + 4 * other;
    const double *area = plans->areas + 8 * volume, *other_area = others->areas + 8 * other;
    double begin = fmax(limits[0], other_limits[0]), end = fmin(limits[1], other_limits[1]);
    double gap = fmax(limits[2] - other_limits[3], other_limits[2] - limits[3]), reach = across - KC_DEPTH_M;
    if (!(begin < end) || !(height == INFINITY || gap < height - KC_DEPTH_M)) return 0;
    double d2 = 0.0, rough = area[3] + other_area[3] + (reach > 0.0 ? reach : 0.0);
    for (int i = 0; i < 3; i++) d2 += (area[i] - other_area[i]) * (area[i] - other_area[i]);
    if (d2 > rough * rough) return 0;
    met->t0 = met->nearest_t = begin;
    met->t1 = end;
    met->vertical = gap > 0.0 ? gap : 0.0;
    int round = kc_is_circle(plans, volume), other_round = kc_is_circle(others, other);
    if (round && other_round) return circles_meet(area, other_area, reach, met);
    if (round) return circle_meets_polygon(area, others, other, reach, met);
    if (other_round) return circle_meets_polygon(other_area, plans, volume, reach, met);
    if (reach <= 0.0) {
        met->horizontal = 0.0;
        if (inner_within(plans, volume, others, other, met) || inner_within(others, other, plans, volume, met)) return 1;
    }
    blocks all, those;
    int meet = -1, done = begin_blocks(plans, volume, &all);
    done = begin_blocks(others, other, &those) && done;
    if (done)
        meet = reach <= 0.0 ? polygons_overlap(plans, volume, &all, others, other, &those, met)
                            : polygons_apart(plans, volume, &all, others, other, &those, reach, met);
    end_blocks(&all);
    end_blocks(&those);
    return meet;
}
