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

typedef struct PgmImported PgmImported;

/*
 * Take those back that there are files of, before these are stored; and adopt
 * their ledger again afterwards.  NULL if that is not needed.
 */
extern PgmImported *pgm_imported_give_way(const PgmFormatResult *result,
										  int nfiles,
										  const PgmFormatFile *files);
extern void pgm_imported_adopt_again(const PgmImported *imported);

#endif							/* PGM_INTEROP_IMPORTED_H */
