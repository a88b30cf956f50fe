/*
 * The words of an errno, from whichever libc this is.
 */
#include "errno_words.h"

#include <string.h>

/* glibc 2.32 brought strerrordesc_np; its strerror() is translated. */
#if defined __GLIBC__ && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 32)

const char *duet_errno_words(int code)
{
    const char *words = strerrordesc_np(code);
    return words != NULL ? words : "unknown error";
}

#else

/* musl's are constants, and so are those of older glibc for numbers that it knows. What musl
 * does not know it words as 0. */
const char *duet_errno_words(int code)
{
    const char *words = strerror(code);
    return strcmp(words, strerror(0)) != 0 ? words : "unknown error";
}

#endif
