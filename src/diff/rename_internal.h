/*-------------------------------------------------------------------------
 *
 * rename_internal.h
 *	  One stage of renames.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_DIFF_RENAME_INTERNAL_H
#define PGM_DIFF_RENAME_INTERNAL_H

#include "diff/rename.h"
#include "diff/words.h"

#define PGM_RENAME_HINT "-- pgmigrate: renamed from "

/* What an earlier stage has renamed. */
typedef struct PgmRenamed
{
	const char *old_identity;
	const char *new_identity;
} PgmRenamed;

typedef struct PgmRenameSearch
{
	PgmRenames *renames;
	PgmRenameStage stage;
	bool		along;			/* what has the name in its own too */
	List	   *there;			/* statements of this stage */
	const PgmSchema *original;
	const PgmSchema *present;
	const PgmSchema *desired;
} PgmRenameSearch;

/* rename.c */
extern PgmRenameStage pgm_rename_stage_of(const char *kind);

/* A name as somebody writes it, as the server does: its parts. */
extern List *pgm_rename_split(const char *written);

/* With its period; empty if it has none. */
extern char *pgm_rename_schema_of(const char *identity);

/* Without its schema, table and arguments. */
extern char *pgm_rename_name(const PgmSchemaObject *object);

/* What an object is called with a new name, which is quoted. */
extern char *pgm_rename_identity(const PgmSchemaObject *object,
								 const char *new_name);

extern bool pgm_rename_is_wanted(const PgmRenameSearch *search,
								 const char *kind, const char *identity);

/* Both ways, with what has the old name in its own. */
extern void pgm_rename_add(PgmRenameSearch *search,
						   const PgmSchemaObject *object,
						   const char *new_name);
extern void pgm_rename_add_label(PgmRenameSearch *search,
								 const PgmSchemaObject *type,
								 const char *old_label, const char *new_label);

/* rename_given.c */
extern void pgm_rename_given(PgmRenameSearch *search, List *given);

/* rename_hint.c */
extern void pgm_rename_hints(PgmRenameSearch *search, const char *text);

#endif							/* PGM_DIFF_RENAME_INTERNAL_H */
