/*-------------------------------------------------------------------------
 *
 * effects.c
 *	  What the statements of a script do to names, by their words.
 *
 * A file need not be SQL that this server can parse.  Of a name the last part
 * counts, without regard to case: "DROP TABLE a.b" is about "b".  The lists of
 * words are what is known here of SQL; a statement that is not among them may
 * do what it likes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "format/effects.h"

/* Effects, words and statements that are looked at, about a second's worth. */
#define MAX_LOOKS 10000000

/* A statement on its way through. */
typedef struct UndoReader
{
	PgmUndo    *undo;
	PgmSqlLexer lexer;
	PgmSqlToken token;
	bool		temporary;
} UndoReader;

/* Before the kind of what is created, dropped or altered. */
static const char *const adjectives[] = {
	"constraint", "default", "event", "foreign", "global", "local",
	"materialized", "or", "procedural", "recursive", "replace", "temp",
	"temporary", "trusted", "unique", "unlogged"
};
static const char *const routines[] = {
	"aggregate", "function", "procedure", "routine"
};
static const char *const relations[] = {
	"schema", "sequence", "table", "type", "view"
};

/* "ADD PRIMARY KEY": the server finds a name. */
static const char *const constraints[] = {
	"check", "exclude", "foreign", "primary", "unique"
};

/* Statements that leave nothing behind. */
static const char *const neutral[] = {
	"abort", "analyse", "analyze", "begin", "checkpoint", "cluster", "commit",
	"discard", "end", "listen", "lock", "notify", "refresh", "reindex",
	"release", "reset", "rollback", "savepoint", "set", "show", "start",
	"vacuum"
};
static const char *const queries[] = {
	"call", "execute", "select", "table", "values", "with"
};

