/* Entering fences into the cells of the surface, and taking them out again. */
#include "fences.h"
#include "outlines.h"
#include "pool.h"

#include <stdlib.h>
#include <string.h>

/* Edges pass a cell at no less than this from the place whose side is known, m. */
#define CLEAR_M 0.05

/* Cells near the rim of the part being entered. */
typedef struct {
    uint64_t key;
    int64_t row, column;
    kc_plane plane;
    double reach;
    int64_t last_edge;
    int32_t edges, first;
} near_cell;

typedef struct {
    int32_t cell, edge;
} meeting;

typedef struct {
    double a[2], b[2];
} far_edge;

typedef struct {
    const double **a, **b; /* the edges */
    int64_t edge_count;
    near_cell *cells;
    int32_t *slots; /* of the cells, by key; -1: free */
    int64_t cell_count, slot_count;
    meeting *meetings;
    int64_t meeting_count, meeting_room;
    double beyond; /* how far beyond a cell a rim still belongs to it, m */
    int32_t *order; /* edges, cell by cell */
    far_edge *edges; /* of one rim */
    char *drawn;        /* the same as it is kept */
} plot;

static void clear_plot(plot *plot) {
    free(plot->a);
    free(plot->b);
    free(plot->cells);
    free(plot->slots);
    free(plot->meetings);
    free(plot->order);
    free(plot->edges);
    free(plot->drawn);
}

/* ── the table ───────────────────────────────────────────────────────────────────────────────────────────────────── */

static int grow_table(kc_fences *all) {
    int64_t full = 0;
    for (int64_t i = 0; i < all->slots; i++) full += all->table[i].cover_count || all->table[i].rim_size;
    kc_fences next = *all;
    next.slots = 1024;
    while (next.slots < 4 * (full + 1)) next.slots *= 2;
    next.table = kc_lines((size_t)next.slots * sizeof *next.table);
    if (!next.table) return 0;
    memset(next.table, 0, (size_t)next.slots * sizeof *next.table);
    next.used = full;
    for (int64_t i = 0; i < all->slots; i++) {
        if (!all->table[i].cover_count && !all->table[i].rim_size) continue; /* its lists are NULL */
        int64_t slot = kc_fence_slot(&next, all->table[i].key);
        while (next.table[slot].key) slot = (slot + 1) & (next.slots - 1);
        next.table[slot] = all->table[i];
    }
    free(all->table);
    *all = next;
    return 1;
}

static kc_fence_cell *cell_for(kc_fences *all, uint64_t key) {
    if (2 * all->used >= all->slots && !grow_table(all)) return NULL;
    int64_t slot = kc_fence_slot(all, key);
    while (all->table[slot].key && all->table[slot].key != key) slot = (slot + 1) & (all->slots - 1);
    if (!all->table[slot].key) {
        all->table[slot].key = key;
        all->used++;
    }
    return all->table + slot;
}

/* Room to keep in mind that the part is in one cell more. */
static int room_to_note(kc_part *one) {
    if (!(one->cell_count & (one->cell_count - 1))) {
        size_t room = one->cell_count ? 2 * (size_t)one->cell_count : 1;
        uint64_t *cells = realloc(one->cells, room * sizeof *cells);
        if (!cells) return 0;
        one->cells = cells;
    }
    return 1;
}

static void note_cell(kc_fences *all, int32_t part, uint64_t key) {
    kc_part *one = all->parts + part;
    one->cells[one->cell_count++] = key;
    all->cells_in[(key >> 60) - 1]++;
}

/* Room in a cell for so many bytes more. */
static int room_in(kc_fences *all, kc_fence_cell *cell, int64_t more) {
    int64_t held = (int64_t)sizeof(kc_cover) * cell->cover_count + cell->rim_size;
    int32_t lines = kc_lines_for(held + more);
    if (lines <= cell->lines) return 1;
    if (lines > KC_SHELVES) lines += lines / 2;
    char *fresh = kc_shelf_take(&all->shelves, lines);
    if (!fresh) return 0;
    if (cell->held) {
        memcpy(fresh, cell->held, (size_t)held);
        kc_shelf_return(&all->shelves, cell->held, cell->lines);
    }
    cell->held = fresh;
    cell->lines = lines;
    return 1;
}

