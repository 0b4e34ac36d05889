/*-------------------------------------------------------------------------
 *
 * about_objects.c
 *	  Rules about statements that make, rename or drop objects.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/spi_list.h"
#include "classify/related_relations.h"
#include "compat/parse.h"
#include "compat/server.h"
#include "lint/hint.h"
#include "lint/internal.h"

/* Who may do what with a relation, granted on a view of it as well. */
static PgmQuery view_grants_query = {
	"WITH g AS (SELECT x.grantee, x.is_grantable, 0 AS attnum, "
	"x.privilege_type AS what FROM pg_class c, aclexplode(c.relacl) x "
	"WHERE c.oid = $1 AND x.grantee <> c.relowner "
	"UNION ALL SELECT x.grantee, x.is_grantable, a.attnum, "
	"format('%s (%I)', x.privilege_type, a.attname) FROM pg_class c "
	"JOIN pg_attribute a ON a.attrelid = c.oid, aclexplode(a.attacl) x "
	"WHERE c.oid = $1 AND x.grantee <> c.relowner AND NOT a.attisdropped) "
	"SELECT coalesce((SELECT format(E'\nALTER VIEW %s OWNER TO %I;', $2, "
	"pg_get_userbyid(relowner)) FROM pg_class WHERE oid = $1 "
	"AND pg_get_userbyid(relowner) <> current_user), '') || "
	"coalesce(string_agg(s.sql, '' ORDER BY s.who, s.is_grantable), '') "
	"FROM (SELECT who, is_grantable, format(E'\nGRANT %s ON %s TO %s%s;', "
	"string_agg(what, ', ' ORDER BY attnum, what), $2, who, "
	"CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS sql "
	"FROM (SELECT g.*, CASE grantee WHEN 0 THEN 'PUBLIC' "
	"ELSE quote_ident(pg_get_userbyid(grantee)) END AS who FROM g "
	"WHERE what ~ '^(SELECT|INSERT|UPDATE|DELETE)') w "
	"GROUP BY who, is_grantable) s",
	2, {OIDOID, TEXTOID}
};

/* Another value beside the old one, and the columns that have it. */
static PgmQuery enum_value_query = {
	"SELECT format('ALTER TYPE %s ADD VALUE %L AFTER %L;', $2, $4, $3) "
	"|| coalesce(E'\n-- in a later revision, in batches:' || string_agg(format("
	"E'\nUPDATE %s SET %I = %L WHERE %I = %L;', a.attrelid::regclass, "
	"a.attname, $4, a.attname, $3), '' ORDER BY a.attrelid::regclass::text, "
	"a.attnum), '') FROM pg_attribute a JOIN pg_class c "
	"ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') "
	"AND NOT c.relispartition WHERE a.atttypid = $1 AND NOT a.attisdropped",
	4, {OIDOID, TEXTOID, TEXTOID, TEXTOID}
};

static PgmQuery domain_check_query = {
	"SELECT pg_get_expr(conbin, 0) FROM pg_constraint "
	"WHERE contypid = $1 AND conname = $2 AND contype = 'c'",
	2, {OIDOID, TEXTOID}
};

static PgmQuery domain_columns_query = {
	"SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = $1 "
	"AND a.atttypid = $2 AND NOT a.attisdropped ORDER BY a.attnum",
	2, {OIDOID, OIDOID}
};

/* ---- drops */

static void
lint_drop_tables(PgmLint *lint)
{
	ListCell   *lc;

	foreach(lc, lint->verdict->effects)
	{
		PgmEffect  *effect = lfirst(lc);
		const char *name = pgm_effect_name(effect);

		if (!effect->named || effect->created_here)
			continue;
		lint->effect = effect;
		pgm_lint_add(lint, "drop-table",
					 psprintf("the data of %s is gone, and statements that use it fail", name),
					 pstrdup("Rename it out of sight first, when no application uses it, and drop it in a later revision."));
		pgm_lint_dropped_partition(lint, effect->relid);
	}
}

static void
lint_drop_views(PgmLint *lint)
{
	ListCell   *lc;

	foreach(lc, lint->verdict->effects)
	{
		PgmEffect  *effect = lfirst(lc);
		const char *name = pgm_effect_name(effect);

		if (!effect->named || effect->created_here ||
			!OidIsValid(effect->relid) ||
			pgm_lint_view_follows(lint, effect->name))
			continue;
		lint->effect = effect;
		pgm_lint_add(lint, "drop-view",
					 psprintf("statements that read %s fail", name),
					 pstrdup("Deploy applications that do not use it first."));
	}
}

