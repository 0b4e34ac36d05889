/*-------------------------------------------------------------------------
 *
 * datacheck.c
 *	  Look for the rows that will make a statement fail.
 *
 * Runs as the calling user, with his rights and no others, read-only and
 * without row security: what he may not read whole is not looked at.  A CHECK
 * of the statement is evaluated as it will be in the revision.  Of a large
 * table a sample is read, and the finding says so.
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
#include "catalog/pg_type.h"
#include "compat.h"
#include "compat_parse.h"
#include "datacheck.h"
#include "parser/parse_type.h"
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

static List *
primary_key(Oid relid)
{
	PgmSpiScope scope;
	Datum		values[1] = {ObjectIdGetDatum(relid)};
	char	  **names;
	int			n;
	List	   *result = NIL;

	pgm_spi_begin(&scope);
	pgm_spi_execute(&primary_key_query, values, NULL);
	names = pgm_spi_text_array(1, 1, &n);
	pgm_spi_end(&scope);
	for (int i = 0; i < n; i++)
		result = lappend(result, makeString(names[i]));
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
rows_of(Oid relid)
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

static void
check_duplicates(Check *check, List *columns)
{
	char	   *list = columns_of("t", columns, ", ", "");
	int64		count;
	char	   *example;

	if (!pgm_spi_probe(psprintf("SELECT pg_catalog.count(*), pg_catalog.min(s.k) FROM (SELECT ROW(%s)::pg_catalog.text AS k FROM %s WHERE %s GROUP BY %s HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 1) AS s",
								list, check->from,
								columns_of("t", columns, " AND ", " IS NOT NULL"),
								list),
					   &count, &example) || count == 0)
		return;
	report(check, count, example,
		   psprintf(INT64_FORMAT " keys of %s are not unique, such as %s",
					count, check->name, example));
}

static void
check_condition(Check *check, const Constraint *constraint)
{
	char	   *condition;

	condition = pgm_source_parenthesized(check->judged->source,
										 check->judged->n,
										 constraint->location);
	if (condition != NULL)
		check_rows(check, psprintf("NOT %s", condition),
				   "do not satisfy the CHECK");
}

static void
check_orphans(Check *check, const Constraint *constraint)
{
	Oid			other = pgm_lookup_relation(constraint->pktable);
	List	   *far;
	ListCell   *here;
	ListCell   *there;
	StringInfoData join;
	int64		count;
	char	   *example;
	char	   *columns = columns_of("t", constraint->fk_attrs, ", ", "");

	if (!OidIsValid(other))
		return;
	far = constraint->pk_attrs ? constraint->pk_attrs : primary_key(other);
	if (list_length(far) != list_length(constraint->fk_attrs))
		return;
	initStringInfo(&join);
	forboth(here, constraint->fk_attrs, there, far)
		appendStringInfo(&join, "%st.%s = p.%s", join.len > 0 ? " AND " : "",
						 quote_identifier(strVal(lfirst(here))),
						 quote_identifier(strVal(lfirst(there))));
	if (!pgm_spi_probe(psprintf("SELECT pg_catalog.count(*), pg_catalog.min(ROW(%s)::pg_catalog.text) FROM %s WHERE %s AND NOT EXISTS (SELECT FROM %s AS p WHERE %s)",
								columns, check->from,
								columns_of("t", constraint->fk_attrs,
										   " AND ", " IS NOT NULL"),
								quote_qualified_identifier(get_namespace_name(get_rel_namespace(other)),
														   get_rel_name(other)),
								join.data),
					   &count, &example) || count == 0)
		return;
	report(check, count, example,
		   psprintf(INT64_FORMAT " rows of %s reference no row of %s, such as %s",
					count, check->name, get_rel_name(other), example));
}

/* Values that the new type does not take, or not whole. */
static void
check_type(Check *check, AlterTableCmd *cmd)
{
	ColumnDef  *column = castNode(ColumnDef, cmd->def);
	const char *name = quote_identifier(cmd->name);
	Type		type = LookupTypeName(NULL, column->typeName, NULL, true);
	Oid			oid;
	int32		typmod;
	int64		count;
	char	   *message;

	if (type == NULL)
		return;
	ReleaseSysCache(type);
	if (column->raw_default != NULL)
		return;					/* USING may do anything */
	typenameTypeIdAndMod(NULL, column->typeName, &oid, &typmod);
	if ((oid == VARCHAROID || oid == BPCHAROID) && typmod > VARHDRSZ)
	{
		check_rows(check,
				   psprintf("pg_catalog.length(t.%s::pg_catalog.text) OPERATOR(pg_catalog.>) %d",
							name, typmod - (int) VARHDRSZ),
				   psprintf("are too long in %s", name));
		return;
	}
	if (!pgm_spi_probe(psprintf("SELECT pg_catalog.count(t.%s::%s), NULL::pg_catalog.text FROM %s",
								name, format_type_with_typemod(oid, typmod),
								check->from),
					   &count, &message) &&
		ERRCODE_TO_CATEGORY(count) == ERRCODE_DATA_EXCEPTION)
		report(check, 1, message,
			   psprintf("a value of %s in %s cannot be converted: %s", name,
						check->name, message));
}

