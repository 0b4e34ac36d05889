/*-------------------------------------------------------------------------
 *
 * partition.c
 *	  An ordinary table becomes a partitioned one.
 *
 * The table beside is partitioned, and gets the rows as any other does.  In
 * the switch the files of the table are exchanged with those of a table that
 * has no rows; then it loses its files and becomes partitioned itself, as
 * views were made of empty tables once, and gets the partitions of the table
 * beside.  So its OID stays, and with it all that refers to it.
 *
 * The server attaches the partitions, with their indexes, constraints and
 * triggers.  It would read all their rows to see that they belong there, and
 * that what they reference is there.  Both are known: the one since the rows
 * were written, by the same bounds, the other since they are those of the
 * table.  So it finds constraints that say it, and are valid.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/multixact.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/heap.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_type.h"
#include "catalog/storage.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/spi_list.h"
#include "base/transaction.h"
#include "compat/catalog.h"
#include "compat/files.h"
#include "compat/repack.h"
#include "online/beside.h"
#include "online/dependents.h"
#include "online/internal.h"
#include "online/layout.h"
#include "online/owner.h"
#include "online/partition.h"

/* Of a partition, while it is attached. */
#define BOUND_CHECK "pgm bound"

/* Rows that are named. */
#define MAX_NAMED 5

/* Why table $1 cannot be partitioned. */
static PgmQuery reason_query = {
	"SELECT 'it is not permanent' FROM pg_class c "
	"WHERE c.oid = $1 AND c.relpersistence <> 'p' "
	"UNION ALL SELECT format('constraint \"%s\" is NO INHERIT', k.conname) "
	"FROM pg_constraint k WHERE k.conrelid = $1 AND k.contype = 'c' "
	"AND k.connoinherit "
	"UNION ALL SELECT format('constraint \"%s\" is not valid', k.conname) "
	"FROM pg_constraint k WHERE k.conrelid = $1 AND NOT k.convalidated "
	/* on a partition of what it refers to: VALIDATE leaves it before 18 */
	"AND k.conparentid = 0 "
	"UNION ALL SELECT format('foreign key \"%s\" is of the table itself', "
	"k.conname) FROM pg_constraint k "
	"WHERE k.conrelid = $1 AND k.confrelid = $1 "
	"UNION ALL SELECT format('trigger \"%s\" is for each row and has a "
	"transition table', g.tgname) FROM pg_trigger g WHERE g.tgrelid = $1 "
	"AND (g.tgtype & 1) = 1 "
	"AND coalesce(g.tgoldtable, g.tgnewtable) IS NOT NULL "
	"UNION ALL SELECT format('publication \"%s\" is not "
	"\"publish_via_partition_root\"', p.pubname) "
	"FROM pg_publication p JOIN pg_class c ON c.oid = $1 "
	"WHERE NOT p.pubviaroot AND (EXISTS (SELECT FROM pg_publication_rel r "
	"WHERE r.prpubid = p.oid AND r.prrelid = c.oid) OR "
	PGM_SCHEMA_IS_PUBLISHED("p.oid", "c.relnamespace") ") "
	"UNION ALL SELECT 'its owner may create nothing in its schema' "
	"FROM pg_class c WHERE c.oid = $1 "
	"AND NOT has_schema_privilege(c.relowner, c.relnamespace, 'CREATE')",
	1, {OIDOID},
	.first = true
};

/*
 * The partitions of table $1, the default one last, and what holds for their
 * rows; in terms of table $2.
 */
static PgmQuery leaves_query = {
	"SELECT c.oid::int8, pg_get_expr(c.relpartbound, c.oid), "
	"replace(pg_get_partition_constraintdef(c.oid), "
	"format('satisfies_hash_partition(''%s''::oid,', $1), "
	"format('satisfies_hash_partition(''%s''::oid,', $2)) "
	"FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
	"WHERE i.inhparent = $1 "
	"ORDER BY pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT', c.oid",
	2, {OIDOID, OIDOID}
};

static PgmQuery keys_query = {
	"SELECT k.conname::text, pg_get_constraintdef(k.oid) "
	"FROM pg_constraint k WHERE k.conrelid = $1 AND k.contype = 'f' "
	"ORDER BY k.oid",
	1, {OIDOID}
};

