/* Places on the WGS 84 ellipsoid as points in space (metres, axes through the centre of the earth), and flat planes.
 *
 * Neither a pole nor the antimeridian is a special place here: no angle is ever taken. A mover or a vertex is its point
 * on the surface; its height above the ellipsoid is kept beside it and never mixed in.
 */
#ifndef KEEPCLEAR_EARTH_H
#define KEEPCLEAR_EARTH_H

#include <math.h>

#define KC_MAJOR_M 6378137.0
#define KC_ECCENTRICITY2 6.69437999014131699614e-3
#define KC_MEAN_RADIUS_M 6371008.8
/* No normal section of the ellipsoid curves more than on a circle of this radius: b * b / a, on the equator northward. */
#define KC_LEAST_RADIUS_M 6335439.0

/* The metre by which a breach must be deeper than nothing. Two plans just one minimum apart do not breach it. */
#define KC_DEPTH_M 0.001

static inline double kc_dot(const double a[3], const double b[3]) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

/* The direction away from the ground at a place on (or within some kilometres of) the surface. */
static inline void kc_up(const double p[3], double up[3]) {
    double z = p[2] / (1.0 - KC_ECCENTRICITY2);
    double scale = 1.0 / sqrt(p[0] * p[0] + p[1] * p[1] + z * z);
    up[0] = p[0] * scale;
    up[1] = p[1] * scale;
    up[2] = z * scale;
}

/* A plane that touches the earth: metres east and north of its origin, true in length and bearing as seen from there.
 *
 * Azimuthal equidistant, from a series. Measured at all latitudes: a distance from the origin is right to 0.001 mm within
 * 20 km of it, to 0.04 mm within 50 km, to 0.5 mm within 100 km; a place stands where it should to 0.12 mm, 2 mm, 15 mm.
 * Between two such points lengths are stretched by no more than 1.7e-6, 1.1e-5, 4.2e-5, and not shrunk by 2e-8.
 * At a pole "east" is the x axis of the earth or, just beside it, still across the meridian: any pair of axes will do.
 */
typedef struct {
    double origin[3], east[3], north[3], up[3];
    double east_bend, north_bend; /* 1 / (6 N^2) and 1 / (6 M^2): radii of curvature east and north */
} kc_plane;

static inline void kc_plane_at(const double p[3], kc_plane *plane) {
    kc_up(p, plane->up);
    double across = sqrt(plane->up[0] * plane->up[0] + plane->up[1] * plane->up[1]); /* neither is large or tiny */
    for (int i = 0; i < 3; i++) plane->origin[i] = p[i];
    plane->east[0] = across > 1e-12 ? -plane->up[1] / across : 1.0;
    plane->east[1] = across > 1e-12 ? plane->up[0] / across : 0.0;
    plane->east[2] = 0.0;
    plane->north[0] = plane->up[1] * plane->east[2] - plane->up[2] * plane->east[1];
    plane->north[1] = plane->up[2] * plane->east[0] - plane->up[0] * plane->east[2];
    plane->north[2] = plane->up[0] * plane->east[1] - plane->up[1] * plane->east[0];
    double flat = 1.0 - KC_ECCENTRICITY2 * plane->up[2] * plane->up[2];
    double across_radius2 = KC_MAJOR_M * KC_MAJOR_M / flat; /* N^2 */
    double along_radius = KC_MAJOR_M * (1.0 - KC_ECCENTRICITY2) / (flat * sqrt(flat)); /* M */
    plane->east_bend = 1.0 / (6.0 * across_radius2);
    plane->north_bend = 1.0 / (6.0 * along_radius * along_radius);
}

static inline void kc_on_plane(const kc_plane *plane, const double p[3], double xy[2]) {
    double d[3] = {p[0] - plane->origin[0], p[1] - plane->origin[1], p[2] - plane->origin[2]};
    double x = kc_dot(d, plane->east), y = kc_dot(d, plane->north);
    double bend = x * x * plane->east_bend + y * y * plane->north_bend;
    double longer = 1.0 + bend * (1.0 + 2.7 * bend); /* the series of the arc sine */
    xy[0] = x * longer;
    xy[1] = y * longer;
}

/* A leg: two neighbouring nodes of a way, each t, x, y, z, lower, upper. No leg is longer than KC_LONGEST_M (surface.h). */
enum { KC_T = 0, KC_X = 1, KC_LOWER = 4, KC_UPPER = 5, KC_NODE = 6 };

/* Where a mover is on a leg at a share (0 to 1) of its time: on the chord, and lifted back to the surface.
 *
 * Of a leg of 20 km the place so found is along the ground at most 2 mm from the point of the geodesic (measured: 1.6), and
 * 5 cm above or below it. Of one of 10 km 0.2 mm and 1.2 cm.
 */
static inline void kc_leg_at(const double *leg, double share, double p[3]) {
    double chord[3], middle[3], up[3], chord2 = 0.0;
    for (int i = 0; i < 3; i++) {
        chord[i] = leg[KC_NODE + KC_X + i] - leg[KC_X + i];
        middle[i] = leg[KC_X + i] + 0.5 * chord[i];
        chord2 += chord[i] * chord[i];
    }
    kc_up(middle, up);
    double lift = share * (1.0 - share) * chord2 / (2.0 * KC_MEAN_RADIUS_M);
    for (int i = 0; i < 3; i++) p[i] = leg[KC_X + i] + share * chord[i] + lift * up[i];
}

#endif
