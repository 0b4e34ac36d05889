/*-------------------------------------------------------------------------
 *
 * datacheck.c
 *	  Look for the rows that will make a statement fail.
 *
 * Runs as the owner of the table, whose indexes and types may run code of his,
 * if the caller has his rights; else not at all.  Read-only, restricted, and
 * without row security: what he may not read whole is not looked at.  An
 * expression of the statement is evaluated as it will be in the revision.  Of
 * a large table a sample is read, and the finding says so.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/datacheck.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "clone_sql.h"
#include "compat.h"
#include "compat_constraint.h"
#include "compat_parse.h"
#include "datacheck.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "slice.h"
#include "spi.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* Rows that are read at most, about. */
#define SAMPLE_ROWS 50000

typedef struct Check
{
	PgmJudged  *judged;
	PgmTouch   *touch;
	const char *name;			/* of the table, qualified */
	const char *from;			/* the same, with its sample */
	const char *key;			/* expression that names a row */
	bool		sampled;
} Check;

static PgmQuery primary_key_query = {
	"SELECT array_agg(a.attname::text ORDER BY k.n) FROM pg_index i, "
	"unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, n), "
	"pg_attribute a WHERE i.indrelid = $1 AND i.indisprimary "
	"AND a.attrelid = $1 AND a.attnum = k.attnum",
	1, {OIDOID}
};

/* A constraint that is not validated: its expression, or both ends. */
static PgmQuery constraint_query = {
	"SELECT k.contype::text, pg_get_expr(k.conbin, k.conrelid), "
	"k.confrelid::int8, "
	"(SELECT array_agg(a.attname::text ORDER BY u.n) "
	"FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, n), pg_attribute a "
	"WHERE a.attrelid = k.conrelid AND a.attnum = u.attnum), "
	"(SELECT array_agg(a.attname::text ORDER BY u.n) "
	"FROM unnest(k.confkey) WITH ORDINALITY AS u (attnum, n), pg_attribute a "
	"WHERE a.attrelid = k.confrelid AND a.attnum = u.attnum) "
	"FROM pg_constraint k WHERE k.conrelid = $1 AND k.conname = $2 "
	"AND NOT k.convalidated",
	2, {OIDOID, TEXTOID}
};

/* Columns of a table that are of a domain. */
static PgmQuery domain_columns_query = {
	"WITH RECURSIVE d (oid) AS (SELECT $2 UNION SELECT t.oid FROM pg_type t "
	"JOIN d ON t.typbasetype = d.oid) "
	"SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a "
	"WHERE a.attrelid = $1 AND a.atttypid IN (SELECT oid FROM d) "
	"AND NOT a.attisdropped",
	2, {OIDOID, OIDOID}
};

static PgmQuery domain_constraint_query = {
	"SELECT pg_get_expr(conbin, 0) FROM pg_constraint "
	"WHERE contypid = $1 AND conname = $2",
	2, {OIDOID, TEXTOID}
};

/* The names in an array of the first row, in a context that stays. */
static List *
name_list(int column, MemoryContext context)
{
	int			n;
	char	  **names = pgm_spi_text_array(1, column, &n);
	MemoryContext old = MemoryContextSwitchTo(context);
	List	   *result = NIL;

	for (int i = 0; i < n; i++)
		result = lappend(result, makeString(pstrdup(names[i])));
	MemoryContextSwitchTo(old);
	return result;
}

static List *
primary_key(Oid relid)
{
	PgmSpiScope scope;
	Datum		values[1] = {ObjectIdGetDatum(relid)};
	List	   *result;

	pgm_spi_begin(&scope);
	pgm_spi_execute(&primary_key_query, values, NULL);
	result = name_list(1, scope.outer);
	pgm_spi_end(&scope);
	return result;
}