int
pgm_undo_compare_names(UndoName a, UndoName b)
{
	int			order = pg_strncasecmp(a.text, b.text, Min(a.len, b.len));

	if (order == 0 && a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return order;
}

bool
pgm_undo_same_name(UndoName a, UndoName b)
{
	return a.len == b.len && (a.len == 0 || pgm_undo_compare_names(a, b) == 0);
}

bool
pgm_undo_name_is_of(UndoName name, int n, const char *const *words)
{
	for (int i = 0; i < n; i++)
	{
		if (strlen(words[i]) == name.len &&
			pg_strncasecmp(words[i], name.text, name.len) == 0)
			return true;
	}
	return false;
}

static void
advance(UndoReader *reader)
{
	pgm_sqlscan_significant(&reader->lexer, &reader->token);
}

static bool
at_end(const UndoReader *reader)
{
	return reader->token.kind == PGM_SQL_END ||
		reader->token.kind == PGM_SQL_UNTERMINATED;
}

static bool
at_symbol(const UndoReader *reader, char symbol)
{
	return pgm_sqlscan_is_symbol(&reader->lexer, &reader->token, symbol);
}

static bool
accept_word(UndoReader *reader, const char *word)
{
	if (!pgm_sqlscan_is_word(&reader->lexer, &reader->token, word))
		return false;
	advance(reader);
	return true;
}

/* The text of the token, without quotes. */
static UndoName
token_name(const UndoReader *reader)
{
	UndoName	name = {reader->lexer.input + reader->token.start,
	reader->token.end - reader->token.start};

	if (name.len >= 2 && (reader->token.kind == PGM_SQL_NAME ||
						  reader->token.kind == PGM_SQL_STRING) &&
		(*name.text == '"' || *name.text == '\''))
	{
		name.text++;
		name.len -= 2;
	}
	return name;
}

static bool
at_word_of(const UndoReader *reader, int n, const char *const *words)
{
	return reader->token.kind == PGM_SQL_WORD &&
		pgm_undo_name_is_of(token_name(reader), n, words);
}

#define at_one_of(reader, list) at_word_of(reader, lengthof(list), list)

/* Read "a", "b.a" or "c.b.a"; the label of an enum is a literal. */
static UndoName
read_name(UndoReader *reader, UndoName *qualifier)
{
	UndoName	name = {NULL, 0};

	*qualifier = name;
	while (reader->token.kind == PGM_SQL_WORD ||
		   reader->token.kind == PGM_SQL_NAME ||
		   reader->token.kind == PGM_SQL_STRING)
	{
		*qualifier = name;
		name = token_name(reader);
		advance(reader);
		if (!at_symbol(reader, '.'))
			break;
		advance(reader);
	}
	return name;
}

/* Go on to this word, or symbol, outside of parentheses; false: none. */
static bool
skip_to(UndoReader *reader, const char *word, char symbol)
{
	int			depth = 0;

	for (; !at_end(reader); advance(reader))
	{
		if (depth == 0 &&
			(symbol !='\0' ? at_symbol(reader, symbol) :
			 pgm_sqlscan_is_word(&reader->lexer, &reader->token, word)))
		{
			advance(reader);
			return true;
		}
		if (at_symbol(reader, '('))
			depth++;
		else if (at_symbol(reader, ')') && depth > 0)
			depth--;
	}
	return false;
}

static void
skip_if_exists(UndoReader *reader)
{
	accept_word(reader, "concurrently");
	if (accept_word(reader, "if"))
	{
		accept_word(reader, "not");
		accept_word(reader, "exists");
	}
	accept_word(reader, "only");
}

static void
add_effect(UndoReader *reader, UndoVerb verb, UndoThing thing, UndoName name,
		   UndoName of)
{
	PgmUndo    *undo = reader->undo;
	UndoEffect *effect;

	if (undo->neffects == undo->effects_size)
	{
		undo->effects_size = undo->effects_size * 2 + 16;
		undo->effects = undo->effects == NULL ?
			palloc(undo->effects_size * sizeof(UndoEffect)) :
			repalloc(undo->effects, undo->effects_size * sizeof(UndoEffect));
	}
	effect = &undo->effects[undo->neffects++];
	effect->statement = undo->nitems;
	effect->verb = verb;
	effect->thing = thing;
	effect->name = name;
	effect->of = of;
	effect->temporary = reader->temporary;
}

static void
add_plain(UndoReader *reader, UndoVerb verb, UndoThing thing, UndoName name)
{
	UndoName	none = {NULL, 0};

	if (name.len > 0)
		add_effect(reader, verb, thing, name, none);
}

/* Read a name with its schema. */
static UndoName
read_object(UndoReader *reader, UndoVerb verb, UndoThing thing)
{
	UndoName	schema;
	UndoName	name = read_name(reader, &schema);

	add_plain(reader, verb, thing, name);
	add_plain(reader, UNDO_TOUCH, UNDO_RELATION, schema);
	return name;
}

/* Pass over the kind of object, "[...] TABLE [IF EXISTS] [ONLY]". */
static UndoThing
read_kind(UndoReader *reader, UndoName *kind)
{
	UndoThing	thing = UNDO_OTHER;

	while (at_one_of(reader, adjectives))
	{
		static const char *const words[] = {"temp", "temporary"};

		reader->temporary |= at_one_of(reader, words);
		advance(reader);
	}
	*kind = token_name(reader);
	if (undo_name_is_one(*kind, routines))
		thing = UNDO_ROUTINE;
	else if (undo_name_is_one(*kind, relations))
		thing = UNDO_RELATION;
	else if (accept_word(reader, "index"))
		thing = UNDO_AID;
	if (thing != UNDO_AID && !at_end(reader))
		advance(reader);
	skip_if_exists(reader);
	return thing;
}

static void
read_create(UndoReader *reader)
{
	UndoName	kind;
	UndoThing	thing = read_kind(reader, &kind);
	static const char *const on_tables[] = {"index", "policy", "trigger"};
	static const char *const rules[] = {"rule"};

	if (!pgm_sqlscan_is_word(&reader->lexer, &reader->token, "on"))
		read_object(reader, UNDO_MAKE, thing);
	if (undo_name_is_one(kind, rules) ? skip_to(reader, "to", '\0') :
		undo_name_is_one(kind, on_tables) && skip_to(reader, "on", '\0'))
	{
		accept_word(reader, "only");
		read_object(reader, UNDO_TOUCH, UNDO_RELATION);
	}
	if (skip_to(reader, "execute", '\0'))
	{
		advance(reader);
		read_object(reader, UNDO_TOUCH, UNDO_ROUTINE);
	}
}

/* A list of names, functions with their arguments. */
static void
read_names(UndoReader *reader, UndoVerb verb, UndoThing thing)
{
	do
	{
		accept_word(reader, "only");
		read_object(reader, verb, thing);
	} while (skip_to(reader, NULL, ','));
}

static void
read_drop(UndoReader *reader)
{
	UndoName	kind;
	UndoThing	thing = read_kind(reader, &kind);

	read_names(reader, UNDO_DROP, thing);
}

/* "ADD x", "DROP x" and "ALTER x" of a table, behind the word. */
static void
read_member(UndoReader *reader, UndoVerb verb, UndoName table)
{
	UndoThing	thing = UNDO_MEMBER;
	UndoName	name = {NULL, 0};
	UndoName	schema;

	if (accept_word(reader, "constraint"))
		thing = UNDO_AID;
	else if (at_one_of(reader, constraints))
	{
		add_effect(reader, verb, UNDO_AID, name, table);
		return;
	}
	else if (!accept_word(reader, "column") && !accept_word(reader, "value"))
		accept_word(reader, "attribute");
	skip_if_exists(reader);
	name = read_name(reader, &schema);
	add_effect(reader, verb, thing, name, table);
}

static void
read_rename(UndoReader *reader, UndoThing thing, UndoName table)
{
	UndoName	of = {NULL, 0};
	UndoName	from = table;
	UndoName	schema;

	if (!accept_word(reader, "to"))
	{
		if (!accept_word(reader, "column") && !accept_word(reader, "value") &&
			!accept_word(reader, "constraint"))
			accept_word(reader, "attribute");
		thing = UNDO_MEMBER;
		of = table;
		from = read_name(reader, &schema);
		if (!accept_word(reader, "to"))
			return;
	}
	add_effect(reader, UNDO_RENAMED_FROM, thing, from, of);
	add_effect(reader, UNDO_RENAMED_TO, thing, read_name(reader, &schema), of);
}

static void
read_alter(UndoReader *reader)
{
	UndoName	kind;
	UndoThing	thing = read_kind(reader, &kind);
	UndoName	table = read_object(reader, UNDO_TOUCH, thing);

	do
	{
		if (accept_word(reader, "add"))
			read_member(reader, UNDO_MAKE, table);
		else if (accept_word(reader, "drop"))
			read_member(reader, UNDO_DROP, table);
		else if (accept_word(reader, "alter"))
			read_member(reader, UNDO_ALTER, table);
		else if (accept_word(reader, "rename"))
			read_rename(reader, thing, table);
		else if (accept_word(reader, "validate"))
			read_member(reader, UNDO_TOUCH, table);
		else
			add_plain(reader, UNDO_ALTER, thing, table);
	} while (skip_to(reader, NULL, ','));
}

static void
read_privileges(UndoReader *reader, UndoVerb verb)
{
	static const char *const kinds[] = {
		"all", "database", "function", "functions", "in", "procedure",
		"routine", "routines", "schema", "sequence", "sequences", "table",
		"tables", "type"
	};

	if (!skip_to(reader, "on", '\0'))
		return;
	while (at_one_of(reader, kinds))
		advance(reader);
	read_names(reader, verb, UNDO_RELATION);
}

static void
read_comment(UndoReader *reader)
{
	UndoName	kind;
	UndoName	of;
	UndoName	name;

	if (!accept_word(reader, "on"))
		return;
	read_kind(reader, &kind);
	name = read_name(reader, &of);
	add_effect(reader, UNDO_COMMENT, UNDO_OTHER, name, of);
	add_plain(reader, UNDO_TOUCH, UNDO_RELATION, name);
	add_plain(reader, UNDO_TOUCH, UNDO_RELATION, of);
	if (skip_to(reader, "on", '\0'))
		read_object(reader, UNDO_TOUCH, UNDO_RELATION);
}

static UndoKind
read_statement(UndoReader *reader)
{
	advance(reader);
	if (at_end(reader) || at_one_of(reader, neutral))
		return UNDO_NEUTRAL;
	if (at_one_of(reader, queries))
		return UNDO_QUERY;
	if (accept_word(reader, "create"))
		read_create(reader);
	else if (accept_word(reader, "drop"))
		read_drop(reader);
	else if (accept_word(reader, "alter"))
		read_alter(reader);
	else if (accept_word(reader, "grant"))
		read_privileges(reader, UNDO_GRANT);
	else if (accept_word(reader, "revoke"))
		read_privileges(reader, UNDO_REVOKE);
	else if (accept_word(reader, "comment"))
		read_comment(reader);
	else if (accept_word(reader, "copy"))
		read_object(reader, UNDO_INSERT, UNDO_RELATION);
	else if (accept_word(reader, "insert") && accept_word(reader, "into"))
		read_object(reader, UNDO_INSERT, UNDO_RELATION);
	else if (accept_word(reader, "update"))
	{
		accept_word(reader, "only");
		read_object(reader, UNDO_UPDATE, UNDO_RELATION);
	}
	else if (accept_word(reader, "delete") && accept_word(reader, "from"))
	{
		accept_word(reader, "only");
		read_object(reader, UNDO_DELETE, UNDO_RELATION);
	}
	else if (accept_word(reader, "truncate"))
	{
		accept_word(reader, "table");
		read_names(reader, UNDO_DELETE, UNDO_RELATION);
	}
	else
		return UNDO_BLOCK;
	return UNDO_HAS_EFFECTS;
}

static int
compare_effects(const void *a, const void *b)
{
	const UndoEffect *left = *(const UndoEffect *const *) a;
	const UndoEffect *right = *(const UndoEffect *const *) b;
	int			order = pgm_undo_compare_names(left->name, right->name);

	if (order == 0 && left->statement != right->statement)
		return left->statement < right->statement ? -1 : 1;
	return order;
}

PgmUndo *
pgm_undo_read(const PgmFormatScript *script)
{
	PgmUndo    *undo = palloc0(sizeof(PgmUndo));
	PgmSqlSplitter splitter;
	PgmSqlItem	item;

	undo->script = script;
	undo->left = palloc(sizeof(int64));
	*undo->left = MAX_LOOKS;
	undo->size = 16;
	undo->items = palloc(undo->size * sizeof(PgmSqlItem));
	undo->kinds = palloc(undo->size * sizeof(UndoKind));
	pgm_sqlscan_splitter(&splitter, script->data, script->len, script->line);
	while (pgm_sqlscan_next(&splitter, &item))
	{
		UndoReader	reader = {.undo = undo};

		if (undo->nitems == undo->size)
		{
			undo->size *= 2;
			undo->items = repalloc(undo->items,
								   undo->size * sizeof(PgmSqlItem));
			undo->kinds = repalloc(undo->kinds,
								   undo->size * sizeof(UndoKind));
		}
		undo->kinds[undo->nitems] = UNDO_NEUTRAL;
		if (item.kind == PGM_SQL_STATEMENT || item.kind == PGM_SQL_COPY)
		{
			pgm_sqlscan_lexer(&reader.lexer, script->data + item.body,
							  item.body_end - item.body, item.line);
			undo->kinds[undo->nitems] = read_statement(&reader);
		}
		undo->items[undo->nitems++] = item;
	}
	undo->by_name = palloc(Max(undo->neffects, 1) * sizeof(UndoEffect *));
	for (int i = 0; i < undo->neffects; i++)
		undo->by_name[i] = &undo->effects[i];
	qsort(undo->by_name, undo->neffects, sizeof(UndoEffect *),
		  compare_effects);
	return undo;
}
