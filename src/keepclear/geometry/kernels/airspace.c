#include "airspace.h"

#include "postings.h"

#include <stdlib.h>
#include <string.h>

/* A plan that is in: the whole of it in one piece of memory, to which `plan` points. */
typedef struct {
    kc_plans plan;
    int64_t bytes, nodes;
    double ends, highest_lower, lowest_upper; /* s, m */
    uint8_t kind, datum;
} live;

struct kc_airspace {
    kc_minima minima;
    kc_postings postings;
    live **live;       /* by slot; NULL: free */
    uint8_t *hidden;   /* by slot: whether it is passed over for now */
    uint32_t *free;    /* slots that were given back */
    int64_t room, top, free_count, count, bytes;
    kc_pieces pieces;  /* of the plans that are asked about, as far as they are worked on together */
    kc_asker askers[KC_ASKERS];
    int asked;
    kc_slots near;
};

/* Plans are worked on together until they have so many pieces: each step asks for the memory that the next one needs, and
 * goes through them all meanwhile. */
enum { ENOUGH = 64 };

kc_airspace *kc_airspace_new(const kc_minima *minima) {
    kc_airspace *air = calloc(1, sizeof *air);
    if (!air) return NULL;
    air->minima = *minima;
    for (int a = 0; a < KC_KINDS; a++) {
        air->postings.greatest[a] = -INFINITY;
        for (int b = 0; b < KC_KINDS; b++) /* NaN is passed over */
            air->postings.greatest[a] = fmax(air->postings.greatest[a], minima->across[KC_KINDS * a + b]);
    }
    return air;
}

void kc_airspace_free(kc_airspace *air) {
    for (int64_t slot = 0; slot < air->top; slot++) free(air->live[slot]);
    kc_postings_clear(&air->postings);
    free(air->live);
    free(air->hidden);
    free(air->free);
    free(air->pieces.list);
    free(air->pieces.passed);
    free(air->near.list);
    free(air);
}

/* ── plans that are in ─────────────────────────────────────────────────────────────────────────────────────────────── */

/* Copies `count` numbers of 8 bytes and moves on. */
static const void *copied(char **to, const void *from, int64_t count) {
    void *here = *to;
    if (count) memcpy(here, from, (size_t)count * 8);
    *to += count * 8;
    return here;
}

/* The same of places in a list, counted from the first of them. */
static const int64_t *rebased(char **to, const int64_t *from, int64_t count) {
    int64_t *here = (int64_t *)*to;
    for (int64_t k = 0; k < count; k++) here[k] = from[k] - from[0];
    *to += count * 8;
    return here;
}

/* Takes one band more into account. */
static void narrow(live *one, double lower, double upper) {
    if (lower > one->highest_lower) one->highest_lower = lower;
    if (upper < one->lowest_upper) one->lowest_upper = upper;
}

