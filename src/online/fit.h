/*-------------------------------------------------------------------------
 *
 * fit.h
 *	  Does what goes by a column go with its new type?
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_FIT_H
#define PGM_ONLINE_FIT_H

#include "online/internal.h"

/*
 * Raises an error if an index, constraint or statistics object of this table
 * does not go with what the change makes of its columns, and names it.
 */
extern void pgm_shadow_refuse_misfit(const PgmShadow *shadow, Oid relid);

#endif							/* PGM_ONLINE_FIT_H */
