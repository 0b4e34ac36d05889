/*-------------------------------------------------------------------------
 *
 * refusal.c
 *	  What cannot be changed by way of a table beside.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/catalog.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "nodes/parsenodes.h"
#include "parser/parse_type.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/spi_list.h"
#include "compat/parse.h"
#include "online/internal.h"
#include "online/layout.h"

/*
 * Columns $2 of table $1, of which $3 become something else; $4 is dropped
 * before.  Each row is a reason.
 */
static PgmQuery table_query = {
	"SELECT 'it is a partition or has inheritance' FROM pg_inherits i "
	"WHERE (i.inhrelid = $1 OR i.inhparent = $1) AND NOT $5 "
	"UNION ALL SELECT format('index \"%s\" is not valid', "
	"i.indexrelid::regclass) FROM pg_index i "
	"WHERE i.indrelid = $1 AND NOT i.indisvalid "
	/* which names the table, and what is beside has another name */
	"UNION ALL SELECT format('index \"%s\" has an expression on the whole "
	"row', i.indexrelid::regclass) FROM pg_index i WHERE i.indrelid = $1 "
	"AND concat_ws(' ', i.indexprs, i.indpred) ~ ':varattno 0 ' "
	"UNION ALL SELECT format('constraint \"%s\" is on the whole row', k.conname) "
	"FROM pg_constraint k WHERE k.conrelid = $1 AND k.contype = 'c' "
	"AND k.conbin::text ~ ':varattno 0 ' "
	/* since 18; the rows that are there may have nulls, those written not */
	"UNION ALL SELECT format('constraint \"%s\" is not valid', k.conname) "
	"FROM pg_constraint k WHERE k.conrelid = $1 AND k.contype = 'n' "
	"AND NOT k.convalidated "
	"UNION ALL SELECT format('constraint \"%s\" is deferrable', k.conname) "
	"FROM pg_constraint k WHERE k.conrelid = $1 AND k.condeferrable "
	"AND k.contype IN ('p', 'u', 'x') "
	"UNION ALL SELECT format('publication \"%s\" is for all tables', "
	"p.pubname) FROM pg_publication p WHERE p.puballtables "
	"UNION ALL SELECT format('column \"%s\" is used by %s', a.attname, "
	"pg_describe_object(d.classid, d.objid, d.objsubid)) "
	"FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid "
	"AND a.attnum = d.refobjsubid "
	"WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 "
	"AND d.refobjsubid = ANY ($2) AND d.classid IN ('pg_rewrite'::regclass, "
	"'pg_policy'::regclass, 'pg_proc'::regclass, 'pg_trigger'::regclass, "
	"'pg_publication_rel'::regclass) AND d.objid <> ALL ($4) "
	"AND NOT EXISTS (SELECT FROM pg_rewrite w "
	"JOIN pg_class c ON c.oid = w.ev_class AND c.relkind = 'v' "
	"WHERE d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid "
	"AND w.rulename = '_RETURN') AND NOT EXISTS (SELECT FROM pg_trigger g "
	"WHERE d.classid = 'pg_trigger'::regclass AND g.oid = d.objid "
	"AND g.tgisinternal AND g.tgfoid = 'pgmigrate.online_row'::regproc) "
	"UNION ALL SELECT format('foreign key \"%s\" of table \"%s\" is on a "
	"column that changes', k.conname, k.conrelid::regclass) "
	"FROM pg_depend d JOIN pg_constraint k ON k.oid = d.objid "
	"WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 "
	"AND d.classid = 'pg_constraint'::regclass AND k.contype = 'f' "
	"AND (k.confrelid = $1 AND k.confkey && $3 "
	"OR k.conrelid = $1 AND k.conkey && $3) "
	"AND k.oid <> ALL ($4) "
	"UNION ALL SELECT format('foreign key \"%s\" of partitioned table \"%s\" "
	"is on a column that changes', k.conname, k.conrelid::regclass) "
	"FROM pg_depend d JOIN pg_constraint k ON k.oid = d.objid "
	"JOIN pg_class c ON c.oid = k.conrelid "
	"WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 "
	"AND d.classid = 'pg_constraint'::regclass "
	"AND k.contype = 'f' AND k.confrelid = $1 AND k.confkey && $2 "
	"AND (c.relkind = 'p' OR k.conparentid <> 0) AND k.oid <> ALL ($4) "
	"UNION ALL SELECT format('its row type is used by %s', "
	"pg_describe_object(d.classid, d.objid, d.objsubid)) "
	"FROM pg_class c JOIN pg_type t ON t.oid = c.reltype "
	"CROSS JOIN LATERAL unnest(ARRAY[t.oid, t.typarray]) AS y (oid) "
	"JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass "
	"AND d.refobjid = y.oid AND d.classid = 'pg_class'::regclass "
	"AND d.objsubid > 0 WHERE c.oid = $1",
	5, {OIDOID, INT2ARRAYOID, INT2ARRAYOID, OIDARRAYOID, BOOLOID},
	.generic = true,.first = true
};

