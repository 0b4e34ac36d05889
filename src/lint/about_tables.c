/*-------------------------------------------------------------------------
 *
 * about_tables.c
 *	  Rules about ALTER TABLE.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "strategy/names.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/spi_list.h"
#include "classify/rewrite_scan.h"
#include "compat/command.h"
#include "compat/constraint.h"
#include "compat/parse.h"
#include "compat/server.h"
#include "lint/hint.h"
#include "lint/internal.h"

static PgmQuery identity_query = {
	"SELECT CASE WHEN i.indisprimary THEN format("
	"'ALTER TABLE %s REPLICA IDENTITY DEFAULT;', $1::regclass) ELSE format("
	"'ALTER TABLE %s REPLICA IDENTITY USING INDEX %I;', $1::regclass, "
	"c.relname) END FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
	"WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid "
	"AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL "
	"AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = $1 "
	"AND a.attnum = ANY (i.indkey) AND NOT a.attnotnull) "
	"ORDER BY i.indisprimary DESC, c.relname LIMIT 1",
	1, {OIDOID}
};

static void
lint_add_key(PgmLint *lint, Constraint *constraint)
{
	bool		primary = constraint->contype == CONSTR_PRIMARY;

	/* the partitions may have theirs already */
	if (lint->effect->relkind == RELKIND_PARTITIONED_TABLE &&
		lint->verdict->tried && pgm_lint_scans(lint) == PGM_FALSE)
		return;
	if (constraint->indexname == NULL)
	{
		pgm_lint_add(lint, primary ? "pk-builds-index" : "unique-builds-index",
					 psprintf("the index is built while %s is locked for reads and writes", lint->name),
					 NULL);
		return;
	}
	if (!primary || pgm_lint_scans(lint) != PGM_TRUE)
		return;
	pgm_lint_add(lint, "pk-sets-not-null",
				 psprintf("columns of the key of %s may be null: all rows are read", lint->name),
				 pstrdup("Prove that they are not null by a validated CHECK first."));
}

/* Or are some of them made by the statement? */
static bool
are_there(Oid relid, List *columns)
{
	ListCell   *lc;

	foreach(lc, columns)
	{
		if (get_attnum(relid, strVal(lfirst(lc))) == InvalidAttrNumber)
			return false;
	}
	return true;
}

/* An index for the foreign key, unless it is there or comes. */
void
pgm_lint_key_index(PgmLint *lint, List *columns)
{
	const char *names = pgm_name_list(columns);

	if (pgm_lint_has_index_on(lint->effect->relid, columns) ||
		pgm_lint_index_follows(lint, lint->effect->name, columns))
		return;
	pgm_lint_add(lint, "fk-without-index",
				 psprintf("no index begins with the columns (%s) of %s", names, lint->name),
				 !are_there(lint->effect->relid, columns) ?
				 psprintf("Build one on (%s) CONCURRENTLY, in a revision of its own after this one.", names) :
				 lint->effect->relkind == RELKIND_PARTITIONED_TABLE ?
				 psprintf("-- pgmigrate: online\nCREATE INDEX ON %s (%s);", lint->name, names) :
				 psprintf("CREATE INDEX CONCURRENTLY ON %s (%s);", lint->name, names));
}

static void
lint_add_constraint(PgmLint *lint, Constraint *constraint)
{
	const char *column = pgm_not_null_column(constraint);

	if (pgm_constraint_is_unenforced(constraint))
		pgm_lint_add(lint, "not-enforced",
					 psprintf("the server does not hold rows of %s against the constraint", lint->name),
					 pstrdup("Enforce it: NOT VALID spares the old rows, and can be validated later."));
	if (column != NULL && pgm_constraint_is_checked(constraint))
		pgm_lint_set_not_null_finding(lint, column);
	switch (constraint->contype)
	{
		case CONSTR_CHECK:
			if (pgm_constraint_is_checked(constraint))
				pgm_lint_add(lint, "check-inline",
							 psprintf("all rows of %s are read to validate the CHECK", lint->name),
							 NULL);
			break;
		case CONSTR_FOREIGN:
			if (pgm_constraint_is_checked(constraint) &&
				pgm_lint_scans(lint) != PGM_FALSE)
				pgm_lint_add(lint, "fk-inline",
							 psprintf("writes to %s and %s are blocked while both are read", lint->name,
									  pgm_lint_qualified(constraint->pktable)),
							 NULL);
			pgm_lint_key_index(lint, constraint->fk_attrs);
			break;
		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
			lint_add_key(lint, constraint);
			break;
		case CONSTR_EXCLUSION:
			pgm_lint_add(lint, "exclusion",
						 psprintf("the index is built while %s is locked for reads and writes", lint->name),
						 pstrdup("There is no concurrent form: do it while the table is small, or while nobody needs it."));
			break;
		default:
			break;
	}
}

/* The part of this ALTER TABLE that adds a primary key, or NULL. */
static Constraint *
added_key(const PgmLint *lint)
{
	ListCell   *lc;

	foreach(lc, castNode(AlterTableStmt, lint->stmt)->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AddConstraint &&
			castNode(Constraint, cmd->def)->contype == CONSTR_PRIMARY)
			return castNode(Constraint, cmd->def);
	}
	return NULL;
}