static int add_cover(kc_fences *all, int32_t part, uint64_t key) {
    kc_fence_cell *cell = cell_for(all, key);
    kc_cover cover = {all->parts[part].fence, part};
    if (!cell || !room_to_note(all->parts + part) || !room_in(all, cell, sizeof cover)) return 0;
    char *rims = kc_rims_of(cell);
    memmove(rims + sizeof cover, rims, (size_t)cell->rim_size);
    memcpy(rims, &cover, sizeof cover);
    cell->cover_count++;
    note_cell(all, part, key);
    return 1;
}

/* `rest`: its edges and their corners. */
static int add_rim(kc_fences *all, const kc_rim *rim, const char *rest, const kc_plane *plane, uint64_t key) {
    kc_fence_cell *cell = cell_for(all, key);
    int32_t size = kc_rim_size(rim);
    if (!cell || !room_to_note(all->parts + rim->part)) return 0;
    if (!room_in(all, cell, size + (cell->rim_size ? 0 : (int32_t)sizeof(kc_sheet)))) return 0;
    char *rims = kc_rims_of(cell);
    if (!cell->rim_size) {
        kc_sheet sheet = {.east = {(float)plane->east[0], (float)plane->east[1]}};
        memcpy(sheet.origin, plane->origin, sizeof sheet.origin);
        for (int i = 0; i < 3; i++) sheet.north[i] = (float)plane->north[i];
        memcpy(rims, &sheet, sizeof sheet);
        cell->rim_size = sizeof sheet;
    }
    memcpy(rims + cell->rim_size, rim, sizeof *rim);
    if (rim->edges > 0) memcpy(rims + cell->rim_size + sizeof *rim, rest, (size_t)size - sizeof *rim);
    cell->rim_size += size;
    note_cell(all, rim->part, key);
    return 1;
}

/* Takes a part out of a cell, which keeps its lines until it holds nothing. */
static void take_out(kc_fences *all, kc_fence_cell *cell, int32_t part) {
    kc_cover *covers = kc_covers_of(cell);
    for (int32_t k = cell->cover_count - 1; k >= 0; k--) {
        if (covers[k].part != part) continue;
        char *rims = kc_rims_of(cell);
        covers[k] = covers[cell->cover_count - 1];
        memmove(rims - sizeof *covers, rims, (size_t)cell->rim_size);
        cell->cover_count--;
        break;
    }
    char *rims = kc_rims_of(cell);
    for (int32_t at = sizeof(kc_sheet), size; at < cell->rim_size; at += size) {
        const kc_rim *rim = (const kc_rim *)(rims + at);
        size = kc_rim_size(rim);
        if (rim->part != part) continue;
        memmove(rims + at, rims + at + size, (size_t)(cell->rim_size - at - size));
        cell->rim_size -= size;
        break;
    }
    if (cell->rim_size == (int32_t)sizeof(kc_sheet)) cell->rim_size = 0;
    if (cell->cover_count || cell->rim_size) return;
    kc_shelf_return(&all->shelves, cell->held, cell->lines);
    cell->held = NULL;
    cell->lines = 0;
}

void kc_fence_lift(kc_fences *all, int32_t part) {
    kc_part *one = all->parts + part;
    for (int64_t i = 0; i < one->cell_count; i++) {
        kc_fence_cell *cell = (kc_fence_cell *)kc_fence_cell_of(all, one->cells[i]);
        all->cells_in[(one->cells[i] >> 60) - 1]--;
        take_out(all, cell, part);
    }
    free(one->cells);
    free(one->eights);
    one->cells = NULL;
    one->eights = NULL;
    one->cell_count = one->eight_count = 0;
}

/* ── a polygon ───────────────────────────────────────────────────────────────────────────────────────────────────── */

