/*-------------------------------------------------------------------------
 *
 * safe_form.h
 *	  The safe form of a statement, and the text that it is made of.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_LINT_SAFE_FORM_H
#define PGM_LINT_SAFE_FORM_H

#include "lib/stringinfo.h"

#include "lint/internal.h"
#include "sql/lexer.h"

/* Comments between the statements of a hint. */
#define PGM_LATER "-- in a later revision:\n"

/* The name of a relation as hints have it: qualified, if it is there. */
extern const char *pgm_lint_relation(Oid relid);
extern const char *pgm_lint_qualified(const RangeVar *name);

/*
 * The safe form of what adds a constraint to the relation of the statement.
 * "columns" are those of a key or foreign key, NIL of a CHECK.
 */
extern const char *pgm_lint_constraint_name(const PgmLint *lint,
											const Constraint *constraint,
											List *columns);
extern char *pgm_lint_not_valid(const PgmLint *lint,
								const Constraint *constraint, List *columns);
extern char *pgm_lint_key_by_index(const PgmLint *lint,
								   const Constraint *constraint,
								   List *columns);

/* The same for the index of each partition. */
extern char *pgm_lint_index_by_partition(const PgmLint *lint, Oid relid,
										 const char *unique, const char *name,
										 const char *definition,
										 const char *columns);

/*
 * What the run does instead if it carries the statement out online, as a
 * sentence; or that there is no way to.
 */
extern char *pgm_lint_online(const PgmLint *lint);

/* The hints of the parts of an ALTER TABLE are about all of it. */
extern void pgm_lint_whole_hints(PgmLint *lint);

/* A validated constraint first, then SET NOT NULL ("set") without reading. */
extern void pgm_lint_prove_not_null(StringInfo buf, const PgmLint *lint,
									const char *column);
extern void pgm_lint_set_not_null(StringInfo buf, const PgmLint *lint,
								  const char *column, bool set);

/* The tables that have a relation's rows; and when there are many of them. */
extern List *pgm_lint_leaves(Oid relid);
extern bool pgm_lint_and_so_on(StringInfo buf, List *relids, int i);

/* The text of a hint, without the line feed at its end. */
extern char *pgm_lint_done(StringInfo buf);

/*
 * Parts of the statement as they are written, without a comment at the end:
 * from a location, or after a word that follows it, to the next clause of a
 * column; all after a word; or in parentheses.  NULL if there is none.
 */
extern char *pgm_lint_statement_sql(const PgmLint *lint);
extern char *pgm_lint_trim(char *text);
extern char *pgm_lint_clause(const PgmLint *lint, int location);
extern char *pgm_lint_clause_after(const PgmLint *lint, int location,
								   const char *word);
extern char *pgm_lint_rest_after(const PgmLint *lint, int location,
								 const char *word);
extern char *pgm_lint_parens(const PgmLint *lint, int location);

extern char *pgm_lint_replace_word(const char *text, const char *word,
								   const char *replacement);

/* The name that a token is, cut as the server does it; NULL if it is none. */
extern char *pgm_lint_token_name(const PgmSqlLexer *lexer,
								 const PgmSqlToken *token);

extern Constraint *pgm_lint_column_constraint(const ColumnDef *column,
											  ConstrType kind);

/* name_label, cut to what a name can be long, and quoted. */
extern const char *pgm_lint_new_name(const char *name, const char *label);

/* Names joined by something, as they are. */
extern char *pgm_lint_joined(List *names, const char *between);

#endif							/* PGM_LINT_SAFE_FORM_H */
