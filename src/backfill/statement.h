/*-------------------------------------------------------------------------
 *
 * statement.h
 *	  An UPDATE or DELETE, taken apart and put together for some of its rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BACKFILL_STATEMENT_H
#define PGM_BACKFILL_STATEMENT_H

#include "strategy/row_change.h"

/* A form of it for one table. */
typedef enum PgmForm
{
	PGM_FORM_RANGE,				/* change rows from $1 to before $2 */
	PGM_FORM_LIST,				/* change the rows of an array of ctids */
	PGM_FORM_MEETS,				/* the ctids of those that it is for */
	PGM_FORM_LEFT				/* the same, but for those that are done */
} PgmForm;

#define PGM_FORMS 4

extern char *pgm_change_compose(Oid relid, const char *assignments,
								const char *condition);

/* The tree of a form, or NULL if rows that are left cannot be told. */
extern RawStmt *pgm_change_form(const PgmChange *change, Oid relid,
								PgmForm form);

#endif							/* PGM_BACKFILL_STATEMENT_H */
