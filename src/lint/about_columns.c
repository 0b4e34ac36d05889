/*-------------------------------------------------------------------------
 *
 * about_columns.c
 *	  Rules about columns that are added or that get another type.
 *
 * A statement may have several parts, and its verdict says of the table only
 * that one of them rewrites or reads it.  Which one does is told here, by the
 * part's own text and by the catalog; if none can be told, all are named.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "parser/parse_coerce.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "base/spi_list.h"
#include "classify/rewrite_scan.h"
#include "compat/constraint.h"
#include "compat/parse.h"
#include "compat/server.h"
#include "lint/hint.h"
#include "lint/internal.h"
#include "online/mapping_proof.h"
#include "sql/set_statement.h"
#include "strategy/columns.h"

static PgmQuery volatile_query = {
	"SELECT EXISTS (SELECT FROM pg_proc WHERE proname = $1 "
	"AND provolatile = 'v')",
	1, {TEXTOID}
};

/* The CHECK constraints that mention a column, dropped and made again. */
static PgmQuery checks_query = {
	"SELECT string_agg(format('DROP CONSTRAINT %I', k.conname), ', ' "
	"ORDER BY k.conname) || ', ' || $3 || ', ' || string_agg(format("
	"'ADD CONSTRAINT %I %s NOT VALID', k.conname, regexp_replace("
	"pg_get_constraintdef(k.oid), ' NOT VALID$', '')), ', ' "
	"ORDER BY k.conname) || E';\n-- in a later revision:' || string_agg("
	"format(E'\nALTER TABLE %s VALIDATE CONSTRAINT %I;', $1::regclass, "
	"k.conname), '' ORDER BY k.conname) "
	"FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid "
	"AND a.attnum = ANY (k.conkey) "
	"WHERE k.conrelid = $1 AND k.contype = 'c' AND a.attname = $2",
	3, {OIDOID, TEXTOID, TEXTOID}
};

static PgmQuery indexed_query = {
	"SELECT EXISTS (SELECT FROM pg_index i JOIN pg_attribute a "
	"ON a.attrelid = i.indrelid WHERE i.indrelid = $1 AND a.attname = $2 "
	"AND (a.attnum = ANY (i.indkey) OR 0 = ANY (i.indkey) "
	"OR i.indpred IS NOT NULL))",
	2, {OIDOID, TEXTOID}
};

static Constraint *
column_constraint(const ColumnDef *column, ConstrType kind)
{
	ListCell   *lc;

	foreach(lc, column->constraints)
	{
		if (IsA(lfirst(lc), Constraint) &&
			lfirst_node(Constraint, lc)->contype == kind)
			return lfirst(lc);
	}
	return NULL;
}

/* As it is written: the type, its length and all. */
static const char *
type_text(const PgmLint *lint, const TypeName *name)
{
	const char *text = pgm_lint_clause(lint, name->location);

	return text ? text : TypeNameToString(name);
}

/* DEFAULT and what it is; NULL if there is none, or NULL is it. */
static const char *
default_text(const PgmLint *lint, const ColumnDef *column)
{
	Constraint *constraint =
		column_constraint(column, CONSTR_DEFAULT);
	const char *text;

	if (constraint == NULL)
		return NULL;
	text = pgm_lint_clause_after(lint, constraint->location, "default");
	return text == NULL ? NULL : psprintf("DEFAULT %s", text);
}

/* ALTER TABLE … ADD COLUMN with its type and collation, and a default. */
static void
plain_column(StringInfo buf, const PgmLint *lint, const ColumnDef *column,
			 const char *type, const char *with_default)
{
	const char *collation = column->collClause == NULL ? NULL :
		pgm_lint_clause_after(lint, column->collClause->location, "collate");

	appendStringInfo(buf, "ALTER TABLE %s ADD COLUMN %s %s%s%s%s%s;",
					 lint->name, quote_identifier(column->colname), type,
					 collation ? " COLLATE " : "", collation ? collation : "",
					 with_default ? " " : "",
					 with_default ? with_default : "");
}

/* ---- which part rewrites */

static bool
calls_volatile(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncCall))
	{
		Datum		name =
			pgm_text_datum(strVal(llast(castNode(FuncCall, node)->funcname)));

		if (pgm_spi_one_bool(&volatile_query, &name))
			return true;
	}
	return pgm_walk_raw(node, calls_volatile, context);
}

static bool
column_rewrites(const ColumnDef *column)
{
	Constraint *generated =
		column_constraint(column, CONSTR_GENERATED);
	Constraint *def = column_constraint(column, CONSTR_DEFAULT);

	return pgm_serial_type(column->typeName) != NULL ||
		column_constraint(column, CONSTR_IDENTITY) != NULL ||
		(generated != NULL && !pgm_generated_is_virtual(generated)) ||
		pgm_lint_domain_has_constraints(pgm_lint_type(column->typeName)) ||
		(def != NULL && calls_volatile(def->raw_expr, NULL));
}

