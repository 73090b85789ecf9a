/* The list of breaches that kernels hand to Python. */
#include "kernels.h"

#include <stdlib.h>

void kc_free(void *memory) { free(memory); }

int kc_add_breach(kc_breaches *found, const kc_breach *one) {
    if (found->count == found->room) {
        int64_t room = found->room ? 2 * found->room : 64;
        kc_breach *list = realloc(found->list, (size_t)room * sizeof *list);
        if (!list) return 0;
        found->list = list;
        found->room = room;
    }
    found->list[found->count++] = *one;
    return 1;
}
