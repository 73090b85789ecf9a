/* Which plans have a piece near a place at a time: a grid of slabs of time and cells on the earth, kept as hash tables. */
#ifndef KEEPCLEAR_POSTINGS_H
#define KEEPCLEAR_POSTINGS_H

#include "pieces.h"

/* A piece in 48 bytes. Seconds are from the start of its slab. `of` is a plan's number, its kind and its datum. */
typedef struct {
    float t0, t1, p[3], v[3], radius, lower, upper;
    uint32_t of;
} kc_posting;

enum { KC_SPACE_LEVELS = 7, KC_MOST_PLANS = 1 << 26, KC_ASKERS = 16 };

typedef struct kc_cell_table kc_cell_table;

typedef struct {
    kc_cell_table *tables[KC_TIME_LEVELS * KC_SPACE_LEVELS]; /* by length of slab and side of cell; most are NULL */
    double greatest[KC_KINDS]; /* distance on the ground at which a kind matters to any other; below 0: to none */
    int64_t bytes;             /* of memory that the tables hold */
} kc_postings;

/* A plan of which some piece comes near, at no other time than from `from` to `upto` (s; early and late counted in). */
typedef struct {
    uint32_t slot, asker;
    double from, upto;
} kc_slot;

/* A list of them that grows and is used again. */
typedef struct {
    kc_slot *list;
    int64_t count, room;
} kc_slots;

static inline uint32_t kc_posting_of(uint32_t slot, uint8_t kind, uint8_t datum) {
    return slot << 5 | (uint32_t)kind << 2 | datum;
}

/* Files pieces, each under its `of`; how many, the first of them: fewer than `count` if there is no memory left. */
int64_t kc_post(kc_postings *postings, const kc_piece *pieces, int64_t count);

/* Takes one posting of that `of` out of where kc_post put such a piece. */
void kc_unpost(kc_postings *postings, const kc_piece *piece);

/* A plan that is asked about: its pieces in a list, and what is found for it in another. */
typedef struct {
    int64_t from, upto, near_from, near_upto;
    uint8_t kind, datum;
} kc_asker;

/* Fills `near` for up to KC_ASKERS plans with each plan that may come nearer to one of its pieces than the minima for the
 * kinds of both, once, in order of slot, and not with itself if it is in: for one after the other, where `near_from` and
 * `near_upto` say. Several are asked about in one go so that nobody waits for memory. False if there is none left.
 */
int kc_near(const kc_postings *postings, const kc_piece *pieces, kc_asker *askers, int count, const kc_minima *minima,
            kc_slots *near);

void kc_postings_clear(kc_postings *postings);

#endif
