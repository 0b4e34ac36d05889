/*-------------------------------------------------------------------------
 *
 * lexer.h
 *	  Lexical scanning of SQL scripts: tokens, and a script's statements.
 *
 * Pure: knows nothing of the server's parser, so that files written for psql,
 * which the parser would not accept as they are, can be read, and so that it
 * can be tested and fuzzed outside of the server.  Offsets are bytes from the
 * start of the text, lines count from the number the caller passes.  The cost
 * is linear in the length of the text; nothing recurses.
 *
 * standard_conforming_strings is taken to be on.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_SQL_LEXER_H
#define PGM_SQL_LEXER_H

/* What a COPY that was made an INSERT begins with. */
#define PGM_COPY_HEAD "INSERT /* COPY */ INTO"

typedef enum PgmSqlTokenKind
{
	PGM_SQL_END,
	PGM_SQL_SPACE,
	PGM_SQL_COMMENT,			/* to the end of the line, or nested */
	PGM_SQL_WORD,				/* unquoted name or key word */
	PGM_SQL_NAME,				/* quoted name */
	PGM_SQL_STRING,				/* any kind of literal, dollar quotes too */
	PGM_SQL_NUMBER,
	PGM_SQL_BACKSLASH,			/* begin of a psql command */
	PGM_SQL_SYMBOL,				/* any other single byte */
	PGM_SQL_UNTERMINATED		/* quote or comment without its end */
} PgmSqlTokenKind;

typedef struct PgmSqlToken
{
	PgmSqlTokenKind kind;
	size_t		start;
	size_t		end;
	int			line;			/* of the first byte */
	const char *what;			/* for UNTERMINATED, the kind of thing */
} PgmSqlToken;

typedef struct PgmSqlLexer
{
	const char *input;
	size_t		len;
	size_t		pos;
	int			line;
} PgmSqlLexer;

typedef enum PgmSqlItemKind
{
	PGM_SQL_STATEMENT,
	PGM_SQL_EMPTY,				/* nothing but a semicolon */
	PGM_SQL_COPY,				/* COPY ... FROM STDIN with its data */
	PGM_SQL_META,				/* a psql command, one line */
	PGM_SQL_REST				/* comments and blanks at the end */
} PgmSqlItemKind;

/*
 * One piece of a script.  The pieces cover the script without gap or overlap:
 * comments and blanks belong to the piece that follows them.
 */
typedef struct PgmSqlItem
{
	PgmSqlItemKind kind;
	size_t		start;
	size_t		body;			/* the first byte of the statement proper */
	size_t		body_end;		/* after its semicolon, if it has one */
	size_t		end;			/* the same, but after the data of COPY */
	int			line;			/* of body */
	bool		terminated;		/* is there a semicolon? */
	int			variable_line;	/* first use of a psql variable, or 0 */
	size_t		data;			/* COPY: rows, without the end marker */
	size_t		data_end;
	int			data_line;
} PgmSqlItem;

typedef struct PgmSqlSplitter
{
	PgmSqlLexer lexer;
	char	   *error;			/* NULL while all is well */
	int			error_line;
} PgmSqlSplitter;

extern void pgm_sqlscan_lexer(PgmSqlLexer *lexer, const char *text, size_t len,
							  int line);
extern void pgm_sqlscan_token(PgmSqlLexer *lexer, PgmSqlToken *token);

/* The next token that is neither comment nor blank. */
extern void pgm_sqlscan_significant(PgmSqlLexer *lexer, PgmSqlToken *token);

/* Is the token this key word (lower case), or this one-byte symbol? */
extern bool pgm_sqlscan_is_word(const PgmSqlLexer *lexer,
								const PgmSqlToken *token, const char *word);
extern bool pgm_sqlscan_is_symbol(const PgmSqlLexer *lexer,
								  const PgmSqlToken *token, char symbol);

extern void pgm_sqlscan_splitter(PgmSqlSplitter *splitter, const char *text,
								 size_t len, int line);

/* False at the end and on error, which splitter->error tells apart. */
extern bool pgm_sqlscan_next(PgmSqlSplitter *splitter, PgmSqlItem *item);

#endif							/* PGM_SQL_LEXER_H */
