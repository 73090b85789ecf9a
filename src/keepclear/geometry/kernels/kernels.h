/* What Python hands to the kernels and takes back. `__init__.py` of this folder mirrors every struct, field by field, and
 * loading.c lists them, so that a library and mirrors that differ are never used together.
 *
 * Arrays belong to the caller and are contiguous. A kernel writes only what its comment says, keeps no pointer after it
 * returns (but for those of an object it made), holds no global state, and is called without the interpreter's lock.
 */
#ifndef KEEPCLEAR_KERNELS_H
#define KEEPCLEAR_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define KC_EXPORT __declspec(dllexport)
#else
#define KC_EXPORT __attribute__((visibility("default")))
#endif

enum { KC_KINDS = 5 }; /* of plans, as in geometry/columns.py */
enum { KC_WAYS_NEAR = 0, KC_WAY_THROUGH_VOLUME = 1, KC_VOLUMES_MEET = 2 };
/* Flags of a breach: the datums differ, so every height counted as too near; the way through a volume is of plan b. */
enum { KC_HEIGHTS_NOT_COMPARABLE = 1, KC_WAY_OF_B = 2 };

/* n plans. A plan has a way (its nodes, two or more), volumes, or both. `Packed` in geometry/pack.py. */
typedef struct {
    int64_t count;
    const uint8_t *kind;        /* (n,) */
    const uint8_t *datum;       /* (n,) of its heights */
    const double *room;         /* (n, 4) of its way: buffer m, vertical buffer m, early s, late s */
    const int64_t *node_from;   /* (n + 1,) its nodes are node_from[i] up to node_from[i + 1] */
    const double *nodes;        /* (m, 6) t s, x, y, z m, lower m, upper m, all finite; t never falls; legs of no time
                                   say nothing */
    const int64_t *volume_from; /* (n + 1,) */
    const double *volumes;      /* (k, 4) from s, up to s, lower m, upper m */
    const double *areas;        /* (k, 8) of each volume: middle x, y, z; radius of a ball about it that holds the area
                                   (the surface between its points included); radius m along the ground if it is a
                                   circle, else 0; a point x, y, z well within it */
    const int64_t *ring_from;   /* (k + 1,) rings of each volume's area, none of a circle: outline, then holes */
    const int64_t *vertex_from; /* (rings + 1,) */
    const double *vertices;     /* (v, 3) x, y, z; the last of a ring joins the first; edges no longer than a leg */
} kc_plans;

/* Least separation by kinds of two plans, metres; NaN across: these two need none; infinite height: any. Symmetric. */
typedef struct {
    double across[KC_KINDS * KC_KINDS];
    double height[KC_KINDS * KC_KINDS];
} kc_minima;

/* Two plans are too near from t0 to t1. `Breach` of conflict/detect.py says what the figures mean. 96 bytes. */
typedef struct {
    int64_t a, b;                             /* the plans */
    double t0, t1, nearest_t;                 /* s */
    double horizontal, vertical, margin;      /* m */
    double place[3];                          /* x, y, z m */
    int32_t reason, flags;
} kc_breach;

/* A list that grows. Made by a kernel, read by Python, given back with kc_free(found.list). */
typedef struct {
    kc_breach *list;
    int64_t count, room;
} kc_breaches;

KC_EXPORT void kc_free(void *memory);

/* Adds one; false if there is no memory left. */
int kc_add_breach(kc_breaches *found, const kc_breach *one);

#endif
