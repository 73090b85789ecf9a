#include "movers.h"
#include "pool.h"

#include <stdlib.h>
#include <string.h>

static const double PI = 3.14159265358979323846;

int kc_add_seen(kc_sightings *sightings, const kc_seen *one) {
    if (sightings->count == sightings->room) {
        int64_t room = sightings->room ? 2 * sightings->room : 256;
        kc_seen *list = realloc(sightings->list, (size_t)room * sizeof *list);
        if (!list) return 0;
        sightings->list = list;
        sightings->room = room;
    }
    sightings->list[sightings->count++] = *one;
    return 1;
}

double kc_ground_m(const double p[3], const double q[3]) {
    double d[3], square = 0.0;
    for (int i = 0; i < 3; i++) {
        d[i] = q[i] - p[i];
        square += d[i] * d[i];
    }
    double chord = sqrt(square);
    if (chord < 20000.0) return chord * (1.0 + square / (24.0 * KC_MEAN_RADIUS_M * KC_MEAN_RADIUS_M));
    /* An arc of the curve on which the ellipsoid bends in that direction, halfway. */
    double middle[3] = {0.5 * (p[0] + q[0]), 0.5 * (p[1] + q[1]), 0.5 * (p[2] + q[2])}, away[3];
    if (kc_dot(middle, middle) < 1.0) return PI * KC_MEAN_RADIUS_M; /* on opposite sides nothing is halfway */
    kc_up(middle, away);
    double across2 = away[0] * away[0] + away[1] * away[1], flat = 1.0 - KC_ECCENTRICITY2 * away[2] * away[2];
    double east_radius = KC_MAJOR_M / sqrt(flat);
    double north_radius = east_radius * (1.0 - KC_ECCENTRICITY2) / flat;
    double east = across2 > 0.0 ? (d[1] * away[0] - d[0] * away[1]) : 0.0;
    double eastward2 = across2 > 0.0 ? east * east / (across2 * square) : 0.0;
    double radius = 1.0 / (eastward2 / east_radius + (1.0 - eastward2) / north_radius);
    double sine = chord / (2.0 * radius);
    return 2.0 * radius * asin(sine < 1.0 ? sine : 1.0);
}

/* A mover's last report, a row of `state`. */
enum { LAST_T, LAST_X, LAST_ALT = 4, LAST_DOUBT, LAST_LAT, LAST_LON, LAST_SIZE };
enum { TAKEN, DOUBLED, LATE, AT_ODDS, JUMPED };

/* Takes in n reports in order, by the rule of watch/intake.py.
 *
 * `state` (movers, 8) holds each mover's last report: t s (NaN: none), x, y, z m, height m, uncertainty m, latitude and
 * longitude in degrees; `state_datum` (movers,) above what the height is. Both are changed. Of each report is written:
 * `note` (n,) what became of it, as in the enum above; `by` (n,) by how many seconds it is late, or how many metres it
 * lies from the last; `before` (n, 5) the report before: t, x, y, z, height (NaN if it was above
 * something else); `joined` (n,). Returns how many were taken
 * in (TAKEN or JUMPED).
 */
