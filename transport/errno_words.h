/*
 * What an errno means, in words that do not depend on the locale and may be asked for on any
 * thread. They are constants, nobody frees them.
 */
#ifndef DUET_ERRNO_WORDS_H
#define DUET_ERRNO_WORDS_H

/* Never NULL, also for numbers that no error has. */
const char *duet_errno_words(int code);

#endif
