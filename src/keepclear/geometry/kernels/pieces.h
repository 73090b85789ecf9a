/* Plans in pieces: balls that move evenly, so made that a plan is never outside its pieces. */
#ifndef KEEPCLEAR_PIECES_H
#define KEEPCLEAR_PIECES_H

#include "earth.h"
#include "kernels.h"

/* Slabs of time: level 0 lasts two minutes, each further level four times as long. Slab s of a level begins at s widths.
 * Times must lie within a thousand years of 1970; those of checked plans do. */
enum { KC_TIME_LEVELS = 15 };
static inline double kc_slab_s(int level) { return 120.0 * (double)((int64_t)1 << (2 * level)); }

/* From t0 to t1 the plan's mover, or area, is within `radius` of p + v * (t - t0), its room and its slack included, and
 * from `lower` to `upper`. `middle` and `whole` are a ball that holds all that; `lat`, `lon` of the middle's direction
 * from the centre of the earth, radians; `across` and `deep` how far it is from the axis and from the centre. */
typedef struct {
    double t0, t1, p[3], v[3], radius, lower, upper;
    double middle[3], whole, lat, lon, across, deep;
    uint32_t of; /* of whom it is, for whoever keeps it: KC_NOBODY until told */
} kc_piece;

enum { KC_NOBODY = 0xffffffffu };

/* A list that grows and is used again. */
typedef struct {
    kc_piece *list;
    int64_t count, room;
    double *passed; /* metres along the way up to each node */
    int64_t passed_room;
} kc_pieces;

/* Adds the pieces of one plan to what the list holds; false if there is no memory left.
 *
 * `reach` is the greatest distance on the ground at which the plan matters to others, its own buffer not included: a
 * way is cut at slabs' bounds so that a piece is about as long. Equal plans give equal pieces. What has been cut once
 * needs no further memory to be cut again into an empty list.
 */
int kc_cut(const kc_plans *plans, int64_t index, double reach, kc_pieces *pieces);

#endif