static PgmQuery others_query = {
	"SELECT i.inhrelid::int8 FROM pg_inherits i WHERE i.inhparent = $2 "
	"UNION SELECT CASE k.conrelid WHEN $1 THEN k.confrelid "
	"ELSE k.conrelid END::int8 FROM pg_constraint k "
	"WHERE k.contype = 'f' AND $1 IN (k.conrelid, k.confrelid)",
	2, {OIDOID, OIDOID}
};

static PgmQuery incoming_query = {
	"SELECT k.oid::int8 FROM pg_constraint k WHERE k.confrelid = $1 "
	"AND k.contype = 'f'",
	1, {OIDOID}
};

typedef struct Leaf
{
	Oid			relid;
	char	   *bound;
	char	   *condition;		/* NULL if all rows belong there */
} Leaf;

typedef struct LeafKey
{
	char	   *name;
	char	   *definition;
} LeafKey;

bool
pgm_partition_wanted(const PgmShadow *shadow)
{
	return OidIsValid(shadow->beside) &&
		get_rel_relkind(shadow->beside) == RELKIND_PARTITIONED_TABLE;
}

/* ---- what is asked for */

/* CREATE TABLE ... PARTITION BY, and what attaches the partitions. */
static Node *
statement(const PgmShadow *shadow, int n)
{
	return copyObject(shadow->request->partitioning->statements[n].raw->stmt);
}

static void
refuse(const PgmShadow *shadow, const char *reason)
{
	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("cannot partition table %s", shadow->name),
			errdetail("The reason is that %s.", reason));
}

static void
refuse_syntax(void)
{
	ereport(ERROR,
			errcode(ERRCODE_SYNTAX_ERROR),
			errmsg("what the table is partitioned by, or a partition, is more than that"),
			errhint("For example partition_by => 'RANGE (day)', partitions => ARRAY['old FOR VALUES FROM (MINVALUE) TO (''2026-01-01'')', 'rest DEFAULT']."));
}

static void
check_syntax(const PgmSource *source)
{
	for (int i = 0; i < source->nstatements; i++)
	{
		Node	   *stmt = source->statements[i].raw->stmt;

		if (i == 0)
		{
			if (!IsA(stmt, CreateStmt) ||
				castNode(CreateStmt, stmt)->partspec == NULL ||
				castNode(CreateStmt, stmt)->tableElts != NIL ||
				castNode(CreateStmt, stmt)->options != NIL ||
				castNode(CreateStmt, stmt)->tablespacename != NULL ||
				castNode(CreateStmt, stmt)->accessMethod != NULL)
				refuse_syntax();
		}
		else if (!IsA(stmt, AlterTableStmt) ||
				 list_length(castNode(AlterTableStmt, stmt)->cmds) != 1 ||
				 linitial_node(AlterTableCmd,
							   castNode(AlterTableStmt, stmt)->cmds)->subtype !=
				 AT_AttachPartition)
			refuse_syntax();
	}
}

static bool
is_by_expression(const PgmShadow *shadow)
{
	CreateStmt *stmt = castNode(CreateStmt, statement(shadow, 0));
	ListCell   *lc;

	foreach(lc, stmt->partspec->partParams)
	{
		if (lfirst_node(PartitionElem, lc)->expr != NULL)
			return true;
	}
	return false;
}

/* An empty one with the same columns, partitioned as it is wanted. */
static Oid
make_model(const PgmShadow *shadow, Relation rel, const char *name,
		   uint32 options)
{
	CreateStmt *stmt = castNode(CreateStmt, statement(shadow, 0));
	TableLikeClause *like = makeNode(TableLikeClause);

	stmt->relation = makeRangeVar(shadow->schema, pstrdup(name), -1);
	like->relation =
		makeRangeVar(get_namespace_name(RelationGetNamespace(rel)),
					 pstrdup(RelationGetRelationName(rel)), -1);
	like->options = options;
	stmt->tableElts = list_make1(like);
	pgm_layout_run((Node *) stmt, shadow->request->partitioning->text);
	CommandCounterIncrement();
	return get_relname_relid(name, get_namespace_oid(shadow->schema, false));
}

static void
drop_model(Oid model)
{
	ObjectAddress address;

	ObjectAddressSet(address, RelationRelationId, model);
	performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	CommandCounterIncrement();
}

/*
 * The server is asked, with a table that is gone after: it knows which unique
 * indexes and constraints a partitioned table may have.
 */