/* Columns of one alias, quoted: a.x, a.y */
static char *
columns_of(const char *alias, List *columns, const char *between,
		   const char *after)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, columns)
		appendStringInfo(&buf, "%s%s.%s%s", buf.len > 0 ? between : "",
						 alias, quote_identifier(strVal(lfirst(lc))), after);
	return buf.data;
}

static double
rows_of_one(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	double		rows;

	if (!HeapTupleIsValid(tuple))
		return 0;
	rows = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
	/* never analyzed: what its pages could hold */
	if (rows < 0)
		rows = ((Form_pg_class) GETSTRUCT(tuple))->relpages * 100.0;
	ReleaseSysCache(tuple);
	return rows;
}

static double
rows_of(Oid relid)
{
	double		rows = 0;
	ListCell   *lc;

	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		rows = rows_of_one(relid);
	foreach(lc, pgm_descendants(relid))
		rows += rows_of_one(lfirst_oid(lc));
	return rows;
}

static void
report(Check *check, int64 count, const char *example, const char *message)
{
	PgmFinding *finding;
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "{\"count\": " INT64_FORMAT ", \"sampled\": %s",
					 count, check->sampled ? "true" : "false");
	if (example != NULL)
	{
		appendStringInfoString(&buf, ", \"example\": ");
		escape_json(&buf, example);
	}
	appendStringInfoChar(&buf, '}');
	finding = pgm_lint_find(check->judged, "data-blocks", check->touch,
							psprintf("%s%s", message,
									 check->sampled ? ", in a sample of the table" : ""),
							pstrdup("Correct the rows first, in a revision of their own."));
	finding->details = buf.data;
}

/* Count the rows of a condition. */
static void
check_rows(Check *check, const char *condition, const char *what)
{
	int64		count;
	char	   *example;

	if (!pgm_spi_probe(psprintf("SELECT pg_catalog.count(*), pg_catalog.min((%s)::pg_catalog.text) FROM %s WHERE %s",
								check->key, check->from, condition),
					   &count, &example) || count == 0)
		return;
	report(check, count, example,
		   psprintf(INT64_FORMAT " rows of %s %s, such as %s", count,
					check->name, what, example ? example : "one"));
}

static void
check_nulls(Check *check, List *columns)
{
	ListCell   *lc;

	foreach(lc, columns)
		check_rows(check,
				   psprintf("t.%s IS NULL",
							quote_identifier(strVal(lfirst(lc)))),
				   psprintf("are null in %s",
							quote_identifier(strVal(lfirst(lc)))));
}

/* "columns" are expressions, "where" is one more condition or NULL. */
static void
check_duplicates(Check *check, List *columns, const char *where,
				 bool nulls_too)
{
	StringInfoData list;
	StringInfoData condition;
	int64		count;
	char	   *example;
	ListCell   *lc;

	initStringInfo(&list);
	initStringInfo(&condition);
	appendStringInfo(&condition, "(%s\n)", where ? where : "true");
	foreach(lc, columns)
	{
		appendStringInfo(&list, "%s(%s\n)", list.len > 0 ? ", " : "",
						 (char *) lfirst(lc));
		if (!nulls_too)
			appendStringInfo(&condition, " AND (%s\n) IS NOT NULL",
							 (char *) lfirst(lc));
	}
	if (!pgm_spi_probe(psprintf("SELECT pg_catalog.count(*), pg_catalog.min(s.k) FROM (SELECT ROW(%s)::pg_catalog.text AS k FROM %s WHERE %s GROUP BY %s HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 1) AS s",
								list.data, check->from, condition.data,
								list.data),
					   &count, &example) || count == 0)
		return;
	report(check, count, example,
		   psprintf(INT64_FORMAT " keys of %s are not unique, such as %s",
					count, check->name, example));
}

/* Columns as expressions. */
static List *
quoted(List *columns)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, columns)
		result = lappend(result,
						 psprintf("t.%s",
								  quote_identifier(strVal(lfirst(lc)))));
	return result;
}

static void
check_expression(Check *check, const char *condition)
{
	check_rows(check, psprintf("NOT (%s\n)", condition),
			   "do not satisfy the CHECK");
}

