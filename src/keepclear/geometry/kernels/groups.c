/* Groups of movers as their reports come in: where the middle is, who stands, who is with whom. */
#include "reports.h"

#include <string.h>

/* The value that would stand at a place if an array were in rising order. The array is put in disorder. */
static double ranked(double *values, int64_t count, int64_t place) {
    int64_t low = 0, high = count - 1;
    while (low < high) {
        double pivot = values[(low + high) / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (values[i] < pivot) i++;
            while (values[j] > pivot) j--;
            if (i <= j) {
                double swap = values[i];
                values[i++] = values[j];
                values[j--] = swap;
            }
        }
        if (place <= j) high = j;
        else if (place >= i) low = i;
        else break;
    }
    return values[place];
}

static double median(double *values, int64_t count) {
    double upper = ranked(values, count, count / 2);
    return count % 2 ? upper : 0.5 * (ranked(values, count, count / 2 - 1) + upper);
}

/* A report kept for telling how long a mover has stood. */
enum { STAND_T = 0, STAND_X = 1, STAND_DOUBT = 4, STAND = 5 };

static int elsewhere(const double *one, const double *other) {
    double doubt = one[STAND_DOUBT] + other[STAND_DOUBT], chord2 = 0.0;
    for (int i = 0; i < 3; i++) {
        double d = one[STAND_X + i] - other[STAND_X + i];
        chord2 += d * d;
    }
    return chord2 > doubt * doubt || (chord2 > 0.98 * doubt * doubt && kc_apart(one + STAND_X, other + STAND_X) > doubt);
}

/* Since when a mover has stood at the report now taken in: `_standing` of watch/progress.py, over `room` reports kept.
 *
 * Kept is what differs from the last one kept, or came `apart` s or more after it. */
static void stand(double *stands, int64_t room, int64_t *count, double *since, uint8_t *came, const double *report,
                  double last_t, double apart, double gap) {
    double t = report[STAND_T];
    if (*count == 0 || t - last_t > gap) {
        *count = 0;
        *since = t;
        *came = 0;
    }
    int64_t oldest = *count > room ? *count - room : 0, i = *count - 1;
    double first = t;
    for (; i >= oldest; i--) {
        const double *kept = stands + (i % room) * STAND;
        if (elsewhere(kept, report)) break;
        first = kept[STAND_T];
    }
    if (i >= oldest) {
        *since = first;
        *came = 1;
    } else if (oldest == 0) {
        *since = first;
        *came = 0;
    } else { /* as far back as reports are kept it has stood here, and longer if it had already then */
        *since = fmin(*since, first);
        *came = 1;
    }
    const double *newest = stands + ((*count + room - 1) % room) * STAND;
    if (*count == 0 || t - newest[STAND_T] >= apart || elsewhere(newest, report)) {
        double *slot = stands + (*count % room) * STAND;
        for (int k = 0; k < STAND; k++) slot[k] = report[k];
        *count += 1;
    }
}

/* What a report does to its group: of each row of kc_hear_groups. */
enum { ROW_AT, ROW_X, ROW_DOUBT = 4, ROW_PLACED, ROW_HALTED_SINCE, ROW_MOVING, ROW_BEFORE, ROW_HORIZON, ROW_HEARD, ROW };

/* Takes in n reports one after the other, and tells of each what it does to the mover's group.
 *
 * In: the reports: `mover`, `t` s (never before what is kept of its mover), `place` (n, 3), `doubt` m, `joined` whether
 * the way from the report before is known. Kept and changed: `reports` (movers, kept, 6) and `heard` (movers,) of
 * reports.h; `stands` (movers, stands_kept, 5), `stand_count`, `stand_since`, `stand_came` (movers,) of members;
 * `newest` (groups,) NaN at first. Of groups: `group_of` (movers,) -1 for none; members of group g are
 * member_from[g] up to member_from[g + 1] of `member`, -1 for one never heard of; `limits` (groups, 2): silent after s,
 * halted after s. `scratch` has room for 4 doubles a member of the largest group.
 *
 * Out: `rows` (n, 11), NaN without a group: the last moment at which half of the members can be placed; their middle
 * there x, y, z and how uncertain it is; how many are placed; since when more than half stand (NaN: they do not);
 * 1 if more than half move; the newest report of the group before this one; the moment up to which all members not
 * silent are known; how many are not silent. */
