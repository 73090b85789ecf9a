/* A piece is filed once: in the slab of time in which it begins and the cell in which its middle is, on a level of slabs
 * about as long as it lasts and of cells some times as wide as what it concerns. Who asks looks on every level into the
 * slabs and cells that anything near could have been filed in, and in a cell at what lies in the part of it that is near:
 * the greatest radius and the longest overhang of a table are kept for that. Cells are rows of latitude cut into columns
 * of about their height; the last level is one cell. */
#include "postings.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846
/* No middle of a piece on a level with cells is deeper in the earth than this. */
#define DEEPEST_M 6330000.0
enum { TOGETHER = 32, CELLS = 1024, FEW = 16, RUN = 8, BLOCK = 8, ROWS = 64 };
/* What waits to be looked at, how far ahead of it memory is asked for, and of how many lines at most. */
enum { VIEWS = 64, JOBS = 256, HITS = 256, AHEAD = 32, LINES = 8, FILED_AHEAD = 16 };

/* From what to what height some postings reach: whole metres; what is farther up or down than they go is at their end.
 * And where in their cell their middles are: 256ths of it, from its south and from its west. */
typedef struct {
    int16_t lower[BLOCK], upper[BLOCK];
    uint8_t north[BLOCK], east[BLOCK];
} bands;

/* A part of a cell, in 256ths of it, ends included. */
typedef struct {
    uint8_t south, north, west, east;
} box;

/* Another part for each slab of a run. */
typedef struct {
    box of[RUN];
} boxes;

/* What was filed in one cell in a run of slabs, in order of slab, so that who goes through a cell in several slabs finds
 * it all in one stretch of memory. One line of the processor's cache. */
typedef struct {
    uint64_t key;
    kc_posting *list; /* NULL: nothing here */
    bands *bands;     /* of all of them in blocks; behind the list, in the same memory */
    uint32_t upto[RUN], room, spare;
} bucket;

static inline int64_t filed(int64_t room) {
    return room * (int64_t)sizeof(kc_posting) + (room + BLOCK - 1) / BLOCK * (int64_t)sizeof(bands);
}

struct kc_cell_table {
    int time_level, space_level;
    bucket *buckets;
    int64_t size, used; /* buckets: how many there are, a power of two, and those that hold something */
    double overhang;    /* the longest that a piece lasts beyond the end of its slab */
    double radius;      /* the greatest of a whole piece */
    uint32_t kinds, datums; /* a bit for each that is or was in it */
    int64_t first, last; /* runs */
    struct {
        int64_t row, columns;
    } known[ROWS]; /* how many columns those rows have that were last asked about, by the last digits of the row */
};

/* ── where a piece belongs ─────────────────────────────────────────────────────────────────────────────────────────── */

static inline double side_m(int space_level) { return 400.0 * (double)((int64_t)1 << (2 * space_level)); }

static inline double side_rad(int space_level) { return side_m(space_level) / 6371000.0; }

/* How many columns a row has. */
static inline int64_t columns(kc_cell_table *table, int64_t row, double side) {
    int k = (int)(row % ROWS);
    if (table->known[k].row != row) {
        double lat = ((double)row + 0.5) * side - 0.5 * PI, n = floor(2.0 * PI * cos(lat) / side);
        table->known[k].row = row;
        table->known[k].columns = n > 1.0 ? (int64_t)n : 1;
    }
    return table->known[k].columns;
}

static inline int64_t column(double lon, int64_t n) {
    int64_t c = (int64_t)floor((lon / (2.0 * PI) + 0.5) * (double)n);
    return c < 0 ? 0 : c >= n ? n - 1 : c;
}

static inline int64_t run_of(int64_t slab) { return slab >= 0 ? slab / RUN : -((RUN - 1 - slab) / RUN); }

static inline uint64_t key_of(int64_t run, uint64_t cell) { return (uint64_t)(run + ((int64_t)1 << 29)) << 33 | cell; }

static inline int64_t run_in(uint64_t key) { return (int64_t)(key >> 33) - ((int64_t)1 << 29); }

static inline int64_t slab_at(double t, int level) { return (int64_t)floor(t / kc_slab_s(level)); }

/* The last slab in which something begins before a time t1 that is not before t0. */
static inline int64_t last_slab(double t0, double t1, int level) {
    double width = kc_slab_s(level);
    return (int64_t)fmax(floor(t0 / width), ceil(t1 / width) - 1.0);
}

/* The shortest slabs of which the piece fits into one, or that are twice as long. */
static int time_level(const kc_piece *piece) {
    double lasts = piece->t1 - piece->t0;
    int level = 0;
    while (level < KC_TIME_LEVELS - 1) {
        double width = kc_slab_s(level);
        if (2.0 * lasts <= width || piece->t1 <= (floor(piece->t0 / width) + 1.0) * width) break;
        level++;
    }
    return level;
}

/* Measured: looking into few cells is worth going past what they hold for nothing, the more so as what lies elsewhere in
 * a cell is passed over by eights. */
