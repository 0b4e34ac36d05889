/*-------------------------------------------------------------------------
 *
 * ledger.h
 *	  What is applied: rows of pgmigrate.head and pgmigrate.applied.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/ledger.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_LEDGER_H
#define PGM_LEDGER_H

#include "graph.h"

/* What one step does to the ledger. */
typedef struct PgmLedgerChange
{
	int64		run;
	int			step;
	PgmDirection direction;
	const char *revision;
	const char *digest;
	int			nremoved;		/* heads that go */
	char	  **removed;
	int			nadded;			/* heads that come */
	char	  **added;
} PgmLedgerChange;

/* On a standby nothing of ours can be written. */
extern void pgm_ledger_refuse_recovery(void);

extern char **pgm_ledger_heads(int *n);
extern bool pgm_ledger_at_only_head(void);
extern void pgm_ledger_apply(const PgmLedgerChange *change);

/* Make pgmigrate.applied say that exactly these revisions are applied. */
extern int64 pgm_ledger_set_applied(int n, char **revisions, int64 run,
									bool refresh_digests);

/* Rows for what the heads imply but nobody recorded. */
extern void pgm_ledger_complete(const PgmGraph *graph, PgmRevSet rows);

extern bool pgm_ledger_is_applied(const char *revision);
extern void pgm_ledger_check_unaltered(void);
extern void pgm_ledger_notice_origin(void);
extern void pgm_ledger_purge(void);

#endif							/* PGM_LEDGER_H */