static int list_edges(const kc_part *part, plot *plot) {
    const kc_plans *plans = part->plans;
    int64_t first = plans->ring_from[part->volume], stop = plans->ring_from[part->volume + 1];
    int64_t count = plans->vertex_from[stop] - plans->vertex_from[first];
    plot->a = malloc((size_t)(count + 1) * sizeof *plot->a);
    plot->b = malloc((size_t)(count + 1) * sizeof *plot->b);
    if (!plot->a || !plot->b) return 0;
    for (int64_t r = first; r < stop; r++) {
        int64_t size;
        const double *ring = kc_ring(plans, r, &size);
        for (int64_t k = 0; k < size; k++) {
            const double *next = ring + 3 * (k + 1 < size ? k + 1 : 0);
            if (!memcmp(ring + 3 * k, next, 3 * sizeof *next)) continue; /* an edge of no length */
            plot->a[plot->edge_count] = ring + 3 * k;
            plot->b[plot->edge_count++] = next;
        }
    }
    return 1;
}

static int64_t plot_slot(const plot *plot, uint64_t key) {
    uint64_t mixed = key * 0x9E3779B97F4A7C15u;
    int64_t slot = (int64_t)((mixed ^ mixed >> 32) & (uint64_t)(plot->slot_count - 1));
    while (plot->slots[slot] >= 0 && plot->cells[plot->slots[slot]].key != key) slot = (slot + 1) & (plot->slot_count - 1);
    return slot;
}

static int grow_plot(plot *plot) {
    int64_t count = plot->slot_count ? 2 * plot->slot_count : 64;
    near_cell *cells = realloc(plot->cells, (size_t)(count / 2) * sizeof *cells);
    if (!cells) return 0;
    plot->cells = cells;
    int32_t *slots = realloc(plot->slots, (size_t)count * sizeof *slots);
    if (!slots) return 0;
    plot->slots = slots;
    plot->slot_count = count;
    for (int64_t i = 0; i < count; i++) slots[i] = -1;
    for (int64_t i = 0; i < plot->cell_count; i++) slots[plot_slot(plot, cells[i].key)] = (int32_t)i;
    return 1;
}

/* The cell of a grid among those near the rim, made if it is new. NULL: no memory. */
static near_cell *near_cell_for(plot *plot, const kc_grid *grid, int level, int64_t row, int64_t column) {
    if (2 * plot->cell_count >= plot->slot_count && !grow_plot(plot)) return NULL;
    uint64_t key = kc_fence_key(level, row, column);
    int64_t slot = plot_slot(plot, key);
    if (plot->slots[slot] < 0) {
        plot->slots[slot] = (int32_t)plot->cell_count;
        near_cell *cell = plot->cells + plot->cell_count++;
        memset(cell, 0, sizeof *cell);
        cell->key = key;
        cell->row = row;
        cell->column = column;
        cell->last_edge = -1;
        kc_cell(grid, row, column, &cell->plane, &cell->reach);
        cell->reach += plot->beyond;
    }
    return plot->cells + plot->slots[slot];
}

static int meet(plot *plot, near_cell *cell, int64_t edge) {
    if (plot->meeting_count == plot->meeting_room) {
        int64_t room = plot->meeting_room ? 2 * plot->meeting_room : 256;
        meeting *meetings = realloc(plot->meetings, (size_t)room * sizeof *meetings);
        if (!meetings) return 0;
        plot->meetings = meetings;
        plot->meeting_room = room;
    }
    plot->meetings[plot->meeting_count++] = (meeting){(int32_t)(cell - plot->cells), (int32_t)edge};
    cell->edges++;
    return 1;
}

