/* Outlines on the sphere that are surely simple; `geometry/simple.py` looks at the others. */
#ifndef KEEPCLEAR_SIMPLE_H
#define KEEPCLEAR_SIMPLE_H

#include "kernels.h"

/* The area, m², of an outline as seen from the middle of the earth, if surely no two of its edges meet but at the vertex
 * they share, it is neither large nor next to nothing, and has no more vertices than are looked at here; else -1. */
KC_EXPORT double kc_simple_area(const double *lat, const double *lng, int64_t count);

#endif
