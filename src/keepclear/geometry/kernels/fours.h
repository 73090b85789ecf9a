/* Figures as the machine takes them best: four at once. */
#ifndef KEEPCLEAR_FOURS_H
#define KEEPCLEAR_FOURS_H

#include <string.h>

#ifdef __AVX__
#include <immintrin.h>
#endif

typedef double kc_four __attribute__((vector_size(32)));
typedef long long kc_four_bits __attribute__((vector_size(32)));

#define KC_FOUR static inline __attribute__((always_inline)) /* a call would hand them over in memory */

KC_FOUR kc_four kc_four_at(const double *at) {
    kc_four of;
    memcpy(&of, at, sizeof of);
    return of;
}

KC_FOUR kc_four kc_four_of(double value) { return (kc_four){value, value, value, value}; }

/* `one` where the bits are set, else `other`. */
KC_FOUR kc_four kc_chosen(kc_four_bits bits, kc_four one, kc_four other) {
    return (kc_four)((bits & (kc_four_bits)one) | (~bits & (kc_four_bits)other));
}

/* The same, 0 where they are not. */
KC_FOUR kc_four kc_kept(kc_four_bits bits, kc_four of) { return (kc_four)(bits & (kc_four_bits)of); }

KC_FOUR kc_four kc_lesser(kc_four one, kc_four other) {
#ifdef __AVX__
    return (kc_four)_mm256_min_pd((__m256d)one, (__m256d)other);
#else
    return kc_chosen(one < other, one, other);
#endif
}
KC_FOUR kc_four kc_greater(kc_four one, kc_four other) {
#ifdef __AVX__
    return (kc_four)_mm256_max_pd((__m256d)one, (__m256d)other);
#else
    return kc_chosen(one > other, one, other);
#endif
}

KC_FOUR double kc_greatest(kc_four of) {
    kc_four two = kc_greater(of, (kc_four){of[2], of[3], of[0], of[1]});
    return two[0] > two[1] ? two[0] : two[1];
}

/* The sum of the first three. */
KC_FOUR double kc_sum3(kc_four of) { return of[0] + of[1] + of[2]; }

#endif
