/*-------------------------------------------------------------------------
 *
 * constant_rows.h
 *	  Rows of constants that their table does not take.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ASSESS_CONSTANT_ROWS_H
#define PGM_ASSESS_CONSTANT_ROWS_H

#include "nodes/parsenodes.h"

/*
 * Both raise the error that the run would end with, if that is certain.  The
 * second is for what any row of an UPDATE would get.
 */
extern void pgm_check_inserted_rows(const InsertStmt *insert, Oid relid);
extern void pgm_check_assigned_constant(Oid relid, const char *column,
										Node *expr);

#endif							/* PGM_ASSESS_CONSTANT_ROWS_H */
