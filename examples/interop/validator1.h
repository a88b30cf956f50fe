/*
 * The eight methods of the XML-RPC validation suite, as a method table.
 */
#ifndef VALIDATOR1_H
#define VALIDATOR1_H

#include <duet.h>

extern const duet_method validator1_methods[];

#endif
