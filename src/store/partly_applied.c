/*-------------------------------------------------------------------------
 *
 * partly_applied.c
 *	  What a failed try of a statement left behind.
 *
 * A revision that runs statement by statement may stop in the middle, and the
 * commands that need this are those that leave something: CREATE INDEX and
 * REINDEX CONCURRENTLY an INVALID index, DETACH CONCURRENTLY a pending one.
 * CREATE INDEX CONCURRENTLY IF NOT EXISTS would then skip the INVALID index in
 * silence.  So the row of a begun statement knows which indexes were INVALID
 * before, and those that are so only since are dropped before it is tried
 * again.  A crash between the commit of a statement and the mark of it is told
 * by the object that the statement made or dropped.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/prepare.h"
#include "commands/tablespace.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/digest.h"
#include "base/spi.h"
#include "base/sqlstate.h"
#include "base/transaction.h"
#include "compat/command.h"
#include "compat/server.h"
#include "store/begun_statement.h"
#include "store/leftover_indexes.h"
#include "store/partly_applied.h"

/*
 * An index of the statement's form, and name $10 if it has one, that was not
 * there before the first try.
 */
static PgmQuery made_index_query = {
	"SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
	"JOIN pg_am a ON a.oid = c.relam "
	"WHERE i.indrelid = $1 AND i.indisvalid AND a.amname = $2 "
	"AND i.indisunique = $3 AND (i.indpred IS NOT NULL) = $4 "
	"AND i.indnkeyatts = $5 AND $6 = ARRAY(SELECT "
	"coalesce(n.attname::text, '') FROM unnest(i.indkey::int2[]) "
	"WITH ORDINALITY AS k (number, position) "
	"LEFT JOIN pg_attribute n ON n.attrelid = i.indrelid "
	"AND n.attnum = k.number ORDER BY k.position) "
	"AND EXISTS (SELECT FROM pgmigrate.begun_statement b "
	"WHERE b.revision = $7 AND b.statement = $8 AND b.online_step = $9 "
	"AND CASE WHEN b.system_identifier = pgmigrate.system_identifier() "
	"THEN i.indexrelid <> ALL (b.indexes) "
	"ELSE c.relname <> ALL (b.index_names) END) "
	"AND coalesce(c.relname = $10, true)",
	10, {OIDOID, TEXTOID, BOOLOID, BOOLOID, INT4OID, TEXTARRAYOID, TEXTOID,
	INT4OID, INT4OID, TEXTOID}
};

static PgmQuery pending_query = {
	"SELECT h.inhrelid::regclass::text, h.inhparent::regclass::text "
	"FROM pg_inherits h WHERE h.inhrelid = $1 AND h.inhparent = $2 "
	"AND h.inhdetachpending",
	2, {OIDOID, OIDOID}
};

static PgmQuery attached_query = {
	"SELECT FROM pg_inherits h WHERE h.inhrelid = $1 AND h.inhparent = $2",
	2, {OIDOID, OIDOID}
};

char *
pgm_resume_digest(const PgmSource *source, int n, const char *before)
{
	PgmDigest	digest;

	pgm_digest_init(&digest, "statements");
	pgm_digest_text(&digest, before);
	pgm_digest_bytes(&digest, source->text + source->statements[n].offset,
					 source->statements[n].length);
	return pgm_digest_final(&digest);
}

static bool
is_set_config(Node *expression)
{
	List	   *name;

	if (!IsA(expression, FuncCall))
		return false;
	name = castNode(FuncCall, expression)->funcname;
	return strcmp(strVal(llast(name)), "set_config") == 0;
}

bool
pgm_resume_is_in_force(const PgmSource *source, int n)
{
	Node	   *stmt = source->statements[n].raw->stmt;

	if (IsA(stmt, PrepareStmt))
		return FetchPreparedStatement(castNode(PrepareStmt, stmt)->name,
									  false) != NULL;
	if (IsA(stmt, DeallocateStmt) && castNode(DeallocateStmt, stmt)->name)
		return FetchPreparedStatement(castNode(DeallocateStmt, stmt)->name,
									  false) == NULL;
	return false;
}

