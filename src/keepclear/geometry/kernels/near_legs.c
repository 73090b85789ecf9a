/* Two movers, each on a way of many legs: on which legs they are near one another, from when to when. */
#include "reports.h"
#include "ways.h"

enum { PAIR = 0, LEG, OTHER, FROM, UPTO, NEAREST_T, NEAREST, PLACE, OPEN_START = 10, OPEN_END, WIDTH };

/* Where a mover is at a moment of a leg; of a leg of no time at its start. */
static void place_at(const double *leg, double at, double p[3]) {
    double span = leg[KC_NODE] - leg[KC_T];
    kc_leg_at(leg, span > 0.0 ? (at - leg[KC_T]) / span : 0.0, p);
}

/* Fills a row but for its first three columns if two legs are near while both last, from t0 to t1. */
static int near_on(const double *leg, const double *other, double t0, double t1, double near, double *row) {
    double ends[2], times[2] = {t0, t1}, p[3], q[3];
    for (int k = 0; k < 2; k++) {
        place_at(leg, times[k], p);
        place_at(other, times[k], q);
        ends[k] = kc_apart(p, q);
    }
    if (t0 < t1) {
        kc_met met;
        if (!kc_legs_meet(leg, other, near + KC_DEPTH_M, INFINITY, &met)) return 0;
        row[FROM] = met.t0 - t0 < 1e-6 ? t0 : met.t0;
        row[UPTO] = t1 - met.t1 < 1e-6 ? t1 : met.t1;
        row[NEAREST_T] = met.nearest_t;
        row[NEAREST] = met.horizontal;
        for (int i = 0; i < 3; i++) row[PLACE + i] = met.place[i];
    } else { /* a lone report counts for its moment */
        if (!(ends[0] <= near)) return 0;
        row[FROM] = row[UPTO] = row[NEAREST_T] = t0;
        row[NEAREST] = ends[0];
        for (int i = 0; i < 3; i++) row[PLACE + i] = 0.5 * (p[i] + q[i]);
    }
    row[OPEN_START] = row[FROM] == t0 && ends[0] < near - KC_DEPTH_M;
    row[OPEN_END] = row[UPTO] == t1 && ends[1] < near - KC_DEPTH_M;
    return 1;
}

/* When the movers of n pairs of ways are nearer than `near` (metres along the ground, at most 100 km): one row for each
 * pair of legs, in order of the pairs, then of the legs.
 *
 * In: `pairs` (n, 2), a way of each list; the legs of way i are leg_from[i] up to leg_from[i + 1], in order of time,
 * each two nodes (2 * 6), none longer than 10 km, those of no time lone reports; likewise of the other list. Out: rows
 * (room, 12): the pair; its two legs, counted from the start of their ways; from when to when near; the nearest moment s,
 * metres, and x, y, z halfway between; 1 if they are nearer already where the time that both legs last begins, and
 * where it ends. Returns how many rows there are, which may be more than there was room for. */
KC_EXPORT int64_t kc_near_legs(int64_t n, const int64_t *pairs, const int64_t *leg_from, const double *legs,
                               const int64_t *other_from, const double *others, double near, double *rows,
                               int64_t room) {
    int64_t found = 0;
    for (int64_t pair = 0; pair < n; pair++) {
        int64_t first = leg_from[pairs[2 * pair]], end = leg_from[pairs[2 * pair] + 1];
        int64_t start = other_from[pairs[2 * pair + 1]], other_end = other_from[pairs[2 * pair + 1] + 1], from = start;
        for (int64_t i = first; i < end; i++) {
            const double *leg = legs + i * 2 * KC_NODE;
            while (from < other_end && others[from * 2 * KC_NODE + KC_NODE] < leg[KC_T]) from++;
            for (int64_t j = from; j < other_end && others[j * 2 * KC_NODE] <= leg[KC_NODE]; j++) {
                const double *other = others + j * 2 * KC_NODE;
                double t0 = fmax(leg[KC_T], other[KC_T]), t1 = fmin(leg[KC_NODE], other[KC_NODE]), row[WIDTH];
                int brief = leg[KC_T] == leg[KC_NODE] || other[KC_T] == other[KC_NODE];
                if ((!(t0 < t1) && !brief) || !near_on(leg, other, t0, t1, near, row)) continue;
                row[PAIR] = (double)pair;
                row[LEG] = (double)(i - first);
                row[OTHER] = (double)(j - start);
                for (int k = 0; k < WIDTH && found < room; k++) rows[found * WIDTH + k] = row[k];
                found++;
            }
        }
    }
    return found;
}
