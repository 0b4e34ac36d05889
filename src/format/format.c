/*-------------------------------------------------------------------------
 *
 * format.c
 *	  Migration files of other tools, and our own, to revisions.
 *
 * This file has what all formats share: the checks of the input, the result
 * under construction, and the table of readers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "format/internal.h"

/* Warnings kept; the rest of them is only counted. */
#define MAX_WARNINGS 100

/* Errors kept beside the first. */
#define MAX_MORE_ERRORS 100

typedef struct FormatEntry
{
	PgmFormat	format;
	const char *name;
	bool		(*read) (PgmFormatContext *cx);
} FormatEntry;

static const FormatEntry formats[] = {
	{PGM_FORMAT_AUTO, "auto", NULL},
	{PGM_FORMAT_PGMIGRATE, "pgmigrate", pgm_format_read_native},
	{PGM_FORMAT_GOLANG, "golang-migrate", pgm_format_read_pairs},
	{PGM_FORMAT_PLAIN, "plain", pgm_format_read_pairs},
	{PGM_FORMAT_DIESEL, "diesel", pgm_format_read_diesel},
	{PGM_FORMAT_DBMATE, "dbmate", pgm_format_read_sections},
	{PGM_FORMAT_GOOSE, "goose", pgm_format_read_goose},
	{PGM_FORMAT_FLYWAY, "flyway", pgm_format_read_flyway},
	{PGM_FORMAT_SQITCH, "sqitch", pgm_format_read_sqitch},
	{PGM_FORMAT_ALEMBIC, "alembic", pgm_format_read_alembic},
	{PGM_FORMAT_ATLAS, "atlas", pgm_format_read_pairs},
	{PGM_FORMAT_PRISMA, "prisma", pgm_format_read_diesel},
	{PGM_FORMAT_REFINERY, "refinery", pgm_format_read_flyway},
	{PGM_FORMAT_NODE, "node-pg-migrate", pgm_format_read_sections},
	{PGM_FORMAT_SQL_MIGRATE, "sql-migrate", pgm_format_read_goose},
	{PGM_FORMAT_MICRATE, "micrate", pgm_format_read_goose},
	{PGM_FORMAT_RAMBLER, "rambler", pgm_format_read_sections},
	{PGM_FORMAT_TERN, "tern", pgm_format_read_tern},
	{PGM_FORMAT_STRUCTURE, "structure", pgm_format_read_structure}
};

bool
pgm_format_by_name(const char *name, PgmFormat *format)
{
	for (int i = 0; i < lengthof(formats); i++)
	{
		if (pg_strcasecmp(formats[i].name, name) == 0)
		{
			*format = formats[i].format;
			return true;
		}
	}
	return false;
}

const char *
pgm_format_name(PgmFormat format)
{
	Assert(formats[format].format == format);
	return formats[format].name;
}

char *
pgm_format_names(void)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < lengthof(formats); i++)
		appendStringInfo(&names, "%s\"%s\"", i == 0 ? "" :
						 i == lengthof(formats) - 1 ? " and " : ", ",
						 formats[i].name);
	return names.data;
}

bool
pgm_format_reads(const char *file_name)
{
	const char *base = pgm_format_basename(file_name);

	return pgm_format_ends(base, ".sql") ||
		pgm_format_ends(base, ".sql.conf") ||
		strcmp(base, "sqitch.plan") == 0 ||
		strcmp(base, "metadata.toml") == 0;
}

/*
 * Record the error.  Later ones of the same file are consequences and do not
 * count.
 */
bool
pgm_format_fail(PgmFormatContext *cx, const char *file, int line,
				char *message, char *detail, char *hint)
{
	PgmFormatResult *result = cx->result;
	PgmFormatError *error = &result->error;

	if (error->message != NULL)
	{
		const PgmFormatError *last = result->nmore_errors == 0 ? error :
			&result->more_errors[result->nmore_errors - 1];

		if (file == NULL || last->file == NULL ||
			strcmp(last->file, file) == 0 ||
			result->nmore_errors >= MAX_MORE_ERRORS)
			return false;
		if (result->more_errors == NULL)
			result->more_errors = palloc(MAX_MORE_ERRORS *
										 sizeof(PgmFormatError));
		error = &result->more_errors[result->nmore_errors++];
	}
	error->message = message;
	error->detail = detail;
	error->hint = hint;
	error->file = file ? pstrdup(file) : NULL;
	error->line = line;
	return false;
}

