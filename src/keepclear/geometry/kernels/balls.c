#include "balls.h"

#include <string.h>

enum { LOT = 16 };           /* copies looked at together, a line of the cache in each column */
enum { SETS = 64 };
enum { X, Y, Z, STEP_X, STEP_Y, STEP_Z, RADIUS, LOWER, UPPER, COLUMNS };
enum { PLACES = 2 };         /* columns of whole numbers */
static const double FEW = 12.0; /* strips are not made so narrow that a ball has fewer to be held to */

#if defined(__AVX512DQ__) || defined(__AVX2__) || defined(__SSE2__)
#include <immintrin.h>
#endif

/* The flags of a lot, each 0 or -1, a bit each. */
static inline uint32_t bits_of(const int32_t flags[LOT]) {
#if defined(__AVX512DQ__)
    return _mm512_movepi32_mask(_mm512_loadu_si512(flags));
#elif defined(__AVX2__)
    uint32_t low = (uint32_t)_mm256_movemask_ps(_mm256_loadu_ps((const float *)flags));
    return low | (uint32_t)_mm256_movemask_ps(_mm256_loadu_ps((const float *)(flags + 8))) << 8;
#elif defined(__SSE2__)
    uint32_t bits = 0;
    for (int k = 0; k < LOT; k += 4) bits |= (uint32_t)_mm_movemask_ps(_mm_loadu_ps((const float *)(flags + k))) << k;
    return bits;
#else
    uint32_t bits = 0;
    for (int k = 0; k < LOT; k++) bits |= (uint32_t)(flags[k] & 1) << k;
    return bits;
#endif
}

/* One ball as the columns have it. */
typedef struct {
    float x, y, z, step_x, step_y, step_z, radius, lower, upper;
    int32_t datum;
} flat;

/* What rounding to floats takes, of two balls together: up to 0.9 m of where they are on the earth, and a few ten
 * millionths of how far they go; and half a metre for the share of the time at which they are nearest. */
static const double FLOATS_M = 1.0, FLOATS_SHARE = 2e-6;

static inline float rounded(double radius, double goes) {
    return (float)(radius + FLOATS_SHARE * (radius + goes) + FLOATS_M);
}

/* Which of the next LOT copies are at its height, a bit each. */
static inline uint32_t level_with(const float *restrict lower, const float *restrict upper, const int32_t *restrict datum,
                                  float low, float high, int32_t of) {
    int32_t flags[LOT];
    for (int k = 0; k < LOT; k++)
        flags[k] = -(((lower[k] < high) & (low < upper[k])) | (datum[k] != of));
    return bits_of(flags);
}

/* Which of the next LOT copies come near it, a bit each. */
static inline uint32_t nearing(const float *restrict columns, int64_t room, flat one) {
    const float *restrict x = columns, *restrict y = columns + room, *restrict z = columns + 2 * room;
    const float *restrict step_x = columns + 3 * room, *restrict step_y = columns + 4 * room;
    const float *restrict step_z = columns + 5 * room, *restrict radius = columns + 6 * room;
    int32_t flags[LOT];
    for (int k = 0; k < LOT; k++) {
        float dx = x[k] - one.x, dy = y[k] - one.y, dz = z[k] - one.z, reach = radius[k] + one.radius;
        float u = step_x[k] - one.step_x, v = step_y[k] - one.step_y, w = step_z[k] - one.step_z;
        float share = -(dx * u + dy * v + dz * w) / (u * u + v * v + w * w + 1.0f); /* of the time, where nearest */
        share = share > 0.0f ? share : 0.0f;
        share = share < 1.0f ? share : 1.0f;
        dx += share * u;
        dy += share * v;
        dz += share * w;
        flags[k] = -(dx * dx + dy * dy + dz * dz < reach * reach);
    }
    return bits_of(flags);
}

static inline uint32_t first_of(int64_t count) {
    return (uint32_t)((UINT64_C(1) << (count < LOT ? count : LOT)) - 1);
}

