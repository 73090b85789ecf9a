#define _DEFAULT_SOURCE /* madvise */
#include "pool.h"

#include <stdlib.h>

#ifdef __linux__
#include <sys/mman.h>
#endif

enum { LINE = 64, PAGE = 1 << 21 };

struct kc_chunk {
    kc_chunk *before;
    size_t size;
};

static kc_chunk *chunk_of(size_t size) {
    size = (size + PAGE - 1) / PAGE * PAGE;
    kc_chunk *made = aligned_alloc(PAGE, size);
    if (!made) return NULL;
#ifdef __linux__
    madvise(made, size, MADV_HUGEPAGE); /* without it, it is only slower */
#endif
    made->size = size;
    return made;
}

void *kc_pool_take(kc_pool *pool, size_t size) {
    size = (size + LINE - 1) / LINE * LINE;
    if (!pool->chunks || pool->chunks->size - pool->used < size) {
        kc_chunk *fresh = chunk_of(size + LINE);
        if (!fresh) return NULL;
        fresh->before = pool->chunks;
        pool->chunks = fresh;
        pool->used = LINE;
    }
    void *taken = (char *)pool->chunks + pool->used;
    pool->used += size;
    return taken;
}

void kc_pool_give_back(kc_pool *pool, kc_pool then) {
    while (pool->chunks != then.chunks) {
        kc_chunk *before = pool->chunks->before;
        free(pool->chunks);
        pool->chunks = before;
    }
    pool->used = then.used;
}
