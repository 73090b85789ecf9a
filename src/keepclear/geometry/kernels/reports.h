/* The last reports of movers, and where a mover was between two of them. */
#ifndef KEEPCLEAR_REPORTS_H
#define KEEPCLEAR_REPORTS_H

#include "earth.h"
#include "kernels.h"

/* A report as kept: seconds, the point in space, how uncertain it is, and whether the way from the report before is
 * held to be known. The reports of mover m are `kept` slots from m * kept on; report number i lies in slot i % kept. */
enum { KC_REPORT_T = 0, KC_REPORT_X = 1, KC_REPORT_DOUBT = 4, KC_REPORT_JOINED = 5, KC_REPORT = 6 };

/* As HASTE in watch/history.py: how far an asset may stray from the even path, as a part of its length. */
#define KC_STRAY 0.66332495807108

static inline double kc_stray(double length, double share) {
    double room = share * (1.0 - share);
    return room > 0.0 ? length * KC_STRAY * sqrt(room) : 0.0;
}

/* Report number i of a mover, i < heard[mover], not older than the last `kept`. */
static inline const double *kc_report(const double *reports, int64_t kept, int64_t mover, int64_t i) {
    return reports + (mover * kept + i % kept) * KC_REPORT;
}

/* Metres along the ground between two places: to 1 mm within 100 km, to a part in 100,000 within 1,000 km. */
static inline double kc_apart(const double p[3], const double q[3]) {
    double d[3], middle[3], up[3], chord2 = 0.0;
    for (int i = 0; i < 3; i++) {
        d[i] = q[i] - p[i];
        middle[i] = 0.5 * (p[i] + q[i]);
        chord2 += d[i] * d[i];
    }
    /* Up to 10 km the arc is longer by less than 1.03 mm, and which radius is meant by less than a hundredth of that. */
    if (chord2 < 1e8) return sqrt(chord2) * (1.0 + chord2 / (24.0 * KC_MEAN_RADIUS_M * KC_MEAN_RADIUS_M));
    kc_up(middle, up);
    double across = hypot(up[0], up[1]);
    double east = across > 1e-12 ? (up[0] * d[1] - up[1] * d[0]) / across : d[0];
    double north2 = chord2 - east * east; /* the chord has no part along the up of its middle */
    double flat = 1.0 - KC_ECCENTRICITY2 * up[2] * up[2];
    double along = (1.0 - KC_ECCENTRICITY2) / flat;
    /* (chord / 2R)^2 with R the radius of curvature on that bearing: 1/R^2 between 1/N^2 and 1/M^2 */
    double k = 0.25 * (east * east + fmax(north2, 0.0) / (along * along)) * flat / (KC_MAJOR_M * KC_MAJOR_M);
    double chord = sqrt(chord2);
    if (k < 1e-3) return chord * (1.0 + k * (1.0 / 6.0 + k * (3.0 / 40.0 + k * (15.0 / 336.0))));
    double half = sqrt(k < 1.0 ? k : 1.0);
    return chord * asin(half) / half;
}

/* Brings a point near the ellipsoid onto it, straight down or up. */
static inline void kc_to_surface(double p[3]) {
    double minor2 = 1.0 - KC_ECCENTRICITY2, major2 = KC_MAJOR_M * KC_MAJOR_M;
    for (int round = 0; round < 3; round++) {
        double up[3];
        kc_up(p, up);
        double beyond = (p[0] * p[0] + p[1] * p[1] + p[2] * p[2] / minor2) / major2 - 1.0;
        double slope = 2.0 * (p[0] * up[0] + p[1] * up[1] + p[2] * up[2] / minor2) / major2;
        double step = beyond / slope;
        for (int i = 0; i < 3; i++) p[i] -= step * up[i];
        if (fabs(step) < 1e-6) return;
    }
}

/* The place a share (0 to 1) of the way from one place to another: to 2 mm on ways up to 20 km, to 2 m on 500 km. */
static inline void kc_between(const double from[3], const double to[3], double share, double p[3]) {
    double d[3], chord2 = 0.0;
    for (int i = 0; i < 3; i++) {
        d[i] = to[i] - from[i];
        chord2 += d[i] * d[i];
    }
    if (chord2 < 1e8) { /* up to 10 km the chord is gone along evenly, and lifted, as in kc_leg_at */
        double middle[3], up[3], lift = share * (1.0 - share) * chord2 / (2.0 * KC_MEAN_RADIUS_M);
        for (int i = 0; i < 3; i++) middle[i] = from[i] + 0.5 * d[i];
        kc_up(middle, up);
        for (int i = 0; i < 3; i++) p[i] = from[i] + share * d[i] + lift * up[i];
        return;
    }
    double half = asin(fmin(1.0, 0.5 * sqrt(chord2) / KC_MEAN_RADIUS_M));
    double along = 0.5 + 0.5 * tan((share - 0.5) * 2.0 * half) / tan(half);
    for (int i = 0; i < 3; i++) p[i] = from[i] + along * d[i];
    if (share > 0.0 && share < 1.0) kc_to_surface(p);
}

/* Where a mover was at a moment: its place and how uncertain that is. 0 if that cannot be told: before the first report
 * kept, after the last, or between two more than `gap` s apart. At a report it is the report. */
static inline int kc_placed(const double *reports, const int64_t *heard, int64_t kept, int64_t mover, double at,
                            double gap, double p[3], double *doubt) {
    int64_t count = heard[mover], oldest = count > kept ? count - kept : 0;
    const double *after = NULL;
    for (int64_t i = count - 1; i >= oldest; i--) {
        const double *report = kc_report(reports, kept, mover, i);
        if (report[KC_REPORT_T] == at) {
            for (int k = 0; k < 3; k++) p[k] = report[KC_REPORT_X + k];
            *doubt = report[KC_REPORT_DOUBT];
            return 1;
        }
        if (report[KC_REPORT_T] < at) {
            if (!after || after[KC_REPORT_T] - report[KC_REPORT_T] > gap) return 0;
            double share = (at - report[KC_REPORT_T]) / (after[KC_REPORT_T] - report[KC_REPORT_T]);
            kc_between(report + KC_REPORT_X, after + KC_REPORT_X, share, p);
            *doubt = fmax(report[KC_REPORT_DOUBT], after[KC_REPORT_DOUBT]) +
                     kc_stray(kc_apart(report + KC_REPORT_X, after + KC_REPORT_X), share);
            return 1;
        }
        after = report;
    }
    return 0;
}

#endif
