/*-------------------------------------------------------------------------
 *
 * load.c
 *	  SQL functions that load and write migration files.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "base/result_rows.h"
#include "base/spi.h"
#include "compat/server.h"
#include "interop/folder.h"
#include "interop/load.h"

PG_FUNCTION_INFO_V1(pgmigrate_load);
PG_FUNCTION_INFO_V1(pgmigrate_load_files);
PG_FUNCTION_INFO_V1(pgmigrate_load_directory);
PG_FUNCTION_INFO_V1(pgmigrate_export);

static void
return_rows(PgmRows *rows, int n, const PgmLoadRow *loaded)
{
	for (int i = 0; i < n; i++)
	{
		pgm_rows_text(rows, loaded[i].revision);
		pgm_rows_text(rows, loaded[i].file);
		pgm_rows_text(rows, pgm_load_action_name(loaded[i].action));
		pgm_rows_end_row(rows);
	}
}

static bool
amend_wanted(FunctionCallInfo fcinfo, int n)
{
	return !PG_ARGISNULL(n) && PG_GETARG_BOOL(n);
}

Datum
pgmigrate_load(PG_FUNCTION_ARGS)
{
	PgmFormatFile file;
	PgmFormat	format;
	PgmLoadRow *loaded;
	PgmRows		rows;
	int			n;

	file.name = pgm_arg_text_not_null(fcinfo, 0, "file_name");
	file.data = pgm_arg_text_not_null(fcinfo, 1, "contents");
	file.len = strlen(file.data);
	format = pgm_loader_format(pgm_arg_text_not_null(fcinfo, 2, "format"));

	pgm_rows_begin(&rows, fcinfo);
	loaded = pgm_loader_load(format, 1, &file, false, &n);
	for (int i = 0; i < n; i++)
	{
		if (loaded[i].revision == NULL)
			continue;
		pgm_rows_text(&rows, loaded[i].revision);
		pgm_rows_end_row(&rows);
	}
	return (Datum) 0;
}

Datum
pgmigrate_load_files(PG_FUNCTION_ARGS)
{
	PgmFormatFile *files;
	PgmFormat	format;
	PgmLoadRow *loaded;
	PgmRows		rows;
	char	  **names;
	char	  **contents;
	int			nnames;
	int			ncontents;
	int			n;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("argument \"%s\" must not be null",
					   PG_ARGISNULL(0) ? "file_names" : "contents"));
	names = pgm_text_array_values(PG_GETARG_DATUM(0), &nnames);
	contents = pgm_text_array_values(PG_GETARG_DATUM(1), &ncontents);
	format = pgm_loader_format(pgm_arg_text_not_null(fcinfo, 2, "format"));
	if (nnames != ncontents)
		ereport(ERROR,
				errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				errmsg("%d file names were given, but %d contents",
					   nnames, ncontents));

	files = palloc(sizeof(PgmFormatFile) * Max(nnames, 1));
	for (int i = 0; i < nnames; i++)
	{
		files[i].name = names[i];
		files[i].data = pgm_format_reads(names[i]) ? contents[i] : NULL;
		files[i].len = files[i].data ? strlen(contents[i]) : 0;
	}
	pgm_rows_begin(&rows, fcinfo);
	loaded = pgm_loader_load(format, nnames, files,
							 amend_wanted(fcinfo, 3), &n);
	return_rows(&rows, n, loaded);
	return (Datum) 0;
}

static void
folder_error_callback(void *arg)
{
	errcontext("folder \"%s\"", (const char *) arg);
}

Datum
pgmigrate_load_directory(PG_FUNCTION_ARGS)
{
	char	   *path = pgm_arg_text_not_null(fcinfo, 0, "path");
	PgmFormat	format;
	PgmFolderFile *found;
	PgmFormatFile *files;
	PgmLoadRow *loaded;
	PgmRows		rows;
	int			nfiles;
	int			n;
	ErrorContextCallback callback;

	format = pgm_loader_format(pgm_arg_text_not_null(fcinfo, 1, "format"));
	pgm_rows_begin(&rows, fcinfo);
	callback.callback = folder_error_callback;
	callback.arg = path;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	found = pgm_folder_read(path, pgm_format_reads, &nfiles);
	files = palloc(sizeof(PgmFormatFile) * Max(nfiles, 1));
	for (int i = 0; i < nfiles; i++)
	{
		files[i].name = found[i].name;
		files[i].data = found[i].data;
		files[i].len = found[i].len;
	}
	loaded = pgm_loader_load(format, nfiles, files,
							 amend_wanted(fcinfo, 2), &n);
	error_context_stack = callback.previous;
	return_rows(&rows, n, loaded);
	return (Datum) 0;
}

Datum
pgmigrate_export(PG_FUNCTION_ARGS)
{
	char	   *range = pgm_arg_text_not_null(fcinfo, 0, "range");
	PgmFormat	format;
	PgmFormatFile *files;
	PgmRows		rows;
	int			n;

	format = pgm_loader_format(pgm_arg_text_not_null(fcinfo, 1, "format"));
	pgm_rows_begin(&rows, fcinfo);
	files = pgm_loader_export(range, format, &n);
	for (int i = 0; i < n; i++)
	{
		pgm_rows_text(&rows, files[i].name);
		pgm_rows_text(&rows, files[i].data);
		pgm_rows_end_row(&rows);
	}
	return (Datum) 0;
}
