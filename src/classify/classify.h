/*-------------------------------------------------------------------------
 *
 * classify.h
 *	  What a statement locks and does, told from its parse tree.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_CLASSIFY_CLASSIFY_H
#define PGM_CLASSIFY_CLASSIFY_H

#include "classify/verdict.h"

/*
 * Classify statements in order, with one classifier for a revision or a plan.
 * Takes no lock on any relation.  In a transaction; lives in the current
 * memory context.
 */
extern PgmVerdict *pgm_classify(PgmClassifier *classifier,
								const PgmSource *source, int n);

/* Then a relation stays where it is. */
extern bool pgm_is_in_tablespace(Oid relid, const char *name);

#endif							/* PGM_CLASSIFY_CLASSIFY_H */
