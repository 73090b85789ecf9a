#include "balls.h"

#include <stdlib.h>
#include <string.h>

enum { LOT = 32 };          /* copies looked at together */
enum { X, Y, Z, RADIUS, LOWER, UPPER, COLUMNS };
enum { PLACES = 4 };         /* columns of whole numbers */
static const double FEW = 20.0; /* strips are not made so narrow that a ball has fewer to be held to */

static const uint32_t BIT[LOT] = {
    1u << 0,  1u << 1,  1u << 2,  1u << 3,  1u << 4,  1u << 5,  1u << 6,  1u << 7,  1u << 8,  1u << 9,  1u << 10,
    1u << 11, 1u << 12, 1u << 13, 1u << 14, 1u << 15, 1u << 16, 1u << 17, 1u << 18, 1u << 19, 1u << 20, 1u << 21,
    1u << 22, 1u << 23, 1u << 24, 1u << 25, 1u << 26, 1u << 27, 1u << 28, 1u << 29, 1u << 30, 1u << 31};

/* One ball as the columns have it. */
typedef struct {
    float x, y, z, radius, lower, upper;
    int32_t datum;
} flat;

/* Which of the next LOT copies touch it, a bit each. */
static inline uint32_t touching(const float *restrict columns, const int32_t *restrict datum, int64_t room, flat one) {
    const float *restrict x = columns, *restrict y = columns + room, *restrict z = columns + 2 * room;
    const float *restrict radius = columns + 3 * room, *restrict lower = columns + 4 * room;
    const float *restrict upper = columns + 5 * room;
    uint32_t bits = 0;
    for (int k = 0; k < LOT; k++) {
        float dx = x[k] - one.x, dy = y[k] - one.y, dz = z[k] - one.z, reach = radius[k] + one.radius;
        int near = dx * dx + dy * dy + dz * dz < reach * reach;
        int level = ((lower[k] < one.upper) & (one.lower < upper[k])) | (datum[k] != one.datum);
        bits |= BIT[k] & -(uint32_t)(near & level);
    }
    return bits;
}

static inline int64_t cell_of(const kc_balls *all, double along) {
    double cell = (along - all->least) * all->per_cell;
    return cell <= 0.0 ? 0 : cell >= (double)all->cells ? all->cells - 1 : (int64_t)cell;
}

static inline int64_t strip_of(const kc_balls *all, double across) {
    double strip = (across - all->across_least) * all->per_strip;
    return strip <= 0.0 ? 0 : strip >= (double)all->strips ? all->strips - 1 : (int64_t)strip;
}

static void free_columns(kc_balls *all) {
    free(all->extents);
    free(all->columns);
    free(all->datum);
    all->room = 0;
}

static int make_room(kc_balls *all, int64_t copies, int64_t cells) {
    if (copies + LOT > all->room) {
        int64_t room = 2 * (copies + LOT), places = PLACES * room;
        kc_extent *extents = malloc((size_t)room * sizeof *extents);
        float *columns = calloc((size_t)(COLUMNS * room), sizeof *columns);
        int32_t *datum = calloc((size_t)places, sizeof *datum);
        if (extents && all->extents) memcpy(extents, all->extents, (size_t)all->room * sizeof *extents);
        free_columns(all);
        all->extents = extents;
        all->columns = columns;
        all->datum = datum;
        if (!extents || !columns || !datum) return 0;
        all->room = room;
        all->ball = datum + room;
        all->strip = datum + 2 * room;
        all->last = datum + 3 * room;
    }
    if (cells + 1 > all->cell_room) {
        free(all->cell_from);
        all->cell_from = malloc((size_t)(2 * cells + 2) * sizeof *all->cell_from);
        all->cell_room = all->cell_from ? 2 * cells + 2 : 0;
        if (!all->cell_from) return 0;
    }
    return 1;
}

