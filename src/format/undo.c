/*-------------------------------------------------------------------------
 *
 * undo.c
 *	  Do statements of a script undo what others before them did?
 *
 * A way down says so by what it does: it drops what the way up has made,
 * deletes what that inserted, and names again what that renamed.
 *
 * Each comment may be a heading, and each is held against all statements, so
 * that there is an end to what is looked at: of the comments after that, only
 * those that look like headings are such.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "format/effects.h"
#include "format/undo.h"

/* The words of a statement, those in literals too. */
typedef struct UndoWords
{
	PgmSqlLexer lexer;
	PgmSqlToken token;
	size_t		pos;			/* in the token */
} UndoWords;

/* What a function that undoes something may have in its name. */
static const char *const removals[] = {
	"delete", "destroy", "disable", "down", "drop", "remove", "revert",
	"rollback", "truncate", "undo", "unschedule"
};

int
pgm_undo_items(const PgmUndo *undo, const PgmSqlItem **items)
{
	*items = undo->items;
	return undo->nitems;
}

/* Does the later effect take back the earlier one, which has its name? */
static bool
takes_back(const UndoEffect *late, const UndoEffect *early)
{
	bool		same = pgm_undo_same_name(late->of, early->of);

	switch (late->verb)
	{
		case UNDO_DROP:
			return same && early->verb == UNDO_MAKE;
		case UNDO_MAKE:
			return same &&
				(early->verb == UNDO_DROP || early->verb == UNDO_MAKE);
		case UNDO_RENAMED_TO:
			return same && early->verb == UNDO_RENAMED_FROM;
		case UNDO_INSERT:
			return same &&
				(early->verb == UNDO_DELETE || early->verb == UNDO_DROP);
		case UNDO_DELETE:
			return same &&
				(early->verb == UNDO_INSERT || early->verb == UNDO_MAKE);
		case UNDO_GRANT:
			return early->verb == UNDO_REVOKE;
		case UNDO_REVOKE:
			return early->verb == UNDO_GRANT;
		case UNDO_ALTER:
		case UNDO_UPDATE:
		case UNDO_COMMENT:
			return same && early->verb == late->verb;
		case UNDO_RENAMED_FROM:
		case UNDO_TOUCH:
			break;
	}
	return false;
}

