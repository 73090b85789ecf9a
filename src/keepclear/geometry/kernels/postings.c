/* A piece is filed once: in the slab of time in which it begins and the cell in which its middle is, on a level of slabs
 * about as long as it lasts and of cells about as wide as what it concerns. Who asks looks on every level into the slabs
 * and cells that anything near could have been filed in: the greatest radius and the longest overhang of a table are
 * kept for that. Cells are rows of latitude cut into columns of about their height; the last level is one cell. */
#include "postings.h"

#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846
/* No middle of a piece on a level with cells is deeper in the earth than this. */
#define DEEPEST_M 6330000.0
enum { BATCH = 64, TOGETHER = 16, CELLS = 1024, RUN = 8 };

/* Whole metres; what is farther up or down than they reach is at their end. */
typedef struct {
    int16_t lower, upper;
} band;

/* What was filed in one cell in a run of slabs, in order of slab, so that who goes through a cell in several slabs finds
 * it all in one stretch of memory. One line of the processor's cache. */
typedef struct {
    uint64_t key;
    kc_posting *list; /* NULL: nothing here */
    band *bands;      /* of each of them; behind the list, in the same memory */
    uint32_t upto[RUN], room, spare;
} bucket;

static const size_t FILED = sizeof(kc_posting) + sizeof(band);

struct kc_cell_table {
    int time_level, space_level;
    bucket *buckets;
    int64_t size, used; /* buckets: how many there are, a power of two, and those that hold something */
    double overhang;    /* the longest that a piece lasts beyond the end of its slab */
    double radius;      /* the greatest of a whole piece */
    uint32_t kinds, datums; /* a bit for each that is or was in it */
    int64_t first, last; /* runs */
};

/* ── where a piece belongs ─────────────────────────────────────────────────────────────────────────────────────────── */

static inline double side_m(int space_level) { return 400.0 * (double)((int64_t)1 << (2 * space_level)); }

static inline double side_rad(int space_level) { return side_m(space_level) / 6371000.0; }

static inline int64_t columns(int64_t row, double side) {
    double lat = ((double)row + 0.5) * side - 0.5 * PI, n = floor(2.0 * PI * cos(lat) / side);
    return n > 1.0 ? (int64_t)n : 1;
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

static int space_level(const kc_piece *piece, double reach) {
    double wide = 1.5 * piece->whole + reach;
    int level = 0;
    while (level < KC_SPACE_LEVELS - 1 && side_m(level) < wide) level++;
    return level;
}

static uint64_t cell_of(const kc_piece *piece, int space) {
    if (space == KC_SPACE_LEVELS - 1) return 0;
    double side = side_rad(space);
    int64_t row = (int64_t)floor((piece->lat + 0.5 * PI) / side);
    return (uint64_t)row << 17 | (uint64_t)column(piece->lon, columns(row, side));
}

static int16_t metres(double x) { return (int16_t)fmax(INT16_MIN, fmin(INT16_MAX, x)); }

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
    kc_posting *list = malloc(room * FILED);
    if (!list) return 0;
    band *bands = (band *)(list + room);
    uint32_t count = b->upto[RUN - 1];
    if (count) memcpy(list, b->list, count * sizeof *list);
    if (count) memcpy(bands, b->bands, count * sizeof *bands);
    free(b->list);
    postings->bytes += ((int64_t)room - b->room) * (int64_t)FILED;
    b->list = list;
    b->bands = bands;
    b->room = room;
    return 1;
}

/* Moves what is filed from one place of a bucket to another. */
static inline void move(bucket *b, uint32_t from, uint32_t to) {
    b->list[to] = b->list[from];
    b->bands[to] = b->bands[from];
}

