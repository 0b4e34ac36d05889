/*-------------------------------------------------------------------------
 *
 * misfit.c
 *	  What of a copy does not fit the new types of its columns.
 *
 * Where a column becomes another type the server makes again what goes by the
 * column.  Of what it cannot make it says what is wrong with it, "operator does
 * not exist", but not which one it is.  So all of them are dropped before the
 * statement, and made after it one by one, from the same commands that the
 * server uses.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/value.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"

#include "base/spi_list.h"
#include "base/transaction.h"
#include "clone/clone.h"
#include "clone/misfit.h"

/*
 * What goes by columns $2 of table $1, and of its partitions and children,
 * but what follows from the same of another table: what it is, its name if it
 * is a constraint, what drops it and what makes it.  A copy has its statistics
 * objects under other names.
 */
static PgmQuery dependents_query = {
	"WITH RECURSIVE t (oid) AS (SELECT $1 UNION SELECT i.inhrelid "
	"FROM t JOIN pg_inherits i ON i.inhparent = t.oid), "
	"d AS (SELECT DISTINCT d.classid, d.objid, t.oid AS relid FROM t "
	"JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname::text = ANY ($2) "
	"JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass "
	"AND d.refobjid = t.oid AND d.refobjsubid = a.attnum), "
	"k AS (SELECT DISTINCT k.oid, k.conname, k.conrelid FROM d "
	"JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass "
	"AND k.oid = d.objid AND k.contype = 'c' "
	"OR k.contype IN ('p', 'u', 'x') AND (d.classid = 'pg_class'::regclass "
	"AND k.conindid = d.objid OR d.classid = 'pg_constraint'::regclass "
	"AND k.oid = d.objid) "
	"WHERE k.conrelid = d.relid AND k.coninhcount = 0 AND k.conparentid = 0) "
	"SELECT format('constraint \"%s\"', conname), conname::text, "
	"format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', conrelid::regclass, "
	"conname), format('ALTER TABLE %s ADD CONSTRAINT %I %s', "
	"conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM k "
	"UNION ALL SELECT format('index \"%s\"', c.relname), NULL, "
	"format('DROP INDEX %s CASCADE', c.oid::regclass), pg_get_indexdef(c.oid) "
	"FROM d JOIN pg_class c ON c.oid = d.objid "
	"WHERE d.classid = 'pg_class'::regclass AND c.relkind IN ('i', 'I') "
	"AND NOT c.relispartition AND NOT EXISTS (SELECT FROM pg_constraint k "
	"WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')) "
	"UNION ALL SELECT 'statistics object on ' "
	"|| pg_get_statisticsobjdef_columns(s.oid), NULL, "
	"format('DROP STATISTICS %I.%I', n.nspname, s.stxname), "
	"pg_get_statisticsobjdef(s.oid) FROM d "
	"JOIN pg_statistic_ext s ON s.oid = d.objid "
	"JOIN pg_namespace n ON n.oid = s.stxnamespace "
	"WHERE d.classid = 'pg_statistic_ext'::regclass ORDER BY 1",
	2, {OIDOID, TEXTARRAYOID}
};

typedef struct Dependent
{
	char	   *what;
	char	   *constraint;		/* NULL if it is none */
	char	   *drop;
	char	   *make;
} Dependent;

typedef struct Search
{
	Oid			relid;
	const AlterTableStmt *stmt;
	const char *text;
	char	   *found;
	ErrorData  *reason;
} Search;

static void *
make_dependent(uint64 row)
{
	Dependent  *result = palloc(sizeof(Dependent));

	result->what = pgm_spi_text(row, 1);
	result->constraint = pgm_spi_text(row, 2);
	result->drop = pgm_spi_text(row, 3);
	result->make = pgm_spi_text(row, 4);
	return result;
}

List *
pgm_altered_types(const AlterTableStmt *stmt)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AlterColumnType)
			result = lappend(result, makeString(pstrdup(cmd->name)));
	}
	return result;
}

static void
run(void *arg)
{
	const char *command = arg;

	pgm_clones_utility(linitial_node(RawStmt, pg_parse_query(command))->stmt,
					   command);
}

/* What it does to constraints is not asked for, and some are away by now. */
static AlterTableStmt *
without_constraints(const AlterTableStmt *stmt)
{
	AlterTableStmt *result = copyObject(unconstify(AlterTableStmt *, stmt));
	ListCell   *lc;

	foreach(lc, result->cmds)
	{
		switch (lfirst_node(AlterTableCmd, lc)->subtype)
		{
			case AT_AddConstraint:
			case AT_DropConstraint:
			case AT_ValidateConstraint:
				result->cmds = foreach_delete_current(result->cmds, lc);
				break;
			default:
				break;
		}
	}
	return result;
}

static bool
is_dropped(const AlterTableStmt *stmt, const Dependent *dependent)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_DropConstraint &&
			dependent->constraint != NULL &&
			strcmp(cmd->name, dependent->constraint) == 0)
			return true;
	}
	return false;
}

static void
search(void *arg)
{
	Search	   *task = arg;
	Datum		values[2] = {ObjectIdGetDatum(task->relid),
	pgm_names_datum(pgm_altered_types(task->stmt))};
	List	   *dependents = pgm_spi_list(&dependents_query, values, NULL,
										  make_dependent);
	ListCell   *lc;

	foreach(lc, dependents)
		run(((Dependent *) lfirst(lc))->drop);
	pgm_clones_utility((Node *) without_constraints(task->stmt), task->text);
	foreach(lc, dependents)
	{
		const Dependent *dependent = lfirst(lc);

		if (is_dropped(task->stmt, dependent))
			continue;
		task->reason = pgm_txn_try(run, dependent->make);
		if (task->reason == NULL)
			continue;
		task->found = dependent->what;
		break;
	}
}

char *
pgm_find_misfit(Oid relid, const AlterTableStmt *stmt, const char *text,
				ErrorData **reason)
{
	Search		task = {relid, stmt, text};
	int			guc_level = NewGUCNestLevel();

	/* what it drops on the way is nobody's */
	(void) set_config_option("client_min_messages", "error",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	/* an error is that of the statement, and of nothing that goes by it */
	(void) pgm_txn_look(search, &task);
	AtEOXact_GUC(true, guc_level);
	*reason = task.reason;
	return task.found;
}