/* The first of the effects that have this name, or what would follow. */
static int
find_name(const PgmUndo *undo, UndoName name)
{
	int			low = 0;
	int			high = undo->neffects;

	(*undo->left)--;
	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (pgm_undo_compare_names(undo->by_name[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

#define foreach_of_name(effect, undo, wanted) \
	for (int _i = find_name(undo, wanted); \
		 _i < (undo)->neffects && (*(undo)->left)-- > 0 && \
		 pgm_undo_same_name(((effect) = (undo)->by_name[_i])->name, wanted); \
		 _i++)

/* What of the statements before "first" does the effect take back? */
static const UndoEffect *
taken_back(const PgmUndo *undo, const UndoEffect *late, int first)
{
	const UndoEffect *early;

	if (late->name.len == 0)
		return NULL;
	foreach_of_name(early, undo, late->name)
	{
		if (early->statement >= first)
			break;
		if (takes_back(late, early))
			return early;
	}
	return NULL;
}

/* Has a statement from "first" on dropped this? */
static bool
is_dropped(const PgmUndo *undo, UndoName name, int first, UndoThing thing)
{
	const UndoEffect *late;

	if (name.len == 0)
		return false;
	foreach_of_name(late, undo, name)
	{
		if (late->statement >= first && late->verb == UNDO_DROP &&
			(late->thing == thing || thing == UNDO_OTHER))
			return true;
	}
	return false;
}

static void
begin_words(UndoWords *words, const PgmUndo *undo, int statement)
{
	const PgmSqlItem *item = &undo->items[statement];

	pgm_sqlscan_lexer(&words->lexer, undo->script->data + item->body,
					  item->body_end - item->body, item->line);
	words->token.kind = PGM_SQL_SPACE;
	words->token.end = words->pos = 0;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
		(c >= '0' && c <= '9') || c == '$' || IS_HIGHBIT_SET(c);
}

static bool
next_word(UndoWords *words, UndoName *word)
{
	for (;;)
	{
		const char *text = words->lexer.input;
		size_t		start;

		while (words->pos < words->token.end && !is_letter(text[words->pos]))
			words->pos++;
		start = words->pos;
		while (words->pos < words->token.end && is_letter(text[words->pos]))
			words->pos++;
		if (words->pos > start)
		{
			word->text = text + start;
			word->len = words->pos - start;
			return true;
		}
		pgm_sqlscan_significant(&words->lexer, &words->token);
		if (words->token.kind == PGM_SQL_END ||
			words->token.kind == PGM_SQL_UNTERMINATED)
			return false;
		words->pos = words->token.start;
	}
}

static bool
mentions(const PgmUndo *undo, int statement, UndoName name)
{
	UndoWords	words;
	UndoName	word;

	begin_words(&words, undo, statement);
	while (next_word(&words, &word) && (*undo->left)-- > 0)
	{
		if (pgm_undo_same_name(word, name))
			return true;
	}
	return false;
}

/*
 * Have the statements from "first" on undone what this one before them did?
 * What belongs to a table goes with it, and so does what a query does to it.
 */
static bool
is_undone(const PgmUndo *undo, int statement, int *effect, int first)
{
	bool		undone = undo->kinds[statement] == UNDO_NEUTRAL;
	UndoWords	words;
	UndoName	word;

	for (; *effect < undo->neffects &&
		 undo->effects[*effect].statement == statement; (*effect)++)
	{
		const UndoEffect *early = &undo->effects[*effect];
		const UndoEffect *late;

		undone |= is_dropped(undo, early->of, first, UNDO_RELATION) ||
			(early->verb == UNDO_TOUCH &&
			 is_dropped(undo, early->name, first, UNDO_OTHER));
		if (early->name.len == 0 || undone)
			continue;
		foreach_of_name(late, undo, early->name)
		{
			undone |= late->statement >= first &&
				(takes_back(late, early) ||
				 (late->verb == UNDO_DROP && early->of.len == 0));
		}
	}
	if (undone || undo->kinds[statement] != UNDO_QUERY)
		return undone;
	begin_words(&words, undo, statement);
	while (!undone && next_word(&words, &word))
		undone = is_dropped(undo, word, first, UNDO_RELATION);
	return undone;
}

/* The effects of a statement and those after it. */
static int
first_effect(const PgmUndo *undo, int statement)
{
	int			low = 0;
	int			high = undo->neffects;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (undo->effects[middle].statement < statement)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * Is it named after a table that was there before, as the server names
 * constraints and indexes, or does a statement that cannot be looked into
 * have it?
 */
static bool
is_related(const PgmUndo *undo, UndoName name, int first)
{
	for (size_t len = 1; len < name.len; len++)
	{
		UndoName	table = {name.text, len};
		const UndoEffect *effect;

		if (name.text[len] != '_')
			continue;
		foreach_of_name(effect, undo, table)
		{
			if (effect->statement < first)
				return true;
			break;
		}
	}
	for (int i = 0; i < first && (*undo->left)-- > 0; i++)
	{
		if (undo->kinds[i] >= UNDO_QUERY && mentions(undo, i, name))
			return true;
	}
	return false;
}

/* Does a query call something that by its name undoes something? */
static bool
query_removes(const PgmUndo *undo, int statement, int first, bool any)
{
	UndoWords	words;
	UndoName	word;
	bool		removes = false;
	bool		known = any;

	begin_words(&words, undo, statement);
	while (next_word(&words, &word) && !(removes && known) &&
		   (*undo->left)-- > 0)
	{
		const UndoEffect *effect;

		for (size_t at = 0; at < word.len && !removes;)
		{
			UndoName	part = {word.text + at, 0};

			while (at + part.len < word.len && part.text[part.len] != '_')
				part.len++;
			removes = undo_name_is_one(part, removals);
			at += part.len + 1;
		}
		foreach_of_name(effect, undo, word)
		{
			known |= effect->statement < first;
			break;
		}
	}
	return removes && known;
}

bool
pgm_undo_does_something(const PgmUndo *undo, int statement)
{
	return undo->kinds[statement] != UNDO_NEUTRAL;
}

bool
pgm_undo_removes(const PgmUndo *undo, int statement)
{
	if (undo->kinds[statement] >= UNDO_QUERY)
		return query_removes(undo, statement, statement, true);
	for (int i = first_effect(undo, statement);
		 i < undo->neffects && undo->effects[i].statement == statement; i++)
	{
		if (undo->effects[i].verb == UNDO_DROP ||
			undo->effects[i].verb == UNDO_DELETE)
			return true;
	}
	return false;
}

bool
pgm_undo_some(const PgmUndo *undo, int first, bool removals)
{
	for (int i = first_effect(undo, first);
		 i < undo->neffects && (*undo->left)-- > 0; i++)
	{
		const UndoEffect *late = &undo->effects[i];

		if (taken_back(undo, late, first) != NULL)
			return true;
		if ((late->verb == UNDO_DROP || late->verb == UNDO_DELETE) &&
			(removals || is_related(undo, late->name, first)))
			return true;
	}
	for (int i = first; i < undo->nitems && (*undo->left)-- > 0; i++)
	{
		if (undo->kinds[i] >= UNDO_QUERY &&
			query_removes(undo, i, first, removals))
			return true;
	}
	return *undo->left <= 0;
}

/* Does a statement that stays, after this one, use what has the name? */
static bool
is_helper(const PgmUndo *undo, const UndoEffect *made, int first)
{
	int			effect = first_effect(undo, made->statement + 1);

	for (int i = made->statement + 1; i < first && *undo->left > 0; i++)
	{
		if (!is_undone(undo, i, &effect, first) &&
			mentions(undo, i, made->name))
			return true;
	}
	return false;
}

/* Is a column added again that was dropped before? */
static bool
adds_again(const PgmUndo *undo, int first)
{
	for (int i = first_effect(undo, first);
		 i < undo->neffects && *undo->left > 0; i++)
	{
		const UndoEffect *late = &undo->effects[i];
		const UndoEffect *early;

		if (late->verb != UNDO_MAKE || late->thing != UNDO_MEMBER)
			continue;
		early = taken_back(undo, late, first);
		if (early != NULL && early->verb == UNDO_DROP)
			return true;
	}
	return false;
}

bool
pgm_undo_next(const PgmUndo *undo, int first)
{
	for (int i = first_effect(undo, first);
		 i < undo->neffects && undo->effects[i].statement == first; i++)
	{
		const UndoEffect *late = &undo->effects[i];
		const UndoEffect *made;

		if (late->verb != UNDO_DROP || late->thing == UNDO_AID)
			continue;
		made = taken_back(undo, late, first);
		if (made != NULL && !made->temporary &&
			(!is_helper(undo, made, first) || adds_again(undo, first)))
			return *undo->left > 0;
	}
	return false;
}

bool
pgm_undo_all(const PgmUndo *undo, int first, bool hinted)
{
	int			effect = first_effect(undo, first);
	bool		drops = false;

	for (int i = first; i < undo->nitems && (*undo->left)-- > 0; i++)
	{
		bool		undoes = undo->kinds[i] == UNDO_NEUTRAL;

		for (; effect < undo->neffects &&
			 undo->effects[effect].statement == i; effect++)
		{
			const UndoEffect *late = &undo->effects[effect];
			const UndoEffect *early = taken_back(undo, late, first);

			undoes |= early != NULL;
			drops |= early != NULL && !early->temporary &&
				(late->verb == UNDO_DROP ||
				 (hinted && (late->verb != UNDO_MAKE || late->of.len > 0)));
		}
		if (!undoes)
			return false;
	}
	effect = 0;
	for (int i = 0; drops && i < first && *undo->left > 0; i++)
		drops = is_undone(undo, i, &effect, first);
	return drops && *undo->left > 0;
}
