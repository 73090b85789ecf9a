/* The nodes of ways: points in space, legs cut, heights filled in. Two passes: how many, and then which. */
#include "nodes.h"
#include "surface.h"

/* From what to what height a leg goes, at its first point and at its last. */
typedef struct {
    double lower0, lower1, upper0, upper1;
} band;

/* The band of a leg is its heights, or its plan's band from end to end if a height is not known. */
static inline band band_of(const double *alt, const double *plan) {
    if (isnan(alt[0]) || isnan(alt[1])) return (band){plan[0], plan[0], plan[1], plan[1]};
    return (band){alt[0], alt[1], alt[0], alt[1]};
}

static inline double chord_of(const double *a, const double *b) {
    double d[3] = {b[0] - a[0], b[1] - a[1], b[2] - a[2]};
    return sqrt(kc_dot(d, d));
}

/* Where each of n plans' nodes begin, (n + 1,), and how many legs are longer than KC_NEAR_M; returns how many nodes.
 *
 * `point_from` (n + 1,), `alt` (m,) metres or NaN, `bands` (n, 2) metres, `points` (m, 3) metres: as of `Plans`. */
static int64_t count_nodes(int64_t n, const int64_t *point_from, const double *alt, const double *bands,
                           const double *points, int64_t *node_from, int64_t *far) {
    int64_t total = 0;
    *far = 0;
    node_from[0] = 0;
    for (int64_t plan = 0; plan < n; plan++) {
        band before = {NAN, NAN, NAN, NAN};
        for (int64_t i = point_from[plan]; i + 1 < point_from[plan + 1]; i++) {
            band leg = band_of(alt + i, bands + 2 * plan);
            double chord = chord_of(points + 3 * i, points + 3 * i + 3);
            total += kc_parts(chord) + (leg.lower0 != before.lower1 || leg.upper0 != before.upper1);
            *far += chord > KC_NEAR_M;
            before = leg;
        }
        node_from[plan + 1] = total;
    }
    return total;
}

static inline void put(double *node, double t, const double *point, double lower, double upper) {
    node[KC_T] = t;
    for (int i = 0; i < 3; i++) node[KC_X + i] = point[i];
    node[KC_LOWER] = lower;
    node[KC_UPPER] = upper;
}

int64_t kc_fill_nodes(int64_t n, const int64_t *point_from, const double *t, const double *lat, const double *lon,
                      const double *alt, const double *bands, const double *points, double *nodes, int64_t *left) {
    double *node = nodes;
    int64_t undone = 0;
    for (int64_t plan = 0; plan < n; plan++) {
        band before = {NAN, NAN, NAN, NAN};
        for (int64_t i = point_from[plan]; i + 1 < point_from[plan + 1]; i++) {
            band leg = band_of(alt + i, bands + 2 * plan);
            const double *a = points + 3 * i, *b = a + 3;
            double chord = chord_of(a, b);
            int64_t parts = kc_parts(chord);
            if (leg.lower0 != before.lower1 || leg.upper0 != before.upper1) {
                put(node, t[i], a, leg.lower0, leg.upper0);
                node += KC_NODE;
            }
            if (parts > 1) {
                if (chord <= KC_NEAR_M) {
                    kc_cut_near(a, b, parts, node + KC_X, KC_NODE);
                } else if (!kc_cut_far(lat[i], lon[i], lat[i + 1], lon[i + 1], parts, node + KC_X, KC_NODE)) {
                    left[3 * undone] = i;
                    left[3 * undone + 1] = parts;
                    left[3 * undone++ + 2] = (node - nodes) / KC_NODE;
                }
                for (int64_t part = 1; part < parts; part++, node += KC_NODE) {
                    double share = (double)part / (double)parts;
                    node[KC_T] = t[i] + share * (t[i + 1] - t[i]);
                    node[KC_LOWER] = leg.lower0 + share * (leg.lower1 - leg.lower0);
                    node[KC_UPPER] = leg.upper0 + share * (leg.upper1 - leg.upper0);
                }
            }
            put(node, t[i + 1], b, leg.lower1, leg.upper1);
            node += KC_NODE;
            before = leg;
        }
    }
    return undone;
}

int64_t kc_way_nodes(int64_t n, const int64_t *point_from, const double *t, const double *lat, const double *lon,
                     const double *alt, const double *bands, double *points, int64_t *node_from, int64_t *far,
                     int64_t room, double *nodes) {
    kc_surface(point_from[n], lat, lon, points);
    int64_t count = count_nodes(n, point_from, alt, bands, points, node_from, far);
    if (count <= room && !*far) kc_fill_nodes(n, point_from, t, lat, lon, alt, bands, points, nodes, NULL);
    return count;
}

/* Where movers are, (n, 3) metres: each on the leg from node `first[i]` at a share (0 to 1) of its time. */
KC_EXPORT void kc_legs_at(int64_t n, const double *nodes, const int64_t *first, const double *share, double *points) {
    for (int64_t i = 0; i < n; i++) kc_leg_at(nodes + KC_NODE * first[i], share[i], points + 3 * i);
}

/* Metres east and north, (n, 2), of points in space (n, 3) on the plane that touches the earth at `origin`. */
KC_EXPORT void kc_on_plane_at(const double origin[3], int64_t n, const double *points, double *xy) {
    kc_plane plane;
    kc_plane_at(origin, &plane);
    for (int64_t i = 0; i < n; i++) kc_on_plane(&plane, points + 3 * i, xy + 2 * i);
}
