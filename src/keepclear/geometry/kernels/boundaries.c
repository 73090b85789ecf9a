/* Movers and lines that should not be crossed: how near, and over or not. */
#include "lines.h"
#include "reports.h"

/* The least distance of the stretch a-b from the stretch c-d on a plane, and the share of a-b where it is found. */
static double stretches_apart(const double a[2], const double b[2], const double c[2], const double d[2],
                              double *share) {
    double along[2] = {b[0] - a[0], b[1] - a[1]}, other[2] = {d[0] - c[0], d[1] - c[1]};
    double turn = along[0] * other[1] - along[1] * other[0];
    if (turn != 0.0) {
        double s = ((c[0] - a[0]) * other[1] - (c[1] - a[1]) * other[0]) / turn;
        double r = ((c[0] - a[0]) * along[1] - (c[1] - a[1]) * along[0]) / turn;
        if (s >= 0.0 && s <= 1.0 && r >= 0.0 && r <= 1.0) {
            *share = s;
            return 0.0;
        }
    }
    double least = INFINITY;
    const double *ends[4] = {a, b, c, d};
    for (int k = 0; k < 4; k++) { /* otherwise one of the four ends is nearest */
        const double *p = ends[k], *from = k < 2 ? c : a, *step = k < 2 ? other : along;
        double square = step[0] * step[0] + step[1] * step[1];
        double at = square > 0.0 ? ((p[0] - from[0]) * step[0] + (p[1] - from[1]) * step[1]) / square : 0.0;
        at = at < 0.0 ? 0.0 : at > 1.0 ? 1.0 : at;
        double off = hypot(p[0] - from[0] - at * step[0], p[1] - from[1] - at * step[1]);
        if (off < least) {
            least = off;
            *share = k < 2 ? (double)k : at;
        }
    }
    return least;
}

/* n legs of movers, no longer than 10 km, and a line each: how near, and where they cross.
 *
 * In: `line`, `from` and `to` (n, 3), `reach` m: lines farther from a leg than this are only far; the lines as kc_lines.
 * Out (n, 5): metres from `to` to the line (infinite: far beyond the reach); the least on the leg (infinite: farther
 * than the reach), and the share of the leg where; how many times the leg goes from one side to the other; the share of
 * the leg at the first of these. `_shares_crossed` of watch/boundary.py says on which side a point on the line is. */
KC_EXPORT void kc_legs_and_lines(int64_t n, const int64_t *line, const double *from, const double *to,
                                 const double *reach, const int64_t *node_from, const int64_t *block_from,
                                 const double *nodes, const double *balls, double *out) {
    kc_lines lines = {node_from, block_from, nodes, balls};
    for (int64_t row = 0; row < n; row++, out += 5) {
        const double *a = from + 3 * row, *b = to + 3 * row;
        double middle[3], half2 = 0.0;
        for (int i = 0; i < 3; i++) {
            middle[i] = 0.5 * (a[i] + b[i]);
            half2 += 0.25 * (b[i] - a[i]) * (b[i] - a[i]);
        }
        out[0] = out[1] = INFINITY;
        out[2] = out[4] = NAN;
        out[3] = 0.0;
        int64_t first = node_from[line[row]], legs = node_from[line[row] + 1] - first - 1, nearest = 0;
        int64_t begin = block_from[line[row]], end = block_from[line[row] + 1];
        double around = sqrt(half2) + reach[row] + 10.0, ends[2][2];
        int far = 1;
        for (int64_t block = begin; block < end && far; block++) far = kc_off_block(balls + 4 * block, middle) > around;
        if (far) continue;
        out[0] = kc_off_line(&lines, line[row], b, &nearest);
        kc_plane plane;
        kc_plane_at(middle, &plane);
        kc_on_plane(&plane, a, ends[0]);
        kc_on_plane(&plane, b, ends[1]);
        double step[2] = {ends[1][0] - ends[0][0], ends[1][1] - ends[0][1]};
        for (int64_t block = begin; block < end; block++) {
            if (kc_off_block(balls + 4 * block, middle) > around) continue;
            int64_t leg = (block - begin) * KC_BLOCK, stop = leg + KC_BLOCK < legs ? leg + KC_BLOCK : legs;
            for (; leg < stop; leg++) {
                double c[2], d[2], share = 0.0;
                kc_on_plane(&plane, nodes + 3 * (first + leg), c);
                kc_on_plane(&plane, nodes + 3 * (first + leg + 1), d);
                double off = stretches_apart(ends[0], ends[1], c, d, &share);
                if (off < out[1]) {
                    out[1] = off;
                    out[2] = share;
                }
                double span[2] = {d[0] - c[0], d[1] - c[1]};
                double side = span[0] * (ends[0][1] - c[1]) - span[1] * (ends[0][0] - c[0]);
                double turn = span[0] * step[1] - span[1] * step[0];
                int ahead = step[0] * (c[1] - ends[0][1]) - step[1] * (c[0] - ends[0][0]) > 0.0;
                int next_ahead = step[0] * (d[1] - ends[0][1]) - step[1] * (d[0] - ends[0][0]) > 0.0;
                if ((side > 0.0) == (side + turn > 0.0) || ahead == next_ahead) continue;
                out[3] += 1.0;
                if (!(out[4] <= -side / turn)) out[4] = -side / turn;
            }
        }
        if (out[1] > reach[row]) { /* blocks that may be nearer were passed over */
            out[1] = INFINITY;
            out[2] = NAN;
        }
    }
}
