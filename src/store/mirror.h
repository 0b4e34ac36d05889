/*-------------------------------------------------------------------------
 *
 * mirror.h
 *	  Keep the ledger of another tool in step with ours.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_MIRROR_H
#define PGM_STORE_MIRROR_H

#include "base/spi.h"
#include "graph/graph.h"
#include "store/other_tools.h"

/* A row of pgmigrate.mirror. */
typedef struct PgmMirror
{
	char	   *tool;
	char	   *ledger;			/* quoted and qualified */
	Oid			relation;
	bool		present;		/* it is called so still */
	char	   *broken;			/* why it is passed over, or NULL */
	int			nseen;
	char	  **seen;			/* versions as it was left, sorted */
} PgmMirror;

/* What a step does: for a stamp, revision is NULL. */
typedef struct PgmMirrorChange
{
	PgmDirection direction;
	const char *revision;
	int			nremoved;
	char	  **removed;
	int			nadded;
	char	  **added;
} PgmMirrorChange;

/* In an open scope of ours; usually there is none. */
extern PgmMirror *pgm_mirror_list(const PgmSpiScope *scope, int *n);

extern bool pgm_mirror_any(void);

/* By its table, or by its name, which may be without a schema: ".name". */
extern PgmMirror *pgm_mirror_find(Oid relation, const char *ledger);

/*
 * Before anything is done, as the current user: an error if a ledger was
 * changed by others, or is locked by them.  It stays locked.  One that is gone
 * is marked as broken; tell: say so of those that were before.
 */
extern void pgm_mirror_verify(bool tell);

/* As the current user, in its transaction; changes of one direction. */
extern void pgm_mirror_write(int n, const PgmMirror *mirrors, int nchanges,
							 const PgmMirrorChange *changes);

/*
 * What a stamp does to ledgers that have one row for each revision: those that
 * are no longer applied, and those that now are.
 */
extern void pgm_mirror_stamp(int n, const PgmMirror *mirrors, int nremoved,
							 char **removed, int nadded, char **added);

/* A locked ledger follows from now on; the other, no more. */
extern void pgm_mirror_begin(const PgmForeignTool *tool, Oid relation);
extern void pgm_mirror_end(const char *ledger);

/* Can the ledger of a tool have a row for it? */
extern bool pgm_mirror_can_hold(const PgmForeignTool *tool, const char *id);

/* What versions are compared by: a copy without zeros before a number. */
extern char *pgm_mirror_key(const char *version);

/* May the current user write it?  An error if not. */
extern void pgm_mirror_check(Oid relation, const char *ledger);

#endif							/* PGM_STORE_MIRROR_H */
