/*-------------------------------------------------------------------------
 *
 * set_statement.h
 *	  Which setting a statement sets, and to what, as far as its text tells.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_SQL_SET_STATEMENT_H
#define PGM_SQL_SET_STATEMENT_H

#include "nodes/parsenodes.h"

/*
 * Does the statement set this and nothing else: SET, or SELECT set_config()
 * with constants?  The value is NULL where it is set to its default.
 */
extern bool pgm_statement_sets(Node *stmt, const char *name,
							   const char **value);

/* The call that a SELECT without anything else consists of, or NULL. */
extern FuncCall *pgm_selected_call(Node *stmt);

/* The call of a function of pg_catalog, by its bare name; NULL if not. */
extern const char *pgm_catalog_function(const FuncCall *call);

/* The text of a constant, through casts; NULL if it is none. */
extern const char *pgm_constant_text(Node *node);
extern bool pgm_constant_is_true(Node *node);

#endif							/* PGM_SQL_SET_STATEMENT_H */
