/*-------------------------------------------------------------------------
 *
 * rewrite_scan.h
 *	  Whether a statement rewrites and reads tables, by its kind.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_CLASSIFY_REWRITE_SCAN_H
#define PGM_CLASSIFY_REWRITE_SCAN_H

#include "classify/verdict.h"

/* Complete the effects of a statement, and sum them up. */
extern void pgm_work_judge(PgmVerdict *verdict, Node *stmt);

/* What has not been seen of it is not so. */
extern void pgm_work_deny(PgmEffect *effect);

/*
 * Of a part of ALTER TABLE that sets the access method: is it another one than
 * the relation has?  Of a partitioned table it is for partitions to come.
 */
extern bool pgm_changes_access_method(Oid relid, const AlterTableCmd *cmd);

#endif							/* PGM_CLASSIFY_REWRITE_SCAN_H */
