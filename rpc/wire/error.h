/*
 * Faults on their way to a caller: a code of duet.h's list and words for humans, made where the
 * fact is known. Format code fills them; call and server send them.
 */
#ifndef DUET_ERROR_H
#define DUET_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    DUET_FAULT_MESSAGE_MAX = 1000, /* longer messages are cut, at a whole UTF-8 character */

    /* What every function that set a fault returns: no -errno and no fault code has this
     * value, so that a bare -errno from a handler can be told from a fault that has its words
     * already. */
    DUET_FAILED = -1000000,
};

struct duet_writer;

struct duet_fault {
    int code;                 /* 0: no fault */
    bool is_nameless;         /* the words do not say yet which method they are about */
    struct duet_writer *data; /* has written one whole value that goes with it, in the format
                                 that it will be sent in; NULL: none */
    char message[DUET_FAULT_MESSAGE_MAX + 1];
};

/* Sets code and words. What a peer sent may be among them: control characters and what is no
 * UTF-8 become \x0a. Returns DUET_FAILED, for `return duet_fault_set(…)`. */
int duet_fault_set(struct duet_fault *fault, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int duet_fault_vset(struct duet_fault *fault, int code, const char *format, va_list args);

/* The same for an application's words, which may have lines; only what is no UTF-8 is replaced.
 * Code 0 stands for DUET_FAULT_APPLICATION. */
int duet_fault_vset_verbatim(struct duet_fault *fault, int code, const char *format,
                             va_list args);

/* A fault for a negative code without words: a DUET_FAULT_ code gets its standard words, a
 * -errno becomes DUET_FAULT_INTERNAL with the errno's text (-EMSGSIZE: DUET_FAULT_LIMIT;
 * -EAGAIN, -EBUSY: DUET_FAULT_BUSY). DUET_FAILED, and what duet_fault_rc() says of it, leave
 * the fault as it is. */
int duet_fault_from(struct duet_fault *fault, int code);

/* What a public function returns that left this fault: its code if that is negative, else
 * DUET_FAULT_APPLICATION. DUET_FAILED never leaves the library. */
int duet_fault_rc(const struct duet_fault *fault);

/* Words about a step of set-up that failed. Returns `rc`, for `return duet_words_set(…)`. */
int duet_words_set(int rc, char *words, size_t room, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The standard words of a code of duet.h's list ("method not found"); "fault" for others. */
const char *duet_fault_words(int code);

#endif
