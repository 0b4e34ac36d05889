/*-------------------------------------------------------------------------
 *
 * outside.h
 *	  What a scratch database must not do, because it is felt elsewhere.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_SCRATCH_OUTSIDE_H
#define PGM_SCRATCH_OUTSIDE_H

#include "nodes/parsenodes.h"

/* Does a command act outside of the database, by what it is? */
extern bool pgm_outside_reaches(Node *stmt);

/*
 * For the rest of this process: from now on no command, wherever it comes
 * from, acts outside of the database.  The first raises an error for one, or
 * lifts that again; the second leaves it out.  Both refuse functions of that
 * kind and the use of foreign tables.
 */
extern void pgm_outside_refuse(bool refuse);
extern void pgm_outside_skip(void);

/* What was left out since the last call, as a list, or NULL. */
extern char *pgm_outside_skipped(void);

#endif							/* PGM_SCRATCH_OUTSIDE_H */