/*
 * Columns $2 of the partitioned table $1, and its partition $3, which is
 * itself for those above the others.
 */
static PgmQuery partition_query = {
	"SELECT format('column \"%s\" is in the partition key of \"%s\"; make a "
	"table with the new key beside, copy the rows and exchange the names', a.attname, p.partrelid::regclass) "
	"FROM pg_attribute a JOIN pg_partitioned_table p ON p.partrelid = $3 "
	"JOIN pg_attribute k ON k.attrelid = p.partrelid "
	"AND k.attname = a.attname "
	"WHERE a.attrelid = $1 AND a.attnum = ANY ($2) "
	"AND (k.attnum = ANY (p.partattrs::int2[]) OR EXISTS (SELECT "
	"FROM pg_depend d WHERE d.classid = 'pg_class'::regclass "
	"AND d.objid = $3 AND d.objsubid = 0 "
	"AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $3 "
	"AND d.refobjsubid = k.attnum)) "
	"UNION ALL SELECT format('partition \"%s\" has another owner', c.oid::regclass) "
	"FROM pg_class c WHERE c.oid = $3 AND c.relowner <> "
	"(SELECT r.relowner FROM pg_class r WHERE r.oid = $1) "
	"UNION ALL SELECT format('partition \"%s\" has its own default of column "
	"\"%s\"', $3::regclass, k.attname) FROM pg_attribute a "
	"JOIN pg_attribute k ON k.attrelid = $3 AND k.attname = a.attname "
	"LEFT JOIN pg_attrdef p ON p.adrelid = $1 AND p.adnum = a.attnum "
	"LEFT JOIN pg_attrdef q ON q.adrelid = $3 AND q.adnum = k.attnum "
	"WHERE a.attrelid = $1 AND a.attnum = ANY ($2) "
	"AND pg_get_expr(p.adbin, $1) IS DISTINCT FROM pg_get_expr(q.adbin, $3) "
	"UNION ALL SELECT format('column \"%s\" of partition \"%s\" is used by %s', "
	"k.attname, $3::regclass, pg_describe_object(d.classid, d.objid, "
	"d.objsubid)) FROM pg_attribute a "
	"JOIN pg_attribute k ON k.attrelid = $3 AND k.attname = a.attname "
	"JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass "
	"AND d.refobjid = $3 AND d.refobjsubid = k.attnum "
	"AND d.classid = 'pg_rewrite'::regclass "
	"WHERE $1 <> $3 AND a.attrelid = $1 AND a.attnum = ANY ($2)",
	3, {OIDOID, INT2ARRAYOID, OIDOID},
	.generic = true,.first = true
};

/*
 * Views on columns $2 of table $1 and on such views go along, unless something
 * else than another view goes by what their columns are; $4 is dropped before.
 */
