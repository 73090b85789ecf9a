/* Who comes near whom: pairs of movers that may, and from when to when two movers do. */
#include "reports.h"
#include "ways.h"

#include <stdlib.h>

/* Pairs of balls that come within a distance of one another.
 *
 * In: n balls `asked` and m balls `there` (x, y, z, radius), each of a `team`; balls of one team are no pair. `cell` is
 * about the usual distance plus radius; a ball of `there` has at most that reach, or it is looked at against all.
 * Out: `pairs` (room, 2) of places in the two lists, in order of the first, then of the second list's cells. Returns how many
 * there are, which may be more than there was room for, or -1 if there is no memory. */
KC_EXPORT int64_t kc_near_balls(int64_t n, const double *asked, const int64_t *asked_team, int64_t m,
                                const double *there, const int64_t *team, double near, double cell, int64_t *pairs,
                                int64_t room) {
    uint64_t size = 16;
    while (size < (uint64_t)m * 2) size *= 2;
    int64_t *head = malloc(size * sizeof *head), *next = malloc((size_t)(m ? m : 1) * sizeof *next);
    int64_t *large = malloc((size_t)(m ? m : 1) * sizeof *large), larges = 0, found = 0;
    if (!head || !next || !large) {
        free(head);
        free(next);
        free(large);
        return -1;
    }
    for (uint64_t i = 0; i < size; i++) head[i] = -1;
#define CELL_OF(value) ((int64_t)floor((value) / cell))
#define SLOT_OF(x, y, z) \
    (((uint64_t)(x) * UINT64_C(73856093) ^ (uint64_t)(y) * UINT64_C(19349663) ^ (uint64_t)(z) * UINT64_C(83492791)) & (size - 1))
    for (int64_t j = m - 1; j >= 0; j--) {
        const double *ball = there + 4 * j;
        if (!(ball[3] <= cell)) {
            large[larges++] = j;
            continue;
        }
        uint64_t slot = SLOT_OF(CELL_OF(ball[0]), CELL_OF(ball[1]), CELL_OF(ball[2]));
        next[j] = head[slot];
        head[slot] = j;
    }
    for (int64_t i = 0; i < n; i++) {
        const double *ball = asked + 4 * i;
        double reach = near + ball[3] + cell; /* of a small ball's middle */
        int64_t low[3], high[3];
        double cells = 1.0;
        for (int k = 0; k < 3; k++) {
            low[k] = CELL_OF(ball[k] - reach);
            high[k] = CELL_OF(ball[k] + reach);
            cells *= (double)(high[k] - low[k] + 1);
        }
        int all = cells > (double)size; /* a ball so large asks everybody in turn */
        for (int64_t k = 0; k < larges + (all ? m : 0); k++) {
            int64_t j = k < larges ? large[k] : k - larges;
            if (k >= larges && !(there[4 * j + 3] <= cell)) continue;
            double d[3] = {there[4 * j] - ball[0], there[4 * j + 1] - ball[1], there[4 * j + 2] - ball[2]};
            double within = near + ball[3] + there[4 * j + 3];
            if (team[j] == asked_team[i] || kc_dot(d, d) > within * within) continue;
            if (found < room) {
                pairs[2 * found] = i;
                pairs[2 * found + 1] = j;
            }
            found++;
        }
        if (all) continue;
        for (int64_t x = low[0]; x <= high[0]; x++)
            for (int64_t y = low[1]; y <= high[1]; y++)
                for (int64_t z = low[2]; z <= high[2]; z++)
                    for (int64_t j = head[SLOT_OF(x, y, z)]; j >= 0; j = next[j]) {
                        const double *other = there + 4 * j;
                        double d[3] = {other[0] - ball[0], other[1] - ball[1], other[2] - ball[2]};
                        double within = near + ball[3] + other[3];
                        if (team[j] == asked_team[i] || kc_dot(d, d) > within * within) continue;
                        if (CELL_OF(other[0]) != x || CELL_OF(other[1]) != y || CELL_OF(other[2]) != z) continue;
                        if (found < room) {
                            pairs[2 * found] = i;
                            pairs[2 * found + 1] = j;
                        }
                        found++;
                    }
    }
    free(head);
    free(next);
    free(large);
    return found;
}

/* A ball that holds all that is kept of each of n movers, shape (n, 4), NaN of one never heard of: its reports, the
 * ways between them, and the bow of those over the chord. */
