/*-------------------------------------------------------------------------
 *
 * group.h
 *	  Which changes of one table go in one ALTER TABLE.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_DIFF_GROUP_H
#define PGM_DIFF_GROUP_H

/*
 * What a copy of the table can take along while a type of it changes online,
 * and what needs an ALTER TABLE of its own then, a key for example.
 */
typedef enum PgmDdlRole
{
	PGM_DDL_APART,
	PGM_DDL_ALONG,
	PGM_DDL_RETYPE
} PgmDdlRole;

typedef struct PgmGroupItem
{
	int			table;			/* a number for each; -1: stands alone */
	PgmDdlRole	role;
	bool		moves;			/* may it pass others at all? */
} PgmGroupItem;

typedef struct PgmGrouping
{
	int			nitems;
	const PgmGroupItem *items;	/* in an order that works */
	int			ntables;

	/* must the item stay on its side of the other? */
	bool		(*is_bound) (int item, int other, void *arg);
	void	   *arg;
} PgmGrouping;

/*
 * The items in an order that works as well, with as few statements as those
 * that are bound allow; a statement begins where "begins" says.  Pure.
 */
extern void pgm_group(const PgmGrouping *grouping, int *order, bool *begins);

#endif							/* PGM_DIFF_GROUP_H */
