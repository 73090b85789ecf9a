/* How far along its route a place lies, and how late that is. */
#include "lines.h"

/* The first of `count` rising numbers that is not less than a value (or, `beyond`, that is greater). */
static int64_t first_from(const double *values, int64_t count, double value, int beyond) {
    int64_t low = 0, high = count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (beyond ? values[middle] <= value : values[middle] < value) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* The first or the last moment at which the plan has a mover at a chainage; without end at the end points. */
static double due(const double *chainage, const double *planned, int64_t count, double at, int last) {
    if (last && at >= chainage[count - 1]) return INFINITY;
    if (!last && at <= chainage[0]) return -INFINITY;
    int64_t side = first_from(chainage, count, at, last);
    int64_t i = last ? side - 1 : side, j = last ? i + 1 : i - 1;
    return planned[i] + (at - chainage[i]) / (chainage[j] - chainage[i]) * (planned[j] - planned[i]);
}

/* Where n places lie along their routes.
 *
 * In: `route`, `at` s, `place` (n, 3), `doubt` m; the routes as kc_lines, and of each node `chainage` m from the start
 * of its route, and `planned` s. Out (n, 4): chainage m, metres off the route, where the plan has it by then m, late s
 * (negative: early; 0 within what the doubt leaves open). Where a route passes a place more than once the passage
 * nearest to the plan is meant. */
KC_EXPORT void kc_on_routes(int64_t n, const int64_t *route, const double *at, const double *place,
                            const double *doubt, const int64_t *node_from, const int64_t *block_from,
                            const double *nodes, const double *balls, const double *chainages, const double *planned_at,
                            double *out) {
    kc_lines lines = {node_from, block_from, nodes, balls};
    for (int64_t row = 0; row < n; row++, out += 4) {
        const double *p = place + 3 * row;
        int64_t first = node_from[route[row]], count = node_from[route[row] + 1] - first, nearest = 0;
        const double *chainage = chainages + first, *planned = planned_at + first;
        double length = chainage[count - 1], expected;
        if (at[row] <= planned[0]) expected = chainage[0];
        else if (at[row] >= planned[count - 1]) expected = length;
        else {
            int64_t i = first_from(planned, count, at[row], 1);
            double share = (at[row] - planned[i - 1]) / (planned[i] - planned[i - 1]);
            expected = chainage[i - 1] + share * (chainage[i] - chainage[i - 1]);
        }
        double within = kc_off_line(&lines, route[row], p, &nearest) + doubt[row] + 1.0;
        /* Each passage is a run of neighbouring legs that may be the nearest; the best of each run is a candidate. */
        kc_plane plane;
        kc_plane_at(p, &plane);
        double best_off = INFINITY, best_at = 0.0, run_off = INFINITY, run_at = 0.0;
        for (int64_t leg = 0; leg < count; leg++) { /* one beyond the last, to end the last run */
            double off = INFINITY, share = 0.0;
            if (leg < count - 1) {
                int64_t block = block_from[route[row]] + leg / KC_BLOCK;
                if (leg % KC_BLOCK == 0 && run_off == INFINITY && kc_off_block(balls + 4 * block, p) > within) {
                    leg += KC_BLOCK - 1;
                    if (leg >= count - 1) leg = count - 2;
                    continue;
                }
                off = kc_off_leg(&plane, nodes + 3 * (first + leg), &share);
            }
            if (off <= within) {
                if (off < run_off) {
                    run_off = off;
                    run_at = chainage[leg] + share * (chainage[leg + 1] - chainage[leg]);
                }
                continue;
            }
            if (run_off < INFINITY &&
                (best_off == INFINITY || fabs(run_at - expected) < fabs(best_at - expected))) {
                best_off = run_off;
                best_at = run_at;
            }
            run_off = INFINITY;
        }
        double farthest = best_at + doubt[row] < length ? best_at + doubt[row] : length;
        double least = best_at - doubt[row] > 0.0 ? best_at - doubt[row] : 0.0;
        double latest = due(chainage, planned, count, farthest, 1);
        double earliest = due(chainage, planned, count, least, 0);
        out[0] = best_at;
        out[1] = best_off;
        out[2] = expected;
        out[3] = at[row] > latest ? at[row] - latest : fmin(at[row] - earliest, 0.0);
    }
}