static int space_level(const kc_piece *piece, double reach) {
    double wide = 4.0 * (piece->whole + piece->radius + reach);
    int level = 0;
    while (level < KC_SPACE_LEVELS - 1 && side_m(level) < wide) level++;
    return level;
}

static inline uint8_t share256(double share) {
    double parts = floor(256.0 * share);
    return (uint8_t)(parts < 0.0 ? 0.0 : parts > 255.0 ? 255.0 : parts);
}

/* The cell of a piece, and where in it its middle is. */
static uint64_t cell_of(const kc_piece *piece, kc_cell_table *table, uint8_t *north, uint8_t *east) {
    *north = *east = 0;
    if (table->space_level == KC_SPACE_LEVELS - 1) return 0;
    double side = side_rad(table->space_level), up = (piece->lat + 0.5 * PI) / side;
    int64_t row = (int64_t)floor(up), n = columns(table, row, side), c = column(piece->lon, n);
    *north = share256(up - (double)row);
    *east = share256((piece->lon / (2.0 * PI) + 0.5) * (double)n - (double)c);
    return (uint64_t)row << 17 | (uint64_t)c;
}

static int16_t metres(double x) { return (int16_t)(x < INT16_MIN ? INT16_MIN : x > INT16_MAX ? INT16_MAX : x); }

static float below(double x) {
    float y = (float)x;
    return (double)y > x ? nextafterf(y, -INFINITY) : y;
}

static float above(double x) {
    float y = (float)x;
    return (double)y < x ? nextafterf(y, INFINITY) : y;
}

/* ── the tables ────────────────────────────────────────────────────────────────────────────────────────────────────── */

static inline int64_t home(const kc_cell_table *table, uint64_t key) {
    uint64_t mixed = key * 0x9e3779b97f4a7c15u;
    return (int64_t)((mixed ^ mixed >> 32) & (uint64_t)(table->size - 1));
}

/* The bucket of a key, or the free one where it would be. */
static inline bucket *find(const kc_cell_table *table, uint64_t key) {
    int64_t i = home(table, key);
    while (table->buckets[i].list && table->buckets[i].key != key) i = (i + 1) & (table->size - 1);
    return table->buckets + i;
}

static int resize(kc_postings *postings, kc_cell_table *table, int64_t size) {
    bucket *old = table->buckets, *fresh = calloc((size_t)size, sizeof *fresh);
    if (!fresh) return 0;
    int64_t had = table->size;
    table->buckets = fresh;
    table->size = size;
    table->first = INT64_MAX;
    table->last = INT64_MIN;
    for (int64_t i = 0; i < had; i++) {
        if (!old[i].list) continue;
        *find(table, old[i].key) = old[i];
        int64_t run = run_in(old[i].key);
        if (run < table->first) table->first = run;
        if (run > table->last) table->last = run;
    }
    free(old);
    postings->bytes += (size - had) * (int64_t)sizeof *fresh;
    return 1;
}

static void drop(kc_postings *postings, kc_cell_table **table) {
    postings->bytes -= (*table)->size * (int64_t)sizeof(bucket) + (int64_t)sizeof **table;
    free((*table)->buckets);
    free(*table);
    *table = NULL;
}

/* Frees the place of an emptied bucket: those after it that may move up do, so that no search ends too early. */
static void vacate(kc_cell_table *table, bucket *gone) {
    int64_t mask = table->size - 1, hole = gone - table->buckets;
    for (int64_t i = (hole + 1) & mask; table->buckets[i].list; i = (i + 1) & mask) {
        int64_t wanted = home(table, table->buckets[i].key);
        if (((i - wanted) & mask) >= ((i - hole) & mask)) {
            table->buckets[hole] = table->buckets[i];
            hole = i;
        }
    }
    table->buckets[hole].list = NULL;
}

static int make_room(kc_postings *postings, bucket *b, uint32_t room) {
    kc_posting *list = malloc((size_t)filed(room));
    if (!list) return 0;
    uint32_t count = b->upto[RUN - 1];
    if (count) memcpy(list, b->list, count * sizeof *list);
    bands *blocks = (bands *)(list + room);
    memset(blocks, 0, (size_t)filed(room) - room * sizeof *list);
    if (count) memcpy(blocks, b->bands, (count + BLOCK - 1) / BLOCK * sizeof *blocks);
    free(b->list);
    postings->bytes += filed(room) - (b->room ? filed(b->room) : 0);
    b->list = list;
    b->bands = blocks;
    b->room = room;
    return 1;
}

static inline int16_t *lower_of(const bucket *b, uint32_t i) { return &b->bands[i / BLOCK].lower[i % BLOCK]; }

static inline int16_t *upper_of(const bucket *b, uint32_t i) { return &b->bands[i / BLOCK].upper[i % BLOCK]; }

