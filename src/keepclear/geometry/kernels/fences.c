#include "fences.h"
#include "areas.h"
#include "outlines.h"
#include "pool.h"

#include <stdlib.h>
#include <string.h>

static const double CELLS_M[KC_LEVELS] = {50.0, 1000.0, 10000.0};

KC_EXPORT void kc_fences_drop(kc_fences *all) {
    if (!all) return;
    for (int level = 0; level < KC_LEVELS; level++) free(all->grids[level].columns);
    for (int64_t i = 0; all->table && i < all->slots; i++)
        if (all->table[i].held) kc_shelf_return(&all->shelves, all->table[i].held, all->table[i].lines);
    kc_shelves_drop(&all->shelves);
    for (int64_t i = 0; i < all->part_count; i++) {
        free(all->parts[i].cells);
        free(all->parts[i].eights);
    }
    for (int64_t i = 0; i < all->movers; i++) free(all->insiders[i].many);
    free(all->table);
    free(all->parts);
    free(all->clocks);
    free(all->bands);
    free(all->first_part);
    free(all->insiders);
    free(all->found);
    free(all->staying);
    free(all->passing);
    free(all->candidates);
    free(all);
}

/* No fences yet, nobody within. `between`: what lies between two reports is looked at too. NULL: no memory. */
KC_EXPORT kc_fences *kc_fences_new(int between) {
    kc_fences *all = calloc(1, sizeof *all);
    if (!all) return NULL;
    for (int level = 0; level < KC_LEVELS; level++) all->grids[level].size = CELLS_M[level];
    all->free_part = -1;
    all->calm_from = INFINITY;
    all->walk = between ? 0.25 : 0.0;
    all->slots = 1024;
    all->table = calloc((size_t)all->slots, sizeof *all->table);
    if (all->table) return all;
    kc_fences_drop(all);
    return NULL;
}

/* How many cells of the surface hold something, of how many there is room for: a measure of memory. */
KC_EXPORT int64_t kc_fences_cells(const kc_fences *all, int64_t *room) {
    int64_t full = 0;
    for (int64_t i = 0; i < all->slots; i++) full += all->table[i].cover_count || all->table[i].rim_size;
    *room = all->slots;
    return full;
}

static int32_t new_part(kc_fences *all) {
    int32_t part = all->free_part;
    if (part >= 0) {
        all->free_part = all->parts[part].next;
        return part;
    }
    if (all->part_count == all->part_room) {
        int64_t room = all->part_room ? 2 * all->part_room : 64;
        kc_part *parts = realloc(all->parts, (size_t)room * sizeof *parts);
        if (!parts) return -1;
        all->parts = parts;
        kc_holds *found = realloc(all->found, (size_t)room * sizeof *found);
        if (!found) return -1;
        all->found = found;
        kc_stay *staying = realloc(all->staying, (size_t)room * sizeof *staying);
        if (!staying) return -1;
        all->staying = staying;
        kc_clock *clocks = realloc(all->clocks, (size_t)room * sizeof *clocks);
        if (!clocks) return -1;
        all->clocks = clocks;
        kc_band *bands = realloc(all->bands, (size_t)room * sizeof *bands);
        if (!bands) return -1;
        all->bands = bands;
        all->part_room = room; /* of all five */
    }
    memset(all->parts + all->part_count, 0, sizeof *all->parts);
    return (int32_t)all->part_count++;
}

/* Takes all parts of a fence out of the cells. Returns -1. */
static int take_back(kc_fences *all, int32_t fence) {
    while (all->first_part[fence] >= 0) {
        int32_t number = all->first_part[fence];
        kc_fence_lift(all, number);
        all->first_part[fence] = all->parts[number].next;
        all->parts[number].plans = NULL;
        all->parts[number].next = all->free_part;
        all->free_part = number;
    }
    return -1;
}

/* Puts up fence number `fence`, which is not up: all volumes of plan `plan`. `plans` and its arrays must stay until it
 * is removed. Whoever is within already is told of at its next report. Returns 0, or -1 if there is no memory left: then
 * it is not up.
 */