/* Finds the cells within reach of an edge, walking along it by half a cell. */
static int plot_edge(plot *plot, const kc_grid *grid, int level, int64_t edge) {
    const double *a = plot->a[edge], *b = plot->b[edge];
    double length = 0.0;
    for (int i = 0; i < 3; i++) length += (b[i] - a[i]) * (b[i] - a[i]);
    int64_t steps = (int64_t)ceil(sqrt(length) / (0.5 * grid->size));
    for (int64_t step = 0; step < steps; step++) {
        double p[3], lat, lon;
        kc_edge_at(a, b, ((double)step + 0.5) / (double)steps, p);
        kc_degrees(p, &lat, &lon);
        int64_t own = kc_row(grid, lat), first = own > 0 ? own - 1 : 0;
        int64_t last = own + 1 < grid->rows ? own + 1 : own;
        for (int64_t row = first; row <= last; row++) {
            int64_t from, stop;
            kc_columns_near(grid, row, lat, lon, 1.3 * grid->size / KC_LEAST_RADIUS_M, &from, &stop);
            for (int64_t k = from; k < stop; k++) {
                near_cell *cell = near_cell_for(plot, grid, level, row, kc_round(grid, row, k));
                if (!cell) return 0;
                if (cell->last_edge == edge) continue;
                double ends[2][2], share;
                kc_on_plane(&cell->plane, a, ends[0]);
                kc_on_plane(&cell->plane, b, ends[1]);
                double off2 = kc_to_segment(0.0, 0.0, ends[0][0], ends[0][1], ends[1][0], ends[1][1], &share);
                if (off2 > cell->reach * cell->reach) continue;
                cell->last_edge = edge;
                if (!meet(plot, cell, edge)) return 0;
            }
        }
    }
    return 1;
}

/* Sorts the meetings by cell: `order` has the edges of a cell from its `first` on. */
static int gather(plot *plot) {
    plot->order = malloc((size_t)(plot->meeting_count + 1) * sizeof *plot->order);
    if (!plot->order) return 0;
    int32_t at = 0, most = 0;
    for (int64_t i = 0; i < plot->cell_count; i++) {
        plot->cells[i].first = at;
        at += plot->cells[i].edges;
        if (plot->cells[i].edges > most) most = plot->cells[i].edges;
        plot->cells[i].edges = 0;
    }
    for (int64_t i = 0; i < plot->meeting_count; i++) {
        near_cell *cell = plot->cells + plot->meetings[i].cell;
        plot->order[cell->first + cell->edges++] = plot->meetings[i].edge;
    }
    plot->edges = malloc(((size_t)most + 1) * sizeof *plot->edges);
    plot->drawn = malloc(((size_t)most + 1) * (sizeof(kc_edge) + sizeof(int32_t)));
    return plot->edges && plot->drawn;
}

/* Writes the edges and corners of a rim as they are kept. Returns how great each figure of an edge must be to be sure.
 *
 * These are sums of a few products of two lengths: of ends of edges, up to `far`, and of the place asked about, up to
 * `about`. An end is off by 2^-24 of itself, the place by less than 16 times that of `about`, and all the sums by less
 * than 2^-24 far (8 far + 46 about). On top comes what a place that grazes an edge may give: KC_DEPTH_M times a length
 * below twice `far`.
 */
static float draw_rim(const kc_part *part, const plot *plot, const near_cell *cell, double x, double y, double reach) {
    const kc_plans *plans = part->plans;
    const double *first = plans->vertices + 3 * plans->vertex_from[plans->ring_from[part->volume]];
    double far = 0.0, about = 1.5 * (reach + fabs(x) + fabs(y));
    for (int32_t k = 0; k < cell->edges; k++) {
        const double *a = plot->edges[k].a, *b = plot->edges[k].b;
        int left = a[0] * b[1] - a[1] * b[0] > 0.0; /* the rim's place is, of the edge from a to b */
        kc_edge edge = {(float)a[0], (float)a[1], (float)b[0], (float)b[1]};
        if (!left) edge = (kc_edge){edge.bx, edge.by, edge.ax, edge.ay};
        int32_t corner = (int32_t)((plot->a[plot->order[cell->first + k]] - first) / 3);
        memcpy(plot->drawn + (size_t)k * sizeof edge, &edge, sizeof edge);
        memcpy(plot->drawn + (size_t)cell->edges * sizeof edge + (size_t)k * sizeof corner, &corner, sizeof corner);
        far = fmax(far, fmax(fabs(a[0]) + fabs(a[1]), fabs(b[0]) + fabs(b[1])));
    }
    return (float)(far * (1e-6 * (far + 4.0 * about) + 2.1 * KC_DEPTH_M));
}