/* Does a later statement make a routine of that name? */
static bool
routine_follows(const PgmLint *lint, const char *name)
{
	const PgmSource *source = lint->judged->source;

	for (int n = lint->judged->n + 1; n < source->nstatements; n++)
	{
		Node	   *stmt = source->statements[n].raw->stmt;

		if (IsA(stmt, CreateFunctionStmt) &&
			strcmp(strVal(llast(castNode(CreateFunctionStmt, stmt)->funcname)),
				   name) == 0)
			return true;
	}
	return false;
}

static void
lint_drop_functions(PgmLint *lint, DropStmt *drop)
{
	ListCell   *lc;

	foreach(lc, drop->objects)
	{
		ObjectWithArgs *object = lfirst_node(ObjectWithArgs, lc);

		/* nobody calls what is not there */
		if (drop->missing_ok &&
			!OidIsValid(LookupFuncWithArgs(drop->removeType, object, true)))
			continue;
		if (routine_follows(lint, strVal(llast(object->objname))))
			continue;
		pgm_lint_add(lint, "drop-function",
					 psprintf("statements that call %s fail", NameListToQuotedString(object->objname)),
					 pstrdup("Deploy applications that do not call it first."));
	}
}

/* A rule or a trigger of a table: made again by a later statement? */
static bool
attached_follows(const PgmLint *lint, ObjectType type, const char *name)
{
	const PgmSource *source = lint->judged->source;

	for (int n = lint->judged->n + 1; n < source->nstatements; n++)
	{
		Node	   *stmt = source->statements[n].raw->stmt;

		if (type == OBJECT_TRIGGER && IsA(stmt, CreateTrigStmt) &&
			strcmp(castNode(CreateTrigStmt, stmt)->trigname, name) == 0)
			return true;
		if (type == OBJECT_RULE && IsA(stmt, RuleStmt) &&
			strcmp(castNode(RuleStmt, stmt)->rulename, name) == 0)
			return true;
	}
	return false;
}

static void
lint_drop_attached(PgmLint *lint, DropStmt *drop)
{
	const char *name = strVal(llast(linitial_node(List, drop->objects)));
	bool		trigger = drop->removeType == OBJECT_TRIGGER;

	if (lint->effect == NULL || lint->effect->created_here ||
		attached_follows(lint, drop->removeType, name))
		return;
	pgm_lint_add(lint, trigger ? "drop-trigger" : "rewrite-rule",
				 psprintf("%s %s no longer acts on %s", trigger ? "trigger" : "rule",
						  quote_identifier(name), lint->name),
				 pstrdup("Make sure that nobody relies on what it did."));
}

/* With IF EXISTS there may be none of them. */
static bool
is_any_schema(List *names)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (OidIsValid(get_namespace_oid(strVal(lfirst(lc)), true)))
			return true;
	}
	return false;
}

static void
lint_drop(PgmLint *lint, DropStmt *drop)
{
	bool		typed = drop->removeType == OBJECT_TYPE ||
		drop->removeType == OBJECT_DOMAIN ||
		drop->removeType == OBJECT_EXTENSION;

	/* of a schema all goes */
	if (drop->behavior == DROP_CASCADE && drop->removeType != OBJECT_SCHEMA)
		pgm_lint_cascade(lint, typed ? drop : NULL);
	switch (drop->removeType)
	{
		case OBJECT_TABLE:
			lint_drop_tables(lint);
			break;
		case OBJECT_SCHEMA:
			if (!is_any_schema(drop->objects))
				break;
			pgm_lint_add(lint, "drop-schema",
						 psprintf("schema %s and what is in it are gone", quote_identifier(strVal(linitial(drop->objects)))),
						 pstrdup("Drop what is in it one by one, out of sight first."));
			break;
		case OBJECT_SEQUENCE:
			if (lint->effect == NULL || !lint->effect->created_here)
				pgm_lint_add(lint, "drop-sequence",
							 pstrdup("the position of the sequence is gone"),
							 pstrdup("Make sure that nobody draws from it."));
			break;
		case OBJECT_EXTENSION:
			pgm_lint_add(lint, "drop-extension",
						 psprintf("extension %s is dropped with all that it has made", quote_identifier(strVal(linitial(drop->objects)))),
						 pstrdup("Make sure that no column, index or function needs it."));
			break;
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
			lint_drop_views(lint);
			break;
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
		case OBJECT_AGGREGATE:
			lint_drop_functions(lint, drop);
			break;
		case OBJECT_RULE:
		case OBJECT_TRIGGER:
			lint_drop_attached(lint, drop);
			break;
		case OBJECT_POLICY:
			if (lint->effect == NULL || lint->effect->created_here)
				break;
			pgm_lint_add(lint, "authz-update",
						 psprintf("who sees which rows of %s changes at commit", lint->name),
						 pstrdup("Review it with those who own the data."));
			break;
		default:
			break;
	}
}

