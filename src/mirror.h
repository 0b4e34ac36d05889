/*-------------------------------------------------------------------------
 *
 * mirror.h
 *	  Keep the ledger of another tool in step with ours.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/mirror.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_MIRROR_H
#define PGM_MIRROR_H

#include "graph.h"
#include "spi.h"

/* A row of pgmigrate.mirror. */
typedef struct PgmMirror
{
	char	   *tool;
	char	   *ledger;			/* quoted and qualified */
	Oid			relation;		/* invalid: it is gone */
	Oid			owner;
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

/* As the current user, in its transaction. */
extern void pgm_mirror_write(int n, const PgmMirror *mirrors,
							 const PgmMirrorChange *change);

/*
 * What a stamp does to ledgers that have one row for each revision: those that
 * are no longer applied, and those that now are.
 */
extern void pgm_mirror_stamp(int n, const PgmMirror *mirrors, int nremoved,
							 char **removed, int nadded, char **added);

/* The ledger follows from now on, or no more. */
extern void pgm_mirror_set(const char *tool, const char *ledger, bool follow);

/* May the current user write it?  An error if not. */
extern void pgm_mirror_check(Oid relation, const char *ledger);

#endif							/* PGM_MIRROR_H */
