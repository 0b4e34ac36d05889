/*-------------------------------------------------------------------------
 *
 * internal.h
 *	  What the readers of the single formats share.
 *
 * Only for src/format*.c.  Functions that return bool return false after the
 * one error was recorded in the context, and the caller then returns at once.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_FORMAT_INTERNAL_H
#define PGM_FORMAT_INTERNAL_H

#include "lib/stringinfo.h"

#include "format/format.h"
#include "sql/lexer.h"

#define PGM_FORMAT_ID_MAX 63

typedef struct PgmFormatContext
{
	const PgmFormatOptions *options;
	int			nfiles;
	PgmFormatFile *files;		/* sorted by name, without byte order marks */
	bool	   *used;			/* by file: taken, or noted as skipped */
	PgmFormatResult *result;
	int			revisions_size;
	int			skipped_size;
} PgmFormatContext;

/* A line without its end, which may be LF or CRLF. */
typedef struct PgmFormatLine
{
	const char *start;
	size_t		len;
	size_t		offset;
	size_t		next;			/* offset of the next line */
	bool		crlf;
	int			number;
} PgmFormatLine;

typedef struct PgmFormatReader
{
	const char *data;
	size_t		len;
	size_t		pos;
	int			number;
} PgmFormatReader;

/* A piece of a file that is SQL, and what pgm_format_clean made of it. */
typedef struct PgmFormatScript
{
	const char *file;
	const char *data;
	size_t		len;
	int			line;			/* of the first byte */
	bool		allow_rollback; /* BEGIN ... ROLLBACK, as Sqitch verifies */
	bool		trim;			/* drop blank lines around it */
	bool		way_down;		/* may be none if it cannot be read */
	PgmFormatText text;			/* this and what follows comes out */
	int			nstatements;
	bool		split;			/* was more than one transaction */
} PgmFormatScript;

/* A growing array of strings. */
typedef struct PgmFormatList
{
	int			n;
	int			size;
	char	  **items;
} PgmFormatList;

/* A file name taken apart by its format; entries sort by version. */
typedef struct PgmFormatEntry
{
	int			file;			/* index in the context */
	int			kind;			/* meaning is the format's */
	char	   *id;
	char	   *message;
	char	   *version;		/* what orders: numbers between dots */
} PgmFormatEntry;

/* format.c */
extern bool pgm_format_fail(PgmFormatContext *cx, const char *file, int line,
							char *message, char *detail, char *hint);
extern void pgm_format_warn(PgmFormatContext *cx, const char *file, int line,
							char *message);
extern void pgm_format_loss(PgmFormatContext *cx, const char *file, int line,
							char *message);
extern void pgm_format_skip(PgmFormatContext *cx, int file,
							const char *reason);
extern PgmFormatRevision *pgm_format_add(PgmFormatContext *cx, char *id,
										 char *message);
extern bool pgm_format_data(PgmFormatContext *cx, int file);

/* text.c */
extern void pgm_format_reader(PgmFormatReader *reader, const char *data,
							  size_t len, int first_line);
extern bool pgm_format_line(PgmFormatReader *reader, PgmFormatLine *line);
extern size_t pgm_format_invalid_utf8(const char *s, size_t len);
extern bool pgm_format_blank(const char *start, size_t len);
extern bool pgm_format_marker(const PgmFormatLine *line, const char *marker,
							  const char **rest, size_t *restlen);
extern const char *pgm_format_basename(const char *path);
extern bool pgm_format_ends(const char *name, const char *suffix);
extern bool pgm_format_id_legal(const char *id);
extern char *pgm_format_words(const char *name, size_t len);
extern char *pgm_format_slug(const char *message);
extern size_t pgm_format_digits(const char *s);
extern int	pgm_format_version_cmp(const char *a, const char *b);
extern int	pgm_format_entry_cmp(const void *a, const void *b);
extern void pgm_format_warn_of_gaps(PgmFormatContext *cx, int n,
									const PgmFormatEntry *entries);
extern void pgm_format_list_add(PgmFormatList *list, char *item);

/* psql_script.c */
extern bool pgm_format_clean(PgmFormatContext *cx, PgmFormatScript *script);
extern PgmFormatError *pgm_format_try_clean(PgmFormatContext *cx,
											PgmFormatScript *script);
extern bool pgm_format_whole(PgmFormatContext *cx, int file,
							 PgmFormatRevision *revision, PgmFormatText *text);
extern void pgm_format_take(PgmFormatContext *cx, PgmFormatRevision *revision,
							PgmFormatScript *script, PgmFormatText *text);

/* Parents before children; what tells a format; COPY to INSERT. */
extern bool pgm_format_sort(PgmFormatContext *cx);
extern bool pgm_format_sort_legs(PgmFormatContext *cx);
extern bool pgm_format_native_marker(const char *start, size_t len,
									 size_t *at, int *backslashes);
extern bool pgm_format_is_native(const PgmFormatFile *file);
extern bool pgm_format_alembic_marker(const PgmFormatLine *line);
extern bool pgm_format_copy(PgmFormatContext *cx,
							const PgmFormatScript *script,
							const PgmSqlItem *item, StringInfo out);

/* The readers, and the choice among them. */
extern bool pgm_format_read_native(PgmFormatContext *cx);
extern bool pgm_format_read_pairs(PgmFormatContext *cx);
extern bool pgm_format_read_diesel(PgmFormatContext *cx);
extern bool pgm_format_read_goose(PgmFormatContext *cx);
extern bool pgm_format_read_sections(PgmFormatContext *cx);
extern bool pgm_format_read_tern(PgmFormatContext *cx);
extern bool pgm_format_read_flyway(PgmFormatContext *cx);
extern bool pgm_format_read_sqitch(PgmFormatContext *cx);
extern bool pgm_format_read_alembic(PgmFormatContext *cx);
extern bool pgm_format_read_structure(PgmFormatContext *cx);
extern bool pgm_format_detect(PgmFormatContext *cx, PgmFormat *format);

#endif							/* PGM_FORMAT_INTERNAL_H */