static inline int64_t cell_of(const kc_balls *all, double along) {
    double cell = (along - all->least) * all->per_cell;
    return cell <= 0.0 ? 0 : cell >= (double)all->cells ? all->cells - 1 : (int64_t)cell;
}

static inline int64_t strip_of(const kc_balls *all, double across) {
    double strip = (across - all->across_least) * all->per_strip;
    return strip <= 0.0 ? 0 : strip >= (double)all->strips ? all->strips - 1 : (int64_t)strip;
}

static int make_room(kc_balls *all, kc_pool *pool, int64_t copies, int64_t cells) {
    if (copies + LOT > all->room) {
        int64_t lots = 2 * (copies + LOT) / LOT + 1;
        /* Of such a length that the columns do not all share a few places in the cache. */
        int64_t room = LOT * (lots + (7 - lots) % SETS + SETS);
        kc_extent *extents = kc_pool_take(pool, (size_t)room * sizeof *extents);
        float *columns = kc_pool_take(pool, (size_t)(COLUMNS * room) * sizeof *columns);
        int32_t *places = kc_pool_take(pool, (size_t)(PLACES * room) * sizeof *places);
        if (!extents || !columns || !places) return 0;
        memset(columns, 0, (size_t)(COLUMNS * room) * sizeof *columns); /* a lot is read whole, the last one too */
        memset(places, 0, (size_t)(PLACES * room) * sizeof *places);
        if (all->room) memcpy(extents, all->extents, (size_t)all->room * sizeof *extents);
        all->extents = extents;
        all->columns = columns;
        all->datum = places;
        all->ball = places + room;
        all->room = room;
    }
    if (cells + 1 > all->cell_room) {
        int32_t *cell_from = kc_pool_take(pool, (size_t)(2 * cells + 2) * sizeof *cell_from);
        if (!cell_from) return 0;
        all->cell_from = cell_from;
        all->cell_room = 2 * cells + 2;
    }
    return 1;
}

static inline flat flat_of(const kc_ball *ball) {
    double step[3];
    for (int i = 0; i < 3; i++) step[i] = ball->stop[i] - ball->start[i];
    return (flat){(float)ball->start[0], (float)ball->start[1], (float)ball->start[2],
                  (float)step[0], (float)step[1], (float)step[2],
                  rounded(ball->radius, fabs(step[0]) + fabs(step[1]) + fabs(step[2])), ball->lower, ball->upper,
                  ball->datum};
}

