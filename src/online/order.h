/*-------------------------------------------------------------------------
 *
 * order.h
 *	  The order of the columns of a table, and that of its rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_ORDER_H
#define PGM_ONLINE_ORDER_H

#include "nodes/parsenodes.h"

#include "online/internal.h"

/* Column i of a table, counted from 1, becomes to[i - 1]; as many stay. */
typedef struct PgmColumnMap
{
	Oid			relid;
	int			n;
	AttrNumber	to[FLEXIBLE_ARRAY_MEMBER];
} PgmColumnMap;

/*
 * order_columns.c: those that are named come first, then the others, then what
 * was dropped.
 */
extern PgmColumnMap *pgm_columns_map(Relation rel, List *names);

/*
 * Renumber the columns of the table that has no rows, wherever the catalog has
 * their numbers.  It and what pgm_columns_others finds are locked; nobody has
 * the table open.
 */
extern void pgm_columns_renumber(const PgmColumnMap *map);

/* What would not mean the same afterwards; raises an error, writes nothing. */
extern void pgm_columns_try(const PgmColumnMap *map);

extern void pgm_columns_refuse(const PgmColumnMap *map, const char *detail);

/* Views, and the tables of foreign keys of either direction. */
extern List *pgm_columns_views(Oid relid);
extern List *pgm_columns_partners(Oid relid);

/* What an operation remembers; NULL for none.  For a table of the layout. */
extern char *pgm_columns_text(const PgmColumnMap *map);
extern PgmColumnMap *pgm_columns_of(const PgmShadow *shadow, Oid relid,
									bool back);

/*
 * order_tree.c: the same in a tree of the catalog, in place.  Outside of its
 * queries the range table entries 1 to "relations" stand for the table.
 */
extern void pgm_columns_renumber_tree(const PgmColumnMap *map, Node *tree,
									  int relations);

/*
 * order_rows.c: the places of the rows in the order that is wanted, in a table
 * of the operation, which is dropped when they are copied.  InvalidOid if
 * there is none.
 */
extern char *pgm_rows_order(Oid relid, const char *wanted);
extern Oid	pgm_rows_table(const PgmShadow *shadow);
extern Oid	pgm_rows_sort(const PgmShadow *shadow);
extern void pgm_rows_forget(const PgmShadow *shadow);

#endif							/* PGM_ONLINE_ORDER_H */
