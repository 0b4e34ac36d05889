/*-------------------------------------------------------------------------
 *
 * partly_applied.c
 *	  What a failed try of a statement left behind.
 *
 * A revision that runs statement by statement may stop in the middle, and the
 * commands that need this are those that leave something: CREATE INDEX and
 * REINDEX CONCURRENTLY an INVALID index, DETACH CONCURRENTLY a pending one.
 * CREATE INDEX CONCURRENTLY IF NOT EXISTS would then skip the INVALID index in
 * silence.  So the indexes that were INVALID before are noted when a statement
 * begins, and those that are so only since are dropped before it is tried
 * again.  A crash between the commit of a statement and the record of it is
 * told by the effect that the statement had.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

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
#include "store/journal.h"
#include "store/leftover_indexes.h"
#include "store/partly_applied.h"

/*
 * REINDEX goes over the partitions, a schema or the database, and over the
 * TOAST tables of what it finds; $6 says which, and $7 is the schema.
 */
static PgmQuery note_query = {
	"WITH reindexed AS MATERIALIZED (SELECT c.oid, c.reltoastrelid "
	"FROM pg_class c WHERE c.relkind IN ('r', 'm') AND CASE $6 "
	"WHEN 'tables' THEN c.oid = ANY ($2) OR c.oid IN (SELECT p.relid "
	"FROM unnest($2) AS u (oid), pg_partition_tree(u.oid) p) "
	"WHEN 'schema' THEN c.relnamespace = $7 "
	"WHEN 'database' THEN true ELSE false END), "
	"t AS MATERIALIZED (SELECT u.oid FROM unnest($2) AS u (oid) "
	"UNION SELECT oid FROM reindexed "
	"UNION SELECT reltoastrelid FROM reindexed WHERE reltoastrelid <> 0) "
	"SELECT jsonb_strip_nulls(jsonb_build_object('begun', $1, 'existed', $3, "
	"'tables', (SELECT jsonb_agg(t.oid::regclass::text ORDER BY t.oid) "
	"FROM t), 'index', $4, 'sql', $5, 'invalid', "
	"ARRAY(SELECT i.indexrelid::regclass::text FROM pg_index i "
	"JOIN t ON t.oid = i.indrelid WHERE NOT i.indisvalid), 'indexes', "
	"CASE WHEN $8 THEN ARRAY(SELECT i.indexrelid::regclass::text "
	"FROM pg_index i JOIN t ON t.oid = i.indrelid) END))::text",
	8, {INT4OID, OIDARRAYOID, BOOLOID, TEXTOID, TEXTOID, TEXTOID, OIDOID,
	BOOLOID}
};

static PgmQuery read_query = {
	"SELECT ($1::jsonb ->> 'begun')::int, "
	"coalesce(($1::jsonb ->> 'existed')::bool, false), "
	"$1::jsonb ->> 'sql', "
	"coalesce(($1::jsonb ->> 'undone')::bool, false)",
	1, {TEXTOID}
};