/* Moves what is filed from one place of a bucket to another. */
static inline void move(bucket *b, uint32_t from, uint32_t to) {
    b->list[to] = b->list[from];
    *lower_of(b, to) = *lower_of(b, from);
    *upper_of(b, to) = *upper_of(b, from);
    b->bands[to / BLOCK].north[to % BLOCK] = b->bands[from / BLOCK].north[from % BLOCK];
    b->bands[to / BLOCK].east[to % BLOCK] = b->bands[from / BLOCK].east[from % BLOCK];
}

/* Where a piece is filed. */
typedef struct {
    kc_cell_table **table;
    int64_t slab, run;
    uint64_t key;        /* 0 as long as there is no table */
    uint8_t north, east; /* in its cell */
} place;

static place place_for(kc_postings *postings, const kc_piece *piece) {
    int time = time_level(piece), space = space_level(piece, postings->greatest[piece->of >> 2 & 7u]);
    place at = {.table = &postings->tables[time * KC_SPACE_LEVELS + space], .slab = slab_at(piece->t0, time)};
    at.run = run_of(at.slab);
    if (*at.table) at.key = key_of(at.run, cell_of(piece, *at.table, &at.north, &at.east));
    return at;
}

/* A table for the pieces of some levels. */
static kc_cell_table *table_of(kc_postings *postings, int time, int space) {
    kc_cell_table *table = calloc(1, sizeof *table);
    if (!table) return NULL;
    table->time_level = time;
    table->space_level = space;
    for (int k = 0; k < ROWS; k++) table->known[k].row = -1;
    if (!resize(postings, table, 16)) {
        free(table);
        return NULL;
    }
    postings->bytes += (int64_t)sizeof *table;
    return table;
}

static void write_posting(kc_cell_table *table, bucket *b, const kc_piece *piece, const place *to) {
    int within = (int)(to->slab - RUN * to->run);
    /* The first of each later slab moves to the end of its slab; that leaves a hole at the end of this one. */
    for (int k = RUN - 1; k > within; k--) {
        if (b->upto[k] > b->upto[k - 1]) move(b, b->upto[k - 1], b->upto[k]);
        b->upto[k]++;
    }
    uint32_t at = b->upto[within]++;
    *lower_of(b, at) = metres(floor(piece->lower));
    *upper_of(b, at) = metres(ceil(piece->upper));
    b->bands[at / BLOCK].north[at % BLOCK] = to->north;
    b->bands[at / BLOCK].east[at % BLOCK] = to->east;
    kc_posting *one = &b->list[at];
    double start = (double)to->slab * kc_slab_s(table->time_level);
    one->t0 = below(piece->t0 - start);
    one->t1 = above(piece->t1 - start);
    double moved = (double)one->t0 - (piece->t0 - start);
    for (int k = 0; k < 3; k++) {
        one->p[k] = (float)(piece->p[k] + moved * piece->v[k]);
        one->v[k] = (float)piece->v[k];
    }
    one->radius = above(piece->radius);
    one->lower = below(piece->lower);
    one->upper = above(piece->upper);
    one->of = piece->of;
    table->overhang = fmax(table->overhang, piece->t1 - start - kc_slab_s(table->time_level));
    table->radius = fmax(table->radius, piece->whole);
    table->kinds |= 1u << (piece->of >> 2 & 7u);
    table->datums |= 1u << (piece->of & 3u);
    if (to->run < table->first) table->first = to->run;
    if (to->run > table->last) table->last = to->run;
}

/* False if there is no memory left, and then nothing changed. */
static int post(kc_postings *postings, const kc_piece *piece, place to) {
    if (!*to.table) {
        int which = (int)(to.table - postings->tables);
        *to.table = table_of(postings, which / KC_SPACE_LEVELS, which % KC_SPACE_LEVELS);
        if (!*to.table) return 0;
    }
    if (!to.key) to = place_for(postings, piece);
    kc_cell_table *table = *to.table;
    if (4 * (table->used + 1) > 3 * table->size && !resize(postings, table, 2 * table->size)) return 0;
    bucket *b = find(table, to.key);
    if (!b->list) {
        *b = (bucket){.key = to.key};
        if (!make_room(postings, b, 2)) {
            if (!table->used) drop(postings, to.table);
            return 0;
        }
        table->used++;
    } else if (b->upto[RUN - 1] == b->room && !make_room(postings, b, b->room + b->room / 2 + 1)) {
        return 0;
    }
    write_posting(table, b, piece, &to);
    return 1;
}

/* Asks for the memory that a piece is filed in: first where its bucket is, later what that holds about there.
 * Never a call, as in airspace.c. */
static inline __attribute__((always_inline)) void foresee_bucket(const place *to) {
    if (to->key) __builtin_prefetch(&(*to->table)->buckets[home(*to->table, to->key)], 1);
}

static inline __attribute__((always_inline)) void foresee_list(const place *to) {
    if (!to->key) return;
    const bucket *b = find(*to->table, to->key);
    if (!b->list) return;
    for (int k = (int)(to->slab - RUN * to->run); k < RUN; k++) {
        if (k + 1 < RUN && b->upto[k] == b->upto[k + 1]) continue; /* nothing moves there */
        __builtin_prefetch(&b->list[b->upto[k]].t0, 1);
        __builtin_prefetch(&b->list[b->upto[k]].of, 1);
        __builtin_prefetch(&b->bands[b->upto[k] / BLOCK], 1);
    }
}