static live *copy_of(const kc_plans *plans, int64_t i) {
    int64_t node = plans->node_from[i], nodes = plans->node_from[i + 1] - node;
    int64_t volume = plans->volume_from[i], volumes = plans->volume_from[i + 1] - volume;
    int64_t ring = plans->ring_from[volume], rings = plans->ring_from[volume + volumes] - ring;
    int64_t vertex = plans->vertex_from[ring], vertices = plans->vertex_from[ring + rings] - vertex;
    int64_t numbers = 4 + 2 + KC_NODE * nodes + 2 + (4 + 8) * volumes + volumes + 1 + rings + 1 + 3 * vertices;
    int64_t bytes = (int64_t)sizeof(live) + 8 * numbers;
    live *one = malloc((size_t)bytes);
    if (!one) return NULL;
    char *to = (char *)(one + 1);
    one->bytes = bytes;
    kc_plans *plan = &one->plan;
    plan->count = 1;
    plan->room = copied(&to, plans->room + 4 * i, 4);
    plan->node_from = rebased(&to, plans->node_from + i, 2);
    plan->nodes = copied(&to, plans->nodes + KC_NODE * node, KC_NODE * nodes);
    plan->volume_from = rebased(&to, plans->volume_from + i, 2);
    plan->volumes = copied(&to, plans->volumes + 4 * volume, 4 * volumes);
    plan->areas = copied(&to, plans->areas + 8 * volume, 8 * volumes);
    plan->ring_from = rebased(&to, plans->ring_from + volume, volumes + 1);
    plan->vertex_from = rebased(&to, plans->vertex_from + ring, rings + 1);
    plan->vertices = copied(&to, plans->vertices + 3 * vertex, 3 * vertices);
    one->kind = plans->kind[i];
    one->datum = plans->datum[i];
    plan->kind = &one->kind;
    plan->datum = &one->datum;
    one->nodes = nodes;
    one->ends = nodes ? plan->nodes[KC_NODE * (nodes - 1)] + plan->room[3] : -INFINITY;
    for (int64_t k = 0; k < volumes; k++) one->ends = fmax(one->ends, plan->volumes[4 * k + 1]);
    one->highest_lower = -INFINITY;
    one->lowest_upper = INFINITY;
    for (const double *node = plan->nodes, *end = node + KC_NODE * nodes; node < end; node += KC_NODE)
        narrow(one, node[KC_LOWER], node[KC_UPPER]);
    for (int64_t k = 0; k < volumes; k++) narrow(one, plan->volumes[4 * k + 2], plan->volumes[4 * k + 3]);
    return one;
}

static int grow(void **list, int64_t room, size_t each) {
    void *longer = realloc(*list, (size_t)room * each);
    if (!longer) return 0;
    *list = longer;
    return 1;
}

/* A slot to put a plan into; -1 if there is no memory left. */
static int64_t free_slot(kc_airspace *air) {
    if (air->free_count) return air->free[--air->free_count];
    if (air->top == air->room) {
        int64_t room = air->room ? air->room + air->room / 2 : 64;
        if (room > KC_MOST_PLANS) return -1;
        if (!grow((void **)&air->live, room, sizeof *air->live) ||
            !grow((void **)&air->hidden, room, sizeof *air->hidden) ||
            !grow((void **)&air->free, room, sizeof *air->free))
            return -1;
        air->room = room;
    }
    air->live[air->top] = NULL;
    return air->top++;
}

/* Adds the pieces of a plan. */
static int cut(kc_airspace *air, const kc_plans *plans, int64_t i) {
    double reach = air->postings.greatest[plans->kind[i]];
    return !(reach >= 0.0) || kc_cut(plans, i, reach, &air->pieces); /* else it needs to keep away from nothing */
}

/* Cuts up to `most` plans from `first` on, which are asked about from then on. */
static int cut_some(kc_airspace *air, const kc_plans *plans, int64_t first, int most) {
    air->pieces.count = air->asked = 0;
    for (int64_t i = first; i < plans->count && air->asked < most && air->pieces.count < ENOUGH; i++) {
        int64_t from = air->pieces.count;
        if (!cut(air, plans, i)) return 0;
        air->askers[air->asked++] = (kc_asker){from, air->pieces.count, 0, 0, plans->kind[i], plans->datum[i]};
    }
    return 1;
}

/* Sets down whose the pieces from `from` up to `upto` are. */
static void name_pieces(kc_airspace *air, int64_t from, int64_t upto, const live *one, int64_t slot) {
    uint32_t of = kc_posting_of((uint32_t)slot, one->kind, one->datum);
    for (int64_t k = from; k < upto; k++) air->pieces.list[k].of = of;
}

/* A slot with a copy of plan i, not yet found by anybody; -1 if there is no memory left. */
static int64_t take_slot(kc_airspace *air, const kc_plans *plans, int64_t i) {
    live *one = copy_of(plans, i);
    int64_t slot = one ? free_slot(air) : -1;
    if (slot < 0) {
        free(one);
        return -1;
    }
    air->live[slot] = one;
    air->bytes += one->bytes;
    air->count++;
    return slot;
}