bool
pgm_resume_repeats(const PgmSource *source, int n)
{
	Node	   *stmt = source->statements[n].raw->stmt;
	SelectStmt *select;
	ListCell   *lc;

	if (IsA(stmt, VariableSetStmt) || IsA(stmt, PrepareStmt) ||
		IsA(stmt, DeallocateStmt) || IsA(stmt, LoadStmt))
		return true;
	if (!IsA(stmt, SelectStmt))
		return false;
	select = castNode(SelectStmt, stmt);
	if (select->targetList == NIL || select->fromClause != NIL ||
		select->whereClause != NULL || select->withClause != NULL ||
		select->intoClause != NULL)
		return false;
	foreach(lc, select->targetList)
	{
		if (!is_set_config(lfirst_node(ResTarget, lc)->val))
			return false;
	}
	return true;
}

/* The temporary relation that a statement makes, or NULL. */
static const char *
temporary_made(Node *stmt)
{
	RangeVar   *relation = NULL;

	if (IsA(stmt, CreateStmt))
		relation = castNode(CreateStmt, stmt)->relation;
	else if (IsA(stmt, CreateTableAsStmt))
		relation = castNode(CreateTableAsStmt, stmt)->into->rel;
	else if (IsA(stmt, ViewStmt))
		relation = castNode(ViewStmt, stmt)->view;
	else if (IsA(stmt, CreateSeqStmt))
		relation = castNode(CreateSeqStmt, stmt)->sequence;
	else if (IsA(stmt, SelectStmt) &&
			 castNode(SelectStmt, stmt)->intoClause != NULL)
		relation = castNode(SelectStmt, stmt)->intoClause->rel;
	if (relation == NULL ||
		(relation->relpersistence != RELPERSISTENCE_TEMP &&
		 (relation->schemaname == NULL ||
		  strcmp(relation->schemaname, "pg_temp") != 0)))
		return NULL;
	return relation->relname;
}

/* It is where this very session has tried, and tries again. */
static bool
is_here(const char *name)
{
	return OidIsValid(RangeVarGetRelid(makeRangeVar(pstrdup("pg_temp"),
													pstrdup(name), -1),
									   NoLock, true));
}

static bool
is_in_word(char c)
{
	return isalnum((unsigned char) c) || IS_HIGHBIT_SET(c) || c == '_' ||
		c == '$';
}

/* Is the name a word of a statement, be it in quotes or in a body? */
static bool
statement_mentions(const PgmSource *source, int n, const char *name)
{
	const char *text = source->text + source->statements[n].offset;
	int			length = source->statements[n].length;
	int			size = strlen(name);

	for (int i = 0; i + size <= length; i++)
		if (pg_strncasecmp(text + i, name, size) == 0 &&
			(i == 0 || !is_in_word(text[i - 1])) &&
			(i + size == length || !is_in_word(text[i + size])))
			return true;
	return false;
}

/*
 * A temporary table is gone with the session of the run that made it, and its
 * name may now be that of another table.
 */
static void
check_temporary(const PgmSource *source, int done)
{
	for (int i = 0; i < done; i++)
	{
		const char *name = temporary_made(source->statements[i].raw->stmt);

		if (name == NULL || is_here(name))
			continue;
		for (int j = done; j < source->nstatements; j++)
			if (statement_mentions(source, j, name))
				ereport(ERROR,
						errcode(PGM_ERRCODE_PARTLY_APPLIED),
						errmsg("revision \"%s\" cannot go on without its temporary relation \"%s\"",
							   source->revision, name),
						errdetail("Statement %d made it, in a session that is gone, and statement %d names it.",
								  i + 1, j + 1),
						errhint("Take the done statements back by hand and stamp the current heads, to begin anew; or finish by hand and record it with pgmigrate.stamp()."));
	}
}

static void
set_begun(PgmResume *resume, const PgmBegun *begun, const PgmSource *source,
		  int n)
{
	resume->retried = true;
	resume->begun = *begun;
	resume->same = n < source->nstatements &&
		strcmp(begun->digest, pgm_resume_digest(source, n, NULL)) == 0;
}

bool
pgm_resume_find_online(const PgmBegun *step, const PgmSource *source,
					   PgmResume *resume)
{
	int			n;
	PgmBegun   *list = pgm_begun_list(step->revision, step->direction,
									  step->online_step, &n);

	memset(resume, 0, sizeof(PgmResume));
	for (int i = 0; i < n; i++)
		if (list[i].statement == step->statement)
			set_begun(resume, &list[i], source, 0);
	return resume->retried;
}

