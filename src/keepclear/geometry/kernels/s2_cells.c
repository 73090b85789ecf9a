#include "s2_cells.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEVEL = 13, SIDE = 1 << LEVEL, MOST_CELLS = 20000, MOST_STEPS = 1000000, FEW = 32, SMALL_BOX = 4096 };
#define DEGREE (3.14159265358979323846 / 180.0)
#define EARTH_M 6371010.0
#define ECCENTRICITY2 6.69437999014e-3
#define LEAST_CURVATURE_M (6378137.0 * (1.0 - ECCENTRICITY2))
#define MARGIN (0.7 / EARTH_M)
#define BEND 4.6e-4
#define STRETCH 3.1
#define FARTHEST 0.157
#define WIDEST_M 150000.0
#define BEYOND 1.01

typedef struct {
    double u, v, w;
} vector;

typedef struct {
    uint64_t *ids;
    int64_t count, room; /* those that there is no room for are counted */
} found_cells;

static void add(found_cells *found, int face, int i, int j) {
    static const uint8_t POSITIONS[4][4] = {{0, 1, 3, 2}, {0, 3, 1, 2}, {2, 3, 1, 0}, {2, 1, 3, 0}};
    static const uint8_t TURNS[4] = {1, 0, 0, 3};
    if (found->count < found->room) {
        uint64_t place = (uint64_t)face;
        int turned = face & 1;
        for (int bit = LEVEL - 1; bit >= 0; bit--) {
            int position = POSITIONS[turned][((i >> bit) & 1) << 1 | ((j >> bit) & 1)];
            place = place << 2 | (uint64_t)position;
            turned ^= TURNS[position];
        }
        found->ids[found->count] = (place << 1 | 1) << 2 * (30 - LEVEL);
    }
    found->count++;
}

static int by_id(const void *a, const void *b) {
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
    return (one > other) - (one < other);
}

static int64_t sorted(const found_cells *found) {
    if (found->count > MOST_CELLS) return KC_S2_TOO_MANY;
    if (found->count > 1 && found->count <= found->room) qsort(found->ids, (size_t)found->count, sizeof(uint64_t), by_id);
    return found->count;
}

static double line(double part) {
    return part >= 0.5 ? (4.0 * part * part - 1.0) / 3.0 : (1.0 - 4.0 * (1.0 - part) * (1.0 - part)) / 3.0;
}

static int place(double u) {
    if (u <= -1.0) return 0;
    double part = u >= 0.0 ? 0.5 * sqrt(1.0 + 3.0 * u) : 1.0 - 0.5 * sqrt(1.0 - 3.0 * u);
    return part * SIDE < SIDE ? (int)(part * SIDE) : SIDE - 1;
}

static vector vector_at(double lat, double lng) {
    lat *= DEGREE;
    lng *= DEGREE;
    return (vector){cos(lat) * cos(lng), cos(lat) * sin(lng), sin(lat)};
}

static vector on_face(int face, vector p) {
    switch (face) {
    case 0: return (vector){p.v, p.w, p.u};
    case 1: return (vector){-p.u, p.w, p.v};
    case 2: return (vector){-p.u, -p.v, p.w};
    case 3: return (vector){-p.w, -p.v, -p.u};
    case 4: return (vector){-p.w, p.u, -p.v};
    default: return (vector){p.v, p.u, -p.w};
    }
}

static double chord2(vector a, vector b) {
    double u = a.u - b.u, v = a.v - b.v, w = a.w - b.w;
    return u * u + v * v + w * w;
}

/* ── outlines ──────────────────────────────────────────────────────────────────────────────────────────────────── */

enum { TOUCHED = 1, CROSSED = 2 };

typedef struct {
    double wider;
    int64_t steps;
    int west, south, columns, rows; /* the box around the outline on this face */
    uint8_t *cells;                 /* (columns, rows) TOUCHED; CROSSED: an edge passes the column below its middle */
} drawing;

