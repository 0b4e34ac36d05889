/*-------------------------------------------------------------------------
 *
 * markers.c
 *	  Tools with both directions in a file, told apart by marker comments:
 *	  dbmate, node-pg-migrate, rambler and tern, and goose with those that
 *	  took its markers over, sql-migrate and micrate.
 *
 * All of them look for markers line by line, whatever quotes a line may stand
 * in, and so does this.  The lines of goose's StatementBegin and StatementEnd
 * become blank lines: here the SQL itself tells where a statement ends.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "format/heading.h"
#include "format/internal.h"

/* Sections, in the order they must have. */
enum
{
	SECTION_NONE,
	SECTION_UP,
	SECTION_DOWN
};

typedef struct MarkerFile
{
	PgmFormatContext *cx;
	const PgmFormatFile *file;
	PgmFormatRevision *revision;
	int			section;
	int			statement_line; /* of StatementBegin that is open, or 0 */
	size_t		start;			/* of the open section */
	int			start_line;
	StringInfoData text;		/* goose: the section without its markers */
} MarkerFile;

static bool
fail(MarkerFile *marker, int line, char *message)
{
	return pgm_format_fail(marker->cx, marker->file->name, line, message,
						   NULL, NULL);
}

/*
 * The section that is open ends.
 */
static bool
close_section(MarkerFile *marker, const char *data, size_t len)
{
	PgmFormatScript script;

	if (marker->section == SECTION_NONE)
		return true;
	memset(&script, 0, sizeof(script));
	script.file = marker->file->name;
	script.data = data;
	script.len = len;
	script.line = marker->start_line;
	script.trim = true;
	script.way_down = marker->section == SECTION_DOWN;
	if (marker->section == SECTION_UP &&
		!pgm_format_check_way_up(marker->cx, &script))
		return false;
	if (!pgm_format_clean(marker->cx, &script))
		return false;
	pgm_format_take(marker->cx, marker->revision, &script,
					marker->section == SECTION_UP ?
					&marker->revision->upgrade :
					&marker->revision->downgrade);
	return true;
}

static bool
open_section(MarkerFile *marker, const PgmFormatLine *line, int section)
{
	if (section <= marker->section)
		return fail(marker, line->number,
					psprintf("section is given twice, or \"down\" before \"up\""));
	if (section == SECTION_DOWN && marker->section == SECTION_NONE)
		return fail(marker, line->number,
					psprintf("section \"down\" has no \"up\" before it"));
	marker->section = section;
	marker->start = line->next;
	marker->start_line = line->number + 1;
	return true;
}

/* Nothing but comments may stand before the first section. */
static bool
check_prologue(MarkerFile *marker, const PgmFormatLine *line)
{
	const char *rest;
	size_t		len;

	if (pgm_format_blank(line->start, line->len) ||
		pgm_format_marker(line, "", &rest, &len))
		return true;
	return fail(marker, line->number,
				psprintf("statement before the first section"));
}

static bool
read_section_options(MarkerFile *marker, const PgmFormatLine *line,
					 const char *options, size_t len)
{
	if (len == 0 || (len == 16 && strncmp(options, "transaction:true", 16) == 0))
		return true;
	if (len == 17 && strncmp(options, "transaction:false", 17) == 0)
	{
		marker->revision->transactional = PGM_FLAG_OFF;
		return true;
	}
	return fail(marker, line->number,
				psprintf("unknown option \"%.*s\" of a section",
						 (int) Min(len, 60), options));
}

/*
 * node-pg-migrate and tern have a comment that turns the transaction off.
 */
static void
read_transaction_comment(MarkerFile *marker, const PgmFormatLine *line)
{
	PgmFormat	format = marker->cx->result->format;
	const char *rest;
	size_t		len;

	if ((format == PGM_FORMAT_NODE &&
		 marker->revision->upgrade.text == NULL &&
		 (pgm_format_marker(line, "no transaction", &rest, &len) ||
		  pgm_format_marker(line, "notransaction", &rest, &len)) &&
		 len == 0) ||
		(format == PGM_FORMAT_TERN &&
		 pgm_format_marker(line, PGM_FORMAT_TERN_PLAIN, &rest, &len)))
		marker->revision->transactional = PGM_FLAG_OFF;
}