int kc_post(kc_postings *postings, const kc_piece *piece, uint32_t of) {
    double reach = postings->greatest[of >> 2 & 7u];
    int time = time_level(piece), space = space_level(piece, reach);
    kc_cell_table **slot = &postings->tables[time * KC_SPACE_LEVELS + space], *table = *slot;
    if (!table) {
        table = calloc(1, sizeof *table);
        if (!table) return 0;
        table->time_level = time;
        table->space_level = space;
        if (!resize(postings, table, 16)) {
            free(table);
            return 0;
        }
        postings->bytes += (int64_t)sizeof *table;
        *slot = table;
    }
    if (4 * (table->used + 1) > 3 * table->size && !resize(postings, table, 2 * table->size)) return 0;
    int64_t slab = slab_at(piece->t0, time), run = run_of(slab);
    int within = (int)(slab - RUN * run);
    uint64_t key = key_of(run, cell_of(piece, space));
    bucket *b = find(table, key);
    if (!b->list) {
        *b = (bucket){.key = key};
        if (!make_room(postings, b, 2)) {
            if (!table->used) drop(postings, slot);
            return 0;
        }
        table->used++;
    } else if (b->upto[RUN - 1] == b->room && !make_room(postings, b, b->room + b->room / 2 + 1)) {
        return 0;
    }
    /* The first of each later slab moves to the end of its slab; that leaves a hole at the end of this one. */
    for (int k = RUN - 1; k > within; k--) {
        if (b->upto[k] > b->upto[k - 1]) move(b, b->upto[k - 1], b->upto[k]);
        b->upto[k]++;
    }
    b->bands[b->upto[within]] = (band){metres(floor(piece->lower)), metres(ceil(piece->upper))};
    kc_posting *one = &b->list[b->upto[within]++];
    double start = (double)slab * kc_slab_s(time);
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
    one->of = of;
    table->overhang = fmax(table->overhang, piece->t1 - start - kc_slab_s(time));
    table->radius = fmax(table->radius, piece->whole);
    table->kinds |= 1u << (of >> 2 & 7u);
    table->datums |= 1u << (of & 3u);
    if (run < table->first) table->first = run;
    if (run > table->last) table->last = run;
    return 1;
}

void kc_unpost(kc_postings *postings, const kc_piece *piece, uint32_t of) {
    int time = time_level(piece), space = space_level(piece, postings->greatest[of >> 2 & 7u]);
    kc_cell_table **slot = &postings->tables[time * KC_SPACE_LEVELS + space], *table = *slot;
    int64_t slab = slab_at(piece->t0, time), run = run_of(slab);
    int within = (int)(slab - RUN * run);
    bucket *b = find(table, key_of(run, cell_of(piece, space)));
    uint32_t i = within ? b->upto[within - 1] : 0;
    while (b->list[i].of != of) i++;
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
    postings->bytes -= (int64_t)b->room * (int64_t)FILED;
    free(b->list);
    vacate(table, b);
    if (--table->used == 0)
        drop(postings, slot);
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
    const kc_pieces *pieces;
    uint32_t datum, mark;
    double across[8], height[8]; /* the minima for the asking kind and each other; of none, nothing is near */
    uint32_t *seen;
    kc_slots *near;
} question;

/* Consecutive pieces that are looked for together: all within `radius` of the first one's middle. */
typedef struct {
    int64_t from, upto;
    double t0, t1, radius;
    int64_t first, last; /* slabs of the table at hand */
    int32_t lowest, highest; /* metres: what ends below, or begins above, is far enough whatever it is */
} bundle;

static int may_meet(const question *q, const kc_piece *a, const kc_posting *b, double start) {
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
    return reach > 0.0 && square <= reach * reach;
}

/* A posting that passed the test of heights, and the pieces it is to be held against. */
typedef struct {
    const kc_posting *one;
    const bundle *together;
    double start; /* of its slab */
} hit;

typedef struct {
    int count;
    hit list[4 * BATCH];
} hits;

static int add_near(const question *q, uint32_t slot) {
    if (q->seen[slot] == q->mark || q->seen[slot] == KC_HIDDEN) return 1;
    kc_slots *near = q->near;
    if (near->count == near->room) {
        int64_t room = near->room ? 2 * near->room : 256;
        uint32_t *list = realloc(near->list, (size_t)room * sizeof *list);
        if (!list) return 0;
        near->list = list;
        near->room = room;
    }
    q->seen[slot] = q->mark;
    near->list[near->count++] = slot;
    return 1;
}

static int test(const question *q, hits *to) {
    const kc_piece *pieces = q->pieces->list;
    for (int h = 0; h < to->count; h++) {
        const kc_posting *one = to->list[h].one;
        const bundle *together = to->list[h].together;
        for (int64_t i = together->from; i < together->upto; i++) {
            if (!may_meet(q, &pieces[i], one, to->list[h].start)) continue;
            if (!add_near(q, one->of >> 5)) return 0;
            break;
        }
    }
    to->count = 0;
    return 1;
}

