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
#include "catalog/pg_type.h"
#include "nodes/parsenodes.h"
#include "parser/parse_type.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/spi.h"
#include "compat/parse.h"
#include "online/internal.h"
#include "online/layout.h"

/*
 * Columns $2 of table $1, of which $3 become something else; $4 is dropped
 * before.  Each row is a reason.
 */
static PgmQuery table_query = {
	"SELECT 'it is a partition or has inheritance' FROM pg_inherits i "
	"WHERE i.inhrelid = $1 OR i.inhparent = $1 "
	"UNION ALL SELECT format('index \"%s\" is not valid', "
	"i.indexrelid::regclass) FROM pg_index i "
	"WHERE i.indrelid = $1 AND NOT i.indisvalid "
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
	"FROM pg_constraint k WHERE k.contype = 'f' AND (k.confrelid = $1 "
	"AND k.confkey && $3 OR k.conrelid = $1 AND k.conkey && $3) "
	"UNION ALL SELECT format('foreign key \"%s\" of partitioned table \"%s\" "
	"is on a column that changes', k.conname, k.conrelid::regclass) "
	"FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid "
	"WHERE k.contype = 'f' AND k.confrelid = $1 AND k.confkey && $2 "
	"AND (c.relkind = 'p' OR k.conparentid <> 0) "
	"UNION ALL SELECT format('its row type is used by %s', "
	"pg_describe_object(d.classid, d.objid, d.objsubid)) "
	"FROM pg_class c JOIN pg_type t ON t.oid = c.reltype "
	"JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass "
	"AND d.refobjid IN (t.oid, t.typarray) AND d.classid = "
	"'pg_class'::regclass AND d.objsubid > 0 WHERE c.oid = $1 "
	"LIMIT 1",
	4, {OIDOID, INT2ARRAYOID, INT2ARRAYOID, OIDARRAYOID}
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
	"JOIN pg_type t ON t.oid = c.reltype JOIN pg_depend d "
	"ON d.refclassid = 'pg_type'::regclass "
	"AND d.refobjid IN (t.oid, t.typarray) "
	"AND d.classid = 'pg_class'::regclass AND d.objsubid > 0 "
	"LIMIT 1",
	4, {OIDOID, INT2ARRAYOID, INT2ARRAYOID, OIDARRAYOID}
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

bool
pgm_shadow_supports(const AlterTableCmd *command)
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
		default:
			return pgm_is_set_compression(command);
	}
}

/* The cast of a whole number to a wider one leaves keys what they are. */
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
			return column->raw_default == NULL &&
				(to == INT8OID || to == INT4OID);
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

Datum
pgm_shadow_oid_array(List *oids)
{
	Datum	   *elements = palloc(sizeof(Datum) * (list_length(oids) + 1));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, oids)
		elements[n++] = ObjectIdGetDatum(lfirst_oid(lc));
	return pgm_array_datum(OIDOID, n, elements);
}

static char *
catalog_reason(Oid relid, List *changed, List *changed_for_good, List *dropped)
{
	PgmSpiScope scope;
	Datum		values[4];
	char	   *result = NULL;

	values[0] = ObjectIdGetDatum(relid);
	values[1] = column_array(changed);
	values[2] = column_array(changed_for_good);
	values[3] = pgm_shadow_oid_array(dropped);
	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&table_query, values, NULL) > 0)
		result = pgm_spi_text(1, 1);
	else if (changed != NIL && pgm_spi_execute(&views_query, values, NULL) > 0)
		result = pgm_spi_text(1, 1);
	pgm_spi_end(&scope);
	return result;
}

char *
pgm_shadow_refusal(Oid relid, const PgmSource *source, int n)
{
	List	   *changed = NIL;
	List	   *changed_for_good = NIL;
	char	   *reason = relation_reason(relid);
	ListCell   *lc;

	if (reason != NULL)
		return reason;
	if (source != NULL)
	{
		Node	   *stmt = source->statements[n].raw->stmt;

		if (!IsA(stmt, AlterTableStmt))
			return pstrdup("the statement is not ALTER TABLE");
		if (adds_and_alters(castNode(AlterTableStmt, stmt)))
			return pstrdup("the statement alters a column that it adds");
		foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
		{
			AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

			if (!pgm_shadow_supports(command))
				return pstrdup("the statement does more than change columns, checks and storage");
			if (command->subtype != AT_AlterColumnType)
				continue;
			changed = lappend_int(changed, get_attnum(relid, command->name));
			if (!stays_number(relid, command))
				changed_for_good = lappend_int(changed_for_good,
											   get_attnum(relid,
														  command->name));
		}
	}
	return catalog_reason(relid, changed, changed_for_good, source == NULL ?
						  NIL : pgm_shadow_dropped_before(source, n));
}

char *
pgm_shadow_refusal_unlocked(Oid relid, const PgmSource *source, int n)
{
	char	   *reason;

	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		return pstrdup("others have locked the table");
	reason = pgm_shadow_refusal(relid, source, n);
	UnlockRelationOid(relid, AccessShareLock);
	return reason;
}
