/*-------------------------------------------------------------------------
 *
 * imported.h
 *	  Revisions that stand for rows of a ledger, without their SQL.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_INTEROP_IMPORTED_H
#define PGM_INTEROP_IMPORTED_H

#include "format/format.h"

/* What such a revision has in the place of its SQL. */
extern char *pgm_imported_text(const char *tool);

/* Files of these are an error, as they would be there twice. */
extern void pgm_imported_refuse(const PgmFormatResult *result);

#endif							/* PGM_INTEROP_IMPORTED_H */
