/*-------------------------------------------------------------------------
 *
 * load_check.c
 *	  What the server's parser says of texts of migration files.
 *
 * A folder of hundreds of files is loaded as a whole or not at all, so one
 * error for each attempt would be a long way.  Errors of texts are caught and
 * told together, each with file and line.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"


#include "base/printable.h"
#include "base/transaction.h"
#include "interop/load_check.h"

/* Errors that are listed; more are counted. */
#define MAX_LISTED 100

static int
line_of(const PgmLoadPosition *position)
{
	int			line = position->text->line;

	if (position->source != NULL)
		line += position->source->statements[position->statement].line - 1;
	else if (pgm_source_error_line() > 0)
		line += pgm_source_error_line() - 1;
	return line;
}

void
pgm_load_position_callback(void *arg)
{
	PgmLoadPosition *position = arg;

	errcontext("line %d of file \"%s\"", line_of(position),
			   position->text->file);
}

/* Statement by statement, so that an error names its line. */
static void
check(PgmLoadPosition *position, PgmSourceKind kind, const char *id)
{
	ErrorContextCallback callback;
	PgmSource  *source;
	PgmSource	one;

	callback.callback = pgm_load_position_callback;
	callback.arg = position;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	source = pgm_source_parse(position->text->text, kind, id);
	one = *source;
	one.nstatements = 1;
	position->source = source;
	for (int i = 0; i < source->nstatements; i++)
	{
		position->statement = i;
		one.statements = &source->statements[i];
		pgm_source_check(&one, kind, false);
	}
	error_context_stack = callback.previous;
}

void
pgm_load_check(const PgmFormatText *text, PgmSourceKind kind, const char *id)
{
	PgmLoadPosition position = {text, NULL, 0};

	if (text->text != NULL && text->file != NULL)
		check(&position, kind, id);
}

/* Is the error one of the text, which others need not wait for? */
static bool
is_of_text(const ErrorData *error)
{
	switch (ERRCODE_TO_CATEGORY(error->sqlerrcode))
	{
		case ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION:
		case ERRCODE_TO_CATEGORY(ERRCODE_FEATURE_NOT_SUPPORTED):
		case ERRCODE_TO_CATEGORY(ERRCODE_PROGRAM_LIMIT_EXCEEDED):
		case ERRCODE_TO_CATEGORY(ERRCODE_INVALID_TRANSACTION_TERMINATION):
		case ERRCODE_DATA_EXCEPTION:
			return true;
		default:
			return false;
	}
}

typedef struct TextCheck
{
	PgmLoadPosition *position;
	PgmSourceKind kind;
	const char *id;
} TextCheck;

static void
try_check(void *arg)
{
	const TextCheck *attempt = arg;

	check(attempt->position, attempt->kind, attempt->id);
}

/*
 * Check the text; the error that it has, or NULL.  Errors that are none of the
 * text go on.
 */
static ErrorData *
try_text(const PgmFormatText *text, PgmSourceKind kind, const char *id,
		 int *line)
{
	PgmLoadPosition *position = palloc0(sizeof(PgmLoadPosition));
	TextCheck	attempt = {position, kind, id};
	ErrorData  *error;

	if (text->text == NULL || text->file == NULL)
		return NULL;
	position->text = text;
	error = pgm_txn_try(try_check, &attempt);
	if (error != NULL && !is_of_text(error))
		ReThrowError(error);
	if (error != NULL)
		*line = line_of(position);
	return error;
}

static void
add_error(PgmLoadErrors *errors, const char *file, int line,
		  const char *message)
{
	if (errors->n == 0)
		initStringInfo(&errors->list);
	if (errors->n++ >= MAX_LISTED)
		return;
	if (errors->list.len > 0)
		appendStringInfoChar(&errors->list, '\n');
	if (file != NULL && line > 0)
		appendStringInfo(&errors->list, "line %d of file \"%s\": ", line, file);
	else if (file != NULL)
		appendStringInfo(&errors->list, "file \"%s\": ", file);
	appendStringInfoString(&errors->list, pgm_printable(message));
}

static void
keep_error(PgmLoadErrors *errors, const PgmFormatText *text, int line,
		   ErrorData *error)
{
	if (errors->n == 0)
		errors->first = error;
	add_error(errors, text->file, line, error->message);
}

void
pgm_load_collect(PgmLoadErrors *errors, const PgmFormatText *text,
				 PgmSourceKind kind, const char *id)
{
	int			line = 0;
	ErrorData  *error = try_text(text, kind, id, &line);

	if (error != NULL)
		keep_error(errors, text, line, error);
}

char *
pgm_load_problem(const PgmFormatText *text, PgmSourceKind kind,
				 const char *id, int *line)
{
	ErrorData  *error = try_text(text, kind, id, line);

	return error != NULL ? error->message : NULL;
}

void
pgm_load_raise_bad_format(const PgmFormatError *error)
{
	if (error->file != NULL && error->line > 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg_internal("%s", pgm_printable(error->message)),
				error->detail ? errdetail_internal("%s", pgm_printable(error->detail)) : 0,
				error->hint ? errhint("%s", error->hint) : 0,
				errcontext("line %d of file \"%s\"", error->line,
						   error->file));
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg_internal("%s", pgm_printable(error->message)),
			error->detail ? errdetail_internal("%s", pgm_printable(error->detail)) : 0,
			error->hint ? errhint("%s", error->hint) : 0,
			error->file ? errcontext("file \"%s\"", error->file) : 0);
	pg_unreachable();
}

void
pgm_load_raise_format(const PgmFormatResult *result)
{
	PgmLoadErrors errors = {0};

	errors.format = &result->error;
	add_error(&errors, result->error.file, result->error.line,
			  result->error.message);
	for (int i = 0; i < result->nmore_errors; i++)
		add_error(&errors, result->more_errors[i].file,
				  result->more_errors[i].line, result->more_errors[i].message);

	/* of a reader that gave up early there may be parts only */
	for (int i = 0; i < result->nrevisions; i++)
	{
		const PgmFormatRevision *revision = &result->revisions[i];

		pgm_load_collect(&errors, &revision->upgrade, PGM_SOURCE_UPGRADE,
						 revision->id);
	}
	pgm_load_raise(&errors);
	pg_unreachable();
}

void
pgm_load_raise(const PgmLoadErrors *errors)
{
	if (errors->n == 0)
		return;
	if (errors->n == 1 && errors->format != NULL)
		pgm_load_raise_bad_format(errors->format);
	if (errors->n == 1)
		ReThrowError(errors->first);
	if (errors->n > MAX_LISTED)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("the files have %d errors", errors->n),
				errdetail("The first %d of them:\n%s", MAX_LISTED,
						  errors->list.data),
				errhint("Nothing was loaded."));
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("the files have %d errors", errors->n),
			errdetail_internal("%s", errors->list.data),
			errhint("Nothing was loaded."));
}