static void give_back(kc_airspace *air, int64_t slot) {
    air->bytes -= air->live[slot]->bytes;
    air->count--;
    free(air->live[slot]);
    air->live[slot] = NULL;
    air->free[air->free_count++] = (uint32_t)slot;
}

/* Puts in the plans that are asked about, of which the first is plan `first`, and hides them if told so; all or none. */
static int put_some(kc_airspace *air, const kc_plans *plans, int64_t first, int hide, int64_t *slots) {
    int taken = 0;
    for (; taken < air->asked; taken++) {
        int64_t slot = slots[taken] = take_slot(air, plans, first + taken);
        if (slot < 0) break;
        air->hidden[slot] = (uint8_t)hide;
        name_pieces(air, air->askers[taken].from, air->askers[taken].upto, air->live[slot], slot);
    }
    int64_t posted = 0;
    if (taken == air->asked) {
        posted = kc_post(&air->postings, air->pieces.list, air->pieces.count);
        if (posted == air->pieces.count) return 1;
    }
    while (posted) kc_unpost(&air->postings, &air->pieces.list[--posted]);
    while (taken) {
        give_back(air, slots[--taken]);
        slots[taken] = -1;
    }
    return 0;
}

static void take_out(kc_airspace *air, int64_t slot) {
    const live *one = air->live[slot];
    air->pieces.count = 0;
    cut(air, &one->plan, 0);
    name_pieces(air, 0, air->pieces.count, one, slot);
    for (int64_t k = 0; k < air->pieces.count; k++) kc_unpost(&air->postings, &air->pieces.list[k]);
    give_back(air, slot);
}

/* ── asking ────────────────────────────────────────────────────────────────────────────────────────────────────────── */

/* Collects who may be near the plans that are asked about, hidden ones too. */
static int find_near(kc_airspace *air) {
    return kc_near(&air->postings, air->pieces.list, air->askers, air->asked, &air->minima, &air->near);
}

int64_t kc_airspace_near(kc_airspace *air, const kc_plans *plans, int64_t i, int64_t *slots) {
    if (!cut_some(air, plans, i, 1) || !find_near(air)) return -1;
    for (int64_t k = 0; k < air->near.count; k++) slots[k] = air->near.list[k].slot;
    return air->near.count;
}

/* The k-th of those that are near; NULL if there are not so many. */
static inline const live *nth_near(const kc_airspace *air, int64_t k) {
    return k >= 0 && k < air->near.count ? air->live[air->near.list[k].slot] : NULL;
}

/* Asks for the memory of those that come after the k-th: nobody looked at most of them lately. Never a call: compilers
 * take a function that only asks for memory for one that does nothing, and leave the call out. */
enum { FORESEEN = 24, HEAD_AT = 16, BODY_AT = 8, LEG_AT = 2, LINE = 64, HEAD = 3, BODY = 12 };
static inline __attribute__((always_inline)) void foresee(const kc_airspace *air, int64_t k) {
    if (k + FORESEEN < air->near.count) __builtin_prefetch(&air->live[air->near.list[k + FORESEEN].slot]);
    const live *one = nth_near(air, k + HEAD_AT);
    for (int line = 0; one && line < HEAD; line++) __builtin_prefetch((const char *)one + LINE * line);
    if ((one = nth_near(air, k + BODY_AT))) {
        if (one->nodes) {
            __builtin_prefetch(one->plan.nodes);
            __builtin_prefetch(one->plan.nodes + KC_NODE * (one->nodes - 1));
        } else {
            for (int line = HEAD; line < BODY && LINE * line < one->bytes; line++)
                __builtin_prefetch((const char *)one + LINE * line);
        }
    }
    if ((one = nth_near(air, k + LEG_AT)) && one->nodes) {
        const double *nodes = one->plan.nodes;
        double starts = nodes[KC_T], share = (air->near.list[k + LEG_AT].from - starts) / (one->ends - starts);
        int64_t leg = (int64_t)(fmax(0.0, fmin(1.0, share)) * (double)(one->nodes - 1));
        for (int line = 0; line < 4; line++) __builtin_prefetch((const char *)(nodes + KC_NODE * leg) + LINE * line);
    }
}

