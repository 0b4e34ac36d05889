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

/*
 * The foreign key of the table that cannot be made again for what the change
 * has made of its columns in the copy, as 'foreign key "name"', and why; or
 * NULL.  Those that are dropped along with the change are none.  As the owner,
 * who may make tables in that schema; nothing stays.
 */
extern char *pgm_fit_find_key(Oid relid, Oid copy, const char *schema,
							  List *dropped, ErrorData **reason);

#endif							/* PGM_ONLINE_FIT_H */