KC_EXPORT void kc_hear_groups(int64_t n, const int64_t *mover, const double *t, const double *place, const double *doubt,
                              const uint8_t *joined, double *reports, int64_t *heard, int64_t kept, double *stands,
                              int64_t *stand_count, double *stand_since, uint8_t *stand_came, int64_t stands_kept,
                              double *newest, const int64_t *group_of, const int64_t *member_from,
                              const int64_t *member, const double *limits, double *scratch, double *rows) {
    for (int64_t row = 0; row < n; row++) {
        int64_t m = mover[row], g = group_of[m];
        double *slot = reports + (m * kept + heard[m] % kept) * KC_REPORT;
        double last_t = heard[m] ? kc_report(reports, kept, m, heard[m] - 1)[KC_REPORT_T] : 0.0;
        slot[KC_REPORT_T] = t[row];
        for (int i = 0; i < 3; i++) slot[KC_REPORT_X + i] = place[3 * row + i];
        slot[KC_REPORT_DOUBT] = doubt[row];
        slot[KC_REPORT_JOINED] = joined[row];
        heard[m] += 1;
        double *out = rows + row * ROW;
        for (int i = 0; i < ROW; i++) out[i] = NAN;
        if (g < 0) continue;
        double silent = limits[2 * g], halted_after = limits[2 * g + 1];
        stand(stands + m * stands_kept * STAND, stands_kept, stand_count + m, stand_since + m, stand_came + m, slot,
              last_t, halted_after / 24.0, silent);
        out[ROW_BEFORE] = newest[g];
        if (!(newest[g] >= t[row])) newest[g] = t[row];
        int64_t from = member_from[g], upto = member_from[g + 1], lasts = 0, firsts = 0, moving = 0;
        double horizon = INFINITY, lost = -INFINITY;
        for (int64_t j = from; j < upto; j++) {
            int64_t other = member[j];
            if (other < 0 || !heard[other]) continue;
            double last = kc_report(reports, kept, other, heard[other] - 1)[KC_REPORT_T];
            if (newest[g] - last > silent) continue;
            scratch[lasts++] = last;
            if (last < horizon) horizon = last;
            if (heard[other] > kept) /* before its second report kept it cannot be placed for much longer */
                lost = fmax(lost, kc_report(reports, kept, other, heard[other] - kept + 1)[KC_REPORT_T]);
            if (last - stand_since[other] >= halted_after) scratch[(upto - from) + firsts++] = stand_since[other];
            else if (stand_came[other]) moving++;
        }
        int64_t majority = lasts / 2 + 1;
        out[ROW_HEARD] = (double)lasts;
        out[ROW_HORIZON] = fmax(horizon, lost);
        out[ROW_MOVING] = firsts < majority && moving >= majority;
        if (firsts >= majority) out[ROW_HALTED_SINCE] = ranked(scratch + (upto - from), firsts, majority - 1);
        double at = ranked(scratch, lasts, lasts - 1 - (lasts - 1) / 2);
        out[ROW_AT] = at;
        /* The middle: the directions away from the ground give a place among the members, a plane about it the median. */
        double *places = scratch, up[3] = {0.0, 0.0, 0.0}, worst = 0.0;
        int64_t placed = 0;
        for (int64_t j = from; j < upto; j++) {
            int64_t other = member[j];
            double one, away[3];
            if (other < 0 || !heard[other]) continue;
            if (newest[g] - kc_report(reports, kept, other, heard[other] - 1)[KC_REPORT_T] > silent) continue;
            if (!kc_placed(reports, heard, kept, other, at, silent, places + 3 * placed, &one)) continue;
            kc_up(places + 3 * placed, away);
            for (int i = 0; i < 3; i++) up[i] += away[i];
            if (one > worst) worst = one;
            placed++;
        }
        double length = sqrt(kc_dot(up, up));
        if (!placed || length <= 1e-6 * (double)placed) continue; /* all round the earth: no middle */
        for (int i = 0; i < 3; i++) up[i] /= length;
        double normal = KC_MAJOR_M / sqrt(1.0 - KC_ECCENTRICITY2 * up[2] * up[2]);
        double origin[3] = {normal * up[0], normal * up[1], normal * (1.0 - KC_ECCENTRICITY2) * up[2]};
        kc_plane plane;
        kc_plane_at(origin, &plane);
        for (int64_t j = 0; j < placed; j++) {
            double xy[2];
            kc_on_plane(&plane, places + 3 * j, xy);
            places[3 * j] = xy[0];
            places[3 * j + 1] = xy[1];
        }
        double middle[2], *line = scratch + 3 * (upto - from);
        for (int axis = 0; axis < 2; axis++) {
            for (int64_t j = 0; j < placed; j++) line[j] = places[3 * j + axis];
            middle[axis] = median(line, placed);
        }
        double bend = middle[0] * middle[0] * plane.east_bend + middle[1] * middle[1] * plane.north_bend;
        double shorter = 1.0 - bend + 0.3 * bend * bend; /* the series of the sine */
        double drop = 0.5 * hypot(middle[0], middle[1]) * sqrt(6.0 * bend); /* of the earth below the plane */
        for (int i = 0; i < 3; i++)
            out[ROW_X + i] = origin[i] + shorter * (middle[0] * plane.east[i] + middle[1] * plane.north[i]) -
                             drop * plane.up[i];
        kc_to_surface(out + ROW_X);
        out[ROW_DOUBT] = worst;
        out[ROW_PLACED] = (double)placed;
    }
}

