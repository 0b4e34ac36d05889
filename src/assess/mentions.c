/*-------------------------------------------------------------------------
 *
 * mentions.c
 *	  Texts of statements and functions that mention a relation by its name.
 *
 * A mention is no proof of use: a column or an alias may have the same name,
 * a table of another schema too, and a statement of another search_path may
 * mean another table.  Only names that are written with another schema are
 * known to be about something else.  So the answers say "mentions", nothing
 * more.
 *
 * The texts are read once and scanned once, however many relations are asked
 * about: a hash table leads from a name to the texts that have it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/json.h"

#include "assess/mentions.h"
#include "base/spi.h"
#include "compat/hash.h"
#include "sql/lexer.h"

/* So many are read of each kind, and so much of each. */
#define PGM_MENTION_TEXTS 5000
#define PGM_MENTION_BYTES 20000

/* So many are told of each kind. */
static const int max_reported[] = {
	[PGM_MENTION_STATEMENT] = 5,
	[PGM_MENTION_PREPARED] = 20,
	[PGM_MENTION_FUNCTION] = 50
};

/* A text, and the members of its JSON object. */
typedef struct Text
{
	PgmMentionKind kind;
	const char *json;
	bool		star;			/* has a "*" that means all columns */
	uint32		marked;			/* serial of the last question it was in */
} Text;

/* A name as it stands in a text; schema is NULL where none is written. */
typedef struct Place
{
	Text	   *text;
	const char *schema;
} Place;

typedef struct Entry
{
	char		name[NAMEDATALEN];	/* hash key */
	List	   *places;			/* of Place *, in the order of the texts */
} Entry;

struct PgmMentions
{
	HTAB	   *by_name;
	const char *trouble;
	uint32		serial;			/* of questions */
};

/*
 * The extension's own view, in whatever schema it is, with the columns of its
 * version.
 */
static PgmQuery view_query = {
	"SELECT quote_ident(n.nspname), EXISTS (SELECT FROM pg_attribute a "
	"WHERE a.attrelid = c.oid AND a.attname = 'total_exec_time') "
	"FROM pg_extension e "
	"JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass "
	"AND d.refobjid = e.oid AND d.deptype = 'e' "
	"AND d.classid = 'pg_class'::regclass "
	"JOIN pg_class c ON c.oid = d.objid AND c.relname = 'pg_stat_statements' "
	"JOIN pg_namespace n ON n.oid = c.relnamespace "
	"WHERE e.extname = 'pg_stat_statements'"
};

#define STATEMENTS_SQL \
	"SELECT pg_catalog.left(s.query, %d), pg_catalog.json_build_object(" \
	"'query', pg_catalog.left(pg_catalog.regexp_replace(s.query, '\\s+', ' ', 'g'), 200), " \
	"'calls', s.calls, 'total_ms', pg_catalog.round(s.%s::pg_catalog.numeric, 1), " \
	"'mean_ms', pg_catalog.round(s.%s::pg_catalog.numeric, 3), 'rows', s.rows) " \
	"FROM %s.pg_stat_statements s " \
	"WHERE s.dbid OPERATOR(pg_catalog.=) %u " \
	"ORDER BY s.%s DESC LIMIT %d"

#define PREPARED_SQL \
	"SELECT pg_catalog.left(p.statement, %d), pg_catalog.to_json(p.name) " \
	"FROM pg_catalog.pg_prepared_statements p " \
	"ORDER BY p.prepare_time, p.name LIMIT %d"

/*
 * A body that the server has parsed is a dependency and needs no scan; nor
 * does what belongs to an extension or to the server.
 */
#define FUNCTIONS_SQL \
	"SELECT pg_catalog.left(p.prosrc, %d), " \
	"pg_catalog.to_json(p.oid::pg_catalog.regprocedure::pg_catalog.text) " \
	"FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l " \
	"ON l.oid OPERATOR(pg_catalog.=) p.prolang " \
	"WHERE p.oid OPERATOR(pg_catalog.>=) 16384 " \
	"AND l.lanname OPERATOR(pg_catalog.<>) ALL ('{c,internal}') " \
	"AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d " \
	"WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass " \
	"AND d.objid OPERATOR(pg_catalog.=) p.oid AND d.deptype OPERATOR(pg_catalog.=) 'e') " \
	"ORDER BY p.oid LIMIT %d"