static PgmQuery views_query = {
	"WITH RECURSIVE v (oid) AS (SELECT w.ev_class FROM pg_depend d "
	"JOIN pg_rewrite w ON w.oid = d.objid "
	"WHERE d.classid = 'pg_rewrite'::regclass "
	"AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 "
	"AND d.refobjsubid = ANY ($2) AND w.ev_class <> $1 "
	"AND w.ev_class <> ALL ($4) "
	"UNION SELECT w.ev_class FROM v JOIN pg_depend d "
	"ON d.refclassid = 'pg_class'::regclass AND d.refobjid = v.oid "
	"AND d.classid = 'pg_rewrite'::regclass "
	"JOIN pg_rewrite w ON w.oid = d.objid AND w.ev_class <> v.oid "
	"AND w.ev_class <> ALL ($4)), "
	"c AS (SELECT c.*, format('view \"%s\" on a column that changes ', "
	"c.oid::regclass) AS it FROM v JOIN pg_class c USING (oid) "
	"WHERE c.relkind = 'v') "
	"SELECT it || 'has another owner' FROM c WHERE c.relowner <> "
	"(SELECT t.relowner FROM pg_class t WHERE t.oid = $1) "
	"UNION ALL SELECT it || 'has defaults' FROM c "
	"JOIN pg_attrdef a ON a.adrelid = c.oid "
	"UNION ALL SELECT it || 'has rules' FROM c "
	"JOIN pg_rewrite w ON w.ev_class = c.oid AND w.rulename <> '_RETURN' "
	"AND w.oid <> ALL ($4) "
	"UNION ALL SELECT it || 'is used by ' || pg_describe_object(d.classid, "
	"d.objid, d.objsubid) FROM c JOIN pg_depend d "
	"ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid "
	"AND d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass, "
	"'pg_policy'::regclass) AND d.objid <> ALL ($4) "
	"AND NOT EXISTS (SELECT FROM pg_rewrite w "
	"JOIN pg_class r ON r.oid = w.ev_class AND r.relkind = 'v' "
	"WHERE d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid "
	"AND w.rulename = '_RETURN') "
	"UNION ALL SELECT it || 'has a row type that is used by ' || "
	"pg_describe_object(d.classid, d.objid, d.objsubid) FROM c "
	"JOIN pg_type t ON t.oid = c.reltype "
	"CROSS JOIN LATERAL unnest(ARRAY[t.oid, t.typarray]) AS y (oid) "
	"JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass "
	"AND d.refobjid = y.oid "
	"AND d.classid = 'pg_class'::regclass AND d.objsubid > 0",
	5, {OIDOID, INT2ARRAYOID, INT2ARRAYOID, OIDARRAYOID, BOOLOID},
	.generic = true,.first = true
};

static char *
relation_reason(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	char	   *result = NULL;

	if (rel->rd_rel->relkind != RELKIND_RELATION)
		result = pstrdup("it is not an ordinary table");
	else if (relid < FirstNormalObjectId || IsCatalogRelation(rel) ||
			 rel->rd_rel->relfilenode == InvalidOid)
		result = pstrdup("it is a system catalog");
	else if (rel->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		result = pstrdup("it is temporary");
	else if (rel->rd_rel->relam != HEAP_TABLE_AM_OID)
		result = pstrdup("its access method is not heap");
	else if (OidIsValid(rel->rd_rel->reloftype))
		result = pstrdup("it is a typed table");
	else if (!OidIsValid(pgm_layout_key(rel)))
		result = pstrdup("it has no primary key, and no unique index over columns that are NOT NULL");
	table_close(rel, NoLock);
	return result;
}

static bool
is_plain_column(const ColumnDef *column)
{
	ListCell   *lc;

	foreach(lc, column->constraints)
	{
		switch (lfirst_node(Constraint, lc)->contype)
		{
			case CONSTR_NULL:
			case CONSTR_NOTNULL:
			case CONSTR_DEFAULT:
			case CONSTR_CHECK:
			case CONSTR_GENERATED:
				break;
			default:
				return false;
		}
	}
	return true;
}

/* The kind of the constraint that a subcommand drops; 0 if there is none. */
static char
dropped_kind(Oid relid, const AlterTableCmd *command)
{
	Oid			constraint = get_relation_constraint_oid(relid, command->name,
														 true);
	HeapTuple	tuple = OidIsValid(constraint) ?
		SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint)) : NULL;
	char		result;

	if (!HeapTupleIsValid(tuple))
		return '\0';
	result = ((Form_pg_constraint) GETSTRUCT(tuple))->contype;
	ReleaseSysCache(tuple);
	return result;
}

