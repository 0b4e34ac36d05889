/*-------------------------------------------------------------------------
 *
 * work_seen.h
 *	  What a trial does to the file and the rows of a relation.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ASSESS_WORK_SEEN_H
#define PGM_ASSESS_WORK_SEEN_H

#include "classify/verdict.h"

extern Oid	pgm_seen_filenode(Oid relid, bool *gone);
extern int64 pgm_seen_scans(Oid relid);

/*
 * The tables of the statement that an earlier revision has made: they are not
 * there yet, but the trial has made them.  To be called before and after.
 */
extern List *pgm_seen_earlier(const PgmVerdict *verdict);
extern void pgm_seen_note(List *earlier);

#endif							/* PGM_ASSESS_WORK_SEEN_H */
