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

static size_t whole(size_t size, size_t unit) { return (size + unit - 1) / unit * unit; }

void *kc_lines(size_t size) {
    size_t unit = size < PAGE ? LINE : PAGE;
    void *made = aligned_alloc(unit, whole(size, unit));
#ifdef __linux__
    if (made && unit == PAGE) madvise(made, whole(size, unit), MADV_HUGEPAGE); /* without it, it is only slower */
#endif
    return made;
}

static kc_chunk *chunk_of(size_t size) {
    size = whole(size, PAGE);
    kc_chunk *made = kc_lines(size);
    if (!made) return NULL;
    made->size = size;
    return made;
}

void *kc_pool_take(kc_pool *pool, size_t size) {
    size = whole(size, LINE);
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
