/*-------------------------------------------------------------------------
 *
 * adopt_private.h
 *	  The rows of a ledger to revisions: found, or made.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/adopt_private.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ADOPT_PRIVATE_H
#define PGM_ADOPT_PRIVATE_H

#include "adopt.h"
#include "graph.h"

/* Set revision and action of the rows that are stored revisions. */
extern void pgm_adopt_match(const PgmForeignLedger *ledger,
							const PgmGraph *graph, int n, PgmAdoptRow *rows);

/* Store the others, as far as there is room for them. */
extern void pgm_adopt_import(const PgmForeignLedger *ledger, int n,
							 PgmAdoptRow *rows);

#endif							/* PGM_ADOPT_PRIVATE_H */
