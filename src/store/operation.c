/*-------------------------------------------------------------------------
 *
 * operation.c
 *	  The rows of online changes and backfills.
 *
 * An operation outlives the run that began it: what is copied and switched by
 * one run is taken back or finalized by another.  It is found again by the
 * statement that it carries out and by its digest, and holds all that a later
 * process must know, so that nothing is lost with a worker.
 *
 * A range of blocks is updated in the transaction that writes its rows: after
 * a crash both are there or neither is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/own_table.h"
#include "base/spi_list.h"
#include "base/sqlstate.h"
#include "store/operation.h"

#define AT_WORK \
	"state IN ('preparing', 'copying', 'indexing', 'comparing', 'switching')"

/* Reverted, with a copy that is to be dropped. */
#define LEFT \
	"o.state = 'reverted' AND o.details ? 'left' " \
	"AND o.system_identifier = pgmigrate.system_identifier()"

/* An OID of a role is one of its cluster. */
#define COLUMNS \
	"o.id, o.run, o.revision, o.direction, coalesce(o.statement, 0), " \
	"o.digest, o.schema_name, o.relation_name, o.relid::int8, o.strategy, " \
	"o.method, o.state, CASE WHEN o.system_identifier = " \
	"pgmigrate.system_identifier() THEN o.role_oid ELSE 0 END::int8, " \
	"o.details::text, o.switched, " \
	"o.system_identifier <> pgmigrate.system_identifier() "

static PgmQuery begin_query = {
	"INSERT INTO pgmigrate.operation (run, revision, direction, statement, "
	"digest, schema_name, relation_name, relid, strategy, method, state, "
	"role_oid, role, details) SELECT $1, $2, $3, nullif($4, 0), $5, $6, $7, "
	"$8, $9, $10, $11, $12, pg_get_userbyid($12), coalesce($13::jsonb, '{}') "
	"RETURNING id",
	13, {INT8OID, TEXTOID, TEXTOID, INT4OID, TEXTOID, TEXTOID, TEXTOID, OIDOID,
	TEXTOID, TEXTOID, TEXTOID, OIDOID, TEXTOID}
};

/* In another cluster the number is that of another table. */
static PgmQuery other_query = {
	"SELECT o.id, o.run FROM pgmigrate.operation o WHERE o.relid = $1 "
	"AND o.system_identifier = pgmigrate.system_identifier() "
	"AND o.id <> $2 AND o." AT_WORK " LIMIT 1",
	2, {OIDOID, INT8OID}
};

static PgmQuery get_query = {
	"SELECT " COLUMNS "FROM pgmigrate.operation o WHERE o.id = $1",
	1, {INT8OID}
};

static PgmQuery lock_query = {
	"SELECT " COLUMNS "FROM pgmigrate.operation o WHERE o.id = $1 FOR UPDATE",
	1, {INT8OID},
	.generic = true
};

/*
 * A failed one goes on where it stopped; the last of several is meant.  What
 * is switched is done, and is marked so in the same transaction: what comes
 * after that is another change.
 */
static PgmQuery statement_query = {
	"SELECT " COLUMNS "FROM pgmigrate.operation o WHERE o.revision = $1 "
	"AND o.direction = $2 AND o.statement = $3 AND o.digest = $4 "
	"AND (o." AT_WORK " OR o.state = 'failed') "
	"ORDER BY o.id DESC LIMIT 1",
	4, {TEXTOID, TEXTOID, INT4OID, TEXTOID}
};

static PgmQuery state_query = {
	"SELECT " COLUMNS "FROM pgmigrate.operation o WHERE o.state = $1 "
	"AND ($2 IS NULL OR o.revision = $2) ORDER BY o.id",
	2, {TEXTOID, TEXTOID}
};

static PgmQuery taken_back_query = {
	"SELECT " COLUMNS "FROM pgmigrate.operation o "
	"JOIN pgmigrate.applied a ON a.revision = o.revision "
	"WHERE o.revision = $1 AND o.direction = 'up' AND o.state = 'reverted' "
	"AND o.finished > a.applied_at ORDER BY o.id",
	1, {TEXTOID}
};