/* Enters the edges near one cell, and on which side of them a place of the cell lies. */
static int lay_rim(kc_fences *all, int32_t part, plot *plot, const near_cell *cell) {
    const kc_part *one = all->parts + part;
    far_edge *edges = plot->edges;
    for (int32_t k = 0; k < cell->edges; k++) {
        int64_t edge = plot->order[cell->first + k];
        kc_on_plane(&cell->plane, plot->a[edge], edges[k].a);
        kc_on_plane(&cell->plane, plot->b[edge], edges[k].b);
    }
    /* A place clear of every edge: the middle, or else the clearest of some about it. */
    double best = -1.0, x = 0.0, y = 0.0;
    for (int attempt = 0; attempt < 24 && best < CLEAR_M * CLEAR_M; attempt++) {
        double out = 0.4 * all->grids[kc_key_level(cell->key)].size * attempt / 24.0;
        double u = (float)(out * cos(2.4 * attempt)), v = (float)(out * sin(2.4 * attempt)), nearest = INFINITY, share;
        for (int32_t k = 0; k < cell->edges; k++) {
            const double *a = edges[k].a, *b = edges[k].b;
            nearest = fmin(nearest, kc_to_segment(u, v, a[0], a[1], b[0], b[1], &share));
        }
        if (nearest > best) best = nearest, x = u, y = v;
    }
    double place[3], fall = (x * x + y * y) / (2.0 * KC_MEAN_RADIUS_M);
    const kc_plane *plane = &cell->plane;
    for (int i = 0; i < 3; i++)
        place[i] = plane->origin[i] + x * plane->east[i] + y * plane->north[i] - fall * plane->up[i];
    for (int32_t k = 0; k < cell->edges; k++) {
        edges[k].a[0] -= x;
        edges[k].a[1] -= y;
        edges[k].b[0] -= x;
        edges[k].b[1] -= y;
    }
    int inside = kc_in_outline(one->plans, one->volume, place);
    float doubt = draw_rim(one, plot, cell, x, y, cell->reach);
    kc_rim rim = {one->fence, part, cell->edges, inside, (float)x, (float)y, doubt};
    return add_rim(all, &rim, plot->drawn, plane, cell->key);
}

/* ── all cells that an area may reach ────────────────────────────────────────────────────────────────────────────── */

typedef struct {
    double lat, lon, angle;
    int64_t first, last; /* rows */
} cap;

static cap cap_of(const kc_grid *grid, const double area[8]) {
    cap cap;
    kc_degrees(area, &cap.lat, &cap.lon);
    double half = area[3] / (2.0 * KC_LEAST_RADIUS_M);
    cap.angle = (half < 1.0 ? 2.0 * asin(half) : KC_PI) * 1.001 + 1e-8;
    cap.first = kc_row(grid, fmax(-90.0, cap.lat - cap.angle / KC_DEGREE));
    cap.last = kc_row(grid, fmin(90.0, cap.lat + cap.angle / KC_DEGREE));
    return cap;
}

static int cover_polygon(kc_fences *all, int32_t part, int level, const plot *plot) {
    const kc_part *one = all->parts + part;
    const kc_grid *grid = all->grids + level;
    cap cap = cap_of(grid, one->plans->areas + 8 * one->volume);
    for (int64_t row = cap.first; row <= cap.last; row++) {
        int64_t from, stop;
        int known = 0, inside = 0; /* of the cell before: between neighbours without an edge nothing changes */
        kc_columns_near(grid, row, cap.lat, cap.lon, cap.angle, &from, &stop);
        for (int64_t k = from; k < stop; k++) {
            int64_t column = kc_round(grid, row, k);
            uint64_t key = kc_fence_key(level, row, column);
            int32_t near = plot->slots[plot_slot(plot, key)];
            if (near >= 0 && plot->cells[near].edges) {
                known = 0;
                continue;
            }
            if (!known) {
                kc_plane plane;
                double reach;
                kc_cell(grid, row, column, &plane, &reach);
                inside = kc_in_outline(one->plans, one->volume, plane.origin);
                known = 1;
            }
            if (inside && !add_cover(all, part, key)) return 0;
        }
    }
    return 1;
}