/* ---- renames */

/*
 * A view under the old name, unless the statements after it make one.  It
 * reads with the rights of its reader, so row security holds through it.
 */
static void
lint_moved(PgmLint *lint, const char *rule, char *message,
		   const char *schema, const char *name)
{
	Datum		values[2];

	if (lint->effect == NULL || lint->effect->created_here ||
		pgm_lint_view_follows(lint, lint->effect->name))
		return;
	values[0] = ObjectIdGetDatum(lint->effect->relid);
	values[1] = pgm_text_datum(lint->name);
	pgm_lint_add(lint, rule, message,
				 psprintf("%s;\nCREATE VIEW %s WITH (security_invoker = true) AS SELECT * FROM %s;%s",
						  pgm_lint_statement_sql(lint), lint->name,
						  quote_qualified_identifier(schema, name),
						  pgm_spi_one_text(&view_grants_query, values)));
}

static void
lint_renamed_column(PgmLint *lint, RenameStmt *stmt)
{
	if (lint->effect != NULL && !lint->effect->created_here)
		pgm_lint_add(lint, "rename-column",
					 psprintf("running applications still call column %s of %s by its old name",
							  quote_identifier(stmt->subname), lint->name),
					 pstrdup("Have both names, move the readers, then drop the old one."));
}

static void
lint_rename(PgmLint *lint, RenameStmt *stmt)
{
	switch (stmt->renameType)
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
			if (lint->effect != NULL)
				lint_moved(lint, "rename-table",
						   psprintf("running applications still call %s by its old name", lint->name),
						   lint->effect->schema, stmt->newname);
			break;
		case OBJECT_COLUMN:
			lint_renamed_column(lint, stmt);
			break;
		case OBJECT_SCHEMA:
			pgm_lint_add(lint, "rename-schema",
						 psprintf("running applications still call schema %s by its old name", quote_identifier(stmt->subname)),
						 pstrdup("Make a new schema, and move what is in it one by one."));
			break;
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
		case OBJECT_ATTRIBUTE:
			pgm_lint_add(lint, "rename-type",
						 pstrdup("running applications still use the old name"),
						 pstrdup("Make a new type, and move the columns over."));
			break;
		default:
			break;
	}
}

static void
lint_enum(PgmLint *lint, AlterEnumStmt *stmt)
{
	Oid			type = pgm_lint_type(makeTypeNameFromNameList(stmt->typeName));
	const char *name = OidIsValid(type) ? format_type_be_qualified(type) :
		NameListToQuotedString(stmt->typeName);
	Datum		values[4] = {ObjectIdGetDatum(type)};

	if (stmt->oldVal != NULL)
	{
		values[1] = pgm_text_datum(name);
		values[2] = pgm_text_datum(stmt->oldVal);
		values[3] = pgm_text_datum(stmt->newVal);
		pgm_lint_add(lint, "rename-type",
					 psprintf("running applications still use the value %s", quote_literal_cstr(stmt->oldVal)),
					 pgm_spi_one_text(&enum_value_query, values));
	}
}

/* What the statement has the values of the domain held against. */
static char *
domain_condition(const PgmLint *lint, AlterDomainStmt *stmt, Oid type)
{
	Datum		values[2] = {ObjectIdGetDatum(type)};
	char	   *text;

	switch (stmt->subtype)
	{
		case 'C':
			if (castNode(Constraint, stmt->def)->contype != CONSTR_CHECK)
				return pstrdup("VALUE IS NOT NULL");
			text = pgm_lint_parens(lint,
								   castNode(Constraint, stmt->def)->location);
			return text == NULL ? NULL :
				pnstrdup(text + 1, strlen(text) - 2);
		case 'O':
			return pstrdup("VALUE IS NOT NULL");
		case 'V':
			values[1] = pgm_text_datum(stmt->name);
			return pgm_spi_one_text(&domain_check_query, values);
		default:
			return NULL;
	}
}

