#include "shelves.h"
#include "pool.h"

#include <stdlib.h>

enum { LEAST = 1 << 14, MOST = 1 << 21 };

static int grow(kc_shelves *shelves) {
    size_t size = shelves->size < LEAST ? LEAST : shelves->size < MOST ? 2 * shelves->size : MOST;
    void **chunk = kc_lines(size);
    if (!chunk) return 0;
    if (shelves->left) kc_shelf_return(shelves, shelves->next, (int32_t)(shelves->left / KC_LINE));
    *chunk = shelves->chunks;
    shelves->chunks = chunk;
    shelves->next = (char *)chunk + KC_LINE;
    shelves->left = size - KC_LINE;
    shelves->size = size;
    return 1;
}

void *kc_shelf_take(kc_shelves *shelves, int32_t lines) {
    size_t size = (size_t)lines * KC_LINE;
    if (lines > KC_SHELVES) return kc_lines(size);
    void **taken = shelves->returned[lines];
    if (taken) {
        shelves->returned[lines] = *taken;
        return taken;
    }
    if (shelves->left < size && !grow(shelves)) return NULL;
    taken = (void **)shelves->next;
    shelves->next += size;
    shelves->left -= size;
    return taken;
}

void kc_shelf_return(kc_shelves *shelves, void *taken, int32_t lines) {
    if (lines > KC_SHELVES) {
        free(taken);
        return;
    }
    *(void **)taken = shelves->returned[lines];
    shelves->returned[lines] = taken;
}

void kc_shelves_drop(kc_shelves *shelves) {
    while (shelves->chunks) {
        void *before = *(void **)shelves->chunks;
        free(shelves->chunks);
        shelves->chunks = before;
    }
}
