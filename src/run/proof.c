/*-------------------------------------------------------------------------
 *
 * proof.c
 *	  Verifications that the server generates, in a run.
 *
 * The first run of a revision writes down what it made.  That holds by the way
 * it came about, so it is not asked.  When the same text runs again, it has to
 * make the same: what would be generated is compared first, and only what is
 * another is asked.  After a downgrade what the upgrade made has to be gone;
 * what was seen going needs no question either.
 *
 * So a run of a thousand small revisions pays for a few looks into the caches
 * of the catalogs and for the row that is written.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "parser/parse_func.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/settings.h"
#include "base/spi.h"
#include "base/sqlstate.h"
#include "compat/server.h"
#include "run/generated.h"
#include "run/internal.h"
#include "run/proof.h"
#include "run/step_routine.h"
#include "sql/relation_names.h"

/* Stored verifications read at a time. */
#define PGM_PROOF_READ_AHEAD 100

void
pgm_runner_begin_proof(PgmRunner *runner)
{
	runner->changed = pgm_changed_create(runner->context);
	runner->stored.context =
		AllocSetContextCreate(runner->context,
							  "pgmigrate stored verifications",
							  ALLOCSET_DEFAULT_SIZES);
}

/* ---- what is seen of a statement */

/* Privileges and row security: the server does not tell of them. */
static bool
note_relation(RangeVar *name, PgmNameRole role, void *arg)
{
	Oid			relid = pgm_lookup_relation(name);

	if (OidIsValid(relid))
		pgm_changed_note(arg, RelationRelationId, relid);
	return false;
}

/* GRANT ON ALL TABLES IN SCHEMA names none of them. */
static PgmQuery all_relations_query = {
	"SELECT c.oid::int8 FROM pg_class c WHERE c.relnamespace = ANY "
	"(SELECT n.oid FROM pg_namespace n WHERE n.nspname = ANY ($1)) "
	"AND (c.relkind = 'S') = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') "
	"ORDER BY c.oid",
	2, {TEXTARRAYOID, BOOLOID}
};

static void
note_all_relations(PgmRunner *runner, const GrantStmt *stmt)
{
	char	  **schemas = palloc(sizeof(char *) * list_length(stmt->objects));
	Datum		values[2];
	List	   *relids;
	ListCell   *lc;

	foreach(lc, stmt->objects)
		schemas[foreach_current_index(lc)] = strVal(lfirst(lc));
	values[0] = pgm_text_array_datum(list_length(stmt->objects), schemas);
	values[1] = BoolGetDatum(stmt->objtype == OBJECT_SEQUENCE);
	relids = pgm_spi_oids(&all_relations_query, values);
	foreach(lc, relids)
		pgm_changed_note(runner->changed, RelationRelationId, lfirst_oid(lc));
}

void
pgm_runner_watch(PgmRunner *runner, const PgmSource *source, int n)
{
	Node	   *stmt = source->statements[n].raw->stmt;

	if (!pgm_generate_verify || runner->request->direction != PGM_UP)
		return;
	if (IsA(stmt, GrantStmt) &&
		castNode(GrantStmt, stmt)->targtype == ACL_TARGET_ALL_IN_SCHEMA)
	{
		if (castNode(GrantStmt, stmt)->objtype == OBJECT_TABLE ||
			castNode(GrantStmt, stmt)->objtype == OBJECT_SEQUENCE)
			note_all_relations(runner, castNode(GrantStmt, stmt));
	}
	else if (IsA(stmt, GrantStmt) || IsA(stmt, AlterTableStmt))
		pgm_names_visit(stmt, note_relation, runner->changed);
}

static bool
note_columns(RangeVar *name, PgmNameRole role, void *arg)
{
	PgmRunner  *runner = ((void **) arg)[0];
	const GrantStmt *stmt = ((void **) arg)[1];
	Oid			relid = pgm_lookup_relation(name);
	ListCell   *lc;
	ListCell   *column;

	foreach(lc, stmt->privileges)
		foreach(column, lfirst_node(AccessPriv, lc)->cols)
	{
		AttrNumber	attnum = OidIsValid(relid) ?
			get_attnum(relid, strVal(lfirst(column))) : InvalidAttrNumber;

		if (attnum > 0)
			pgm_changed_note_fact(runner->changed, false, RelationRelationId,
								  relid, attnum);
	}
	return false;
}

static void
note_grant(PgmRunner *runner, GrantStmt *stmt)
{
	void	   *arg[2] = {runner, stmt};
	ListCell   *lc;

	if (stmt->targtype != ACL_TARGET_OBJECT)
		return;
	if (stmt->objtype == OBJECT_TABLE)
		pgm_names_visit((Node *) stmt, note_columns, arg);
	else if (stmt->objtype == OBJECT_SCHEMA)
		foreach(lc, stmt->objects)
			pgm_changed_note_fact(runner->changed, false, NamespaceRelationId,
								  get_namespace_oid(strVal(lfirst(lc)), false),
								  0);
	else if (stmt->objtype == OBJECT_FUNCTION ||
			 stmt->objtype == OBJECT_PROCEDURE ||
			 stmt->objtype == OBJECT_ROUTINE)
		foreach(lc, stmt->objects)
			pgm_changed_note_fact(runner->changed, false, ProcedureRelationId,
								  LookupFuncWithArgs(stmt->objtype,
													 lfirst_node(ObjectWithArgs,
																 lc),
													 false), 0);
}