static void
check_unchanged(const PgmBegun *begun, const PgmSource *source)
{
	int			n = begun->statement;

	if (n <= source->nstatements &&
		strcmp(begun->digest, pgm_resume_digest(source, n - 1, NULL)) == 0)
		return;
	ereport(ERROR,
			errcode(PGM_ERRCODE_PARTLY_APPLIED),
			errmsg("statements of revision \"%s\" that are done were changed",
				   begun->revision),
			errdetail("Run " INT64_FORMAT " did statement %d before it stopped, and it is not the same now.",
					  begun->run, n),
			errhint("Give the done statements back their text with pgmigrate.amend(); or finish by hand and record it with pgmigrate.stamp(); or undo them by hand and stamp the current heads, to begin anew."));
}

void
pgm_resume_find(const PgmRevision *revision, const PgmSource *source,
				PgmDirection direction, PgmResume *resume)
{
	int			n;
	PgmBegun   *list = pgm_begun_list(revision->id,
									  pgm_direction_name(direction), 0, &n);

	memset(resume, 0, sizeof(PgmResume));
	while (resume->done < n && list[resume->done].state == PGM_BEGUN_DONE)
	{
		check_unchanged(&list[resume->done], source);
		resume->digest = pgm_resume_digest(source, resume->done,
										   resume->digest);
		resume->done++;
	}
	if (resume->done < n)
		set_begun(resume, &list[resume->done], source, resume->done);
	check_temporary(source, resume->done);
}

/* The index of this CREATE INDEX, by name. */
static Oid
find_index(const IndexStmt *stmt)
{
	Oid			table = RangeVarGetRelid(stmt->relation, NoLock, true);

	if (!OidIsValid(table) || stmt->idxname == NULL)
		return InvalidOid;
	return get_relname_relid(stmt->idxname, get_rel_namespace(table));
}

static bool
is_unnamed_index(Node *stmt)
{
	return IsA(stmt, IndexStmt) &&
		castNode(IndexStmt, stmt)->idxname == NULL;
}

static int
add_columns(char **names, int n, List *elements)
{
	ListCell   *lc;

	foreach(lc, elements)
	{
		IndexElem  *element = lfirst_node(IndexElem, lc);

		names[n++] = element->name != NULL ? element->name : pstrdup("");
	}
	return n;
}

static bool
index_was_made(const IndexStmt *stmt, const PgmBegun *begun)
{
	int			keys = list_length(stmt->indexParams);
	int			others = list_length(stmt->indexIncludingParams);
	char	  **names = palloc(sizeof(char *) * (keys + others));
	int			n = add_columns(names, 0, stmt->indexParams);
	PgmSpiScope scope;
	Datum		values[10];
	bool		nulls[10] = {false};
	bool		found;

	n = add_columns(names, n, stmt->indexIncludingParams);
	values[0] = ObjectIdGetDatum(RangeVarGetRelid(stmt->relation, NoLock,
												  true));
	values[1] = pgm_text_datum(stmt->accessMethod);
	values[2] = BoolGetDatum(stmt->unique);
	values[3] = BoolGetDatum(stmt->whereClause != NULL);
	values[4] = Int32GetDatum(keys);
	values[5] = pgm_text_array_datum(n, names);
	values[6] = pgm_text_datum(begun->revision);
	values[7] = Int32GetDatum(begun->statement);
	values[8] = Int32GetDatum(begun->online_step);
	pgm_set_text(values, nulls, 9, stmt->idxname);
	pgm_spi_begin(&scope);
	found = pgm_spi_execute(&made_index_query, values, nulls) > 0;
	pgm_spi_end(&scope);
	return found;
}

/* The index that a statement CONCURRENTLY may leave INVALID, by name. */
static char *
affected_index(Node *stmt)
{
	DropStmt   *drop;

	if (IsA(stmt, IndexStmt))
		return castNode(IndexStmt, stmt)->idxname;
	if (!IsA(stmt, DropStmt))
		return NULL;
	drop = castNode(DropStmt, stmt);
	if (drop->removeType != OBJECT_INDEX || list_length(drop->objects) != 1)
		return NULL;
	return strVal(llast(linitial_node(List, drop->objects)));
}

