#include "sweep.h"

#include <stdlib.h>
#include <string.h>

#include "meetings.h"
#include "rooms.h"

/* How it goes. A mover goes through a slab of time in a ball that goes evenly along the middle of where the mover goes,
 * and only movers whose balls touch on their way can meet in it; a volume is a ball at rest as long as it lasts. Each is
 * cut into slabs of its own width: of eight to the power of its level finest slabs, so wide that in one the mover gets
 * a few times as far as it must keep from others. At each slab the balls of its level are held to one another and to
 * those of every coarser level at that time. Legs of two that touch are worked out whole, whatever the slab, and a stay
 * counts in the slab in which it begins: so slabs and threads change nothing. Of a wide slab in which one run ends and
 * the next begins both find what begins in its later part; it is one when all are joined.
 */

/* For no more movers, and no more stays, does a run leave memory to the next: some 20 MB. */
enum { MOST_MOVERS = 30000, MOST_STAYS = 150000 };

/* Has room for what may touch one ball. */
static int make_room(kc_sweep_room *now, int64_t copies) {
    if (copies <= now->near_room) return 1;
    int32_t *near = kc_pool_take(&now->pool, (size_t)(2 * copies) * sizeof *near);
    if (!near) return 0;
    now->near = near;
    now->near_room = 2 * copies;
    return 1;
}

/* The movers of a slab and those of a wider one about it. */
static int levels_meet(kc_sweep_room *now, const kc_slab *slab, const kc_slab *wider, kc_part of, kc_span in) {
    kc_meetings *meetings = &now->meetings;
    int64_t count = 0;
    int few = wider->count <= slab->count; /* one side is gone through, the other looked up */
    for (int64_t i = 0; i < (few ? wider->count : slab->count); i++) {
        int64_t near;
        if (few) {
            kc_ball ball = kc_ball_in(&wider->movers[i].ball, of);
            near = kc_balls_near(&slab->balls, &ball, now->near);
        } else {
            near = kc_balls_about(&wider->balls, &slab->movers[i].ball, now->near);
        }
        for (int64_t k = 0; k < near; k++) {
            int32_t one = (int32_t)i, other = now->near[k];
            meetings->touches[count++] = few ? (kc_touch){other, one} : (kc_touch){one, other};
            if (count < KC_TOUCHES) continue;
            if (!kc_touches_meet(meetings, slab->movers, wider->movers, &of, count, in)) return 0;
            count = 0;
        }
    }
    return kc_touches_meet(meetings, slab->movers, wider->movers, &of, count, in);
}

/* Everything in one slab of a level: its balls among themselves, and each with those of the coarser levels now. */
static int slab_of(kc_sweep_room *now, int level, int64_t number) {
    const kc_sweep *sweep = now->meetings.sweep;
    kc_slab *slab = &now->level[level];
    if (!kc_slab_fill(slab, &now->pool, sweep, level, number) || !make_room(now, slab->balls.copies)) return 0;
    now->meetings.counts.balls += slab->count;
    double t0 = kc_slab_at(sweep, level, number), t1 = kc_slab_at(sweep, level, number + 1);
    kc_span in = {t0, t1, fmax(t0, now->from), t1};
    kc_touches_at at = {0, 1, 0};
    while (at.strip < slab->balls.strips) {
        int64_t count = kc_balls_touches(&slab->balls, &at, now->meetings.touches);
        if (!kc_touches_meet(&now->meetings, slab->movers, slab->movers, NULL, count, in)) return 0;
    }
    for (int coarser = level + 1; coarser < KC_LEVELS; coarser++) {
        const kc_slab *wider = &now->level[coarser];
        int finer = KC_FINER * (coarser - level);
        if (!wider->count || !slab->count || wider->slab != number >> finer) continue;
        double share = exp2((double)-finer), first = (double)(number - (wider->slab << finer)) * share;
        if (!levels_meet(now, slab, wider, (kc_part){first, first + share}, in)) return 0;
    }
    return 1;
}

