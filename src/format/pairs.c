/*-------------------------------------------------------------------------
 *
 * pairs.c
 *	  Tools with a file for each direction: golang-migrate, Diesel, plain
 *	  numbered files, and Atlas and Prisma, which have no way down.
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

/* Kinds of an entry. */
enum
{
	PAIR_UP,
	PAIR_DOWN
};

/*
 * 0001_name.up.sql into its parts.
 */
static bool
read_numbered_name(PgmFormatContext *cx, int file, PgmFormatEntry *entry)
{
	const char *base = pgm_format_basename(cx->files[file].name);
	size_t		digits = pgm_format_digits(base);
	size_t		len = strlen(base) - strlen(".sql");
	const char *name;

	if (!pgm_format_is_numbered(base))
		return false;
	entry->kind = PAIR_UP;
	if (pgm_format_ends(base, ".up.sql"))
		len -= strlen(".up");
	else if (pgm_format_ends(base, ".down.sql"))
	{
		len -= strlen(".down");
		entry->kind = PAIR_DOWN;
	}
	name = base + digits + (base[digits] == '.' ? 0 : 1);
	entry->file = file;
	entry->version = pnstrdup(base, digits);
	entry->id = pgm_format_id(base, digits);
	entry->message = pgm_format_words(name, Max(base + len - name, 0));
	return true;
}

/*
 * 2019-02-26-002946_name/up.sql into its parts.  Diesel takes the dashes out
 * of the version.  Prisma calls the file migration.sql.
 */
static bool
read_diesel_name(PgmFormatContext *cx, int file, PgmFormatEntry *entry)
{
	const char *path = cx->files[file].name;
	const char *base = pgm_format_basename(path);
	const char *dir;
	const char *end;
	char	   *to;
	size_t		len;

	if (strcmp(base, "up.sql") == 0 ||
		(cx->result->format == PGM_FORMAT_PRISMA &&
		 strcmp(base, "migration.sql") == 0))
		entry->kind = PAIR_UP;
	else if (strcmp(base, "down.sql") == 0)
		entry->kind = PAIR_DOWN;
	else
		return false;
	if (base == path)
		return false;
	end = base - 1;
	for (dir = end; dir > path && dir[-1] != '/'; dir--)
		;
	for (len = 0; dir + len < end && dir[len] != '_'; len++)
		;
	if (len == 0)
		return false;

	entry->version = to = palloc(len + 1);
	for (size_t i = 0; i < len; i++)
	{
		if (dir[i] != '-')
			*to++ = dir[i];
	}
	*to = '\0';
	entry->file = file;
	entry->id = pgm_format_id(entry->version, strlen(entry->version));
	entry->message = dir + len < end ?
		pgm_format_words(dir + len + 1, end - dir - len - 1) : pstrdup("");
	return true;
}

static bool
duplicate(PgmFormatContext *cx, const PgmFormatEntry *first,
		  const PgmFormatEntry *second)
{
	return pgm_format_fail(cx, cx->files[second->file].name, 0,
						   psprintf("version \"%s\" is given twice",
									second->version),
						   psprintf("The other file is \"%s\".",
									cx->files[first->file].name),
						   NULL);
}

/*
 * Atlas puts directives before the first statement.
 */
static bool
read_atlas_directives(PgmFormatContext *cx, int file,
					  PgmFormatRevision *revision, bool *skip)
{
	PgmFormatReader reader;
	PgmFormatLine line;
	const char *rest;
	size_t		restlen;
	const char *name = cx->files[file].name;

	*skip = false;
	if (cx->files[file].data == NULL)
		return true;
	pgm_format_reader(&reader, cx->files[file].data, cx->files[file].len, 1);
	while (pgm_format_line(&reader, &line))
	{
		if (pgm_format_blank(line.start, line.len))
			continue;
		if (line.len < 2 || strncmp(line.start, "--", 2) != 0)
			break;
		if (pgm_format_marker(&line, "atlas:checkpoint", &rest, &restlen))
			*skip = true;
		else if (pgm_format_marker(&line, "atlas:txmode", &rest, &restlen) &&
				 restlen == 4 && strncmp(rest, "none", 4) == 0)
			revision->transactional = PGM_FLAG_OFF;
		else if (pgm_format_marker(&line, "atlas:delimiter", &rest, &restlen) ||
				 pgm_format_marker(&line, "atlas:txtar", &rest, &restlen))
			return pgm_format_fail(cx, name, line.number,
								   psprintf("directive \"%.*s\" is not supported",
											(int) Min(line.len, 80), line.start),
								   NULL, NULL);
	}
	return true;
}

/*
 * Diesel's metadata.toml, in the same directory.
 */