KC_EXPORT int kc_fence_put(kc_fences *all, int32_t fence, const kc_plans *plans, int64_t plan) {
    if (fence >= all->fence_room) {
        int64_t room = all->fence_room ? all->fence_room : 64;
        while (room <= fence) room *= 2;
        int32_t *first = realloc(all->first_part, (size_t)room * sizeof *first);
        if (!first) return -1;
        all->first_part = first;
        kc_passing *passing = realloc(all->passing, (size_t)room * sizeof *passing);
        if (!passing) return -1;
        all->passing = passing;
        int32_t *candidates = realloc(all->candidates, (size_t)room * sizeof *candidates);
        if (!candidates) return -1;
        all->candidates = candidates;
        all->fence_room = room;
    }
    all->calm_from = INFINITY;
    for (; all->fences <= fence; all->fences++) {
        all->first_part[all->fences] = -1;
        all->passing[all->fences].mark = 0;
    }
    for (int64_t volume = plans->volume_from[plan]; volume < plans->volume_from[plan + 1]; volume++) {
        int32_t number = new_part(all);
        if (number < 0) return take_back(all, fence);
        kc_part *part = all->parts + number;
        const double *limits = plans->volumes + 4 * volume;
        *part = (kc_part){.plans = plans, .volume = volume, .fence = fence, .next = all->first_part[fence],
                          .from = limits[0], .upto = limits[1], .lower = limits[2], .upper = limits[3],
                          .datum = plans->datum[plan]};
        all->first_part[fence] = number;
        all->clocks[number].datum = plans->datum[plan];
        all->bands[number] = (kc_band){part->lower + KC_DEPTH_M, part->upper - KC_DEPTH_M};
        if (!kc_fence_lay(all, number)) return take_back(all, fence);
    }
    return 0;
}

/* Takes down a fence. Of those within nothing is told: it is the fence that left. */
KC_EXPORT void kc_fence_remove(kc_fences *all, int32_t fence) {
    if (fence >= all->fences) return;
    take_back(all, fence);
    for (int64_t i = 0; i < all->movers; i++) {
        kc_insider *one = all->insiders + i;
        kc_stay *stays = kc_stays_of(one);
        int32_t kept = 0;
        for (int32_t k = 0; k < one->count; k++)
            if (stays[k].fence != fence) stays[kept++] = stays[k];
        one->count = kept;
    }
}

/* ── which fences hold a place ───────────────────────────────────────────────────────────────────────────────────── */

static int every_height(const kc_part *part) {
    return part->lower <= -KC_BOUNDLESS_M && part->upper >= KC_BOUNDLESS_M;
}

/* When and how high reports are. What lies between reports is at other heights too. */
static kc_reach reach_of(const kc_fences *all, const kc_reports *reports) {
    kc_reach of = {INFINITY, -INFINITY, INFINITY, -INFINITY, KC_ANY_DATUM};
    int64_t others = 0; /* heights that are not known, or not above what the first is */
    for (int64_t i = 0; i < reports->count; i++) {
        double t = reports->t[i], alt = reports->alt[i];
        of.first = t < of.first ? t : of.first;
        of.last = t > of.last ? t : of.last;
        of.low = alt < of.low ? alt : of.low;
        of.high = alt > of.high ? alt : of.high;
        others += isnan(alt) || reports->datum[i] != reports->datum[0];
    }
    if (!all->walk && reports->count && !others) of.datum = reports->datum[0];
    for (int64_t i = 0; all->walk > 0.0 && i < reports->count; i++)
        if (reports->joined[i]) of.first = fmin(of.first, reports->before[5 * i]);
    return of;
}

/* Whether the clocks serve for reports: those set for all heights do, but many reports are worth closer ones. */
static int clocks_serve(const kc_fences *all, const kc_reach *of, int many) {
    if (!(of->first >= all->calm_from && of->last < all->calm_upto)) return 0;
    if (all->calm.datum == KC_ANY_DATUM) return !many || of->datum == KC_ANY_DATUM;
    return of->datum == all->calm.datum && of->low >= all->calm.low && of->high <= all->calm.high;
}

static uint8_t clock_of(const kc_part *part, const kc_band *band, const kc_reach *of) {
    if (of->last < part->from || of->first >= part->upto) return KC_SHUT;
    if (of->first < part->from || of->last >= part->upto) return KC_LOOK;
    if (every_height(part)) return KC_HOLDS;
    if (of->datum != part->datum) return KC_BAND;
    if (of->high <= band->above || of->low >= band->below) return KC_SHUT;
    return of->low > band->above && of->high < band->below ? KC_HOLDS : KC_BAND;
}