static PgmQuery unfinished_query = {
	"SELECT " COLUMNS "FROM pgmigrate.operation o "
	"WHERE o.revision IS NOT DISTINCT FROM $1 "
	"AND (o." AT_WORK " OR o.state = 'failed') ORDER BY o.id DESC",
	1, {TEXTOID}
};

static PgmQuery detail_query = {
	"SELECT $1::jsonb ->> $2",
	2, {TEXTOID, TEXTOID}
};

static PgmQuery run_query = {
	"SELECT " COLUMNS "FROM pgmigrate.operation o WHERE o.run = $1 "
	"ORDER BY o.id",
	1, {INT8OID}
};

static PgmQuery set_run_query = {
	"UPDATE pgmigrate.operation SET run = $2 WHERE id = $1",
	2, {INT8OID, INT8OID}
};

/*
 * A state that work is done in counts anew.  One that was switched has all of
 * it behind it: the five states before, or the only step of what keeps a table
 * or columns.  What is over tells how far it came.
 */
#define COUNT(column, states, steps, anew) \
	column " = CASE WHEN $2 IN ('finalized', 'reverted', 'cancelled') " \
	"THEN " column " WHEN $2 <> 'switched' THEN " anew \
	" WHEN method = 'in place' THEN " steps " ELSE " states " END, "

static PgmQuery set_state_query = {
	"UPDATE pgmigrate.operation SET state = $2, phase = $3, "
	COUNT("done", "5", "1", "0")
	COUNT("total", "5", "1", "NULL")
	COUNT("unit", "'states'", "'steps'", "NULL")
	"waiting_for = NULL, error = NULL, "
	"phase_started = clock_timestamp(), "
	"switched = CASE WHEN $2 = 'switched' THEN clock_timestamp() "
	"ELSE switched END, "
	"finished = CASE WHEN $2 IN ('finalized', 'reverted', 'cancelled') "
	"THEN clock_timestamp() END WHERE id = $1",
	3, {INT8OID, TEXTOID, TEXTOID},
	.generic = true
};

/*
 * A restore gives tables other numbers, as does who makes one anew; in another
 * cluster the number is that of another table.  The role that goes on there
 * has the name of the one that began.
 */
static PgmQuery find_again_query = {
	"SELECT c.oid::int8 FROM pgmigrate.operation o, pg_class c "
	"JOIN pg_namespace n ON n.oid = c.relnamespace WHERE o.id = $1 "
	"AND n.nspname = o.schema_name AND c.relname = o.relation_name "
	"AND (o.system_identifier <> pgmigrate.system_identifier() "
	"OR NOT EXISTS (SELECT FROM pg_class x WHERE x.oid = o.relid))",
	1, {INT8OID}
};

static PgmQuery found_again_query = {
	"UPDATE pgmigrate.operation SET relid = $2, "
	"role_oid = CASE WHEN system_identifier = pgmigrate.system_identifier() "
	"THEN role_oid ELSE coalesce(to_regrole(quote_ident(role)), 0) END, "
	"system_identifier = pgmigrate.system_identifier(), "
	"database = current_database() WHERE id = $1",
	2, {INT8OID, OIDOID}
};

static PgmQuery revert_until_query = {
	"UPDATE pgmigrate.operation SET "
	"revert_until = clock_timestamp() + make_interval(secs => $2) "
	"WHERE id = $1",
	2, {INT8OID, FLOAT8OID}
};

/* A table that is gone has no way back. */
static PgmQuery due_query = {
	"SELECT " COLUMNS "FROM pgmigrate.operation o WHERE o.state = 'switched' "
	"AND (o.revert_until < clock_timestamp() "
	"OR o.system_identifier = pgmigrate.system_identifier() "
	"AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c "
	"WHERE c.oid = o.relid)) OR " LEFT " ORDER BY o.id"
};

static PgmQuery finalizable_query = {
	"SELECT " COLUMNS "FROM pgmigrate.operation o WHERE o.state = 'switched' "
	"OR " LEFT " ORDER BY o.id"
};

static PgmQuery progress_query = {
	"UPDATE pgmigrate.operation SET done = $2, total = $3, unit = $4 "
	"WHERE id = $1",
	4, {INT8OID, INT8OID, INT8OID, TEXTOID}
};

