/* Of each area: a ball that holds it, and a point well within it. */
#include <stdlib.h>
#include <string.h>

#include "areas.h"
#include "outlines.h"
#include "surface.h"

/* The rings of one polygon as seen from straight above its middle, metres; the last vertex of a ring joins the first. */
typedef struct {
    double *x, *y;
    const int64_t *ring; /* where each ring begins, and where the last one ends */
    int64_t rings;
    double *crossings;
} sight;

static int ascending(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

static void sort(double *values, int64_t count) {
    if (count > 16) {
        qsort(values, (size_t)count, sizeof *values, ascending);
        return;
    }
    for (int64_t i = 1; i < count; i++) {
        double one = values[i];
        int64_t j = i;
        for (; j > 0 && values[j - 1] > one; j--) values[j] = values[j - 1];
        values[j] = one;
    }
}

/* The middle of the widest part inside of a line that runs east at y; its half width, or 0 if there is none. */
static double widest(const sight *seen, double y, double *x) {
    int64_t count = 0;
    double half = 0.0;
    for (int64_t r = 0; r < seen->rings; r++) {
        int64_t from = seen->ring[r] - seen->ring[0], upto = seen->ring[r + 1] - seen->ring[0], last = upto - 1;
        for (int64_t k = from; k < upto; last = k++) {
            double y0 = seen->y[last], y1 = seen->y[k];
            if ((y0 > y) != (y1 > y))
                seen->crossings[count++] = seen->x[last] + (seen->x[k] - seen->x[last]) * ((y - y0) / (y1 - y0));
        }
    }
    sort(seen->crossings, count);
    for (int64_t k = 0; k + 1 < count; k += 2) {
        double wide = 0.5 * (seen->crossings[k + 1] - seen->crossings[k]);
        if (wide > half) {
            half = wide;
            *x = seen->crossings[k] + wide;
        }
    }
    return half;
}

static double to_rim2(const sight *seen, double x, double y) {
    double nearest2 = INFINITY, share;
    for (int64_t r = 0; r < seen->rings; r++) {
        int64_t from = seen->ring[r] - seen->ring[0], upto = seen->ring[r + 1] - seen->ring[0], last = upto - 1;
        for (int64_t k = from; k < upto; last = k++) {
            double d2 = kc_to_segment(x, y, seen->x[last], seen->y[last], seen->x[k], seen->y[k], &share);
            if (d2 < nearest2) nearest2 = d2;
        }
    }
    return nearest2;
}

/* Of the middles of the widest parts of some lines from west to east, the one deepest within. */
static void within(const sight *seen, double *x, double *y) {
    static const double heights[] = {0.5, 0.31, 0.69, 0.13, 0.87};
    double south = INFINITY, north = -INFINITY, deepest2 = -1.0;
    int64_t count = seen->ring[seen->rings] - seen->ring[0];
    for (int64_t k = 0; k < count; k++) {
        if (seen->y[k] < south) south = seen->y[k];
        if (seen->y[k] > north) north = seen->y[k];
    }
    *x = seen->x[0];
    *y = seen->y[0];
    for (int i = 0; i < 5 + 32; i++) {
        if (i >= 5 && deepest2 > 1e-4) break; /* next to nothing so far: look closer */
        double share = i < 5 ? heights[i] : (i - 5 + 0.47) / 32.0;
        double here_y = south + share * (north - south), here_x = 0.0, half = widest(seen, here_y, &here_x);
        if (half * half <= deepest2) continue;
        double d2 = to_rim2(seen, here_x, here_y);
        if (d2 > deepest2) {
            deepest2 = d2;
            *x = here_x;
            *y = here_y;
        }
    }
}

/* The place on the ellipsoid that stands straight above or below (x, y) of a plane. */
static void lifted(const kc_plane *plane, double x, double y, double p[3]) {
    const double squash = 1.0 / (1.0 - KC_ECCENTRICITY2);
    double a = 0.0, b = 0.0, c = -KC_MAJOR_M * KC_MAJOR_M;
    for (int i = 0; i < 3; i++) {
        double weight = i == 2 ? squash : 1.0;
        p[i] = plane->origin[i] + x * plane->east[i] + y * plane->north[i];
        a += weight * plane->up[i] * plane->up[i];
        b += weight * plane->up[i] * p[i];
        c += weight * p[i] * p[i];
    }
    double root = b * b - a * c;
    double up = root > 0.0 ? -c / (b + sqrt(root)) : -b / a;
    for (int i = 0; i < 3; i++) p[i] += up * plane->up[i];
}

static void pack_polygon(const kc_plans *plans, int64_t volume, sight *seen, double *area) {
    int64_t first_ring = plans->ring_from[volume];
    seen->ring = plans->vertex_from + first_ring;
    seen->rings = plans->ring_from[volume + 1] - first_ring;
    const double *vertices = plans->vertices + 3 * seen->ring[0];
    int64_t outline = seen->ring[1] - seen->ring[0], count = seen->ring[seen->rings] - seen->ring[0];
    double low[3] = {INFINITY, INFINITY, INFINITY}, high[3] = {-INFINITY, -INFINITY, -INFINITY}, radius2 = 0.0;
    for (int64_t k = 0; k < outline; k++) kc_hold(low, high, vertices + 3 * k);
    for (int i = 0; i < 3; i++) area[i] = 0.5 * (low[i] + high[i]);
    kc_to_surface(area);
    kc_plane plane;
    kc_plane_at(area, &plane);
    for (int64_t k = 0; k < count; k++) {
        double d[3], d2;
        for (int i = 0; i < 3; i++) d[i] = vertices[3 * k + i] - area[i];
        d2 = kc_dot(d, d);
        if (d2 > radius2) radius2 = d2;
        seen->x[k] = kc_dot(d, plane.east);
        seen->y[k] = kc_dot(d, plane.north);
    }
    /* No edge and no place within lies farther from the middle than some vertex, but for rounding and the bow. */
    area[3] = sqrt(radius2) + 0.1;
    area[4] = 0.0;
    double x, y;
    within(seen, &x, &y);
    lifted(&plane, x, y, area + 5);
}

int kc_pack_areas(const kc_plans *plans, int64_t volumes, const double *circles, double *areas) {
    int64_t most = 1;
    for (int64_t j = 0; j < volumes; j++) {
        int64_t count = plans->vertex_from[plans->ring_from[j + 1]] - plans->vertex_from[plans->ring_from[j]];
        if (count > most) most = count;
    }
    double *memory = malloc(3 * (size_t)most * sizeof *memory);
    if (!memory) return 0;
    sight seen = {.x = memory, .y = memory + most, .crossings = memory + 2 * most};
    for (int64_t j = 0; j < volumes; j++) {
        double *area = areas + 8 * j;
        const double *circle = circles + 3 * j;
        if (!kc_is_circle(plans, j)) {
            pack_polygon(plans, j, &seen, area);
            continue;
        }
        kc_surface(1, circle, circle + 1, area);
        area[3] = circle[2] + 0.1; /* no chord is longer than the way along the ground */
        area[4] = circle[2];
        memcpy(area + 5, area, 3 * sizeof *area);
    }
    free(memory);
    return 1;
}
