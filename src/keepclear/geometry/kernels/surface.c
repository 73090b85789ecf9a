#include "surface.h"

#define KC_FLATTENING (1.0 / 298.257223563)
#define KC_MINOR_M (KC_MAJOR_M * (1.0 - KC_FLATTENING))
#define DEGREE 0.017453292519943295769

/* Sine and cosine of an angle in degrees, without a branch, so that a loop of them is worked out many at a time. The
 * nearest quarter turn is taken off exactly, in degrees; then the polynomials of fdlibm, good to the last bit or two. */
static inline void turn(double degrees, double *sine, double *cosine) {
    const double whole = 6755399441055744.0; /* 1.5 * 2^52: what is added to it is rounded to a whole number */
    double quarters = (degrees * (1.0 / 90.0) + whole) - whole;
    double x = (degrees - 90.0 * quarters) * DEGREE, z = x * x;
    double quarter = quarters - 4.0 * ((quarters * 0.25 + whole) - whole); /* -2 to 2 */
    double s = x + x * z *
                       (-1.66666666666666324348e-01 +
                        z * (8.33333333332248946124e-03 +
                             z * (-1.98412698298579493134e-04 +
                                  z * (2.75573137070700676789e-06 +
                                       z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)))));
    double c = 1.0 - 0.5 * z +
               z * z *
                   (4.16666666666666019037e-02 +
                    z * (-1.38888888888741095749e-03 +
                         z * (2.48015872894767294178e-05 +
                              z * (-2.75573143513906633035e-07 +
                                   z * (2.08757232129817482790e-09 - z * 1.13596475577881948265e-11)))));
    int odd = fabs(quarter) == 1.0;
    double up = odd ? c : s, along = odd ? s : c;
    *sine = quarter == -1.0 || fabs(quarter) == 2.0 ? -up : up;
    *cosine = quarter == 1.0 || fabs(quarter) == 2.0 ? -along : along;
}

void kc_surface(int64_t n, const double *lat, const double *lon, double *points) {
    enum { BLOCK = 128 };
    double x[BLOCK], y[BLOCK], z[BLOCK];
    for (int64_t from = 0; from < n; from += BLOCK) {
        int many = n - from < BLOCK ? (int)(n - from) : BLOCK;
        for (int i = 0; i < many; i++) {
            double sine, cosine, east, toward;
            turn(lat[from + i], &sine, &cosine);
            turn(lon[from + i], &east, &toward);
            double across = KC_MAJOR_M / sqrt(1.0 - KC_ECCENTRICITY2 * sine * sine);
            x[i] = across * cosine * toward;
            y[i] = across * cosine * east;
            z[i] = across * (1.0 - KC_ECCENTRICITY2) * sine;
        }
        for (int i = 0; i < many; i++) {
            double *point = points + 3 * (from + i);
            point[0] = x[i];
            point[1] = y[i];
            point[2] = z[i];
        }
    }
}

/* Moves a point some metres along its own normal onto the surface. */
static inline void drop(double p[3]) {
    const double squeeze = 1.0 / (1.0 - KC_ECCENTRICITY2);
    double g[3] = {p[0], p[1], p[2] * squeeze};
    double steep = kc_dot(g, g), above = kc_dot(p, g) - KC_MAJOR_M * KC_MAJOR_M;
    double bend = (g[0] * g[0] + g[1] * g[1] + g[2] * g[2] * squeeze) / steep;
    double step = -above / (steep + sqrt(steep * (steep - above * bend)));
    for (int i = 0; i < 3; i++) p[i] += step * g[i];
}

/* A geodesic's points about its middle: p(s) = m + s T + s^2/2 p'' + s^3/6 p''' ..., where p'' = -k n and, along the
 * surface, p''' = -k n', n the normal and k the curvature of the normal section. Taken off the same series of the chord,
 * what is left is (h^2 - s^2) / 2 (k n + s/3 k n') with h half the length. The terms that follow are along n, which
 * the drop to the surface mends, or of e^2 k^3 h^4 / 24. */
void kc_cut_near(const double a[3], const double b[3], int64_t parts, double *points, int64_t stride) {
    const double squeeze = 1.0 / (1.0 - KC_ECCENTRICITY2);
    double chord[3], middle[3], along[3], normal[3];
    for (int i = 0; i < 3; i++) {
        chord[i] = b[i] - a[i];
        middle[i] = a[i] + 0.5 * chord[i];
    }
    double length2 = kc_dot(chord, chord), per_length = 1.0 / sqrt(length2);
    drop(middle);
    kc_up(middle, normal);
    double g[3] = {middle[0], middle[1], middle[2] * squeeze}, per_steep = 1.0 / sqrt(kc_dot(g, g));
    for (int i = 0; i < 3; i++) along[i] = chord[i] * per_length;
    double pull[3] = {along[0], along[1], along[2] * squeeze};
    double bend = kc_dot(along, pull) * per_steep, out = kc_dot(normal, pull);
    double half = 0.5 * sqrt(length2) * (1.0 + length2 * bend * bend / 24.0);
    double turning[3];
    for (int i = 0; i < 3; i++) turning[i] = (pull[i] - out * normal[i]) * per_steep;
    for (int64_t part = 1; part < parts; part++) {
        double share = (double)part / (double)parts, s = (2.0 * share - 1.0) * half;
        double lift = 0.5 * (half * half - s * s) * bend, *p = points + (part - 1) * stride;
        for (int i = 0; i < 3; i++) p[i] = a[i] + share * chord[i] + lift * (normal[i] + s / 3.0 * turning[i]);
        drop(p);
    }
}