static PgmQuery waiting_query = {
	"UPDATE pgmigrate.operation SET waiting_for = $2 WHERE id = $1 "
	"AND waiting_for IS DISTINCT FROM $2",
	2, {INT8OID, TEXTOID}
};

static PgmQuery differences_query = {
	"UPDATE pgmigrate.operation SET differences = $2 WHERE id = $1",
	2, {INT8OID, INT8OID}
};

static PgmQuery details_query = {
	"UPDATE pgmigrate.operation SET details = details || $2::jsonb "
	"WHERE id = $1 RETURNING details::text",
	2, {INT8OID, TEXTOID},
	.generic = true
};

static PgmQuery fail_query = {
	"UPDATE pgmigrate.operation SET state = 'failed', error = $2, "
	"waiting_for = NULL, details = details || "
	"jsonb_build_object('failed_in', state), finished = clock_timestamp() "
	"WHERE id = $1 AND " AT_WORK,
	2, {INT8OID, TEXTOID}
};

static PgmQuery fail_of_run_query = {
	"UPDATE pgmigrate.operation SET state = 'failed', error = $2, "
	"waiting_for = NULL, details = details || "
	"jsonb_build_object('failed_in', state), finished = clock_timestamp() "
	"WHERE run = $1 AND " AT_WORK,
	2, {INT8OID, TEXTOID}
};

static PgmQuery add_range_query = {
	"INSERT INTO pgmigrate.operation_range (operation, part, relid, "
	"filenode, first_block, next_block, end_block) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7)",
	7, {INT8OID, INT4OID, OIDOID, OIDOID, INT8OID, INT8OID, INT8OID}
};

static PgmQuery ranges_query = {
	"SELECT r.part, r.relid::int8, r.filenode::int8, r.first_block, "
	"r.next_block, r.end_block, r.row_count, r.operation "
	"FROM pgmigrate.operation_range r WHERE r.operation = $1 ORDER BY r.part",
	1, {INT8OID}
};

static PgmQuery range_done_query = {
	"UPDATE pgmigrate.operation_range SET next_block = $3, "
	"row_count = row_count + $4 WHERE operation = $1 AND part = $2",
	4, {INT8OID, INT4OID, INT8OID, INT8OID}
};

static PgmQuery drop_ranges_query = {
	"DELETE FROM pgmigrate.operation_range WHERE operation = $1",
	1, {INT8OID}
};

static const char *const state_names[] = {
	[PGM_OPERATION_PREPARING] = "preparing",
	[PGM_OPERATION_COPYING] = "copying",
	[PGM_OPERATION_INDEXING] = "indexing",
	[PGM_OPERATION_COMPARING] = "comparing",
	[PGM_OPERATION_SWITCHING] = "switching",
	[PGM_OPERATION_SWITCHED] = "switched",
	[PGM_OPERATION_FINALIZED] = "finalized",
	[PGM_OPERATION_REVERTED] = "reverted",
	[PGM_OPERATION_CANCELLED] = "cancelled",
	[PGM_OPERATION_FAILED] = "failed"
};

static const char *const method_names[] = {
	[PGM_METHOD_IN_PLACE] = "in place",
	[PGM_METHOD_COLUMN] = "column",
	[PGM_METHOD_TABLE] = "table"
};

const char *
pgm_operation_state_name(PgmOperationState state)
{
	return state_names[state];
}

PgmOperationState
pgm_operation_state(const char *name)
{
	for (int i = 0; i < lengthof(state_names); i++)
		if (strcmp(state_names[i], name) == 0)
			return (PgmOperationState) i;
	ereport(ERROR,
			errcode(ERRCODE_DATA_CORRUPTED),
			errmsg("unrecognized state \"%s\" of an operation", name));
}

static PgmOperationMethod
method_of(const char *name)
{
	for (int i = 0; i < lengthof(method_names); i++)
		if (strcmp(method_names[i], name) == 0)
			return (PgmOperationMethod) i;
	ereport(ERROR,
			errcode(ERRCODE_DATA_CORRUPTED),
			errmsg("unrecognized method \"%s\" of an operation", name));
}