KC_EXPORT int64_t kc_take_in(int64_t n, const int64_t *mover, const double *t, const double *lat, const double *lon,
                             const double *place, const double *alt, const double *doubt, uint8_t datum,
                             double max_gap, double fastest, double longest, double *state, uint8_t *state_datum,
                             uint8_t *note, double *by, double *before, uint8_t *joined) {
    int64_t taken = 0;
    for (int64_t i = 0; i < n; i++) {
        if (i + 8 < n) __builtin_prefetch(state + LAST_SIZE * mover[i + 8], 1);
        double *last = state + LAST_SIZE * mover[i];
        const double *here = place + 3 * i;
        memcpy(before + 5 * i, last, 5 * sizeof *before);
        if (state_datum[mover[i]] != datum) before[5 * i + LAST_ALT] = NAN;
        note[i] = TAKEN;
        by[i] = NAN;
        joined[i] = 0;
        double passed = t[i] - last[LAST_T];
        if (passed < 0.0) {
            note[i] = LATE;
            by[i] = -passed;
            continue;
        }
        if (passed >= 0.0) {
            double step = kc_ground_m(last + LAST_X, here);
            if (passed == 0.0) {
                note[i] = step <= KC_DEPTH_M ? DOUBLED : AT_ODDS;
                by[i] = step;
                continue;
            }
            int soon = passed <= max_gap;
            if (step - last[LAST_DOUBT] - doubt[i] > fastest * passed || (soon && step > longest)) {
                note[i] = JUMPED;
                by[i] = step;
            } else {
                joined[i] = (uint8_t)soon;
            }
        }
        last[LAST_T] = t[i];
        for (int k = 0; k < 3; k++) last[LAST_X + k] = here[k];
        last[LAST_ALT] = alt[i];
        last[LAST_DOUBT] = doubt[i];
        last[LAST_LAT] = lat[i];
        last[LAST_LON] = lon[i];
        state_datum[mover[i]] = datum;
        taken++;
    }
    return taken;
}

/* Who is near whom.
 *
 * Movers sit in rooms, six to a room, all of whose seats are looked over at once. A head stands for all cells of the
 * earth's surface that hash to it: its rooms follow one another, all but the first of them full. Cells are rows of
 * latitude cut into columns no narrower than they are high, about twice the radius: a place has neighbours in four.
 */
typedef struct {
    double place[3], t, alt;
    int64_t cell, mark;
    int32_t seat, datum; /* seat: SEATS for each room before, and the place in it; NOWHERE: never heard of */
} member;

enum { SEATS = 6, NOWHERE = -1 };

/* A line of the cache. Where somebody sits is known in marks of so many to the radius, rounded down, and only as what
 * is left beyond a multiple of 2^16 of them: right of any two who are less than 2^15 apart along each axis. Others may
 * seem near and are not, so whoever seems so is looked at again.
 */
typedef struct {
    uint16_t x[SEATS], y[SEATS], z[SEATS];
    int32_t who[SEATS], next; /* NOBODY: a free seat, and no room after this one */
} chamber;

/* Marks to the radius; and how many more it takes for all that is rounded: less than one along each axis. */
static const double MARKS = 8192.0, MARKS_OVER = 2.0;

/* Those a mover is near: a line of the cache, unless they are many. */
enum { FEW = 12 };
typedef struct {
    int32_t *many; /* NULL: they are in `few` */
    int32_t count, room;
    int32_t few[FEW];
} circle_of;

static inline int32_t *others_of(circle_of *circle) { return circle->many ? circle->many : circle->few; }

typedef struct {
    double radius, height, age, slack; /* slack: how much farther than near is apart, a share */
    double marks; /* to the metre */
    int64_t rows;
    double row_deg;
    int32_t *columns; /* (rows,) */
    double *window;   /* (rows,) degrees of longitude, either side, in which a place of that row may have neighbours */
    int64_t movers, room;
    member *members;
    circle_of *circles;
    int64_t mark;
    chamber *chambers; /* room for as many as there are movers */
    int32_t chamber_count, free_chamber;
    int32_t *heads;
    int64_t head_count;
    double reach_deg; /* of latitude, in which a place may have neighbours */
} kc_neighbours;

enum { NOBODY = INT32_MAX };

KC_EXPORT void kc_neighbours_drop(kc_neighbours *all) {
    if (!all) return;
    for (int64_t i = 0; i < all->movers; i++) free(all->circles[i].many);
    free(all->columns);
    free(all->window);
    free(all->members);
    free(all->circles);
    free(all->chambers);
    free(all->heads);
    free(all);
}

/* Watches pairs nearer than `radius` m along the ground and `height` m up and down (may be infinite), neither report
 * more than `age` s older than the other. They are apart again beyond (1 + slack) times either. NULL: no memory.
 */