/* Sets the clocks for reports, unless they serve for them already: for their heights if the reports are many. */
static void set_clocks(kc_fences *all, const kc_reports *reports) {
    kc_reach of = reach_of(all, reports);
    int many = 4 * reports->count >= all->part_count;
    if (clocks_serve(all, &of, many)) return;
    if (!many) of.datum = KC_ANY_DATUM;
    all->calm = of;
    all->calm_from = -INFINITY;
    all->calm_upto = INFINITY;
    for (int64_t i = 0; i < all->part_count; i++) {
        const kc_part *part = all->parts + i;
        if (!part->plans) continue;
        double ends[2] = {part->from, part->upto};
        for (int k = 0; k < 2; k++) {
            if (ends[k] <= of.first) all->calm_from = fmax(all->calm_from, ends[k]);
            if (ends[k] > of.last) all->calm_upto = fmin(all->calm_upto, ends[k]);
        }
        all->clocks[i].holding = clock_of(part, all->bands + i, &of);
    }
}

/* Whether a part holds at that time and height; *flags says what could not be compared. */
static inline int holds_now(const kc_fences *all, int32_t number, double t, double alt, int32_t datum, int32_t *flags) {
    *flags = 0;
    kc_clock clock = all->clocks[number];
    if (clock.holding == KC_HOLDS || clock.holding == KC_SHUT) return clock.holding == KC_HOLDS;
    if (clock.holding == KC_LOOK) {
        const kc_part *part = all->parts + number;
        if (!(t >= part->from && t < part->upto)) return 0;
        if (every_height(part)) return 1;
    }
    if (datum != clock.datum) *flags = KC_HEIGHTS_NOT_COMPARABLE;
    else if (isnan(alt)) *flags = KC_HEIGHT_UNKNOWN;
    else return alt > all->bands[number].above && alt < all->bands[number].below;
    return 1;
}

/* Metres east and north of the middle of a cell, to a share of 1e-6 of its reach. */
static inline void on_sheet(const kc_sheet *sheet, const double place[3], float xy[2]) {
    const float bend = (float)(1.0 / (6.0 * KC_MEAN_RADIUS_M * KC_MEAN_RADIUS_M));
    float d[3];
    for (int i = 0; i < 3; i++) d[i] = (float)(place[i] - sheet->origin[i]);
    float x = d[0] * sheet->east[0] + d[1] * sheet->east[1];
    float y = d[0] * sheet->north[0] + d[1] * sheet->north[1] + d[2] * sheet->north[2];
    float longer = 1.0f + bend * (x * x + y * y);
    xy[0] = x * longer;
    xy[1] = y * longer;
}

/* Not fminf, which is a call. */
static inline float lesser(float a, float b) { return a < b ? a : b; }

/* Whether a place, on the sheet of its cell, is within a rim by more than KC_DEPTH_M; -1 if that must be looked at. */
static inline int within_rim(const kc_rim *rim, const float xy[2]) {
    const kc_edge *edges = kc_edges_of(rim);
    float x = xy[0] - rim->x, y = xy[1] - rim->y, least = INFINITY;
    int inside = rim->inside;
    for (int32_t k = 0; k < rim->edges; k++) {
        const kc_edge *e = edges + k;
        float turn_a = x * e->ay - y * e->ax, turn_b = x * e->by - y * e->bx;
        float side = e->ax * e->by - e->ay * e->bx + turn_a - turn_b; /* of the place; that of the rim's is above 0 */
        inside ^= ((turn_a > 0.0f) != (turn_b > 0.0f)) & (side < 0.0f);
        least = lesser(lesser(least, fabsf(side)), lesser(fabsf(turn_a), fabsf(turn_b)));
    }
    return least > rim->doubt ? inside : -1;
}