/* Row n of the last query, whose columns are COLUMNS. */
static void *
make_operation(uint64 n)
{
	PgmOperation *operation = palloc0(sizeof(PgmOperation));

	operation->id = pgm_spi_int64(n, 1);
	operation->run = pgm_spi_int64(n, 2);
	operation->revision = pgm_spi_text(n, 3);
	operation->direction = pgm_spi_text(n, 4);
	operation->statement = pgm_spi_int32(n, 5);
	operation->digest = pgm_spi_text(n, 6);
	operation->schema = pgm_spi_text(n, 7);
	operation->relation = pgm_spi_text(n, 8);
	operation->relid = (Oid) pgm_spi_int64(n, 9);
	operation->strategy = pgm_spi_text(n, 10);
	operation->method = method_of(pgm_spi_text(n, 11));
	operation->state = pgm_operation_state(pgm_spi_text(n, 12));
	operation->role = (Oid) pgm_spi_int64(n, 13);
	operation->details = pgm_spi_text(n, 14);
	operation->switched = pgm_spi_timestamp(n, 15);
	operation->elsewhere = pgm_spi_bool(n, 16);
	return operation;
}

/* Each step asks for them, and most databases have none. */
static List *
find_all(PgmQuery *query, const Datum *values, const bool *nulls)
{
	if (pgm_own_table_is_blank("operation"))
		return NIL;
	return pgm_spi_list(query, values, nulls, make_operation);
}

/* The only row of a query, or NULL. */
static PgmOperation *
find_one(PgmQuery *query, const Datum *values, const bool *nulls)
{
	List	   *operations = find_all(query, values, nulls);

	return operations == NIL ? NULL : linitial(operations);
}

static void
execute(PgmQuery *query, const Datum *values, const bool *nulls)
{
	PgmSpiScope scope;

	pgm_spi_begin(&scope);
	pgm_spi_execute(query, values, nulls);
	pgm_spi_end(&scope);
}

static void
refuse_second(const PgmOperation *operation)
{
	PgmSpiScope scope;
	Datum		values[2];
	int64		id = 0;
	int64		run = 0;

	values[0] = ObjectIdGetDatum(operation->relid);
	values[1] = Int64GetDatum(operation->id);
	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&other_query, values, NULL) > 0)
	{
		id = pgm_spi_int64(1, 1);
		run = pgm_spi_int64(1, 2);
	}
	pgm_spi_end(&scope);
	if (id != 0)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_IN_USE),
				errmsg("operation " INT64_FORMAT " is at work on relation \"%s\"",
					   id, operation->relation),
				errdetail("It belongs to run " INT64_FORMAT ".", run),
				errhint("Wait for it with SELECT * FROM pgmigrate.wait(" INT64_FORMAT "), or end it with SELECT pgmigrate.cancel(" INT64_FORMAT ").",
						run, run));
}

void
pgm_operation_begin(PgmOperation *operation)
{
	PgmSpiScope scope;
	Datum		values[13];
	bool		nulls[13] = {false};

	/* the unique index decides if two of them begin at once */
	refuse_second(operation);

	values[0] = Int64GetDatum(operation->run);
	pgm_set_text(values, nulls, 1, operation->revision);
	pgm_set_text(values, nulls, 2, operation->direction);
	values[3] = Int32GetDatum(operation->statement);
	pgm_set_text(values, nulls, 4, operation->digest);
	pgm_set_text(values, nulls, 5, operation->schema);
	pgm_set_text(values, nulls, 6, operation->relation);
	values[7] = ObjectIdGetDatum(operation->relid);
	pgm_set_text(values, nulls, 8, operation->strategy);
	pgm_set_text(values, nulls, 9, method_names[operation->method]);
	pgm_set_text(values, nulls, 10, state_names[operation->state]);
	values[11] = ObjectIdGetDatum(operation->role);
	pgm_set_text(values, nulls, 12, operation->details);

	pgm_spi_begin(&scope);
	pgm_spi_execute(&begin_query, values, nulls);
	operation->id = pgm_spi_int64(1, 1);
	pgm_spi_end(&scope);
}

