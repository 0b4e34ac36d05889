/*-------------------------------------------------------------------------
 *
 * load.h
 *	  Migration files into the store of revisions, and back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_INTEROP_LOAD_H
#define PGM_INTEROP_LOAD_H

#include "format/format.h"

typedef enum PgmLoadAction
{
	PGM_LOAD_ADDED,
	PGM_LOAD_UNCHANGED,
	PGM_LOAD_DIFFERS,
	PGM_LOAD_AMENDED,
	PGM_LOAD_SKIPPED
} PgmLoadAction;

/* What became of a file. */
typedef struct PgmLoadRow
{
	const char *revision;		/* or NULL: skipped */
	const char *file;
	PgmLoadAction action;
} PgmLoadRow;

/*
 * Store what is not stored yet, in the caller's transaction; what differs from
 * the store is left as it is, with a notice, or amended if it is not applied
 * and the caller wants that.  Rows in order of the revisions, skipped files
 * last.
 */
extern PgmLoadRow *pgm_loader_load(PgmFormat format, int nfiles,
								   const PgmFormatFile *files,
								   bool amend_pending, int *nrows);
extern const char *pgm_load_action_name(PgmLoadAction action);

/* The stored revisions of a range as files. */
extern PgmFormatFile *pgm_loader_export(const char *range, PgmFormat format,
										int *nfiles);

extern PgmFormat pgm_loader_format(const char *name);

#endif							/* PGM_INTEROP_LOAD_H */
