/*-------------------------------------------------------------------------
 *
 * statements.h
 *	  The SQL of a revision as a list of statements, and what each may do.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_SQL_STATEMENTS_H
#define PGM_SQL_STATEMENTS_H

#include "nodes/parsenodes.h"

#include "sql/refused.h"

/* One statement of a source. */
typedef struct PgmStatement
{
	RawStmt    *raw;
	RawStmt    *alone;			/* what runs in place of it, or NULL;
								 * positions count in the statement's own text */
	int			offset;			/* bytes from the start of the source, leading
								 * blanks and comments left out */
	int			length;			/* bytes, without the semicolon */
	int			line;			/* of the offset, from 1 */
	const char *tag;			/* command tag, a constant */
	bool		top_level;		/* cannot run inside a transaction block */
	bool		marked;			/* by a comment only */
	bool		conforming;		/* read with standard_conforming_strings */
} PgmStatement;

/* A source text and its statements; lives where it was parsed. */
typedef struct PgmSource
{
	const char *text;
	const char *what;			/* for messages: "upgrade SQL of revision"
								 * …; NULL: the caller has its own context */
	const char *revision;
	const char *file;			/* that it was loaded from, or NULL */
	const char *opposite;		/* text of the revision that takes it back, or
								 * NULL */
	int			nstatements;
	PgmStatement *statements;
	bool		top_level;		/* has a statement that is */
	bool		parted;			/* is committed statement by statement, though
								 * written for one transaction */
} PgmSource;

/* Which of a revision's texts this is. */
typedef enum PgmSourceKind
{
	PGM_SOURCE_UPGRADE,
	PGM_SOURCE_DOWNGRADE,
	PGM_SOURCE_VERIFY,
	PGM_SOURCE_OTHER
} PgmSourceKind;

extern PgmSource *pgm_source_parse(const char *text, PgmSourceKind kind,
								   const char *revision);

/* What takes it back; NULL for nothing, and for what is of no revision. */
extern PgmSource *pgm_source_opposite(const PgmSource *source);

/*
 * Refuse what a revision must not contain, see refused.h; to be called before
 * storing.  by_statement: it runs statement by statement, each committed by
 * itself, so that what needs a transaction is refused, or warned of, too.
 */
extern void pgm_source_check(const PgmSource *source, PgmSourceKind kind,
							 bool by_statement);

/* Has it queries that change rows? */
extern bool pgm_with_changes(const WithClause *with);

/* That of what the statement runs as a query, if it does; else NULL. */
extern WithClause *pgm_changing_with(Node *stmt);

/* The statement's own text, a copy. */
extern char *pgm_statement_text(const PgmSource *source, int n);

/*
 * The statement for the server to run, as if it had come alone: its tree, and
 * the text that positions of the tree and of errors count in.
 */
extern RawStmt *pgm_statement_alone(const PgmSource *source, int n,
									const char **text);

/*
 * The rest of statement n after the relation's name that begins at a position
 * of the source, as it is written; NULL if that is no name.
 */
extern char *pgm_source_after_name(const PgmSource *source, int n,
								   int location);

/*
 * Call from an error context callback: moves a cursor position that counts
 * from the start of the source into the statement, so that clients print the
 * revision's SQL with a caret, never their own query.  Returns the line of the
 * source that it is in, by default that of the statement.
 */
extern int	pgm_source_error_position(const PgmSource *source, int n);

/* The same of a statement that is run alone. */
extern int	pgm_statement_error_position(const PgmSource *source, int n);

/*
 * In an error context callback outside of pgm_source_parse: the line of a
 * syntax error, from 1, or 0.
 */
extern int	pgm_source_error_line(void);

/* False for what is not there, and outside of a transaction. */
extern bool pgm_names_partitioned(const RangeVar *name);

/*
 * Look names up, and read times, from now on as statement n wants it, if it is
 * a SET of search_path or timezone; until the caller's GUC nest level ends.
 */
extern void pgm_source_follow(const PgmSource *source, int n);

extern void pgm_source_check_size(const char *text, const char *what);

#endif							/* PGM_SQL_STATEMENTS_H */
