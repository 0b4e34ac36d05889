/*-------------------------------------------------------------------------
 *
 * tables.h
 *	  How a table is distributed by Citus, and how large its shards are.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_CITUS_TABLES_H
#define PGM_CITUS_TABLES_H

#include "nodes/parsenodes.h"
#include "storage/lockdefs.h"

typedef enum PgmCitusKind
{
	PGM_CITUS_DISTRIBUTED,		/* by a column */
	PGM_CITUS_SINGLE_SHARD,		/* without one, as with schemas */
	PGM_CITUS_REFERENCE,		/* on all nodes */
	PGM_CITUS_LOCAL				/* here, but known to Citus */
} PgmCitusKind;

typedef struct PgmCitusTable
{
	PgmCitusKind kind;
	char	   *column;			/* NULL if there is none */
	int			colocation;		/* of tables whose shards go together */
} PgmCitusTable;

/* NULL if Citus does not know the relation.  In a transaction. */
extern PgmCitusTable *pgm_citus_table(Oid relid);

/* Does Citus know it, and keep its rows, or copies of them, elsewhere? */
extern bool pgm_citus_is_elsewhere(Oid relid);

/*
 * An item for a FROM in queries of pgm_citus_ask_nodes: "r" with the OID on the
 * node of each shard of the relations, and with "itself" of the copy of the
 * relation there, and its place in the list, from 1.  NULL if none of them is
 * elsewhere.
 */
extern char *pgm_citus_shards(const List *relids, bool itself);

/* A call of a function of Citus that distributes a table, or ends that. */
typedef struct PgmCitusCall
{
	const RangeVar *name;
	LOCKMODE	mode;
	bool		rewrites;		/* makes it anew */
	bool		alone;			/* refuses transaction blocks */
} PgmCitusCall;

/* Is the statement nothing but such a call, with constants? */
extern bool pgm_citus_read_call(Node *stmt, PgmCitusCall *call);

/*
 * For the rest of the transaction the relations, as far as Citus has their
 * rows elsewhere, have the sizes that the nodes tell.  All nodes are asked.
 */
extern void pgm_citus_note_sizes(const List *relids);

#endif							/* PGM_CITUS_TABLES_H */
