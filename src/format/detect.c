/*-------------------------------------------------------------------------
 *
 * detect.c
 *	  Which tool wrote these files?
 *
 * Every SQL file votes by its name and by the markers in it.  A name that is
 * only a number and words goes with many tools, so there the contents decide;
 * apart from that, votes must agree.  A wrong guess would load a history that
 * looks right and is not, hence ambiguity is an error.
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

/* Lines of a file in which a dump must tell that it is one. */
#define DUMP_LINES 20

/* V1.2__name.sql, U1.2__name.sql, B1.2__name.sql, R__name.sql */
bool
pgm_format_is_flyway(const char *base)
{
	const char *p = base + 1;

	if (*base == '\0' || strchr("VUBR", *base) == NULL ||
		!pgm_format_ends(base, ".sql"))
		return false;
	if (*base == 'R')
		return strncmp(p, "__", 2) == 0;
	if (pgm_format_digits(p) == 0)
		return false;
	for (;;)
	{
		p += pgm_format_digits(p);
		if (strncmp(p, "__", 2) == 0 || strcmp(p, ".sql") == 0)
			return true;
		if ((*p != '.' && *p != '_') || pgm_format_digits(p + 1) == 0)
			return false;
		p++;
	}
}

/* 0001_name.up.sql, 0001_name.down.sql */
static bool
is_pair(const char *base)
{
	return pgm_format_is_numbered(base) &&
		(pgm_format_ends(base, ".up.sql") ||
		 pgm_format_ends(base, ".down.sql"));
}

/* 0001_name.sql, 0001.sql */
bool
pgm_format_is_numbered(const char *base)
{
	size_t		digits = pgm_format_digits(base);

	if (digits > 0 && base[digits] == '.')
		return strcmp(base + digits, ".sql") == 0 ||
			strcmp(base + digits, ".up.sql") == 0 ||
			strcmp(base + digits, ".down.sql") == 0;
	if (digits == 0 || !pgm_format_ends(base, ".sql"))
		return false;

	/* a date with dashes is not a number */
	return base[digits] == '_' ||
		(base[digits] == '-' && pgm_format_digits(base + digits + 1) == 0);
}

/* Does the line have this text between dashes and blanks, in any case? */
static bool
between_dashes(const PgmFormatLine *line, const char *text)
{
	const char *p = line->start;
	const char *end = p + line->len;

	if (line->len < 2 || strncmp(p, "--", 2) != 0)
		return false;
	while (p < end && strchr("- \t", *p) != NULL && *p != '\0')
		p++;
	while (end > p && strchr("- \t", end[-1]) != NULL && end[-1] != '\0')
		end--;
	return (size_t) (end - p) == strlen(text) &&
		pg_strncasecmp(p, text, end - p) == 0;
}

/*
 * Does node-pg-migrate take the line for a heading, "-- Up Migration"?  What
 * follows these words does not matter to it.
 */
bool
pgm_format_node_marker(const PgmFormatLine *line, const char *direction)
{
	const char *p = line->start;
	const char *end = p + line->len;
	size_t		len = strlen(direction);
	const char *blank;

	while (p < end && pgm_format_blank(p, 1))
		p++;
	if (end - p < 2 || strncmp(p, "--", 2) != 0)
		return false;
	while (p < end && (*p == '-' || pgm_format_blank(p, 1)))
		p++;
	if ((size_t) (end - p) <= len || pg_strncasecmp(p, direction, len) != 0)
		return false;
	for (blank = p += len; p < end && pgm_format_blank(p, 1); p++)
		;
	return p > blank && end - p >= 9 && pg_strncasecmp(p, "migration", 9) == 0;
}

/*
 * The format that markers in the text belong to; AUTO if there are none.
 */