/* The fences, in order of number and each once, that hold a place; written to all->found. Returns how many. */
static int32_t find(const kc_fences *all, const kc_fence_cell *const cells[KC_LEVELS], const double place[3], double t,
                    double alt, int32_t datum) {
    kc_holds *found = all->found;
    int32_t count = 0;
    for (int level = 0; level < KC_LEVELS; level++) {
        const kc_fence_cell *cell = cells[level];
        if (!cell) continue;
        for (int32_t k = 0; k < cell->cover_count; k++) {
            kc_cover cover = kc_covers_of(cell)[k];
            int32_t flags;
            if (!holds_now(all, cover.part, t, alt, datum, &flags)) continue;
            found[count++] = (kc_holds){cover.fence, flags};
        }
        if (!cell->rim_size) continue;
        float xy[2];
        const char *rims = kc_rims_of(cell);
        on_sheet((const kc_sheet *)rims, place, xy);
        for (int32_t at = sizeof(kc_sheet); at < cell->rim_size;) {
            const kc_rim *rim = (const kc_rim *)(rims + at);
            at += kc_rim_size(rim);
            int32_t flags, within;
            if (rim->edges < 0) {
                const kc_part *part = all->parts + rim->part;
                const double *area = part->plans->areas + 8 * part->volume;
                within = kc_distance(area, place) < area[4] - KC_DEPTH_M;
            } else {
                within = within_rim(rim, xy);
                if (within < 0) within = kc_surely_within_rim(all, cell->key, rim, place);
            }
            /* Whether it is within nobody can guess, so it is not asked in a branch. */
            int holds = holds_now(all, rim->part, t, alt, datum, &flags);
            found[count] = (kc_holds){rim->fence, flags};
            count += within & holds;
        }
    }
    /* In order of number; of two parts of one fence the surer. */
    for (int32_t i = 1; i < count; i++) {
        kc_holds one = found[i];
        int32_t k = i;
        for (; k > 0 && (found[k - 1].fence > one.fence ||
                         (found[k - 1].fence == one.fence && found[k - 1].flags > one.flags));
             k--)
            found[k] = found[k - 1];
        found[k] = one;
    }
    int32_t kept = 0;
    for (int32_t i = 0; i < count; i++)
        if (!kept || found[kept - 1].fence != found[i].fence) found[kept++] = found[i];
    return kept;
}

/* ── what a report shows ─────────────────────────────────────────────────────────────────────────────────────────── */

/* Metres from a place to the nearest edge, negative within. */
static double depth_by_eights(const kc_part *part, const double place[3]) {
    double xy[2], least[8];
    int64_t turns[8] = {0};
    kc_on_plane(&part->plane, place, xy);
    for (int k = 0; k < 8; k++) least[k] = INFINITY;
    for (int64_t i = 0; i < part->eight_count; i++) {
        const kc_eight *e = part->eights + i;
        for (int k = 0; k < 8; k++) {
            double x = xy[0] - e->x[k], y = xy[1] - e->y[k];
            double share = (x * e->along_x[k] + y * e->along_y[k]) * e->per_square[k];
            share = share > 0.0 ? share : 0.0;
            share = share < 1.0 ? share : 1.0;
            double off_x = x - share * e->along_x[k], off_y = y - share * e->along_y[k];
            double square = off_x * off_x + off_y * off_y;
            least[k] = square < least[k] ? square : least[k];
            /* A ray to the east crosses the edge; an edge owns its southern end only. */
            double side = e->along_x[k] * y - e->along_y[k] * x;
            int64_t north = xy[1] >= e->y[k], end_north = xy[1] >= e->y[k] + e->along_y[k];
            turns[k] ^= (north ^ end_north) & ((side > 0.0) ^ (e->along_y[k] < 0.0));
        }
    }
    double nearest = INFINITY;
    int64_t inside = 0;
    for (int k = 0; k < 8; k++) {
        nearest = fmin(nearest, least[k]);
        inside ^= turns[k];
    }
    return inside ? -sqrt(nearest) : sqrt(nearest);
}

/* Metres within the rim of a fence, negative outside; of its parts the deepest. */
static double margin(const kc_fences *all, int32_t fence, const double place[3]) {
    double deepest = -INFINITY;
    for (int32_t number = all->first_part[fence]; number >= 0; number = all->parts[number].next) {
        const kc_part *part = all->parts + number;
        double depth = INFINITY;
        /* On the plane the other side of the earth lies over this one. */
        if (part->eights && kc_dot(part->plane.up, place) > 0.0) depth = depth_by_eights(part, place);
        if (!(depth < 2.0 * KC_LOCAL_M)) depth = kc_depth(part->plans, part->volume, place, NULL);
        deepest = fmax(deepest, -depth);
    }
    return deepest;
}

static int see(kc_sightings *seen, const kc_reports *reports, int64_t row, int32_t what, int32_t fence, int32_t flags,
               double value) {
    kc_seen one = {.what = what, .flags = flags, .row = row, .mover = reports->mover[row], .other = fence,
                   .t = reports->t[row], .value = value};
    memcpy(one.place, reports->place + 3 * row, sizeof one.place);
    return kc_add_seen(seen, &one);
}