static void
lint_drop_key(PgmLint *lint, const AlterTableCmd *cmd)
{
	const Constraint *added = added_key(lint);

	if (added == NULL)
		pgm_lint_add(lint, "drop-primary-key",
					 psprintf("%s is left without its primary key", lint->name),
					 pstrdup("Build the index of the new key CONCURRENTLY, and take it USING INDEX in the ALTER TABLE that drops the old one."));
	else if (added->indexname == NULL)	/* or it is the safe form itself */
		pgm_lint_add(lint, "redefine-pk",
					 psprintf("the primary key of %s is dropped and made again", lint->name),
					 NULL);
}

static void
lint_drop_constraint(PgmLint *lint, AlterTableCmd *cmd)
{
	char		kind = '\0';
	Oid			other = InvalidOid;

	if (!pgm_lint_constraint(lint->effect->relid, cmd->name, &kind, &other))
		return;
	switch (kind)
	{
		case CONSTRAINT_FOREIGN:
			pgm_lint_add(lint, "drop-fk",
						 psprintf("reads and writes of both %s and %s are blocked", lint->name,
								  pgm_lint_relation(other)),
						 pstrdup("Do it in a revision of its own."));
			break;
		case CONSTRAINT_CHECK:
			if (pgm_lint_check_is_needless(lint, cmd->name))
				break;
			pgm_lint_add(lint, "drop-check",
						 psprintf("%s no longer refuses what constraint %s did", lint->name,
								  quote_identifier(cmd->name)),
						 pstrdup("Make sure that nobody relies on it."));
			break;
		case CONSTRAINT_PRIMARY:
			lint_drop_key(lint, cmd);
			break;
		case CONSTRAINT_UNIQUE:
		case CONSTRAINT_EXCLUSION:
			pgm_lint_add(lint, "drop-unique",
						 psprintf("%s takes duplicates that constraint %s refused, and loses its index", lint->name,
								  quote_identifier(cmd->name)),
						 pstrdup("Make sure that no ON CONFLICT and no query needs it."));
			break;
		default:
			break;
	}
}

static void
lint_options(PgmLint *lint, List *options)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "autovacuum_enabled") == 0 &&
			option->arg != NULL && !defGetBoolean(option))
			pgm_lint_add(lint, "autovacuum-off",
						 psprintf("%s is no longer vacuumed", lint->name),
						 psprintf("ALTER TABLE %s SET (autovacuum_vacuum_scale_factor = 0.01);", lint->name));
	}
}

/* An identity for logical replication that costs nothing. */
static char *
identity_form(const PgmLint *lint)
{
	Datum		value = ObjectIdGetDatum(lint->effect->relid);
	char	   *form = pgm_spi_one_text(&identity_query, &value);

	return form ? form :
		psprintf("Give %s a primary key.", lint->name);
}

/* Parts of ALTER TABLE that are about the table as a whole. */
static void
lint_whole_table(PgmLint *lint, AlterTableCmd *cmd)
{
	switch (cmd->subtype)
	{
		case AT_SetLogged:
		case AT_SetUnLogged:
			if (pgm_lint_rewrites(lint) == PGM_TRUE)
				pgm_lint_add(lint, "set-logged",
							 psprintf("%s and its indexes are rewritten",
									  lint->name),
							 pstrdup("Say LOGGED or UNLOGGED when a table is made."));
			break;
		case AT_SetTableSpace:
			if (pgm_lint_rewrites(lint) == PGM_TRUE)
				pgm_lint_add(lint, "set-tablespace",
							 psprintf("%s is copied while it is locked", lint->name),
							 pgm_lint_online(lint));
			break;
		case AT_DisableTrig:
		case AT_DisableTrigAll:
		case AT_DisableTrigUser:
			pgm_lint_add(lint, "disable-trigger",
						 psprintf("%s no longer acts on %s",
								  cmd->subtype == AT_DisableTrig ? psprintf("trigger %s", quote_identifier(cmd->name)) :
								  cmd->subtype == AT_DisableTrigAll ? "no trigger and no foreign key" : "no trigger of users",
								  lint->name),
						 pstrdup("Enable it again in the same revision, or leave it on."));
			break;
		case AT_DropExpression:
			pgm_lint_add(lint, "drop-expression",
						 psprintf("nobody computes column %s of %s any more", quote_identifier(cmd->name), lint->name),
						 pstrdup("Deploy applications that write it first."));
			break;
		case AT_EnableRowSecurity:
		case AT_DisableRowSecurity:
		case AT_ForceRowSecurity:
		case AT_NoForceRowSecurity:
			pgm_lint_add(lint, "authz-update",
						 psprintf("who sees which rows of %s changes at commit", lint->name),
						 pstrdup("Review it with those who own the data."));
			break;
		case AT_ReplicaIdentity:
			{
				char		type =
					castNode(ReplicaIdentityStmt, cmd->def)->identity_type;

				if (type == REPLICA_IDENTITY_FULL ||
					type == REPLICA_IDENTITY_NOTHING)
					pgm_lint_add(lint, "replica-identity",
								 type == REPLICA_IDENTITY_FULL ?
								 psprintf("each change of %s logs the whole old row", lint->name) :
								 psprintf("UPDATE and DELETE of %s fail while it is published", lint->name),
								 identity_form(lint));
				break;
			}
		case AT_SetRelOptions:
			lint_options(lint, castNode(List, cmd->def));
			break;
		case AT_AttachPartition:
		case AT_DetachPartition:
			pgm_lint_partition(lint, cmd);
			break;
		default:
			if (pgm_is_set_access_method(cmd) &&
				pgm_lint_rewrites(lint) != PGM_FALSE &&
				pgm_changes_access_method(lint->effect->relid, cmd))
				pgm_lint_add(lint, "set-access-method",
							 psprintf("%s and its indexes are rewritten", lint->name),
							 pstrdup("Make a new table with it, and move the rows over."));
			else if (pgm_is_set_expression(cmd) &&
					 pgm_lint_part_rewrites(lint, cmd))
				pgm_lint_add(lint, "set-expression",
							 psprintf("column %s of %s is computed anew: all rows and indexes are rewritten",
									  quote_identifier(cmd->name), lint->name),
							 pstrdup("Add a column with the new expression, and move the readers over."));
			break;
	}
}