/* Adds the breaches of plan i, the `which`-th of those asked about, which would replace `old`. */
static int check(kc_airspace *air, const kc_plans *plans, int64_t i, int which, int64_t old, kc_breaches *found) {
    const kc_asker *asker = &air->askers[which];
    const kc_slot *near = air->near.list;
    int64_t first = found->count;
    for (int64_t k = which ? asker->near_from : -FORESEEN; k < asker->near_upto; k++) {
        foresee(air, k);
        if (k < 0 || air->hidden[near[k].slot] || (int64_t)near[k].slot == old) continue;
        int64_t start = found->count;
        const kc_plans *other = &air->live[near[k].slot]->plan;
        if (!kc_plans_meet_within(plans, i, other, 0, &air->minima, near[k].from, near[k].upto, found)) return 0;
        /* Below zero for now: a stay in plan 0 of the next must not be taken for one that goes on in slot 0. */
        for (; start < found->count; start++) found->list[start].b = -1 - (int64_t)near[k].slot;
    }
    for (; first < found->count; first++) found->list[first].b = -1 - found->list[first].b;
    return 1;
}

static int ascending(const void *left, const void *right) {
    int64_t one = *(const int64_t *)left, other = *(const int64_t *)right;
    return one < other ? -1 : one > other;
}

/* Where a slot stands among others, which are in order, from some place on. */
static int64_t rank_of(int64_t slot, const kc_known_list *known, int64_t from) {
    int64_t upto = known->count;
    if (known->list[from].slot > slot) from = 0;
    if (known->list[from].slot == slot) return from;
    while (from + 1 < upto) {
        int64_t middle = from + (upto - from) / 2;
        if (known->list[middle].slot <= slot)
            from = middle;
        else
            upto = middle;
    }
    return from;
}

/* Says of every plan in what was found what is known of it, and where in `known` it stands. */
static int tell(const kc_airspace *air, kc_breaches *found, kc_known_list *known) {
    if (!found->count) return 1;
    int64_t *slots = malloc((size_t)found->count * sizeof *slots), count = 0;
    if (!slots) return 0;
    int sorted = 1;
    for (int64_t k = 0; k < found->count; k++) {
        int64_t slot = found->list[k].b;
        if (count && slots[count - 1] == slot) continue;
        sorted &= !count || slots[count - 1] < slot;
        slots[count++] = slot;
    }
    if (!sorted) qsort(slots, (size_t)count, sizeof *slots, ascending);
    known->list = malloc((size_t)count * sizeof *known->list);
    if (known->list) {
        known->room = count;
        for (int64_t k = 0; k < count; k++) {
            if (k && slots[k - 1] == slots[k]) continue;
            const live *one = air->live[slots[k]];
            const double *room = one->plan.room;
            known->list[known->count++] = (kc_known){
                .slot = slots[k],
                .kind = one->kind,
                .volumes = one->plan.volume_from[1],
                .room = {room[0], room[1], room[2], room[3]},
                .ends = {one->highest_lower, one->lowest_upper},
            };
        }
        for (int64_t k = 0, at = 0; k < found->count; k++)
            found->list[k].b = at = rank_of(found->list[k].b, known, at);
    }
    free(slots);
    return known->list != NULL;
}

int kc_airspace_check(kc_airspace *air, const kc_plans *plans, const int64_t *old, kc_breaches *found,
                      kc_known_list *known) {
    int64_t done = 0;
    int all = 1;
    while (all && done < plans->count) {
        all = cut_some(air, plans, done, KC_ASKERS) && find_near(air);
        for (int k = 0; all && k < air->asked; k++, done++) all = check(air, plans, done, k, old[done], found);
    }
    if (all && tell(air, found, known)) return 1;
    found->count = 0;
    return 0;
}

