/*-------------------------------------------------------------------------
 *
 * needs.c
 *	  The relation locks that statements need, and who is in their way.
 *
 * The needs are those of the classification, one per relation in its strongest
 * mode.  Left out are relations that nobody else has, the catalogs, and what
 * the current user has no rights on: the statement is going to be refused, and
 * must not have locked out others before.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "base/printable.h"
#include "base/relation_size.h"
#include "base/spi.h"
#include "compat/lock.h"
#include "compat/parse.h"
#include "compat/repack.h"
#include "compat/server.h"
#include "lock/needs.h"
#include "sql/kinds.h"

/* A relation whose rows take some tens of milliseconds to go through. */
#define PGM_SLOW_BYTES (8 * 1024 * 1024)

/*
 * The text of a query is for those who may see it in pg_stat_activity, and not
 * in what is stored, which many may read.
 */
static PgmQuery blockers_query = {
	"SELECT DISTINCT ON (b.holds, b.age, b.transaction) b.pid, b.holds, "
	"b.transaction, b.autovacuum, b.wraparound, "
	"coalesce(b.gid, b.backend_type), b.usename, "
	"b.application_name, b.state, b.query, b.mode, b.age, b.relation::int8, "
	"jsonb_strip_nulls(jsonb_build_object('pid', nullif(b.pid, 0), "
	"'gid', b.gid, 'backend_type', nullif(b.backend_type, 'client backend'), "
	"'user', b.usename, 'application', nullif(b.application_name, ''), "
	"'mode', b.mode, 'holds', b.holds, 'age_ms', b.age, 'state', b.state"
	"))::text FROM ("
	"SELECT coalesce(l.pid, 0) AS pid, l.granted AS holds, l.mode, l.relation, "
	"l.virtualtransaction AS transaction, "
	"(a.backend_type = 'autovacuum worker') IS TRUE AS autovacuum, "
	"(a.backend_type = 'autovacuum worker' "
	"AND a.query LIKE '%(to prevent wraparound)') IS TRUE AS wraparound, "
	"p.gid, a.backend_type, coalesce(a.usename, p.owner)::text AS usename, "
	"a.application_name, a.state, "
	"CASE WHEN pg_has_role($4, a.usesysid, 'USAGE') "
	"OR pg_has_role($4, 'pg_read_all_stats', 'USAGE') "
	"THEN left(regexp_replace(a.query, '\\s+', ' ', 'g'), 120) END AS query, "
	"(extract(epoch FROM t.now - "
	"coalesce(a.xact_start, p.prepared)) * 1000)::int8 AS age, l.place "
	"FROM (SELECT clock_timestamp() AS now) t, ("
	"SELECT l.pid, l.granted, l.mode, l.relation, l.virtualtransaction, "
	"n.place FROM unnest($1, $2) WITH ORDINALITY AS n (relation, mode, place) "
	"JOIN pg_locks l ON l.locktype = 'relation' AND l.relation = n.relation "
	"AND l.mode = n.mode AND l.pid IS DISTINCT FROM $3 "
	"AND l.database = (SELECT d.oid FROM pg_database d "
	"WHERE d.datname = current_database()) "
	"UNION ALL SELECT l.pid, true, l.mode, NULL, l.virtualtransaction, 0 "
	"FROM pg_locks l WHERE l.locktype = 'transactionid' AND l.granted "
	"AND l.transactionid = $5 AND l.pid IS DISTINCT FROM $3) AS l "
	"LEFT JOIN pg_stat_activity a ON a.pid = l.pid "
	"LEFT JOIN pg_locks x ON l.pid IS NULL AND x.pid IS NULL "
	"AND x.locktype = 'transactionid' "
	"AND x.virtualtransaction = l.virtualtransaction "
	"LEFT JOIN pg_prepared_xacts p ON p.transaction = x.transactionid) AS b "
	"ORDER BY b.holds DESC, b.age DESC NULLS LAST, b.transaction, "
	"b.place",
	5, {OIDARRAYOID, TEXTARRAYOID, INT4OID, OIDOID, XIDOID}
};

void
pgm_lockneeds_init(PgmLockNeeds *needs, MemoryContext context)
{
	memset(needs, 0, sizeof(PgmLockNeeds));
	needs->context = context;
}

/* A step may need thousands of relations, as an ALTER of partitions does. */
typedef struct NeedEntry
{
	Oid			relid;			/* hash key */
	PgmLockNeed *need;
} NeedEntry;

static NeedEntry *
need_entry(const PgmLockNeeds *needs, Oid relid, HASHACTION action)
{
	if (needs->by_relid == NULL)
		return NULL;
	return hash_search(needs->by_relid, &relid, action, NULL);
}

