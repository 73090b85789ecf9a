/* What happens to fences between two reports: the way is walked cell by cell, and each fence met asked in closed form. */
#include "areas.h"
#include "fences.h"
#include "outlines.h"
#include "surface.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_PARTS = 128, MOST_STAYS = 16 };

/* Longer apart than this, s, two stays are two. */
#define SEAM_S 1e-6

typedef struct {
    int parts;
    double nodes[MOST_PARTS + 1][KC_NODE];
} way;

/* The way from the report before, cut into legs. Where a height is not known, or not above what it was, it fills all. */
static int make_way(const kc_reports *reports, int64_t row, way *way) {
    const double *before = reports->before + 5 * row, *a = before + 1, *b = reports->place + 3 * row;
    double chord = 0.0, heights[2] = {before[4], reports->alt[row]};
    for (int i = 0; i < 3; i++) chord += (b[i] - a[i]) * (b[i] - a[i]);
    int64_t parts = kc_parts(sqrt(chord));
    if (parts > MOST_PARTS) return 0;
    way->parts = (int)parts;
    int known = !isnan(heights[0]) && !isnan(heights[1]);
    for (int k = 0; k <= way->parts; k++) {
        double share = (double)k / way->parts, *node = way->nodes[k];
        node[KC_T] = k < way->parts ? before[0] + share * (reports->t[row] - before[0]) : reports->t[row];
        node[KC_LOWER] = known ? heights[0] + share * (heights[1] - heights[0]) : -KC_BOUNDLESS_M;
        node[KC_UPPER] = known ? node[KC_LOWER] : KC_BOUNDLESS_M;
    }
    memcpy(way->nodes[0] + KC_X, a, 3 * sizeof *a);
    memcpy(way->nodes[parts] + KC_X, b, 3 * sizeof *b);
    if (parts == 1) return 1;
    if (sqrt(chord) <= KC_NEAR_M) {
        kc_cut_near(a, b, parts, way->nodes[1] + KC_X, KC_NODE);
        return 1;
    }
    double lat, lon;
    kc_degrees(a, &lat, &lon);
    return kc_cut_far(lat, lon, reports->lat[row], reports->lon[row], parts, way->nodes[1] + KC_X, KC_NODE);
}

static void where_at(const way *way, double t, double place[3]) {
    int k = 0;
    while (k + 1 < way->parts && way->nodes[k + 1][KC_T] < t) k++;
    const double *leg = way->nodes[k];
    double share = (t - leg[KC_T]) / (leg[KC_NODE] - leg[KC_T]);
    kc_leg_at(leg, share < 0.0 ? 0.0 : share > 1.0 ? 1.0 : share, place);
}

/* Adds a fence to those to be asked. */
static void suspect(kc_fences *all, int32_t fence, int32_t *count) {
    if (all->passing[fence].mark == all->passing_mark) return;
    all->passing[fence] = (kc_passing){.mark = all->passing_mark};
    all->candidates[(*count)++] = fence;
}

/* Whether it hangs on the moment or the height if a part holds now. */
static int looks(const kc_fences *all, int32_t part) {
    int holding = all->clocks[part].holding;
    return holding == KC_LOOK || holding == KC_BAND;
}

/* Those with a rim, a window or a band in a cell within half a step of the way. */
static void walk(kc_fences *all, const way *way, int32_t *count) {
    for (int level = 0; level < KC_LEVELS; level++) {
        if (!all->cells_in[level]) continue;
        const kc_grid *grid = all->grids + level;
        uint64_t last = 0;
        for (int k = 0; k < way->parts; k++) {
            const double *a = way->nodes[k] + KC_X, *b = way->nodes[k + 1] + KC_X;
            double length = 0.0;
            for (int i = 0; i < 3; i++) length += (b[i] - a[i]) * (b[i] - a[i]);
            /* A touch shorter than is called for: a place of the way bows from the chord by less than that. */
            int64_t steps = (int64_t)ceil(sqrt(length) / (0.99 * all->walk * grid->size));
            for (int64_t step = 0; step <= steps; step++) {
                double p[3], lat, lon;
                kc_edge_at(a, b, steps ? (double)step / (double)steps : 0.0, p);
                kc_degrees(p, &lat, &lon);
                int64_t row = kc_row(grid, lat);
                uint64_t key = kc_fence_key(level, row, kc_column(grid, row, lon));
                if (key == last) continue;
                last = key;
                const kc_fence_cell *cell = kc_fence_cell_of(all, key);
                if (!cell) continue;
                const kc_cover *covers = kc_covers_of(cell);
                for (int32_t c = 0; c < cell->cover_count; c++)
                    if (looks(all, covers[c].part)) suspect(all, covers[c].fence, count);
                for (int32_t at = sizeof(kc_sheet); at < cell->rim_size;) {
                    const kc_rim *rim = (const kc_rim *)(kc_rims_of(cell) + at);
                    if (all->clocks[rim->part].holding != KC_SHUT) suspect(all, rim->fence, count);
                    at += kc_rim_size(rim);
                }
            }
        }
    }
}

/* The times within a part on one leg. */
static int ask(const kc_part *part, const double *leg, int other_datum, kc_spans *spans) {
    kc_met few[MOST_STAYS], *stays = few;
    double every[2 * KC_NODE];
    if (other_datum) {
        memcpy(every, leg, sizeof every);
        for (int k = 0; k < 2; k++) {
            every[k * KC_NODE + KC_LOWER] = -KC_BOUNDLESS_M;
            every[k * KC_NODE + KC_UPPER] = KC_BOUNDLESS_M;
        }
        leg = every;
    }
    int count = kc_leg_meets_volume(leg, 0.0, 0.0, part->plans, part->volume, 0.0, 0.0, stays, MOST_STAYS);
    if (count > MOST_STAYS) {
        int room = count;
        stays = malloc((size_t)room * sizeof *stays);
        if (!stays) return 0;
        count = kc_leg_meets_volume(leg, 0.0, 0.0, part->plans, part->volume, 0.0, 0.0, stays, room);
    }
    int done = count >= 0;
    for (int k = 0; done && k < count; k++) done = kc_spans_add(spans, stays[k].t0, stays[k].t1 + SEAM_S, 0.0, 0.0);
    if (stays != few) free(stays);
    return done;
}

