/* What no index costs: every two plans that are under way at one time, every two legs of theirs that are.
 *
 * Compiled beside the kernel's own test of two legs when the benches run. Gives the same set as the engine by the
 * plainest way there is, and what one such test costs on this machine.
 */
#include "ways.h"

#include <stdint.h>

/* Marks met[i * n + j], i < j, where the ways of plans i and j meet; nodes as in kernels.h. Returns the legs tested. */
KC_EXPORT int64_t bench_brute(int64_t n, const int64_t *node_from, const double *nodes, double across, double height,
                              uint8_t *met, int64_t *legs_met) {
    int64_t tested = 0;
    *legs_met = 0;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = i + 1; j < n; j++) {
            int64_t a = node_from[i], a_end = node_from[i + 1] - 1, b = node_from[j], b_end = node_from[j + 1] - 1;
            if (nodes[a_end * KC_NODE] <= nodes[b * KC_NODE] || nodes[b_end * KC_NODE] <= nodes[a * KC_NODE]) continue;
            while (a < a_end && b < b_end) {
                const double *leg = nodes + a * KC_NODE, *other = nodes + b * KC_NODE;
                double leg_ends = leg[KC_NODE], other_ends = other[KC_NODE];
                if (leg_ends > other[KC_T] && other_ends > leg[KC_T]) {
                    kc_met one;
                    tested++;
                    if (kc_legs_meet(leg, other, across, height, &one)) {
                        met[i * n + j] = 1;
                        (*legs_met)++;
                    }
                }
                if (leg_ends <= other_ends) a++;
                else b++;
            }
        }
    }
    return tested;
}

/* The same test of the same two legs, so many times. Returns how often they met, so that nothing is left out. */
KC_EXPORT int64_t bench_leg_test(const double *leg, const double *other, double across, double height, int64_t times) {
    int64_t met = 0;
    for (int64_t i = 0; i < times; i++) {
        kc_met one;
        met += kc_legs_meet(leg, other, across, height, &one);
    }
    return met;
}