/* Tests what is in a bucket's slabs `first` to `last`, counted from the start of its run, against a bundle. */
static int look(const question *q, const kc_cell_table *table, const bucket *b, int64_t first, int64_t last,
                const bundle *together, hits *to) {
    int64_t slab = RUN * run_in(b->key);
    for (int64_t within = first < 0 ? 0 : first; within < RUN && within <= last; within++) {
        double start = (double)(slab + within) * kc_slab_s(table->time_level);
        for (uint32_t e = within ? b->upto[within - 1] : 0; e < b->upto[within]; e++) {
            if (b->bands[e].lower >= together->highest || b->bands[e].upper <= together->lowest) continue;
            __builtin_prefetch(&b->list[e].t0);
            __builtin_prefetch(&b->list[e].of);
            to->list[to->count++] = (hit){&b->list[e], together, start};
            if (to->count == 4 * BATCH && !test(q, to)) return 0;
        }
    }
    return 1;
}

static int look_everywhere(const question *q, const kc_cell_table *table, const bundle *together, hits *to) {
    for (int64_t i = 0; i < table->size; i++)
        if (table->buckets[i].list && !look(q, table, &table->buckets[i], 0, RUN, together, to)) return 0;
    return test(q, to);
}

/* The rows and columns (as in key_of, for slab 0) in which a middle may lie that is within `reach` m of a point; -1 if
 * they are more than CELLS, or all round. */
static int cells_near(const kc_piece *about, double reach, int space_level, uint64_t *cells) {
    if (space_level == KC_SPACE_LEVELS - 1) {
        cells[0] = 0;
        return 1;
    }
    double deep = fmin(DEEPEST_M, sqrt(kc_dot(about->middle, about->middle)));
    double side = side_rad(space_level), half = reach / (2.0 * deep);
    if (!(half < 0.4)) return -1;
    double turn = 2.0 * asin(half) + 1e-9, south = about->lat - turn, north = about->lat + turn;
    int round = south <= -0.5 * PI || north >= 0.5 * PI;
    double wide = round ? PI : asin(fmin(1.0, sin(turn) / cos(about->lat))) + 1e-9;
    int64_t row = (int64_t)floor((fmax(south, -0.5 * PI) + 0.5 * PI) / side);
    int64_t last = (int64_t)floor((fmin(north, 0.5 * PI) + 0.5 * PI) / side);
    int count = 0;
    for (; row <= last; row++) {
        int64_t n = columns(row, side);
        int64_t from = (int64_t)floor(((about->lon - wide) / (2.0 * PI) + 0.5) * (double)n);
        int64_t upto = (int64_t)floor(((about->lon + wide) / (2.0 * PI) + 0.5) * (double)n);
        if (round || upto - from + 1 >= n) from = 0, upto = n - 1;
        if (upto - from + 1 > CELLS - count) return -1;
        for (int64_t col = from; col <= upto; col++)
            cells[count++] = (uint64_t)row << 17 | (uint64_t)(col < 0 ? col + n : col >= n ? col - n : col);
    }
    return count;
}

/* Where to look, and for which pieces. Memory is asked for some way ahead of its use: for many places at once, first
 * where their buckets are, then what those hold. */
typedef struct {
    const kc_cell_table *table;
    int count;
    uint64_t keys[BATCH];
    bundle together[BATCH];
} visits;

static int look_at(const question *q, visits *to, hits *passed) {
    const kc_cell_table *table = to->table;
    const bucket *found[BATCH];
    for (int i = 0; i < to->count; i++) __builtin_prefetch(&table->buckets[home(table, to->keys[i])]);
    for (int i = 0; i < to->count; i++) {
        found[i] = find(table, to->keys[i]);
        if (!found[i]->list) continue;
        int64_t within = to->together[i].first - RUN * run_in(to->keys[i]);
        __builtin_prefetch(found[i]->bands + (within > 0 ? found[i]->upto[within - 1] : 0));
    }
    for (int i = 0; i < to->count; i++) {
        if (!found[i]->list) continue;
        int64_t slab = RUN * run_in(to->keys[i]);
        const bundle *together = &to->together[i];
        if (!look(q, table, found[i], together->first - slab, together->last - slab, together, passed)) return 0;
    }
    to->count = 0;
    return test(q, passed);
}

