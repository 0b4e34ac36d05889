/*-------------------------------------------------------------------------
 *
 * folder.c
 *	  Migration files of a folder on the server.
 *
 * Only for roles that may read any file of the server, so what follows guards
 * against accidents, not against them: a link that leads out of the folder, a
 * loop of links, a pipe, a dump among the migrations.  Names that begin with a
 * dot are passed over, as those of version control are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/stat.h>
#include <unistd.h>

#include "catalog/pg_authid.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/acl.h"
#include "utils/memutils.h"

#include "base/printable.h"
#include "base/settings.h"
#include "compat/catalog.h"
#include "interop/folder.h"

#define MAX_FILES 100000
#define MAX_DEPTH 16
#define MAX_TOTAL_BYTES ((size_t) 1024 * 1024 * 1024)

typedef struct Folder
{
	const char *root;			/* absolute, without links */
	bool		(*wanted) (const char *name);
	int			depth;
	int			nfiles;
	int			size;
	PgmFolderFile *files;
	size_t		total;
} Folder;

static void
check_role(void)
{
	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("permission denied to read a folder of the server"),
				errdetail("Only superusers and roles with privileges of \"%s\" may do that.",
						  "pg_read_server_files"),
				errhint("Let the client read the files, and pass their contents to pgmigrate.load()."));
}

/* The path without links, palloc'd. */
static char *
resolve_path(const char *path, const char *what)
{
	char	   *resolved = realpath(path, NULL);
	char	   *result;

	if (resolved == NULL)
		ereport(ERROR,
				errcode_for_file_access(),
				errmsg("could not open \"%s\": %m", what));
	result = pstrdup(resolved);
	free(resolved);
	return result;
}

/* In the database's encoding throughout?  Names the line that is not. */
static void
check_encoding(const PgmFolderFile *file)
{
	const char *at = file->data;
	const char *end = file->data + file->len;
	int			line = 1;

	if (pg_verify_mbstr(GetDatabaseEncoding(), file->data, (int) file->len,
						true))
		return;
	while (at < end)
	{
		const char *newline = memchr(at, '\n', end - at);
		const char *next = newline ? newline + 1 : end;

		if (!pg_verify_mbstr(GetDatabaseEncoding(), at, (int) (next - at),
							 true))
			break;
		at = next;
		line++;
	}
	ereport(ERROR,
			errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
			errmsg("file \"%s\" has bytes that are not valid in encoding \"%s\"",
				   file->name, GetDatabaseEncodingName()),
			errhint("Save it in the encoding of the database."),
			errcontext("line %d of file \"%s\"", line, file->name));
}

static void
read_contents(Folder *folder, PgmFolderFile *file, const char *path,
			  size_t size)
{
	size_t		limit = (size_t) pgm_max_file_size * 1024;
	FILE	   *stream;

	if (size > limit)
		ereport(ERROR,
				errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("file \"%s\" is too large", file->name),
				errdetail("It has %zu bytes, the limit is %zu.", size, limit),
				errhint("Load bulk data outside of revisions, or have a superuser raise \"pgmigrate.max_file_size\"."));
	folder->total += size;
	if (folder->total > MAX_TOTAL_BYTES)
		ereport(ERROR,
				errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("the files of the folder are too large"),
				errdetail("With \"%s\" they have more than %zu bytes.",
						  file->name, MAX_TOTAL_BYTES));

	stream = AllocateFile(path, PG_BINARY_R);
	if (stream == NULL)
		ereport(ERROR,
				errcode_for_file_access(),
				errmsg("could not open file \"%s\": %m", file->name),
				errhint("The server reads it, as the user of the operating system that it runs as."));
	file->data = palloc_extended(size + 1, MCXT_ALLOC_HUGE);
	file->len = fread(file->data, 1, size, stream);
	if (ferror(stream))
		ereport(ERROR,
				errcode_for_file_access(),
				errmsg("could not read file \"%s\": %m", file->name));
	FreeFile(stream);
	file->data[file->len] = '\0';

	/* zero bytes are refused by the readers, which know the line */
	if (memchr(file->data, '\0', file->len) == NULL)
		check_encoding(file);
}