static Oid
affected_table(Node *stmt)
{
	Oid			relation;

	if (IsA(stmt, IndexStmt))
		return RangeVarGetRelid(castNode(IndexStmt, stmt)->relation, NoLock,
								true);
	if (IsA(stmt, ReindexStmt) &&
		castNode(ReindexStmt, stmt)->relation != NULL)
	{
		ReindexStmt *reindex = castNode(ReindexStmt, stmt);

		relation = RangeVarGetRelid(reindex->relation, NoLock, true);
		if (reindex->kind != REINDEX_OBJECT_INDEX)
			return relation;
	}
	else if (IsA(stmt, DropStmt) && affected_index(stmt) != NULL)
	{
		List	   *name = linitial_node(List,
										 castNode(DropStmt, stmt)->objects);

		relation = RangeVarGetRelid(makeRangeVarFromNameList(name), NoLock,
									true);
	}
	else
		return InvalidOid;
	return OidIsValid(relation) ? IndexGetRelation(relation, true) : relation;
}

/* What a REINDEX goes over, as PgmBegunScope has it; NULL if it is none. */
static const char *
reindexed(Node *stmt, Oid *schema)
{
	ReindexStmt *reindex;

	*schema = InvalidOid;
	if (!IsA(stmt, ReindexStmt))
		return NULL;
	reindex = castNode(ReindexStmt, stmt);
	if (reindex->relation != NULL)
		return "tables";
	if (reindex->kind != REINDEX_OBJECT_SCHEMA)
		return "database";
	*schema = get_namespace_oid(reindex->name, true);
	return "schema";
}

/* CONCURRENTLY drops one index at a time. */
static Oid
dropped_index(DropStmt *stmt)
{
	RangeVar   *name = makeRangeVarFromNameList(linitial_node(List,
															  stmt->objects));

	return RangeVarGetRelid(name, NoLock, true);
}

/* The partition of a DETACH CONCURRENTLY, and its parent; false if another. */
static bool
detached_partition(Node *stmt, Datum *values)
{
	AlterTableStmt *alter;
	AlterTableCmd *command;

	if (!IsA(stmt, AlterTableStmt))
		return false;
	alter = castNode(AlterTableStmt, stmt);
	command = linitial_node(AlterTableCmd, alter->cmds);
	if (!pgm_detach_is_concurrent(command))
		return false;
	values[0] = ObjectIdGetDatum(RangeVarGetRelid(castNode(PartitionCmd,
														   command->def)->name,
												  NoLock, true));
	values[1] = ObjectIdGetDatum(RangeVarGetRelid(alter->relation, NoLock,
												  true));
	return true;
}

static bool
is_attached(const Datum *values)
{
	PgmSpiScope scope;
	bool		attached;

	pgm_spi_begin(&scope);
	attached = pgm_spi_execute(&attached_query, values, NULL) > 0;
	pgm_spi_end(&scope);
	return attached;
}

/* Statements that commit by themselves and make something. */
static bool
makes_object(Node *stmt)
{
	return IsA(stmt, IndexStmt) || IsA(stmt, CreatedbStmt) ||
		IsA(stmt, CreateTableSpaceStmt) || IsA(stmt, CreateSubscriptionStmt);
}

/* What the statement makes, drops or detaches, if it is there. */
static Oid
find_object(Node *stmt)
{
	Datum		values[2];

	switch (nodeTag(stmt))
	{
		case T_IndexStmt:
			return find_index(castNode(IndexStmt, stmt));
		case T_DropStmt:
			return dropped_index(castNode(DropStmt, stmt));
		case T_CreatedbStmt:
			return get_database_oid(castNode(CreatedbStmt, stmt)->dbname,
									true);
		case T_DropdbStmt:
			return get_database_oid(castNode(DropdbStmt, stmt)->dbname, true);
		case T_CreateTableSpaceStmt:
			return get_tablespace_oid(castNode(CreateTableSpaceStmt,
											   stmt)->tablespacename, true);
		case T_DropTableSpaceStmt:
			return get_tablespace_oid(castNode(DropTableSpaceStmt,
											   stmt)->tablespacename, true);
		case T_CreateSubscriptionStmt:
			return get_subscription_oid(castNode(CreateSubscriptionStmt,
												 stmt)->subname, true);
		case T_DropSubscriptionStmt:
			return get_subscription_oid(castNode(DropSubscriptionStmt,
												 stmt)->subname, true);
		default:
			return detached_partition(stmt, values) && is_attached(values) ?
				DatumGetObjectId(values[0]) : InvalidOid;
	}
}

