/*-------------------------------------------------------------------------
 *
 * flyway.c
 *	  Flyway: versioned, undo and repeatable migrations.
 *
 * The files of refinery have the same names, but its U is a way up: one that
 * may come out of order.
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

/* Kinds of an entry; repeatable ones run after all others. */
enum
{
	FLYWAY_VERSIONED,
	FLYWAY_UNDO,
	FLYWAY_REPEATABLE
};

/* What a script's .conf file may say. */
typedef struct FlywayConf
{
	bool		in_transaction;
	bool		placeholders;
} FlywayConf;

static int
entry_cmp(const void *a, const void *b)
{
	const PgmFormatEntry *x = a;
	const PgmFormatEntry *y = b;
	bool		xr = x->kind == FLYWAY_REPEATABLE;
	bool		yr = y->kind == FLYWAY_REPEATABLE;

	if (xr != yr)
		return xr ? 1 : -1;
	if (xr)
	{
		int			cmp = strcmp(x->message, y->message);

		return cmp ? cmp : x->file - y->file;
	}
	return pgm_format_entry_cmp(a, b);
}

/*
 * V1_2__add_users.sql into its parts.  Flyway itself writes the version with
 * dots, whatever the file name has.
 */
static bool
read_name(PgmFormatContext *cx, int file, PgmFormatEntry *entry)
{
	const char *path = cx->files[file].name;
	const char *base = pgm_format_basename(path);
	size_t		len;
	const char *name;

	if (!pgm_format_is_flyway(base))
	{
		size_t		n = strlen(base);

		if (n > 14 && (strncmp(base, "before", 6) == 0 ||
					   strncmp(base, "after", 5) == 0) &&
			pgm_format_ends(base, ".sql"))
		{
			pgm_format_warn(cx, path, 0,
							psprintf("callback is passed over"));
			pgm_format_skip(cx, file, "a callback is no migration");
		}
		return false;
	}
	if (*base == 'B')
	{
		pgm_format_skip(cx, file,
						"a baseline repeats what the migrations before it do");
		return false;
	}

	len = strlen(base) - strlen(".sql");
	name = strstr(base, "__");
	entry->file = file;
	if (*base == 'R')
	{
		entry->kind = FLYWAY_REPEATABLE;
		entry->version = pstrdup("");
		entry->id = pgm_format_id(base, len);
		entry->message = pgm_format_words(name + 2, base + len - name - 2);
		return true;
	}
	entry->kind = *base == 'U' && cx->result->format == PGM_FORMAT_FLYWAY ?
		FLYWAY_UNDO : FLYWAY_VERSIONED;
	entry->version = pnstrdup(base + 1, (name ? name : base + len) - base - 1);
	for (char *p = entry->version; *p; p++)
	{
		if (*p == '_')
			*p = '.';
	}
	entry->id = pgm_format_id(entry->version, strlen(entry->version));
	entry->message = name ?
		pgm_format_words(name + 2, base + len - name - 2) : pstrdup("");
	return true;
}

/*
 * Read V1__name.sql.conf, which sorts right behind its script.
 */
static bool
read_conf(PgmFormatContext *cx, int file, FlywayConf *conf)
{
	const char *path = cx->files[file].name;
	size_t		pathlen = strlen(path);
	PgmFormatReader reader;
	PgmFormatLine line;

	conf->in_transaction = true;
	conf->placeholders = true;
	for (file++; file < cx->nfiles; file++)
	{
		if (strncmp(cx->files[file].name, path, pathlen) != 0)
			return true;
		if (strcmp(cx->files[file].name + pathlen, ".conf") == 0)
			break;
	}
	if (file >= cx->nfiles)
		return true;
	if (!pgm_format_data(cx, file))
		return false;
	pgm_format_reader(&reader, cx->files[file].data, cx->files[file].len, 1);
	while (pgm_format_line(&reader, &line))
	{
		char	   *text = pnstrdup(line.start, line.len);
		char	   *value = strchr(text, '=');
		bool		off;

		if (value == NULL)
			continue;
		*value++ = '\0';
		value += strspn(value, " \t");
		off = pg_strncasecmp(value, "false", 5) == 0;
		if (strncmp(text, "executeInTransaction", 20) == 0)
			conf->in_transaction = !off;
		else if (strncmp(text, "placeholderReplacement", 22) == 0)
			conf->placeholders = !off;
	}
	return true;
}