void
pgm_format_warn(PgmFormatContext *cx, const char *file, int line,
				char *message)
{
	PgmFormatResult *result = cx->result;
	PgmFormatNote *note;

	if (result->nwarnings >= MAX_WARNINGS)
	{
		result->nmore_warnings++;
		pfree(message);
		return;
	}
	if (result->warnings == NULL)
		result->warnings = palloc(MAX_WARNINGS * sizeof(PgmFormatNote));
	note = &result->warnings[result->nwarnings++];
	note->message = message;
	note->file = file ? pstrdup(file) : NULL;
	note->line = line;
	note->loss = false;
}

/*
 * The same, of something that is not kept.  None of these is passed over.
 */
void
pgm_format_loss(PgmFormatContext *cx, const char *file, int line,
				char *message)
{
	PgmFormatResult *result = cx->result;

	if (result->nwarnings >= MAX_WARNINGS)
	{
		result->nwarnings--;
		result->nmore_warnings++;
	}
	pgm_format_warn(cx, file, line, message);
	result->warnings[result->nwarnings - 1].loss = true;
}

/*
 * Note that the file gives no revision.
 */
void
pgm_format_skip(PgmFormatContext *cx, int file, const char *reason)
{
	PgmFormatResult *result = cx->result;
	PgmFormatNote *note;

	if (cx->used[file])
		return;
	cx->used[file] = true;
	if (result->skipped == NULL)
	{
		cx->skipped_size = 8;
		result->skipped = palloc(cx->skipped_size * sizeof(PgmFormatNote));
	}
	else if (result->nskipped >= cx->skipped_size)
	{
		cx->skipped_size *= 2;
		result->skipped = repalloc(result->skipped,
								   cx->skipped_size * sizeof(PgmFormatNote));
	}
	note = &result->skipped[result->nskipped++];
	note->message = pstrdup(reason);
	note->file = pstrdup(cx->files[file].name);
	note->line = 0;
	note->loss = false;
}

/*
 * Append a revision.  The pointer is good until the next one is added.
 */
PgmFormatRevision *
pgm_format_add(PgmFormatContext *cx, char *id, char *message)
{
	PgmFormatResult *result = cx->result;
	PgmFormatRevision *revision;

	if (result->revisions == NULL)
	{
		cx->revisions_size = 8;
		result->revisions = palloc(cx->revisions_size *
								   sizeof(PgmFormatRevision));
	}
	else if (result->nrevisions >= cx->revisions_size)
	{
		cx->revisions_size *= 2;
		result->revisions = repalloc(result->revisions,
									 cx->revisions_size *
									 sizeof(PgmFormatRevision));
	}
	revision = &result->revisions[result->nrevisions++];
	memset(revision, 0, sizeof(*revision));
	revision->id = id;
	revision->message = message;
	revision->nparents = -1;
	return revision;
}

/*
 * A reader takes this file: see that its contents are fit to be read.
 */
bool
pgm_format_data(PgmFormatContext *cx, int file)
{
	const PgmFormatFile *f = &cx->files[file];
	const char *problem = NULL;
	size_t		bad = f->len;

	cx->used[file] = true;
	if (f->data == NULL)
		return pgm_format_fail(cx, f->name, 0,
							   psprintf("file was not read"), NULL, NULL);
	if (cx->options->max_file_bytes > 0 &&
		f->len > cx->options->max_file_bytes)
		return pgm_format_fail(cx, f->name, 0,
							   psprintf("file is too large"),
							   psprintf("It has %zu bytes, and the limit is %zu.",
										f->len, cx->options->max_file_bytes),
							   NULL);
	if (f->len > 0 && memchr(f->data, '\0', f->len) != NULL)
	{
		problem = "file has a zero byte";
		bad = (const char *) memchr(f->data, '\0', f->len) - f->data;
	}
	else if (cx->options->utf8 &&
			 (bad = pgm_format_invalid_utf8(f->data, f->len)) < f->len)
		problem = "file is not valid UTF-8";
	if (problem != NULL)
	{
		int			line = 1;

		for (size_t i = 0; i < bad; i++)
			line += f->data[i] == '\n';
		return pgm_format_fail(cx, f->name, line, pstrdup(problem), NULL,
							   pstrdup("Save the file as plain text in UTF-8."));
	}
	return true;
}

static int
file_cmp(const void *a, const void *b)
{
	return strcmp(((const PgmFormatFile *) a)->name,
				  ((const PgmFormatFile *) b)->name);
}

/*
 * Take the files over, sorted, without "./" and byte order marks.
 */
