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

#endif							/* PGM_CLASSIFY_REWRITE_SCAN_H */
