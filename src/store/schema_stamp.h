/*-------------------------------------------------------------------------
 *
 * schema_stamp.h
 *	  What a stamp of schemas says of the revisions of the database: nothing.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_SCHEMA_STAMP_H
#define PGM_STORE_SCHEMA_STAMP_H

#include "store/run_plan.h"

/*
 * Have the plan leave what belongs to the database as it is.  An error where
 * something of a schema depends on what is not applied there.
 */
extern void pgm_schema_stamp_check(PgmPlan *plan);

#endif							/* PGM_STORE_SCHEMA_STAMP_H */
