/*-------------------------------------------------------------------------
 *
 * build_indexes.c
 *	  Build the indexes of the table beside, when its rows are there.
 *
 * CONCURRENTLY, for the triggers write to it all the time.  One that was left
 * INVALID by a process that is gone is dropped and built again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/transaction.h"
#include "exec/execute.h"
#include "online/column_since.h"
#include "online/layout.h"

static bool
is_valid(Oid index)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	bool		result = HeapTupleIsValid(tuple) &&
		((Form_pg_index) GETSTRUCT(tuple))->indisvalid;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return result;
}

/* In a transaction.  "Left" is one that is there, but not valid. */
static bool
is_built(Oid relid, const char *name, bool *left)
{
	Oid			index = get_relname_relid(name, get_rel_namespace(relid));

	/* who may create in the schema may have given anything that name */
	if (OidIsValid(index) && IndexGetRelation(index, true) != relid)
		index = InvalidOid;
	*left = OidIsValid(index) && !is_valid(index);
	return OidIsValid(index) && !*left;
}

/*
 * On a table of the user anything may have the name of a double.  It is ours
 * if it was begun when nothing else had it, which is noted before, and if
 * nobody has put something else in its place since.
 */
static void
claim_name(PgmShadow *shadow, Oid relid, const char *name,
		   const IndexStmt *stmt)
{
	Oid			found = get_relname_relid(name, get_rel_namespace(relid));
	bool		claimed = pgm_column_is_claimed(shadow->operation, name);

	if (claimed && (!OidIsValid(found) ||
					pgm_column_may_be(found, relid, stmt)))
		return;
	if (OidIsValid(found))
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_TABLE),
				errmsg("name \"%s\" of an index of operation " INT64_FORMAT " was given to something else",
					   name, shadow->operation->id),
				errhint("Rename that, and repeat the call."));
	pgm_operation_add_details(shadow->operation,
							  psprintf("{\"built %s\": true}", name));
}

/* A statement that commits by itself, outside of a transaction. */
static void
run_committing(PgmShadow *shadow, PgmSource *source)
{
	PgmExec		exec = *shadow->request->exec;

	source->statements[0].top_level = true;
	pgm_txn_begin();
	pgm_lockwait_limit_committing(shadow->request->wait, true);
	pgm_exec_statement(&exec, source, 0, true);
	pgm_txn_commit();
	pgm_txn_begin();
	pgm_lockwait_unlimit_committing(shadow->request->wait);
	pgm_txn_commit();
}

static PgmSource *
parse(const char *text)
{
	PgmSource  *source;

	pgm_txn_begin();
	source = pgm_source_parse(text, PGM_SOURCE_OTHER, NULL);
	pgm_txn_commit();
	return source;
}

/*
 * The rows of the copy are visible to all: with that on record the server can
 * answer from an index alone from the first moment.
 */
void
pgm_shadow_vacuum(PgmShadow *shadow)
{
	const char *name;

	pgm_txn_begin();
	name = quote_qualified_identifier(shadow->schema,
									  get_rel_name(shadow->beside));
	pgm_txn_commit();
	run_committing(shadow, parse(psprintf("VACUUM %s", name)));
}

void
pgm_shadow_analyze(PgmShadow *shadow)
{
	run_committing(shadow, parse(psprintf("ANALYZE %s", shadow->name)));
}

void
pgm_shadow_ensure_index(PgmShadow *shadow, Oid relid, const char *name,
						const char *command,
						void (*adjust) (IndexStmt *stmt, void *arg), void *arg)
{
	PgmSource  *source;
	IndexStmt  *stmt;
	const char *schema;
	const char *full;
	bool		built;
	bool		left;

	pgm_txn_begin();
	if (shadow->operation->state < PGM_OPERATION_SWITCHED)
		pgm_shadow_check(shadow);
	schema = get_namespace_name(get_rel_namespace(relid));
	full = quote_qualified_identifier(schema, name);
	stmt = pgm_layout_index_statement(command, name, relid);
	if (adjust != NULL)
		adjust(stmt, arg);
	if (pgm_is_column(shadow))
		claim_name(shadow, relid, name, stmt);
	built = is_built(relid, name, &left);
	pgm_txn_commit();
	if (left)
		run_committing(shadow,
					   parse(psprintf("DROP INDEX CONCURRENTLY %s", full)));
	if (built)
		return;
	source = parse(command);
	stmt->concurrent = true;
	source->statements[0].raw->stmt = (Node *) stmt;
	run_committing(shadow, source);
}

void
pgm_shadow_build_indexes(PgmShadow *shadow)
{
	for (int i = 0; i < shadow->nindexes; i++)
	{
		pgm_txn_begin();
		pgm_operation_set_progress(shadow->operation->id, i,
								   shadow->nindexes, "indexes");
		pgm_txn_commit();
		pgm_shadow_ensure_index(shadow, shadow->beside,
								shadow->index_names[i],
								shadow->index_commands[i], NULL, NULL);
	}
}