/* A member that is placed, for kc_hold_together: x, y, z, how uncertain, and its body (0: none). */
enum { SPOT_DOUBT = 3, SPOT_BODY = 4, SPOT = 5 };

/* How far two members were apart at least, m; infinite if that is more than `most`, which mostly needs no root. */
static inline double apart_at_least(const double *one, const double *other, double most) {
    double reach = most + one[SPOT_DOUBT] + other[SPOT_DOUBT], chord2 = 0.0;
    for (int i = 0; i < 3; i++) chord2 += (one[i] - other[i]) * (one[i] - other[i]);
    if (chord2 > reach * reach * (1.0 + 1e-9)) return INFINITY; /* along the ground it is no shorter */
    double low = kc_apart(one, other) - one[SPOT_DOUBT] - other[SPOT_DOUBT];
    return low > most ? INFINITY : low;
}

/* Puts members in order of the bodies that they form: each grows from its first member over steps of at most `spread`.
 * Returns how many bodies of two or more there are; those alone are of none. */
static int64_t form_bodies(double *spots, int64_t placed, double spread) {
    int64_t bodies = 0;
    for (int64_t first = 0, reached; first < placed; first = reached) {
        reached = first + 1;
        for (int64_t i = first; i < reached; i++)
            for (int64_t j = reached; j < placed; j++) {
                double *one = spots + SPOT * i, *other = spots + SPOT * j, *next = spots + SPOT * reached, swap[SPOT];
                if (apart_at_least(one, other, spread) > spread) continue;
                memcpy(swap, next, sizeof swap);
                memmove(next, other, sizeof swap);
                memcpy(other, swap, sizeof swap);
                reached++;
            }
        bodies += reached - first > 1;
        for (int64_t i = first; i < reached; i++) spots[SPOT * i + SPOT_BODY] = reached - first > 1 ? (double)bodies : 0.0;
    }
    return bodies;
}