/* Are the old values also values of the new type, bit by bit? */
static bool
is_free_change(Oid from, int32 from_typmod, Oid to, int32 to_typmod)
{
	if (from == to)
	{
		if (to_typmod < 0 || to_typmod == from_typmod)
			return true;
		if (to == NUMERICOID)
			return from_typmod >= 0 && to_typmod > from_typmod &&
				((to_typmod - VARHDRSZ) & 0x7ff) ==
				((from_typmod - VARHDRSZ) & 0x7ff);
		return to != BPCHAROID && from_typmod >= 0 && to_typmod > from_typmod;
	}
	return to_typmod < 0 && IsBinaryCoercible(from, to) &&
		!pgm_lint_domain_has_constraints(to);
}

static bool
type_change_rewrites(const PgmLint *lint, const AlterTableCmd *cmd)
{
	ColumnDef  *column = castNode(ColumnDef, cmd->def);
	AttrNumber	attnum = get_attnum(lint->effect->relid, cmd->name);
	Oid			to;
	int32		to_typmod;
	Oid			from;
	int32		from_typmod;
	Oid			collation;

	if (column->raw_default != NULL || attnum == InvalidAttrNumber ||
		!OidIsValid(pgm_lint_type(column->typeName)))
		return true;
	typenameTypeIdAndMod(NULL, column->typeName, &to, &to_typmod);
	get_atttypetypmodcoll(lint->effect->relid, attnum, &from, &from_typmod,
						  &collation);
	return !is_free_change(from, from_typmod, to, to_typmod);
}

static bool
part_rewrites(const PgmLint *lint, const AlterTableCmd *cmd)
{
	switch (cmd->subtype)
	{
		case AT_AddColumn:
			return column_rewrites(castNode(ColumnDef, cmd->def));
		case AT_AlterColumnType:
			return type_change_rewrites(lint, cmd);
		case AT_SetLogged:
		case AT_SetUnLogged:
			return true;
		default:
			return pgm_is_set_expression(cmd) ||
				(pgm_is_set_access_method(cmd) &&
				 pgm_changes_access_method(lint->effect->relid, cmd));
	}
}

/* Is this part of the statement why the table is rewritten? */
bool
pgm_lint_part_rewrites(const PgmLint *lint, const AlterTableCmd *cmd)
{
	ListCell   *lc;

	if (pgm_lint_rewrites(lint) != PGM_TRUE)
		return false;
	if (part_rewrites(lint, cmd))
		return true;
	foreach(lc, castNode(AlterTableStmt, lint->stmt)->cmds)
	{
		if (part_rewrites(lint, lfirst(lc)))
			return false;
	}

	/* nobody is to blame: then whoever can be */
	return cmd->subtype != AT_AddColumn ||
		column_constraint(castNode(ColumnDef, cmd->def),
						  CONSTR_DEFAULT) != NULL;
}

/* ---- ADD COLUMN */

static bool
is_not_null(const ColumnDef *column)
{
	return column_constraint(column, CONSTR_NOTNULL) != NULL;
}

/* A new column that makes the server rewrite the table: why? */
static void
lint_rewriting_column(PgmLint *lint, ColumnDef *column)
{
	const char *name = quote_identifier(column->colname);
	const char *serial = pgm_serial_type(column->typeName);

	if (serial != NULL)
		pgm_lint_add(lint, "serial-column",
					 psprintf("new serial column %s rewrites %s and its indexes", name, lint->name),
					 pgm_lint_online(lint));
	else if (column_constraint(column, CONSTR_IDENTITY) != NULL)
		pgm_lint_add(lint, "identity-column",
					 psprintf("new identity column %s rewrites %s and its indexes", name, lint->name),
					 pgm_lint_online(lint));
	else if (column_constraint(column, CONSTR_GENERATED) != NULL)
		pgm_lint_add(lint, "generated-stored",
					 psprintf("new stored generated column %s rewrites %s and its indexes", name, lint->name),
					 pgm_lint_online(lint));
	else if (pgm_lint_domain_has_constraints(pgm_lint_type(column->typeName)))
		pgm_lint_add(lint, "constrained-domain-column",
					 psprintf("new column %s of a domain with constraints rewrites %s", name, lint->name),
					 pgm_lint_online(lint));
	else if (default_text(lint, column) != NULL)
		pgm_lint_add(lint, "volatile-default",
					 psprintf("new column %s with a volatile default rewrites %s and its indexes", name, lint->name),
					 pgm_lint_online(lint));
}