/* The condition on each column of the domain in one table. */
static void
domain_checks(StringInfo buf, Oid relid, Oid type, const char *condition)
{
	Datum		values[2] = {ObjectIdGetDatum(relid), ObjectIdGetDatum(type)};
	ListCell   *lc;

	foreach(lc, pgm_spi_texts(&domain_columns_query, values))
	{
		const char *column = lfirst(lc);
		const char *table = pgm_lint_relation(relid);
		const char *name =
			quote_identifier(ChooseConstraintName(get_rel_name(relid), column,
												  "check",
												  get_rel_namespace(relid),
												  NIL));

		appendStringInfo(buf, "ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s) NOT VALID;\n"
						 PGM_LATER "ALTER TABLE %s VALIDATE CONSTRAINT %s;\n",
						 table, name,
						 pgm_lint_replace_word(condition, "value",
											   quote_identifier(column)),
						 table, name);
	}
}

/* CONSTRAINT and its name, if the statement gives one. */
static const char *
domain_constraint_name(const AlterDomainStmt *stmt)
{
	const char *name = stmt->subtype == 'C' ?
		castNode(Constraint, stmt->def)->conname : NULL;

	return name == NULL ? "" :
		psprintf("CONSTRAINT %s ", quote_identifier(name));
}

/* As many of the relations below one are written out, the others counted. */
#define WRITTEN_OUT 4

/* Leave the rest of many relations to the reader; true at the first of it. */
static bool
and_so_on(StringInfo buf, List *relids, int i)
{
	if (i < WRITTEN_OUT || list_length(relids) == i + 1)
		return false;
	appendStringInfo(buf, "-- the same for %d more, then:\n",
					 list_length(relids) - i);
	return true;
}

static char *
done(StringInfo buf)
{
	while (buf->len > 0 && buf->data[buf->len - 1] == '\n')
		buf->data[--buf->len] = '\0';
	return buf->data;
}

static char *
domain_form(PgmLint *lint, AlterDomainStmt *stmt)
{
	Oid			type = pgm_lint_type(makeTypeNameFromNameList(stmt->typeName));
	char	   *condition = domain_condition(lint, stmt, type);
	const char *name;
	List	   *relids = NIL;
	StringInfoData buf;
	ListCell   *lc;

	if (!OidIsValid(type) || condition == NULL)
		return pstrdup("Use CHECK constraints of the tables, and validate them one by one.");
	name = format_type_be_qualified(type);
	initStringInfo(&buf);
	if (stmt->subtype != 'V')
		appendStringInfo(&buf, "-- for the values to come:\n"
						 "ALTER DOMAIN %s ADD %sCHECK (%s) NOT VALID;\n"
						 "-- for those that are there:\n", name,
						 domain_constraint_name(stmt), condition);
	foreach(lc, lint->verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);

		if (effect->scans == PGM_TRUE && !effect->created_here &&
			!pgm_related_is_beside(effect->relid))
			relids = lappend_oid(relids, effect->relid);
	}
	foreach(lc, relids)
	{
		if (and_so_on(&buf, relids, foreach_current_index(lc)))
			break;
		domain_checks(&buf, lfirst_oid(lc), type, condition);
	}
	return done(&buf);
}

static void
lint_domain(PgmLint *lint, AlterDomainStmt *stmt)
{
	char	   *form = NULL;
	ListCell   *lc;

	foreach(lc, lint->verdict->effects)
	{
		PgmEffect  *effect = lfirst(lc);

		if (effect->scans != PGM_TRUE || effect->created_here ||
			pgm_related_is_beside(effect->relid))
			continue;
		if (form == NULL)
			form = domain_form(lint, stmt);
		lint->effect = effect;
		pgm_lint_add(lint, "domain-constraint",
					 psprintf("writes to %s are blocked while it is read", pgm_effect_name(effect)),
					 form);
	}
}

/* All that the statement empties, by name. */
static char *
named_truncate(const PgmLint *lint)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, lint->verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);

		if ((effect->relkind == RELKIND_RELATION ||
			 effect->relkind == RELKIND_PARTITIONED_TABLE) &&
			effect->mode == AccessExclusiveLock &&
			!get_rel_relispartition(effect->relid))
			appendStringInfo(&buf, "%s %s", buf.len > 0 ? "," : "TRUNCATE",
							 pgm_effect_name(effect));
	}
	appendStringInfoChar(&buf, ';');
	return buf.data;
}