static void
note_comment(PgmRunner *runner, const CommentStmt *stmt)
{
	Relation	rel = NULL;
	ObjectAddress address = get_object_address(stmt->objtype, stmt->object,
											   &rel, AccessShareLock, true);

	if (rel != NULL)
		relation_close(rel, NoLock);
	if (OidIsValid(address.objectId))
		pgm_changed_note_fact(runner->changed, true, address.classId,
							  address.objectId, address.objectSubId);
}

void
pgm_runner_watched(PgmRunner *runner, const PgmSource *source, int n)
{
	Node	   *stmt = source->statements[n].raw->stmt;

	if (!pgm_generate_verify || runner->request->direction != PGM_UP)
		return;
	if (IsA(stmt, GrantStmt))
		note_grant(runner, castNode(GrantStmt, stmt));
	else if (IsA(stmt, CommentStmt))
		note_comment(runner, castNode(CommentStmt, stmt));
}

/* ---- stored ones */

static const PgmGenerated *
find_stored(PgmRunner *runner, const PgmRevision *revision)
{
	PgmStored  *stored = &runner->stored;
	int			i = runner->step - 1;
	const PgmGenerated *found;
	MemoryContext old;

	if (i < stored->first || i >= stored->first + stored->n)
	{
		int			n = Min(PGM_PROOF_READ_AHEAD,
							runner->plan->steps.nsteps - i);

		stored->n = 0;
		MemoryContextReset(stored->context);
		old = MemoryContextSwitchTo(stored->context);
		stored->generated =
			pgm_verification_get(n, pgm_plan_step_ids(runner->plan, i, n));
		MemoryContextSwitchTo(old);
		stored->first = i;
		stored->n = n;
	}
	found = stored->generated[i - stored->first];
	if (found == NULL || strcmp(found->digest, revision->digest) != 0)
		return NULL;
	return found;
}

static char *
joined(const List *texts)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, texts)
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "",
						 (char *) lfirst(lc));
	return buf.data;
}

/* ---- up */

static bool
is_same(const PgmGenerated *stored, const PgmGenerated *generated)
{
	if (stored->upgrade == NULL || generated->upgrade == NULL)
		return stored->upgrade == NULL;
	return strcmp(stored->upgrade, generated->upgrade) == 0;
}

static void
check_stored(PgmRunner *runner, const PgmStep *step,
			 const PgmGenerated *stored, bool top_level)
{
	List	   *failed = pgm_generated_ask_all(&runner->exec,
											   stored->upgrade,
											   step->revision->id,
											   top_level);

	if (failed == NIL)
		return;
	ereport(ERROR,
			errcode(PGM_ERRCODE_VERIFY_FAILED),
			errmsg("verification of revision \"%s\" failed",
				   step->revision->id),
			errdetail("Other than when it was applied before: %s.",
					  joined(failed)),
			errhint("The verification was generated, see pgmigrate.verification.  One that is written with pgmigrate.amend() takes its place."));
}

void
pgm_runner_prove(PgmRunner *runner, const PgmStep *step, bool top_level)
{
	const PgmRevision *revision = step->revision;
	const PgmGenerated *stored;
	PgmGenerated *generated;

	runner->generated = NULL;
	if (!pgm_generate_verify || runner->incomplete)
		return;
	generated = pgm_generated_write(runner->changed);
	stored = find_stored(runner, revision);
	if (stored == NULL || stored->nobjects == 0 || revision->verify != NULL)
		runner->generated = generated;
	else if (!is_same(stored, generated))
		check_stored(runner, step, stored, top_level);
}

/* ---- down */

static bool
saw_going(const PgmRunner *runner, const char *title)
{
	ListCell   *lc;

	foreach(lc, pgm_changed_list(runner->changed))
	{
		const PgmChangedObject *object = lfirst(lc);

		if (object->dropped && object->before != NULL &&
			strcmp(object->before, title) == 0)
			return true;
	}
	return false;
}

static bool
saw_all_going(const PgmRunner *runner, const PgmGenerated *stored)
{
	if (stored->nmade > PGM_PROOF_READ_AHEAD)
		return false;
	for (int i = 0; i < stored->nmade; i++)
		if (!saw_going(runner, stored->made[i]))
			return false;
	return true;
}

void
pgm_runner_prove_undone(PgmRunner *runner, const PgmStep *step,
						bool top_level)
{
	const PgmGenerated *stored;
	List	   *left;

	if (!pgm_generate_verify)
		return;
	stored = find_stored(runner, step->revision);
	if (stored == NULL || stored->downgrade == NULL ||
		saw_all_going(runner, stored))
		return;
	left = pgm_generated_ask_all(&runner->exec, stored->downgrade,
								 step->revision->id, top_level);
	if (left != NIL)
		ereport(WARNING,
				errcode(PGM_ERRCODE_VERIFY_FAILED),
				errmsg("downgrade of revision \"%s\" has left what its upgrade made",
					   step->revision->id),
				errdetail("Still there: %s.", joined(left)));
}

/* ---- the row, with the rows of the step */

bool
pgm_runner_proof(PgmRunner *runner, const PgmStep *step,
				 PgmVerificationRow *row)
{
	row->revision = step->revision->id;
	row->digest = step->revision->digest;
	row->written = step->revision->verify != NULL;
	row->generated = runner->generated;
	runner->generated = NULL;
	return row->generated != NULL;
}
