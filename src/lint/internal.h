/*-------------------------------------------------------------------------
 *
 * internal.h
 *	  What the files of rules share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_LINT_INTERNAL_H
#define PGM_LINT_INTERNAL_H

#include "access/attnum.h"

#include "base/spi_list.h"
#include "lint/lint.h"

/* A statement in judgement. */
typedef struct PgmLint
{
	PgmJudged  *judged;
	PgmVerdict *verdict;
	Node	   *stmt;
	PgmLintPast *past;
	PgmEffect  *effect;			/* the relation it is about, or NULL */
	const char *name;			/* of that relation, quoted */
} PgmLint;

/* The GRANT that lets the current role run the statement, or NULL. */
extern char *pgm_lint_privilege(const PgmLint *lint);
extern bool pgm_lint_is_code(const PgmLint *lint);

extern void pgm_lint_table(PgmLint *lint);	/* ALTER TABLE */
extern void pgm_lint_index(PgmLint *lint);	/* indexes, storage */
extern void pgm_lint_object(PgmLint *lint); /* the other statements */
extern void pgm_lint_way_back(PgmLint *lint);	/* of online changes */
extern void pgm_lint_rows(PgmLint *lint);	/* queries that change rows */
extern void pgm_lint_flow(PgmLint *lint);	/* several statements */
extern void pgm_lint_flow_remember(PgmLint *lint);
extern void pgm_lint_name(PgmLint *lint);
extern void pgm_lint_name_remember(PgmLint *lint);
extern void pgm_lint_code(PgmLint *lint);
extern void pgm_lint_setting_remember(PgmLint *lint,
									  const VariableSetStmt *set);
extern void pgm_lint_concurrent_build(PgmLint *lint);
extern void pgm_lint_foreign(PgmLint *lint);
extern void pgm_lint_citus(PgmLint *lint);
extern void pgm_lint_citus_remember(PgmLint *lint);
extern void pgm_lint_room(PgmLint *lint);	/* for all its locks */
extern void pgm_lint_room_remember(PgmLint *lint);

/* New tables and columns, also of tables that only we have. */
extern void pgm_lint_create_table(PgmLint *lint, CreateStmt *create);
extern void pgm_lint_new_columns(PgmLint *lint, AlterTableStmt *stmt);

/* Parts of ALTER TABLE. */
extern void pgm_lint_add_column(PgmLint *lint, AlterTableCmd *cmd);
extern void pgm_lint_type_change(PgmLint *lint, AlterTableCmd *cmd);
extern void pgm_lint_partition(PgmLint *lint, AlterTableCmd *cmd);
extern void pgm_lint_set_not_null_finding(PgmLint *lint, const char *column);
extern void pgm_lint_key_index(PgmLint *lint, List *columns);

/* Is this part why the table is rewritten? */
extern bool pgm_lint_part_rewrites(const PgmLint *lint,
								   const AlterTableCmd *cmd);

/* Partitions that are made, or dropped. */
extern void pgm_lint_partition_of(PgmLint *lint, const CreateStmt *create);
extern void pgm_lint_dropped_partition(PgmLint *lint, Oid relid);

/*
 * What CASCADE takes along: views, and with "drop", which drops types, columns
 * of tables.
 */
extern void pgm_lint_cascade(PgmLint *lint, const DropStmt *drop);

/* The views that need a column, which goes, or "stays" as another type. */
extern void pgm_lint_views(PgmLint *lint, const char *column, bool stays);

/* A finding about the relation of the statement. */
extern void pgm_lint_add(PgmLint *lint, const char *rule, char *message,
						 char *hint);

/* Reads of the catalog. */
extern bool pgm_lint_constraint(Oid relid, const char *name, char *kind,
								Oid *other);
extern bool pgm_lint_has_index_on(Oid relid, List *columns);
extern bool pgm_lint_index_is_invalid(Oid relid);
extern bool pgm_lint_type_in_use(Oid type);
extern bool pgm_lint_domain_has_constraints(Oid type);

/* Those of the columns that may be null. */
extern List *pgm_lint_nullable(Oid relid, List *columns);
extern bool pgm_lint_must_be_filled(Oid relid, AttrNumber attnum);

/* With its length and collation. */
extern char *pgm_lint_column_type(Oid relid, AttrNumber attnum);

/*
 * What else the source does to relations of this name, wherever they are: adds
 * a primary key, an index on the columns, a view after this statement.
 */
extern List *pgm_lint_statements_on(PgmLint *lint, const char *name);
extern Node *pgm_lint_statement_at(const PgmLint *lint, int n);
extern bool pgm_lint_key_follows(PgmLint *lint, const char *name);
extern bool pgm_lint_index_follows(PgmLint *lint, const char *name,
								   List *columns);
extern bool pgm_lint_view_follows(PgmLint *lint, const char *name);
extern int	pgm_lint_dropped_before(PgmLint *lint, const char *name);

/* A CHECK of the relation: is what it says said by something else too? */
extern bool pgm_lint_check_is_needless(const PgmLint *lint,
									   const char *name);

/* Is any row of the relation, or of what is below it, rewritten or read? */
extern PgmTristate pgm_lint_rewrites(const PgmLint *lint);
extern PgmTristate pgm_lint_scans(const PgmLint *lint);

/* The type that a column definition means, or InvalidOid. */
extern Oid	pgm_lint_type(const TypeName *name);

#endif							/* PGM_LINT_INTERNAL_H */