KC_EXPORT kc_neighbours *kc_neighbours_new(double radius, double height, double age, double slack) {
    kc_neighbours *all = calloc(1, sizeof *all);
    if (!all) return NULL;
    all->radius = radius;
    all->height = height;
    all->age = age;
    all->slack = slack;
    all->marks = MARKS / radius;
    double angle = radius / KC_LEAST_RADIUS_M * 1.001 + 1e-9, cell = angle > 0.8e-5 ? 2.0 * angle : 1.6e-5;
    all->reach_deg = angle * (180.0 / PI);
    all->rows = (int64_t)fmax(1.0, floor(PI / cell));
    all->row_deg = 180.0 / (double)all->rows;
    all->columns = malloc((size_t)all->rows * sizeof *all->columns);
    all->window = malloc((size_t)all->rows * sizeof *all->window);
    if (!all->columns || !all->window) {
        kc_neighbours_drop(all);
        return NULL;
    }
    for (int64_t row = 0; row < all->rows; row++) {
        double south = fabs((double)row * all->row_deg - 90.0), north = fabs((double)(row + 1) * all->row_deg - 90.0);
        double poleward = fmax(south, north) * (PI / 180.0);
        double around = 2.0 * PI * cos(fmin(poleward, 0.5 * PI));
        all->columns[row] = (int32_t)fmax(1.0, floor(around / cell));
        double farthest = poleward + angle;
        double turn = farthest < 0.5 * PI ? sin(angle) / cos(farthest) : 2.0;
        all->window[row] = turn < 1.0 ? asin(turn) * (180.0 / PI) * 1.001 : 360.0;
    }
    return all;
}

static int64_t row_of(const kc_neighbours *all, double lat) {
    int64_t row = (int64_t)((lat + 90.0) / all->row_deg);
    return row < 0 ? 0 : row >= all->rows ? all->rows - 1 : row;
}

/* The column, not yet brought round: below 0 or beyond the last for longitudes outside -180 to 180. */
static int64_t column_of(double lon, int32_t columns) { return (int64_t)floor((lon + 180.0) / 360.0 * columns); }

static int64_t cell_of(int64_t row, int64_t column, int32_t columns) {
    if (column < 0) column += columns;
    if (column >= columns) column -= columns;
    return row << 32 | column;
}

static int64_t head_of(const kc_neighbours *all, int64_t cell) {
    uint64_t mixed = (uint64_t)cell * 0x9E3779B97F4A7C15u;
    return (int64_t)((mixed ^ mixed >> 29) >> 20 & (uint64_t)(all->head_count - 1));
}

static inline void marks_of(const kc_neighbours *all, const member *one, uint16_t at[3]) {
    for (int i = 0; i < 3; i++) at[i] = (uint16_t)(int64_t)floor(one->place[i] * all->marks);
}

static void sit(const kc_neighbours *all, chamber *in, int seat, const member *one, int32_t who) {
    uint16_t at[3];
    marks_of(all, one, at);
    in->x[seat] = at[0];
    in->y[seat] = at[1];
    in->z[seat] = at[2];
    in->who[seat] = who;
}

static void hang(kc_neighbours *all, int32_t who) {
    member *one = all->members + who;
    int32_t *head = all->heads + head_of(all, one->cell), number = *head;
    if (number == NOBODY || all->chambers[number].who[SEATS - 1] != NOBODY) {
        number = all->free_chamber; /* there is one: each holds somebody */
        if (number == NOBODY)
            number = all->chamber_count++;
        else
            all->free_chamber = all->chambers[number].next;
        chamber *fresh = all->chambers + number;
        memset(fresh, 0, sizeof *fresh);
        for (int seat = 0; seat < SEATS; seat++) fresh->who[seat] = NOBODY;
        fresh->next = *head;
        *head = number;
    }
    int seat = 0;
    while (all->chambers[number].who[seat] != NOBODY) seat++;
    sit(all, all->chambers + number, seat, one, who);
    one->seat = number * SEATS + seat;
}