/* Is what it drops or detaches still there, whatever its name is now? */
static bool
is_still_there(Node *stmt, Oid object)
{
	switch (nodeTag(stmt))
	{
		case T_DropStmt:
			return SearchSysCacheExists1(RELOID, ObjectIdGetDatum(object));
		case T_DropdbStmt:
			return SearchSysCacheExists1(DATABASEOID,
										 ObjectIdGetDatum(object));
		case T_DropTableSpaceStmt:
			return SearchSysCacheExists1(TABLESPACEOID,
										 ObjectIdGetDatum(object));
		case T_DropSubscriptionStmt:
			return SearchSysCacheExists1(SUBSCRIPTIONOID,
										 ObjectIdGetDatum(object));
		default:
			return find_object(stmt) == object;
	}
}

void
pgm_resume_begin(PgmBegun *begun, const PgmSource *source, int n)
{
	Node	   *stmt = source->statements[n].raw->stmt;
	bool		top_level = source->statements[n].top_level;
	PgmBegunScope scope = {0};
	Oid			table = affected_table(stmt);

	begun->digest = pgm_resume_digest(source, n, NULL);
	begun->object = top_level ? find_object(stmt) : InvalidOid;
	scope.in_parts = IsA(stmt, CallStmt) || IsA(stmt, DoStmt);
	scope.unnamed = is_unnamed_index(stmt);
	scope.index = affected_index(stmt);
	if (OidIsValid(table))
		scope.tables = list_make1_oid(table);
	scope.reindexed = reindexed(stmt, &scope.schema);
	pgm_begun_insert(begun, &scope);
}

/* One command of ours at top level, in the words the user would write. */
static void
run_command(const PgmExec *exec, const char *command)
{
	PgmSource  *source;

	ereport(NOTICE, errmsg("cleaning up a failed try: %s", command));
	pgm_txn_begin();
	source = pgm_source_parse(command, PGM_SOURCE_OTHER, NULL);
	pgm_exec_statement(exec, source, 0, true);
	pgm_txn_commit();
}

void
pgm_resume_drop_leftovers(const PgmExec *exec, const PgmResume *resume)
{
	char	  **names;
	int			nleft;

	pgm_txn_begin();
	names = pgm_leftover_indexes(&resume->begun, &nleft);
	pgm_txn_commit();

	for (int i = 0; i < nleft; i++)
		run_command(exec, psprintf("DROP INDEX CONCURRENTLY IF EXISTS %s",
								   names[i]));
}

/* What was not there before, and of an index is valid: it was made. */
static bool
object_was_made(Node *stmt, const PgmBegun *begun)
{
	bool		made;

	if (!makes_object(stmt) || OidIsValid(begun->object))
		return false;
	pgm_txn_begin();
	if (IsA(stmt, IndexStmt))
		made = index_was_made(castNode(IndexStmt, stmt), begun);
	else
		made = OidIsValid(find_object(stmt));
	pgm_txn_commit();
	return made;
}

/*
 * What was there before the first try is not there any more; in another
 * cluster, nothing of its name is.
 */
static bool
object_is_gone(Node *stmt, const PgmBegun *begun)
{
	bool		gone;

	if (makes_object(stmt) || !OidIsValid(begun->object))
		return false;
	pgm_txn_begin();
	gone = begun->elsewhere ? !OidIsValid(find_object(stmt)) :
		!is_still_there(stmt, begun->object);
	pgm_txn_commit();
	return gone;
}

/* Finish a DETACH that is pending; true if it was. */
static bool
finish_detach(const PgmExec *exec, Node *stmt)
{
	PgmSpiScope scope;
	Datum		values[2];
	char	   *child = NULL;
	char	   *parent = NULL;

	pgm_txn_begin();
	if (detached_partition(stmt, values))
	{
		pgm_spi_begin(&scope);
		if (pgm_spi_execute(&pending_query, values, NULL) > 0)
		{
			child = pgm_spi_text(1, 1);
			parent = pgm_spi_text(1, 2);
		}
		pgm_spi_end(&scope);
	}
	pgm_txn_commit();
	if (child == NULL)
		return false;

	run_command(exec, psprintf("ALTER TABLE %s DETACH PARTITION %s FINALIZE",
							   parent, child));
	return true;
}

bool
pgm_resume_clean(const PgmExec *exec, const PgmSource *source, int n,
				 const PgmResume *resume)
{
	Node	   *stmt = source->statements[n].raw->stmt;

	pgm_resume_drop_leftovers(exec, resume);
	if (!resume->same || !source->statements[n].top_level)
		return false;
	return object_was_made(stmt, &resume->begun) ||
		finish_detach(exec, stmt) || object_is_gone(stmt, &resume->begun);
}