static const PgmLockNeed *
find_need(const PgmLockNeeds *needs, Oid relid)
{
	NeedEntry  *entry = need_entry(needs, relid, HASH_FIND);

	return entry == NULL ? NULL : entry->need;
}

static HTAB *
create_need_table(MemoryContext context)
{
	HASHCTL		control = {0};

	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(NeedEntry);
	control.hcxt = context;
	return hash_create("pgmigrate lock needs", 16, &control,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

void
pgm_lockneeds_add(PgmLockNeeds *needs, Oid relid, LOCKMODE mode, int rank,
				  const char *name)
{
	MemoryContext old;
	NeedEntry  *entry = need_entry(needs, relid, HASH_FIND);
	PgmLockNeed *need;

	if (entry != NULL)
	{
		need = entry->need;
		need->mode = Max(need->mode, mode);
		need->rank = Min(need->rank, rank);
		return;
	}
	if (needs->by_relid == NULL)
		needs->by_relid = create_need_table(needs->context);
	old = MemoryContextSwitchTo(needs->context);
	need = palloc(sizeof(PgmLockNeed));
	need_entry(needs, relid, HASH_ENTER)->need = need;
	need->relid = relid;
	need->mode = mode;
	need->rank = rank;
	need->name = pstrdup(name);
	needs->list = lappend(needs->list, need);
	MemoryContextSwitchTo(old);
}

/* As LOCK TABLE checks it, more or less: enough not to be a nuisance. */
static bool
may_lock(Oid relid, LOCKMODE mode)
{
	AclMode		rights = ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE |
		ACL_REFERENCES | ACL_TRIGGER;

	if (mode <= RowExclusiveLock)
		rights |= ACL_SELECT | ACL_INSERT;
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		return false;
	return pgm_class_ownercheck(relid, GetUserId()) ||
		pg_class_aclcheck(relid, GetUserId(), rights) == ACLCHECK_OK;
}

/* An index has no rights of its own. */
static bool
may_lock_touch(const PgmTouch *touch)
{
	Oid			relid = touch->relid;

	if (touch->relkind == RELKIND_INDEX ||
		touch->relkind == RELKIND_PARTITIONED_INDEX)
		return pgm_class_ownercheck(relid, GetUserId());
	return may_lock(relid, touch->mode);
}

static int
touch_rank(const PgmTouch *touch)
{
	switch (touch->relkind)
	{
		case RELKIND_INDEX:
		case RELKIND_PARTITIONED_INDEX:
			return 3;
		case RELKIND_PARTITIONED_TABLE:
			return touch->named ? 0 : 1;
		default:
			return touch->named ? 0 : 2;
	}
}

/* A new column is only noted, unless rows have to be written or checked. */
static bool
new_column_may_be_long(const ColumnDef *column)
{
	ListCell   *lc;

	if (column->typeName != NULL && column->typeName->names != NIL &&
		strstr(strVal(llast(column->typeName->names)), "serial") != NULL)
		return true;
	foreach(lc, column->constraints)
	{
		Constraint *constraint = lfirst_node(Constraint, lc);
		Node	   *value = constraint->raw_expr;

		if (constraint->contype == CONSTR_NULL ||
			constraint->contype == CONSTR_NOTNULL)
			continue;
		if (constraint->contype != CONSTR_DEFAULT)
			return true;
		if (value != NULL && IsA(value, TypeCast))
			value = castNode(TypeCast, value)->arg;
		if (value != NULL && !IsA(value, A_Const))
			return true;
	}
	return false;
}

/*
 * Whether an ALTER TABLE works through the table is told by a trial only; here
 * it is enough that it may.
 */
static bool
alter_may_be_long(const AlterTableCmd *cmd)
{
	const Constraint *constraint;

	switch (cmd->subtype)
	{
		case AT_AlterColumnType:
		case AT_AttachPartition:
		case AT_SetNotNull:
			return true;
		case AT_AddColumn:
			return new_column_may_be_long(castNode(ColumnDef, cmd->def));
		case AT_AddConstraint:
			constraint = castNode(Constraint, cmd->def);
			return !constraint->skip_validation &&
				(constraint->contype != CONSTR_UNIQUE ||
				 constraint->indexname == NULL);
		default:
			return false;
	}
}

static bool
may_be_long(Node *stmt)
{
	ListCell   *lc;

	if (IsA(stmt, AlterTableStmt))
		foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
			if (alter_may_be_long(lfirst_node(AlterTableCmd, lc)))
			return true;
	return false;
}

/* INSERT with rows of its own text: as many as somebody has written. */
static bool
is_literal_insert(Node *stmt)
{
	SelectStmt *select;

	if (!IsA(stmt, InsertStmt))
		return false;
	select = (SelectStmt *) castNode(InsertStmt, stmt)->selectStmt;
	return select == NULL ||
		(IsA(select, SelectStmt) && select->valuesLists != NIL);
}

/*
 * What runs code that cannot be looked into may, and so may what goes through
 * the rows of a relation that is not small.  Locks of the statements after it
 * are then better taken after it; to take one late that could have been taken
 * early costs nothing but the work lost if it is not to be had.
 */
bool
pgm_statement_is_slow(const PgmVerdict *verdict, Node *stmt)
{
	bool		rows = (pgm_statement_is(stmt, PGM_CHANGES_ROWS) &&
						!is_literal_insert(stmt)) ||
		IsA(stmt, SelectStmt) || IsA(stmt, CreateTableAsStmt) ||
		IsA(stmt, RefreshMatViewStmt) || IsA(stmt, IndexStmt) ||
		IsA(stmt, ReindexStmt) || IsA(stmt, ClusterStmt) ||
		may_be_long(stmt);
	ListCell   *lc;

	if (verdict->opaque)
		return true;
	foreach(lc, verdict->touches)
	{
		const PgmTouch *touch = lfirst(lc);

		if ((rows || touch->rewrites == PGM_TRUE ||
			 touch->scans == PGM_TRUE) && OidIsValid(touch->relid) &&
			pgm_heap_bytes(touch->relid) > PGM_SLOW_BYTES)
			return true;
	}
	return false;
}

void
pgm_lockneeds_statement(PgmLockNeeds *needs, const PgmSource *source, int n)
{
	MemoryContext old = MemoryContextSwitchTo(needs->context);
	PgmVerdict *verdict = pgm_classify(&needs->classifier, source, n);
	Node	   *stmt = source->statements[n].raw->stmt;
	ListCell   *lc;

	if (verdict->opaque || pgm_statement_is(stmt, PGM_CHANGES_ROWS))
		needs->unsure = true;
	if (verdict->opaque)
		needs->opaque = true;
	if (may_be_long(stmt))
		needs->long_work = true;
	needs->slow = pgm_statement_is_slow(verdict, stmt);
	foreach(lc, verdict->touches)
	{
		PgmTouch   *touch = lfirst(lc);
		const PgmLockNeed *need = find_need(needs, touch->relid);

		/* rights are looked up once, and names put together */
		if (need != NULL && need->mode >= touch->mode &&
			need->rank <= touch_rank(touch) &&
			touch->rewrites != PGM_TRUE && touch->scans != PGM_TRUE)
			continue;
		if (touch->mode == NoLock || touch->fresh ||
			touch->relid < FirstNormalObjectId || !may_lock_touch(touch))
			continue;
		pgm_lockneeds_add(needs, touch->relid, touch->mode,
						  touch_rank(touch), pgm_touch_name(touch));
		if (touch->rewrites == PGM_TRUE || touch->scans == PGM_TRUE)
			needs->long_work = true;
	}
	MemoryContextSwitchTo(old);
}

static int
compare_needs(const ListCell *a, const ListCell *b)
{
	const PgmLockNeed *left = lfirst(a);
	const PgmLockNeed *right = lfirst(b);
	int			result;

	if (left->rank != right->rank)
		return left->rank < right->rank ? -1 : 1;
	result = strcmp(left->name, right->name);
	if (result != 0)
		return result;
	return left->relid < right->relid ? -1 : left->relid > right->relid;
}

bool
pgm_lockneeds_weak(const PgmLockNeeds *needs)
{
	ListCell   *lc;

	if (needs->opaque)
		return false;
	foreach(lc, needs->list)
	{
		if (((PgmLockNeed *) lfirst(lc))->mode > RowExclusiveLock)
			return false;
	}
	return true;
}

void
pgm_lockneeds_sort(PgmLockNeeds *needs)
{
	list_sort(needs->list, compare_needs);
}

bool
pgm_lockneeds_covered(const PgmLockNeeds *needs, const PgmLockNeeds *by)
{
	ListCell   *lc;

	foreach(lc, needs->list)
	{
		PgmLockNeed *need = lfirst(lc);
		const PgmLockNeed *other = find_need(by, need->relid);

		if (other == NULL || other->mode < need->mode)
			return false;
	}
	return true;
}

/* Relations, and with each a mode that conflicts with the one needed. */
static void
conflicting_modes(const PgmLockNeeds *needs, Datum *relids, Datum *modes)
{
	int			max = list_length(needs->list) * MaxLockMode;
	Datum	   *oids = palloc(sizeof(Datum) * Max(max, 1));
	char	  **names = palloc(sizeof(char *) * Max(max, 1));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, needs->list)
	{
		PgmLockNeed *need = lfirst(lc);

		for (LOCKMODE mode = MaxLockMode; mode >= AccessShareLock; mode--)
		{
			if (!DoLockModesConflict(need->mode, mode))
				continue;
			oids[n] = ObjectIdGetDatum(need->relid);
			names[n++] = unconstify(char *, pgm_lock_mode_name(mode));
		}
	}
	*relids = PointerGetDatum(construct_array(oids, n, OIDOID, sizeof(Oid),
											  true, TYPALIGN_INT));
	*modes = pgm_text_array_datum(n, names);
}

List *
pgm_lockneeds_blockers(const PgmLockNeeds *needs)
{
	PgmSpiScope scope;
	Datum		values[5];
	uint64		rows;
	List	   *result = NIL;

	if (needs->list == NIL && !TransactionIdIsValid(needs->transaction))
		return NIL;
	conflicting_modes(needs, &values[0], &values[1]);
	values[2] = Int32GetDatum(MyProcPid);
	values[3] = ObjectIdGetDatum(GetUserId());
	values[4] = TransactionIdGetDatum(needs->transaction);
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&blockers_query, values, NULL);
	for (uint64 i = 1; i <= rows; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(scope.outer);
		PgmBlocker *blocker = palloc0(sizeof(PgmBlocker));

		result = lappend(result, blocker);
		MemoryContextSwitchTo(old);
		blocker->pid = pgm_spi_int32(i, 1);
		blocker->holds = pgm_spi_bool(i, 2);
		blocker->transaction = pgm_spi_text(i, 3);
		blocker->autovacuum = pgm_spi_bool(i, 4);
		blocker->wraparound = pgm_spi_bool(i, 5);
		blocker->kind = pgm_spi_text(i, 6);
		blocker->user = pgm_spi_text(i, 7);
		blocker->application = pgm_spi_text(i, 8);
		blocker->state = pgm_spi_text(i, 9);
		blocker->query = pgm_spi_text(i, 10);
		blocker->mode = pgm_spi_text(i, 11);
		blocker->age = pgm_spi_isnull(i, 12) ? -1 : pgm_spi_int64(i, 12);
		blocker->need = pgm_spi_isnull(i, 13) ? NULL :
			find_need(needs, (Oid) pgm_spi_int64(i, 13));
		blocker->json = pgm_spi_text(i, 14);
	}
	pgm_spi_end(&scope);
	return result;
}

