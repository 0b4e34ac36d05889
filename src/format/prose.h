/*-------------------------------------------------------------------------
 *
 * prose.h
 *	  Lines among SQL that are no SQL, as a program prints them beside it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_FORMAT_PROSE_H
#define PGM_FORMAT_PROSE_H

#include "format/internal.h"

/* The contents of the file with blanks for them; each block is told. */
extern char *pgm_format_without_prose(PgmFormatContext *cx,
									  const PgmFormatFile *file);

#endif							/* PGM_FORMAT_PROSE_H */