/* How much longer an arc of the auxiliary sphere is than what is travelled along it, as Vincenty (1975) has it. */
static inline double excess(double b, double sine, double cosine, double twice_middle) {
    double square = twice_middle * twice_middle;
    return b * sine *
           (twice_middle + 0.25 * b *
                               (cosine * (2.0 * square - 1.0) -
                                b / 6.0 * twice_middle * (4.0 * sine * sine - 3.0) * (4.0 * square - 3.0)));
}

/* What is to be taken off a longitude on that sphere, over the flattening and the sine of the azimuth at the equator. */
static inline double lag(double c, double arc, double sine, double cosine, double twice_middle) {
    return (1.0 - c) * (arc + c * sine * (twice_middle + c * cosine * (2.0 * twice_middle * twice_middle - 1.0)));
}

int kc_cut_far(double lat0, double lon0, double lat1, double lon1, int64_t parts, double *points, int64_t stride) {
    double sine, cosine, up0, flat0, up1, flat1, east0, toward0;
    turn(lat0, &sine, &cosine);
    double scale = 1.0 / hypot((1.0 - KC_FLATTENING) * sine, cosine);
    up0 = (1.0 - KC_FLATTENING) * sine * scale; /* sine and cosine of the reduced latitude */
    flat0 = cosine * scale;
    turn(lat1, &sine, &cosine);
    scale = 1.0 / hypot((1.0 - KC_FLATTENING) * sine, cosine);
    up1 = (1.0 - KC_FLATTENING) * sine * scale;
    flat1 = cosine * scale;
    turn(lon0, &east0, &toward0);

    double apart = remainder(lon1 - lon0, 360.0) * DEGREE, wide = apart;
    double sin_arc = 0.0, cos_arc = 1.0, arc = 0.0, equator = 0.0, straight = 1.0, middle = 0.0, east = 0.0, north = 1.0;
    int settled = 0;
    for (int round = 0; round < 60 && !settled; round++) {
        double e = flat1 * sin(wide), n = flat0 * up1 - up0 * flat1 * cos(wide);
        sin_arc = hypot(e, n);
        cos_arc = up0 * up1 + flat0 * flat1 * cos(wide);
        if (!(sin_arc > 1e-9)) return 0;
        arc = atan2(sin_arc, cos_arc);
        east = e / sin_arc;
        north = n / sin_arc;
        equator = flat0 * east; /* sine of the azimuth where it crosses the equator */
        straight = 1.0 - equator * equator;
        middle = straight > 1e-15 ? cos_arc - 2.0 * up0 * up1 / straight : 0.0; /* cosine of twice the middle */
        double c = KC_FLATTENING / 16.0 * straight * (4.0 + KC_FLATTENING * (4.0 - 3.0 * straight));
        double next = apart + KC_FLATTENING * equator * lag(c, arc, sin_arc, cos_arc, middle);
        settled = fabs(next - wide) < 1e-12;
        wide = next;
    }
    if (!settled || fabs(wide) > 3.14159266) return 0; /* no way round the sphere is longer than half of it */

    double u2 = straight * (KC_MAJOR_M * KC_MAJOR_M / (KC_MINOR_M * KC_MINOR_M) - 1.0), root = sqrt(1.0 + u2);
    double k = (root - 1.0) / (root + 1.0);
    double b = k * (1.0 - 0.375 * k * k);
    double c = KC_FLATTENING / 16.0 * straight * (4.0 + KC_FLATTENING * (4.0 - 3.0 * straight));
    double travelled = arc - excess(b, sin_arc, cos_arc, middle); /* over the minor axis and A, which cancels */
    double first = atan2(up0, flat0 * north);                     /* from the equator to the first place */
    for (int64_t part = 1; part < parts; part++) {
        double goal = travelled * ((double)part / (double)parts), at = goal;
        for (int round = 0; round < 20; round++) {
            double next = goal + excess(b, sin(at), cos(at), cos(2.0 * first + at));
            double change = fabs(next - at);
            at = next;
            if (change < 1e-14) break;
        }
        sine = sin(at);
        cosine = cos(at);
        double behind = KC_FLATTENING * equator * lag(c, at, sine, cosine, cos(2.0 * first + at));
        double toward = flat0 * cosine - up0 * sine * north, aside = sine * east; /* seen from the first meridian */
        double tc = toward0 * cos(behind) + east0 * sin(behind), ts = east0 * cos(behind) - toward0 * sin(behind);
        double *p = points + (part - 1) * stride;
        p[0] = KC_MAJOR_M * (toward * tc - aside * ts);
        p[1] = KC_MAJOR_M * (toward * ts + aside * tc);
        p[2] = KC_MINOR_M * (up0 * cosine + flat0 * sine * north);
    }
    return 1;
}
