/*-------------------------------------------------------------------------
 *
 * words.h
 *	  The names, kinds and lists in a model.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_DIFF_WORDS_H
#define PGM_DIFF_WORDS_H

#include "schema/model.h"

/* The next element of "a, b", quotes and brackets respected; NULL: none. */
extern char *pgm_ddl_next(const char **list);

/* The text up to the first space that is in no quotes. */
extern char *pgm_ddl_first_word(const char *text);
extern bool pgm_ddl_in_list(const char *list, const char *element);
extern bool pgm_ddl_equal(const char *a, const char *b);

/* The keyword of a kind, as in DROP; NULL if there is none. */
extern const char *pgm_ddl_keyword(const char *kind);
extern int	pgm_ddl_rank(const char *kind);
extern bool pgm_ddl_is(const PgmSchemaObject *object, const char *kind);

/* Is it the sequence of an identity column? */
extern bool pgm_ddl_is_of_identity(const PgmSchemaObject *object);

/*
 * An operator that others have as a commutator or negator, but that nobody has
 * defined: it comes with the first that names it, and stays when that goes.
 */
extern bool pgm_ddl_is_only_named(const PgmSchemaObject *object);

/* A table or a foreign one. */
extern bool pgm_ddl_is_table(const PgmSchemaObject *object);

/* The table of this name, foreign or not; NULL if there is none. */
extern const PgmSchemaObject *pgm_ddl_find_table(const PgmSchema *schema,
												 const char *identity);

/* Columns of such a type are given the new one by way of text. */
extern bool pgm_ddl_is_set_aside(const PgmSchemaObject *object);
extern const char *pgm_ddl_table(const PgmSchemaObject *object);

/* The name of a part without that of its table, quoted. */
extern char *pgm_ddl_part_name(const PgmSchemaObject *object);

/* The name without its schema, quoted. */
extern const char *pgm_ddl_bare_name(const char *identity);

#endif							/* PGM_DIFF_WORDS_H */
