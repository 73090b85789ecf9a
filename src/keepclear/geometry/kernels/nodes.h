/* The nodes of ways, and the rings of areas, as points in space. */
#ifndef KEEPCLEAR_NODES_H
#define KEEPCLEAR_NODES_H

#include "kernels.h"

/* Of n plans: fills `points` (m, 3) from degrees, where each plan's nodes begin, `node_from` (n + 1,), and how many legs are
 * longer than KC_NEAR_M, `far`; `nodes` too if it has `room` for as many as there are and no leg is so long. Returns how
 * many. `point_from` (n + 1,), `t` seconds, `alt` metres or NaN, all (m,), `bands` (n, 2) metres: as of `Plans`. */
KC_EXPORT int64_t kc_way_nodes(int64_t n, const int64_t *point_from, const double *t, const double *lat,
                               const double *lon, const double *alt, const double *bands, double *points,
                               int64_t *node_from, int64_t *far, int64_t room, double *nodes);

/* Writes the nodes, (as many as counted, 6).
 *
 * Returns for how many legs the places between are left to the caller, the ends being nearly antipodal: of each such leg
 * `left` (far, 3) has its first point, its parts, and the first node between. */
KC_EXPORT int64_t kc_fill_nodes(int64_t n, const int64_t *point_from, const double *t, const double *lat,
                                const double *lon, const double *alt, const double *bands, const double *points,
                                double *nodes, int64_t *left);

/* Writes where each of `rings` rings begins, `kept_from` (rings + 1,), and its points, `points` (v, 3), as
 * `rings_in_space` of geometry/pack_areas.py says; `vertices` (v, 2) are degrees, `vertex_from` as of `Plans`. A last
 * vertex no farther than `closes` m from the first along any axis is dropped. 0 if a ring has no vertex or an edge
 * longer than `longest` m: what was written is then of no use. */
KC_EXPORT int kc_rings_in_space(int64_t rings, const int64_t *vertex_from, const double *vertices, double closes,
                                double longest, int64_t *kept_from, double *points);

#endif