static int tell(const way *way, const kc_reports *reports, int64_t row, int32_t what,
                int32_t fence, double t, double value, kc_sightings *seen) {
    kc_seen one = {.what = what, .row = row, .mover = reports->mover[row], .other = fence, .t = t, .value = value};
    if (t < reports->t[row]) where_at(way, t, one.place);
    else memcpy(one.place, reports->place + 3 * row, sizeof one.place);
    return kc_add_seen(seen, &one);
}

/* What the way does to the stay in one fence: `within` at its start, and at its end. */
static int pass(kc_fences *all, const way *way, const kc_reports *reports, int64_t row, int32_t fence,
                kc_stay *stay, int before, int after, int32_t flags, double dwell, kc_sightings *seen) {
    kc_spans spans;
    kc_spans_begin(&spans);
    int done = 1, within = before;
    for (int32_t part = all->first_part[fence]; done && part >= 0; part = all->parts[part].next)
        for (int k = 0; done && k < way->parts; k++)
            done = ask(all->parts + part, way->nodes[k], reports->datum[row] != all->parts[part].datum, &spans);
    if (done) kc_spans_join(&spans);
    double end = reports->t[row];
    for (int64_t k = 0; done && k < spans.count; k++) {
        double t0 = spans.list[k].lo, t1 = fmin(end, spans.list[k].hi - SEAM_S);
        int64_t first = seen->count;
        if (!within) {
            *stay = (kc_stay){fence, 0, t0};
            within = 1;
            done = tell(way, reports, row, KC_ENTERED, fence, t0, NAN, seen);
        }
        if (done && !(after && k + 1 == spans.count)) {
            within = 0;
            if (!stay->told && t1 - stay->since >= dwell)
                done = tell(way, reports, row, KC_DWELT, fence, t1, t1 - stay->since, seen);
            done = done && tell(way, reports, row, KC_LEFT, fence, t1, t1 - stay->since, seen);
        }
        for (int64_t i = first; i < seen->count; i++) seen->list[i].flags = seen->list[i].what == KC_LEFT ? 0 : flags;
    }
    kc_spans_end(&spans);
    /* Where way and report differ by a hair, the report is right. */
    if (done && within && !after) done = tell(way, reports, row, KC_LEFT, fence, end, end - stay->since, seen);
    if (done && !within && after) {
        *stay = (kc_stay){fence, 0, end};
        done = tell(way, reports, row, KC_ENTERED, fence, end, NAN, seen);
        if (done) seen->list[seen->count - 1].flags = flags;
    }
    return done;
}

/* In order of time, then of fence; of one fence and moment as they were told. */
static int by_time(const void *a, const void *b) {
    const kc_seen *one = a, *other = b;
    if (one->t != other->t) return one->t < other->t ? -1 : 1;
    if (one->other != other->other) return one->other < other->other ? -1 : 1;
    static const int order[] = {[KC_ENTERED] = 0, [KC_LEFT] = 2, [KC_DWELT] = 1};
    return order[one->what] - order[other->what];
}

int kc_fences_between(kc_fences *all, kc_insider *one, int32_t count, const kc_reports *reports, int64_t row,
                      double dwell, kc_sightings *seen) {
    way way;
    int64_t first = seen->count;
    int32_t asked = 0;
    const kc_stay *old = kc_stays_of(one), *end = old + one->count;
    all->passing_mark++;
    if (make_way(reports, row, &way)) walk(all, &way, &asked);
    else way.parts = 0;
    /* Those it was within, or is: asked if that has changed, or if the walk met them. */
    for (int32_t i = 0, k = 0; i < one->count || k < count;) {
        int32_t was = i < one->count ? old[i].fence : INT32_MAX, is = k < count ? all->found[k].fence : INT32_MAX;
        if (was != is) suspect(all, was < is ? was : is, &asked);
        int32_t next = was < is ? was : is;
        i += was == next;
        k += is == next;
    }
    for (int32_t i = 0; i < asked; i++) {
        int32_t fence = all->candidates[i], flags = 0;
        kc_stay stay = {fence, 0, 0.0};
        int before = 0, after = 0;
        for (int32_t k = 0; k < one->count; k++)
            if (old[k].fence == fence) before = 1, stay = old[k];
        for (int32_t k = 0; k < count; k++)
            if (all->found[k].fence == fence) after = 1, flags = all->found[k].flags;
        if (!pass(all, &way, reports, row, fence, &stay, before, after, flags, dwell, seen)) return 0;
        all->passing[fence].since = stay.since;
        all->passing[fence].told = stay.told;
    }
    if (seen->count - first > 1)
        qsort(seen->list + first, (size_t)(seen->count - first), sizeof *seen->list, by_time);

    for (int32_t k = 0; k < count; k++) {
        int32_t fence = all->found[k].fence;
        while (old < end && old->fence < fence) old++;
        const kc_passing *passing = all->passing + fence;
        if (passing->mark == all->passing_mark) all->staying[k] = (kc_stay){fence, passing->told, passing->since};
        else all->staying[k] = *old;
    }
    return kc_keep_stays(all, one, count);
}