/* Its seat is taken by the last in the first room of its head. */
static void take_down(kc_neighbours *all, int32_t who) {
    int32_t seat = all->members[who].seat, *head = all->heads + head_of(all, all->members[who].cell), number = *head;
    chamber *first = all->chambers + number;
    int last = SEATS - 1;
    while (first->who[last] == NOBODY) last--;
    int32_t moved = first->who[last];
    chamber *left = all->chambers + seat / SEATS;
    int free_seat = seat % SEATS;
    left->x[free_seat] = first->x[last];
    left->y[free_seat] = first->y[last];
    left->z[free_seat] = first->z[last];
    left->who[free_seat] = moved;
    all->members[moved].seat = seat;
    first->who[last] = NOBODY;
    if (last > 0) return;
    *head = first->next;
    first->next = all->free_chamber;
    all->free_chamber = number;
}

/* Room for so many movers, and as many heads. */
static int make_room(kc_neighbours *all, int64_t movers) {
    if (movers <= all->movers) return 1;
    if (movers > all->room) {
        int64_t room = all->room ? all->room : 1024;
        while (room < movers) room *= 2;
        member *members = kc_lines((size_t)room * sizeof *members); /* one to a line of the cache */
        if (members) {
            if (all->movers) memcpy(members, all->members, (size_t)all->movers * sizeof *members);
            free(all->members);
            all->members = members;
        }
        circle_of *circles = kc_lines((size_t)room * sizeof *circles);
        if (circles) {
            if (all->movers) memcpy(circles, all->circles, (size_t)all->movers * sizeof *circles);
            free(all->circles);
            all->circles = circles;
        }
        chamber *chambers = kc_lines((size_t)room * sizeof *chambers);
        int32_t *heads = malloc((size_t)room * sizeof *heads);
        if (!members || !circles || !chambers || !heads) {
            free(chambers);
            free(heads);
            return 0;
        }
        free(all->chambers);
        free(all->heads);
        all->chambers = chambers;
        all->chamber_count = 0;
        all->free_chamber = NOBODY;
        all->heads = heads;
        all->head_count = room;
        all->room = room;
        for (int64_t i = 0; i < all->head_count; i++) heads[i] = NOBODY;
        for (int64_t i = 0; i < all->movers; i++)
            if (all->members[i].seat != NOWHERE) hang(all, (int32_t)i);
    }
    int64_t more = movers - all->movers;
    memset(all->members + all->movers, 0, (size_t)more * sizeof *all->members);
    memset(all->circles + all->movers, 0, (size_t)more * sizeof *all->circles);
    for (int64_t i = all->movers; i < movers; i++) all->members[i].seat = NOWHERE;
    all->movers = movers;
    return 1;
}

/* Room for one more. */
static int widen(circle_of *circle) {
    if (circle->count >= FEW && circle->count >= circle->room) {
        int32_t room = 2 * circle->count;
        int32_t *many = realloc(circle->many, (size_t)room * sizeof *many);
        if (!many) return 0;
        if (!circle->many) memcpy(many, circle->few, sizeof circle->few);
        circle->many = many;
        circle->room = room;
    }
    return 1;
}

/* Each is near the other from now on; if there is no memory, neither is. */
static int befriend(kc_neighbours *all, int32_t one, int32_t other) {
    circle_of *ones = all->circles + one, *others = all->circles + other;
    if (!widen(ones) || !widen(others)) return 0;
    others_of(ones)[ones->count++] = other;
    others_of(others)[others->count++] = one;
    return 1;
}

static void forget(circle_of *circle, int32_t other) {
    int32_t *others = others_of(circle);
    for (int32_t i = 0; i < circle->count; i++)
        if (others[i] == other) {
            others[i] = others[--circle->count];
            return;
        }
}

/* Metres between two heights; 0, and a flag, if they cannot be compared. */
static double between_heights(const kc_neighbours *all, const member *one, const member *other, int32_t *flags) {
    *flags = 0;
    if (all->height == INFINITY) return 0.0;
    if (one->datum != other->datum) {
        *flags = KC_HEIGHTS_NOT_COMPARABLE;
        return 0.0;
    }
    double apart = fabs(one->alt - other->alt);
    if (isnan(apart)) *flags = KC_HEIGHT_UNKNOWN;
    return isnan(apart) ? 0.0 : apart;
}

