/* Fences: where they lie on the surface, cell by cell, and who is within. */
#ifndef KEEPCLEAR_FENCES_H
#define KEEPCLEAR_FENCES_H

#include "cells.h"
#include "movers.h"
#include "shelves.h"

/* Whether a part holds at all moments and heights asked about now; at none of them; at all moments, if the height is
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

/* The moments and heights of some reports, ends included; of heights not all known, or not above the same, `datum` is
 * KC_ANY_DATUM, and nothing is known of them.
 */
enum { KC_ANY_DATUM = -1 };
typedef struct {
    double first, last, low, high;
    int32_t datum;
} kc_reach;

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

/* What is known of a cell, in one piece: the kc_cover of each part that covers it; then, if a rim passes near it, the
 * kc_sheet about it, and for each such part a kc_rim, its edges, and of each edge the number of its first corner among
 * those of the volume.
 */
typedef struct {
    uint64_t key; /* 0: a free slot */
    char *held;   /* NULL: nothing */
    int32_t cover_count, rim_size, lines, none; /* bytes of the sheet and the rims; lines of the cache taken for all */
} kc_fence_cell;

static inline kc_cover *kc_covers_of(const kc_fence_cell *cell) { return (kc_cover *)cell->held; }
static inline char *kc_rims_of(const kc_fence_cell *cell) {
    return cell->held + (size_t)cell->cover_count * sizeof(kc_cover);
}

/* The kc_plane about the middle of a cell, as far as it takes to tell a place of the cell apart from a rim. */
typedef struct {
    double origin[3];
    float east[2], north[3], none;
} kc_sheet;

/* A rim near a cell: a place of the cell of which it is known whether it is within, and the edges in reach. Of a circle
 * there are none: `edges` is -1.
 */
typedef struct {
    int32_t fence, part, edges, inside;
    float x, y;  /* the place, on the plane of the cell */
    float doubt; /* m^2: where a figure of an edge is no greater, kc_surely_within_rim must tell */
} kc_rim;

/* An edge, seen from that place, which is to the left of it. */
typedef struct {
    float ax, ay, bx, by;
} kc_edge;

/* Outlines that reach no farther than this from their middle are drawn on one plane for distances. Lengths on it are
 * stretched by no more than 1.7e-6, and edges bow by 2 mm.
 */
#define KC_LOCAL_M 20000.0
/* A height without end, as BOUNDLESS_M of geometry/pack.py. */
#define KC_BOUNDLESS_M 1e6

enum { KC_LEVELS = 3 };

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
    kc_shelves shelves; /* what is known of cells */
    int64_t slots, used;
    kc_part *parts;
    kc_clock *clocks; /* (part_count,) for reports from `calm_from` to before `calm_upto`, at heights as in `calm` */
    kc_band *bands;   /* (part_count,) */
    double calm_from, calm_upto;
    kc_reach calm;
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

/* Whether a place of the cell with that key is within a rim by more than KC_DEPTH_M. */
int kc_surely_within_rim(const kc_fences *all, uint64_t key, const kc_rim *rim, const double place[3]);

/* Enters a part into the cells, and takes it out. 0 if there is no memory: it may then be in some, to be taken out. */
int kc_fence_lay(kc_fences *all, int32_t part);
void kc_fence_lift(kc_fences *all, int32_t part);

static inline uint64_t kc_fence_key(int level, int64_t row, int64_t column) {
    return (uint64_t)(level + 1) << 60 | (uint64_t)row << 30 | (uint64_t)column;
}

static inline int kc_key_level(uint64_t key) { return (int)(key >> 60) - 1; }
static inline int64_t kc_key_row(uint64_t key) { return (int64_t)(key >> 30 & ((1u << 30) - 1)); }
static inline int64_t kc_key_column(uint64_t key) { return (int64_t)(key & ((1u << 30) - 1)); }

static inline const kc_edge *kc_edges_of(const kc_rim *rim) { return (const kc_edge *)(rim + 1); }
static inline const int32_t *kc_corners_of(const kc_rim *rim) {
    return (const int32_t *)(kc_edges_of(rim) + rim->edges);
}

/* The bytes of a rim and of what belongs to it. */
static inline int32_t kc_rim_size(const kc_rim *rim) {
    int32_t edges = rim->edges > 0 ? rim->edges : 0;
    return (int32_t)sizeof *rim + edges * (int32_t)(sizeof(kc_edge) + sizeof(int32_t));
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
