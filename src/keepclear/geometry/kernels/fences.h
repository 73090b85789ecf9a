/* Fences: where they lie on the surface, cell by cell, and who is within. */
#ifndef KEEPCLEAR_FENCES_H
#define KEEPCLEAR_FENCES_H

#include "cells.h"
#include "movers.h"

/* Whether a part holds at all moments asked about now, at any height; at none of them; at all of them, if the height is
 * within its band; or each moment must be looked at, and the height.
 */
enum { KC_LOOK = 0, KC_HOLDS = 1, KC_SHUT = 2, KC_BAND = 3 };

/* What is asked of a part each time its area holds a place: apart from the rest, so that it stays in the cache. */
typedef struct {
    uint8_t holding, datum; /* KC_LOOK, KC_HOLDS, KC_SHUT or KC_BAND, from `calm_from` to before `calm_upto` */
} kc_clock;

/* A height between the two, neither included, is surely within the band. */
typedef struct {
    double above, below;
} kc_band;

/* Edges of an outline on the plane about its middle, eight at a time, for the distance from one place to all. The last
 * eight are filled up by repeating an edge's end as an edge of no length.
 */
typedef struct {
    double x[8], y[8], along_x[8], along_y[8], per_square[8];
} kc_eight;

/* One volume of one fence. */
typedef struct {
    const kc_plans *plans; /* the caller's, until the fence is removed; NULL: this number is free */
    int64_t volume;
    int32_t fence, next; /* the next volume of that fence, or the next free number; -1: none */
    double from, upto, lower, upper;
    int32_t datum;
    uint64_t *cells;
    int64_t cell_count;
    kc_eight *eights; /* NULL for a circle, and for what reaches farther than KC_LOCAL_M */
    int64_t eight_count;
    kc_plane plane; /* of the eights */
} kc_part;

/* A part of a fence covers a cell wholly. */
typedef struct {
    int32_t fence, part;
} kc_cover;

/* What is known of a cell. `rims` are doubles: the kc_plane about it, then for each part whose rim passes near it a
 * kc_rim and its edges.
 */
typedef struct {
    uint64_t key; /* 0: a free slot */
    kc_cover *covers;
    double *rims;
    int32_t cover_count, rim_size; /* the latter in doubles, 0 if there are none */
} kc_fence_cell;

/* A rim near a cell: a place of the cell of which it is known whether it is within, and the edges in reach. Of a circle
 * there are none: `edges` is -1.
 */
typedef struct {
    int32_t fence, part, edges, inside;
    double x, y; /* the place, on the plane of the cell */
} kc_rim;

/* An edge, seen from that place; `graze` is 1 mm times its length. */
typedef struct {
    double ax, ay, bx, by, graze;
} kc_edge;

/* Outlines that reach no farther than this from their middle are drawn on one plane for distances. Lengths on it are
 * stretched by no more than 1.7e-6, and edges bow by 2 mm.
 */
#define KC_LOCAL_M 20000.0
/* A height without end, as BOUNDLESS_M of geometry/pack.py. */
#define KC_BOUNDLESS_M 1e6

enum { KC_PLANE_DOUBLES = sizeof(kc_plane) / sizeof(double), KC_RIM_DOUBLES = sizeof(kc_rim) / sizeof(double) };
enum { KC_EDGE_DOUBLES = sizeof(kc_edge) / sizeof(double), KC_LEVELS = 3 };

typedef struct {
    int32_t fence, told;
    double since;
} kc_stay;

/* Two lines of the cache, the first of which nearly always is enough; stays are in order of fence. */
enum { KC_FEW_STAYS = 6 };
typedef struct {
    _Alignas(64) kc_stay *many; /* NULL: they are in `few` */
    int32_t count, room;        /* the latter of `many` */
    double last;                /* when it was last heard of */
    kc_stay few[KC_FEW_STAYS];
} kc_insider;

static inline kc_stay *kc_stays_of(kc_insider *one) { return one->many ? one->many : one->few; }

/* A fence found to hold a place, and how sure that is. */
typedef struct {
    int32_t fence, flags;
} kc_holds;

/* What a leg does to a mover's stay in a fence, where `mark` is that of the leg. */
typedef struct {
    int64_t mark;
    double since;
    int32_t told;
} kc_passing;

typedef struct {
    kc_grid grids[KC_LEVELS];
    int64_t cells_in[KC_LEVELS]; /* how many cells of that grid are in the table */
    kc_fence_cell *table;
    int64_t slots, used;
    kc_part *parts;
    kc_clock *clocks;           /* (part_count,) for reports from `calm_from` to before `calm_upto` */
    kc_band *bands;             /* (part_count,) */
    double calm_from, calm_upto;
    int64_t part_count, part_room;
    int32_t free_part;
    int32_t *first_part; /* of each fence, -1: there is no such fence */
    int64_t fences, fence_room;
    kc_insider *insiders;
    int64_t movers, mover_room;
    kc_holds *found;  /* room for every part there is */
    kc_stay *staying; /* the same */
    double walk; /* what is between two reports is looked at in steps of this share of a cell; 0: it is not */
    kc_passing *passing; /* (fences,) */
    int64_t passing_mark;
    int32_t *candidates; /* room for every fence */
} kc_fences;

/* What the way from the report before to this one shows, in order of time; `count` fences of all->found hold its end.
 * Margins
 * are not worked out yet. Sets the stays of the mover, but for those who dwell on. 0 if there is no memory.
 */
int kc_fences_between(kc_fences *all, kc_insider *one, int32_t count, const kc_reports *reports, int64_t row,
                      double dwell, kc_sightings *seen);

/* Its stays are now those in all->staying. 0 if there is no memory. */
int kc_keep_stays(const kc_fences *all, kc_insider *one, int32_t count);

/* Enters a part into the cells, and takes it out. 0 if there is no memory. */
int kc_fence_lay(kc_fences *all, int32_t part);
void kc_fence_lift(kc_fences *all, int32_t part);

static inline uint64_t kc_fence_key(int level, int64_t row, int64_t column) {
    return (uint64_t)(level + 1) << 60 | (uint64_t)row << 30 | (uint64_t)column;
}

static inline int64_t kc_fence_slot(const kc_fences *all, uint64_t key) {
    uint64_t mixed = key * 0x9E3779B97F4A7C15u;
    return (int64_t)((mixed ^ mixed >> 32) >> 12 & (uint64_t)(all->slots - 1));
}

/* The cell with a key, or NULL. */
static inline const kc_fence_cell *kc_fence_cell_of(const kc_fences *all, uint64_t key) {
    for (int64_t slot = kc_fence_slot(all, key);; slot = (slot + 1) & (all->slots - 1)) {
        const kc_fence_cell *cell = all->table + slot;
        if (cell->key == key) return cell;
        if (!cell->key) return NULL;
    }
}

#endif
