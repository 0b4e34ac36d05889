/*-------------------------------------------------------------------------
 *
 * sqlstate.h
 *	  SQLSTATEs of our own, for what a client branches on.
 *
 * Everything else uses the codes of PostgreSQL.  doc/errors.md is the list
 * that users read.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BASE_SQLSTATE_H
#define PGM_BASE_SQLSTATE_H

#include "utils/elog.h"

/* an applied revision whose stored text is not what ran */
#define PGM_ERRCODE_REVISION_ALTERED	MAKE_SQLSTATE('P', 'M', '0', '0', '1')

/* a verify query answered false */
#define PGM_ERRCODE_VERIFY_FAILED		MAKE_SQLSTATE('P', 'M', '0', '0', '2')

/* another run is at work in this database */
#define PGM_ERRCODE_RUN_IN_PROGRESS		MAKE_SQLSTATE('P', 'M', '0', '0', '3')

/* a partly applied revision whose done statements were changed since */
#define PGM_ERRCODE_PARTLY_APPLIED		MAKE_SQLSTATE('P', 'M', '0', '0', '4')

/* the revision graph broken, or the ledger and the graph at odds */
#define PGM_ERRCODE_BROKEN_GRAPH		MAKE_SQLSTATE('P', 'M', '0', '0', '5')

/* a target names a branch label that no revision has */
#define PGM_ERRCODE_UNKNOWN_LABEL		MAKE_SQLSTATE('P', 'M', '0', '0', '6')

/* findings that check_target() refuses, or production those of danger */
#define PGM_ERRCODE_DANGER_REFUSED		MAKE_SQLSTATE('P', 'M', '0', '1', '0')

#endif							/* PGM_BASE_SQLSTATE_H */