static void
lint_truncate(PgmLint *lint, TruncateStmt *stmt)
{
	if (lint->effect == NULL || lint->effect->created_here)
		return;
	if (stmt->behavior == DROP_CASCADE)
		pgm_lint_add(lint, "truncate-cascade",
					 psprintf("%s and every table that references it are emptied", lint->name),
					 named_truncate(lint));
	pgm_lint_add(lint, "truncate",
				 psprintf("all rows of %s are gone", lint->name),
				 pstrdup("Make sure that nobody needs them, and that there is a copy."));
}

/* The rest: one finding each. */
static void
lint_simple(PgmLint *lint)
{
	Node	   *stmt = lint->stmt;
	bool		fresh = lint->effect != NULL && lint->effect->created_here;

	switch (nodeTag(stmt))
	{
		case T_CreateTrigStmt:
			if (!fresh)
				pgm_lint_add(lint, "create-trigger",
							 psprintf("writes to %s are blocked after the last writer is done", lint->name),
							 pstrdup("There is no weaker lock: do it in a revision of its own."));
			break;
		case T_RuleStmt:
			if (!fresh && castNode(RuleStmt, stmt)->event != CMD_SELECT)
				pgm_lint_add(lint, "rewrite-rule",
							 psprintf("statements on %s do something else from commit on", lint->name),
							 pstrdup("Use a trigger: a rule changes the statement, evaluates its arguments twice, and is silent about rows."));
			break;
		case T_CreatePolicyStmt:
		case T_AlterPolicyStmt:
			if (!fresh)
				pgm_lint_add(lint, "authz-update",
							 psprintf("who sees which rows of %s changes at commit", lint->name),
							 pstrdup("Review it with those who own the data."));
			break;
		case T_AlterObjectSchemaStmt:
			if (lint->effect != NULL)
				lint_moved(lint, "set-schema",
						   psprintf("running applications still look for %s in its old schema", lint->name),
						   castNode(AlterObjectSchemaStmt, stmt)->newschema,
						   lint->effect->name);
			break;
		case T_CreateDomainStmt:
			if (castNode(CreateDomainStmt, stmt)->constraints != NIL)
				pgm_lint_add(lint, "create-domain-constraint",
							 psprintf("changing domain %s later locks all tables that use it", NameListToQuotedString(castNode(CreateDomainStmt, stmt)->domainname)),
							 pstrdup("Put CHECK constraints on the tables."));
			break;
		case T_CreateEnumStmt:
			pgm_lint_add(lint, "create-enum",
						 psprintf("values of %s can be added, but never removed", NameListToQuotedString(castNode(CreateEnumStmt, stmt)->typeName)),
						 pstrdup("Use a lookup table with a foreign key."));
			break;
		case T_AlterExtensionStmt:
			pgm_lint_add(lint, "extension-upgrade",
						 psprintf("extension %s changes for everybody at commit", quote_identifier(castNode(AlterExtensionStmt, stmt)->extname)),
						 pstrdup("Try it on a copy first."));
			break;
		case T_DropdbStmt:
			pgm_lint_add(lint, "drop-database",
						 psprintf("database %s is gone", quote_identifier(castNode(DropdbStmt, stmt)->dbname)),
						 pstrdup("Do it by hand, when its backup has been restored once."));
			break;
		case PGM_T_MERGE:
		case T_CopyStmt:
		case T_CreateTableAsStmt:
		case T_ExplainStmt:
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_SelectStmt:
			pgm_lint_rows(lint);
			break;
		default:
			break;
	}
}

void
pgm_lint_object(PgmLint *lint)
{
	Node	   *stmt = lint->stmt;

	pgm_lint_foreign(lint);
	switch (nodeTag(stmt))
	{
		case T_CreateStmt:
			pgm_lint_create_table(lint, castNode(CreateStmt, stmt));
			break;
		case T_AlterTableStmt:
			pgm_lint_new_columns(lint, castNode(AlterTableStmt, stmt));
			break;
		case T_DropStmt:
			lint_drop(lint, castNode(DropStmt, stmt));
			break;
		case T_RenameStmt:
			lint_rename(lint, castNode(RenameStmt, stmt));
			break;
		case T_AlterEnumStmt:
			lint_enum(lint, castNode(AlterEnumStmt, stmt));
			break;
		case T_AlterDomainStmt:
			lint_domain(lint, castNode(AlterDomainStmt, stmt));
			break;
		case T_TruncateStmt:
			lint_truncate(lint, castNode(TruncateStmt, stmt));
			break;
		default:
			lint_simple(lint);
			break;
	}
}