/* The next slab of a level in which there is anything, at or after `least`; beyond the sweep if there is none. */
static int64_t next_slab(const kc_sweep_room *now, int level, int64_t least) {
    const kc_sweep *sweep = now->meetings.sweep;
    const kc_slab *slab = &now->level[level];
    if (slab->slab >= 0 && slab->count) return slab->slab + 1;
    if (slab->track == sweep->level_from[level + 1]) return INT64_MAX / 4 >> (KC_FINER * level);
    double begin = sweep->tracks[slab->track].begin - KC_SLIP_S;
    int64_t next = (int64_t)floor((begin - sweep->origin) / sweep->width[level]);
    if (next <= slab->slab) next = slab->slab + 1;
    return next > least ? next : least;
}

static void let_go(kc_sweep_room *room) {
    memset(room->level, 0, sizeof room->level);
    room->near = NULL;
    room->near_room = 0;
    kc_pool_give_back(&room->pool, room->own);
}

kc_sweep_room *kc_sweep_room_new(void) {
    kc_pool pool = {0};
    kc_sweep_room *room = kc_pool_take(&pool, sizeof *room);
    if (!room) return NULL;
    memset(room, 0, sizeof *room);
    room->pool = room->own = pool;
    room->reached = -1;
    return room;
}

void kc_sweep_room_free(kc_sweep_room *room) {
    if (!room) return;
    kc_pool pool = room->pool;
    kc_free(room->meetings.found.list);
    free(room->whose);
    kc_pool_give_back(&pool, (kc_pool){0});
}

int64_t kc_sweep_found(const kc_sweep_room *room) { return room->meetings.found.count; }

void kc_sweep_clear(kc_sweep_room *room) {
    kc_breaches *found = &room->meetings.found;
    int64_t movers = 0;
    for (int level = 0; level < KC_LEVELS; level++) movers += room->level[level].room;
    if (movers > MOST_MOVERS) let_go(room);
    if (found->room > MOST_STAYS) {
        kc_free(found->list);
        free(room->whose);
        *found = (kc_breaches){0};
        room->whose = NULL;
        room->whose_room = 0;
    }
    found->count = room->told = 0;
    room->reached = -1;
}

static void begin_at(kc_sweep_room *now, const kc_sweep *sweep, int64_t slab) {
    now->meetings.sweep = sweep;
    now->from = slab <= 0 ? -INFINITY : kc_slab_at(sweep, 0, slab);
    for (int level = 0; level < KC_LEVELS; level++) {
        now->level[level].slab = -1;
        now->level[level].count = 0;
        int64_t first = slab >> (KC_FINER * level);
        now->level[level].track = kc_first_track(sweep, level, kc_slab_at(sweep, level, first));
        now->next[level] = next_slab(now, level, first);
    }
}

/* Notes whose the stays are that were found since, while they are at hand. */
static int tell_whose(kc_sweep_room *now) {
    const kc_breaches *found = &now->meetings.found;
    if (now->whose_room < found->count) {
        kc_whose *whose = realloc(now->whose, (size_t)found->room * sizeof *whose);
        if (!whose) return 0;
        now->whose = whose;
        now->whose_room = found->room;
    }
    for (; now->told < found->count; now->told++)
        now->whose[now->told] = (kc_whose){(int32_t)found->list[now->told].a, (int32_t)found->list[now->told].b};
    return 1;
}

int kc_sweep_run(const kc_sweep *sweep, int64_t from, int64_t upto, kc_sweep_room *now, kc_sweep_counts *counts) {
    int64_t *next = now->next;
    if (now->reached != from || now->meetings.sweep != sweep) begin_at(now, sweep, from);
    now->reached = -1;
    now->meetings.counts = (kc_sweep_counts){0};
    now->meetings.waits = 0;
    for (;;) {
        int of = 0; /* the coarsest of the levels whose slab begins first */
        for (int level = 1; level < KC_LEVELS; level++)
            if (next[level] << (KC_FINER * level) <= next[of] << (KC_FINER * of)) of = level;
        if (next[of] << (KC_FINER * of) >= upto) break;
        if (!slab_of(now, of, next[of])) return 0;
        next[of] = next_slab(now, of, 0);
    }
    if (!kc_meetings_end(&now->meetings) || !tell_whose(now)) return 0;
    if (counts) *counts = now->meetings.counts;
    now->reached = upto;
    return 1;
}