static int see(kc_sightings *seen, int32_t what, int32_t flags, const kc_reports *reports, int64_t row, const member *one,
               const member *other, int32_t number, double metres, double radius) {
    kc_seen found = {.what = what, .flags = flags, .row = row, .mover = reports->mover[row], .other = number,
                     .t = one->t, .margin = radius - metres, .value = metres};
    for (int i = 0; i < 3; i++) found.place[i] = 0.5 * (one->place[i] + other->place[i]);
    return kc_add_seen(seen, &found);
}

/* Those it is near no more, or of whom too little is known by now. */
static int look_back(kc_neighbours *all, const kc_reports *reports, int64_t row, kc_sightings *seen) {
    int32_t who = (int32_t)reports->mover[row];
    const member *one = all->members + who;
    circle_of *circle = all->circles + who;
    double reach = all->radius * (1.0 + all->slack) - KC_DEPTH_M;
    double height = all->height * (1.0 + all->slack) - KC_DEPTH_M;
    int32_t *others = others_of(circle);
    for (int32_t i = circle->count - 1; i >= 0; i--) {
        int32_t number = others[i];
        member *other = all->members + number;
        if (fabs(one->t - other->t) <= all->age) {
            int32_t flags;
            double metres = kc_ground_m(one->place, other->place);
            double up = between_heights(all, one, other, &flags);
            if (metres < reach && up < height) {
                other->mark = all->mark;
                continue;
            }
            if (!see(seen, KC_APART, flags, reports, row, one, other, number, metres, all->radius)) return 0;
        }
        forget(all->circles + number, who);
        others[i] = others[--circle->count];
    }
    return 1;
}

/* The cells in which a neighbour of a place may be, `count` of them, and the heads that stand for them. */
enum { MOST_CELLS = 8 };
typedef struct {
    int64_t cells[MOST_CELLS], heads[MOST_CELLS];
    int64_t own, first, last; /* rows: its own, and those of neighbours */
    int count, wide; /* wide: too many, and none written; about a pole, where a row has few columns */
} surroundings;

static void survey(const kc_neighbours *all, double lat, double lon, surroundings *about) {
    int64_t own = row_of(all, lat), first = row_of(all, lat - all->reach_deg), last = row_of(all, lat + all->reach_deg);
    about->own = own;
    about->first = first;
    about->last = last;
    about->count = about->wide = 0;
    for (int64_t r = first; r <= last; r++) {
        int32_t columns = all->columns[r];
        int64_t from = column_of(lon - all->window[own], columns), upto = column_of(lon + all->window[own], columns);
        if (about->count + upto - from >= MOST_CELLS || upto - from >= columns) {
            about->count = 0;
            about->wide = 1;
            return;
        }
        for (int64_t c = from; c <= upto; c++) {
            int64_t cell = cell_of(r, c, columns);
            about->cells[about->count] = cell;
            about->heads[about->count++] = head_of(all, cell);
        }
    }
}

/* The seats of a room whose movers may be nearer than the root of `rough2` marks, a bit each; of free ones, either. */
static inline uint32_t seats_near(const chamber *in, const uint16_t at[3], uint32_t rough2) {
    enum { LANES = 8 }; /* as many as are taken at once: the last two are of what follows in the room, and left out */
    static const uint32_t BIT[LANES] = {1, 2, 4, 8, 16, 32};
    uint16_t x[LANES], y[LANES], z[LANES];
    memcpy(x, (const char *)in + offsetof(chamber, x), sizeof x);
    memcpy(y, (const char *)in + offsetof(chamber, y), sizeof y);
    memcpy(z, (const char *)in + offsetof(chamber, z), sizeof z);
    uint32_t bits = 0;
#pragma GCC unroll 1 /* else it is unrolled before it is made wide, and stays narrow */
    for (int k = 0; k < LANES; k++) {
        int32_t dx = (int16_t)(uint16_t)(x[k] - at[0]), dy = (int16_t)(uint16_t)(y[k] - at[1]);
        int32_t dz = (int16_t)(uint16_t)(z[k] - at[2]);
        bits |= BIT[k] & -(uint32_t)((uint32_t)(dx * dx) + (uint32_t)(dy * dy) + (uint32_t)(dz * dz) < rough2);
    }
    return bits;
}