static int look_about(const question *q, const kc_cell_table *table, bundle *together, double across, visits *to,
                      hits *passed) {
    double width = kc_slab_s(table->time_level);
    together->first = (int64_t)floor((together->t0 - table->overhang) / width);
    together->last = last_slab(together->t0, together->t1, table->time_level);
    int64_t run = run_of(together->first), last = run_of(together->last);
    if (run < table->first) run = table->first;
    if (last > table->last) last = table->last;
    if (run > last) return 1;
    uint64_t cells[CELLS];
    const kc_piece *about = &q->pieces->list[together->from];
    int count = cells_near(about, together->radius + table->radius + across, table->space_level, cells);
    if (count < 0 || (double)count * (double)(last - run + 1) > (double)table->size)
        return look_everywhere(q, table, together, passed);
    for (; run <= last; run++) {
        for (int i = 0; i < count; i++) {
            to->keys[to->count] = key_of(run, cells[i]);
            to->together[to->count++] = *together;
            if (to->count == BATCH && !look_at(q, to, passed)) return 0;
        }
    }
    return 1;
}

/* The pieces from `first` on that are looked for together: those that concern the same slabs and much the same cells. */
static bundle bundle_from(const question *q, const kc_cell_table *table, int64_t first, double height) {
    const kc_piece *pieces = q->pieces->list, *one = &pieces[first];
    bundle together = {.from = first, .upto = first, .t0 = one->t0, .t1 = one->t1};
    int64_t slab = last_slab(one->t0, one->t1, table->time_level);
    double most = table->space_level == KC_SPACE_LEVELS - 1 ? INFINITY : side_m(table->space_level);
    double lowest = INFINITY, highest = -INFINITY;
    for (; together.upto < q->pieces->count && together.upto - first < TOGETHER; together.upto++) {
        const kc_piece *next = &pieces[together.upto];
        double d[3];
        for (int k = 0; k < 3; k++) d[k] = next->middle[k] - one->middle[k];
        double radius = sqrt(kc_dot(d, d)) + next->whole;
        if (next != one && (radius > most || slab_at(next->t0, table->time_level) != slab)) break;
        together.radius = fmax(together.radius, radius);
        together.t0 = fmin(together.t0, next->t0);
        together.t1 = fmax(together.t1, next->t1);
        lowest = fmin(lowest, next->lower);
        highest = fmax(highest, next->upper);
    }
    /* Nothing is farther down or up than the ends of a band's numbers, which stand for all beyond them. */
    together.lowest = (int32_t)fmax(-1e9, fmin(INT16_MAX - 1, floor(lowest - height)));
    together.highest = (int32_t)fmin(1e9, fmax(INT16_MIN + 1, ceil(highest + height)));
    return together;
}

static int look_into(const question *q, const kc_cell_table *table) {
    double across = -INFINITY, height = -INFINITY;
    for (int k = 0; k < KC_KINDS; k++) {
        if (!(table->kinds & 1u << k) || q->across[k] < 0.0) continue;
        across = fmax(across, q->across[k]);
        height = fmax(height, q->height[k]);
    }
    if (across < 0.0) return 1;
    if (table->datums & ~(1u << q->datum)) height = INFINITY;
    visits to = {.table = table};
    hits passed = {.count = 0};
    for (int64_t i = 0; i < q->pieces->count;) {
        bundle together = bundle_from(q, table, i, height);
        if (!look_about(q, table, &together, across, &to, &passed)) return 0;
        i = together.upto;
    }
    return look_at(q, &to, &passed);
}

int kc_near(const kc_postings *postings, const kc_pieces *pieces, uint8_t kind, uint8_t datum, const kc_minima *minima,
            uint32_t *seen, uint32_t mark, kc_slots *near) {
    question q = {.pieces = pieces, .datum = datum, .mark = mark, .seen = seen, .near = near};
    for (int k = 0; k < 8; k++) q.across[k] = -INFINITY;
    for (int k = 0; k < KC_KINDS; k++) {
        double across = minima->across[KC_KINDS * kind + k];
        if (isnan(across)) continue;
        q.across[k] = across;
        q.height[k] = minima->height[KC_KINDS * kind + k];
    }
    near->count = 0;
    for (int t = 0; t < KC_TIME_LEVELS * KC_SPACE_LEVELS; t++)
        if (postings->tables[t] && !look_into(&q, postings->tables[t])) return 0;
    return 1;
}