/*
 * A copy has the checks of the table.  It has no foreign keys, and rows are
 * found by one of the keys.
 */
static bool
drops_check(Oid relid, const AlterTableCmd *command)
{
	char		kind = dropped_kind(relid, command);

	return kind == '\0' ? command->missing_ok : kind == CONSTRAINT_CHECK;
}

bool
pgm_shadow_supports(Oid relid, const AlterTableCmd *command)
{
	switch (command->subtype)
	{
		case AT_AlterColumnType:
		case AT_ColumnDefault:
		case AT_SetNotNull:
		case AT_DropNotNull:
		case AT_SetStorage:
		case AT_SetStatistics:
		case AT_SetOptions:
		case AT_ResetOptions:
		case AT_SetTableSpace:
		case AT_SetRelOptions:
		case AT_ResetRelOptions:
			return true;
		case AT_AddColumn:
			return is_plain_column(castNode(ColumnDef, command->def));
		case AT_AddConstraint:
			return castNode(Constraint, command->def)->contype == CONSTR_CHECK;
		case AT_DropConstraint:
			return drops_check(relid, command);
		default:
			return pgm_is_set_compression(command);
	}
}

static const char *
constraint_word(char kind)
{
	switch (kind)
	{
		case CONSTRAINT_FOREIGN:
			return "foreign key";
		case CONSTRAINT_PRIMARY:
		case CONSTRAINT_UNIQUE:
			return "key";
		default:
			return "constraint";
	}
}

/* Why a subcommand is none of those that can be carried out so. */
static char *
unsupported_reason(Oid relid, const AlterTableCmd *command)
{
	switch (command->subtype)
	{
		case AT_DropConstraint:
			return psprintf("the statement also drops %s \"%s\", which needs a statement of its own before it",
							constraint_word(dropped_kind(relid, command)),
							command->name);
		case AT_DropColumn:
			return psprintf("the statement also drops column \"%s\", which needs a statement of its own",
							command->name);
		case AT_AddColumn:
			return psprintf("the statement also adds column \"%s\" with more than a default and checks, which needs a statement of its own",
							castNode(ColumnDef, command->def)->colname);
		case AT_AddConstraint:
			return pstrdup("the statement also adds a constraint that is no check, which needs a statement of its own after it");
		default:
			return pstrdup("the statement does more than change columns, checks and storage");
	}
}

/*
 * The cast of a whole number to another one leaves keys what they are, or it
 * fails.
 */
static bool
stays_number(Oid relid, const AlterTableCmd *command)
{
	const ColumnDef *column = castNode(ColumnDef, command->def);
	AttrNumber	attnum = get_attnum(relid, command->name);
	Oid			to = typenameTypeId(NULL, column->typeName);

	switch (attnum == InvalidAttrNumber ? InvalidOid :
			get_atttype(relid, attnum))
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return column->raw_default == NULL &&
				(to == INT8OID || to == INT4OID || to == INT2OID);
		default:
			return false;
	}
}

/*
 * Rows that are there get the default that a column is added with; what else
 * is done to the column in the same statement is not for them.
 */
static bool
adds_and_alters(const AlterTableStmt *stmt)
{
	ListCell   *lc;
	ListCell   *other;

	foreach(lc, stmt->cmds)
	{
		const AlterTableCmd *added = lfirst_node(AlterTableCmd, lc);

		if (added->subtype != AT_AddColumn)
			continue;
		foreach(other, stmt->cmds)
		{
			const AlterTableCmd *command = lfirst_node(AlterTableCmd, other);
			const char *name = castNode(ColumnDef, added->def)->colname;

			if (command->subtype != AT_AddConstraint &&
				command->name != NULL && strcmp(command->name, name) == 0)
				return true;
		}
	}
	return false;
}