int kc_keep_stays(const kc_fences *all, kc_insider *one, int32_t count) {
    if (count > KC_FEW_STAYS && count > one->room) {
        kc_stay *many = realloc(one->many, 2 * (size_t)count * sizeof *many);
        if (!many) return 0;
        one->many = many;
        one->room = 2 * count;
    }
    if (count) memcpy(kc_stays_of(one), all->staying, (size_t)count * sizeof *all->staying);
    one->count = count;
    return 1;
}

/* Brings the stays of a mover in line with the fences found to hold it, and tells what that changes. */
static int compare(kc_fences *all, kc_insider *one, int32_t count, const kc_reports *reports, int64_t row,
                   kc_sightings *seen) {
    double t = reports->t[row];
    const kc_stay *before = kc_stays_of(one), *end = before + one->count;
    int same = one->count == count;
    for (int32_t k = 0; same && k < count; k++) same = before[k].fence == all->found[k].fence;
    if (same) return 1;
    int32_t k = 0;
    for (const kc_stay *stay = before; stay < end; stay++) {
        while (k < count && all->found[k].fence < stay->fence) k++;
        if (k < count && all->found[k].fence == stay->fence) continue;
        if (!see(seen, reports, row, KC_LEFT, stay->fence, 0, t - stay->since)) return 0;
    }
    for (k = 0; k < count; k++) {
        int32_t fence = all->found[k].fence;
        while (before < end && before->fence < fence) before++;
        if (before < end && before->fence == fence) {
            all->staying[k] = *before++;
            continue;
        }
        all->staying[k] = (kc_stay){fence, 0, t};
        if (!see(seen, reports, row, KC_ENTERED, fence, all->found[k].flags, NAN)) return 0;
    }
    return kc_keep_stays(all, one, count);
}

/* Those who dwell, and a new count of time for those of whom nothing was known in between. */
static int dwell_on(kc_fences *all, kc_insider *one, const kc_reports *reports, int64_t row, double dwell,
                    kc_sightings *seen) {
    double t = reports->t[row];
    for (int32_t k = 0; k < one->count; k++) {
        kc_stay *stay = kc_stays_of(one) + k;
        if (!reports->joined[row]) {
            stay->since = t;
            stay->told = 0;
        }
        if (stay->told || !(t - stay->since >= dwell)) continue;
        stay->told = 1;
        if (!see(seen, reports, row, KC_DWELT, stay->fence, all->found[k].flags, t - stay->since)) return 0;
    }
    return 1;
}

static int make_room(kc_fences *all, int64_t movers) {
    if (movers <= all->movers) return 1;
    if (movers > all->mover_room) {
        int64_t room = all->mover_room ? all->mover_room : 1024;
        while (room < movers) room *= 2;
        kc_insider *insiders = kc_lines((size_t)room * sizeof *insiders);
        if (!insiders) return 0;
        if (all->movers) memcpy(insiders, all->insiders, (size_t)all->movers * sizeof *insiders);
        free(all->insiders);
        all->insiders = insiders;
        all->mover_room = room;
    }
    for (; all->movers < movers; all->movers++) {
        kc_insider *one = all->insiders + all->movers;
        one->many = NULL;
        one->count = one->room = 0;
        one->last = -INFINITY;
    }
    return 1;
}

/* The margins of what was seen from `first` on, each asked for ahead. */
static void measure(const kc_fences *all, kc_sightings *seen, int64_t first) {
    enum { AHEAD = 4 };
    for (int64_t i = first; i < seen->count; i++) {
        if (i + 2 * AHEAD < seen->count) {
            const kc_part *part = all->parts + all->first_part[seen->list[i + 2 * AHEAD].other];
            for (size_t at = 0; at < sizeof *part; at += 64) __builtin_prefetch((const char *)part + at);
        }
        if (i + AHEAD < seen->count) {
            const kc_part *part = all->parts + all->first_part[seen->list[i + AHEAD].other];
            for (int64_t k = 0; k < part->eight_count && k < 4; k++)
                for (size_t at = 0; at < sizeof(kc_eight); at += 64)
                    __builtin_prefetch((const char *)(part->eights + k) + at);
        }
        seen->list[i].margin = margin(all, (int32_t)seen->list[i].other, seen->list[i].place);
    }
}

