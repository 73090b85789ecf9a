/* The surface of the earth in cells of one size: rows of latitude, each cut into columns about as wide as it is high.
 *
 * Neither the antimeridian nor a pole is a seam: the last column of a row lies beside the first, and the rows at the
 * poles are wheels of a few spokes.
 */
#ifndef KEEPCLEAR_CELLS_H
#define KEEPCLEAR_CELLS_H

#include "earth.h"
#include "kernels.h"

#define KC_PI 3.14159265358979323846
#define KC_DEGREE (KC_PI / 180.0)

typedef struct {
    double size;      /* m, about */
    int64_t rows;     /* 0: nothing is made yet */
    double row_deg;
    int32_t *columns; /* (rows,) */
} kc_grid;

/* Makes the rows of a grid whose `size` is set. 0 if there is no memory. */
int kc_grid_make(kc_grid *grid);

static inline int64_t kc_row(const kc_grid *grid, double lat) {
    int64_t row = (int64_t)((lat + 90.0) / grid->row_deg);
    return row < 0 ? 0 : row >= grid->rows ? grid->rows - 1 : row;
}

/* The column of a longitude from -180 to 180 in a row; both ends are the first column. */
static inline int64_t kc_column(const kc_grid *grid, int64_t row, double lon) {
    int64_t column = (int64_t)((lon + 180.0) / 360.0 * grid->columns[row]);
    return column >= grid->columns[row] ? 0 : column;
}

/* A plane about the middle of a cell, and how far from it a place of the cell may be, m. */
void kc_cell(const kc_grid *grid, int64_t row, int64_t column, kc_plane *plane, double *reach);

/* Latitude and longitude, degrees, of a place on the surface. */
static inline void kc_degrees(const double p[3], double *lat, double *lon) {
    *lat = atan2(p[2], (1.0 - KC_ECCENTRICITY2) * sqrt(p[0] * p[0] + p[1] * p[1])) / KC_DEGREE;
    *lon = atan2(p[1], p[0]) / KC_DEGREE;
}

/* The columns of a row in which the longitude may be, of a place no farther than `angle` (radians, as seen along the
 * normals) from a place at `lat`, `lon`: `from` up to but not including `stop`, which may lie beyond either end.
 */
void kc_columns_near(const kc_grid *grid, int64_t row, double lat, double lon, double angle, int64_t *from,
                     int64_t *stop);

/* The same column counted from 0, of one that lies no more than a turn beyond either end. */
static inline int64_t kc_round(const kc_grid *grid, int64_t row, int64_t column) {
    int64_t columns = grid->columns[row];
    return column < 0 ? column + columns : column >= columns ? column - columns : column;
}

#endif