static void
add_place(PgmMentions *mentions, Text *text, const char *schema,
		  const char *name)
{
	char		key[NAMEDATALEN] = {0};
	Entry	   *entry;
	Place	   *place;
	bool		found;

	strlcpy(key, name, NAMEDATALEN);
	entry = hash_search(mentions->by_name, key, HASH_ENTER, &found);
	if (!found)
		entry->places = NIL;
	else
	{
		place = llast(entry->places);
		if (place->text == text &&
			(place->schema == NULL || schema == NULL ?
			 place->schema == schema : strcmp(place->schema, schema) == 0))
			return;
	}
	place = palloc(sizeof(Place));
	place->text = text;
	place->schema = schema;
	entry->places = lappend(entry->places, place);
}

/* The name that a token is, as the server folds it; NULL if it is none. */
static char *
token_name(const PgmSqlLexer *lexer, const PgmSqlToken *token)
{
	const char *start = lexer->input + token->start;
	int			length = token->end - token->start;
	char	   *name;
	int			n = 0;

	if (token->kind == PGM_SQL_WORD)
		return downcase_truncate_identifier(start, length, false);
	if (token->kind != PGM_SQL_NAME || length < 2 || start[0] != '"')
		return NULL;
	name = palloc(length);
	for (int i = 1; i < length - 1; i++)
	{
		name[n++] = start[i];
		if (start[i] == '"')
			i++;				/* doubled */
	}
	name[n] = '\0';
	truncate_identifier(name, n, false);
	return name;
}

/*
 * Does "*" mean all columns here?  As a product it stands behind an operand,
 * and in count(*) behind a parenthesis.
 */
static bool
is_star(const PgmSqlLexer *lexer, const PgmSqlToken *before)
{
	return pgm_sqlscan_is_symbol(lexer, before, '.') ||
		pgm_sqlscan_is_symbol(lexer, before, ',') ||
		pgm_sqlscan_is_word(lexer, before, "select") ||
		pgm_sqlscan_is_word(lexer, before, "distinct") ||
		pgm_sqlscan_is_word(lexer, before, "all") ||
		pgm_sqlscan_is_word(lexer, before, "returning");
}

/*
 * Note all names.  In a function the texts of literals count too: they may be
 * run by EXECUTE.
 */
static void
scan_text(PgmMentions *mentions, Text *text, const char *input, size_t len,
		  bool inside)
{
	PgmSqlLexer lexer;
	PgmSqlToken token;
	PgmSqlToken before = {PGM_SQL_END};
	char	   *qualifier = NULL;	/* a name with a dot behind it */
	char	   *last = NULL;

	pgm_sqlscan_lexer(&lexer, input, len, 1);
	for (;;)
	{
		char	   *name;

		pgm_sqlscan_significant(&lexer, &token);
		if (token.kind == PGM_SQL_END || token.kind == PGM_SQL_UNTERMINATED)
			break;
		name = token_name(&lexer, &token);
		if (name != NULL)
		{
			add_place(mentions, text, qualifier, name);
			qualifier = NULL;
		}
		else if (pgm_sqlscan_is_symbol(&lexer, &token, '.'))
			qualifier = last;
		else
		{
			qualifier = NULL;
			if (pgm_sqlscan_is_symbol(&lexer, &token, '*') &&
				is_star(&lexer, &before))
				text->star = true;
			else if (token.kind == PGM_SQL_STRING && inside)
				scan_text(mentions, text, input + token.start + 1,
						  token.end - token.start - 1, false);
		}
		last = name;
		before = token;
	}
}

static void
load_texts(PgmMentions *mentions, PgmMentionKind kind, char **values,
		   uint64 nrows)
{
	for (uint64 i = 0; i < nrows; i++)
	{
		Text	   *text;

		CHECK_FOR_INTERRUPTS();
		if (values[2 * i] == NULL || values[2 * i + 1] == NULL)
			continue;
		text = palloc0(sizeof(Text));
		text->kind = kind;
		text->json = values[2 * i + 1];
		if (kind == PGM_MENTION_STATEMENT &&
			strcmp(values[2 * i], "<insufficient privilege>") == 0)
		{
			mentions->trouble = "statements of other roles are shown to members of pg_read_all_stats only";
			continue;
		}
		scan_text(mentions, text, values[2 * i], strlen(values[2 * i]),
				  kind == PGM_MENTION_FUNCTION);
	}
}