int64_t kc_post(kc_postings *postings, const kc_piece *pieces, int64_t count) {
    place to[FILED_AHEAD];
    for (int64_t from = 0; from < count; from += FILED_AHEAD) {
        int some = (int)(count - from < FILED_AHEAD ? count - from : FILED_AHEAD);
        for (int k = 0; k < some; k++) {
            to[k] = place_for(postings, &pieces[from + k]);
            foresee_bucket(&to[k]);
        }
        for (int k = 0; k < some; k++) foresee_list(&to[k]);
        for (int k = 0; k < some; k++)
            if (!post(postings, &pieces[from + k], to[k])) return from + k;
    }
    return count;
}

void kc_unpost(kc_postings *postings, const kc_piece *piece) {
    place at = place_for(postings, piece);
    kc_cell_table *table = *at.table;
    int within = (int)(at.slab - RUN * at.run);
    bucket *b = find(table, at.key);
    uint32_t i = within ? b->upto[within - 1] : 0;
    while (b->list[i].of != piece->of) i++;
    /* The last of its slab takes its place, and the last of each later slab moves to the start of its own. */
    for (int k = within; k < RUN; k++) {
        uint32_t last = --b->upto[k];
        if (i != last) move(b, last, i);
        i = last;
    }
    uint32_t count = b->upto[RUN - 1];
    if (count) {
        if (b->room > 4 && count < b->room / 3) make_room(postings, b, b->room / 2); /* if not, it stays roomy */
        return;
    }
    postings->bytes -= filed(b->room);
    free(b->list);
    vacate(table, b);
    if (--table->used == 0)
        drop(postings, at.table);
    else if (table->size > 16 && 8 * table->used < table->size)
        resize(postings, table, table->size / 2); /* if there is no memory for it, it stays large */
}

void kc_postings_clear(kc_postings *postings) {
    for (int t = 0; t < KC_TIME_LEVELS * KC_SPACE_LEVELS; t++) {
        kc_cell_table *table = postings->tables[t];
        if (!table) continue;
        for (int64_t i = 0; i < table->size; i++) free(table->buckets[i].list);
        drop(postings, &postings->tables[t]);
    }
    postings->bytes = 0;
}

/* ── who is near ───────────────────────────────────────────────────────────────────────────────────────────────────── */

typedef struct {
    const kc_piece *pieces;
    int64_t count;
    uint32_t asker, datum, of;   /* `of` its own pieces are filed under, if they are */
    double across[8], height[8]; /* the minima for the asking kind and each other; of none, nothing is near */
} question;

/* Pieces that are looked for together in one run of slabs. */
typedef struct {
    const question *q;
    kc_cell_table *table;
    int64_t run;
    uint32_t at[RUN];                   /* the pieces that each slab concerns: a bit for each */
    int16_t lowest[RUN], highest[RUN];  /* metres: what ends below, or begins above, is far enough whatever it is */
    int pieces;
    const kc_piece *piece[TOGETHER];
} view;

/* The same, and the cells to look into. */
typedef struct {
    view seen;
    int cells;
    uint64_t cell[CELLS];
    uint32_t for_whom[CELLS];           /* pieces */
    boxes within[CELLS];                /* where in each cell the middle of what they concern must be */
    uint16_t place[2 * CELLS];          /* of each cell, by its hash, counted from 1; kept for more than FEW cells */
} stretch;

/* Whether a piece and a posting may come too near, and when at the earliest and at the latest. */
static int may_meet(const question *q, const kc_piece *a, const kc_posting *b, double start, kc_slot *when) {
    uint32_t kind = b->of >> 2 & 7u;
    double b0 = start + (double)b->t0, b1 = start + (double)b->t1;
    double from = a->t0 > b0 ? a->t0 : b0, upto = a->t1 < b1 ? a->t1 : b1;
    if (from > upto) return 0;
    double height = (b->of & 3u) == q->datum ? q->height[kind] - 0.5 * KC_DEPTH_M : INFINITY;
    if ((double)b->lower - a->upper > height || a->lower - (double)b->upper > height) return 0;
    double reach = a->radius + (double)b->radius + q->across[kind];
    double lead = from - a->t0, other_lead = from - b0, d[3], w[3];
    for (int k = 0; k < 3; k++) {
        w[k] = a->v[k] - (double)b->v[k];
        d[k] = a->p[k] + a->v[k] * lead - ((double)b->p[k] + (double)b->v[k] * other_lead);
    }
    double closing = -kc_dot(d, w), speed2 = kc_dot(w, w), square = kc_dot(d, d);
    if (closing > 0.0) {
        double t = closing < speed2 * (upto - from) ? closing / speed2 : upto - from;
        square += t * (t * speed2 - 2.0 * closing);
    }
    if (!(reach > 0.0 && square <= reach * reach)) return 0;
    if (from < when->from) when->from = from;
    if (upto > when->upto) when->upto = upto;
    return 1;
}