/* How far apart the nearest two of different bodies were at least, m. */
static double gap_between(const double *spots, int64_t placed) {
    double gap = INFINITY;
    for (int64_t i = 0; i < placed; i++) {
        const double *one = spots + SPOT * i;
        if (one[SPOT_BODY] == 0.0) continue;
        for (int64_t j = 0; j < i; j++) {
            const double *other = spots + SPOT * j;
            if (other[SPOT_BODY] != 0.0 && other[SPOT_BODY] != one[SPOT_BODY])
                gap = fmin(gap, apart_at_least(one, other, gap));
        }
    }
    return gap;
}

/* How the members of groups held together at n moments, each a report of a member.
 *
 * In: `mover` and `at`; the reports and groups as above, `spread` (groups,), `silent` (groups,). `scratch` has room for
 * 5 doubles a member of the largest group. Out (n, 6): 1 if the mover was away from all others, 0 if not, NaN if that
 * cannot be told; the least it can have been from the nearest of them, m; how many members are placed; how many bodies
 * of two or more they form; how far apart, at least, the nearest two of these bodies were, m (0 if there is but one);
 * how many members were ever heard of. */
KC_EXPORT void kc_hold_together(int64_t n, const int64_t *mover, const double *at, const double *reports,
                                const int64_t *heard, int64_t kept, const int64_t *group_of, const int64_t *member_from,
                                const int64_t *member, const double *spread, const double *silent, double *scratch,
                                double *out) {
    for (int64_t row = 0; row < n; row++, out += 6) {
        int64_t m = mover[row], g = group_of[m], placed = 0, others = 0, me = -1;
        double *place = scratch;
        for (int i = 0; i < 6; i++) out[i] = NAN;
        for (int64_t j = member_from[g]; j < member_from[g + 1]; j++) {
            int64_t other = member[j];
            if (other < 0 || !heard[other]) continue;
            others += other != m;
            double *one = place + SPOT * placed;
            if (!kc_placed(reports, heard, kept, other, at[row], silent[g], one, one + SPOT_DOUBT)) continue;
            if (other == m) me = placed;
            placed++;
        }
        out[2] = (double)placed;
        out[5] = (double)others + 1.0;
        if (me < 0) continue; /* no longer kept */
        double least = INFINITY;
        for (int64_t j = 0; j < placed; j++)
            if (j != me) least = fmin(least, apart_at_least(place + SPOT * me, place + SPOT * j, least));
        if (placed > 1 && 2 * (placed - 1) >= others) out[0] = least > spread[g];
        out[1] = least;
        int64_t bodies = form_bodies(place, placed, spread[g]);
        out[3] = (double)bodies;
        out[4] = bodies < 2 ? 0.0 : gap_between(place, placed);
    }
}

/* Whether n places of movers that are no members were near some member of a group at that moment, as reported.
 *
 * In: `group`, `at`, `place` (n, 3), `doubt`; the rest as above. Out (n, 2): 1 if near, 0 if not, NaN if no member as
 * certain as the spread can be placed; metres to the nearest such member. */
KC_EXPORT void kc_near_groups(int64_t n, const int64_t *group, const double *at, const double *place,
                              const double *doubt, const double *reports, const int64_t *heard, int64_t kept,
                              const int64_t *member_from, const int64_t *member, const double *spread,
                              const double *silent, double *out) {
    for (int64_t row = 0; row < n; row++, out += 2) {
        int64_t g = group[row];
        double least = INFINITY;
        out[0] = out[1] = NAN;
        if (doubt[row] > spread[g]) continue;
        for (int64_t j = member_from[g]; j < member_from[g + 1]; j++) {
            double p[3], one;
            int64_t other = member[j];
            if (other < 0 || !heard[other]) continue;
            if (!kc_placed(reports, heard, kept, other, at[row], silent[g], p, &one) || one > spread[g]) continue;
            double away = kc_apart(place + 3 * row, p);
            if (away < least) least = away;
        }
        if (least == INFINITY) continue;
        out[0] = least <= spread[g];
        out[1] = least;
    }
}
