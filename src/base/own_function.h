/*-------------------------------------------------------------------------
 *
 * own_function.h
 *	  May the caller do what a function of ours is for?
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BASE_OWN_FUNCTION_H
#define PGM_BASE_OWN_FUNCTION_H

/*
 * Of what is done without a call of it: an error without the right to call the
 * function of this name with these types of arguments.
 */
extern void pgm_own_function_check(const char *name, int nargs,
								   const Oid *arguments);

#endif							/* PGM_BASE_OWN_FUNCTION_H */