/* A cell to look into for some pieces of a view. */
typedef struct {
    const view *seen;
    uint64_t key;
    uint32_t pieces;
    boxes within;
} job;

/* A posting that passed the test of heights, and the pieces it is to be held against. */
typedef struct {
    const kc_posting *one;
    const view *seen;
    double start; /* of its slab */
    uint32_t pieces;
} hit;

/* What waits to be looked at, of one or more plans, in their order. */
typedef struct {
    kc_slots *near;
    int views, jobs, hits;
    view view[VIEWS];
    job job[JOBS];
    hit hit[HITS];
} queue;

static int add_near(kc_slots *near, kc_slot one) {
    if (near->count == near->room) {
        int64_t room = near->room ? 2 * near->room : 256;
        kc_slot *list = realloc(near->list, (size_t)room * sizeof *list);
        if (!list) return 0;
        near->list = list;
        near->room = room;
    }
    near->list[near->count++] = one;
    return 1;
}

static int test(queue *all) {
    for (int h = 0; h < all->hits; h++) {
        const hit *each = &all->hit[h];
        const question *q = each->seen->q;
        if (each->one->of == q->of) continue;
        kc_slot found = {each->one->of >> 5, q->asker, INFINITY, -INFINITY};
        int near = 0;
        for (uint32_t left = each->pieces; left; left &= left - 1)
            near |= may_meet(q, each->seen->piece[__builtin_ctz(left)], each->one, each->start, &found);
        if (near && !add_near(all->near, found)) return 0;
    }
    all->hits = 0;
    return 1;
}

typedef int16_t lane __attribute__((vector_size(2 * BLOCK)));
typedef uint8_t narrow_lane __attribute__((vector_size(BLOCK)));

/* Which of a block of bands reach into another, with their middles within a part of the cell: a bit for each. */
static inline uint32_t reach_into(const bands *block, int16_t lowest, int16_t highest, box within) {
    static const narrow_lane BIT = {1, 2, 4, 8, 16, 32, 64, 128};
    lane lower, upper;
    narrow_lane north, east;
    memcpy(&lower, block->lower, sizeof lower);
    memcpy(&upper, block->upper, sizeof upper);
    memcpy(&north, block->north, sizeof north);
    memcpy(&east, block->east, sizeof east);
    narrow_lane level = __builtin_convertvector((lower <= highest) & (upper >= lowest), narrow_lane);
    narrow_lane there = (narrow_lane)((north >= within.south) & (north <= within.north) & (east >= within.west) &
                                      (east <= within.east));
    narrow_lane in = level & there & BIT;
    uint64_t bits;
    memcpy(&bits, &in, sizeof bits);
    return (uint32_t)(bits * 0x0101010101010101u >> 56); /* the sum of all: no two have a bit in common */
}

static const box WHOLE = {0, 255, 0, 255}, NOWHERE = {255, 0, 255, 0};

static inline void widen(box *one, box by) {
    if (by.south < one->south) one->south = by.south;
    if (by.north > one->north) one->north = by.north;
    if (by.west < one->west) one->west = by.west;
    if (by.east > one->east) one->east = by.east;
}

static inline int lies_in(const bands *block, uint32_t i, box in) {
    uint8_t north = block->north[i], east = block->east[i];
    return (north >= in.south) & (north <= in.north) & (east >= in.west) & (east <= in.east);
}

/* What to look at in a bucket: from where to where, for whom, and between which heights any of it may matter. */
typedef struct {
    const bucket *in;
    uint32_t from, upto;
    int first; /* slab of the run */
    int16_t lowest, highest;
    box within;
} part;

static part part_of(const bucket *b, const job *from) {
    const view *seen = from->seen;
    part of = {.in = b, .lowest = INT16_MAX, .highest = INT16_MIN, .within = NOWHERE};
    int last = -1;
    for (int k = 0; k < RUN; k++) {
        if (!(seen->at[k] & from->pieces)) continue;
        if (last < 0) of.first = k;
        last = k;
        if (seen->lowest[k] < of.lowest) of.lowest = seen->lowest[k];
        if (seen->highest[k] > of.highest) of.highest = seen->highest[k];
        widen(&of.within, from->within.of[k]);
    }
    if (last < 0) return of;
    of.from = of.first ? b->upto[of.first - 1] : 0;
    of.upto = b->upto[last];
    return of;
}