KC_EXPORT void kc_track_balls(int64_t n, const int64_t *mover, const double *reports, const int64_t *heard,
                              int64_t kept, double *balls) {
    for (int64_t row = 0; row < n; row++, balls += 4) {
        double low[3] = {INFINITY, INFINITY, INFINITY}, high[3] = {-INFINITY, -INFINITY, -INFINITY}, square = 0.0;
        int64_t count = heard[mover[row]] < kept ? heard[mover[row]] : kept;
        for (int64_t i = 0; i < count; i++) {
            const double *report = reports + (mover[row] * kept + i) * KC_REPORT;
            for (int k = 0; k < 3; k++) {
                low[k] = fmin(low[k], report[KC_REPORT_X + k]);
                high[k] = fmax(high[k], report[KC_REPORT_X + k]);
            }
        }
        for (int k = 0; k < 3; k++) {
            balls[k] = count ? 0.5 * (low[k] + high[k]) : NAN;
            square += (high[k] - low[k]) * (high[k] - low[k]);
        }
        balls[3] = count ? 0.5 * sqrt(square) + square / (8.0 * KC_LEAST_RADIUS_M) + 1.0 : NAN;
    }
}

/* The part of a leg between two reports from one moment to another, as a leg of kc_legs_meet. */
static void part_of(const double *before, const double *after, double t0, double t1, double leg[2 * KC_NODE]) {
    double span = after[KC_REPORT_T] - before[KC_REPORT_T], times[2] = {t0, t1};
    for (int k = 0; k < 2; k++) {
        double *node = leg + k * KC_NODE;
        node[KC_T] = times[k];
        kc_between(before + KC_REPORT_X, after + KC_REPORT_X, (times[k] - before[KC_REPORT_T]) / span, node + KC_X);
        node[KC_LOWER] = node[KC_UPPER] = 0.0;
    }
}

enum { MET_TASK, MET_T0, MET_T1, MET_INNER_T0, MET_NEAREST_T, MET_NEAREST, MET_LOW, MET_HIGH, MET_X, MET_MOVED = 11,
       MET_OPEN_START, MET_OPEN_END, MET_ONE, MET_OTHER = 22, MET = 30 };

/* Whether two reports differ by more than both uncertainties. */
static int moved(const double *before, const double *after) {
    return kc_apart(before + KC_REPORT_X, after + KC_REPORT_X) > before[KC_REPORT_DOUBT] + after[KC_REPORT_DOUBT];
}

static void add_row(double *rows, int64_t room, int64_t *found, const double *row) {
    for (int k = 0; k < MET && *found < room; k++) rows[*found * MET + k] = row[k];
    *found += 1;
}

/* When n movers, on the legs that their last reports ended, were near others: one row for each leg of the other.
 *
 * In: `mover`, `other`; `other_from` the number of the other's first report that is not yet to be counted; `last_from`
 * likewise of the mover, so that its leg ends at report last_from - 1; `near` and `outer` m, near <= outer. `gap` s:
 * reports farther apart are not joined. Out: rows (room, 30): the task; from when to when nearer than `outer` s; from
 * when nearer than `near` (NaN: never); the nearest moment s, metres, at least and at most, and place x, y, z halfway
 * between; 1 if either leg is longer than the uncertainties of its ends; 1 if they are as near already where the two
 * legs begin, and still where they end; the reports at the beginning and the end of the mover's leg (x, y, z, uncertainty
 * m), and of the other's. Returns how many rows there are, which may be more than there was room for. */
