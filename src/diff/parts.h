/*-------------------------------------------------------------------------
 *
 * parts.h
 *	  What is written of an object, by the file that writes its kind.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_DIFF_PARTS_H
#define PGM_DIFF_PARTS_H

#include "diff/statement.h"

/* table.c, type.c */
extern void pgm_ddl_create_table(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_alter_table(PgmDiff *diff, PgmPair *pair);

/* Each element of the list with the prefix before it. */
extern char *pgm_ddl_prefixed(const char *prefix, const char *list);
extern void pgm_ddl_alter_storage_options(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_tie_to_type(PgmDiff *diff, PgmPair *pair, bool untie);
extern void pgm_ddl_finish_table(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_set_replica_identity(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_add_column(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_alter_column(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_alter_column_details(PgmDiff *diff,
										 const PgmSchemaObject *from,
										 const PgmSchemaObject *to,
										 bool retyped);

/* from is NULL for a column that has just been made. */
extern void pgm_ddl_set_column_details(PgmDiff *diff,
									   const PgmSchemaObject *from,
									   const PgmSchemaObject *to,
									   bool retyped);
extern void pgm_ddl_finish_column(PgmDiff *diff, PgmPair *pair);
extern bool pgm_ddl_renews_toast(const PgmDiff *diff, const PgmPair *pair);
extern bool pgm_ddl_create_type(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_alter_type(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_set_aside_type(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_drop_aside_type(PgmDiff *diff, PgmPair *pair);
extern bool pgm_ddl_can_add_values(const PgmPair *pair);
extern void pgm_ddl_sequence_options(StringInfo sql,
									 const PgmSchemaObject *sequence,
									 bool type);

/* retype.c: are values of the attribute's type in a column that stays? */
extern bool pgm_diff_is_stored(const PgmDiff *diff,
							   const PgmSchemaObject *attribute);

/*
 * rows.c: of a composite type, from here on one that is made anew.  Would its
 * attributes have another order than they are to have, if it was altered?
 */
extern bool pgm_diff_moves_attributes(const PgmPair *type);

/* What its rows had and are to have, before it is set aside. */
extern void pgm_ddl_fit_attributes(PgmDiff *diff, const PgmPair *type);
extern void pgm_ddl_create_rows(PgmDiff *diff, const PgmPair *type);
extern void pgm_ddl_drop_rows(PgmDiff *diff, const PgmPair *type);

/* " USING ..." of a column where text is no way; else NULL. */
extern char *pgm_ddl_row_using(const PgmDiff *diff, const PgmPair *column);
extern const char *pgm_ddl_lost_in_rows(const PgmDiff *diff, const char *type);

/*
 * inherit.c: a partition leaves what is made again, lest its rows go along,
 * and keys that rows of it are referenced by go before it leaves.
 */
extern bool pgm_diff_leaves(const PgmPair *table);
extern bool pgm_diff_leaves_and_joins(const PgmPair *table);
extern List *pgm_diff_keys_to(const PgmDiff *diff, const PgmPair *partition);

/* Does the table of this part leave or join a parent? */
extern bool pgm_ddl_changes_parents(const PgmDiff *diff,
									const PgmSchemaObject *part);
extern void pgm_ddl_leave_parents(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_join_parents(PgmDiff *diff, PgmPair *pair);

/*
 * The table of a column or constraint that goes, with ONLY where those who
 * have it from there keep it.
 */
extern const char *pgm_ddl_above(const PgmDiff *diff,
								 const PgmSchemaObject *part);

/* The table of a column, with ONLY where it has children of its own then. */
extern const char *pgm_ddl_alone(const PgmDiff *diff,
								 const PgmSchemaObject *part);

/* What a table has from its parents and by itself: pairs, as integers. */
extern List *pgm_ddl_same_above(const PgmDiff *diff,
								const PgmSchemaObject *part);

/* Is it made when the rows that it refers to are attached? */
extern bool pgm_ddl_is_late_key(const PgmDiff *diff, const PgmPair *pair);

/* A constraint that is valid where its parent's, which made it, is not. */
extern void pgm_ddl_validate_below(PgmDiff *diff, const PgmPair *pair);

/* index.c: indexes, and the constraints that have one. */
extern bool pgm_ddl_is_handed_down(const PgmDiff *diff, const PgmPair *pair);

/* Is it made when all partitions are attached? */
extern bool pgm_ddl_is_late_index(const PgmDiff *diff, const PgmPair *pair);
extern void pgm_ddl_attach_to_late(PgmDiff *diff, const PgmPair *pair);
extern void pgm_ddl_create_index(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_drop_index(PgmDiff *diff, const PgmPair *pair);
extern void pgm_ddl_alter_index(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_finish_index(PgmDiff *diff, PgmPair *pair, bool created);
extern void pgm_ddl_add_constraint(PgmDiff *diff, PgmPair *pair);

/* cast.c: can a value of one type become one of another by a cast? */
extern bool pgm_ddl_can_cast(const PgmDiff *diff, const char *from,
							 const char *to);

/* Does an assignment do it, which refuses what a cast would cut short? */
extern bool pgm_ddl_is_assigned(const char *from, const char *to);

/*
 * The type that a value is to be cast to, for a column whose type an explicit
 * cast would cut it for, be it by a domain; empty where an assignment does
 * it, NULL for all others.
 */
extern const char *pgm_ddl_uncut(const PgmDiff *diff, const char *from,
								 const char *to);

/* What values are of: without brackets, arrays and domains. */
extern const char *pgm_ddl_stored_type(const PgmSchema *schema,
									   const char *type);

/* lossy.c: what is lost without an error, or NULL */
extern const char *pgm_ddl_lost(const PgmDiff *diff, const char *from,
								const char *to);

/* defined.c */
extern bool pgm_ddl_create_defined(PgmDiff *diff, PgmPair *pair);
extern bool pgm_ddl_alter_defined(PgmDiff *diff, PgmPair *pair);
extern const char *pgm_ddl_options(const PgmSchemaObject *object);
extern void pgm_ddl_alter_options(PgmDiff *diff, const PgmPair *pair,
								  const char *before);

/* As COMMENT ON, ALTER and DROP want it; NULL if there is none. */
extern char *pgm_ddl_address(const PgmSchemaObject *object);

/* privileges.c: of default privileges where nobody tells of privileges. */
extern bool pgm_ddl_comes_with_schema(const PgmDiff *diff,
									  const PgmPair *pair);

#endif							/* PGM_DIFF_PARTS_H */