PgmOperation *
pgm_operation_get(int64 id)
{
	Datum		values[1];

	values[0] = Int64GetDatum(id);
	return find_one(&get_query, values, NULL);
}

PgmOperation *
pgm_operation_lock(int64 id)
{
	Datum		values[1];

	values[0] = Int64GetDatum(id);
	return find_one(&lock_query, values, NULL);
}

PgmOperation *
pgm_operation_of_statement(const char *revision, const char *direction,
						   int statement, const char *digest)
{
	Datum		values[4];

	values[0] = pgm_text_datum(revision);
	values[1] = pgm_text_datum(direction);
	values[2] = Int32GetDatum(statement);
	values[3] = pgm_text_datum(digest);
	return find_one(&statement_query, values, NULL);
}

List *
pgm_operations_in_state(PgmOperationState state, const char *revision)
{
	Datum		values[2];
	bool		nulls[2] = {false};

	values[0] = pgm_text_datum(state_names[state]);
	pgm_set_text(values, nulls, 1, revision);
	return find_all(&state_query, values, nulls);
}

List *
pgm_operations_taken_back(const char *revision)
{
	Datum		values[1];

	values[0] = pgm_text_datum(revision);
	return find_all(&taken_back_query, values, NULL);
}

List *
pgm_operations_unfinished(const char *revision)
{
	Datum		values[1];
	bool		nulls[1] = {false};

	pgm_set_text(values, nulls, 0, revision);
	return find_all(&unfinished_query, values, nulls);
}

char *
pgm_operation_detail(const PgmOperation *operation, const char *name)
{
	PgmSpiScope scope;
	Datum		values[2];
	char	   *result;

	values[0] = pgm_text_datum(operation->details);
	values[1] = pgm_text_datum(name);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&detail_query, values, NULL);
	result = pgm_spi_text(1, 1);
	pgm_spi_end(&scope);
	return result;
}

List *
pgm_operations_of_run(int64 run)
{
	Datum		values[1];

	values[0] = Int64GetDatum(run);
	return find_all(&run_query, values, NULL);
}

void
pgm_operation_set_run(PgmOperation *operation, int64 run)
{
	Datum		values[2];

	/* one that failed leaves its table to others meanwhile */
	refuse_second(operation);
	values[0] = Int64GetDatum(operation->id);
	values[1] = Int64GetDatum(run);
	execute(&set_run_query, values, NULL);
	operation->run = run;
}

void
pgm_operation_set_state(PgmOperation *operation, PgmOperationState state,
						const char *phase)
{
	Datum		values[3];
	bool		nulls[3] = {false};

	values[0] = Int64GetDatum(operation->id);
	pgm_set_text(values, nulls, 1, state_names[state]);
	pgm_set_text(values, nulls, 2, phase);
	execute(&set_state_query, values, nulls);
	operation->state = state;
}

void
pgm_operation_find_again(PgmOperation *operation)
{
	PgmSpiScope scope;
	Datum		values[2];
	bool		found;

	values[0] = Int64GetDatum(operation->id);
	pgm_spi_begin(&scope);
	found = pgm_spi_execute(&find_again_query, values, NULL) > 0;
	if (found)
		operation->relid = (Oid) pgm_spi_int64(1, 1);
	pgm_spi_end(&scope);
	if (!found)
		return;
	refuse_second(operation);
	values[1] = ObjectIdGetDatum(operation->relid);
	execute(&found_again_query, values, NULL);
	operation->elsewhere = false;
	pgm_operation_drop_ranges(operation->id);
	pgm_operation_set_state(operation, PGM_OPERATION_PREPARING, NULL);
	ereport(NOTICE,
			errmsg("relation %s is not the one that operation " INT64_FORMAT " was begun with, but has its name",
				   quote_qualified_identifier(operation->schema,
											  operation->relation),
				   operation->id));
}

void
pgm_operation_set_revert_until(int64 id, int seconds)
{
	Datum		values[2];

	values[0] = Int64GetDatum(id);
	values[1] = Float8GetDatum(seconds);
	execute(&revert_until_query, values, NULL);
}

