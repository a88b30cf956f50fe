#include "measure.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

clockid_t process_clock(pid_t pid)
{
    clockid_t clock;
    int rc = clock_getcpuclockid(pid, &clock);
    if (rc != 0)
        die("CPU time of process %d: %s", (int)pid, strerror(rc));
    return clock;
}

static double bucket_middle_us(uint32_t i)
{
    uint32_t bits =
        ((i + HISTOGRAM_FIRST) << HISTOGRAM_SHIFT) + (UINT32_C(1) << (HISTOGRAM_SHIFT - 1));
    float value;
    memcpy(&value, &bits, sizeof value);
    return ((double)value - 1) / 1000;
}

double histogram_us(const struct histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)histogram->count), seen = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen > wanted)
            return bucket_middle_us(i);
    }
    return (double)histogram->max / 1000;
}
