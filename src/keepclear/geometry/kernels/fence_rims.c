/* On which side of a rim a place is, to the last bit: asked where the figures kept with a cell leave it open. */
#include "fences.h"
#include "outlines.h"

/* The two ends of an edge, by the number of its first corner among those of the volume. */
static void ends_of(const kc_part *part, int32_t corner, const double *ends[2]) {
    const kc_plans *plans = part->plans;
    int64_t ring = plans->ring_from[part->volume], first = plans->vertex_from[ring] + corner;
    while (first >= plans->vertex_from[ring + 1]) ring++;
    int64_t next = first + 1 < plans->vertex_from[ring + 1] ? first + 1 : plans->vertex_from[ring];
    ends[0] = plans->vertices + 3 * first;
    ends[1] = plans->vertices + 3 * next;
}

/* The same as seen from the place of the rim whose side is known. */
static void edge_of(const kc_part *part, const kc_plane *plane, const kc_rim *rim, int32_t corner, double edge[2][2]) {
    const double *ends[2];
    ends_of(part, corner, ends);
    for (int k = 0; k < 2; k++) {
        kc_on_plane(plane, ends[k], edge[k]);
        edge[k][0] -= rim->x;
        edge[k][1] -= rim->y;
    }
}

int kc_surely_within_rim(const kc_fences *all, uint64_t key, const kc_rim *rim, const double place[3]) {
    const kc_part *part = all->parts + rim->part;
    const int32_t *corners = kc_corners_of(rim);
    kc_plane plane;
    double reach, xy[2], edge[2][2];
    kc_cell(all->grids + kc_key_level(key), kc_key_row(key), kc_key_column(key), &plane, &reach);
    kc_on_plane(&plane, place, xy);
    double x = xy[0] - rim->x, y = xy[1] - rim->y;
    int inside = rim->inside, grazes = 0;
    for (int32_t k = 0; k < rim->edges; k++) {
        edge_of(part, &plane, rim, corners[k], edge);
        const double *a = edge[0], *b = edge[1];
        double turn_a = x * a[1] - y * a[0], turn_b = x * b[1] - y * b[0];
        double along_x = b[0] - a[0], along_y = b[1] - a[1];
        double side = along_x * (y - a[1]) - along_y * (x - a[0]);
        double side_of_rim_place = along_y * a[0] - along_x * a[1];
        inside ^= ((turn_a > 0.0) != (turn_b > 0.0)) & ((side > 0.0) != (side_of_rim_place > 0.0));
        grazes |= fabs(side) <= KC_DEPTH_M * hypot(along_x, along_y);
    }
    if (!inside || !grazes) return inside;
    for (int32_t k = 0; k < rim->edges; k++) {
        double share;
        edge_of(part, &plane, rim, corners[k], edge);
        if (kc_to_segment(x, y, edge[0][0], edge[0][1], edge[1][0], edge[1][1], &share) <= KC_DEPTH_M * KC_DEPTH_M)
            return 0;
    }
    return 1;
}
