/*-------------------------------------------------------------------------
 *
 * relation_names.h
 *	  The relations that a statement names, before any of them is looked up.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_SQL_RELATION_NAMES_H
#define PGM_SQL_RELATION_NAMES_H

#include "nodes/parsenodes.h"

/* What the statement does with a relation. */
typedef enum PgmNameRole
{
	PGM_NAME_TARGET,			/* is changed, or written to */
	PGM_NAME_WRITTEN,			/* by a query that is a part of it, or it is */
	PGM_NAME_DROPPED,
	PGM_NAME_CREATED,
	PGM_NAME_REFERENCED,		/* by a foreign key that is made */
	PGM_NAME_PARENT,			/* of an inheritance that is made or ended */
	PGM_NAME_WHOLE,				/* partitioned table to make a table for */
	PGM_NAME_PARTITION,			/* is attached or detached */
	PGM_NAME_OWNER,				/* table of the column that owns a sequence */
	PGM_NAME_GRANTED,			/* access to it is given or taken */
	PGM_NAME_READ
} PgmNameRole;

/*
 * Called for each name.  A visitor that changes the name returns true; the
 * change is then part of the statement.
 */
typedef bool (*PgmNameVisitor) (RangeVar *name, PgmNameRole role, void *arg);

extern void pgm_names_visit(Node *stmt, PgmNameVisitor visitor, void *arg);

/* The WITH of a query, or NULL. */
extern WithClause *pgm_query_with(Node *query);

/*
 * What runs of the statement as a query: that of EXPLAIN ANALYZE, COPY and
 * CREATE TABLE AS, NULL if there is none; else the statement itself.
 */
extern Node *pgm_query_run(Node *stmt);

#endif							/* PGM_SQL_RELATION_NAMES_H */
