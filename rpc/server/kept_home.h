/*
 * What a server does for calls that are kept. See kept.h.
 */
#ifndef DUET_KEPT_HOME_H
#define DUET_KEPT_HOME_H

#include "kept.h"

extern const struct duet_keeper duet_home_keeper;

#endif