/* In which schema is it?  NULL if it is not there. */
static char *
find_view(bool *exec_time)
{
	PgmSpiScope scope;
	char	   *schema = NULL;

	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&view_query, NULL, NULL) > 0)
	{
		schema = pgm_spi_text(1, 1);
		*exec_time = pgm_spi_bool(1, 2);
	}
	pgm_spi_end(&scope);
	return schema;
}

static void
load_statements(PgmMentions *mentions)
{
	bool		exec_time = false;
	char	   *schema = find_view(&exec_time);
	const char *total = exec_time ? "total_exec_time" : "total_time";
	const char *mean = exec_time ? "mean_exec_time" : "mean_time";
	char	  **values;
	uint64		nrows;
	ErrorData  *error;

	if (schema == NULL)
		return;
	if (pgm_spi_probe_rows(psprintf(STATEMENTS_SQL, PGM_MENTION_BYTES, total,
									mean, schema, MyDatabaseId, total,
									PGM_MENTION_TEXTS),
						   2, 0, &values, &nrows, &error))
		load_texts(mentions, PGM_MENTION_STATEMENT, values, nrows);
	else
		mentions->trouble = error->message;
}

static void
load_kind(PgmMentions *mentions, PgmMentionKind kind, const char *sql)
{
	char	  **values;
	uint64		nrows;
	ErrorData  *error;

	if (pgm_spi_probe_rows(psprintf(sql, PGM_MENTION_BYTES,
									PGM_MENTION_TEXTS),
						   2, 0, &values, &nrows, &error))
		load_texts(mentions, kind, values, nrows);
}

PgmMentions *
pgm_mentions_load(void)
{
	PgmMentions *mentions = palloc0(sizeof(PgmMentions));
	HASHCTL		control = {0};

	control.keysize = NAMEDATALEN;
	control.entrysize = sizeof(Entry);
	control.hcxt = CurrentMemoryContext;
	mentions->by_name = hash_create("pgmigrate mentions", 256, &control,
									HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	load_statements(mentions);
	load_kind(mentions, PGM_MENTION_PREPARED, PREPARED_SQL);
	load_kind(mentions, PGM_MENTION_FUNCTION, FUNCTIONS_SQL);
	return mentions;
}

const char *
pgm_mentions_trouble(const PgmMentions *mentions)
{
	return mentions->trouble;
}

/* Mark the texts that may return this column. */
static void
mark_column(PgmMentions *mentions, const char *column)
{
	const Entry *entry;
	ListCell   *lc;

	mentions->serial++;
	if (column == NULL)
		return;
	entry = hash_search(mentions->by_name, column, HASH_FIND, NULL);
	if (entry == NULL)
		return;
	foreach(lc, entry->places)
		((Place *) lfirst(lc))->text->marked = mentions->serial;
}

char *
pgm_mentions_json(PgmMentions *mentions, PgmMentionKind kind,
				  const char *schema, const char *name, bool returning,
				  const char *column)
{
	StringInfoData buf;
	const Entry *entry;
	const Text *last = NULL;
	ListCell   *lc;
	int			n = 0;

	entry = hash_search(mentions->by_name, name, HASH_FIND, NULL);
	if (entry == NULL)
		return NULL;
	mark_column(mentions, column);
	initStringInfo(&buf);
	foreach(lc, entry->places)
	{
		const Place *place = lfirst(lc);
		const Text *text = place->text;

		if (text->kind != kind || text == last ||
			(returning && !text->star && text->marked != mentions->serial) ||
			(place->schema != NULL && schema != NULL &&
			 strcmp(place->schema, schema) != 0))
			continue;
		last = text;
		if (n == max_reported[kind])
			break;
		appendStringInfo(&buf, "%s%s", n++ == 0 ? "[" : ", ", text->json);
	}
	if (n == 0)
		return NULL;
	appendStringInfoChar(&buf, ']');
	return buf.data;
}