/* Tests it. */
static int look(queue *all, const job *of, const part *at) {
    const bucket *b = at->in;
    const view *seen = of->seen;
    uint32_t from = at->from, upto = at->upto;
    int within = at->first;
    for (uint32_t block = from / BLOCK; block * BLOCK < upto; block++) {
        uint32_t which = reach_into(&b->bands[block], at->lowest, at->highest, at->within);
        if (block * BLOCK < from) which &= ~0u << from % BLOCK;
        if (upto - block * BLOCK < BLOCK) which &= (1u << (upto - block * BLOCK)) - 1;
        for (; which; which &= which - 1) {
            uint32_t e = block * BLOCK + (uint32_t)__builtin_ctz(which);
            while (e >= b->upto[within]) within++;
            uint32_t concerned = seen->at[within] & of->pieces;
            if (!concerned || *lower_of(b, e) > seen->highest[within] || *upper_of(b, e) < seen->lowest[within] ||
                !lies_in(&b->bands[block], e % BLOCK, of->within.of[within]))
                continue;
            __builtin_prefetch(&b->list[e].t0);
            __builtin_prefetch(&b->list[e].of);
            double start = (double)(RUN * seen->run + within) * kc_slab_s(seen->table->time_level);
            all->hit[all->hits++] = (hit){&b->list[e], seen, start, concerned};
            if (all->hits == HITS && !test(all)) return 0;
        }
    }
    return 1;
}

/* The part of a job's bucket that is to be looked at; its memory is asked for. */
static part found_part(const job *of) {
    const bucket *b = find(of->seen->table, of->key);
    if (!b->list) return (part){.in = NULL};
    part at = part_of(b, of);
    const char *line = (const char *)(b->bands + at.from / BLOCK), *end = (const char *)(b->bands + at.upto / BLOCK + 1);
    for (int k = 0; k < LINES && line < end; k++, line += 64) __builtin_prefetch(line);
    return at;
}

/* Looks at all that waits. Where the buckets are was asked for when they were put down; what they hold is asked for some
 * jobs ahead, and what is then to be tested before the first of it is. */
static int work(queue *all) {
    part parts[AHEAD];
    for (int i = 0; i < all->jobs + AHEAD; i++) {
        part *at = &parts[i % AHEAD];
        if (i >= AHEAD && at->in && !look(all, &all->job[i - AHEAD], at)) return 0;
        if (i < all->jobs) *at = found_part(&all->job[i]);
        else at->in = NULL;
    }
    if (!test(all)) return 0;
    all->views = all->jobs = 0;
    return 1;
}

/* Puts a view down among what waits; NULL if there is no memory left. */
static const view *put_down(queue *all, const view *seen) {
    if (all->views == VIEWS && !work(all)) return NULL;
    view *one = &all->view[all->views++];
    memcpy(one, seen, offsetof(view, piece) + (size_t)seen->pieces * sizeof *seen->piece);
    return one;
}

/* No less than the arc sine, and no more than 1.5 % above it. */
static inline double arc_sine(double x) { return x < 0.5 ? x + 0.2 * x * x * x : asin(x); }

/* The rows and columns (as in key_of, for slab 0) in which a middle may lie that is within `reach` m of a point, and
 * where in them; -1 if they are more than CELLS, or all round. */
static int cells_near(const kc_piece *about, double reach, kc_cell_table *table, uint64_t *cells, box *within) {
    if (table->space_level == KC_SPACE_LEVELS - 1) {
        cells[0] = 0;
        within[0] = WHOLE;
        return 1;
    }
    double side = side_rad(table->space_level), per_side = 1.0 / side;
    double half = reach / (2.0 * (about->deep < DEEPEST_M ? about->deep : DEEPEST_M));
    if (!(half < 0.4)) return -1;
    double turn = 2.0 * arc_sine(half) + 1e-9, south = about->lat - turn, north = about->lat + turn;
    int round = south <= -0.5 * PI || north >= 0.5 * PI;
    double wide = round ? PI : arc_sine(fmin(1.0, turn * about->deep / about->across)) + 1e-9;
    double bottom = (round ? fmax(south, -0.5 * PI) + 0.5 * PI : south + 0.5 * PI) * per_side;
    double top = (round ? fmin(north, 0.5 * PI) + 0.5 * PI : north + 0.5 * PI) * per_side;
    double west = (about->lon - wide) * (0.5 / PI) + 0.5, east = (about->lon + wide) * (0.5 / PI) + 0.5;
    int64_t row = (int64_t)floor(bottom), last = (int64_t)floor(top);
    int count = 0;
    for (; row <= last; row++) {
        int64_t n = columns(table, row, side);
        double left = west * (double)n, right = east * (double)n;
        int64_t from = (int64_t)floor(left), upto = (int64_t)floor(right);
        if (round || upto - from + 1 >= n) from = 0, upto = n - 1, left = 0.0, right = (double)n;
        if (upto - from + 1 > CELLS - count) return -1;
        box in = {share256(bottom - (double)row), share256(top - (double)row), 0, 255};
        for (int64_t col = from; col <= upto; col++) {
            in.west = share256(left - (double)col);
            in.east = share256(right - (double)col);
            within[count] = in;
            cells[count++] = (uint64_t)row << 17 | (uint64_t)(col < 0 ? col + n : col >= n ? col - n : col);
        }
    }
    return count;
}

static void begin(view *seen, int64_t run) {
    seen->run = run;
    seen->pieces = 0;
    for (int k = 0; k < RUN; k++) {
        seen->at[k] = 0;
        seen->lowest[k] = INT16_MAX;
        seen->highest[k] = INT16_MIN;
    }
}

