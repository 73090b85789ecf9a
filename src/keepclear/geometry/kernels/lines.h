/* Long lines on the ground: routes and boundaries, many points each. */
#ifndef KEEPCLEAR_LINES_H
#define KEEPCLEAR_LINES_H

#include "earth.h"
#include "kernels.h"

enum { KC_BLOCK = 16 }; /* legs that share a ball */

/* Lines as columns. Line i has the nodes node_from[i] up to node_from[i + 1]; no leg is longer than 10 km. Its legs lie
 * in blocks of KC_BLOCK, the last one shorter: blocks block_from[i] up to block_from[i + 1], each a ball that holds its
 * legs. `Lines` in watch/live_lines.py. */
typedef struct {
    const int64_t *node_from, *block_from;
    const double *nodes; /* (m, 3) x, y, z */
    const double *balls; /* (blocks, 4) x, y, z, radius */
} kc_lines;

/* Where a leg of a line is nearest to the origin of a plane: metres off, and the share of the leg. */
static inline double kc_off_leg(const kc_plane *plane, const double *leg, double *share) {
    double a[2], b[2];
    kc_on_plane(plane, leg, a);
    kc_on_plane(plane, leg + 3, b);
    double step[2] = {b[0] - a[0], b[1] - a[1]};
    double square = step[0] * step[0] + step[1] * step[1];
    double along = square > 0.0 ? -(a[0] * step[0] + a[1] * step[1]) / square : 0.0;
    *share = along < 0.0 ? 0.0 : along > 1.0 ? 1.0 : along;
    double east = a[0] + *share * step[0], north = a[1] + *share * step[1];
    return sqrt(east * east + north * north);
}

/* A bound that no leg of a block is nearer to a place than, straight through the earth. */
static inline double kc_off_block(const double *ball, const double p[3]) {
    double d[3] = {ball[0] - p[0], ball[1] - p[1], ball[2] - p[2]};
    return sqrt(kc_dot(d, d)) - ball[3];
}

/* Metres from a place to a line, and to which of its legs. Places beyond a thousand km of the line are only far. */
static inline double kc_off_line(const kc_lines *lines, int64_t line, const double p[3], int64_t *nearest) {
    kc_plane plane;
    kc_plane_at(p, &plane);
    int64_t first = lines->node_from[line], legs = lines->node_from[line + 1] - first - 1;
    double least = INFINITY;
    /* The block whose ball lies nearest first, so that the others may be passed over. */
    int64_t from = lines->block_from[line], upto = lines->block_from[line + 1], start = from;
    double closest = INFINITY;
    for (int64_t block = from; block < upto; block++) {
        double off = kc_off_block(lines->balls + 4 * block, p);
        if (off < closest) {
            closest = off;
            start = block;
        }
    }
    for (int64_t k = -1; k < upto - from; k++) {
        int64_t block = k < 0 ? start : from + k;
        if ((k >= 0 && block == start) || kc_off_block(lines->balls + 4 * block, p) > least) continue;
        int64_t leg = (block - from) * KC_BLOCK, end = leg + KC_BLOCK < legs ? leg + KC_BLOCK : legs;
        for (; leg < end; leg++) {
            double share, off = kc_off_leg(&plane, lines->nodes + 3 * (first + leg), &share);
            if (off < least || (off == least && leg < *nearest)) {
                least = off;
                *nearest = leg;
            }
        }
    }
    return least;
}

#endif
