/*-------------------------------------------------------------------------
 *
 * lint_private.h
 *	  What the files of rules share.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/lint_private.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_LINT_PRIVATE_H
#define PGM_LINT_PRIVATE_H

#include "lint.h"

/* A statement in judgement. */
typedef struct PgmLint
{
	PgmJudged  *judged;
	PgmVerdict *verdict;
	Node	   *stmt;
	PgmLintPast *past;
	PgmTouch   *touch;			/* the relation it is about, or NULL */
	const char *name;			/* of that relation, quoted */
} PgmLint;

extern void pgm_lint_table(PgmLint *lint);	/* ALTER TABLE */
extern void pgm_lint_index(PgmLint *lint);	/* indexes, storage */
extern void pgm_lint_object(PgmLint *lint); /* the other statements */
extern void pgm_lint_flow(PgmLint *lint);	/* several statements */
extern void pgm_lint_flow_remember(PgmLint *lint);
extern void pgm_lint_room(PgmLint *lint);	/* for all its locks */
extern void pgm_lint_room_remember(PgmLint *lint);

/* What CASCADE takes along: views, and with "columns" columns of tables. */
extern void pgm_lint_cascade(PgmLint *lint, bool columns);

/* A finding about the relation of the statement. */
extern void pgm_lint_add(PgmLint *lint, const char *rule, char *message,
						 char *hint);

/* Reads of the catalog. */
extern List *pgm_lint_views_on(Oid relid, const char *column);
extern bool pgm_lint_constraint(Oid relid, const char *name, char *kind,
								Oid *other);
extern bool pgm_lint_has_index_on(Oid relid, List *columns);
extern bool pgm_lint_index_is_invalid(Oid relid);
extern bool pgm_lint_type_in_use(Oid type);
extern bool pgm_lint_domain_has_constraints(Oid type);

/* Is any row of the relation, or of what is below it, rewritten or read? */
extern PgmTristate pgm_lint_rewrites(const PgmLint *lint);
extern PgmTristate pgm_lint_scans(const PgmLint *lint);

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

/* name_label, cut to what a name can be long, and quoted. */
extern const char *pgm_lint_new_name(const char *name, const char *label);

/* Names joined by commas, quoted. */
extern char *pgm_lint_names(List *names);

/* The type that a column definition means, or InvalidOid. */
extern Oid	pgm_lint_type(const TypeName *name);

#endif							/* PGM_LINT_PRIVATE_H */