void
pgm_partition_check(PgmShadow *shadow, Relation rel)
{
	Datum		values[1] = {ObjectIdGetDatum(shadow->relid)};
	const char *reason;

	check_syntax(shadow->request->partitioning);
	reason = pgm_spi_one_text(&reason_query, values);
	if (reason == NULL && is_by_expression(shadow))
		reason = "it is to be partitioned by an expression, and has then no key, by which rows are found; keep the value in a column, and have that in the primary key";
	if (reason != NULL)
		refuse(shadow, reason);
	drop_model(make_model(shadow, rel, RelationGetRelationName(rel),
						  CREATE_TABLE_LIKE_CONSTRAINTS |
						  CREATE_TABLE_LIKE_GENERATED |
						  CREATE_TABLE_LIKE_INDEXES));
}

/* ---- a table becomes partitioned */

static void
drop_toast(Oid toast)
{
	ObjectAddress address;

	if (!OidIsValid(toast))
		return;
	deleteDependencyRecordsFor(RelationRelationId, toast, false);
	CommandCounterIncrement();
	ObjectAddressSet(address, RelationRelationId, toast);
	performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
}

/* The row of one that has no files. */
static void
update_class(Oid relid, char kind)
{
	Relation	catalog = table_open(RelationRelationId, RowExclusiveLock);
	HeapTuple	tuple = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(relid));
	Datum		values[Natts_pg_class] = {0};
	bool		nulls[Natts_pg_class] = {false};
	bool		replaces[Natts_pg_class] = {false};
	Form_pg_class form;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	if (kind == RELKIND_PARTITIONED_TABLE)
	{
		nulls[Anum_pg_class_reloptions - 1] = true;
		replaces[Anum_pg_class_reloptions - 1] = true;
		tuple = heap_modify_tuple(tuple, RelationGetDescr(catalog), values,
								  nulls, replaces);
	}
	form = (Form_pg_class) GETSTRUCT(tuple);
	form->relkind = kind;
	form->relfilenode = InvalidOid;
	form->relpages = 0;
	form->reltuples = kind == RELKIND_PARTITIONED_TABLE ? -1 : 0;
	form->relallvisible = 0;
	pgm_no_frozen_pages(form);
	form->relfrozenxid = InvalidTransactionId;
	form->relminmxid = InvalidMultiXactId;
	if (kind == RELKIND_PARTITIONED_TABLE)
	{
		form->relam = InvalidOid;
		form->reltoastrelid = InvalidOid;
	}
	CatalogTupleUpdate(catalog, &tuple->t_self, tuple);
	table_close(catalog, RowExclusiveLock);
}

static void
lose_files(Oid relid, char kind)
{
	Relation	rel = relation_open(relid, AccessExclusiveLock);
	Oid			toast = rel->rd_rel->reltoastrelid;

	RelationDropStorage(rel);
	relation_close(rel, NoLock);
	pgm_close_files(relid);
	drop_toast(toast);
	CommandCounterIncrement();
	update_class(relid, kind);
	CommandCounterIncrement();
}

