/*-------------------------------------------------------------------------
 *
 * effects.h
 *	  What the statements of a script do to names.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_FORMAT_EFFECTS_H
#define PGM_FORMAT_EFFECTS_H

#include "format/undo.h"

typedef enum UndoVerb
{
	UNDO_MAKE,
	UNDO_DROP,
	UNDO_RENAMED_FROM,
	UNDO_RENAMED_TO,
	UNDO_ALTER,
	UNDO_INSERT,
	UNDO_DELETE,
	UNDO_UPDATE,
	UNDO_GRANT,
	UNDO_REVOKE,
	UNDO_COMMENT,
	UNDO_TOUCH					/* it belongs to that, or calls it */
} UndoVerb;

typedef enum UndoThing
{
	UNDO_RELATION,				/* a table, or what has a name as tables do */
	UNDO_ROUTINE,
	UNDO_AID,					/* an index or a constraint: no data is lost
								 * with it */
	UNDO_MEMBER,				/* a column, or what else belongs to "of" */
	UNDO_OTHER
} UndoThing;

typedef struct UndoName
{
	const char *text;
	size_t		len;
} UndoName;

typedef struct UndoEffect
{
	int			statement;
	UndoVerb	verb;
	UndoThing	thing;
	UndoName	name;
	UndoName	of;				/* the table of a column or constraint */
	bool		temporary;
} UndoEffect;

typedef enum UndoKind
{
	UNDO_HAS_EFFECTS,
	UNDO_NEUTRAL,				/* leaves nothing behind */
	UNDO_QUERY,					/* may call what it likes */
	UNDO_BLOCK					/* DO, and what is not known */
} UndoKind;

struct PgmUndo
{
	const PgmFormatScript *script;
	int			nitems;
	int			size;
	PgmSqlItem *items;
	UndoKind   *kinds;
	int			neffects;
	int			effects_size;
	UndoEffect *effects;		/* in the order of the statements */
	UndoEffect **by_name;		/* and of names */
	int64	   *left;			/* how much may still be looked at */
};

extern int	pgm_undo_compare_names(UndoName a, UndoName b);
extern bool pgm_undo_same_name(UndoName a, UndoName b);
extern bool pgm_undo_name_is_of(UndoName name, int n,
								const char *const *words);

#define undo_name_is_one(name, list) \
	pgm_undo_name_is_of(name, lengthof(list), list)

#endif							/* PGM_FORMAT_EFFECTS_H */