int kc_balls_order(kc_balls *all, const kc_axes *axes, const void *balls, int64_t count, size_t size) {
    double least = INFINITY, most = -INFINITY, across_least = INFINITY, across_most = -INFINITY, widths = 0.0;
    all->axes = axes;
    all->longest = 0.0;
    if (!make_room(all, count, 0)) return 0;
    for (int64_t i = 0; i < count; i++) {
        const kc_ball *ball = (const kc_ball *)((const char *)balls + (size_t)i * size);
        kc_extent of = {kc_dot(ball->middle, axes->along), kc_dot(ball->middle, axes->across), ball->radius, 0, 0, 0, 0};
        all->extents[i] = of;
        least = of.along - of.radius < least ? of.along - of.radius : least;
        most = of.along - of.radius > most ? of.along - of.radius : most;
        across_least = of.across - of.radius < across_least ? of.across - of.radius : across_least;
        across_most = of.across + of.radius > across_most ? of.across + of.radius : across_most;
        all->longest = 2.0 * of.radius > all->longest ? 2.0 * of.radius : all->longest;
        widths += 2.0 * of.radius;
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
        of->cell = (int32_t)cell_of(all, of->along - of->radius);
        of->last_cell = (int32_t)cell_of(all, of->along + of->radius);
        if (all->strips > 1) {
            of->strip = (int32_t)strip_of(all, of->across - of->radius);
            of->last_strip = (int32_t)strip_of(all, of->across + of->radius);
        }
        copies += of->last_strip - of->strip + 1;
    }
    if (!make_room(all, copies, cells)) return 0;
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
        for (int64_t strip = of.strip; strip <= of.last_strip; strip++) {
            int64_t k = from[strip * all->cells + of.cell]++;
            float *column = all->columns + k;
            column[X * all->room] = (float)ball->middle[0];
            column[Y * all->room] = (float)ball->middle[1];
            column[Z * all->room] = (float)ball->middle[2];
            column[RADIUS * all->room] = (float)(of.radius * (1.0 + 1e-6) + 1.0); /* what rounding takes */
            column[LOWER * all->room] = ball->lower;
            column[UPPER * all->room] = ball->upper;
            all->datum[k] = ball->datum;
            all->ball[k] = (int32_t)i;
            all->strip[k] = of.strip;
            all->last[k] = (int32_t)(strip * all->cells + of.last_cell);
        }
    }
    memmove(from + 1, from, (size_t)cells * sizeof *from);
    from[0] = 0;
    return 1;
}

/* Of the copies from `from` up to `upto`, all in one strip, those that touch a ball which begins in strip `begins`. */
static inline int64_t scan(const kc_balls *all, int64_t from, int64_t upto, flat one, int32_t strip, int32_t begins,
                           int32_t *found) {
    int64_t count = 0;
    for (int64_t at = from; at < upto; at += LOT) {
        uint32_t bits = touching(all->columns + at, all->datum + at, all->room, one);
        if (upto - at < LOT) bits &= (1u << (upto - at)) - 1;
        for (; bits; bits &= bits - 1) {
            int64_t k = at + __builtin_ctz(bits);
            /* Of all strips both lie in, only the first counts. */
            int32_t first = all->strip[k] > begins ? all->strip[k] : begins;
            found[count] = all->ball[k];
            count += first == strip;
        }
    }
    return count;
}

int64_t kc_balls_after(const kc_balls *all, int64_t at, int32_t *found) {
    const float *column = all->columns + at;
    flat one = {column[X * all->room],     column[Y * all->room],     column[Z * all->room],
                column[RADIUS * all->room], column[LOWER * all->room], column[UPPER * all->room],
                all->datum[at]};
    int32_t strip = all->strips == 1 ? 0 : all->last[at] / (int32_t)all->cells;
    return scan(all, at + 1, all->cell_from[all->last[at] + 1], one, strip, all->strip[at], found);
}

int64_t kc_balls_near(const kc_balls *all, const kc_ball *ball, int32_t *found) {
    flat one = {(float)ball->middle[0],
                (float)ball->middle[1],
                (float)ball->middle[2],
                (float)(ball->radius * (1.0 + 1e-6) + 1.0),
                ball->lower,
                ball->upper,
                ball->datum};
    double at = kc_dot(ball->middle, all->axes->along), beside = kc_dot(ball->middle, all->axes->across);
    int64_t from = cell_of(all, at - ball->radius - all->longest), upto = cell_of(all, at + ball->radius);
    int64_t begins = strip_of(all, beside - ball->radius), ends = strip_of(all, beside + ball->radius), count = 0;
    for (int64_t strip = begins; strip <= ends; strip++) {
        const int32_t *cells = all->cell_from + strip * all->cells;
        count += scan(all, cells[from], cells[upto + 1], one, (int32_t)strip, (int32_t)begins, found + count);
    }
    return count;
}

void kc_balls_free(kc_balls *all) {
    free_columns(all);
    free(all->cell_from);
    *all = (kc_balls){0};
}
