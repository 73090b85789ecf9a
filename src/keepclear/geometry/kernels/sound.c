/* Whether columns of plans are surely in order, in one pass. What is not is found and named elsewhere, slowly. */
#include "sound.h"

#include <math.h>

/* `_LIMITS` of geometry/soundness.py: least and greatest, ends included; how many kinds and datums there are, rings of
 * one area and vertices of one ring at most. */
typedef struct {
    double alt[2], t[2], widest, longest_s, kinds, datums, rings, vertices;
} limits;

/* NaN lies between nothing. */
static int between(const double *x, int64_t n, double least, double most) {
    int all = 1;
    for (int64_t i = 0; i < n; i++) all &= (x[i] >= least) & (x[i] <= most);
    return all;
}

static int rising(const int64_t *offsets, int64_t count, int64_t size) {
    int all = offsets[0] == 0 && offsets[count] == size;
    for (int64_t i = 0; i < count; i++) all &= offsets[i] <= offsets[i + 1];
    return all;
}

static int band_is_sound(double lower, double upper, const limits *of) {
    int low = lower == -INFINITY || (lower >= of->alt[0] && lower <= of->alt[1]);
    int high = upper == INFINITY || (upper >= of->alt[0] && upper <= of->alt[1]);
    return low && high && lower <= upper;
}

static int room_is_sound(const double *room, const limits *of) {
    return between(room, 2, 0.0, of->widest) && between(room + 2, 2, 0.0, of->longest_s);
}

int kc_plans_are_sound(const double limits_of[10], const kc_columns *all) {
    const limits *of = (const limits *)limits_of;
    const int64_t *point_from = all->point_from, *volume_from = all->volume_from;
    const double *t = all->t, *alt = all->alt;
    if (!rising(point_from, all->plans, all->points) || !rising(volume_from, all->plans, all->volumes)) return 0;
    for (int64_t i = 0; i < all->plans; i++) {
        int64_t points = point_from[i + 1] - point_from[i], volumes = volume_from[i + 1] - volume_from[i];
        if (all->kind[i] >= of->kinds || all->datum[i] >= of->datums ||
            !band_is_sound(all->band[2 * i], all->band[2 * i + 1], of) || !room_is_sound(all->room + 4 * i, of) ||
            points == 1 || (!points && !volumes))
            return 0;
        int later = 1;
        for (int64_t p = point_from[i] + 1; p < point_from[i + 1]; p++) later &= t[p] > t[p - 1];
        if (!later) return 0;
    }
    int heights = 1;
    for (int64_t p = 0; p < all->points; p++)
        heights &= ((alt[p] >= of->alt[0]) & (alt[p] <= of->alt[1])) | (alt[p] != alt[p]);
    return heights && between(t, all->points, of->t[0], of->t[1]) && between(all->lat, all->points, -90.0, 90.0) &&
           between(all->lon, all->points, -180.0, 180.0);
}

static int circle_is_sound(const double *circle, const limits *of) {
    return circle[0] >= -90.0 && circle[0] <= 90.0 && circle[1] >= -180.0 && circle[1] <= 180.0 && circle[2] > 0.0 &&
           circle[2] <= of->widest;
}

int kc_volumes_are_sound(const double limits_of[10], const kc_columns *all) {
    const limits *of = (const limits *)limits_of;
    const int64_t *ring_from = all->ring_from, *vertex_from = all->vertex_from;
    if (!rising(ring_from, all->volumes, all->rings) || !rising(vertex_from, all->rings, all->vertices)) return 0;
    for (int64_t i = 0; i < all->volumes; i++) {
        const double *one = all->volume + 4 * i, *circle = all->circle + 3 * i;
        if (!between(one, 2, of->t[0], of->t[1]) || !(one[1] > one[0]) || !band_is_sound(one[2], one[3], of)) return 0;
        int64_t count = ring_from[i + 1] - ring_from[i];
        if ((double)count > of->rings) return 0;
        if (count ? !isnan(circle[0]) || !isnan(circle[1]) || !isnan(circle[2]) : !circle_is_sound(circle, of)) return 0;
    }
    for (int64_t r = 0; r < all->rings; r++) {
        int64_t count = vertex_from[r + 1] - vertex_from[r];
        if (count < 3) return 0;
        const double *first = all->vertex + 2 * vertex_from[r], *last = first + 2 * (count - 1);
        count -= first[0] == last[0] && first[1] == last[1]; /* said again at the end */
        if (count < 3 || (double)count > of->vertices) return 0;
    }
    int places = 1;
    for (int64_t p = 0; p < all->vertices; p++)
        places &= (fabs(all->vertex[2 * p]) <= 90.0) & (fabs(all->vertex[2 * p + 1]) <= 180.0);
    return places;
}
