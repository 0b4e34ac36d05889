/*-------------------------------------------------------------------------
 *
 * cache.h
 *	  How a callback is told which system cache it is about.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_CACHE_H
#define PGM_COMPAT_CACHE_H

#include "utils/syscache.h"

#if PG_VERSION_NUM >= 190000
typedef SysCacheIdentifier PgmCacheId;
#else
typedef int PgmCacheId;
#endif

#endif							/* PGM_COMPAT_CACHE_H */