static Datum
column_array(List *columns)
{
	Datum	   *elements;
	int			n = 0;
	ListCell   *lc;

	elements = palloc(sizeof(Datum) * Max(list_length(columns), 1));
	foreach(lc, columns)
		elements[n++] = Int16GetDatum((int16) lfirst_int(lc));
	return pgm_array_datum(INT2OID, n, elements);
}

/* What a statement does to a table. */
typedef struct Subject
{
	Oid			relid;
	Oid			reader;			/* of what the text computes */
	List	   *changed;		/* columns whose type it changes */
	List	   *changed_for_good;	/* … into something else */
	List	   *dropped;		/* objects, before it */
} Subject;

static char *
catalog_reason(const Subject *subject, bool partition)
{
	Datum		values[5];
	char	   *result;

	values[0] = ObjectIdGetDatum(subject->relid);
	values[1] = column_array(subject->changed);
	values[2] = column_array(subject->changed_for_good);
	values[3] = pgm_oid_array_datum(subject->dropped);
	values[4] = BoolGetDatum(partition);
	result = pgm_spi_one_text(&table_query, values);
	return result == NULL && subject->changed != NIL ?
		pgm_spi_one_text(&views_query, values) : result;
}

static char *
partition_reason(const Subject *subject, Oid partition)
{
	Datum		values[3];

	values[0] = ObjectIdGetDatum(subject->relid);
	values[1] = column_array(subject->changed);
	values[2] = ObjectIdGetDatum(partition);
	return pgm_spi_one_text(&partition_query, values);
}

/* The columns of a partition by the same names. */
static List *
columns_of(Oid partition, Oid relid, List *columns)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, columns)
	{
		char	   *name = get_attname(relid, (AttrNumber) lfirst_int(lc),
									   true);

		if (name != NULL)
			result = lappend_int(result, get_attnum(partition, name));
	}
	return result;
}

static char *
reason_of_partition(const Subject *subject, Oid relid)
{
	Subject		own = {.relid = relid,.dropped = subject->dropped};
	char	   *reason = partition_reason(subject, relid);

	if (reason != NULL || relid == subject->relid)
		return reason;
	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		reason = relation_reason(relid);
	if (reason == NULL)
	{
		own.changed = columns_of(relid, subject->relid, subject->changed);
		own.changed_for_good = columns_of(relid, subject->relid,
										  subject->changed_for_good);
		reason = catalog_reason(&own, true);
	}
	return reason == NULL ? NULL :
		psprintf("of its partition \"%s\" %s", get_rel_name(relid), reason);
}

/* Of all below a partitioned table, and of itself. */
static char *
family_reason(const Subject *subject)
{
	char	   *reason = NULL;
	int			leaves = 0;
	ListCell   *lc;

	foreach(lc, find_all_inheritors(subject->relid, NoLock, NULL))
	{
		Oid			relid = lfirst_oid(lc);

		if (!ConditionalLockRelationOid(relid, AccessShareLock))
			return psprintf("others have locked partition \"%s\"",
							get_rel_name(relid));
		switch (get_rel_relkind(relid))
		{
			case '\0':
				/* dropped since it was found */
				break;
			case RELKIND_PARTITIONED_TABLE:
				reason = reason_of_partition(subject, relid);
				break;
			default:
				leaves++;
				reason = reason_of_partition(subject, relid);
				break;
		}
		UnlockRelationOid(relid, AccessShareLock);
		if (reason != NULL)
			return reason;
	}
	return leaves == 0 ? pstrdup("it has no partitions") : NULL;
}