/* Which section does the line begin?  rest is what its marker says more. */
static int
section_of(PgmFormat format, const PgmFormatLine *line, const char **rest,
		   size_t *len)
{
	*rest = line->start;
	*len = 0;
	switch (format)
	{
		case PGM_FORMAT_DBMATE:
			return pgm_format_marker(line, "migrate:up", rest, len) ?
				SECTION_UP :
				pgm_format_marker(line, "migrate:down", rest, len) ?
				SECTION_DOWN : SECTION_NONE;
		case PGM_FORMAT_RAMBLER:
			return pgm_format_marker(line, "rambler up", rest, len) ?
				SECTION_UP :
				pgm_format_marker(line, "rambler down", rest, len) ?
				SECTION_DOWN : SECTION_NONE;
		default:
			return pgm_format_node_marker(line, "up") ? SECTION_UP :
				pgm_format_node_marker(line, "down") ? SECTION_DOWN :
				SECTION_NONE;
	}
}

static bool
read_sections_file(MarkerFile *marker)
{
	PgmFormat	format = marker->cx->result->format;
	PgmFormatReader reader;
	PgmFormatLine line;
	const char *rest;
	size_t		len;

	pgm_format_reader(&reader, marker->file->data, marker->file->len, 1);
	while (pgm_format_line(&reader, &line))
	{
		int			section = section_of(format, &line, &rest, &len);

		read_transaction_comment(marker, &line);
		if (section == SECTION_NONE)
		{
			if (marker->section == SECTION_NONE &&
				!check_prologue(marker, &line))
				return false;
			continue;
		}
		if (!close_section(marker, marker->file->data + marker->start,
						   line.offset - marker->start) ||
			!open_section(marker, &line, section) ||
			!read_section_options(marker, &line, rest, len))
			return false;
	}
	return close_section(marker, marker->file->data + marker->start,
						 marker->file->len - marker->start);
}

/*
 * node-pg-migrate takes a file without headings for a way up.
 */
static bool
read_node_file(MarkerFile *marker)
{
	PgmFormatReader reader;
	PgmFormatLine line;

	pgm_format_reader(&reader, marker->file->data, marker->file->len, 1);
	while (pgm_format_line(&reader, &line))
	{
		if (pgm_format_node_marker(&line, "up") ||
			pgm_format_node_marker(&line, "down"))
			return read_sections_file(marker);
	}
	pgm_format_reader(&reader, marker->file->data, marker->file->len, 1);
	while (pgm_format_line(&reader, &line))
		read_transaction_comment(marker, &line);
	marker->section = SECTION_UP;
	marker->start_line = 1;
	return close_section(marker, marker->file->data, marker->file->len);
}

/*
 * tern has no heading over the way up.  A way down without SQL is none.
 */
static bool
read_tern_file(MarkerFile *marker)
{
	PgmFormatRevision *revision = marker->revision;
	PgmFormatReader reader;
	PgmFormatLine line;
	const char *rest;
	size_t		len;

	marker->section = SECTION_UP;
	marker->start_line = 1;
	pgm_format_reader(&reader, marker->file->data, marker->file->len, 1);
	while (pgm_format_line(&reader, &line))
	{
		read_transaction_comment(marker, &line);
		for (size_t i = 1; i < line.len; i++)
		{
			if (line.start[i - 1] == '{' && line.start[i] == '{')
				return pgm_format_fail(marker->cx, marker->file->name,
									   line.number,
									   psprintf("template of tern is not supported"),
									   NULL,
									   pstrdup("Write what it gives in its place."));
		}
		if (!pgm_format_marker(&line, PGM_FORMAT_TERN_DOWN, &rest, &len))
			continue;
		if (!close_section(marker, marker->file->data + marker->start,
						   line.offset - marker->start) ||
			!open_section(marker, &line, SECTION_DOWN))
			return false;
	}
	if (!close_section(marker, marker->file->data + marker->start,
					   marker->file->len - marker->start))
		return false;
	if (revision->downgrade.text != NULL && *revision->downgrade.text == '\0')
		revision->downgrade.text = NULL;
	return true;
}