static double along(double u0, double v0, double u1, double v1, double u) {
    return u <= u0 ? v0 : u >= u1 ? v1 : v0 + (u - u0) / (u1 - u0) * (v1 - v0);
}

static int first_above(double v) {
    if (v > 1.0) return SIDE;
    int row = place(v);
    return line((row + 0.5) / SIDE) > v ? row : row + 1;
}

static int draw_edge(drawing *on, double u0, double v0, double u1, double v1) {
    if (u1 < u0) {
        double u = u0, v = v0;
        u0 = u1, v0 = v1, u1 = u, v1 = v;
    }
    double wider = on->wider;
    if (u1 + wider < -1.0 || u0 - wider > 1.0) return 1;
    int last_column = place(u1 + wider);
    for (int i = place(u0 - wider); i <= last_column; i++) {
        double va = along(u0, v0, u1, v1, line((double)i / SIDE) - wider);
        double vb = along(u0, v0, u1, v1, line((double)(i + 1) / SIDE) + wider);
        double lowest = fmin(va, vb), highest = fmax(va, vb);
        if (highest + wider < -1.0 || lowest - wider > 1.0) {
            on->steps++;
            continue;
        }
        int first = place(lowest - wider), last = place(highest + wider);
        on->steps += last - first + 1;
        if (on->steps > MOST_STEPS) return 0;
        uint8_t *column = on->cells + (int64_t)(i - on->west) * on->rows - on->south;
        for (int j = first; j <= last; j++) column[j] |= TOUCHED;
    }
    last_column = place(u1);
    for (int i = place(u0); i <= last_column; i++) {
        double middle = line((i + 0.5) / SIDE);
        if (u0 <= middle && middle < u1) {
            int row = first_above(along(u0, v0, u1, v1, middle));
            if (row < on->south + on->rows) on->cells[(int64_t)(i - on->west) * on->rows + row - on->south] ^= CROSSED;
        }
    }
    return 1;
}

/* Adds the cells of one face; 0, or why not. */
static int64_t draw(int face, const vector *ring, int64_t count, double wider, int64_t *steps, found_cells *found) {
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    for (int64_t k = 0; k < count; k++) {
        double u = ring[k].u / ring[k].w, v = ring[k].v / ring[k].w;
        low[0] = fmin(low[0], u);
        high[0] = fmax(high[0], u);
        low[1] = fmin(low[1], v);
        high[1] = fmax(high[1], v);
    }
    for (int axis = 0; axis < 2; axis++)
        if (!(low[axis] - wider <= 1.0 && high[axis] + wider >= -1.0)) return 0;
    drawing on = {.wider = wider, .steps = *steps, .west = place(low[0] - wider), .south = place(low[1] - wider)};
    on.columns = place(high[0] + wider) - on.west + 1;
    on.rows = place(high[1] + wider) - on.south + 1;
    uint8_t small[SMALL_BOX];
    size_t size = (size_t)on.columns * (size_t)on.rows;
    on.cells = size <= SMALL_BOX ? memset(small, 0, size) : calloc(size, 1);
    if (!on.cells) return KC_S2_NO_MEMORY;
    int64_t fault = 0;
    for (int64_t k = 0; k < count && !fault; k++) {
        const vector *a = ring + k, *b = ring + (k + 1 < count ? k + 1 : 0);
        if (!draw_edge(&on, a->u / a->w, a->v / a->w, b->u / b->w, b->v / b->w)) fault = KC_S2_TOO_MANY;
    }
    for (int i = 0; i < on.columns && !fault; i++) {
        const uint8_t *column = on.cells + (int64_t)i * on.rows;
        uint8_t inside = 0;
        for (int j = 0; j < on.rows; j++) {
            inside ^= column[j] & CROSSED;
            if (inside | (column[j] & TOUCHED)) add(found, face, on.west + i, on.south + j);
        }
    }
    if (on.cells != small) free(on.cells);
    *steps = on.steps;
    return fault;
}