static int lay_circle(kc_fences *all, int32_t part, int level) {
    const kc_part *one = all->parts + part;
    const kc_grid *grid = all->grids + level;
    const double *area = one->plans->areas + 8 * one->volume;
    cap cap = cap_of(grid, area);
    for (int64_t row = cap.first; row <= cap.last; row++) {
        int64_t from, stop;
        kc_columns_near(grid, row, cap.lat, cap.lon, cap.angle, &from, &stop);
        for (int64_t k = from; k < stop; k++) {
            int64_t column = kc_round(grid, row, k);
            uint64_t key = kc_fence_key(level, row, column);
            kc_plane plane;
            double reach;
            kc_cell(grid, row, column, &plane, &reach);
            double away = kc_distance(area, plane.origin);
            reach += 0.5 * all->walk * grid->size;
            if (away >= area[4] + reach) continue;
            kc_rim rim = {one->fence, part, -1, 0, 0.0f, 0.0f, 0.0f};
            if (!(away + reach < area[4] - KC_DEPTH_M ? add_cover(all, part, key)
                                                      : add_rim(all, &rim, NULL, &plane, key)))
                return 0;
        }
    }
    return 1;
}

/* Draws the edges on the plane about the middle. */
static int draw_eights(kc_part *part, const plot *plot) {
    const double *area = part->plans->areas + 8 * part->volume;
    if (area[3] > KC_LOCAL_M) return 1;
    kc_plane_at(area, &part->plane);
    int64_t count = (plot->edge_count + 7) / 8;
    part->eights = aligned_alloc(64, (size_t)(count + 1) * sizeof *part->eights);
    if (!part->eights) return 0;
    part->eight_count = count;
    for (int64_t k = 0; k < 8 * part->eight_count; k++) {
        kc_eight *eight = part->eights + k / 8;
        int64_t edge = k < plot->edge_count ? k : plot->edge_count - 1;
        double a[2], b[2];
        kc_on_plane(&part->plane, plot->a[edge], a);
        kc_on_plane(&part->plane, plot->b[edge], b);
        double x = k == edge ? b[0] - a[0] : 0.0, y = k == edge ? b[1] - a[1] : 0.0, square = x * x + y * y;
        eight->x[k % 8] = a[0];
        eight->y[k % 8] = a[1];
        eight->along_x[k % 8] = x;
        eight->along_y[k % 8] = y;
        eight->per_square[k % 8] = square > 0.0 ? 1.0 / square : 0.0;
    }
    return 1;
}

static int lay_polygon(kc_fences *all, int32_t part, int level) {
    plot plot = {.beyond = 0.5 * all->walk * all->grids[level].size};
    int done = list_edges(all->parts + part, &plot) && grow_plot(&plot);
    for (int64_t edge = 0; done && edge < plot.edge_count; edge++)
        done = plot_edge(&plot, all->grids + level, level, edge);
    done = done && gather(&plot);
    for (int64_t i = 0; done && i < plot.cell_count; i++)
        if (plot.cells[i].edges) done = lay_rim(all, part, &plot, plot.cells + i);
    done = done && cover_polygon(all, part, level, &plot) && draw_eights(all->parts + part, &plot);
    clear_plot(&plot);
    return done;
}

int kc_fence_lay(kc_fences *all, int32_t part) {
    const kc_part *one = all->parts + part;
    double size = one->plans->areas[8 * one->volume + 3];
    int level = 0;
    while (level + 1 < KC_LEVELS && 10.0 * all->grids[level].size < size) level++;
    if (!all->grids[level].rows && !kc_grid_make(all->grids + level)) return 0;
    return kc_is_circle(one->plans, one->volume) ? lay_circle(all, part, level) : lay_polygon(all, part, level);
}
