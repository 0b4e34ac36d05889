/*-------------------------------------------------------------------------
 *
 * internal.h
 *	  The rows of a ledger to revisions: found, or made.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_INTEROP_INTERNAL_H
#define PGM_INTEROP_INTERNAL_H

#include "storage/lockdefs.h"

#include "graph/graph.h"
#include "interop/adopt.h"

/* Tables that look like ledgers of a tool, by the catalogs and unlocked. */
extern PgmForeignLedger *pgm_adopt_candidates(Oid relation, const char *tool,
											  int *n);

/*
 * Lock a candidate and read its state.  False if it is no such ledger any
 * more.  The second one does not wait and raises no error: unreadable then.
 */
extern bool pgm_adopt_look(PgmForeignLedger *ledger, bool by_name,
						   LOCKMODE mode, bool wait);
extern bool pgm_adopt_try_look(PgmForeignLedger *ledger, bool by_name,
							   LOCKMODE mode);

/* In a scope of the owner: the versions of a ledger that was looked at. */
extern uint64 pgm_adopt_query_versions(PgmForeignLedger *ledger);

/* Set revision and action of the rows that are stored revisions. */
extern void pgm_adopt_match(const PgmForeignLedger *ledger,
							const PgmGraph *graph, int n, PgmAdoptRow *rows);

/* May a ledger be that of this schema, or NULL, and be kept in step? */
extern void pgm_adopt_check_schema(const char *schema, bool mirror);

/* Those that are in the schema, moved to the front: how many, not 0. */
extern int	pgm_adopt_of_schema(const char *tool, const char *schema, int n,
								PgmForeignLedger *ledgers);

/* Make the rows those of the schema's branch, where all have been matched. */
extern void pgm_adopt_make_branch(const PgmForeignLedger *ledger,
								  const char *schema, int n,
								  PgmAdoptRow *rows);

/* Store the others, as far as there is room for them. */
extern void pgm_adopt_import(const PgmForeignLedger *ledger, int n,
							 PgmAdoptRow *rows);

#endif							/* PGM_INTEROP_INTERNAL_H */