/* An index of the statement's form that was not there before the first try. */
static PgmQuery unnamed_query = {
	"SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
	"JOIN pg_am a ON a.oid = c.relam "
	"WHERE i.indrelid = $1 AND i.indisvalid AND a.amname = $2 "
	"AND i.indisunique = $3 AND (i.indpred IS NOT NULL) = $4 "
	"AND i.indnkeyatts = $5 AND $6 = ARRAY(SELECT "
	"coalesce(n.attname::text, '') FROM unnest(i.indkey::int2[]) "
	"WITH ORDINALITY AS k (number, position) "
	"LEFT JOIN pg_attribute n ON n.attrelid = i.indrelid "
	"AND n.attnum = k.number ORDER BY k.position) "
	"AND $7::jsonb ? 'indexes' "
	"AND NOT $7::jsonb -> 'indexes' ? i.indexrelid::regclass::text",
	7, {OIDOID, TEXTOID, BOOLOID, BOOLOID, INT4OID, TEXTARRAYOID, TEXTOID}
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

/* Is the name anywhere in a statement, be it in quotes or in a body? */
static bool
statement_mentions(const PgmSource *source, int n, const char *name)
{
	const PgmStatement *statement = &source->statements[n];
	int			length = strlen(name);

	for (int i = 0; i + length <= statement->length; i++)
		if (pg_strncasecmp(source->text + statement->offset + i, name,
						   length) == 0)
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
read_note(const char *details, const PgmSource *source, PgmResume *resume)
{
	PgmSpiScope scope;
	Datum		values[1];
	char	   *begun;

	values[0] = pgm_text_datum(details);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&read_query, values, NULL);
	resume->retried = pgm_spi_int32(1, 1) == resume->done + 1;
	resume->existed = pgm_spi_bool(1, 2);
	begun = pgm_spi_text(1, 3);
	resume->undone = pgm_spi_bool(1, 4);
	pgm_spi_end(&scope);
	resume->same = begun != NULL && resume->done < source->nstatements &&
		strcmp(begun, pgm_resume_digest(source, resume->done, NULL)) == 0;
}

void
pgm_resume_read_note(const char *note, const PgmSource *source,
					 PgmResume *resume)
{
	memset(resume, 0, sizeof(PgmResume));
	resume->note = pstrdup(note);
	read_note(note, source, resume);
}

void
pgm_resume_find(const PgmRevision *revision, const PgmSource *source,
				PgmDirection direction, PgmResume *resume)
{
	PgmAttempt	attempt;
	char	   *digest = NULL;

	memset(resume, 0, sizeof(PgmResume));
	if (!pgm_journal_last_attempt(revision->id, &attempt) ||
		attempt.state == PGM_STATE_DONE ||
		strcmp(attempt.direction, pgm_direction_name(direction)) != 0)
		return;

	for (int i = 0; i < attempt.statement && i < source->nstatements; i++)
		digest = pgm_resume_digest(source, i, digest);
	if (attempt.statement > source->nstatements ||
		(attempt.statement > 0 &&
		 (attempt.done_digest == NULL ||
		  strcmp(attempt.done_digest, digest) != 0)))
		ereport(ERROR,
				errcode(PGM_ERRCODE_PARTLY_APPLIED),
				errmsg("statements of revision \"%s\" that are done were changed",
					   revision->id),
				errdetail("Run " INT64_FORMAT " did %d of its statements before it stopped, and they are not the same now.",
						  attempt.run, attempt.statement),
				errhint("Give the first %d statements back their text with pgmigrate.amend(); or finish by hand and record it with pgmigrate.stamp(); or undo them by hand and stamp the current heads, to begin anew.",
						attempt.statement));

	resume->done = attempt.statement;
	resume->digest = digest;
	resume->note = attempt.details;
	read_note(attempt.details, source, resume);
	check_temporary(source, resume->done);
}

/* Is the index of this CREATE INDEX there, by name? */
static bool
index_exists(const IndexStmt *stmt, bool *valid)
{
	Oid			table = RangeVarGetRelid(stmt->relation, NoLock, true);
	Oid			index;
	HeapTuple	tuple;

	*valid = false;
	if (!OidIsValid(table) || stmt->idxname == NULL)
		return false;
	index = get_relname_relid(stmt->idxname, get_rel_namespace(table));
	if (!OidIsValid(index))
		return false;
	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	if (!HeapTupleIsValid(tuple))
		return false;
	*valid = ((Form_pg_index) GETSTRUCT(tuple))->indisvalid &&
		((Form_pg_index) GETSTRUCT(tuple))->indrelid == table;
	ReleaseSysCache(tuple);
	return true;
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

/* The same for one that the server gave its name. */
static bool
unnamed_index_exists(const IndexStmt *stmt, const char *note)
{
	int			keys = list_length(stmt->indexParams);
	int			others = list_length(stmt->indexIncludingParams);
	char	  **names = palloc(sizeof(char *) * (keys + others));
	int			n = add_columns(names, 0, stmt->indexParams);
	PgmSpiScope scope;
	Datum		values[7];
	bool		found;

	n = add_columns(names, n, stmt->indexIncludingParams);
	values[0] = ObjectIdGetDatum(RangeVarGetRelid(stmt->relation, NoLock,
												  true));
	values[1] = pgm_text_datum(stmt->accessMethod);
	values[2] = BoolGetDatum(stmt->unique);
	values[3] = BoolGetDatum(stmt->whereClause != NULL);
	values[4] = Int32GetDatum(keys);
	values[5] = pgm_text_array_datum(n, names);
	values[6] = pgm_text_datum(note);
	pgm_spi_begin(&scope);
	found = pgm_spi_execute(&unnamed_query, values, NULL) > 0;
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

/* As oid[], with one element or none. */
static Datum
affected_tables(Node *stmt)
{
	Oid			table = affected_table(stmt);
	Datum		element = ObjectIdGetDatum(table);

	return PointerGetDatum(construct_array(&element,
										   OidIsValid(table) ? 1 : 0, OIDOID,
										   sizeof(Oid), true, TYPALIGN_INT));
}

/* What a REINDEX goes over, as note_query has it; NULL if it is none. */
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

static bool
any_object_exists(DropStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->objects)
	{
		RangeVar   *name = makeRangeVarFromNameList(lfirst_node(List, lc));

		if (OidIsValid(RangeVarGetRelid(name, NoLock, true)))
			return true;
	}
	return false;
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

/* Is there what the statement makes, drops or detaches? */
static bool
object_exists(Node *stmt)
{
	Datum		values[2];
	const char *name;
	bool		valid;

	switch (nodeTag(stmt))
	{
		case T_IndexStmt:
			return index_exists(castNode(IndexStmt, stmt), &valid);
		case T_DropStmt:
			return any_object_exists(castNode(DropStmt, stmt));
		case T_CreatedbStmt:
			name = castNode(CreatedbStmt, stmt)->dbname;
			return OidIsValid(get_database_oid(name, true));
		case T_DropdbStmt:
			name = castNode(DropdbStmt, stmt)->dbname;
			return OidIsValid(get_database_oid(name, true));
		case T_CreateTableSpaceStmt:
			name = castNode(CreateTableSpaceStmt, stmt)->tablespacename;
			return OidIsValid(get_tablespace_oid(name, true));
		case T_DropTableSpaceStmt:
			name = castNode(DropTableSpaceStmt, stmt)->tablespacename;
			return OidIsValid(get_tablespace_oid(name, true));
		case T_CreateSubscriptionStmt:
			name = castNode(CreateSubscriptionStmt, stmt)->subname;
			return OidIsValid(get_subscription_oid(name, true));
		case T_DropSubscriptionStmt:
			name = castNode(DropSubscriptionStmt, stmt)->subname;
			return OidIsValid(get_subscription_oid(name, true));
		default:
			return detached_partition(stmt, values) && is_attached(values);
	}
}

char *
pgm_resume_note(const PgmSource *source, int n)
{
	Node	   *stmt = source->statements[n].raw->stmt;
	PgmSpiScope scope;
	Datum		values[8];
	bool		nulls[8] = {false};
	Oid			schema;
	char	   *note;

	values[0] = Int32GetDatum(n + 1);
	values[1] = affected_tables(stmt);
	values[2] = BoolGetDatum(source->statements[n].top_level &&
							 object_exists(stmt));
	pgm_set_text(values, nulls, 3, affected_index(stmt));
	values[4] = pgm_text_datum(pgm_resume_digest(source, n, NULL));
	pgm_set_text(values, nulls, 5, reindexed(stmt, &schema));
	values[6] = ObjectIdGetDatum(schema);
	values[7] = BoolGetDatum(is_unnamed_index(stmt));
	pgm_spi_begin(&scope);
	pgm_spi_execute(&note_query, values, nulls);
	note = pgm_spi_text(1, 1);
	pgm_spi_end(&scope);
	return note;
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
	names = pgm_leftover_indexes(resume->note, &nleft);
	pgm_txn_commit();

	for (int i = 0; i < nleft; i++)
		run_command(exec, psprintf("DROP INDEX CONCURRENTLY IF EXISTS %s",
								   names[i]));
}

/* What was not there before, and of an index is valid: it was made. */
static bool
object_was_made(Node *stmt, const PgmResume *resume)
{
	bool		made = false;

	if (!makes_object(stmt) || resume->existed)
		return false;
	pgm_txn_begin();
	if (is_unnamed_index(stmt))
		made = unnamed_index_exists(castNode(IndexStmt, stmt), resume->note);
	else if (IsA(stmt, IndexStmt))
		(void) index_exists(castNode(IndexStmt, stmt), &made);
	else
		made = object_exists(stmt);
	pgm_txn_commit();
	return made;
}

/* What was there before the first try is not there any more. */
static bool
object_is_gone(Node *stmt, const PgmResume *resume)
{
	bool		exists;

	if (makes_object(stmt) || !resume->existed)
		return false;
	pgm_txn_begin();
	exists = object_exists(stmt);
	pgm_txn_commit();
	return !exists;
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
	return object_was_made(stmt, resume) || finish_detach(exec, stmt) ||
		object_is_gone(stmt, resume);
}