/* A constant that most columns of the type can begin with; NULL if none. */
static const char *
constant_for(const TypeName *name)
{
	Oid			type = pgm_lint_type(name);
	char		category;
	bool		preferred;

	if (!OidIsValid(type) || get_typtype(type) != TYPTYPE_BASE)
		return NULL;
	if (type_is_array(type))
		return "'{}'";
	get_type_category_preferred(type, &category, &preferred);
	switch (category)
	{
		case TYPCATEGORY_BOOLEAN:
			return "false";
		case TYPCATEGORY_NUMERIC:
			return "0";
		case TYPCATEGORY_STRING:
			return "''";
		case TYPCATEGORY_DATETIME:
			return type == TIMEOID || type == TIMETZOID ? NULL : "now()";
		default:
			return type == JSONOID || type == JSONBOID ? "'{}'" : NULL;
	}
}

static char *
required_form(const PgmLint *lint, const ColumnDef *column)
{
	const char *type = type_text(lint, column->typeName);
	const char *constant = constant_for(column->typeName);
	StringInfoData buf;

	initStringInfo(&buf);
	if (constant != NULL)
	{
		appendStringInfoString(&buf, "-- this default or another one that is constant costs nothing:\n");
		plain_column(&buf, lint, column, type,
					 psprintf("NOT NULL DEFAULT %s", constant));
		return buf.data;
	}
	plain_column(&buf, lint, column, type, NULL);
	appendStringInfo(&buf, "\n-- when applications write it and the old rows have it:\n"
					 "-- pgmigrate: online\n"
					 "ALTER TABLE %s ALTER COLUMN %s SET NOT NULL;", lint->name,
					 quote_identifier(column->colname));
	return buf.data;
}

/* A domain may bring one. */
static bool
has_type_default(const TypeName *name)
{
	Oid			type = pgm_lint_type(name);

	return OidIsValid(type) && get_typdefault(type) != NULL;
}

void
pgm_lint_add_column(PgmLint *lint, AlterTableCmd *cmd)
{
	ColumnDef  *column = castNode(ColumnDef, cmd->def);
	const char *name = quote_identifier(column->colname);
	List	   *self = list_make1(makeString(column->colname));
	Constraint *check = column_constraint(column, CONSTR_CHECK);
	Constraint *foreign = column_constraint(column, CONSTR_FOREIGN);
	Constraint *unique = column_constraint(column, CONSTR_UNIQUE);
	Constraint *key = unique ? unique :
		column_constraint(column, CONSTR_PRIMARY);

	if (cmd->missing_ok &&
		get_attnum(lint->effect->relid, column->colname) != InvalidAttrNumber)
		return;
	if (pgm_lint_part_rewrites(lint, cmd))
		lint_rewriting_column(lint, column);
	if (check != NULL && pgm_constraint_is_checked(check))
		pgm_lint_add(lint, "add-column-check",
					 psprintf("the CHECK of new column %s reads all rows of %s", name, lint->name),
					 NULL);
	if (foreign != NULL && default_text(lint, column) != NULL &&
		pgm_constraint_is_checked(foreign))
		pgm_lint_add(lint, "fk-in-add-column",
					 psprintf("the foreign key of new column %s checks all rows of %s", name, lint->name),
					 NULL);
	if (foreign != NULL)
		pgm_lint_key_index(lint, self);
	if (key != NULL)
		pgm_lint_add(lint, "unique-builds-index",
					 psprintf("the index of new column %s is built while %s is locked", name, lint->name),
					 NULL);
	if (is_not_null(column) && default_text(lint, column) == NULL &&
		pgm_serial_type(column->typeName) == NULL &&
		!has_type_default(column->typeName) &&
		column_constraint(column, CONSTR_IDENTITY) == NULL &&
		column_constraint(column, CONSTR_GENERATED) == NULL)
		pgm_lint_add(lint, "required-column",
					 psprintf("new column %s of %s is NOT NULL without a default", name, lint->name),
					 required_form(lint, column));
}

/* ---- ALTER COLUMN … TYPE */

static bool
is_time_pair(Oid from, Oid to)
{
	return (from == TIMESTAMPOID && to == TIMESTAMPTZOID) ||
		(from == TIMESTAMPTZOID && to == TIMESTAMPOID);
}

/* USING with AT TIME ZONE, whatever the session has. */
static bool
says_zone(const AlterTableCmd *cmd)
{
	Node	   *using = castNode(ColumnDef, cmd->def)->raw_default;
	const char *function = using == NULL || !IsA(using, FuncCall) ? NULL :
		pgm_catalog_function(castNode(FuncCall, using));

	return function != NULL && strcmp(function, "timezone") == 0 &&
		list_length(castNode(FuncCall, using)->args) == 2;
}