static void
check_condition(Check *check, const Constraint *constraint)
{
	char	   *condition = constraint->location < 0 ? NULL :
		pgm_slice_parens(check->judged->source, check->judged->n,
						 constraint->location, NULL);

	if (condition != NULL)
		check_expression(check, condition);
}

static void
check_orphans(Check *check, Oid other, List *near, List *far)
{
	ListCell   *here;
	ListCell   *there;
	StringInfoData join;
	int64		count;
	char	   *example;
	char	   *columns = columns_of("t", near, ", ", "");

	/* nothing of another owner may run with these rights */
	if (list_length(far) != list_length(near) ||
		(pgm_relation_owner(other) != GetUserId() &&
		 has_privs_of_role(GetUserId(), pgm_relation_owner(other)) &&
		 pgm_clone_has_code(other)))
		return;
	initStringInfo(&join);
	forboth(here, near, there, far)
		appendStringInfo(&join, "%st.%s = p.%s", join.len > 0 ? " AND " : "",
						 quote_identifier(strVal(lfirst(here))),
						 quote_identifier(strVal(lfirst(there))));
	if (!pgm_spi_probe(psprintf("SELECT pg_catalog.count(*), pg_catalog.min(ROW(%s)::pg_catalog.text) FROM %s WHERE %s AND NOT EXISTS (SELECT FROM %s AS p WHERE %s)",
								columns, check->from,
								columns_of("t", near, " AND ", " IS NOT NULL"),
								quote_qualified_identifier(get_namespace_name(get_rel_namespace(other)),
														   get_rel_name(other)),
								join.data),
					   &count, &example) || count == 0)
		return;
	report(check, count, example,
		   psprintf(INT64_FORMAT " rows of %s reference no row of %s, such as %s",
					count, check->name, get_rel_name(other), example));
}

static void
check_foreign_key(Check *check, const Constraint *constraint)
{
	Oid			other = pgm_lookup_relation(constraint->pktable);

	if (OidIsValid(other))
		check_orphans(check, other, constraint->fk_attrs,
					  constraint->pk_attrs ? constraint->pk_attrs :
					  primary_key(other));
}

/* Values that the new type does not take, or not whole. */
static void
check_type(Check *check, AlterTableCmd *cmd)
{
	ColumnDef  *column = castNode(ColumnDef, cmd->def);
	const char *name = quote_identifier(cmd->name);
	Type		type = LookupTypeName(NULL, column->typeName, NULL, true);
	const char *value = psprintf("t.%s", name);
	Oid			oid;
	int32		typmod;
	int64		count;
	char	   *message;

	if (type == NULL)
		return;
	ReleaseSysCache(type);
	if (column->raw_default != NULL)	/* USING */
		value = pgm_slice_after(check->judged->source, check->judged->n,
								column->location, "using", NULL);
	if (value == NULL)
		return;
	typenameTypeIdAndMod(NULL, column->typeName, &oid, &typmod);
	if ((oid == VARCHAROID || oid == BPCHAROID) && typmod > VARHDRSZ)
	{
		check_rows(check,
				   psprintf("pg_catalog.length((%s\n)::pg_catalog.text) OPERATOR(pg_catalog.>) %d",
							value, typmod - (int) VARHDRSZ),
				   psprintf("are too long in %s", name));
		return;
	}
	if (!pgm_spi_probe(psprintf("SELECT pg_catalog.count((%s\n)::%s), NULL::pg_catalog.text FROM %s",
								value, format_type_with_typemod(oid, typmod),
								check->from),
					   &count, &message) &&
		ERRCODE_TO_CATEGORY(count) == ERRCODE_DATA_EXCEPTION)
		report(check, 1, message,
			   psprintf("a value of %s in %s cannot be converted: %s", name,
						check->name, message));
}

