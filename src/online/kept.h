/*-------------------------------------------------------------------------
 *
 * kept.h
 *	  What is dropped is gone for everybody, but kept for the way back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_KEPT_H
#define PGM_ONLINE_KEPT_H

#include "commands/trigger.h"

#include "exec/execute.h"
#include "online/shadow_table.h"
#include "store/operation.h"

/* A table that an operation keeps. */
typedef struct PgmKeptTable
{
	Oid			relid;
	char	   *schema;			/* where it was … */
	char	   *name;
	char	   *place;			/* … and the schema of ours where it is */
} PgmKeptTable;

/* Does the operation keep something, or did it? */
extern bool pgm_is_kept(const PgmOperation *operation);

/* The tables of one that keeps tables, NIL of another. */
extern List *pgm_kept_tables(const PgmOperation *operation);

/* Is the table where the operation has put it? */
extern bool pgm_kept_is_there(const PgmKeptTable *table);

/* Has it a sequence of that name in the schema that its table was in? */
extern bool pgm_kept_has_sequence(const PgmOperation *operation,
								  const char *schema, const char *name);

/* Of one that keeps columns: their names, as String; is it so again? */
extern List *pgm_kept_columns(const PgmOperation *operation);
extern bool pgm_kept_columns_are_back(const PgmOperation *operation);

/* The trigger of a table with columns that are kept. */
extern HeapTuple pgm_kept_row(TriggerData *data);

/* Statement n, instead of it, in a transaction that has its locks. */
extern void pgm_keep(PgmOperation *operation, const PgmExec *exec,
					 const PgmSource *source, int n);

/*
 * See pgm_shadow_revert and pgm_shadow_finalize, which call these: in a worker
 * in a transaction that is ended here.
 */
extern const char *pgm_kept_revert(const PgmShadowRequest *request, int64 id,
								   bool without_unfit);
extern const char *pgm_kept_finalize(const PgmExec *exec, int64 id);

#endif							/* PGM_ONLINE_KEPT_H */
