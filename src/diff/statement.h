/*-------------------------------------------------------------------------
 *
 * statement.h
 *	  The statements between two schemas, as they are collected and joined.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_DIFF_STATEMENT_H
#define PGM_DIFF_STATEMENT_H

#include "diff/group.h"
#include "diff/internal.h"

/* Before a statement, what it loses, a line each. */
#define PGM_DDL_LOSS "-- data loss: "

typedef struct PgmDdl
{
	char	   *table;			/* the rest can be joined with others */
	char	   *sql;
	char	   *loss;			/* of data: what is lost, or NULL */
	PgmDdlRole	role;
	const PgmPair *pair;		/* what it is written for; NULL: not known */
	bool		tells;			/* only who may what of it, and a comment */
} PgmDdl;

/* text.c */
extern void pgm_ddl_add(PgmDiff *diff, const char *format,...)
			pg_attribute_printf(2, 3);
extern void pgm_ddl_add_to_table(PgmDiff *diff, const char *table,
								 const char *format,...)
			pg_attribute_printf(3, 4);

/* The same of what goes along with a change of type. */
extern void pgm_ddl_add_along(PgmDiff *diff, const char *table,
							  const char *format,...)
			pg_attribute_printf(3, 4);

/* With what is lost, or NULL. */
extern void pgm_ddl_add_loss(PgmDiff *diff, const char *table,
							 const char *sql, const char *loss);
extern void pgm_ddl_add_retype(PgmDiff *diff, const char *table,
							   const char *sql, const char *loss);

/* join.c: as a list of strings, several changes of a table in one. */
extern List *pgm_diff_join(const PgmDiff *diff);

#endif							/* PGM_DIFF_STATEMENT_H */
