/*-------------------------------------------------------------------------
 *
 * lost_values.h
 *	  Does a change of type lose values that are there?
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ASSESS_LOST_VALUES_H
#define PGM_ASSESS_LOST_VALUES_H

#include "assess/row_queries.h"

/*
 * What lint found of the column is judged by the rows: "value" is the
 * expression that makes the new one, "type" its type.
 */
extern void pgm_look_lost_values(PgmLook *look, const AlterTableCmd *cmd,
								 const char *value, const char *type);

#endif							/* PGM_ASSESS_LOST_VALUES_H */