/* The word after the dashes in the markers of goose and its kin. */
static const char *
goose_prefix(PgmFormat format)
{
	return format == PGM_FORMAT_SQL_MIGRATE ? "+migrate" :
		format == PGM_FORMAT_MICRATE ? "+micrate" : "+goose";
}

/* Does the rest of such a marker say this, in any case? */
static bool
says(const char *rest, size_t len, const char *word)
{
	return strlen(word) == len && pg_strncasecmp(rest, word, len) == 0;
}

/*
 * sql-migrate's markers of a section may end in "notransaction".
 */
static void
read_notransaction(MarkerFile *marker, const char *rest, size_t *len)
{
	static const char option[] = "notransaction";
	size_t		n = strlen(option);

	if (marker->cx->result->format != PGM_FORMAT_SQL_MIGRATE || *len <= n ||
		pg_strncasecmp(rest + *len - n, option, n) != 0 ||
		!pgm_format_blank(rest + *len - n - 1, 1))
		return;
	for (*len -= n; *len > 0 && pgm_format_blank(rest + *len - 1, 1);)
		(*len)--;
	marker->revision->transactional = PGM_FLAG_OFF;
}

/*
 * A line that is a marker of goose.
 */
static bool
read_goose_marker(MarkerFile *marker, const PgmFormatLine *line,
				  const char *rest, size_t len)
{
	int			section;

	read_notransaction(marker, rest, &len);
	section = says(rest, len, "Up") ? SECTION_UP :
		says(rest, len, "Down") ? SECTION_DOWN : SECTION_NONE;
	if (section != SECTION_NONE)
	{
		if (marker->statement_line > 0)
			return fail(marker, marker->statement_line,
						psprintf("StatementBegin has no StatementEnd"));
		if (!close_section(marker, marker->text.data, marker->text.len))
			return false;
		resetStringInfo(&marker->text);
		return open_section(marker, line, section);
	}
	if (says(rest, len, "NO TRANSACTION"))
		marker->revision->transactional = PGM_FLAG_OFF;
	else if (says(rest, len, "StatementBegin"))
	{
		if (marker->section == SECTION_NONE || marker->statement_line > 0)
			return fail(marker, line->number,
						psprintf("StatementBegin is out of place"));
		marker->statement_line = line->number;
	}
	else if (says(rest, len, "StatementEnd"))
	{
		if (marker->statement_line == 0)
			return fail(marker, line->number,
						psprintf("StatementEnd without StatementBegin"));
		marker->statement_line = 0;
	}
	else if (!says(rest, len, "ENVSUB OFF"))
		return fail(marker, line->number,
					psprintf("marker \"%s %.*s\" is not supported",
							 goose_prefix(marker->cx->result->format),
							 (int) Min(len, 60), rest));
	if (marker->section != SECTION_NONE)
		appendStringInfoChar(&marker->text, '\n');
	return true;
}

static bool
read_goose_file(MarkerFile *marker)
{
	PgmFormatReader reader;
	PgmFormatLine line;
	const char *prefix = goose_prefix(marker->cx->result->format);
	const char *rest;
	size_t		len;

	initStringInfo(&marker->text);
	pgm_format_reader(&reader, marker->file->data, marker->file->len, 1);
	while (pgm_format_line(&reader, &line))
	{
		if (pgm_format_marker(&line, prefix, &rest, &len))
		{
			if (!read_goose_marker(marker, &line, rest, len))
				return false;
		}
		else if (marker->section == SECTION_NONE)
		{
			if (!check_prologue(marker, &line))
				return false;
		}
		else
			appendBinaryStringInfo(&marker->text, line.start,
								   line.next - line.offset);
	}
	if (marker->statement_line > 0)
		return fail(marker, marker->statement_line,
					psprintf("StatementBegin has no StatementEnd"));
	if (!close_section(marker, marker->text.data, marker->text.len))
		return false;
	pfree(marker->text.data);
	return true;
}