/*
 * Flyway replaces ${name} wherever it stands.
 */
static bool
check_placeholders(PgmFormatContext *cx, int file)
{
	const PgmFormatFile *f = &cx->files[file];
	PgmFormatReader reader;
	PgmFormatLine line;

	if (f->data == NULL)
		return true;
	pgm_format_reader(&reader, f->data, f->len, 1);
	while (pgm_format_line(&reader, &line))
	{
		const char *p = line.start;
		const char *end = p + line.len;

		while ((p = memchr(p, '$', end - p)) != NULL)
		{
			const char *close = p + 1 < end && p[1] == '{' ?
				memchr(p, '}', end - p) : NULL;

			if (close != NULL)
				return pgm_format_fail(cx, f->name, line.number,
									   psprintf("placeholder \"%.*s\" is not supported",
												(int) Min(close + 1 - p, 60), p),
									   NULL,
									   pstrdup("Write its value in its place."));
			/* without a brace further on, no other can be closed either */
			if (p + 1 < end && p[1] == '{')
				break;
			p++;
		}
	}
	return true;
}

static bool
add_text(PgmFormatContext *cx, const PgmFormatEntry *entry,
		 PgmFormatRevision *revision, PgmFormatText *text)
{
	FlywayConf	conf;

	if (!read_conf(cx, entry->file, &conf))
		return false;
	if (conf.placeholders && cx->result->format == PGM_FORMAT_FLYWAY &&
		!check_placeholders(cx, entry->file))
		return false;
	if (!conf.in_transaction)
		revision->transactional = PGM_FLAG_OFF;
	return pgm_format_whole(cx, entry->file, revision, text);
}

/*
 * Add entries[i]; previous is the entry before it, or NULL.
 */
static bool
add_entry(PgmFormatContext *cx, const PgmFormatEntry *previous,
		  const PgmFormatEntry *entry)
{
	const char *path = cx->files[entry->file].name;
	PgmFormatRevision *revision;
	bool		same = previous != NULL &&
		previous->kind != FLYWAY_REPEATABLE &&
		entry->kind != FLYWAY_REPEATABLE &&
		pgm_format_version_cmp(previous->version, entry->version) == 0;

	if (same && previous->kind == entry->kind)
		return pgm_format_fail(cx, path, 0,
							   psprintf("version \"%s\" is given twice",
										entry->version),
							   psprintf("The other file is \"%s\".",
										cx->files[previous->file].name),
							   NULL);
	if (entry->kind == FLYWAY_UNDO)
	{
		if (!same)
			return pgm_format_fail(cx, path, 0,
								   psprintf("version \"%s\" has a way down but none up",
											entry->version),
								   NULL,
								   pstrdup("Those of refinery are ways up: if it wrote the files, name format \"refinery\"."));
		revision = &cx->result->revisions[cx->result->nrevisions - 1];
		return add_text(cx, entry, revision, &revision->downgrade);
	}
	revision = pgm_format_add(cx, entry->id, entry->message);
	revision->repeatable = entry->kind == FLYWAY_REPEATABLE;
	return add_text(cx, entry, revision, &revision->upgrade);
}

bool
pgm_format_read_flyway(PgmFormatContext *cx)
{
	PgmFormatEntry *entries = palloc(Max(cx->nfiles, 1) *
									 sizeof(PgmFormatEntry));
	int			n = 0;

	for (int i = 0; i < cx->nfiles; i++)
	{
		const char *base = pgm_format_basename(cx->files[i].name);

		if (read_name(cx, i, &entries[n]))
			n++;
		else if (strlen(base) > 1 && strchr("VUR", base[0]) != NULL &&
				 strstr(base, "__") != NULL &&
				 (pgm_format_ends(base, ".java") ||
				  pgm_format_ends(base, ".class")))
			return pgm_format_fail(cx, cx->files[i].name, 0,
								   psprintf("migration is written in Java"),
								   NULL, pstrdup("Write it as SQL."));
	}
	qsort(entries, n, sizeof(PgmFormatEntry), entry_cmp);
	for (int i = 0; i < n; i++)
	{
		(void) add_entry(cx, i > 0 ? &entries[i - 1] : NULL, &entries[i]);
	}
	return cx->result->error.message == NULL;
}
