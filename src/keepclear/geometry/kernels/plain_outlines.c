/* Outlines that are surely in order, found quickly, so that only the others have to be looked at closely. */
#include "areas.h"
#include "outlines.h"
#include "segments.h"

enum { FEW = 64 };
#define WIDE_M 400e3    /* from the middle: none of its vertices is then 1,000 km from any other middle */
#define ENOUGH_M2 2.0   /* twice what an outline must enclose */

static int plain(const double *ring, int count) {
    double low[3] = {INFINITY, INFINITY, INFINITY}, high[3] = {-INFINITY, -INFINITY, -INFINITY}, middle[3];
    for (int k = 0; k < count; k++) kc_hold(low, high, ring + 3 * k);
    for (int i = 0; i < 3; i++) {
        if (!(high[i] - low[i] < WIDE_M)) return 0;
        middle[i] = 0.5 * (low[i] + high[i]);
    }
    kc_to_surface(middle);
    kc_plane plane;
    kc_plane_at(middle, &plane);
    double xy[FEW + 2][2];
    for (int k = 0; k < count; k++) kc_on_plane(&plane, ring + 3 * k, xy[k]);
    return kc_plain_ring(xy, count) > ENOUGH_M2;
}

void kc_plain_outlines(const kc_plans *plans, int64_t volumes, uint8_t *sure) {
    for (int64_t j = 0; j < volumes; j++) {
        int64_t rings = plans->ring_from[j + 1] - plans->ring_from[j], count = 0;
        const double *ring = rings == 1 ? kc_ring(plans, plans->ring_from[j], &count) : NULL;
        sure[j] = rings == 0 || (rings == 1 && count >= 3 && count <= FEW && plain(ring, (int)count));
    }
}
