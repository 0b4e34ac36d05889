/*-------------------------------------------------------------------------
 *
 * kept_internal.h
 *	  For the files that keep what is dropped.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_KEPT_INTERNAL_H
#define PGM_ONLINE_KEPT_INTERNAL_H

#include "base/spi.h"
#include "online/kept.h"

/*
 * kept_details.c: a list of what a row of a query is made into, in the memory
 * context of the caller.  Its only parameter are the details.
 */
extern List *pgm_kept_read(const PgmOperation *operation, PgmQuery *query,
						   void *(*make) (uint64 row));

/* afterwards.c: why there is nothing to revert, or to finalize */
extern void pgm_shadow_refuse_finalized(const PgmOperation *operation);
extern void pgm_shadow_refuse_unswitched(const PgmOperation *operation);

/* kept_table.c */
extern void pgm_kept_table_drop(PgmOperation *operation, const PgmExec *exec,
								const PgmSource *source, int n);
extern void pgm_kept_table_bring_back(PgmOperation *operation);
extern void pgm_kept_table_remove(PgmOperation *operation);

/* Tables at the other end of the foreign keys that come back. */
extern List *pgm_kept_referenced(const PgmOperation *operation);

/* kept_column.c: what a column had is restored in this order. */
#define PGM_KEPT_DEFAULTS		1
#define PGM_KEPT_CONSTRAINTS	3
#define PGM_KEPT_INDEXES		4
#define PGM_KEPT_REST			6

extern void pgm_kept_column_drop(PgmOperation *operation, const PgmExec *exec,
								 const PgmSource *source, int n);
extern void pgm_kept_column_bring_back(PgmOperation *operation,
									   bool without_unfit);
extern void pgm_kept_column_remove(PgmOperation *operation);

/* kept_keys.c: foreign keys as they are described in the details. */
extern void pgm_kept_keys_drop(List *relids);
extern void pgm_kept_keys_bring_back(PgmOperation *operation);

#endif							/* PGM_ONLINE_KEPT_INTERNAL_H */
