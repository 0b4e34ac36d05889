/*-------------------------------------------------------------------------
 *
 * second_reader.h
 *	  A judge of what was generated that does not share the model.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_DIFF_SECOND_READER_H
#define PGM_DIFF_SECOND_READER_H

#include "nodes/pg_list.h"

#include "diff/diff.h"

/* What a database has, in the words of the model and of the catalogs. */
typedef struct PgmReading
{
	const PgmSchema *model;		/* of the same database, or NULL */
	const PgmSchema *catalogs;
} PgmReading;

typedef struct PgmSecondReader
{
	const PgmDiffOptions *options;	/* that say what is left alone */
	bool		owners;			/* do they count? */
	bool		privileges;
	List	   *schemas;		/* of PgmRename: only the new ones; or NIL */
} PgmSecondReader;

/*
 * An error that names the first difference, in what it was found after; the
 * text is NULL where none was run.
 */
extern void pgm_second_reader_check(const PgmSecondReader *reader,
									const PgmReading *found,
									const PgmReading *expected,
									const char *what, const char *text);

#endif							/* PGM_DIFF_SECOND_READER_H */
