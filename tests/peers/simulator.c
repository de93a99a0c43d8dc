// The one-dimensional simulator as a C program: configurations side by side in AVX-512 vectors, which share the random bits
// of a replica; five replicas of four vectors stay in registers for a chunk of 64 steps. The work, the bits and the results
// are those of lrtheory.simulation.configuration_kernels.
#include <immintrin.h>
#include <stdint.h>
#include <stdlib.h>

enum { CHUNK = 64, VECTORS = 4, ROWS = 5, WIDTH = 16 * VECTORS, BLOCK = 1920, AT_ONCE = 960 };

static uint64_t finalise(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

static const uint64_t golden = 0x9E3779B97F4A7C15ull;

static uint64_t replica_state(uint64_t seed, uint64_t replica) {
    return finalise(finalise(seed + golden) ^ (replica * 0x94D049BB133111EBull));
}

static void advance(float *restrict x, const float *restrict table, const uint64_t *restrict words,
                    const float *restrict bounds, long rows, long steps) {
    const __m512 one = _mm512_set1_ps(1);
    for (long m = 0; m < rows; m += ROWS) {
        __m512 y[ROWS][VECTORS];
        uint64_t bits[ROWS];
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) {
            bits[r] = words[m + r];
#pragma GCC unroll 8
            for (int v = 0; v < VECTORS; v++) y[r][v] = _mm512_load_ps(x + (m + r) * WIDTH + 16 * v);
        }
        for (long k = 0; k < steps; k++) {
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; r++) {
                const float *push = table + (2 * k + (bits[r] & 1)) * WIDTH;
                bits[r] >>= 1;
#pragma GCC unroll 8
                for (int v = 0; v < VECTORS; v++) {
                    __m512 moved = _mm512_fmadd_ps(y[r][v], one, _mm512_load_ps(push + 16 * v));
                    y[r][v] = _mm512_range_ps(moved, _mm512_load_ps(bounds + 16 * v), 0x0a);
                }
            }
        }
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 8
            for (int v = 0; v < VECTORS; v++) _mm512_store_ps(x + (m + r) * WIDTH + 16 * v, y[r][v]);
    }
}

// Means of the last distances of a multiple of WIDTH configurations over a multiple of BLOCK replicas.
void simulate(long configurations, long horizon, long replicas, const double *shapes, const long *kinds, const double *lrs,
              const double *strong, const double *weak, const float *starts, const float *bounds, uint64_t seed,
              double *means) {
    float *x = aligned_alloc(64, sizeof(float) * BLOCK * WIDTH), *table = aligned_alloc(64, sizeof(float) * 2 * CHUNK * WIDTH);
    float *bound = aligned_alloc(64, sizeof(float) * WIDTH);
    uint64_t words[AT_ONCE], states[AT_ONCE];
    for (long tile = 0; tile < configurations; tile += WIDTH) {
        for (int i = 0; i < WIDTH; i++) means[tile + i] = 0, bound[i] = bounds[tile + i];
        for (long first = 0; first < replicas; first += BLOCK) {
            for (long m = 0; m < BLOCK; m++)
                for (int i = 0; i < WIDTH; i++) x[m * WIDTH + i] = starts[tile + i];
            for (long low = 0; low < BLOCK; low += AT_ONCE) {
                for (long m = 0; m < AT_ONCE; m++) states[m] = replica_state(seed, first + low + m);
                for (long begin = 0; begin < horizon; begin += CHUNK) {
                    long steps = horizon - begin < CHUNK ? horizon - begin : CHUNK;
                    for (long k = 0; k < steps; k++)
                        for (int i = 0; i < WIDTH; i++) {
                            double lr = lrs[tile + i] * shapes[kinds[tile + i] * horizon + begin + k];
                            table[2 * k * WIDTH + i] = -(float)(lr * weak[tile + i]);
                            table[(2 * k + 1) * WIDTH + i] = -(float)(lr * strong[tile + i]);
                        }
                    for (long m = 0; m < AT_ONCE; m++) words[m] = finalise(states[m] + (begin / CHUNK + 1) * golden);
                    advance(x + low * WIDTH, table, words, bound, AT_ONCE, steps);
                }
            }
            double sums[WIDTH] = {0};
            for (long m = 0; m < BLOCK; m++)
                for (int i = 0; i < WIDTH; i++) sums[i] += x[m * WIDTH + i];
            for (int i = 0; i < WIDTH; i++) means[tile + i] += sums[i] / replicas;
        }
    }
    free(x), free(table), free(bound);
}
