/* Rings of vertices as points in space, for those whose edges need no cutting. */
#include "nodes.h"
#include "surface.h"

int kc_rings_in_space(int64_t rings, const int64_t *vertex_from, const double *vertices, double closes, double longest,
                      int64_t *kept_from, double *points) {
    enum { BLOCK = 128 };
    double lat[BLOCK], lon[BLOCK];
    double *to = points;
    kept_from[0] = 0;
    for (int64_t r = 0; r < rings; r++) {
        int64_t count = vertex_from[r + 1] - vertex_from[r];
        if (count < 1) return 0;
        for (int64_t from = 0; from < count; from += BLOCK) {
            int64_t many = count - from < BLOCK ? count - from : BLOCK;
            const double *vertex = vertices + 2 * (vertex_from[r] + from);
            for (int64_t k = 0; k < many; k++) {
                lat[k] = vertex[2 * k];
                lon[k] = vertex[2 * k + 1];
            }
            kc_surface(many, lat, lon, to + 3 * from);
        }
        const double *last = to + 3 * (count - 1);
        if (count > 1 && fabs(last[0] - to[0]) <= closes && fabs(last[1] - to[1]) <= closes &&
            fabs(last[2] - to[2]) <= closes) {
            count--;
            last -= 3;
        }
        for (int64_t k = 0; k < count; last = to + 3 * k++) {
            double edge[3];
            for (int i = 0; i < 3; i++) edge[i] = to[3 * k + i] - last[i];
            if (!(kc_dot(edge, edge) <= longest * longest)) return 0;
        }
        kept_from[r + 1] = kept_from[r] + count;
        to += 3 * count;
    }
    return 1;
}
