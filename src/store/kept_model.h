/*-------------------------------------------------------------------------
 *
 * kept_model.h
 *	  The schema as the last run left it, as a model.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_KEPT_MODEL_H
#define PGM_STORE_KEPT_MODEL_H

#include "schema/model.h"

/*
 * What is not kept of an object is taken from the model of the schema that is
 * there now, or told from the object's name: of what is gone, not all of it
 * can be.  An error if nothing was kept.
 */
extern PgmSchema *pgm_schema_kept(const PgmSchema *present);

#endif							/* PGM_STORE_KEPT_MODEL_H */
