/* From degrees to points in space, and geodesics cut into even parts. */
#ifndef KEEPCLEAR_SURFACE_H
#define KEEPCLEAR_SURFACE_H

#include "earth.h"
#include "kernels.h"

/* Legs and edges are cut to this, metres: LONGEST_CHORD_M of geometry/pack.py. */
#define KC_LONGEST_M 20000.0
/* What is no longer than this is cut by a series in space, to 0.05 mm (measured: 0.03); the rest by Vincenty's way. */
#define KC_NEAR_M 100000.0
/* Half the earth round by its poles. No geodesic is longer. */
#define KC_HALF_ROUND_M 20003931.5

/* A bound on how long the geodesic between two points of the surface is, given the chord: longer by less than 2 mm for
 * one of 40 km, by 0.2 % for one of 6,000 km. No geodesic bends more than a circle of the least radius, and of two
 * bends of one length the sharper has the shorter chord (Schur). */
static inline double kc_arc_at_most(double chord) {
    return chord < 12e6 ? 2.0 * KC_LEAST_RADIUS_M * asin(chord / (2.0 * KC_LEAST_RADIUS_M)) : KC_HALF_ROUND_M;
}

/* Into how many parts a geodesic with this chord is cut; 1 if the chord is no number. */
static inline int64_t kc_parts(double chord) {
    if (!(chord > 0.999 * KC_LONGEST_M)) return 1;
    double parts = ceil(kc_arc_at_most(chord) / KC_LONGEST_M);
    return parts < 1.0 ? 1 : (int64_t)parts;
}

/* Latitudes and longitudes in degrees, each (n,), to points of the ellipsoid, metres, (n, 3). At a pole x and y are 0 to
 * the last bit, and 180 degrees east and west are the same place. */
KC_EXPORT void kc_surface(int64_t n, const double *lat, const double *lon, double *points);

/* Writes the points that cut the geodesic from a to b, no longer than KC_NEAR_M, into even parts: parts - 1 points,
 * each `stride` doubles after the one before. */
void kc_cut_near(const double a[3], const double b[3], int64_t parts, double *points, int64_t stride);

/* The same of any two places (degrees), by Vincenty's inverse and direct solutions, to 0.1 mm, 0.5 mm where more than
 * 15,000 km apart. 0, and nothing written,
 * if they are so nearly antipodal that his iteration does not settle. */
int kc_cut_far(double lat0, double lon0, double lat1, double lon1, int64_t parts, double *points, int64_t stride);

#endif
