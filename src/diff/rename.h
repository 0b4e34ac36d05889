/*-------------------------------------------------------------------------
 *
 * rename.h
 *	  Renames that are told, and those that might be meant.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_DIFF_RENAME_H
#define PGM_DIFF_RENAME_H

#include "diff/diff.h"

/*
 * What is renamed in one stage has its new name in the next: schemas, then
 * what is in them, then what is on tables and types.
 */
typedef enum PgmRenameStage
{
	PGM_RENAME_SCHEMAS,
	PGM_RENAME_OBJECTS,
	PGM_RENAME_PARTS
} PgmRenameStage;

#define PGM_RENAME_STAGES 3

typedef struct PgmRenames
{
	List	   *there;			/* statements */
	List	   *back;
	List	   *done;			/* of the earlier stages, of PgmRenamed */
} PgmRenames;

/* A name as it is, qualified, and the one that it is to have. */
typedef struct PgmRename
{
	const char *old_name;		/* "users.phone", "view app.v", ... */
	const char *new_name;
	const PgmSchemaObject *object;	/* instead of the old name, or NULL */
} PgmRename;

/* Is there a hint in the text? */
extern bool pgm_rename_hinted(const char *text);

/*
 * The statements of a stage: what the hints of the text, or NULL, and what a
 * list of PgmRename say.  The schema is what the stages before have left,
 * original what it was before all of them.
 */
extern List *pgm_rename_stage(PgmRenames *renames, PgmRenameStage stage,
							  const char *text, List *given,
							  const PgmSchema *original,
							  const PgmSchema *present,
							  const PgmSchema *desired);

/*
 * What has the same OID and another name in the desired schema, where that is
 * of a copy of this database; a list of PgmRename.
 */
extern List *pgm_rename_copied(const PgmSchema *present,
							   const PgmSchema *desired);

/*
 * The present schema with the names that constraints and indexes of the same
 * definition are to have, where there is one of each only; the statements are
 * added to what is renamed.  A NOTICE for the others.
 */
extern PgmSchema *pgm_rename_equal(PgmRenames *renames, PgmSchema *present,
								   const PgmSchema *desired,
								   const PgmDiffOptions *options);

/*
 * A NOTICE for each table and column that goes where one of the same shape
 * comes.
 */
extern void pgm_rename_notice(const PgmSchema *present,
							  const PgmSchema *desired);

#endif							/* PGM_DIFF_RENAME_H */