/* Constraints of a partitioned table are those of its partitions. */
void
pgm_partition_let_inherit(Oid relid, bool inherit)
{
	Relation	catalog = table_open(ConstraintRelationId, RowExclusiveLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(catalog, ConstraintRelidTypidNameIndexId, true,
							  NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		if (((Form_pg_constraint) GETSTRUCT(tuple))->contype !=
			CONSTRAINT_FOREIGN)
			continue;
		tuple = heap_copytuple(tuple);
		((Form_pg_constraint) GETSTRUCT(tuple))->connoinherit = !inherit;
		CatalogTupleUpdate(catalog, &tuple->t_self, tuple);
	}
	systable_endscan(scan);
	table_close(catalog, RowExclusiveLock);
}

/* By what a table that has the same columns is partitioned by. */
void
pgm_partition_store_key(Oid relid, Oid like)
{
	HeapTuple	tuple = SearchSysCache1(PARTRELID, ObjectIdGetDatum(like));
	Form_pg_partitioned_table form;
	AttrNumber	columns[PARTITION_MAX_KEYS];
	Datum		classes;
	Datum		collations;
	bool		isnull;
	Relation	rel;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for partition key of %u", like);
	form = (Form_pg_partitioned_table) GETSTRUCT(tuple);
	for (int i = 0; i < form->partnatts; i++)
	{
		if (form->partattrs.values[i] == InvalidAttrNumber)
			ereport(ERROR,
					errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("cannot partition table \"%s\" by an expression",
						   get_rel_name(relid)));
		columns[i] = get_attnum(relid,
								get_attname(like, form->partattrs.values[i],
											false));
	}
	classes = SysCacheGetAttr(PARTRELID, tuple,
							  Anum_pg_partitioned_table_partclass, &isnull);
	collations = SysCacheGetAttr(PARTRELID, tuple,
								 Anum_pg_partitioned_table_partcollation,
								 &isnull);
	rel = table_open(relid, NoLock);
	StorePartitionKey(rel, form->partstrat, form->partnatts, columns, NIL,
					  ((oidvector *) DatumGetPointer(classes))->values,
					  ((oidvector *) DatumGetPointer(collations))->values);
	table_close(rel, NoLock);
	ReleaseSysCache(tuple);
	CommandCounterIncrement();
}

/* It has no rows, and is locked against everybody. */
static void
become_partitioned(Oid relid, Oid like)
{
	Relation	rel = table_open(relid, AccessExclusiveLock);
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *lc;

	/* what is about rows and their order */
	mark_index_clustered(rel, InvalidOid, true);
	RelationClearMissing(rel);
	table_close(rel, NoLock);
	CommandCounterIncrement();
	foreach(lc, indexes)
		lose_files(lfirst_oid(lc), RELKIND_PARTITIONED_INDEX);
	lose_files(relid, RELKIND_PARTITIONED_TABLE);
	pgm_partition_let_inherit(relid, true);
	pgm_partition_store_key(relid, like);
}

/* ---- the table beside */

static void
make_leaf(PgmShadow *shadow, Relation rel, int n)
{
	AlterTableStmt *stmt = castNode(AlterTableStmt, statement(shadow, n));
	PartitionCmd *command =
		castNode(PartitionCmd,
				 linitial_node(AlterTableCmd, stmt->cmds)->def);
	char	   *name = command->name->relname;
	Oid			leaf;

	if (command->name->schemaname != NULL)
		refuse_syntax();
	if (OidIsValid(get_relname_relid(name, RelationGetNamespace(rel))))
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_TABLE),
				errmsg("relation \"%s\" already exists", name));
	leaf = pgm_layout_create(rel, name,
							 get_namespace_oid(shadow->schema, false));
	pgm_layout_make_member(RelationRelationId, leaf);
	stmt->relation = makeRangeVar(shadow->schema, get_rel_name(shadow->beside),
								  -1);
	command->name = makeRangeVar(shadow->schema, name, -1);
	pgm_layout_run((Node *) stmt, shadow->request->partitioning->text);
	CommandCounterIncrement();
}

void
pgm_partition_make(PgmShadow *shadow, Relation rel)
{
	Oid			model = make_model(shadow, rel, "pgm model", 0);

	become_partitioned(shadow->beside, model);
	drop_model(model);
	for (int i = 1; i < shadow->request->partitioning->nstatements; i++)
		make_leaf(shadow, rel, i);
}

/* ---- partitions */

static void *
make_leaf_of(uint64 row)
{
	Leaf	   *leaf = palloc(sizeof(Leaf));

	leaf->relid = (Oid) pgm_spi_int64(row, 1);
	leaf->bound = pgm_spi_text(row, 2);
	leaf->condition = pgm_spi_text(row, 3);
	return leaf;
}

static List *
read_leaves(const PgmShadow *shadow, Oid in_terms_of)
{
	Datum		values[2];

	values[0] = ObjectIdGetDatum(shadow->beside);
	values[1] = ObjectIdGetDatum(in_terms_of);
	return pgm_spi_list(&leaves_query, values, NULL, make_leaf_of);
}

static void
report_rows(const PgmShadow *shadow, uint64 n)
{
	StringInfoData rows;

	initStringInfo(&rows);
	for (uint64 i = 1; i <= Min(n, MAX_NAMED); i++)
		appendStringInfo(&rows, "%s%s", i > 1 ? ", " : "", pgm_spi_text(i, 1));
	ereport(ERROR,
			errcode(ERRCODE_CHECK_VIOLATION),
			errmsg("table %s has rows that belong to no partition",
				   shadow->name),
			errdetail("Rows with these keys: %s%s.", rows.data,
					  n > MAX_NAMED ? ", and others" : ""),
			errhint("Give a partition for them, or a DEFAULT one."));
}

