/* Memory taken bit by bit and given back all at once, in large pages where the system has them: what is worked in again
 * and again then lies evenly over the cache, wherever it comes from. */
#ifndef KEEPCLEAR_POOL_H
#define KEEPCLEAR_POOL_H

#include <stddef.h>

typedef struct kc_chunk kc_chunk;

typedef struct {
    kc_chunk *chunks; /* the newest first */
    size_t used;      /* of the newest */
} kc_pool;

/* `size` bytes, not cleared, at a multiple of 64; NULL if there is no memory left. */
void *kc_pool_take(kc_pool *pool, size_t size);

/* Gives back what was taken since it was as `then`; {0} for all. */
void kc_pool_give_back(kc_pool *pool, kc_pool then);

/* `size` bytes, not cleared, at a multiple of 64, in large pages if they fill one or more; given back with free(). NULL
 * if there is no memory left. */
void *kc_lines(size_t size);

#endif