static void
check_constraint(Check *check, Constraint *constraint, bool validate)
{
	switch (constraint->contype)
	{
		case CONSTR_CHECK:
			if (!constraint->skip_validation || validate)
				check_condition(check, constraint);
			break;
		case CONSTR_FOREIGN:
			if (!constraint->skip_validation || validate)
				check_foreign_key(check, constraint);
			break;
		case CONSTR_PRIMARY:
			check_nulls(check, constraint->keys);
			if (constraint->indexname == NULL)
				check_duplicates(check, quoted(constraint->keys), NULL, false);
			break;
		case CONSTR_UNIQUE:
			if (constraint->indexname == NULL)
				check_duplicates(check, quoted(constraint->keys), NULL,
								 pgm_nulls_not_distinct(constraint));
			break;
		default:
			break;
	}
}

/* A constraint that a statement before has added NOT VALID. */
static bool
check_added(Check *check, const char *name, List *before)
{
	PgmJudged  *judged = check->judged;
	ListCell   *lc;

	foreach(lc, before)
	{
		PgmJudged  *other = lfirst(lc);
		Node	   *stmt = other->source->statements[other->n].raw->stmt;
		ListCell   *cmd;

		if (!IsA(stmt, AlterTableStmt) ||
			pgm_verdict_find(other->verdict, check->touch->relid) == NULL)
			continue;
		foreach(cmd, castNode(AlterTableStmt, stmt)->cmds)
		{
			Node	   *def = lfirst_node(AlterTableCmd, cmd)->def;

			if (def == NULL || !IsA(def, Constraint) ||
				castNode(Constraint, def)->conname == NULL ||
				strcmp(castNode(Constraint, def)->conname, name) != 0)
				continue;

			/* its text is in that statement, what is found about this one */
			check->judged = palloc(sizeof(PgmJudged));
			*check->judged = *other;
			check->judged->findings = judged->findings;
			check_constraint(check, castNode(Constraint, def), true);
			judged->findings = check->judged->findings;
			check->judged = judged;
			return true;
		}
	}
	return false;
}

static void
check_validate(Check *check, const char *name, List *before)
{
	PgmSpiScope scope;
	Datum		values[2];
	char		kind = '\0';
	char	   *expression = NULL;
	Oid			other = InvalidOid;
	List	   *near = NIL;
	List	   *far = NIL;

	if (check_added(check, name, before))
		return;
	values[0] = ObjectIdGetDatum(check->touch->relid);
	values[1] = pgm_text_datum(name);
	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&constraint_query, values, NULL) > 0)
	{
		kind = pgm_spi_text(1, 1)[0];
		expression = pgm_spi_text(1, 2);
		other = (Oid) pgm_spi_int64(1, 3);
	}
	if (kind != '\0')
	{
		near = name_list(4, scope.outer);
		far = name_list(5, scope.outer);
	}
	pgm_spi_end(&scope);
	if (kind == CONSTRAINT_CHECK && expression != NULL)
		check_expression(check, expression);
	else if (kind == CONSTRAINT_FOREIGN)
		check_orphans(check, other, near, far);
	else if (kind == 'n')		/* since 18 */
		check_nulls(check, near);
}

static bool
is_required(const ColumnDef *column)
{
	bool		required = false;
	ListCell   *lc;

	foreach(lc, column->constraints)
	{
		Constraint *constraint = lfirst(lc);

		if (!IsA(constraint, Constraint))
			continue;
		if (constraint->contype == CONSTR_NOTNULL)
			required = true;
		else if (constraint->contype == CONSTR_DEFAULT ||
				 constraint->contype == CONSTR_IDENTITY ||
				 constraint->contype == CONSTR_GENERATED)
			return false;
	}
	return required;
}