char *
pgm_blocker_text(const PgmBlocker *blocker, bool with_query)
{
	StringInfoData buf;

	initStringInfo(&buf);
	if (blocker->pid == 0)
		appendStringInfo(&buf, "Prepared transaction \"%s\" (",
						 blocker->kind ? blocker->kind : "?");
	else
		appendStringInfo(&buf, "Process %d (", blocker->pid);
	if (blocker->pid != 0 && blocker->kind != NULL &&
		strcmp(blocker->kind, "client backend") != 0)
		appendStringInfo(&buf, "%s%s, ", blocker->kind,
						 blocker->wraparound ? " to prevent wraparound" : "");
	if (blocker->user != NULL)
		appendStringInfo(&buf, "user \"%s\", ", blocker->user);
	if (blocker->application != NULL && blocker->application[0] != '\0')
		appendStringInfo(&buf, "application \"%s\", ", blocker->application);
	if (blocker->state != NULL)
		appendStringInfo(&buf, "%s, ", blocker->state);
	if (blocker->age >= 0)
		appendStringInfo(&buf, "for %.1f s) ", blocker->age / 1000.0);
	else
		appendStringInfoString(&buf, "age not known) ");
	if (blocker->need == NULL)
		appendStringInfoString(&buf, "has locked rows that are needed");
	else
		appendStringInfo(&buf, "%s %s on %s",
						 blocker->holds ? "holds" : "waits for",
						 blocker->mode, blocker->need->name);
	if (with_query && blocker->query != NULL && blocker->query[0] != '\0')
		appendStringInfo(&buf, ": %s", blocker->query);
	return pgm_printable_line(buf.data);
}

char *
pgm_blockers_json(List *blockers, int max)
{
	StringInfoData buf;
	ListCell   *lc;
	int			n = 0;

	initStringInfo(&buf);
	appendStringInfoChar(&buf, '[');
	foreach(lc, blockers)
	{
		PgmBlocker *blocker = lfirst(lc);

		if (n++ == max)
			break;
		appendStringInfo(&buf, "%s%s", n > 1 ? ", " : "", blocker->json);
	}
	appendStringInfoChar(&buf, ']');
	return buf.data;
}

uint32
pgm_blockers_hash(List *blockers)
{
	uint32		hash = 0;
	ListCell   *lc;

	foreach(lc, blockers)
	{
		PgmBlocker *blocker = lfirst(lc);

		hash = hash_combine(hash,
							hash_bytes((unsigned char *) blocker->transaction,
									   strlen(blocker->transaction)));
	}
	return hash;
}
