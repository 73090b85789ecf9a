/* Coverings by S2 cells of level 13; `geometry/cells.py` says what is promised, `geometry/cells_twin.py` says the same
 * in plain Python, step by step, and explains the figures.
 */
#ifndef KEEPCLEAR_S2_CELLS_H
#define KEEPCLEAR_S2_CELLS_H

#include "kernels.h"

enum { KC_S2_TOO_MANY = -1, KC_S2_NO_MEMORY = -2 };

/* The ids of the cells that a circle touches, sorted, into ids if `room` suffices; how many there are, or why none. */
KC_EXPORT int64_t kc_s2_circle(double lat, double lng, double radius, uint64_t *ids, int64_t room);

/* The same for the smaller side of an outline of `count` vertices, at least one. */
KC_EXPORT int64_t kc_s2_polygon(const double *lat, const double *lng, int64_t count, uint64_t *ids, int64_t room);

#endif