/* Cuts an outline along the edges of a face, a little beyond them; `spare` has room for as many as `ring`. */
static int64_t cut(vector *ring, vector *spare, int64_t count) {
    vector *from = ring, *to = spare;
    for (int side = 0; side < 4; side++) {
        double sign = side & 1 ? -1.0 : 1.0, before = 0.0;
        int64_t kept = 0;
        for (int64_t k = -1; k < count; k++) {
            vector at = from[k < 0 ? count - 1 : k];
            double depth = BEYOND * at.w + sign * (side < 2 ? at.u : at.v);
            if (k >= 0) {
                if ((before > 0.0) != (depth > 0.0)) {
                    vector a = from[k > 0 ? k - 1 : count - 1];
                    double t = before / (before - depth);
                    to[kept++] = (vector){a.u + t * (at.u - a.u), a.v + t * (at.v - a.v), a.w + t * (at.w - a.w)};
                }
                if (depth > 0.0) to[kept++] = at;
            }
            before = depth;
        }
        vector *swap = from;
        from = to, to = swap;
        count = kept;
        if (!count) return 0;
    }
    int64_t kept = 0; /* four cuts: they lie in `ring` again */
    for (int64_t k = 0; k < count; k++)
        if (ring[k].w > 0.0) ring[kept++] = ring[k];
    return kept;
}

static int64_t draw_on_faces(const vector *corners, int64_t count, double wider, found_cells *found) {
    int64_t room = 6 * count + 16, steps = 0, fault = 0; /* each of four cuts adds at most half as many again */
    vector *ring = malloc((size_t)(2 * room) * sizeof *ring);
    if (!ring) return KC_S2_NO_MEMORY;
    for (int face = 0; face < 6 && !fault; face++) {
        for (int64_t k = 0; k < count; k++) ring[k] = on_face(face, corners[k]);
        int64_t left = cut(ring, ring + room, count);
        if (left) fault = draw(face, ring, left, wider, &steps, found);
    }
    free(ring);
    return fault;
}

/* The middle of a box around the vertices; 0 if one lies too far from it. */
static int middle_of(const vector *corners, int64_t count, vector *middle) {
    vector low = corners[0], high = corners[0];
    for (int64_t k = 1; k < count; k++) {
        low = (vector){fmin(low.u, corners[k].u), fmin(low.v, corners[k].v), fmin(low.w, corners[k].w)};
        high = (vector){fmax(high.u, corners[k].u), fmax(high.v, corners[k].v), fmax(high.w, corners[k].w)};
    }
    double x = 0.5 * (low.u + high.u), y = 0.5 * (low.v + high.v), z = 0.5 * (low.w + high.w);
    double length = sqrt(x * x + y * y + z * z);
    if (length < 0.5) return 0;
    *middle = (vector){x / length, y / length, z / length};
    for (int64_t k = 0; k < count; k++)
        if (!(chord2(*middle, corners[k]) <= FARTHEST * FARTHEST)) return 0;
    return 1;
}

static int64_t cover(vector *corners, int64_t count, found_cells *found) {
    vector middle;
    if (!middle_of(corners, count, &middle)) return KC_S2_TOO_MANY;
    double longest2 = 0.0;
    for (int64_t k = 0; k < count; k++)
        longest2 = fmax(longest2, chord2(corners[k], corners[k + 1 < count ? k + 1 : 0]));
    double wider = MARGIN + STRETCH * BEND * longest2, within = 1.0 - 2.0 * wider;
    int face = 0, inside = 1;
    for (int other = 1; other < 6; other++)
        if (on_face(other, middle).w > on_face(face, middle).w) face = other;
    for (int64_t k = 0; k < count && inside; k++) {
        vector seen = on_face(face, corners[k]);
        inside = seen.w > 0.0 && fabs(seen.u) <= within * seen.w && fabs(seen.v) <= within * seen.w;
    }
    if (!inside) return draw_on_faces(corners, count, wider, found);
    int64_t steps = 0;
    for (int64_t k = 0; k < count; k++) corners[k] = on_face(face, corners[k]);
    return draw(face, corners, count, wider, &steps, found);
}

