/*-------------------------------------------------------------------------
 *
 * resume.c
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
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/resume.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "digest.h"
#include "error.h"
#include "journal.h"
#include "resume.h"
#include "spi.h"
#include "txn.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

static PgmQuery note_query = {
	"SELECT jsonb_build_object('begun', $1, 'existed', $3, 'invalid', "
	"ARRAY(SELECT i.indexrelid::regclass::text FROM pg_index i "
	"WHERE i.indrelid = ANY ($2) AND NOT i.indisvalid))::text",
	3, {INT4OID, OIDARRAYOID, BOOLOID}
};

static PgmQuery read_query = {
	"SELECT ($1::jsonb ->> 'begun')::int, "
	"coalesce(($1::jsonb ->> 'existed')::bool, false), "
	"ARRAY(SELECT jsonb_array_elements_text($1::jsonb -> 'invalid'))",
	1, {TEXTOID}
};

static PgmQuery leftover_query = {
	"SELECT i.indexrelid::regclass::text FROM pg_index i "
	"JOIN pg_class c ON c.oid = i.indexrelid "
	"WHERE i.indrelid = ANY ($1) AND NOT i.indisvalid AND c.relkind = 'i' "
	"AND i.indexrelid::regclass::text <> ALL ($2) "
	"AND ($3 IS NULL OR c.relname = $3)",
	3, {OIDARRAYOID, TEXTARRAYOID, TEXTOID}
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

static void
read_note(const char *details, int done, PgmResume *resume)
{
	PgmSpiScope scope;
	Datum		values[1];

	values[0] = pgm_text_datum(details);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&read_query, values, NULL);
	resume->retried = pgm_spi_int32(1, 1) == done + 1;
	resume->existed = pgm_spi_bool(1, 2);
	resume->invalid = pgm_spi_text_array(1, 3, &resume->ninvalid);
	pgm_spi_end(&scope);
}

void
pgm_resume_find(const PgmRevision *revision, const PgmSource *source,
				PgmDirection direction, PgmResume *resume)
{
	PgmAttempt	attempt;
	char	   *digest = NULL;

	memset(resume, 0, sizeof(PgmResume));
	if (!pgm_journal_last_attempt(revision->id, &attempt) ||
		strcmp(attempt.state, "done") == 0 ||
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
				errhint("Give the first %d statements back their text with pgmigrate.amend(), or finish by hand and record it with pgmigrate.stamp().",
						attempt.statement));

	resume->done = attempt.statement;
	resume->digest = digest;
	resume->note = attempt.details;
	read_note(attempt.details, attempt.statement, resume);
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

/* The tables on which this statement may leave an INVALID index, as oid[]. */
static Datum
affected_tables(Node *stmt)
{
	Oid			table = InvalidOid;
	Datum		element;

	if (IsA(stmt, IndexStmt))
		table = RangeVarGetRelid(castNode(IndexStmt, stmt)->relation, NoLock,
								 true);
	else if (IsA(stmt, ReindexStmt) &&
			 castNode(ReindexStmt, stmt)->relation != NULL)
	{
		ReindexStmt *reindex = castNode(ReindexStmt, stmt);

		table = RangeVarGetRelid(reindex->relation, NoLock, true);
		if (OidIsValid(table) && reindex->kind == REINDEX_OBJECT_INDEX)
			table = IndexGetRelation(table, true);
	}
	element = ObjectIdGetDatum(table);
	return PointerGetDatum(construct_array(&element,
										   OidIsValid(table) ? 1 : 0, OIDOID,
										   sizeof(Oid), true, TYPALIGN_INT));
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

/* Is there what the statement makes, drops or detaches? */
static bool
object_exists(Node *stmt)
{
	Datum		values[2];
	bool		valid;

	if (IsA(stmt, IndexStmt))
		return index_exists(castNode(IndexStmt, stmt), &valid);
	if (IsA(stmt, DropStmt))
		return any_object_exists(castNode(DropStmt, stmt));
	if (detached_partition(stmt, values))
		return is_attached(values);
	return false;
}

char *
pgm_resume_note(const PgmSource *source, int n)
{
	Node	   *stmt = source->statements[n].raw->stmt;
	PgmSpiScope scope;
	Datum		values[3];
	char	   *note;

	values[0] = Int32GetDatum(n + 1);
	values[1] = affected_tables(stmt);
	values[2] = BoolGetDatum(source->statements[n].top_level &&
							 object_exists(stmt));
	pgm_spi_begin(&scope);
	pgm_spi_execute(&note_query, values, NULL);
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

char	  **
pgm_resume_leftovers(const PgmSource *source, int n, const PgmResume *resume,
					 int *nleft)
{
	Node	   *stmt = source->statements[n].raw->stmt;
	PgmSpiScope scope;
	Datum		values[3];
	bool		nulls[3] = {false, false, true};
	uint64		rows;
	char	  **names;

	values[0] = affected_tables(stmt);
	values[1] = pgm_text_array_datum(resume->ninvalid, resume->invalid);
	if (IsA(stmt, IndexStmt) && castNode(IndexStmt, stmt)->idxname != NULL)
	{
		nulls[2] = false;
		values[2] = pgm_text_datum(castNode(IndexStmt, stmt)->idxname);
	}
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&leftover_query, values, nulls);
	names = MemoryContextAlloc(scope.outer, sizeof(char *) * Max(rows, 1));
	for (uint64 i = 0; i < rows; i++)
		names[i] = pgm_spi_text(i + 1, 1);
	pgm_spi_end(&scope);
	*nleft = (int) rows;
	return names;
}

static void
drop_leftovers(const PgmExec *exec, const PgmSource *source, int n,
			   const PgmResume *resume)
{
	char	  **names;
	int			nleft;

	pgm_txn_begin();
	names = pgm_resume_leftovers(source, n, resume, &nleft);
	pgm_txn_commit();

	for (int i = 0; i < nleft; i++)
		run_command(exec, psprintf("DROP INDEX CONCURRENTLY %s", names[i]));
}

/* A named index that was not there before, and is valid: it was made. */
static bool
index_was_made(Node *stmt, const PgmResume *resume)
{
	bool		valid = false;

	if (!IsA(stmt, IndexStmt) || resume->existed)
		return false;
	pgm_txn_begin();
	(void) index_exists(castNode(IndexStmt, stmt), &valid);
	pgm_txn_commit();
	return valid;
}

/* What was there before the first try is not there any more. */
static bool
object_is_gone(Node *stmt, const PgmResume *resume)
{
	bool		exists;

	if (IsA(stmt, IndexStmt) || !resume->existed)
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

	if (!source->statements[n].top_level)
		return false;
	drop_leftovers(exec, source, n, resume);
	return index_was_made(stmt, resume) || finish_detach(exec, stmt) ||
		object_is_gone(stmt, resume);
}
