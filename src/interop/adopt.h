/*-------------------------------------------------------------------------
 *
 * adopt.h
 *	  Ledgers of other tools: find them, and take over what they say.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_INTEROP_ADOPT_H
#define PGM_INTEROP_ADOPT_H

#include "store/other_tools.h"

typedef struct PgmForeignLedger
{
	const PgmForeignTool *tool;
	Oid			relation;
	Oid			owner;
	char	   *name;			/* quoted and qualified */
	Oid			companion;		/* invalid: there is none */
	char	   *denied;			/* table that the current user may not read */
	bool		mirrored;
	bool		readable;
	bool		clean;			/* … and nothing of it is half done */
	int64		rows;			/* if it is readable */
	const char *state;			/* as it is shown: clean, unreadable, or what
								 * its tool's query says */
	char	   *detail;			/* or NULL */
} PgmForeignLedger;

/* What became of a row of the other ledger. */
typedef struct PgmAdoptRow
{
	char	   *version;
	char	   *message;		/* or NULL */
	bool		implies;		/* all below it is applied too */
	char	   *checksum;		/* of the file it was, or NULL */
	int			nparents;		/* -1: the row before */
	char	  **parents;		/* versions */
	int			ndepends;
	char	  **depends;		/* versions */
	char	   *upgrade;		/* the SQL that ran, or NULL: not held there */
	char	   *revision;		/* or NULL: skipped */
	const char *action;			/* known, differs, imported, skipped */
} PgmAdoptRow;

/* All of the database. */
extern PgmForeignLedger *pgm_adopt_detect(int *n);

/*
 * Import, stamp and mirror, in the caller's transaction.  The table may be
 * given by name too: a mirroring can be ended when its table is gone.  For a
 * schema, or NULL, what the ledger has is stamped on the schema's branch.
 */
extern PgmAdoptRow *pgm_adopt(const char *tool, Oid relation,
							  const char *name, bool mirror,
							  const char *for_schema, int *nrows);

#endif							/* PGM_INTEROP_ADOPT_H */
