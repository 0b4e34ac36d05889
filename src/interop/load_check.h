/*-------------------------------------------------------------------------
 *
 * load_check.h
 *	  What the server's parser says of texts of migration files.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_INTEROP_LOAD_CHECK_H
#define PGM_INTEROP_LOAD_CHECK_H

#include "lib/stringinfo.h"

#include "compat/server.h"
#include "format/format.h"
#include "sql/statements.h"

/* Where in a file a text is being looked at; for the callback below. */
typedef struct PgmLoadPosition
{
	const PgmFormatText *text;
	const PgmSource *source;	/* or NULL */
	int			statement;		/* of source */
} PgmLoadPosition;

/* The errors of a load, to be told at once; zeroed there are none. */
typedef struct PgmLoadErrors
{
	int			n;
	StringInfoData list;		/* "line 3 of file "x": what", line by line */
	ErrorData  *first;			/* NULL: of a format */
	const PgmFormatError *format;
} PgmLoadErrors;

/* An error context callback that names the file and the line. */
extern void pgm_load_position_callback(void *arg);

/* Raise an error unless a revision may have the text, which may be none. */
extern void pgm_load_check(const PgmFormatText *text, PgmSourceKind kind,
						   const char *id);

/* The same, but what is wrong is kept with the errors of this load. */
extern void pgm_load_collect(PgmLoadErrors *errors, const PgmFormatText *text,
							 PgmSourceKind kind, const char *id);

/*
 * What keeps the server from taking it as a text of a revision, and the line
 * of the file; NULL if nothing does.
 */
extern char *pgm_load_problem(const PgmFormatText *text, PgmSourceKind kind,
							  const char *id, int *line);

/*
 * Raise what the reader of a format found, and what is wrong with the texts of
 * the files that it could read.
 */
pg_noreturn extern void pgm_load_raise_format(const PgmFormatResult *result);
pg_noreturn extern void pgm_load_raise_bad_format(const PgmFormatError *error);

/* Raise the errors if there are any: one as it was, several as a list. */
extern void pgm_load_raise(const PgmLoadErrors *errors);

#endif							/* PGM_INTEROP_LOAD_CHECK_H */
