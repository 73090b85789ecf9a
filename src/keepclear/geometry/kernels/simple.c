#include "simple.h"

#include "segments.h"

enum { FEW = 64 };
#define DEGREE (3.14159265358979323846 / 180.0)
#define EARTH_M 6371010.0
#define ENOUGH_M2 1e-3   /* ten times what an outline must enclose */
#define SURE_M2 1e9      /* above it the area is that of the ellipsoid */
#define NEAR 0.99        /* the cosine of 8 degrees from the middle, well within what is too far */

double kc_simple_area(const double *lat, const double *lng, int64_t count) {
    double points[FEW][3], low[3] = {INFINITY, INFINITY, INFINITY}, high[3] = {-INFINITY, -INFINITY, -INFINITY};
    if (count < 3 || count > FEW) return -1.0;
    for (int k = 0; k < count; k++) {
        double level = cos(lat[k] * DEGREE);
        points[k][0] = level * cos(lng[k] * DEGREE);
        points[k][1] = level * sin(lng[k] * DEGREE);
        points[k][2] = sin(lat[k] * DEGREE);
        for (int i = 0; i < 3; i++) {
            low[i] = fmin(low[i], points[k][i]);
            high[i] = fmax(high[i], points[k][i]);
        }
    }
    double up[3], xy[FEW + 2][2], length2 = 0.0;
    for (int i = 0; i < 3; i++) {
        up[i] = 0.5 * (low[i] + high[i]);
        length2 += up[i] * up[i];
    }
    if (!(length2 > 0.25)) return -1.0;
    double length = sqrt(length2);
    for (int i = 0; i < 3; i++) up[i] /= length;
    int off = fabs(up[2]) < 0.9 ? 2 : 0; /* an axis that is not near to up */
    double first[3] = {up[1] * (off == 2), up[2] * (off == 0) - up[0] * (off == 2), -up[1] * (off == 0)};
    double flat = sqrt(first[0] * first[0] + first[1] * first[1] + first[2] * first[2]);
    for (int i = 0; i < 3; i++) first[i] /= flat;
    double second[3] = {up[1] * first[2] - up[2] * first[1], up[2] * first[0] - up[0] * first[2],
                        up[0] * first[1] - up[1] * first[0]};
    for (int k = 0; k < count; k++) {
        const double *p = points[k];
        double height = p[0] * up[0] + p[1] * up[1] + p[2] * up[2];
        if (!(height > NEAR)) return -1.0;
        xy[k][0] = EARTH_M * (p[0] * first[0] + p[1] * first[1] + p[2] * first[2]) / height;
        xy[k][1] = EARTH_M * (p[0] * second[0] + p[1] * second[1] + p[2] * second[2]) / height;
    }
    double area = kc_plain_ring(xy, (int)count);
    return area > ENOUGH_M2 && area < SURE_M2 ? area : -1.0;
}