int kc_balls_order(kc_balls *all, kc_pool *pool, const kc_axes *axes, const void *balls, int64_t count, size_t size) {
    double least = INFINITY, most = -INFINITY, across_least = INFINITY, across_most = -INFINITY, widths = 0.0;
    all->axes = axes;
    all->longest = 0.0;
    if (!make_room(all, pool, count, 0)) return 0;
    for (int64_t i = 0; i < count; i++) {
        const kc_ball *ball = (const kc_ball *)((const char *)balls + (size_t)i * size);
        double from = kc_dot(ball->start, axes->along), upto = kc_dot(ball->stop, axes->along);
        double beside = kc_dot(ball->start, axes->across), beyond = kc_dot(ball->stop, axes->across);
        kc_extent of = {0.5 * (from + upto), 0.5 * (beside + beyond), ball->radius + 0.5 * fabs(upto - from),
                        ball->radius + 0.5 * fabs(beyond - beside), 0, 0, 0, 0};
        all->extents[i] = of;
        least = of.along - of.long_half < least ? of.along - of.long_half : least;
        most = of.along - of.long_half > most ? of.along - of.long_half : most;
        across_least = of.across - of.wide_half < across_least ? of.across - of.wide_half : across_least;
        across_most = of.across + of.wide_half > across_most ? of.across + of.wide_half : across_most;
        all->longest = 2.0 * of.long_half > all->longest ? 2.0 * of.long_half : all->longest;
        widths += of.long_half + of.wide_half;
    }
    double width = count ? widths / (double)count : 1.0, along = fmax(most - least, 1.0);
    double across = fmax(across_most - across_least, 1.0);
    double strips = fmin((double)count * width / (FEW * along), across / (2.0 * width));
    all->strips = strips < 2.0 ? 1 : (int64_t)fmin(strips, 4096.0);
    all->cells = count / all->strips + 1;
    all->least = least;
    all->per_cell = (double)all->cells / along;
    all->across_least = across_least;
    all->per_strip = (double)all->strips / across;

    int64_t copies = 0, cells = all->strips * all->cells;
    for (int64_t i = 0; i < count; i++) {
        kc_extent *of = &all->extents[i];
        of->cell = (int32_t)cell_of(all, of->along - of->long_half);
        of->last_cell = (int32_t)cell_of(all, of->along + of->long_half);
        if (all->strips > 1) {
            of->strip = (int32_t)strip_of(all, of->across - of->wide_half);
            of->last_strip = (int32_t)strip_of(all, of->across + of->wide_half);
        }
        copies += of->last_strip - of->strip + 1;
    }
    if (!make_room(all, pool, copies, cells)) return 0;
    all->copies = copies;
    int32_t *from = all->cell_from;
    memset(from, 0, (size_t)(cells + 1) * sizeof *from);
    for (int64_t i = 0; i < count; i++)
        for (int64_t strip = all->extents[i].strip; strip <= all->extents[i].last_strip; strip++)
            from[strip * all->cells + all->extents[i].cell + 1]++;
    for (int64_t k = 0; k < cells; k++) from[k + 1] += from[k];
    for (int64_t i = 0; i < count; i++) { /* each to its place; from[k] ends as that of the cell after */
        const kc_ball *ball = (const kc_ball *)((const char *)balls + (size_t)i * size);
        kc_extent of = all->extents[i];
        flat one = flat_of(ball);
        for (int64_t strip = of.strip; strip <= of.last_strip; strip++) {
            int64_t k = from[strip * all->cells + of.cell]++;
            float *column = all->columns + k;
            column[X * all->room] = one.x;
            column[Y * all->room] = one.y;
            column[Z * all->room] = one.z;
            column[STEP_X * all->room] = one.step_x;
            column[STEP_Y * all->room] = one.step_y;
            column[STEP_Z * all->room] = one.step_z;
            column[RADIUS * all->room] = one.radius;
            column[LOWER * all->room] = one.lower;
            column[UPPER * all->room] = one.upper;
            all->datum[k] = one.datum;
            all->ball[k] = (int32_t)i;
        }
    }
    memmove(from + 1, from, (size_t)cells * sizeof *from);
    from[0] = 0;
    return 1;
}

static inline flat flat_at(const kc_balls *all, int64_t at) {
    const float *column = all->columns + at;
    int64_t room = all->room;
    return (flat){column[X * room],      column[Y * room],      column[Z * room],     column[STEP_X * room],
                  column[STEP_Y * room], column[STEP_Z * room], column[RADIUS * room], column[LOWER * room],
                  column[UPPER * room],  all->datum[at]};
}

/* Whether of all strips two balls both lie in this is the first: only there they count. */
static inline int counts_in(const kc_balls *all, int32_t strip, int32_t begins, int32_t ball) {
    int32_t first = all->extents[ball].strip;
    return (first > begins ? first : begins) == strip;
}

/* A lot of which some are at the height of a copy: the places of both, and which. */
typedef struct {
    int32_t copy, strip, at;
    uint32_t bits;
} hit;

