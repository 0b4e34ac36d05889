/*-------------------------------------------------------------------------
 *
 * foreign_table.h
 *	  Read and write a table of somebody else, whatever he does meanwhile.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_FOREIGN_TABLE_H
#define PGM_STORE_FOREIGN_TABLE_H

#include "nodes/pg_list.h"
#include "storage/lockdefs.h"

/* A locked table, as it is. */
typedef struct PgmForeignTable
{
	Oid			relation;
	Oid			owner;
	Oid			schema;
	char	   *name;			/* quoted and qualified */
	int			ncolumns;		/* without generated ones */
	char	  **columns;
	char	  **types;
	bool	   *built_in;		/* the type is */
} PgmForeignTable;

/* At once, or not at all. */
extern bool pgm_foreign_table_try_lock(Oid relation, LOCKMODE mode);

/*
 * For seconds at most, then an error names who has the lock.  The table may
 * not be there any more when the lock is held.
 */
extern void pgm_foreign_table_lock(Oid relation, const char *name,
								   LOCKMODE mode);

/*
 * What is locked, in the current memory context.  False with the reason, if it
 * is nothing that can be read as what it seems to be.
 */
extern bool pgm_foreign_table_look(Oid relation, PgmForeignTable *table,
								   const char **reason);

/* The table that the current user may not read, or NULL. */
extern char *pgm_foreign_table_denied(const PgmForeignTable *table);

/*
 * In a scope, for its rest: the rows of a locked table under another name,
 * with those columns that are of built-in types.  Returns how many there are.
 */
extern int64 pgm_foreign_table_offer(Oid relation, const char *name);

/*
 * In a scope of the owner of the table: a statement that names no other
 * table.  All parameters are text, NULL for null.
 */
extern void pgm_foreign_table_write(Oid relation, const char *sql, int nargs,
									char **args);

#endif							/* PGM_STORE_FOREIGN_TABLE_H */