static void
check_alter(Check *check, AlterTableStmt *stmt, List *before)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		switch (cmd->subtype)
		{
			case AT_SetNotNull:
				check_nulls(check, list_make1(makeString(cmd->name)));
				break;
			case AT_AddConstraint:
				check_constraint(check, castNode(Constraint, cmd->def), false);
				break;
			case AT_ValidateConstraint:
				check_validate(check, cmd->name, before);
				break;
			case AT_AlterColumnType:
				check_type(check, cmd);
				break;
			case AT_AddColumn:
				if (is_required(castNode(ColumnDef, cmd->def)))
					check_rows(check, "true", "would be null in the new column");
				break;
			default:
				break;
		}
	}
}

/* The expression of an index element, without what comes after it. */
static char *
element_expression(const char *element)
{
	int			depth = 0;

	for (const char *at = element; *at != '\0'; at++)
	{
		if (*at == '(')
			depth++;
		else if (*at == ')' && --depth == 0)
			return pnstrdup(element, at + 1 - element);
	}
	return pstrdup(element);
}

/* Of expressions and a condition only the text is there. */
static void
check_index(Check *check, IndexStmt *index)
{
	const PgmSource *source = check->judged->source;
	List	   *columns = NIL;
	List	   *items;
	char	   *list;
	char	   *where = NULL;
	int			after = 0;
	ListCell   *lc;
	ListCell   *item;

	if (!index->unique)
		return;
	list = pgm_slice_parens(source, check->judged->n,
							index->relation->location, &after);
	if (list == NULL)
		return;
	items = pgm_slice_list(list);
	if (list_length(items) != list_length(index->indexParams))
		return;
	forboth(lc, index->indexParams, item, items)
	{
		IndexElem  *element = lfirst_node(IndexElem, lc);

		columns = lappend(columns, element->name == NULL ?
						  element_expression(lfirst(item)) :
						  psprintf("t.%s", quote_identifier(element->name)));
	}
	if (index->whereClause != NULL)
	{
		where = pgm_slice_after(source, check->judged->n, after, "where",
								NULL);
		if (where == NULL)
			return;
	}
	check_duplicates(check, columns, where,
					 pgm_index_nulls_not_distinct(index));
}

/* Begin a check of this table; false if it cannot be looked into. */
static bool
begin_check(Check *check, PgmJudged *judged, PgmTouch *touch)
{
	double		rows;
	List	   *key;

	if (touch == NULL || touch->fresh || !OidIsValid(touch->relid) ||
		(touch->relkind != RELKIND_RELATION &&
		 touch->relkind != RELKIND_PARTITIONED_TABLE))
		return false;
	memset(check, 0, sizeof(Check));
	check->judged = judged;
	check->touch = touch;
	check->name = pgm_touch_name(touch);
	rows = rows_of(touch->relid);
	check->sampled = rows > SAMPLE_ROWS * 4;
	check->from = check->sampled ?
		psprintf("%s AS t TABLESAMPLE SYSTEM (%f)", check->name,
				 100.0 * SAMPLE_ROWS / rows) :
		psprintf("%s AS t", check->name);
	key = primary_key(touch->relid);
	check->key = key != NIL ?
		psprintf("ROW(%s)", columns_of("t", key, ", ", "")) : "t.ctid";
	return true;
}

/* The condition that values of a domain must satisfy from now on, or NULL. */
static char *
domain_condition(const PgmJudged *judged, AlterDomainStmt *stmt, Oid domain)
{
	PgmSpiScope scope;
	Datum		values[2];
	char	   *result = NULL;

	if (stmt->subtype == 'C' &&
		!castNode(Constraint, stmt->def)->skip_validation)
		return pgm_slice_parens(judged->source, judged->n,
								castNode(Constraint, stmt->def)->location,
								NULL);
	if (stmt->subtype != 'V')
		return NULL;
	values[0] = ObjectIdGetDatum(domain);
	values[1] = pgm_text_datum(stmt->name);
	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&domain_constraint_query, values, NULL) > 0)
		result = pgm_spi_text(1, 1);
	pgm_spi_end(&scope);
	return result;
}