static bool
read_diesel_metadata(PgmFormatContext *cx, int file,
					 PgmFormatRevision *revision)
{
	const char *path = cx->files[file].name;
	size_t		dirlen = pgm_format_basename(path) - path;

	/* files are sorted: it stands between down.sql and up.sql */
	for (int i = file - 1; i >= 0; i--)
	{
		PgmFormatReader reader;
		PgmFormatLine line;

		if (strncmp(cx->files[i].name, path, dirlen) != 0)
			break;
		if (strcmp(cx->files[i].name + dirlen, "metadata.toml") != 0)
			continue;
		if (!pgm_format_data(cx, i))
			return false;
		pgm_format_reader(&reader, cx->files[i].data, cx->files[i].len, 1);
		while (pgm_format_line(&reader, &line))
		{
			static const char key[] = "run_in_transaction";
			size_t		keylen = strlen(key);
			char	   *value;

			if (line.len < keylen || strncmp(line.start, key, keylen) != 0)
				continue;
			value = pnstrdup(line.start + keylen, line.len - keylen);
			if (strcmp(value + strspn(value, " \t="), "false") == 0)
				revision->transactional = PGM_FLAG_OFF;
		}
		break;
	}
	return true;
}

/*
 * The files of one version, entries[0..n-1], become a revision.
 */
static bool
add_version(PgmFormatContext *cx, int n, PgmFormatEntry *entries)
{
	PgmFormatRevision *revision;
	bool		skip = false;

	if (entries[0].kind == PAIR_DOWN)
		return pgm_format_fail(cx, cx->files[entries[0].file].name, 0,
							   psprintf("version \"%s\" has a way down but none up",
										entries[0].version),
							   NULL, NULL);
	if (pgm_format_is_way_down(cx->files[entries[0].file].name))
		return pgm_format_fail(cx, cx->files[entries[0].file].name, 0,
							   psprintf("file is a way down by its name"),
							   NULL,
							   pstrdup("Name the ways of a revision 0001_name.up.sql and 0001_name.down.sql."));
	if (n > 1 && entries[1].kind == PAIR_UP)
		return duplicate(cx, &entries[0], &entries[1]);
	if (n > 2)
		return duplicate(cx, &entries[1], &entries[2]);

	revision = pgm_format_add(cx, entries[0].id, entries[0].message);
	if (cx->result->format == PGM_FORMAT_DIESEL &&
		!read_diesel_metadata(cx, entries[0].file, revision))
		return false;
	if (cx->result->format == PGM_FORMAT_ATLAS)
	{
		if (!read_atlas_directives(cx, entries[0].file, revision, &skip))
			return false;
		if (skip)
		{
			cx->result->nrevisions--;
			pgm_format_skip(cx, entries[0].file,
							"a checkpoint repeats what the files before it do");
			return true;
		}
	}
	return pgm_format_whole(cx, entries[0].file, revision,
							&revision->upgrade) &&
		(n < 2 || pgm_format_whole(cx, entries[1].file, revision,
								   &revision->downgrade));
}

/*
 * Prisma knows a migration by the whole name of its folder, so that two may
 * have one time.  Those after the first keep that name as their id, and come
 * after it.  The files are sorted by name.
 */
static void
tell_apart(PgmFormatContext *cx, int n, PgmFormatEntry *entries)
{
	int			nsame = 0;
	const char *version = entries[0].version;

	for (int i = 1; i < n; i++)
	{
		const char *path = cx->files[entries[i].file].name;
		const char *before = cx->files[entries[i - 1].file].name;
		size_t		dirlen = pgm_format_basename(path) - path;
		const char *dir = path + dirlen;

		if (strcmp(entries[i].version, version) != 0)
		{
			version = entries[i].version;
			nsame = 0;
			continue;
		}
		nsame += strncmp(before, path, dirlen) != 0;
		if (nsame == 0)
			continue;
		while (dir > path && (dir == path + dirlen || dir[-1] != '/'))
			dir--;
		entries[i].version = psprintf("%s.%d", version, nsame);
		entries[i].id = pgm_format_id(dir, path + dirlen - 1 - dir);
	}
}

static bool
read_all(PgmFormatContext *cx,
		 bool (*read_name) (PgmFormatContext *, int, PgmFormatEntry *))
{
	PgmFormatEntry *entries = palloc(Max(cx->nfiles, 1) *
									 sizeof(PgmFormatEntry));
	int			n = 0;

	for (int i = 0; i < cx->nfiles; i++)
	{
		if (read_name(cx, i, &entries[n]))
			n++;
	}
	if (cx->result->format == PGM_FORMAT_PRISMA && n > 0)
		tell_apart(cx, n, entries);
	qsort(entries, n, sizeof(PgmFormatEntry), pgm_format_entry_cmp);
	for (int i = 0; i < n;)
	{
		int			next = i + 1;

		while (next < n &&
			   pgm_format_version_cmp(entries[i].version,
									  entries[next].version) == 0)
			next++;
		(void) add_version(cx, next - i, &entries[i]);
		i = next;
	}
	pgm_format_warn_of_gaps(cx, n, entries);
	return cx->result->error.message == NULL;
}

bool
pgm_format_read_pairs(PgmFormatContext *cx)
{
	return read_all(cx, read_numbered_name);
}

bool
pgm_format_read_diesel(PgmFormatContext *cx)
{
	return read_all(cx, read_diesel_name);
}