PgmFormat
pgm_format_by_contents(const PgmFormatFile *file)
{
	PgmFormatReader reader;
	PgmFormatLine line;
	const char *rest;
	size_t		restlen;
	bool		dump = false;

	if (file->data == NULL)
		return PGM_FORMAT_AUTO;
	if (pgm_format_is_native(file))
		return PGM_FORMAT_PGMIGRATE;
	pgm_format_reader(&reader, file->data, file->len, 1);
	while (pgm_format_line(&reader, &line))
	{
		if (pgm_format_blank(line.start, line.len))
			continue;
		if (line.number <= DUMP_LINES &&
			pgm_format_marker(&line, "PostgreSQL database dump", &rest,
							  &restlen))
			dump = true;

		/* all further markers are comments at the start of a line */
		if (memchr(line.start, '-', Min(line.len, 80)) == NULL)
			continue;
		if (pgm_format_marker(&line, "+goose", &rest, &restlen))
			return PGM_FORMAT_GOOSE;
		if (pgm_format_marker(&line, "migrate:up", &rest, &restlen))
			return PGM_FORMAT_DBMATE;
		if (pgm_format_alembic_marker(&line))
			return PGM_FORMAT_ALEMBIC;
		if (pgm_format_marker(&line, "+migrate", &rest, &restlen))
			return PGM_FORMAT_SQL_MIGRATE;
		if (pgm_format_marker(&line, "+micrate", &rest, &restlen))
			return PGM_FORMAT_MICRATE;
		if (pgm_format_marker(&line, "rambler", &rest, &restlen) &&
			(between_dashes(&line, "rambler up") ||
			 between_dashes(&line, "rambler down")))
			return PGM_FORMAT_RAMBLER;
		if (pgm_format_marker(&line, PGM_FORMAT_TERN_DOWN, &rest, &restlen) ||
			pgm_format_marker(&line, PGM_FORMAT_TERN_PLAIN, &rest, &restlen))
			return PGM_FORMAT_TERN;
		if (between_dashes(&line, "up migration") ||
			between_dashes(&line, "down migration"))
			return PGM_FORMAT_NODE;
	}
	return dump ? PGM_FORMAT_STRUCTURE : PGM_FORMAT_AUTO;
}

/*
 * What one SQL file says; AUTO if nothing.
 */
static PgmFormat
vote(const PgmFormatFile *file, PgmFormat *by_name, PgmFormat *by_contents)
{
	const char *base = pgm_format_basename(file->name);

	*by_name = PGM_FORMAT_AUTO;
	if (pgm_format_is_flyway(base))
		*by_name = PGM_FORMAT_FLYWAY;
	else if (is_pair(base))
		*by_name = PGM_FORMAT_GOLANG;
	else if (base > file->name &&
			 (strcmp(base, "up.sql") == 0 || strcmp(base, "down.sql") == 0))
		*by_name = PGM_FORMAT_DIESEL;
	else if (base > file->name && strcmp(base, "migration.sql") == 0)
		*by_name = PGM_FORMAT_PRISMA;
	else if (strcmp(base, "structure.sql") == 0)
		*by_name = PGM_FORMAT_STRUCTURE;
	else if (pgm_format_is_numbered(base))
		*by_name = PGM_FORMAT_PLAIN;

	*by_contents = pgm_format_by_contents(file);

	/* a revision of ours may have an id that makes it look like another's */
	if (*by_contents == PGM_FORMAT_PGMIGRATE)
		return *by_contents;
	if (*by_name == PGM_FORMAT_AUTO || *by_name == PGM_FORMAT_PLAIN)
		return *by_contents != PGM_FORMAT_AUTO &&
			!(*by_name == PGM_FORMAT_PLAIN &&
			  *by_contents == PGM_FORMAT_STRUCTURE) ?
			*by_contents : *by_name;

	/* a dump may be a migration of any tool: the name decides */
	if (*by_contents == PGM_FORMAT_STRUCTURE)
		*by_contents = PGM_FORMAT_AUTO;
	return *by_name;
}

static bool
ambiguous(PgmFormatContext *cx, const char *file, char *detail)
{
	return pgm_format_fail(cx, file, 0,
						   psprintf("format of the files is ambiguous"), detail,
						   pstrdup("Name the format, or load the files of each tool by themselves."));
}

/*
 * Files of the first format among those of the second are of it too.
 */