static bool
prepare_files(PgmFormatContext *cx, int nfiles, const PgmFormatFile *files)
{
	cx->nfiles = nfiles;
	cx->files = palloc(Max(nfiles, 1) * sizeof(PgmFormatFile));
	cx->used = palloc0(Max(nfiles, 1) * sizeof(bool));
	for (int i = 0; i < nfiles; i++)
	{
		PgmFormatFile *f = &cx->files[i];

		*f = files[i];
		while (strncmp(f->name, "./", 2) == 0)
			f->name += 2;
		if (f->data != NULL && f->len >= 3 &&
			memcmp(f->data, "\xEF\xBB\xBF", 3) == 0)
		{
			f->data += 3;
			f->len -= 3;
		}
	}
	qsort(cx->files, nfiles, sizeof(PgmFormatFile), file_cmp);
	for (int i = 1; i < nfiles; i++)
	{
		if (strcmp(cx->files[i - 1].name, cx->files[i].name) == 0)
			return pgm_format_fail(cx, cx->files[i].name, 0,
								   psprintf("file was given twice"),
								   NULL, NULL);
	}
	return true;
}

/*
 * Two revisions of one id: not where a format's own check of its versions
 * would see it, as ids are versions with some characters replaced.
 */
typedef struct IdEntry
{
	const char *id;
	int			revision;
} IdEntry;

static int
id_cmp(const void *a, const void *b)
{
	const IdEntry *x = a;
	const IdEntry *y = b;
	int			cmp = strcmp(x->id, y->id);

	return cmp ? cmp : x->revision - y->revision;
}

static bool
check_names(PgmFormatContext *cx, const PgmFormatRevision *revision, int n,
			char **names)
{
	for (int i = 0; i < n; i++)
	{
		if (names[i] != NULL && !pgm_format_id_legal(names[i]))
			return pgm_format_fail(cx, revision->upgrade.file,
								   revision->upgrade.line,
								   psprintf("\"%s\" cannot be the id of a revision",
											names[i]),
								   psprintf("An id has 1 to %d bytes without blanks, commas and any of \"@-+:\".",
											PGM_FORMAT_ID_MAX),
								   NULL);
	}
	return true;
}

static bool
check_ids(PgmFormatContext *cx)
{
	PgmFormatResult *result = cx->result;
	IdEntry    *ids = palloc(Max(result->nrevisions, 1) * sizeof(IdEntry));
	int			n = 0;

	for (int i = 0; i < result->nrevisions; i++)
	{
		PgmFormatRevision *revision = &result->revisions[i];

		if (!check_names(cx, revision, 1, &revision->id) ||
			!check_names(cx, revision, revision->nparents,
						 revision->parents) ||
			!check_names(cx, revision, revision->ndepends,
						 revision->depends) ||
			!check_names(cx, revision, revision->nlabels, revision->labels))
			return false;
		if (revision->id == NULL)
			continue;
		ids[n].id = revision->id;
		ids[n++].revision = i;
	}
	qsort(ids, n, sizeof(IdEntry), id_cmp);
	for (int i = 1; i < n; i++)
	{
		PgmFormatRevision *first = &result->revisions[ids[i - 1].revision];
		PgmFormatRevision *second = &result->revisions[ids[i].revision];

		if (strcmp(first->id, second->id) == 0)
			return pgm_format_fail(cx, second->upgrade.file,
								   second->upgrade.line,
								   psprintf("revision \"%s\" is given twice",
											second->id),
								   psprintf("The other is in \"%s\", line %d.",
											first->upgrade.file,
											first->upgrade.line),
								   NULL);
	}
	pfree(ids);
	return true;
}

bool
pgm_format_parse(const PgmFormatOptions *options, int nfiles,
				 const PgmFormatFile *files, PgmFormatResult *result)
{
	PgmFormatContext cx;

	memset(result, 0, sizeof(*result));
	memset(&cx, 0, sizeof(cx));
	cx.options = options;
	cx.result = result;
	result->format = options->format;

	if (!prepare_files(&cx, nfiles, files))
		return false;
	if (options->format == PGM_FORMAT_AUTO &&
		!pgm_format_detect(&cx, &result->format))
		return false;
	if (!formats[result->format].read(&cx))
		return false;
	if (!check_ids(&cx))
		return false;
	if (result->nrevisions == 0)
		return pgm_format_fail(&cx, NULL, 0,
							   psprintf("no migration of format \"%s\" was found",
										pgm_format_name(result->format)),
							   NULL,
							   pstrdup("Leave the format out to have it detected."));
	for (int i = 0; i < nfiles; i++)
		pgm_format_skip(&cx, i, "not a migration file of this format");
	return true;
}
