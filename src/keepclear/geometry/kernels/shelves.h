/* Small pieces of memory by whole lines of the cache, side by side in pages as large as there is use for. */
#ifndef KEEPCLEAR_SHELVES_H
#define KEEPCLEAR_SHELVES_H

#include <stddef.h>
#include <stdint.h>

/* Pieces of more lines than this lie each for itself. */
enum { KC_LINE = 64, KC_SHELVES = 64 };

typedef struct {
    void *chunks; /* each begins with a line that holds the address of the one before */
    char *next;   /* what was never taken yet */
    size_t left, size; /* bytes of it, and of the newest chunk */
    void *returned[KC_SHELVES + 1]; /* by lines; each begins with the address of another */
} kc_shelves;

static inline int32_t kc_lines_for(int64_t bytes) { return (int32_t)((bytes + KC_LINE - 1) / KC_LINE); }

/* So many lines, not cleared; NULL if there is no memory left. */
void *kc_shelf_take(kc_shelves *shelves, int32_t lines);

/* Gives back what was taken as so many. */
void kc_shelf_return(kc_shelves *shelves, void *taken, int32_t lines);

/* Gives back all but what lies for itself. */
void kc_shelves_drop(kc_shelves *shelves);

#endif