/* Adds a piece that concerns the slabs `first` to `last`; the bit that stands for it. */
static uint32_t concern(view *seen, const kc_piece *piece, int64_t first, int64_t last, double height) {
    uint32_t bit = 1u << seen->pieces;
    int64_t slab = RUN * seen->run;
    /* What only touches is far enough. The ends of a band's numbers stand for all beyond them. */
    int16_t lowest = metres(floor(piece->lower - height) + 1.0), highest = metres(ceil(piece->upper + height) - 1.0);
    seen->piece[seen->pieces++] = piece;
    int from = first > slab ? (int)(first - slab) : 0, upto = last < slab + RUN - 1 ? (int)(last - slab) : RUN - 1;
    for (int k = from; k <= upto; k++) {
        seen->at[k] |= bit;
        if (lowest < seen->lowest[k]) seen->lowest[k] = lowest;
        if (highest > seen->highest[k]) seen->highest[k] = highest;
    }
    return bit;
}

static inline uint32_t place_of(uint64_t cell) { return (uint32_t)(cell * 0x9e3779b97f4a7c15u >> 53); }

/* Sets down by its hash where the i-th cell of a stretch is. */
static void set_place(stretch *together, int i) {
    uint32_t at = place_of(together->cell[i]);
    while (together->place[at]) at = (at + 1) % (2 * CELLS);
    together->place[at] = (uint16_t)(i + 1);
}

/* The place of a cell among those of a stretch; -1 if it is none of them. */
static int place_in(const stretch *together, uint64_t cell) {
    if (together->cells <= FEW) {
        int i = together->cells - 1;
        while (i >= 0 && together->cell[i] != cell) i--;
        return i;
    }
    uint32_t at = place_of(cell);
    while (together->place[at] && together->cell[together->place[at] - 1] != cell) at = (at + 1) % (2 * CELLS);
    return (int)together->place[at] - 1;
}

/* Adds a cell that is not yet there. */
static int add_cell(stretch *together, uint64_t cell) {
    int at = together->cells++;
    together->cell[at] = cell;
    together->for_whom[at] = 0;
    for (int k = 0; k < RUN; k++) together->within[at].of[k] = NOWHERE;
    if (at == FEW) {
        memset(together->place, 0, sizeof together->place);
        for (int i = 0; i < at; i++) set_place(together, i);
    }
    if (at >= FEW) set_place(together, at);
    return at;
}

/* Sets down that cells are to be looked into for a piece that concerns the slabs `first` to `last`: each once for all. */
static void add_cells(stretch *together, const uint64_t *cells, const box *within, int count, uint32_t bit,
                      int64_t first, int64_t last) {
    int64_t slab = RUN * together->seen.run;
    int from = first > slab ? (int)(first - slab) : 0, upto = last < slab + RUN - 1 ? (int)(last - slab) : RUN - 1;
    int others = together->seen.pieces > 1; /* no piece has a cell twice */
    for (int i = 0; i < count; i++) {
        int at = others ? place_in(together, cells[i]) : -1;
        if (at < 0) at = add_cell(together, cells[i]);
        together->for_whom[at] |= bit;
        for (int k = from; k <= upto; k++) widen(&together->within[at].of[k], within[i]);
    }
}

/* Puts down that the cells of a stretch are to be looked into, and begins it anew. */
static int look_at(queue *all, stretch *together) {
    const view *seen = NULL;
    for (int i = 0; i < together->cells; i++) {
        if (all->jobs == JOBS) {
            if (!work(all)) return 0;
            seen = NULL;
        }
        if (!seen && !(seen = put_down(all, &together->seen))) return 0;
        uint64_t key = key_of(together->seen.run, together->cell[i]);
        all->job[all->jobs++] = (job){seen, key, together->for_whom[i], together->within[i]};
        __builtin_prefetch(&seen->table->buckets[home(seen->table, key)]);
    }
    begin(&together->seen, together->seen.run);
    together->cells = 0;
    return 1;
}

/* The same for all that a table holds. */
static int look_everywhere(queue *all, const question *q, kc_cell_table *table, const kc_piece *piece, int64_t first,
                           int64_t last, double height) {
    view here = {.q = q, .table = table};
    boxes everywhere;
    for (int k = 0; k < RUN; k++) everywhere.of[k] = WHOLE;
    for (int64_t i = 0; i < table->size; i++) {
        const bucket *b = &table->buckets[i];
        if (!b->list) continue;
        begin(&here, run_in(b->key));
        uint32_t bit = concern(&here, piece, first, last, height);
        if (all->jobs == JOBS && !work(all)) return 0;
        const view *seen = put_down(all, &here);
        if (!seen) return 0;
        all->job[all->jobs++] = (job){seen, b->key, bit, everywhere};
    }
    return 1;
}