/* What the new type cannot hold is cut off without an error. */
static bool
loses_data(Oid from, Oid to)
{
	switch (from)
	{
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return to == DATEOID || to == TIMEOID;
		case NUMERICOID:
		case FLOAT8OID:
		case FLOAT4OID:
			return to == INT2OID || to == INT4OID || to == INT8OID ||
				(from != FLOAT4OID && to == FLOAT4OID);
		default:
			return false;
	}
}

/*
 * A cast is known to cut off; what an expression keeps is for its author to
 * say, or for the rows.
 */
static void
add_lossy(PgmLint *lint, const AlterTableCmd *cmd, Oid from, Oid to)
{
	Node	   *using = castNode(ColumnDef, cmd->def)->raw_default;
	bool		said = using != NULL && !pgm_using_is_cast(using, cmd->name);
	const char *name = quote_identifier(cmd->name);
	int			before = list_length(lint->judged->findings);
	PgmFinding *finding;

	pgm_lint_add(lint, "lossy-type-change",
				 said ?
				 psprintf("does USING keep all that %s holds?  A cast of %s to %s would not", name,
						  format_type_be(from), format_type_be(to)) :
				 psprintf("%s to %s cuts off what %s holds",
						  format_type_be(from), format_type_be(to), name),
				 pstrdup("Keep the old values until the new ones were compared with them: in a column of their own, or in a copy."));
	if (list_length(lint->judged->findings) == before)
		return;
	finding = llast(lint->judged->findings);
	finding->column = cmd->name;
	if (said)
		finding->level = PGM_LEVEL_WARNING;
}

static bool
rebuilds_index(const PgmLint *lint, const AlterTableCmd *cmd)
{
	Datum		values[2] = {ObjectIdGetDatum(lint->effect->relid),
	pgm_text_datum(cmd->name)};
	ListCell   *lc;

	foreach(lc, lint->verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);

		if (effect->relkind == RELKIND_INDEX && effect->rewrites == PGM_TRUE)
			return pgm_spi_one_bool(&indexed_query, values);
	}
	return false;
}

static char *
recheck_form(const PgmLint *lint, const AlterTableCmd *cmd)
{
	ColumnDef  *def = castNode(ColumnDef, cmd->def);
	const char *using = def->raw_default == NULL ? NULL :
		pgm_lint_rest_after(lint, def->location, "using");
	char	   *part = psprintf("ALTER COLUMN %s TYPE %s%s%s",
								quote_identifier(cmd->name),
								type_text(lint, def->typeName),
								using ? " USING " : "", using ? using : "");
	Datum		values[3] = {ObjectIdGetDatum(lint->effect->relid),
	pgm_text_datum(cmd->name), pgm_text_datum(part)};
	char	   *rest = pgm_spi_one_text(&checks_query, values);

	return rest == NULL ? NULL : psprintf("ALTER TABLE %s %s", lint->name,
										  rest);
}

void
pgm_lint_type_change(PgmLint *lint, AlterTableCmd *cmd)
{
	const char *name = quote_identifier(cmd->name);
	Oid			to = pgm_lint_type(castNode(ColumnDef, cmd->def)->typeName);
	AttrNumber	attnum = get_attnum(lint->effect->relid, cmd->name);
	Oid			from;

	/* a column of this revision's own, but for the table of an earlier one */
	if (attnum == InvalidAttrNumber && !lint->effect->earlier)
		return;
	from = get_atttype(lint->effect->relid, attnum);
	if (pgm_lint_part_rewrites(lint, cmd))
		pgm_lint_add(lint, "type-change-rewrite",
					 psprintf("changing the type of %s rewrites %s and all its indexes", name, lint->name),
					 pgm_lint_online(lint));
	else if (rebuilds_index(lint, cmd))
		pgm_lint_add(lint, "type-change-reindex",
					 psprintf("changing the type of %s builds indexes of %s anew", name, lint->name),
					 pgm_lint_online(lint));
	else if (pgm_lint_scans(lint) == PGM_TRUE)
	{
		char	   *form = recheck_form(lint, cmd);

		if (form != NULL)
			pgm_lint_add(lint, "type-change-rechecks",
						 psprintf("changing the type of %s checks all rows of %s", name, lint->name),
						 form);
	}
	if (is_time_pair(from, to) && !says_zone(cmd))
		pgm_lint_add(lint, "type-change-by-timezone",
					 psprintf("values of %s are read in the session's TimeZone", name),
					 psprintf("-- if they are meant so, nothing is rewritten then:\n"
							  "SET LOCAL timezone = 'UTC';\n%s;",
							  pgm_lint_statement_sql(lint)));
	if (loses_data(from, to))
		add_lossy(lint, cmd, from, to);
	pgm_lint_add(lint, "type-change-plan-break",
				 psprintf("prepared statements that return %s fail once with \"cached plan must not change result type\"", name),
				 pstrdup("Have the applications reconnect or DEALLOCATE after it."));
	pgm_lint_views(lint, cmd->name, true);
}
