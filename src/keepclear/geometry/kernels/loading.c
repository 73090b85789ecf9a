/* What Python asks a library before it uses it. */
#include "airspace.h"
#include "kernels.h"
#include "movers.h"
#include "sound.h"
#include "ways.h"

#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#define KC_WIDE 1
#endif

static uint64_t fold(uint64_t sum, uint64_t number) { return (sum ^ number) * UINT64_C(1099511628211); }

#define IS(type) (!strcmp(name, #type) && (sum = fold(START, sizeof(type))))
#define HAS(type, field) sum = fold(fold(sum, offsetof(type, field)), sizeof(((type *)0)->field))

/* One number for the size of a struct that Python knows too, and for the place and the size of each of its fields in
 * their order; 0 if its name is none of those here. `layout` in __init__.py works out the same from a mirror: a library
 * of another age differs. */
KC_EXPORT uint64_t kc_layout(const char *name) {
    const uint64_t START = UINT64_C(14695981039346656037);
    uint64_t sum = 0;
    if (IS(kc_plans)) {
        HAS(kc_plans, count);
        HAS(kc_plans, kind);
        HAS(kc_plans, datum);
        HAS(kc_plans, room);
        HAS(kc_plans, node_from);
        HAS(kc_plans, nodes);
        HAS(kc_plans, volume_from);
        HAS(kc_plans, volumes);
        HAS(kc_plans, areas);
        HAS(kc_plans, ring_from);
        HAS(kc_plans, vertex_from);
        HAS(kc_plans, vertices);
    } else if (IS(kc_minima)) {
        HAS(kc_minima, across);
        HAS(kc_minima, height);
    } else if (IS(kc_breach)) {
        HAS(kc_breach, a);
        HAS(kc_breach, b);
        HAS(kc_breach, t0);
        HAS(kc_breach, t1);
        HAS(kc_breach, nearest_t);
        HAS(kc_breach, horizontal);
        HAS(kc_breach, vertical);
        HAS(kc_breach, margin);
        HAS(kc_breach, place);
        HAS(kc_breach, reason);
        HAS(kc_breach, flags);
    } else if (IS(kc_breaches)) {
        HAS(kc_breaches, list);
        HAS(kc_breaches, count);
        HAS(kc_breaches, room);
    } else if (IS(kc_columns)) {
        HAS(kc_columns, plans);
        HAS(kc_columns, points);
        HAS(kc_columns, volumes);
        HAS(kc_columns, rings);
        HAS(kc_columns, vertices);
        HAS(kc_columns, kind);
        HAS(kc_columns, datum);
        HAS(kc_columns, band);
        HAS(kc_columns, room);
        HAS(kc_columns, point_from);
        HAS(kc_columns, t);
        HAS(kc_columns, lat);
        HAS(kc_columns, lon);
        HAS(kc_columns, alt);
        HAS(kc_columns, volume_from);
        HAS(kc_columns, volume);
        HAS(kc_columns, circle);
        HAS(kc_columns, ring_from);
        HAS(kc_columns, vertex_from);
        HAS(kc_columns, vertex);
    } else if (IS(kc_known)) {
        HAS(kc_known, slot);
        HAS(kc_known, kind);
        HAS(kc_known, volumes);
        HAS(kc_known, room);
        HAS(kc_known, ends);
    } else if (IS(kc_met)) {
        HAS(kc_met, t0);
        HAS(kc_met, t1);
        HAS(kc_met, nearest_t);
        HAS(kc_met, horizontal);
        HAS(kc_met, vertical);
        HAS(kc_met, place);
    } else if (IS(kc_reports)) {
        HAS(kc_reports, count);
        HAS(kc_reports, movers);
        HAS(kc_reports, mover);
        HAS(kc_reports, t);
        HAS(kc_reports, lat);
        HAS(kc_reports, lon);
        HAS(kc_reports, place);
        HAS(kc_reports, alt);
        HAS(kc_reports, datum);
        HAS(kc_reports, before);
        HAS(kc_reports, joined);
    } else if (IS(kc_seen)) {
        HAS(kc_seen, what);
        HAS(kc_seen, flags);
        HAS(kc_seen, row);
        HAS(kc_seen, mover);
        HAS(kc_seen, other);
        HAS(kc_seen, t);
        HAS(kc_seen, place);
        HAS(kc_seen, margin);
        HAS(kc_seen, value);
    } else if (IS(kc_sightings)) {
        HAS(kc_sightings, list);
        HAS(kc_sightings, count);
        HAS(kc_sightings, room);
    }
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