/* What the rows are known by, as text. */
static char *
key_columns(const PgmShadow *shadow)
{
	Relation	index = index_open(shadow->key, AccessShareLock);
	StringInfoData columns;

	initStringInfo(&columns);
	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
		appendStringInfo(&columns, "%s%s", i > 0 ? ", " : "",
						 quote_identifier(get_attname(shadow->relid,
													  index->rd_index->indkey.values[i],
													  false)));
	index_close(index, NoLock);
	return columns.data;
}

static void
look_for_rows(PgmShadow *shadow)
{
	StringInfoData sql;
	PgmSpiScope scope;
	ListCell   *lc;
	uint64		n;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT ROW(%s)::text FROM ONLY %s WHERE true",
					 key_columns(shadow), shadow->name);
	foreach(lc, read_leaves(shadow, shadow->beside))
	{
		const Leaf *leaf = lfirst(lc);

		if (leaf->condition == NULL || strcmp(leaf->bound, "DEFAULT") == 0)
			return;
		appendStringInfo(&sql, " AND (%s) IS NOT TRUE", leaf->condition);
	}
	appendStringInfo(&sql, " LIMIT %d", MAX_NAMED + 1);
	pgm_spi_begin_as(&scope, shadow->owner);
	n = pgm_spi_execute_built(sql.data, true, 0, NULL);
	if (n > 0)
		report_rows(shadow, n);
	pgm_spi_end(&scope);
}

void
pgm_partition_check_rows(PgmShadow *shadow)
{
	if (shadow->request->partitioning == NULL)
		return;
	pgm_txn_begin();
	pgm_shadow_check(shadow);
	look_for_rows(shadow);
	pgm_txn_commit();
}

/* ---- the switch */

List *
pgm_partition_others(const PgmShadow *shadow)
{
	Datum		values[2];

	if (!pgm_partition_wanted(shadow))
		return NIL;
	values[0] = ObjectIdGetDatum(shadow->relid);
	values[1] = ObjectIdGetDatum(shadow->beside);
	return pgm_spi_oids(&others_query, values);
}

static void *
make_key(uint64 row)
{
	LeafKey    *key = palloc(sizeof(LeafKey));

	key->name = pgm_spi_text(row, 1);
	key->definition = pgm_spi_text(row, 2);
	return key;
}

/*
 * A table that is a partition itself: those above know what has rows and what
 * has partitions, and who uses one of them goes by that.
 */
List *
pgm_partition_ancestors(const PgmShadow *shadow)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (!pgm_partition_wanted(shadow) ||
		!get_rel_relispartition(shadow->relid))
		return NIL;
	foreach(lc, get_partition_ancestors(shadow->relid))
		result = lcons_oid(lfirst_oid(lc), result);
	return result;
}

/*
 * What a session remembers of a foreign key lasts until the row of the
 * constraint changes, and since 19 that is also whether the referenced table
 * is partitioned: a check reads its index without a look, if it was not.
 */
static void
forget_incoming(Oid relid)
{
	Relation	catalog = table_open(ConstraintRelationId, AccessShareLock);
	Datum		values[1] = {ObjectIdGetDatum(relid)};
	ListCell   *lc;

	foreach(lc, pgm_spi_oids(&incoming_query, values))
	{
		HeapTuple	tuple = SearchSysCache1(CONSTROID,
											ObjectIdGetDatum(lfirst_oid(lc)));

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for constraint %u",
				 lfirst_oid(lc));
		CacheInvalidateHeapTuple(catalog, tuple, NULL);
		ReleaseSysCache(tuple);
	}
	table_close(catalog, AccessShareLock);
	CommandCounterIncrement();
}

void
pgm_partition_tell_others(const PgmShadow *shadow)
{
	ListCell   *lc;

	foreach(lc, pgm_partition_ancestors(shadow))
		CacheInvalidateRelcacheByRelid(lfirst_oid(lc));
	forget_incoming(shadow->relid);
}

static List *
read_keys(Oid relid)
{
	Datum		values[1] = {ObjectIdGetDatum(relid)};

	return pgm_spi_list(&keys_query, values, NULL, make_key);
}

/* A constraint that holds is made without a look at the rows. */
static void
add_valid(Oid relid, const char *name, const char *definition)
{
	PgmIncomingKey made = {InvalidOid, relid, unconstify(char *, name)};

	pgm_layout_run_text(psprintf("ALTER TABLE ONLY %s ADD CONSTRAINT %s %s NOT VALID",
								 pgm_layout_name(relid),
								 quote_identifier(name), definition));
	CommandCounterIncrement();
	pgm_shadow_restore_keys(list_make1(&made));
}

