#include "cells.h"

#include <stdlib.h>

int kc_grid_make(kc_grid *grid) {
    int64_t rows = (int64_t)fmax(3.0, ceil(KC_PI * KC_MEAN_RADIUS_M / grid->size));
    grid->columns = malloc((size_t)rows * sizeof *grid->columns);
    if (!grid->columns) return 0;
    grid->rows = rows;
    grid->row_deg = 180.0 / (double)rows;
    for (int64_t row = 0; row < rows; row++) {
        double south = (double)row * grid->row_deg - 90.0, north = (double)(row + 1) * grid->row_deg - 90.0;
        double nearest = south * north < 0.0 ? 0.0 : fmin(fabs(south), fabs(north)); /* the equator */
        double around = 2.0 * KC_PI * KC_MEAN_RADIUS_M * cos(nearest * KC_DEGREE);
        grid->columns[row] = (int32_t)fmax(4.0, ceil(around / grid->size));
    }
    return 1;
}

static void place_at(double lat, double lon, double p[3]) {
    double sine = sin(lat * KC_DEGREE), cosine = cos(lat * KC_DEGREE);
    double across = KC_MAJOR_M / sqrt(1.0 - KC_ECCENTRICITY2 * sine * sine);
    p[0] = across * cosine * cos(lon * KC_DEGREE);
    p[1] = across * cosine * sin(lon * KC_DEGREE);
    p[2] = across * (1.0 - KC_ECCENTRICITY2) * sine;
}

void kc_cell(const kc_grid *grid, int64_t row, int64_t column, kc_plane *plane, double *reach) {
    double south = (double)row * grid->row_deg - 90.0, wide = 360.0 / grid->columns[row];
    double west = (double)column * wide - 180.0, p[3], farthest = 0.0;
    place_at(south + 0.5 * grid->row_deg, west + 0.5 * wide, p);
    kc_plane_at(p, plane);
    for (int corner = 0; corner < 4; corner++) {
        double xy[2];
        place_at(south + (corner & 1) * grid->row_deg, west + (corner >> 1) * wide, p);
        kc_on_plane(plane, p, xy);
        farthest = fmax(farthest, xy[0] * xy[0] + xy[1] * xy[1]);
    }
    *reach = 1.001 * sqrt(farthest) + 0.05; /* no place of a cell is farther from its middle than a corner */
}

void kc_columns_near(const kc_grid *grid, int64_t row, double lat, double lon, double angle, int64_t *from,
                     int64_t *stop) {
    int32_t columns = grid->columns[row];
    double poleward = fabs(lat) * KC_DEGREE + angle;
    double turn = poleward < 0.5 * KC_PI ? sin(angle) / cos(fabs(lat) * KC_DEGREE) : 2.0;
    double window = turn < 1.0 ? asin(turn) / KC_DEGREE + 1e-9 : 180.0;
    *from = (int64_t)floor((lon - window + 180.0) / 360.0 * columns);
    *stop = (int64_t)floor((lon + window + 180.0) / 360.0 * columns) + 1;
    if (*stop - *from > columns) *from = 0, *stop = columns;
}
