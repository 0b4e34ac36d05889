/*-------------------------------------------------------------------------
 *
 * misfit.h
 *	  What of a copy does not fit the new types of its columns.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_CLONE_MISFIT_H
#define PGM_CLONE_MISFIT_H

#include "nodes/parsenodes.h"

/* What to do about one. */
#define PGM_MISFIT_REMEDY \
	"Drop it before the change of the type, and make it again after it in a form that fits."

/*
 * A statement that changes types of columns of the copy has failed.  Which
 * index, constraint or statistics object cannot be made again, as
 * 'index "name"', and for which reason?  NULL if it is something else.  As the
 * current user, and nothing of it stays.
 */
extern char *pgm_find_misfit(Oid relid, const AlterTableStmt *stmt,
							 const char *text, ErrorData **reason);

/* The columns whose types a statement changes: names, as String. */
extern List *pgm_altered_types(const AlterTableStmt *stmt);

#endif							/* PGM_CLONE_MISFIT_H */