/* ── changing ──────────────────────────────────────────────────────────────────────────────────────────────────────── */

/* Puts the next plans in, from `first` on, each checked before if `found` is given; how many, or 0 if there is no memory
 * left. Those that are checked are put in before the first of them is, hidden until their turn comes: then all that is
 * needed of memory has been asked for. */
static int64_t take_some(kc_airspace *air, const kc_plans *plans, int64_t first, const int64_t *old, int only_free,
                         int64_t *slots, kc_breaches *found) {
    if (!cut_some(air, plans, first, only_free ? 1 : KC_ASKERS)) return 0;
    if (!only_free && !put_some(air, plans, first, found != NULL, slots + first)) return 0;
    if (found && !find_near(air)) return 0;
    for (int k = 0; k < air->asked; k++) {
        int64_t i = first + k, before = found ? found->count : 0;
        if (found && !check(air, plans, i, k, old[i], found)) return 0;
        if (only_free && found->count == before && !put_some(air, plans, i, 0, slots + i)) return 0;
        if (slots[i] < 0) continue;
        air->hidden[slots[i]] = 0;
        if (old[i] >= 0) air->hidden[old[i]] = 1;
    }
    return air->asked;
}

/* Puts plans in one after the other, each checked before if `found` is given. What is replaced is only hidden until all
 * is done, so that all can be undone. */
static int take_in(kc_airspace *air, const kc_plans *plans, const int64_t *old, int only_free, int64_t *slots,
                   kc_breaches *found, kc_known_list *known) {
    int64_t done = 0, some = 1;
    for (int64_t i = 0; i < plans->count; i++) slots[i] = -1;
    for (; some && done < plans->count; done += some)
        some = take_some(air, plans, done, old, only_free, slots, found);
    int all = some && (!found || tell(air, found, known));
    for (int64_t i = 0; i < plans->count; i++) {
        if (slots[i] < 0) continue;
        if (!all) take_out(air, slots[i]);
        if (old[i] < 0) continue;
        if (all)
            take_out(air, old[i]);
        else
            air->hidden[old[i]] = 0;
    }
    if (!all && found) found->count = 0;
    return all;
}

int kc_airspace_put(kc_airspace *air, const kc_plans *plans, const int64_t *old, int64_t *slots) {
    return take_in(air, plans, old, 0, slots, NULL, NULL);
}

int kc_airspace_check_and_put(kc_airspace *air, const kc_plans *plans, const int64_t *old, int only_free,
                              int64_t *slots, kc_breaches *found, kc_known_list *known) {
    return take_in(air, plans, old, only_free, slots, found, known);
}

void kc_airspace_remove(kc_airspace *air, const int64_t *slots, int64_t count) {
    for (int64_t k = 0; k < count; k++) take_out(air, slots[k]);
}

int64_t kc_airspace_expire(kc_airspace *air, double now, int64_t *slots) {
    int64_t count = 0;
    for (int64_t slot = 0; slot < air->top; slot++)
        if (air->live[slot] && air->live[slot]->ends <= now) slots[count++] = slot;
    kc_airspace_remove(air, slots, count);
    return count;
}

int64_t kc_airspace_count(const kc_airspace *air) { return air->count; }

int64_t kc_airspace_bytes(const kc_airspace *air) {
    int64_t held = (int64_t)sizeof *air + air->bytes + air->postings.bytes;
    held += air->room * (int64_t)(sizeof *air->live + sizeof *air->hidden + sizeof *air->free);
    held += air->pieces.room * (int64_t)sizeof *air->pieces.list + air->pieces.passed_room * (int64_t)sizeof(double);
    return held + air->near.room * (int64_t)sizeof *air->near.list;
}
