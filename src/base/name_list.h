/*-------------------------------------------------------------------------
 *
 * name_list.h
 *	  The names that a message lists, as many as it has room for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BASE_NAME_LIST_H
#define PGM_BASE_NAME_LIST_H

#include "lib/stringinfo.h"

/*
 * The next name, quoted: the first few one by one, of the others that there
 * are some.  n counts the names, this one among them.
 */
extern void pgm_name_list_add(StringInfo list, int n, const char *name);

#endif							/* PGM_BASE_NAME_LIST_H */
