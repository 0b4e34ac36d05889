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
#include "schema/catalogs.h"

typedef struct PgmSecondReader
{
	const PgmDiffOptions *options;	/* that say what is left alone */
	bool		owners;			/* do they count? */
	bool		privileges;
	List	   *schemas;		/* of PgmRename: only the new ones; or NIL */

	/* is called before a difference is told */
	void		(*suspect) (void *arg);
	void	   *suspect_arg;
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
