/* What Python asks a library before it uses it. */
#include "kernels.h"

#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#define KC_WIDE 1
#endif

static uint64_t fold(uint64_t sum, uint64_t number) { return (sum ^ number) * UINT64_C(1099511628211); }

#define TYPE(type) sum = fold(sum, sizeof(type))
#define FIELD(type, name) sum = fold(fold(sum, offsetof(type, name)), sizeof(((type *)0)->name))

/* One number for the size of every struct shared with Python, and for the place and size of each of its fields, in the
 * order of SHARED in __init__.py, which works out the same number from its mirrors. A library of another age differs. */
KC_EXPORT uint64_t kc_layout(void) {
    uint64_t sum = UINT64_C(14695981039346656037);

    TYPE(kc_plans);
    FIELD(kc_plans, count);
    FIELD(kc_plans, kind);
    FIELD(kc_plans, datum);
    FIELD(kc_plans, room);
    FIELD(kc_plans, node_from);
    FIELD(kc_plans, nodes);
    FIELD(kc_plans, volume_from);
    FIELD(kc_plans, volumes);
    FIELD(kc_plans, areas);
    FIELD(kc_plans, ring_from);
    FIELD(kc_plans, vertex_from);
    FIELD(kc_plans, vertices);

    TYPE(kc_minima);
    FIELD(kc_minima, across);
    FIELD(kc_minima, height);

    TYPE(kc_breach);
    FIELD(kc_breach, a);
    FIELD(kc_breach, b);
    FIELD(kc_breach, t0);
    FIELD(kc_breach, t1);
    FIELD(kc_breach, nearest_t);
    FIELD(kc_breach, horizontal);
    FIELD(kc_breach, vertical);
    FIELD(kc_breach, margin);
    FIELD(kc_breach, place);
    FIELD(kc_breach, reason);
    FIELD(kc_breach, flags);

    TYPE(kc_breaches);
    FIELD(kc_breaches, list);
    FIELD(kc_breaches, count);
    FIELD(kc_breaches, room);
    return sum;
}

/* Whether the processor (and the system under it) knows the instructions of a variant: "baseline", "v3" or "v4". */
KC_EXPORT int kc_knows(const char *variant) {
    if (!strcmp(variant, "baseline")) return 1;
#ifdef KC_WIDE
    __builtin_cpu_init();
    unsigned a, b, c, d;
    const unsigned movbe = 1u << 22, half_floats = 1u << 29, lzcnt = 1u << 5;
    int v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
             __builtin_cpu_supports("bmi2") && __get_cpuid(1, &a, &b, &c, &d) && (c & movbe) && (c & half_floats) &&
             __get_cpuid(0x80000001u, &a, &b, &c, &d) && (c & lzcnt);
    if (!strcmp(variant, "v3")) return v3;
    if (!strcmp(variant, "v4"))
        return v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
#endif
    return 0;
}