/* Rooms looked over, and of each in a byte the seats whose movers may be near: what nobody can guess is asked once. */
enum { AT_ONCE = 8 };
typedef struct {
    const chamber *rooms[AT_ONCE];
    int64_t cells[AT_ONCE]; /* those looked for in it */
    uint64_t bits;
    int count;
} glance;

/* Those seen in a glance who are near and were not. */
static int make_out(kc_neighbours *all, const kc_reports *reports, int64_t row, glance *at, kc_sightings *seen) {
    int32_t who = (int32_t)reports->mover[row];
    const member *one = all->members + who;
    double reach = all->radius - KC_DEPTH_M, height = all->height - KC_DEPTH_M;
    for (; at->bits; at->bits &= at->bits - 1) {
        int bit = __builtin_ctzll(at->bits);
        int32_t number = at->rooms[bit >> 3]->who[bit & 7];
        if (number == who || number == NOBODY) continue;
        __builtin_prefetch(all->circles + number, 1);
        const member *other = all->members + number;
        if (other->mark == all->mark || other->cell != at->cells[bit >> 3]) continue;
        if (fabs(one->t - other->t) > all->age) continue;
        double x = other->place[0] - one->place[0], y = other->place[1] - one->place[1];
        double z = other->place[2] - one->place[2];
        if (x * x + y * y + z * z >= reach * reach) continue;
        int32_t flags;
        double metres = kc_ground_m(one->place, other->place);
        if (metres >= reach || between_heights(all, one, other, &flags) >= height) continue;
        if (!see(seen, KC_NEAR, flags, reports, row, one, other, number, metres, all->radius)) return 0;
        if (!befriend(all, who, number)) return 0;
    }
    at->count = 0;
    return 1;
}

/* Looks over the rooms of one cell. */
static inline int look_into(kc_neighbours *all, const kc_reports *reports, int64_t row, const uint16_t marks[3],
                            int64_t cell, int64_t head, glance *at, kc_sightings *seen) {
    const double rough = MARKS + MARKS_OVER;
    for (int32_t in = all->heads[head]; in != NOBODY; in = all->chambers[in].next) {
        if (at->count == AT_ONCE && !make_out(all, reports, row, at, seen)) return 0;
        at->rooms[at->count] = all->chambers + in;
        at->cells[at->count] = cell;
        at->bits |= (uint64_t)seats_near(all->chambers + in, marks, (uint32_t)(rough * rough)) << 8 * at->count;
        at->count++;
    }
    return 1;
}

static int look_around(kc_neighbours *all, const kc_reports *reports, int64_t row, const surroundings *about,
                       kc_sightings *seen) {
    uint16_t marks[3];
    glance at;
    at.bits = 0;
    at.count = 0;
    marks_of(all, all->members + reports->mover[row], marks);
    for (int k = 0; k < about->count; k++)
        if (!look_into(all, reports, row, marks, about->cells[k], about->heads[k], &at, seen)) return 0;
    int64_t own = about->own, last = about->wide ? about->last : about->first - 1;
    for (int64_t r = about->first; r <= last; r++) {
        int32_t columns = all->columns[r];
        double lon = reports->lon[row];
        int64_t from = column_of(lon - all->window[own], columns), upto = column_of(lon + all->window[own], columns);
        if (upto - from >= columns) from = 0, upto = columns - 1;
        for (int64_t c = from; c <= upto; c++) {
            int64_t cell = cell_of(r, c, columns);
            if (!look_into(all, reports, row, marks, cell, head_of(all, cell), &at, seen)) return 0;
        }
    }
    return make_out(all, reports, row, &at, seen);
}

