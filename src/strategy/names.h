/*-------------------------------------------------------------------------
 *
 * names.h
 *	  Names as the server chooses them for what a statement leaves unnamed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STRATEGY_NAMES_H
#define PGM_STRATEGY_NAMES_H

#include "nodes/parsenodes.h"

/*
 * Of an index, and of the constraints of a table; not quoted.  "taken" are
 * names that the same statement makes before, in that schema.  A constraint
 * that has a name keeps it.
 */
extern char *pgm_name_index(Oid relid, List *params, List *including,
							List *taken);
extern char *pgm_name_constraint(Oid relid, const Constraint *constraint,
								 List *columns, List *taken);
extern char *pgm_name_constraint_of(const char *table, Oid namespace,
									const Constraint *constraint,
									List *columns, List *taken);

/* Of a constraint that is not there for long. */
extern char *pgm_name_helper(Oid relid, const char *column,
							 const char *label, List *taken);

/* With the names that an ALTER TABLE gives to constraints by itself. */
extern List *pgm_names_given(Node *stmt, List *taken);

extern char *pgm_name_relation(Oid relid);	/* quoted and qualified */
extern char *pgm_name_beside(Oid relid, const char *name);	/* its schema's */

/* Of String: quoted, with commas. */
extern char *pgm_name_list(List *names);

extern bool pgm_name_mentioned(Node *expression, const char *column);

#endif							/* PGM_STRATEGY_NAMES_H */
