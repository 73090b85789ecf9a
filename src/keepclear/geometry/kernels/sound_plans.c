/* Plans looked through and packed in one go. What costs whoever has one plan the most is to go from step to step. */
#include <math.h>
#include <stdlib.h>

#include "areas.h"
#include "nodes.h"
#include "sound.h"

/* The memory of packed plans, and of what is needed until they are. */
typedef struct {
    kc_plans plans;
    int64_t *node_from, *vertex_from;
    double *nodes, *volumes, *areas, *vertices;
} packed;

static void bound(const double *from, int64_t count, int64_t stride, double most, double *to) {
    for (int64_t i = 0; i < count; i++)
        for (int k = 0; k < 2; k++) to[stride * i + k] = fmin(fmax(from[stride * i + k], -most), most);
}

static packed *room_for(const kc_columns *of, int64_t nodes) {
    size_t numbers = (size_t)(of->plans + 1 + of->rings + 1 + KC_NODE * nodes + 12 * of->volumes + 3 * of->vertices);
    packed *one = malloc(sizeof *one + 8 * numbers);
    if (!one) return NULL;
    one->node_from = (int64_t *)(one + 1);
    one->vertex_from = one->node_from + of->plans + 1;
    one->nodes = (double *)(one->vertex_from + of->rings + 1);
    one->volumes = one->nodes + KC_NODE * nodes;
    one->areas = one->volumes + 4 * of->volumes;
    one->vertices = one->areas + 8 * of->volumes;
    one->plans = (kc_plans){
        .count = of->plans,
        .kind = of->kind,
        .datum = of->datum,
        .room = of->room,
        .node_from = one->node_from,
        .nodes = one->nodes,
        .volume_from = of->volume_from,
        .volumes = one->volumes,
        .areas = one->areas,
        .ring_from = of->ring_from,
        .vertex_from = one->vertex_from,
        .vertices = one->vertices,
    };
    return one;
}

/* Fills in the volumes; 0 if an outline is not surely in order. `sure` has room for a byte for each. */
static int pack_volumes(const kc_columns *of, const double packing[3], packed *to, uint8_t *sure) {
    if (!kc_rings_in_space(of->rings, of->vertex_from, of->vertex, packing[0], packing[1], to->vertex_from,
                           to->vertices))
        return 0;
    kc_plain_outlines(&to->plans, of->volumes, sure);
    for (int64_t j = 0; j < of->volumes; j++) {
        if (!sure[j]) return 0;
        for (int k = 0; k < 2; k++) to->volumes[4 * j + k] = of->volume[4 * j + k];
    }
    bound(of->volume + 2, of->volumes, 4, packing[2], to->volumes + 2);
    return kc_pack_areas(&to->plans, of->volumes, of->circle, to->areas);
}

const kc_plans *kc_pack_sound(const double limits[10], const double packing[3], const kc_columns *of) {
    if (!kc_plans_are_sound(limits, of) || !kc_volumes_are_sound(limits, of)) return NULL;
    int64_t n = of->plans, m = of->points, far = 0, nodes = 0;
    double *points = malloc(8 * (size_t)(3 * m + 2 * n + n + 1) + (size_t)of->volumes);
    if (!points) return NULL;
    double *bands = points + 3 * m;
    int64_t *node_from = (int64_t *)(bands + 2 * n);
    uint8_t *sure = (uint8_t *)(node_from + n + 1);
    bound(of->band, n, 2, packing[2], bands);
    nodes = kc_way_nodes(n, of->point_from, of->t, of->lat, of->lon, of->alt, bands, points, node_from, &far, 0, NULL);
    packed *one = far ? NULL : room_for(of, nodes);
    if (one) {
        for (int64_t i = 0; i <= n; i++) one->node_from[i] = node_from[i];
        kc_fill_nodes(n, of->point_from, of->t, of->lat, of->lon, of->alt, bands, points, one->nodes, NULL);
        one->vertex_from[0] = 0;
        if (of->volumes && !pack_volumes(of, packing, one, sure)) {
            free(one);
            one = NULL;
        }
    }
    free(points);
    return one ? &one->plans : NULL;
}