/* What one report showed in an order that hangs on the movers' numbers alone: first who is apart, then who is near. */
static int by_number(const void *a, const void *b) {
    const kc_seen *one = a, *other = b;
    if (one->what != other->what) return one->what > other->what ? -1 : 1;
    return (one->other > other->other) - (one->other < other->other);
}

/* What one report shows: it goes to its new place, and looks about it. */
static int arrive(kc_neighbours *all, const kc_reports *reports, int64_t row, const surroundings *about,
                  kc_sightings *seen) {
    int32_t who = (int32_t)reports->mover[row];
    member *one = all->members + who;
    int32_t columns = all->columns[about->own];
    int64_t cell = cell_of(about->own, column_of(reports->lon[row], columns), columns);
    int knew = one->seat != NOWHERE, moves = !knew || one->cell != cell;
    if (knew && moves) take_down(all, who);
    memcpy(one->place, reports->place + 3 * row, sizeof one->place);
    one->t = reports->t[row];
    one->alt = reports->alt[row];
    one->datum = reports->datum[row];
    one->cell = cell;
    if (moves)
        hang(all, who);
    else
        sit(all, all->chambers + one->seat / SEATS, one->seat % SEATS, one, who);
    all->mark++;
    int64_t first = seen->count;
    if (!look_back(all, reports, row, seen) || !look_around(all, reports, row, about, seen)) return 0;
    if (seen->count - first > 1)
        qsort(seen->list + first, (size_t)(seen->count - first), sizeof *seen->list, by_number);
    return 1;
}

/* What the reports show, one after the other, added to `seen`: KC_NEAR and KC_APART, `place` halfway. Returns 0, or -1
 * if there is no memory left: what was seen is then lost, and the reports that were not reached count for nothing.
 */
KC_EXPORT int kc_neighbours_feed(kc_neighbours *all, const kc_reports *reports, kc_sightings *seen) {
    enum { BLOCK = 24 };
    if (reports->movers >= NOBODY / SEATS || !make_room(all, reports->movers)) return -1;
    surroundings about[BLOCK];
    for (int64_t from = 0; from < reports->count; from += BLOCK) {
        int many = reports->count - from < BLOCK ? (int)(reports->count - from) : BLOCK;
        /* Over the same reports again and again, so that what one waits for from memory comes while others are done. */
        for (int i = 0; i < many; i++) {
            int64_t who = reports->mover[from + i];
            __builtin_prefetch(all->members + who, 1);
            __builtin_prefetch(all->circles + who);
            survey(all, reports->lat[from + i], reports->lon[from + i], about + i);
            for (int k = 0; k < about[i].count; k++) __builtin_prefetch(all->heads + about[i].heads[k]);
        }
        for (int i = 0; i < many; i++) {
            for (int k = 0; k < about[i].count; k++) {
                int32_t number = all->heads[about[i].heads[k]];
                if (number == NOBODY) continue;
                __builtin_prefetch(all->chambers + number);
            }
        }
        for (int i = 0; i < many; i++) {
            circle_of *circle = all->circles + reports->mover[from + i];
            const int32_t *others = others_of(circle);
            for (int32_t k = 0; k < circle->count && k < FEW; k++) __builtin_prefetch(all->members + others[k]);
        }
        for (int i = 0; i < many; i++)
            if (!arrive(all, reports, from + i, about + i, seen)) return -1;
    }
    return 0;
}

/* How many pairs are near, each counted once; with `pairs` not NULL also writes them, (count, 2), lower number first. */
KC_EXPORT int64_t kc_neighbours_pairs(const kc_neighbours *all, int64_t *pairs) {
    int64_t count = 0;
    for (int64_t i = 0; i < all->movers; i++) {
        const int32_t *others = others_of(all->circles + i);
        for (int32_t k = 0; k < all->circles[i].count; k++) {
            if (others[k] < i) continue;
            if (pairs) pairs[2 * count] = i, pairs[2 * count + 1] = others[k];
            count++;
        }
    }
    return count;
}
