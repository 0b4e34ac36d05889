/*-------------------------------------------------------------------------
 *
 * rebuild.h
 *	  A run that rebuilds one table, with no revision.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_RUN_REBUILD_H
#define PGM_RUN_REBUILD_H

typedef struct PgmRebuildRequest
{
	Oid			relid;
	const char *definition;		/* subcommands of ALTER TABLE, or NULL */
	bool		partitions;		/* it is CREATE TABLE ... PARTITION BY, and an
								 * ALTER TABLE ... ATTACH for each partition */
	const char *column_order;	/* names, quoted, with commas, or NULL */
	const char *order_by;		/* of the rows, or NULL */
	Oid			session_role;	/* session user of the caller */
	bool		guard;			/* its current_user is another */

	/* as that of PgmRunRequest */
	void		(*accepted) (int64 run);
} PgmRebuildRequest;

/* In a worker, outside of a transaction. */
extern void pgm_rebuild_work(const PgmRebuildRequest *request);

#endif							/* PGM_RUN_REBUILD_H */