KC_EXPORT int64_t kc_meetings(int64_t n, const int64_t *mover, const int64_t *last_from, const int64_t *other,
                              const int64_t *other_from, const double *near, const double *outer, double gap,
                              const double *reports, int64_t kept, double *rows, int64_t room) {
    int64_t found = 0;
    for (int64_t task = 0; task < n; task++) {
        int64_t last = last_from[task] - 1, end = other_from[task] - 1;
        if (last < 1 || end < 1) continue;
        const double *before = kc_report(reports, kept, mover[task], last - 1);
        const double *after = kc_report(reports, kept, mover[task], last);
        double span = after[KC_REPORT_T] - before[KC_REPORT_T];
        if (!(after[KC_REPORT_JOINED] > 0.0) || !(span > 0.0) || span > gap) continue;
        double length = kc_apart(before + KC_REPORT_X, after + KC_REPORT_X);
        int64_t oldest = end + 2 > kept ? end + 2 - kept : 0; /* one slot may hold what came later */
        for (int64_t i = end; i > oldest; i--) {
            const double *there = kc_report(reports, kept, other[task], i);
            const double *came = kc_report(reports, kept, other[task], i - 1);
            if (there[KC_REPORT_T] <= before[KC_REPORT_T]) break;
            double other_span = there[KC_REPORT_T] - came[KC_REPORT_T];
            if (!(there[KC_REPORT_JOINED] > 0.0) || !(other_span > 0.0) || other_span > gap) continue;
            double t0 = fmax(before[KC_REPORT_T], came[KC_REPORT_T]), t1 = fmin(after[KC_REPORT_T], there[KC_REPORT_T]);
            if (!(t0 < t1)) continue;
            double from_start = 0.0, other_chord = 0.0;
            for (int c = 0; c < 3; c++) {
                double d = before[KC_REPORT_X + c] - came[KC_REPORT_X + c];
                double e = there[KC_REPORT_X + c] - came[KC_REPORT_X + c];
                from_start += d * d;
                other_chord += e * e;
            }
            double most = outer[task] + (length + sqrt(other_chord)) * 1.001 + 1.0;
            if (from_start > most * most) continue; /* neither can have gone so far */
            double leg[2 * KC_NODE], other_leg[2 * KC_NODE];
            part_of(before, after, t0, t1, leg);
            part_of(came, there, t0, t1, other_leg);
            double apart[2], gone[2] = {0.0, 0.0};
            for (int k = 0; k < 2; k++) {
                double square = 0.0;
                for (int c = 0; c < 3; c++) {
                    double d = leg[k * KC_NODE + KC_X + c] - other_leg[k * KC_NODE + KC_X + c];
                    square += d * d;
                }
                apart[k] = sqrt(square);
            }
            for (int c = 0; c < 3; c++) {
                double d = leg[KC_NODE + KC_X + c] - leg[KC_X + c];
                double e = other_leg[KC_NODE + KC_X + c] - other_leg[KC_X + c];
                gone[0] += d * d;
                gone[1] += e * e;
            }
            double ways = sqrt(gone[0]) + sqrt(gone[1]), longest = sqrt(fmax(gone[0], gone[1]));
            if ((apart[0] + apart[1] - ways * 1.001) / 2.0 - 1.0 > outer[task]) continue; /* triangle inequality */
            double other_length = kc_apart(came + KC_REPORT_X, there + KC_REPORT_X);
            double row[MET];
            int met_any = 0, pieces = 1 + (int)(longest / 10000.0);
            for (int piece = 0; piece < pieces; piece++) {
                kc_met met;
                double s0 = piece ? t0 + (t1 - t0) * piece / pieces : t0;
                double s1 = piece + 1 < pieces ? t0 + (t1 - t0) * (piece + 1) / pieces : t1;
                if (pieces > 1) {
                    part_of(before, after, s0, s1, leg);
                    part_of(came, there, s0, s1, other_leg);
                }
                if (!kc_legs_meet(leg, other_leg, outer[task] + KC_DEPTH_M, INFINITY, &met)) continue;
                if (!met_any || met.t0 > row[MET_T1] + 1e-5) {
                    if (met_any) {
                        add_row(rows, room, &found, row);
                    }
                    met_any = 1;
                    row[MET_TASK] = (double)task;
                    row[MET_T0] = met.t0;
                    row[MET_INNER_T0] = NAN;
                    row[MET_NEAREST] = INFINITY;
                    row[MET_OPEN_START] = piece == 0 && met.t0 <= t0 && apart[0] < outer[task] - KC_DEPTH_M;
                    row[MET_MOVED] = moved(before, after) || moved(came, there);
                    for (int k = 0; k < 4; k++) {
                        row[MET_ONE + k] = before[KC_REPORT_X + k];
                        row[MET_ONE + 4 + k] = after[KC_REPORT_X + k];
                        row[MET_OTHER + k] = came[KC_REPORT_X + k];
                        row[MET_OTHER + 4 + k] = there[KC_REPORT_X + k];
                    }
                }
                row[MET_T1] = met.t1;
                row[MET_OPEN_END] = piece + 1 == pieces && met.t1 >= t1 - 1e-7 && apart[1] < outer[task] - KC_DEPTH_M;
                kc_met inner;
                if (isnan(row[MET_INNER_T0]) &&
                    kc_legs_meet(leg, other_leg, near[task] + KC_DEPTH_M, INFINITY, &inner))
                    row[MET_INNER_T0] = inner.t0;
                if (met.horizontal >= row[MET_NEAREST]) continue;
                double doubts = fmax(before[KC_REPORT_DOUBT], after[KC_REPORT_DOUBT]) +
                                fmax(came[KC_REPORT_DOUBT], there[KC_REPORT_DOUBT]);
                double strays = kc_stray(length, (met.nearest_t - before[KC_REPORT_T]) / span) +
                                kc_stray(other_length, (met.nearest_t - came[KC_REPORT_T]) / other_span);
                row[MET_NEAREST_T] = met.nearest_t;
                row[MET_NEAREST] = met.horizontal;
                row[MET_LOW] = fmax(0.0, met.horizontal - doubts - kc_stray(length + other_length, 0.5));
                row[MET_HIGH] = met.horizontal + doubts + strays;
                for (int k = 0; k < 3; k++) row[MET_X + k] = met.place[k];
            }
            if (met_any) add_row(rows, room, &found, row);
        }
    }
    return found;
}
