/*-------------------------------------------------------------------------
 *
 * format.h
 *	  Migration files of other tools, and our own, to revisions and back.
 *
 * Pure: a set of files that the caller has read goes in, an ordered list of
 * revisions comes out, or one error that names file and line.  Nothing here
 * reads the disk, the catalogs or what is stored.  All memory comes from
 * palloc in the caller's current context and is freed with it; the result
 * does not point into the input.
 *
 * The texts that come out hold no transaction control, no psql commands and
 * no COPY FROM STDIN: they can be run by a server alone.  Those of our own
 * format come out as they are, byte for byte.  Line n of a text is line
 * n + line - 1 of the file named beside it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_FORMAT_FORMAT_H
#define PGM_FORMAT_FORMAT_H

#include "format/kind.h"

typedef struct PgmFormatFile
{
	const char *name;			/* relative to the folder, with slashes */
	const char *data;			/* NULL: present but not read */
	size_t		len;
} PgmFormatFile;

/* What is wrong, in the message style of PostgreSQL; detail, hint or NULL. */
typedef struct PgmFormatError
{
	char	   *message;		/* NULL: no error */
	char	   *detail;
	char	   *hint;
	char	   *file;			/* NULL: not one file */
	int			line;			/* 0: not one line */
} PgmFormatError;

typedef struct PgmFormatNote
{
	char	   *message;
	char	   *file;
	int			line;
	bool		loss;			/* something of the file is not kept */
} PgmFormatNote;

/* A text and where it comes from; text is NULL if there is none. */
typedef struct PgmFormatText
{
	char	   *text;
	char	   *file;
	int			line;
} PgmFormatText;

typedef enum PgmFormatFlag
{
	PGM_FLAG_UNSET,
	PGM_FLAG_OFF,
	PGM_FLAG_ON
} PgmFormatFlag;

typedef struct PgmFormatRevision
{
	char	   *id;				/* NULL: to be computed when stored */
	char	   *message;
	PgmFormatText upgrade;		/* always there, maybe empty */
	PgmFormatText downgrade;	/* empty: nothing to do; none: impossible */
	PgmFormatText verify;
	int			nparents;		/* -1: the previous one of the list */
	char	  **parents;
	int			ndepends;
	char	  **depends;
	int			nlabels;
	char	  **labels;
	int			nversions;		/* ledger rows of the old tool it stands for */
	char	  **versions;
	PgmFormatFlag transactional;
	bool		repeatable;		/* Flyway's R: the text changes, not the id */
} PgmFormatRevision;

/* Zeroed, these mean detect, no limit, any encoding. */
typedef struct PgmFormatOptions
{
	PgmFormat	format;
	size_t		max_file_bytes;
	bool		utf8;			/* refuse what is not valid UTF-8 */
} PgmFormatOptions;

typedef struct PgmFormatResult
{
	PgmFormat	format;
	char	   *project;		/* Sqitch's, or NULL */
	int			nrevisions;		/* in order: parents before children */
	PgmFormatRevision *revisions;
	int			nwarnings;		/* the first of them only */
	PgmFormatNote *warnings;
	int			nmore_warnings;
	int			nskipped;		/* files passed over, and why */
	PgmFormatNote *skipped;
	PgmFormatError error;		/* the first */
	int			nmore_errors;	/* of other files; the first of them only */
	PgmFormatError *more_errors;
} PgmFormatResult;

/*
 * Reading: false, with result->error set, if anything is wrong.  Files are
 * read on after one that is wrong, so that all that are can be told at once;
 * the revisions are then those of the others.
 */
extern bool pgm_format_parse(const PgmFormatOptions *options, int nfiles,
							 const PgmFormatFile *files,
							 PgmFormatResult *result);

/* The id that a version or name of another tool becomes. */
extern char *pgm_format_id(const char *name, size_t len);

/*
 * Writing, in PGMIGRATE, GOLANG or PLAIN.  Revisions must be in order; ids
 * must be set.  Files come out in that order; palloc'd, *nfiles of them.
 * False, with error set, if the format cannot hold them.
 */
extern bool pgm_format_write(PgmFormat format, int nrevisions,
							 const PgmFormatRevision *revisions, int *nfiles,
							 PgmFormatFile **files, PgmFormatError *error);

#endif							/* PGM_FORMAT_FORMAT_H */