static void
check_constraint(Check *check, Constraint *constraint)
{
	switch (constraint->contype)
	{
		case CONSTR_CHECK:
			if (!constraint->skip_validation)
				check_condition(check, constraint);
			break;
		case CONSTR_FOREIGN:
			if (!constraint->skip_validation)
				check_orphans(check, constraint);
			break;
		case CONSTR_PRIMARY:
			check_nulls(check, constraint->keys);
			if (constraint->indexname == NULL)
				check_duplicates(check, constraint->keys);
			break;
		case CONSTR_UNIQUE:
			if (constraint->indexname == NULL)
				check_duplicates(check, constraint->keys);
			break;
		default:
			break;
	}
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
check_alter(Check *check, AlterTableStmt *stmt)
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
				check_constraint(check, castNode(Constraint, cmd->def));
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

static void
check_index(Check *check, IndexStmt *index)
{
	List	   *columns = NIL;
	ListCell   *lc;

	if (!index->unique || index->whereClause != NULL)
		return;
	foreach(lc, index->indexParams)
	{
		IndexElem  *element = lfirst_node(IndexElem, lc);

		if (element->name == NULL)
			return;
		columns = lappend(columns, makeString(element->name));
	}
	check_duplicates(check, columns);
}

static PgmTouch *
subject(const PgmVerdict *verdict)
{
	ListCell   *lc;

	foreach(lc, verdict->touches)
	{
		PgmTouch   *touch = lfirst(lc);

		if (touch->subject)
			return touch;
	}
	return NULL;
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
pgm_datacheck_statement(PgmJudged *judged)
{
	Node	   *stmt = judged->source->statements[judged->n].raw->stmt;
	Check		check = {0};
	double		rows;
	List	   *key;
	int			guc_level;

	check.judged = judged;
	check.touch = subject(judged->verdict);
	if (check.touch == NULL || check.touch->fresh ||
		!OidIsValid(check.touch->relid) ||
		(check.touch->relkind != RELKIND_RELATION &&
		 check.touch->relkind != RELKIND_PARTITIONED_TABLE))
		return;
	if (is_locked(check.touch->relid))
		return;
	check.name = pgm_touch_name(check.touch);
	rows = rows_of(check.touch->relid);
	check.sampled = rows > SAMPLE_ROWS * 4;
	check.from = check.sampled ?
		psprintf("%s AS t TABLESAMPLE SYSTEM (%f)", check.name,
				 100.0 * SAMPLE_ROWS / rows) :
		psprintf("%s AS t", check.name);
	key = primary_key(check.touch->relid);
	check.key = key != NIL ?
		psprintf("ROW(%s)", columns_of("t", key, ", ", "")) : "t.ctid";

	guc_level = NewGUCNestLevel();
	(void) set_config_option("row_security", "off",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	/* for an index that is being rebuilt */
	(void) set_config_option("lock_timeout", "10ms",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	if (IsA(stmt, AlterTableStmt))
		check_alter(&check, castNode(AlterTableStmt, stmt));
	else if (IsA(stmt, IndexStmt))
		check_index(&check, castNode(IndexStmt, stmt));
	AtEOXact_GUC(false, guc_level);
}