/* In the condition of a domain, VALUE is an ordinary name to a query. */
static void
check_domain_column(Check *check, const char *column, const char *condition)
{
	if (condition == NULL)
	{
		check_nulls(check, list_make1(makeString(pstrdup(column))));
		return;
	}
	check->from = psprintf("(SELECT t.%s AS value, %s AS key FROM %s) AS t",
						   quote_identifier(column), check->key, check->from);
	check->key = "t.key";
	check_expression(check, condition);
}

static void
check_domain(PgmJudged *judged, AlterDomainStmt *stmt, PgmTouch *touch)
{
	Oid			domain;
	Type		type = LookupTypeName(NULL,
									  makeTypeNameFromNameList(stmt->typeName),
									  NULL, true);
	char	   *condition;
	PgmSpiScope scope;
	Datum		values[2];
	List	   *columns;
	ListCell   *lc;

	if (type == NULL)
		return;
	domain = typeTypeId(type);
	ReleaseSysCache(type);
	condition = domain_condition(judged, stmt, domain);
	if (condition == NULL && stmt->subtype != 'O')
		return;
	values[0] = ObjectIdGetDatum(touch->relid);
	values[1] = ObjectIdGetDatum(domain);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&domain_columns_query, values, NULL);
	columns = name_list(1, scope.outer);
	pgm_spi_end(&scope);
	foreach(lc, columns)
	{
		Check		check;

		if (begin_check(&check, judged, touch))
			check_domain_column(&check, strVal(lfirst(lc)), condition);
	}
}

static void
check_statement(PgmJudged *judged, PgmTouch *touch, List *before)
{
	Node	   *stmt = judged->source->statements[judged->n].raw->stmt;
	Check		check;

	if (IsA(stmt, AlterDomainStmt))
		check_domain(judged, castNode(AlterDomainStmt, stmt), touch);
	else if (!touch->subject || !begin_check(&check, judged, touch))
		return;
	else if (IsA(stmt, AlterTableStmt))
		check_alter(&check, castNode(AlterTableStmt, stmt), before);
	else if (IsA(stmt, IndexStmt))
		check_index(&check, castNode(IndexStmt, stmt));
}

/* Rows that are locked against everybody are not waited for. */
static bool
is_locked(Oid relid)
{
	ListCell   *lc;

	foreach(lc, lcons_oid(relid, pgm_descendants(relid)))
	{
		if (!ConditionalLockRelationOid(lfirst_oid(lc), AccessShareLock))
			return true;
		UnlockRelationOid(lfirst_oid(lc), AccessShareLock);
	}
	return false;
}

void
pgm_datacheck_statement(PgmJudged *judged, List *before)
{
	Node	   *stmt = judged->source->statements[judged->n].raw->stmt;
	Oid			save_user;
	int			save_sec_context;
	int			guc_level;
	ListCell   *lc;

	if (!IsA(stmt, AlterTableStmt) && !IsA(stmt, IndexStmt) &&
		!IsA(stmt, AlterDomainStmt))
		return;
	GetUserIdAndSecContext(&save_user, &save_sec_context);
	guc_level = NewGUCNestLevel();
	(void) set_config_option("row_security", "off",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);

	/* for an index that is being rebuilt */
	(void) set_config_option("lock_timeout", "10ms",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	foreach(lc, judged->verdict->touches)
	{
		PgmTouch   *touch = lfirst(lc);
		Oid			owner;

		if (touch->fresh || !OidIsValid(touch->relid) ||
			is_locked(touch->relid))
			continue;
		owner = pgm_relation_owner(touch->relid);
		if (!OidIsValid(owner) || !has_privs_of_role(save_user, owner))
			continue;
		SetUserIdAndSecContext(owner, save_sec_context |
							   SECURITY_RESTRICTED_OPERATION |
							   SECURITY_LOCAL_USERID_CHANGE);
		check_statement(judged, touch, before);
		SetUserIdAndSecContext(save_user, save_sec_context);
	}
	AtEOXact_GUC(false, guc_level);
}