static char
identity_of(Oid relid, Oid *index)
{
	Relation	rel = table_open(relid, NoLock);
	char		result = rel->rd_rel->relreplident;

	(void) RelationGetIndexList(rel);
	*index = rel->rd_replidindex;
	table_close(rel, NoLock);
	return result;
}

/* As the table is known to those who replicate it. */
static void
identify_leaf(Oid relid, Oid leaf)
{
	Oid			index;
	char		identity = identity_of(relid, &index);
	const char *how = NULL;
	Relation	rel;

	switch (identity)
	{
		case REPLICA_IDENTITY_FULL:
			how = "FULL";
			break;
		case REPLICA_IDENTITY_NOTHING:
			how = "NOTHING";
			break;
		case REPLICA_IDENTITY_INDEX:
			rel = table_open(leaf, NoLock);
			index = index_get_partition(rel, index);
			table_close(rel, NoLock);
			how = psprintf("USING INDEX %s",
						   quote_identifier(get_rel_name(index)));
			break;
		default:
			return;
	}
	pgm_layout_run_text(psprintf("ALTER TABLE ONLY %s REPLICA IDENTITY %s",
								 pgm_layout_name(leaf), how));
}

static void
move_leaf(const PgmShadow *shadow, const Leaf *leaf, List *keys)
{
	const char *schema =
		quote_identifier(get_namespace_name(get_rel_namespace(shadow->relid)));
	ListCell   *lc;

	pgm_layout_run_text(psprintf("ALTER TABLE %s DETACH PARTITION %s",
								 pgm_layout_name(shadow->beside),
								 pgm_layout_name(leaf->relid)));
	pgm_beside_unguard(leaf->relid);
	pgm_unfit_let_go(pgm_unfit_of(shadow->beside), leaf->relid);
	deleteDependencyRecordsForClass(RelationRelationId, leaf->relid,
									ExtensionRelationId,
									DEPENDENCY_EXTENSION);
	CommandCounterIncrement();
	pgm_layout_run_text(psprintf("ALTER TABLE %s SET SCHEMA %s",
								 pgm_layout_name(leaf->relid), schema));
	CommandCounterIncrement();
	if (leaf->condition != NULL)
		add_valid(leaf->relid, BOUND_CHECK,
				  psprintf("CHECK (%s)", leaf->condition));
	foreach(lc, keys)
	{
		const LeafKey *key = lfirst(lc);

		add_valid(leaf->relid, key->name, key->definition);
	}
	pgm_layout_run_text(psprintf("ALTER TABLE %s ATTACH PARTITION %s %s",
								 shadow->name, pgm_layout_name(leaf->relid),
								 leaf->bound));
	CommandCounterIncrement();
	pgm_partition_let_inherit(leaf->relid, true);
	if (leaf->condition != NULL)
		pgm_layout_run_text(psprintf("ALTER TABLE ONLY %s DROP CONSTRAINT %s",
									 pgm_layout_name(leaf->relid),
									 quote_identifier(BOUND_CHECK)));
	CommandCounterIncrement();
	identify_leaf(shadow->relid, leaf->relid);
}

/* The index that a table was clustered by last, as that of another one. */
void
pgm_partition_copy_mark(Oid from, Oid to)
{
	Relation	rel = table_open(from, NoLock);
	Relation	other = table_open(to, NoLock);
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		if (get_index_isclustered(lfirst_oid(lc)))
			mark_index_clustered(other,
								 pgm_layout_find_index(other, lfirst_oid(lc)),
								 true);
	}
	table_close(other, NoLock);
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

void
pgm_partition_switch(PgmShadow *shadow)
{
	List	   *leaves = read_leaves(shadow, shadow->relid);
	List	   *keys = read_keys(shadow->relid);
	PgmOwnerScope scope;
	ListCell   *lc;

	pgm_partition_copy_mark(shadow->relid, shadow->old);
	become_partitioned(shadow->relid, shadow->beside);
	pgm_owner_enter(&scope, shadow->owner);
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	foreach(lc, leaves)
		move_leaf(shadow, lfirst(lc), keys);
	pgm_owner_leave(&scope);
	pgm_partition_tell_others(shadow);
	pgm_partition_follow(shadow);
}