static bool
goes_with(PgmFormat format, PgmFormat other)
{
	switch (other)
	{
		case PGM_FORMAT_GOLANG: /* single files have no way down */
		case PGM_FORMAT_NODE:	/* nor have files without headings */
		case PGM_FORMAT_TERN:
		case PGM_FORMAT_ATLAS:
			return format == PGM_FORMAT_PLAIN;
		case PGM_FORMAT_PRISMA: /* a way down is down.sql */
			return format == PGM_FORMAT_DIESEL;
		default:
			return false;
	}
}

/*
 * Files that no reader takes for SQL but that tell the tool.  Atlas keeps its
 * sums for the files of other tools too, so they are looked at.
 */
static PgmFormat
format_by_landmark(PgmFormatContext *cx, const char **file)
{
	PgmFormat	format = PGM_FORMAT_AUTO;

	*file = NULL;
	for (int i = 0; i < cx->nfiles; i++)
	{
		const char *base = pgm_format_basename(cx->files[i].name);

		if (strcmp(base, "sqitch.plan") == 0)
			return PGM_FORMAT_SQITCH;
		if (strcmp(base, "atlas.sum") == 0)
		{
			format = PGM_FORMAT_ATLAS;
			*file = cx->files[i].name;
		}
	}
	return format;
}

/*
 * Nothing was found: say what was seen.
 */
static bool
undetected(PgmFormatContext *cx)
{
	StringInfoData seen;
	int			nsql = 0;

	initStringInfo(&seen);
	for (int i = 0; i < cx->nfiles; i++)
	{
		if (pgm_format_ends(cx->files[i].name, ".sql") && nsql++ < 3)
			appendStringInfo(&seen, "%s\"%s\"", nsql > 1 ? ", " : "",
							 cx->files[i].name);
	}
	if (nsql == 0)
		return pgm_format_fail(cx, NULL, 0,
							   psprintf("no migration file was found"),
							   NULL,
							   pstrdup("Name the files as the tool does, such as 0001_name.up.sql, or name the format."));
	if (nsql > 3)
		appendStringInfo(&seen, " and %d more", nsql - 3);
	return pgm_format_fail(cx, nsql == 1 && cx->nfiles == 1 ?
						   cx->files[0].name : NULL, 0,
						   psprintf("format of the files could not be detected"),
						   psprintf("Neither name nor contents are those of a known tool: %s.",
									seen.data),
						   psprintf("Name the files as 0001_name.up.sql and 0001_name.down.sql, or name the format.  The formats are %s.",
									pgm_format_names()));
}

bool
pgm_format_detect(PgmFormatContext *cx, PgmFormat *format)
{
	const char *found_file;
	PgmFormat	found = format_by_landmark(cx, &found_file);

	*format = found;
	if (found == PGM_FORMAT_SQITCH)
		return true;

	for (int i = 0; i < cx->nfiles; i++)
	{
		const PgmFormatFile *file = &cx->files[i];
		PgmFormat	by_name;
		PgmFormat	by_contents;
		PgmFormat	voted;

		if (!pgm_format_ends(file->name, ".sql"))
			continue;
		voted = vote(file, &by_name, &by_contents);
		if (voted == by_name && by_contents != PGM_FORMAT_AUTO &&
			by_contents != by_name && by_contents != PGM_FORMAT_STRUCTURE)
			return ambiguous(cx, file->name,
							 psprintf("The name is one of format \"%s\", but the contents are of format \"%s\".",
									  pgm_format_name(by_name),
									  pgm_format_name(by_contents)));
		if (voted == PGM_FORMAT_AUTO || voted == found ||
			goes_with(voted, found))
			continue;
		if (found == PGM_FORMAT_AUTO || found == PGM_FORMAT_ATLAS ||
			goes_with(found, voted))
		{
			found = voted;
			found_file = file->name;
			continue;
		}
		return ambiguous(cx, file->name,
						 psprintf("This file is of format \"%s\", but \"%s\" is of format \"%s\".",
								  pgm_format_name(voted), found_file,
								  pgm_format_name(found)));
	}
	*format = found;
	return found != PGM_FORMAT_AUTO || undetected(cx);
}