/*
 * 0001_name.sql into its parts.  goose also has migrations written in Go,
 * which are part of the history and cannot be had.
 */
static bool
read_name(PgmFormatContext *cx, int file, PgmFormatEntry *entry, bool *found)
{
	const char *base = pgm_format_basename(cx->files[file].name);
	size_t		digits = pgm_format_digits(base);
	size_t		name;

	*found = false;
	if (cx->result->format == PGM_FORMAT_GOOSE && digits > 0 &&
		base[digits] == '_' && pgm_format_ends(base, ".go") &&
		!pgm_format_ends(base, "_test.go"))
		return pgm_format_fail(cx, cx->files[file].name, 0,
							   psprintf("migration is written in Go"), NULL,
							   pstrdup("Write it as SQL."));
	if (!pgm_format_is_numbered(base))
		return true;
	name = digits + (base[digits] == '.' ? 0 : 1);
	entry->file = file;
	entry->kind = 0;
	entry->version = pnstrdup(base, digits);
	entry->id = pgm_format_id(base, digits);
	entry->message = pgm_format_words(base + name,
									  strlen(base) - name - strlen(".sql"));
	*found = true;
	return true;
}

static bool
read_entry(PgmFormatContext *cx, const PgmFormatEntry *previous,
		   const PgmFormatEntry *entry, bool (*read_file) (MarkerFile *))
{
	MarkerFile	marker;

	if (previous != NULL &&
		pgm_format_version_cmp(previous->version, entry->version) == 0)
		return pgm_format_fail(cx, cx->files[entry->file].name, 0,
							   psprintf("version \"%s\" is given twice",
										entry->version),
							   psprintf("The other file is \"%s\".",
										cx->files[previous->file].name),
							   NULL);
	if (!pgm_format_data(cx, entry->file))
		return false;
	memset(&marker, 0, sizeof(marker));
	marker.cx = cx;
	marker.file = &cx->files[entry->file];
	marker.revision = pgm_format_add(cx, entry->id, entry->message);
	if (!read_file(&marker))
		return false;
	if (marker.section == SECTION_NONE)
		return fail(&marker, 0, psprintf("file has no section \"up\""));
	return true;
}

static bool
read_all(PgmFormatContext *cx, bool (*read_file) (MarkerFile *))
{
	PgmFormatEntry *entries = palloc(Max(cx->nfiles, 1) *
									 sizeof(PgmFormatEntry));
	int			n = 0;

	for (int i = 0; i < cx->nfiles; i++)
	{
		bool		found;

		if (!read_name(cx, i, &entries[n], &found))
			return false;
		n += found;
	}
	qsort(entries, n, sizeof(PgmFormatEntry), pgm_format_entry_cmp);
	for (int i = 0; i < n; i++)
		(void) read_entry(cx, i > 0 ? &entries[i - 1] : NULL, &entries[i],
						  read_file);
	pgm_format_warn_of_gaps(cx, n, entries);
	return cx->result->error.message == NULL;
}

bool
pgm_format_read_sections(PgmFormatContext *cx)
{
	return read_all(cx, cx->result->format == PGM_FORMAT_NODE ?
					read_node_file : read_sections_file);
}

bool
pgm_format_read_tern(PgmFormatContext *cx)
{
	return read_all(cx, read_tern_file);
}

bool
pgm_format_read_goose(PgmFormatContext *cx)
{
	return read_all(cx, read_goose_file);
}
