/* Plans as Python has them: columns, of which it is not yet known whether they are in order. */
#ifndef KEEPCLEAR_SOUND_H
#define KEEPCLEAR_SOUND_H

#include "kernels.h"

/* `Plans` of geometry/columns.py, which says what each column means. */
typedef struct {
    int64_t plans, points, volumes, rings, vertices; /* n, m, k, r, v */
    const uint8_t *kind, *datum;                     /* (n,) */
    const double *band;                              /* (n, 2) */
    const double *room;                              /* (n, 4) */
    const int64_t *point_from;                       /* (n + 1,) */
    const double *t, *lat, *lon, *alt;               /* (m,) */
    const int64_t *volume_from;                      /* (n + 1,) */
    const double *volume;                            /* (k, 4) */
    const double *circle;                            /* (k, 3) */
    const int64_t *ring_from;                        /* (k + 1,) */
    const int64_t *vertex_from;                      /* (r + 1,) */
    const double *vertex;                            /* (v, 2) */
} kc_columns;

/* Whether plans are in order but for their volumes. `limits` are those of geometry/soundness.py. */
KC_EXPORT int kc_plans_are_sound(const double limits[10], const kc_columns *of);

/* Whether their volumes are, but for how their outlines lie. */
KC_EXPORT int kc_volumes_are_sound(const double limits[10], const kc_columns *of);

/* Plans that are in order and packed, in one piece of memory that kc_free gives back; the columns must outlive it. NULL
 * if anything is not surely in order, if an edge or a leg is so long that the places on it are worked out elsewhere, or
 * if there is no memory left: others then say which. Ids are not looked at.
 *
 * `packing` are what closes a ring and what is a long edge (m, as of kc_rings_in_space), and how far up or down a height
 * without end is (m). */
KC_EXPORT const kc_plans *kc_pack_sound(const double limits[10], const double packing[3], const kc_columns *of);

#endif