int64_t kc_balls_touches(const kc_balls *all, kc_touches_at *from, kc_touch *found) {
    /* First the height of all, then how near those come, then who they are: whoever asks at every lot waits for the
     * answer at every lot. */
    hit hits[KC_TOUCHES / LOT];
    const float *lower = all->columns + LOWER * all->room, *upper = all->columns + UPPER * all->room;
    int64_t count = 0, kept = 0, touches = 0, at = from->copy, next = from->next, strip = from->strip;
    for (; strip < all->strips; strip++) {
        const int32_t *cell_from = all->cell_from + strip * all->cells;
        for (; at < cell_from[all->cells]; at++, next = at + 1) {
            __builtin_prefetch(&all->extents[all->ball[at + LOT]]);
            int64_t upto = cell_from[all->extents[all->ball[at]].last_cell + 1];
            float low = lower[at], high = upper[at];
            for (; next < upto; next += LOT) {
                if (count == KC_TOUCHES / LOT) goto full;
                uint32_t bits = level_with(lower + next, upper + next, all->datum + next, low, high, all->datum[at]);
                hits[count] = (hit){(int32_t)at, (int32_t)strip, (int32_t)next, bits & first_of(upto - next)};
                count += hits[count].bits != 0;
            }
        }
    }
full:
    *from = (kc_touches_at){at, next, strip};
    for (int64_t k = 0; k < count; k++) {
        hit one = hits[k];
        one.bits &= nearing(all->columns + one.at, all->room, flat_at(all, one.copy));
        hits[kept] = one;
        kept += one.bits != 0;
    }
    for (int64_t k = 0; k < kept; k++) {
        int32_t ball = all->ball[hits[k].copy], begins = all->extents[ball].strip;
        for (uint32_t bits = hits[k].bits; bits; bits &= bits - 1) {
            int32_t other = all->ball[hits[k].at + __builtin_ctz(bits)];
            found[touches] = (kc_touch){ball, other};
            touches += counts_in(all, hits[k].strip, begins, other);
        }
    }
    return touches;
}

/* Of the copies from `from` up to `upto`, all in one strip, those that touch a ball which begins in strip `begins`. */
static inline int64_t scan(const kc_balls *all, int64_t from, int64_t upto, flat one, int32_t strip, int32_t begins,
                           int32_t *found) {
    const float *lower = all->columns + LOWER * all->room, *upper = all->columns + UPPER * all->room;
    int64_t count = 0;
    for (int64_t at = from; at < upto; at += LOT) {
        uint32_t bits = level_with(lower + at, upper + at, all->datum + at, one.lower, one.upper, one.datum);
        bits &= first_of(upto - at);
        if (bits) bits &= nearing(all->columns + at, all->room, one);
        for (; bits; bits &= bits - 1) {
            found[count] = all->ball[at + __builtin_ctz(bits)];
            count += counts_in(all, strip, begins, found[count]);
        }
    }
    return count;
}

int64_t kc_balls_near(const kc_balls *all, const kc_ball *ball, int32_t *found) {
    flat one = flat_of(ball);
    double begin = kc_dot(ball->start, all->axes->along), end = kc_dot(ball->stop, all->axes->along);
    double side = kc_dot(ball->start, all->axes->across), other_side = kc_dot(ball->stop, all->axes->across);
    int64_t from = cell_of(all, fmin(begin, end) - ball->radius - all->longest);
    int64_t upto = cell_of(all, fmax(begin, end) + ball->radius);
    int64_t begins = strip_of(all, fmin(side, other_side) - ball->radius);
    int64_t ends = strip_of(all, fmax(side, other_side) + ball->radius), count = 0;
    for (int64_t strip = begins; strip <= ends; strip++) {
        const int32_t *cells = all->cell_from + strip * all->cells;
        count += scan(all, cells[from], cells[upto + 1], one, (int32_t)strip, (int32_t)begins, found + count);
    }
    return count;
}

int64_t kc_balls_about(const kc_balls *all, const kc_ball *ball, int32_t *found) {
    kc_ball all_over = *ball; /* at rest, and as large as what it passes over */
    double half2 = 0.0;
    for (int i = 0; i < 3; i++) {
        double half = 0.5 * (ball->stop[i] - ball->start[i]);
        all_over.start[i] = all_over.stop[i] = ball->start[i] + half;
        half2 += half * half;
    }
    all_over.radius += sqrt(half2);
    return kc_balls_near(all, &all_over, found);
}
