/*-------------------------------------------------------------------------
 *
 * fingerprint.h
 *	  The digest of a schema.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_SCHEMA_FINGERPRINT_H
#define PGM_SCHEMA_FINGERPRINT_H

#include "schema/model.h"

/* The same for equal schemas, and for no others: 64 hexadecimal digits. */
extern char *pgm_schema_digest(const PgmSchema *schema);

#endif							/* PGM_SCHEMA_FINGERPRINT_H */
