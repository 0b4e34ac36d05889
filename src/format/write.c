/*-------------------------------------------------------------------------
 *
 * write.c
 *	  Writing revisions as files: our own format, golang-migrate, plain SQL.
 *
 * What our own format writes reads back as the same revisions, byte for byte;
 * native.c tells how.  The others have a number for an id and a line
 * for a graph: branches are written in the order they are given.  Plain files
 * are for psql: each is one transaction, unless the revision cannot be one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "format/internal.h"

typedef struct Writer
{
	PgmFormat	format;
	int			nfiles;
	PgmFormatFile *files;
	bool numeric;				/* ids are numbers in ascending order */
} Writer;

static void
add_file(Writer *writer, char *name, StringInfo contents)
{
	PgmFormatFile *file = &writer->files[writer->nfiles++];

	file->name = name;
	file->data = contents->data;
	file->len = contents->len;
}

/*
 * A message in one line, its ends marked where they are blanks.
 */
static void
append_message(StringInfo out, const char *message)
{
	size_t		len = strlen(message);

	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = message[i];

		if (c == '\\')
			appendStringInfoString(out, "\\\\");
		else if (c == '\n')
			appendStringInfoString(out, "\\n");
		else if (c == '\r')
			appendStringInfoString(out, "\\r");
		else if (c == '\t')
			appendStringInfoString(out, "\\t");
		else if (c < ' ' || c == 0x7f ||
				 (c == ' ' && (i == 0 || i == len - 1)))
			appendStringInfo(out, "\\x%02x", c);
		else
			appendStringInfoChar(out, c);
	}
}

static void
append_list(StringInfo out, const char *key, int n, char **items)
{
	if (n <= 0)
		return;
	appendStringInfo(out, "-- %s: ", key);
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			appendStringInfoString(out, ", ");
		appendStringInfoString(out, items[i]);
	}
	appendStringInfoChar(out, '\n');
}

/*
 * A section.  Lines that would read as markers get a backslash.
 */
static void
append_section(StringInfo out, const char *name, const char *sql)
{
	size_t		len = strlen(sql);
	size_t		pos = 0;

	appendStringInfo(out, "-- migrate:%s\n", name);
	while (pos < len)
	{
		const char *eol = memchr(sql + pos, '\n', len - pos);
		size_t		linelen = eol ? eol + 1 - sql - pos : len - pos;
		size_t		at;
		int			backslashes;

		if (pgm_format_native_marker(sql + pos, linelen, &at, &backslashes))
		{
			appendBinaryStringInfo(out, sql + pos, at);
			appendStringInfoChar(out, '\\');
			appendBinaryStringInfo(out, sql + pos + at, linelen - at);
		}
		else
			appendBinaryStringInfo(out, sql + pos, linelen);
		pos += linelen;
	}
	appendStringInfoChar(out, '\n');
}

/*
 * The id is in the file, so its name need not have all of it: what a path
 * gives a meaning goes, and then the place in the order keeps names apart.
 */
static char *
native_name(Writer *writer, const char *id, const char *message)
{
	const char *slug = pgm_format_slug(message);
	char	   *stem = pstrdup(id);

	for (char *p = stem; *p; p++)
	{
		if (*p == '/' || *p == '\\' || (*p == '.' && p == stem))
			*p = '_';
	}
	if (strcmp(stem, id) != 0)
		return psprintf("%s_%d_%s.sql", stem, writer->nfiles + 1, slug);
	return psprintf("%s_%s.sql", stem, slug);
}

static void
write_native(Writer *writer, const PgmFormatRevision *revision)
{
	StringInfoData out;
	const char *message = revision->message ? revision->message : "";

	initStringInfo(&out);
	appendStringInfo(&out, "-- pgmigrate: revision\n-- id: %s\n-- message:%s",
					 revision->id, *message ? " " : "");
	append_message(&out, message);
	appendStringInfoChar(&out, '\n');
	if (revision->nparents == 0)
		appendStringInfoString(&out, "-- down_revision: base\n");
	append_list(&out, "down_revision", revision->nparents, revision->parents);
	append_list(&out, "depends_on", revision->ndepends, revision->depends);
	append_list(&out, "branch_labels", revision->nlabels, revision->labels);
	if (revision->transactional != PGM_FLAG_UNSET)
		appendStringInfo(&out, "-- transactional: %s\n",
						 revision->transactional == PGM_FLAG_ON ?
						 "true" : "false");
	if (revision->repeatable)
		appendStringInfoString(&out, "-- repeatable: true\n");
	appendStringInfoChar(&out, '\n');
	append_section(&out, "up",
				   revision->upgrade.text ? revision->upgrade.text : "");
	if (revision->downgrade.text != NULL)
		append_section(&out, "down", revision->downgrade.text);
	if (revision->verify.text != NULL)
		append_section(&out, "verify", revision->verify.text);
	add_file(writer, native_name(writer, revision->id, message), &out);
}