/* What the reports show, one after the other, added to `seen`: KC_LEFT and KC_ENTERED in order of fence (of time, where
 * what lies between reports is looked at), then KC_DWELT for stays of `dwell` s or more (infinite: none). Returns 0, or
 * -1 if there is no memory left: what was seen is then lost, and the reports that were not reached count for nothing.
 */
KC_EXPORT int kc_fences_feed(kc_fences *all, const kc_reports *reports, double dwell, kc_sightings *seen) {
    enum { BLOCK = 32 };
    if (!make_room(all, reports->movers)) return -1;
    set_clocks(all, reports);
    int64_t before = seen->count;
    for (int64_t from = 0; from < reports->count; from += BLOCK) {
        int many = reports->count - from < BLOCK ? (int)(reports->count - from) : BLOCK;
        uint64_t keys[BLOCK][KC_LEVELS];
        const kc_fence_cell *cells[BLOCK][KC_LEVELS];
        /* Three times over the same reports, so that what one waits for from memory comes while others are done. */
        for (int i = 0; i < many; i++) {
            double lat = reports->lat[from + i], lon = reports->lon[from + i];
            for (int level = 0; level < KC_LEVELS; level++) {
                if (!all->cells_in[level]) continue;
                int64_t row = kc_row(all->grids + level, lat);
                keys[i][level] = kc_fence_key(level, row, kc_column(all->grids + level, row, lon));
                __builtin_prefetch(all->table + kc_fence_slot(all, keys[i][level]));
            }
            const kc_insider *one = all->insiders + reports->mover[from + i];
            __builtin_prefetch(one, 1);
            __builtin_prefetch(one->few + KC_FEW_STAYS - 1, 1);
        }
        for (int i = 0; i < many; i++) {
            for (int level = 0; level < KC_LEVELS; level++) {
                cells[i][level] = all->cells_in[level] ? kc_fence_cell_of(all, keys[i][level]) : NULL;
                const kc_fence_cell *cell = cells[i][level];
                if (!cell) continue;
                for (int32_t line = 0; line < cell->lines && line < 8; line++)
                    __builtin_prefetch(cell->held + (ptrdiff_t)line * KC_LINE);
            }
        }
        for (int i = 0; i < many; i++) {
            int64_t row = from + i;
            kc_insider *one = all->insiders + reports->mover[row];
            double t = reports->t[row];
            int32_t count = find(all, cells[i], reports->place + 3 * row, t, reports->alt[row], reports->datum[row]);
            one->last = t;
            int between = all->walk > 0.0 && reports->joined[row];
            if (!(between ? kc_fences_between(all, one, count, reports, row, dwell, seen)
                          : compare(all, one, count, reports, row, seen)) ||
                !dwell_on(all, one, reports, row, dwell, seen))
                return -1;
        }
    }
    measure(all, seen, before);
    return 0;
}

/* Tells of those who by `now` have been within for `dwell` s, and were heard of no more than `gap` s ago: KC_DWELT in
 * order of mover, then of fence, without place and margin. Returns 0, or -1 if there is no memory left.
 */
KC_EXPORT int kc_fences_tick(kc_fences *all, double now, double dwell, double gap, kc_sightings *seen) {
    for (int64_t i = 0; i < all->movers; i++) {
        kc_insider *one = all->insiders + i;
        for (int32_t k = 0; k < one->count && now - one->last <= gap; k++) {
            kc_stay *stay = kc_stays_of(one) + k;
            if (stay->told || !(now - stay->since >= dwell)) continue;
            kc_seen found = {.what = KC_DWELT, .row = -1, .mover = i, .other = stay->fence, .t = now, .margin = NAN,
                             .value = now - stay->since};
            if (!kc_add_seen(seen, &found)) return -1;
            stay->told = 1;
        }
    }
    return 0;
}

/* How many stays there are; with `stays` not NULL also writes them, (count, 2): mover and fence. */
KC_EXPORT int64_t kc_fences_stays(const kc_fences *all, int64_t *stays) {
    int64_t count = 0;
    for (int64_t i = 0; i < all->movers; i++)
        for (int32_t k = 0; k < all->insiders[i].count; k++, count++)
            if (stays) stays[2 * count] = i, stays[2 * count + 1] = kc_stays_of(all->insiders + i)[k].fence;
    return count;
}