/* What is not of each partition by itself is not told from one of them. */
static bool
supports_partitions(const AlterTableCmd *command)
{
	switch (command->subtype)
	{
		case AT_AlterColumnType:
		case AT_ColumnDefault:
		case AT_SetNotNull:
		case AT_DropNotNull:
			return true;
		default:
			return false;
	}
}

static char *
expression_reason(const Subject *subject, AlterTableCmd *command)
{
	Relation	rel = table_open(subject->relid, NoLock);
	PgmMappingText forth;

	pgm_mapping_foresee(rel, command, subject->reader, &forth);
	table_close(rel, NoLock);
	return forth.missing;
}

static char *
command_reason(Subject *subject, AlterTableCmd *command, bool partitioned)
{
	AttrNumber	column;

	if (!pgm_shadow_supports(subject->relid, command))
		return unsupported_reason(subject->relid, command);
	if (partitioned && !supports_partitions(command))
		return pstrdup("the statement does more than change columns of a partitioned table");
	if (command->subtype == AT_AddColumn)
		return expression_reason(subject, command);
	if (command->subtype != AT_AlterColumnType)
		return NULL;
	column = get_attnum(subject->relid, command->name);
	subject->changed = lappend_int(subject->changed, column);
	if (!stays_number(subject->relid, command))
		subject->changed_for_good = lappend_int(subject->changed_for_good,
												column);
	return expression_reason(subject, command);
}

static char *
statement_reason(Subject *subject, Node *stmt, bool partitioned)
{
	ListCell   *lc;

	if (!IsA(stmt, AlterTableStmt))
		return pstrdup("the statement is not ALTER TABLE");
	if (partitioned && !castNode(AlterTableStmt, stmt)->relation->inh)
		return pstrdup("it is partitioned, and the statement is for it ONLY");
	if (adds_and_alters(castNode(AlterTableStmt, stmt)))
		return pstrdup("the statement alters a column that it adds");
	foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
	{
		char	   *reason = command_reason(subject,
											lfirst_node(AlterTableCmd, lc),
											partitioned);

		if (reason != NULL)
			return reason;
	}
	return NULL;
}

/* Is it about the files of the table only, so that a partition is one too? */
static bool
changes_storage(const PgmSource *source, int n)
{
	ListCell   *lc;

	if (source == NULL)
		return true;
	if (!IsA(source->statements[n].raw->stmt, AlterTableStmt))
		return false;
	foreach(lc, castNode(AlterTableStmt,
						 source->statements[n].raw->stmt)->cmds)
	{
		switch (lfirst_node(AlterTableCmd, lc)->subtype)
		{
			case AT_SetTableSpace:
			case AT_SetRelOptions:
			case AT_ResetRelOptions:
				break;
			default:
				return false;
		}
	}
	return true;
}

char *
pgm_shadow_refusal(Oid relid, const PgmSource *source, int n, Oid reader)
{
	Subject		subject = {.relid = relid,.reader = reader};
	bool		partitioned = get_rel_relkind(relid) ==
		RELKIND_PARTITIONED_TABLE;
	bool		partition = partitioned ||
		(get_rel_relispartition(relid) && changes_storage(source, n));
	char	   *reason = NULL;

	if (!partitioned)
		reason = relation_reason(relid);
	else if (source == NULL)
		reason = pstrdup("it is partitioned; rebuild its partitions");
	if (reason == NULL && source != NULL)
	{
		reason = statement_reason(&subject, source->statements[n].raw->stmt,
								  partitioned);
		subject.dropped = pgm_shadow_dropped_before(source, n);
	}
	if (reason == NULL && partitioned)
		reason = family_reason(&subject);
	return reason != NULL ? reason : catalog_reason(&subject, partition);
}

char *
pgm_shadow_refusal_unlocked(Oid relid, const PgmSource *source, int n,
							Oid reader)
{
	char	   *reason;

	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		return pstrdup("others have locked the table");
	reason = pgm_shadow_refusal(relid, source, n, reader);
	UnlockRelationOid(relid, AccessShareLock);
	return reason;
}