int64_t kc_s2_polygon(const double *lat, const double *lng, int64_t count, uint64_t *ids, int64_t room) {
    if (count < 1) return 0;
    vector few[FEW], *corners = count <= FEW ? few : malloc((size_t)count * sizeof *corners);
    if (!corners) return KC_S2_NO_MEMORY;
    for (int64_t k = 0; k < count; k++) corners[k] = vector_at(lat[k], lng[k]);
    found_cells found = {ids, 0, room};
    int64_t fault = cover(corners, count, &found);
    if (corners != few) free(corners);
    return fault ? fault : sorted(&found);
}

/* ── circles ───────────────────────────────────────────────────────────────────────────────────────────────────── */

/* From where to where the line at u, upright on a face, is within the circle. */
static void slice(vector c, double sine, double u, double *low, double *high) {
    double length = sqrt(1.0 + u * u);
    double off = (c.u - u * c.w) / length;
    double half = asin(sqrt(fmax(0.0, (sine * sine - off * off) / (1.0 - off * off))));
    double toward = atan2(c.v, (u * c.u + c.w) / length);
    *low = length * tan(toward - half);
    *high = length * tan(toward + half);
}

static void round_on_face(int face, vector c, double angle, found_cells *found) {
    double sine = sin(angle);
    if (fabs(c.u) - c.w > sqrt(2.0) * sine || fabs(c.v) - c.w > sqrt(2.0) * sine) return;
    double across = sqrt(c.u * c.u + c.w * c.w), toward_u = atan2(c.u, c.w);
    double upright = sqrt(c.v * c.v + c.w * c.w), toward_v = atan2(c.v, c.w);
    double half_u = asin(sine / across), half_v = asin(sine / upright);
    double west = tan(toward_u - half_u), east = tan(toward_u + half_u);
    double bottom = tan(toward_v - half_v), top = tan(toward_v + half_v);
    if (east < -1.0 || west > 1.0 || top < -1.0 || bottom > 1.0) return;
    double bottom_u = c.u / (c.w + sine * sin(toward_v - half_v));
    double top_u = c.u / (c.w - sine * sin(toward_v + half_v));
    int last_column = place(east);
    for (int i = place(west); i <= last_column; i++) {
        double sides[2] = {line((double)i / SIDE), line((double)(i + 1) / SIDE)};
        double lowest = INFINITY, highest = -INFINITY;
        for (int side = 0; side < 2; side++) {
            if (west <= sides[side] && sides[side] <= east) {
                double low, high;
                slice(c, sine, sides[side], &low, &high);
                lowest = fmin(lowest, low);
                highest = fmax(highest, high);
            }
        }
        if (sides[0] <= bottom_u && bottom_u <= sides[1]) lowest = bottom;
        if (sides[0] <= top_u && top_u <= sides[1]) highest = top;
        if (!(lowest <= 1.0 && highest >= -1.0)) continue;
        int last = place(highest);
        for (int j = place(lowest); j <= last; j++) add(found, face, i, j);
    }
}

int64_t kc_s2_circle(double lat, double lng, double radius, uint64_t *ids, int64_t room) {
    if (!(radius <= WIDEST_M)) return KC_S2_TOO_MANY;
    double nearest = fabs(lat) * DEGREE - radius / LEAST_CURVATURE_M;
    double sine = nearest > 0.0 ? sin(nearest) : 0.0;
    double meridian = LEAST_CURVATURE_M / pow(1.0 - ECCENTRICITY2 * sine * sine, 1.5);
    double angle = radius / fmin(meridian, EARTH_M) + 0.5 * MARGIN;
    vector middle = vector_at(lat, lng);
    found_cells found = {ids, 0, room};
    for (int face = 0; face < 6; face++) round_on_face(face, on_face(face, middle), angle, &found);
    return sorted(&found);
}
