/*-------------------------------------------------------------------------
 *
 * schema_dump.c
 *	  A dump of a schema, as the one revision that a history starts from.
 *
 * Rails and dbmate put the versions of all migrations behind their dump of
 * the schema.  They are what the revision stands for in the old tool's
 * ledger; the newest is its id.  The statement stays in the text: the dump
 * makes that ledger too, and the old tool may go on reading it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "format/internal.h"

/*
 * Is this "INSERT INTO schema_migrations" or "COPY schema_migrations", with
 * any schema and quotes?  Then the lexer is behind the name.
 */
static bool
is_ledger(PgmSqlLexer *lexer)
{
	PgmSqlToken token;
	bool		ledger = false;

	pgm_sqlscan_significant(lexer, &token);
	if (pgm_sqlscan_is_word(lexer, &token, "insert"))
		pgm_sqlscan_significant(lexer, &token);
	else if (!pgm_sqlscan_is_word(lexer, &token, "copy"))
		return false;
	for (;;)
	{
		pgm_sqlscan_significant(lexer, &token);
		if (pgm_sqlscan_is_symbol(lexer, &token, '('))
			break;
		if (token.kind == PGM_SQL_WORD)
			ledger = pgm_sqlscan_is_word(lexer, &token, "schema_migrations");
		else if (token.kind == PGM_SQL_NAME)
			ledger = token.end - token.start == 19 &&
				strncmp(lexer->input + token.start,
						"\"schema_migrations\"", 19) == 0;
		else if (!pgm_sqlscan_is_symbol(lexer, &token, '.'))
			return false;
	}
	pgm_sqlscan_significant(lexer, &token);
	return ledger && pgm_sqlscan_is_word(lexer, &token, "version");
}

/*
 * The literals of "(version) VALUES ('1'), ('2')".
 */
static void
read_literals(PgmSqlLexer *lexer, PgmFormatList *versions)
{
	PgmSqlToken token;

	do
	{
		pgm_sqlscan_significant(lexer, &token);
		if (token.kind == PGM_SQL_STRING && token.end - token.start > 2 &&
			lexer->input[token.start] == '\'')
			pgm_format_list_add(versions,
								pnstrdup(lexer->input + token.start + 1,
										 token.end - token.start - 2));
	} while (token.kind != PGM_SQL_END);
}

/*
 * The first fields of the rows of COPY.
 */
static void
read_rows(const PgmFormatFile *file, const PgmSqlItem *item,
		  PgmFormatList *versions)
{
	PgmFormatReader reader;
	PgmFormatLine line;

	pgm_format_reader(&reader, file->data + item->data,
					  item->data_end - item->data, item->data_line);
	while (pgm_format_line(&reader, &line))
	{
		const char *tab = memchr(line.start, '\t', line.len);
		size_t		len = tab ? tab - line.start : line.len;

		if (len > 0)
			pgm_format_list_add(versions, pnstrdup(line.start, len));
	}
}

static void
read_versions(const PgmFormatFile *file, PgmFormatList *versions)
{
	PgmSqlSplitter splitter;
	PgmSqlItem	item;

	pgm_sqlscan_splitter(&splitter, file->data, file->len, 1);
	while (pgm_sqlscan_next(&splitter, &item))
	{
		PgmSqlLexer lexer;

		if (item.kind != PGM_SQL_STATEMENT && item.kind != PGM_SQL_COPY)
			continue;
		pgm_sqlscan_lexer(&lexer, file->data + item.body,
						  item.body_end - item.body, item.line);
		if (!is_ledger(&lexer))
			continue;
		if (item.kind == PGM_SQL_COPY)
			read_rows(file, &item, versions);
		else
			read_literals(&lexer, versions);
	}
}

bool
pgm_format_read_structure(PgmFormatContext *cx)
{
	PgmFormatRevision *revision;
	PgmFormatList versions;
	const char *base;
	const char *id = NULL;
	size_t		stem;
	int			file = -1;

	for (int i = 0; i < cx->nfiles; i++)
	{
		if (!pgm_format_ends(cx->files[i].name, ".sql") && cx->nfiles > 1)
			continue;
		if (file >= 0)
			return pgm_format_fail(cx, cx->files[i].name, 0,
								   psprintf("there are several files to start from"),
								   psprintf("The other is \"%s\".",
											cx->files[file].name),
								   NULL);
		file = i;
	}
	if (file < 0)
		return true;
	if (!pgm_format_data(cx, file))
		return false;

	memset(&versions, 0, sizeof(versions));
	read_versions(&cx->files[file], &versions);
	for (int i = 0; i < versions.n; i++)
	{
		if (id == NULL || pgm_format_version_cmp(id, versions.items[i]) < 0)
			id = versions.items[i];
	}
	base = pgm_format_basename(cx->files[file].name);
	stem = strlen(base);
	if (pgm_format_ends(base, ".sql"))
		stem -= strlen(".sql");
	revision = pgm_format_add(cx, id ? pgm_format_id(id, strlen(id)) :
							  pgm_format_id(base, stem),
							  psprintf("baseline from %s", base));
	revision->nversions = versions.n;
	revision->versions = versions.items;
	return pgm_format_whole(cx, file, revision, &revision->upgrade);
}
