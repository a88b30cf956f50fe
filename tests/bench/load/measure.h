/*
 * What a load generator measures with: clocks, the CPU time of another process, a histogram of
 * latencies.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* The clock of a process' CPU time, user and system, all its threads, in ns: much finer than
 * the ticks of /proc/PID/stat. Prints and exits if there is no such process. */
clockid_t process_clock(pid_t pid);

/* Prints like printf, adds a line end, exits with 1. */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Latencies by the first bits of a float: 64 steps for each power of two, so a bucket is at
 * most 1.6 % wide, and finding it is a shift. */
enum { HISTOGRAM_SHIFT = 23 - 6, HISTOGRAM_FIRST = 127 << 6, HISTOGRAM_BUCKETS = 44 << 6 };

struct histogram {
    uint64_t count, max;
    uint32_t buckets[HISTOGRAM_BUCKETS];
};

static inline void histogram_add(struct histogram *histogram, uint64_t ns)
{
    float value = (float)(ns + 1); /* 1 or more, so that the exponent is not below 127 */
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t i = (bits >> HISTOGRAM_SHIFT) - HISTOGRAM_FIRST;
    histogram->buckets[i < HISTOGRAM_BUCKETS ? i : HISTOGRAM_BUCKETS - 1]++;
    histogram->count++;
    if (ns > histogram->max)
        histogram->max = ns;
}

/* The latency in us that this share (0 to 1) of all calls did not pass. */
double histogram_us(const struct histogram *histogram, double share);

#endif
