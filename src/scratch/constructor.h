/*-------------------------------------------------------------------------
 *
 * constructor.h
 *	  Functions that the server makes with a type.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_SCRATCH_CONSTRUCTOR_H
#define PGM_SCRATCH_CONSTRUCTOR_H

/* Has the server made it, for a range type and its multirange? */
extern bool pgm_is_constructor(Oid function);

#endif							/* PGM_SCRATCH_CONSTRUCTOR_H */