/*
 * Make sure that what follows the text begins a new statement.
 */
static void
end_statement(StringInfo out, const char *sql)
{
	PgmSqlSplitter splitter;
	PgmSqlItem	item;
	bool		terminated = true;
	size_t		len = strlen(sql);

	pgm_sqlscan_splitter(&splitter, sql, len, 1);
	while (pgm_sqlscan_next(&splitter, &item))
	{
		if (item.kind != PGM_SQL_REST)
			terminated = item.terminated;
	}
	if (len > 0 && sql[len - 1] != '\n')
		appendStringInfoChar(out, '\n');
	if (!terminated)
		appendStringInfoString(out, ";\n");
}

static void
write_direction(Writer *writer, const PgmFormatRevision *revision,
				const char *prefix, const char *suffix, const char *sql)
{
	StringInfoData out;
	bool		block = writer->format == PGM_FORMAT_PLAIN &&
		revision->transactional != PGM_FLAG_OFF;

	initStringInfo(&out);
	if (block)
		appendStringInfoString(&out, "BEGIN;\n");
	appendStringInfoString(&out, sql);
	if (block)
	{
		end_statement(&out, sql);
		appendStringInfoString(&out, "COMMIT;\n");
	}
	add_file(writer, psprintf("%s%s", prefix, suffix), &out);
}

/*
 * A file for each direction.  The number is the id where ids are numbers.
 */
static void
write_pair(Writer *writer, int i, const PgmFormatRevision *revision)
{
	const char *slug = pgm_format_slug(revision->message ?
									   revision->message : "");
	char	   *prefix = writer->numeric ?
		psprintf("%s_%s", revision->id, slug) :
		psprintf("%06d_%s", i + 1, slug);

	write_direction(writer, revision, prefix, ".up.sql",
					revision->upgrade.text ? revision->upgrade.text : "");
	if (revision->downgrade.text != NULL)
		write_direction(writer, revision, prefix, ".down.sql",
						revision->downgrade.text);
}

static bool
check_revisions(Writer *writer, int n, const PgmFormatRevision *revisions,
				PgmFormatError *error)
{
	writer->numeric = true;
	for (int i = 0; i < n; i++)
	{
		const char *id = revisions[i].id;

		if (id == NULL || !pgm_format_id_legal(id))
		{
			error->message = psprintf("\"%s\" cannot be the id of a revision",
									  id ? id : "");
			return false;
		}
		if (pgm_format_digits(id) != strlen(id) || strlen(id) > 18 ||
			(i > 0 && writer->numeric &&
			 pgm_format_version_cmp(revisions[i - 1].id, id) >= 0))
			writer->numeric = false;
	}
	return true;
}

bool
pgm_format_write(PgmFormat format, int nrevisions,
				 const PgmFormatRevision *revisions, int *nfiles,
				 PgmFormatFile **files, PgmFormatError *error)
{
	Writer		writer;

	memset(error, 0, sizeof(*error));
	memset(&writer, 0, sizeof(writer));
	writer.format = format;
	if (format != PGM_FORMAT_PGMIGRATE && format != PGM_FORMAT_GOLANG &&
		format != PGM_FORMAT_PLAIN)
	{
		error->message = psprintf("cannot write format \"%s\"",
								  pgm_format_name(format));
		error->hint = pstrdup("Formats to write are \"pgmigrate\", \"golang-migrate\" and \"plain\".");
		return false;
	}
	if (!check_revisions(&writer, nrevisions, revisions, error))
		return false;
	writer.files = palloc(Max(2 * nrevisions, 1) * sizeof(PgmFormatFile));
	for (int i = 0; i < nrevisions; i++)
	{
		if (format == PGM_FORMAT_PGMIGRATE)
			write_native(&writer, &revisions[i]);
		else
			write_pair(&writer, i, &revisions[i]);
	}
	*nfiles = writer.nfiles;
	*files = writer.files;
	return true;
}