void
pgm_lint_set_not_null_finding(PgmLint *lint, const char *column)
{
	if (pgm_lint_scans(lint) != PGM_FALSE)
		pgm_lint_add(lint, "set-not-null",
					 psprintf("all rows of %s are read to find nulls in %s", lint->name,
							  quote_identifier(column)),
					 NULL);
}

/* The column goes, and what fills it must not fail before. */
static void
lint_drop_column(PgmLint *lint, AlterTableCmd *cmd)
{
	const char *column = quote_identifier(cmd->name);
	List	   *self = list_make1(makeString(cmd->name));
	AttrNumber	attnum = get_attnum(lint->effect->relid, cmd->name);

	if (attnum == InvalidAttrNumber && cmd->missing_ok)
		return;
	pgm_lint_add(lint, "drop-column",
				 psprintf("the data of column %s of %s is gone, and statements that name it fail", column, lint->name),
				 attnum != InvalidAttrNumber &&
				 pgm_lint_must_be_filled(lint->effect->relid, attnum) &&
				 pgm_lint_nullable(lint->effect->relid, self) == NIL ?
				 psprintf("ALTER TABLE %s ALTER COLUMN %s DROP NOT NULL;\n"
						  "-- in a later revision, when no application names it:\n"
						  "ALTER TABLE %s DROP COLUMN %s;",
						  lint->name, column, lint->name, column) :
				 pstrdup("Deploy applications that do not use it first."));
	if (cmd->behavior == DROP_CASCADE)
		pgm_lint_cascade(lint, NULL);
	else
		pgm_lint_views(lint, cmd->name, false);
}

static void
lint_alter(PgmLint *lint, AlterTableCmd *cmd)
{
	const char *column = cmd->name ? quote_identifier(cmd->name) : "";

	switch (cmd->subtype)
	{
		case AT_AddColumn:
			pgm_lint_add_column(lint, cmd);
			break;
		case AT_AlterColumnType:
			pgm_lint_type_change(lint, cmd);
			break;
		case AT_AddConstraint:
			lint_add_constraint(lint, castNode(Constraint, cmd->def));
			break;
		case AT_DropConstraint:
			lint_drop_constraint(lint, cmd);
			break;
		case AT_SetNotNull:
			pgm_lint_set_not_null_finding(lint, cmd->name);
			break;
		case AT_DropNotNull:
			/* it may be null already, or is a column of this revision's */
			if (pgm_lint_nullable(lint->effect->relid,
								  list_make1(makeString(cmd->name))) != NIL)
				break;
			pgm_lint_add(lint, "drop-not-null",
						 psprintf("readers of %s may meet nulls in %s", lint->name, column),
						 pstrdup("Deploy readers that can bear nulls first."));
			break;
		case AT_DropColumn:
			lint_drop_column(lint, cmd);
			break;
		case AT_ColumnDefault:
			pgm_lint_add(lint, "change-default",
						 psprintf("the default of column %s of %s changes for new rows", column, lint->name),
						 pstrdup("Deploy applications that do not rely on the old one first."));
			break;
		default:
			lint_whole_table(lint, cmd);
			break;
	}
}

void
pgm_lint_table(PgmLint *lint)
{
	AlterTableStmt *stmt;
	ListCell   *lc;

	if (!IsA(lint->stmt, AlterTableStmt) || lint->effect == NULL)
		return;
	stmt = castNode(AlterTableStmt, lint->stmt);
	if (pgm_alter_table_kind(stmt) != OBJECT_TABLE)
	{
		foreach(lc, stmt->cmds)
		{
			AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

			if (cmd->subtype == AT_SetTableSpace)
				lint_whole_table(lint, cmd);
		}
		return;
	}
	foreach(lc, stmt->cmds)
		lint_alter(lint, lfirst_node(AlterTableCmd, lc));
}