List *
pgm_operations_due(void)
{
	return find_all(&due_query, NULL, NULL);
}

List *
pgm_operations_finalizable(void)
{
	return find_all(&finalizable_query, NULL, NULL);
}

void
pgm_operation_set_progress(int64 id, int64 done, int64 total,
						   const char *unit)
{
	Datum		values[4];
	bool		nulls[4] = {false};

	values[0] = Int64GetDatum(id);
	values[1] = Int64GetDatum(done);
	values[2] = Int64GetDatum(total);
	pgm_set_text(values, nulls, 3, unit);
	execute(&progress_query, values, nulls);
}

void
pgm_operation_set_waiting(int64 id, const char *what)
{
	Datum		values[2];
	bool		nulls[2] = {false};

	values[0] = Int64GetDatum(id);
	pgm_set_text(values, nulls, 1, what);
	execute(&waiting_query, values, nulls);
}

void
pgm_operation_set_differences(int64 id, int64 differences)
{
	Datum		values[2];

	values[0] = Int64GetDatum(id);
	values[1] = Int64GetDatum(differences);
	execute(&differences_query, values, NULL);
}

void
pgm_operation_add_details(PgmOperation *operation, const char *details)
{
	PgmSpiScope scope;
	Datum		values[2];

	values[0] = Int64GetDatum(operation->id);
	values[1] = pgm_text_datum(details);
	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&details_query, values, NULL) > 0)
		operation->details = pgm_spi_text(1, 1);
	pgm_spi_end(&scope);
}

void
pgm_operation_fail(PgmOperation *operation, const char *message)
{
	Datum		values[2];
	bool		nulls[2] = {false};

	values[0] = Int64GetDatum(operation->id);
	pgm_set_text(values, nulls, 1, message);
	execute(&fail_query, values, nulls);
	operation->state = PGM_OPERATION_FAILED;
}

void
pgm_operations_fail_of_run(int64 run, const char *message)
{
	Datum		values[2];
	bool		nulls[2] = {false};

	values[0] = Int64GetDatum(run);
	pgm_set_text(values, nulls, 1, message);
	execute(&fail_of_run_query, values, nulls);
}

void
pgm_operation_add_range(const PgmOperationRange *range)
{
	Datum		values[7];

	values[0] = Int64GetDatum(range->operation);
	values[1] = Int32GetDatum(range->part);
	values[2] = ObjectIdGetDatum(range->relid);
	values[3] = ObjectIdGetDatum(range->filenode);
	values[4] = Int64GetDatum((int64) range->first);
	values[5] = Int64GetDatum((int64) range->next);
	values[6] = Int64GetDatum((int64) range->end);
	execute(&add_range_query, values, NULL);
}

static void *
make_range(uint64 row)
{
	PgmOperationRange *range = palloc0(sizeof(PgmOperationRange));

	range->part = pgm_spi_int32(row, 1);
	range->relid = (Oid) pgm_spi_int64(row, 2);
	range->filenode = (Oid) pgm_spi_int64(row, 3);
	range->first = (BlockNumber) pgm_spi_int64(row, 4);
	range->next = (BlockNumber) pgm_spi_int64(row, 5);
	range->end = (BlockNumber) pgm_spi_int64(row, 6);
	range->rows = pgm_spi_int64(row, 7);
	range->operation = pgm_spi_int64(row, 8);
	return range;
}

List *
pgm_operation_ranges(int64 id)
{
	Datum		values[1] = {Int64GetDatum(id)};

	return pgm_spi_list(&ranges_query, values, NULL, make_range);
}

void
pgm_operation_range_done(const PgmOperationRange *range, BlockNumber next,
						 int64 rows)
{
	Datum		values[4];

	values[0] = Int64GetDatum(range->operation);
	values[1] = Int32GetDatum(range->part);
	values[2] = Int64GetDatum((int64) next);
	values[3] = Int64GetDatum(rows);
	execute(&range_done_query, values, NULL);
}

void
pgm_operation_drop_ranges(int64 id)
{
	Datum		values[1];

	values[0] = Int64GetDatum(id);
	execute(&drop_ranges_query, values, NULL);
}
