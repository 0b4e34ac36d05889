/*-------------------------------------------------------------------------
 *
 * statement.h
 *	  An UPDATE or DELETE, taken apart and put together for some of its rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BACKFILL_STATEMENT_H
#define PGM_BACKFILL_STATEMENT_H

#include "nodes/parsenodes.h"

#include "sql/statements.h"

/* An UPDATE or DELETE, taken apart. */
typedef struct PgmChange
{
	const PgmSource *source;
	int			n;				/* statement of it */
	RawStmt    *raw;
	Oid			relid;			/* as it is named: perhaps the root of many */
	bool		is_delete;
	Node	   *condition;		/* NULL if it is for every row */
	List	   *assigned;		/* names of columns */
	bool		from_itself;	/* a new value is made of an old one */
	bool		over_assigned;	/* the condition is about such a column */
	bool		is_volatile;	/* other new values each time */
} PgmChange;

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
extern PgmChange *pgm_change_take_apart(const PgmSource *source, int n,
										Oid relid);
extern const char *pgm_change_refusal(const PgmChange *change);

/* The tree of a form, or NULL if rows that are left cannot be told. */
extern RawStmt *pgm_change_form(const PgmChange *change, Oid relid,
								PgmForm form);

#endif							/* PGM_BACKFILL_STATEMENT_H */
