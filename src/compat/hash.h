/*-------------------------------------------------------------------------
 *
 * hash.h
 *	  Hash functions of the server.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_HASH_H
#define PGM_COMPAT_HASH_H

#if PG_VERSION_NUM >= 140000
#include "common/cryptohash.h"
#define PGM_HAVE_CRYPTOHASH
#else
/* what a hash table has for keys unless told otherwise */
#include "utils/hsearch.h"
#define HASH_STRINGS 0
#endif

#endif							/* PGM_COMPAT_HASH_H */
