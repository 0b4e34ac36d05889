/*-------------------------------------------------------------------------
 *
 * left_out.h
 *	  What is told of relations that were not cloned for being like others.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ASSESS_LEFT_OUT_H
#define PGM_ASSESS_LEFT_OUT_H

#include "classify/verdict.h"
#include "clone/clone.h"

/* They are locked, read and rewritten as those that were tried. */
extern void pgm_note_left_out(const PgmClones *clones, PgmVerdict *verdict);

#endif							/* PGM_ASSESS_LEFT_OUT_H */