static void
add_file(Folder *folder, const char *name, const char *path,
		 const struct stat *st)
{
	PgmFolderFile *file;

	if (folder->nfiles >= MAX_FILES)
		ereport(ERROR,
				errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("the folder has more than %d files", MAX_FILES));
	if (folder->nfiles >= folder->size)
	{
		folder->size = Max(64, 2 * folder->size);
		folder->files = folder->files == NULL ?
			palloc(folder->size * sizeof(PgmFolderFile)) :
			repalloc(folder->files, folder->size * sizeof(PgmFolderFile));
	}
	file = &folder->files[folder->nfiles++];
	file->name = pstrdup(name);
	file->data = NULL;
	file->len = 0;
	if (folder->wanted(name))
		read_contents(folder, file, path, (size_t) st->st_size);
}

/* Does the path lie below the root? */
static bool
is_inside(const Folder *folder, const char *path)
{
	size_t		len = strlen(folder->root);

	return strncmp(path, folder->root, len) == 0 &&
		(path[len] == '/' || path[len] == '\0' ||
		 folder->root[len - 1] == '/');
}

/* prefix is the folder's name relative to the root, "" or with final slash. */
static void
read_folder(Folder *folder, const char *path, const char *prefix)
{
	DIR		   *dir;
	struct dirent *entry;

	if (++folder->depth > MAX_DEPTH)
		ereport(ERROR,
				errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("folder \"%s\" is nested too deep", prefix),
				errdetail("The limit is %d levels.", MAX_DEPTH));
	dir = AllocateDir(path);
	while ((entry = ReadDir(dir, path)) != NULL)
	{
		char	   *name;
		char	   *inside;
		struct stat st;

		CHECK_FOR_INTERRUPTS();
		if (entry->d_name[0] == '.')
			continue;
		name = psprintf("%s%s", prefix, entry->d_name);
		inside = psprintf("%s/%s", path, entry->d_name);
		if (!pg_verify_mbstr(GetDatabaseEncoding(), name,
							 (int) strlen(name), true))
			ereport(ERROR,
					errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
					errmsg("a file name in folder \"%s\" is not valid in encoding \"%s\"",
						   prefix, GetDatabaseEncodingName()));
		name = pgm_printable_line(name);
		if (lstat(inside, &st) < 0)
			ereport(ERROR,
					errcode_for_file_access(),
					errmsg("could not stat file \"%s\": %m", name));
		if (S_ISLNK(st.st_mode))
		{
			inside = resolve_path(inside, name);
			if (!is_inside(folder, inside))
				ereport(ERROR,
						errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("symbolic link \"%s\" leads out of the folder",
							   name),
						errhint("Put a copy of the file in its place, or load the folder that has all of them."));
			if (stat(inside, &st) < 0)
				ereport(ERROR,
						errcode_for_file_access(),
						errmsg("could not stat file \"%s\": %m", name));
		}
		if (S_ISDIR(st.st_mode))
			read_folder(folder, inside, psprintf("%s/", name));
		else if (S_ISREG(st.st_mode))
			add_file(folder, name, inside, &st);
	}
	FreeDir(dir);
	folder->depth--;
}

PgmFolderFile *
pgm_folder_read(const char *path, bool (*wanted) (const char *name),
				int *nfiles)
{
	Folder		folder = {0};
	struct stat st;

	check_role();
	if (!is_absolute_path(path))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_NAME),
				errmsg("path \"%s\" is not absolute", path),
				errhint("The folder is one of the server, not of the client."));
	folder.root = resolve_path(path, path);
	folder.wanted = wanted;
	if (stat(folder.root, &st) < 0)
		ereport(ERROR,
				errcode_for_file_access(),
				errmsg("could not stat \"%s\": %m", path));
	if (!S_ISDIR(st.st_mode))
		ereport(ERROR,
				errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("\"%s\" is not a folder", path),
				errhint("Pass the contents of a single file to pgmigrate.load()."));
	read_folder(&folder, folder.root, "");
	*nfiles = folder.nfiles;
	return folder.files;
}