static int look_into(queue *all, const question *q, kc_cell_table *table, stretch open[2]) {
    double across = -INFINITY, height = -INFINITY, width = kc_slab_s(table->time_level);
    for (int k = 0; k < KC_KINDS; k++) {
        if (!(table->kinds & 1u << k) || q->across[k] < 0.0) continue;
        across = fmax(across, q->across[k]);
        height = fmax(height, q->height[k]);
    }
    if (across < 0.0) return 1;
    if (table->datums & ~(1u << q->datum)) height = INFINITY;
    for (int k = 0; k < 2; k++) {
        begin(&open[k].seen, 0);
        open[k].seen.q = q;
        open[k].seen.table = table;
        open[k].cells = 0;
    }
    for (const kc_piece *piece = q->pieces, *end = piece + q->count; piece < end; piece++) {
        int64_t first = (int64_t)floor((piece->t0 - table->overhang) / width);
        int64_t last = last_slab(piece->t0, piece->t1, table->time_level);
        int64_t run = run_of(first), last_run = run_of(last);
        if (run < table->first) run = table->first;
        if (last_run > table->last) last_run = table->last;
        if (run > last_run) continue;
        uint64_t cells[CELLS];
        box within[CELLS];
        double reach = piece->whole + table->radius + across;
        int count = cells_near(piece, reach, table, cells, within);
        if (count < 0 || (double)count * (double)(last_run - run + 1) > (double)table->size) {
            if (!look_everywhere(all, q, table, piece, first, last, height)) return 0;
            continue;
        }
        for (; run <= last_run; run++) {
            /* Pieces follow one another in time: two runs are at hand, whichever piece asks for one of them. */
            stretch *together = &open[run & 1];
            int full = together->seen.pieces == TOGETHER || together->cells + count > CELLS;
            if (together->seen.pieces && (together->seen.run != run || full) && !look_at(all, together)) return 0;
            together->seen.run = run;
            uint32_t bit = concern(&together->seen, piece, first, last, height);
            add_cells(together, cells, within, count, bit, first, last);
        }
    }
    return look_at(all, &open[0]) && look_at(all, &open[1]);
}

static int by_slot(const void *left, const void *right) {
    uint32_t one = ((const kc_slot *)left)->slot, other = ((const kc_slot *)right)->slot;
    return one < other ? -1 : one > other;
}

/* Puts some of them in order, each once, from the earliest to the latest that was found of it; how many are left. */
static int64_t merge(kc_slot *list, int64_t count) {
    if (count > 64) {
        qsort(list, (size_t)count, sizeof *list, by_slot);
    } else {
        for (int64_t i = 1; i < count; i++) {
            kc_slot one = list[i];
            int64_t k = i;
            for (; k > 0 && list[k - 1].slot > one.slot; k--) list[k] = list[k - 1];
            list[k] = one;
        }
    }
    int64_t kept = 0;
    for (int64_t i = 0; i < count; i++) {
        if (!kept || list[kept - 1].slot != list[i].slot) {
            list[kept++] = list[i];
            continue;
        }
        if (list[i].from < list[kept - 1].from) list[kept - 1].from = list[i].from;
        if (list[i].upto > list[kept - 1].upto) list[kept - 1].upto = list[i].upto;
    }
    return kept;
}

static question question_of(const kc_piece *pieces, const kc_asker *of, uint32_t asker, const kc_minima *minima) {
    question q = {.pieces = pieces + of->from, .count = of->upto - of->from, .asker = asker, .datum = of->datum};
    q.of = q.count ? q.pieces->of : KC_NOBODY;
    for (int k = 0; k < 8; k++) q.across[k] = -INFINITY;
    for (int k = 0; k < KC_KINDS; k++) {
        double across = minima->across[KC_KINDS * of->kind + k];
        if (isnan(across)) continue;
        q.across[k] = across;
        q.height[k] = minima->height[KC_KINDS * of->kind + k];
    }
    return q;
}

int kc_near(const kc_postings *postings, const kc_piece *pieces, kc_asker *askers, int count, const kc_minima *minima,
            kc_slots *near) {
    question questions[KC_ASKERS];
    stretch open[2];
    queue all;
    all.near = near;
    all.views = all.jobs = all.hits = 0;
    near->count = 0;
    for (int k = 0; k < count; k++) {
        questions[k] = question_of(pieces, &askers[k], (uint32_t)k, minima);
        for (int t = 0; t < KC_TIME_LEVELS * KC_SPACE_LEVELS; t++)
            if (postings->tables[t] && !look_into(&all, &questions[k], postings->tables[t], open)) return 0;
    }
    if (!work(&all)) return 0;
    kc_slot *list = near->list;
    int64_t at = 0, kept = 0;
    for (int k = 0; k < count; k++) {
        int64_t from = at;
        while (at < near->count && list[at].asker == (uint32_t)k) at++;
        int64_t left = at > from ? merge(list + from, at - from) : 0;
        if (left && kept < from) memmove(list + kept, list + from, (size_t)left * sizeof *list);
        askers[k].near_from = kept;
        askers[k].near_upto = kept += left;
    }
    near->count = kept;
    return 1;
}
