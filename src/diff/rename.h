/*-------------------------------------------------------------------------
 *
 * rename.h
 *	  Renames that the desired text tells of, and those that it might mean.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_DIFF_RENAME_H
#define PGM_DIFF_RENAME_H

#include "diff/diff.h"

typedef struct PgmRenames
{
	List	   *there;			/* statements */
	List	   *back;
} PgmRenames;

/* A name as it is, qualified, and the one that it is to have. */
typedef struct PgmRename
{
	const char *old_name;
	const char *new_name;
} PgmRename;

/* Is there a hint in the text? */
extern bool pgm_rename_hinted(const char *text);

/* What the hints of the text, or NULL, say of the schema that is there. */
extern void pgm_rename_find(PgmRenames *renames, const char *text,
							const PgmSchema *present,
							const PgmSchema *desired);

/* The same of a list of PgmRename. */
extern void pgm_rename_given(PgmRenames *renames, List *given,
							 const PgmSchema *present,
							 const PgmSchema *desired);

/*
 * A NOTICE for each table and column that goes where one of the same shape
 * comes.
 */
extern void pgm_rename_notice(const PgmSchema *present,
							  const PgmSchema *desired);

#endif							/* PGM_DIFF_RENAME_H */
