/*-------------------------------------------------------------------------
 *
 * look_upkeep.c
 *	  What a statement names: upkeep of tables, and its options.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "postmaster/bgworker_internals.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "assess/internal.h"
#include "compat/command.h"
#include "compat/parse.h"

/* ---- options */

/* Those of all servers; to one that does not know it the run tells. */
typedef struct Option
{
	const char *name;
	bool		is_switch;		/* on or off */
} Option;

static const Option vacuum_options[] = {
	{"analyze", true}, {"buffer_usage_limit", false},
	{"disable_page_skipping", true}, {"freeze", true}, {"full", true},
	{"index_cleanup", false}, {"only_database_stats", true},
	{"parallel", false}, {"process_main", true}, {"process_toast", true},
	{"skip_database_stats", true}, {"skip_locked", true},
	{"truncate", true}, {"verbose", true}, {NULL, false}
};

static const Option analyze_options[] = {
	{"buffer_usage_limit", false}, {"skip_locked", true}, {"verbose", true},
	{NULL, false}
};

static const Option explain_options[] = {
	{"analyze", true}, {"buffers", true}, {"costs", true}, {"format", false},
	{"generic_plan", true}, {"io", true}, {"memory", true},
	{"serialize", false}, {"settings", true}, {"summary", true},
	{"timing", true}, {"verbose", true}, {"wal", true}, {NULL, false}
};

static void
check_options(List *options, const Option *known, const char *command)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);
		const Option *found = known;

		while (found->name != NULL &&
			   strcmp(found->name, option->defname) != 0)
			found++;
		if (found->name == NULL)
			ereport(ERROR,
					errcode(ERRCODE_SYNTAX_ERROR),
					errmsg("unrecognized %s option \"%s\"", command,
						   option->defname));
		if (found->is_switch)
			(void) defGetBoolean(option);
	}
}

static void
check_parallel(DefElem *option, bool full)
{
	int			workers;

	if (option->arg == NULL)
		ereport(ERROR,
				errcode(ERRCODE_SYNTAX_ERROR),
				errmsg("parallel option requires a value between 0 and %d",
					   MAX_PARALLEL_WORKER_LIMIT));
	workers = defGetInt32(option);
	if (workers < 0 || workers > MAX_PARALLEL_WORKER_LIMIT)
		ereport(ERROR,
				errcode(ERRCODE_SYNTAX_ERROR),
				errmsg("parallel workers for vacuum must be between 0 and %d",
					   MAX_PARALLEL_WORKER_LIMIT));
	if (full && workers > 0)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("VACUUM FULL cannot be performed in parallel"));
}

/* Its query is looked up with those of statements that are run. */
void
pgm_seek_explain(PgmSeek *look, ExplainStmt *stmt)
{
	static const char *const formats[] = {"text", "xml", "json", "yaml"};
	char	   *format = pgm_option_text(stmt->options, "format");

	look->names = NIL;
	check_options(stmt->options, explain_options, "EXPLAIN");
	for (int i = 0; format != NULL && i < lengthof(formats); i++)
		if (strcmp(format, formats[i]) == 0)
			format = NULL;
	if (format != NULL)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("unrecognized value for EXPLAIN option \"format\": \"%s\"",
					   format));
}

/* ---- upkeep */

/* A table, and its columns of which statistics are wanted. */
static Oid
check_table(PgmSeek *look, const RangeVar *name, List *columns, bool analyze)
{
	const char *repeated = pgm_first_repeated(columns);
	Oid			relid;

	if (columns != NIL && !analyze)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("ANALYZE option must be specified when a column list is provided"));
	relid = pgm_seek_relation(look, name, NULL, NULL);
	if (!OidIsValid(relid))
		return relid;
	pgm_seek_columns(look, name, relid, columns);
	if (repeated != NULL)
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_COLUMN),
				errmsg("column \"%s\" of relation \"%s\" appears more than once",
					   repeated, name->relname));
	return relid;
}

void
pgm_seek_vacuum(PgmSeek *look, VacuumStmt *stmt)
{
	bool		analyze = !stmt->is_vacuumcmd;
	ListCell   *lc;

	check_options(stmt->options, stmt->is_vacuumcmd ? vacuum_options :
				  analyze_options, stmt->is_vacuumcmd ? "VACUUM" : "ANALYZE");
	foreach(lc, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "parallel") == 0)
			check_parallel(option, pgm_vacuum_is_full(stmt));
		else if (strcmp(option->defname, "analyze") == 0)
			analyze = defGetBoolean(option);
	}
	foreach(lc, stmt->rels)
	{
		VacuumRelation *rel = lfirst_node(VacuumRelation, lc);

		(void) check_table(look, rel->relation, rel->va_cols, analyze);
	}
}

/* CLUSTER and REPACK */
void
pgm_seek_cluster(PgmSeek *look, ClusterStmt *stmt)
{
	const RangeVar *name = pgm_cluster_relation(stmt);
	Oid			relid;

	if (name == NULL && pgm_repack_is_concurrent(stmt))
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("REPACK (CONCURRENTLY) requires an explicit table name"));
	if (name == NULL)
		return;
	relid = check_table(look, name, pgm_cluster_columns(stmt),
						pgm_repack_analyzes(stmt));
	if (OidIsValid(relid) && stmt->indexname != NULL &&
		!OidIsValid(get_relname_relid(stmt->indexname,
									  get_rel_namespace(relid))))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("index \"%s\" for table \"%s\" does not exist",
					   stmt->indexname, name->relname));
}

/* A unique index over columns, of all rows; without planning its condition. */
static bool
has_key(Oid relid)
{
	Relation	rel = relation_open(relid, AccessShareLock);
	bool		found = false;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		Form_pg_index form = index->rd_index;

		found |= form->indisunique && form->indimmediate &&
			form->indisvalid &&
			heap_attisnull(index->rd_indextuple, Anum_pg_index_indexprs,
						   NULL) &&
			heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL);
		index_close(index, NoLock);
	}
	relation_close(rel, NoLock);
	return found;
}

void
pgm_seek_refresh(PgmSeek *look, RefreshMatViewStmt *stmt)
{
	Oid			relid = pgm_seek_relation(look, stmt->relation, NULL, NULL);

	if (get_rel_relkind(relid) != RELKIND_MATVIEW)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("\"%s\" is not a materialized view",
					   stmt->relation->relname));
	if (stmt->concurrent && stmt->skipData)
		ereport(ERROR,
				errcode(ERRCODE_SYNTAX_ERROR),
				errmsg(PGM_REFRESH_CONFLICT));
	if (stmt->concurrent && !has_key(relid))
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("cannot refresh materialized view \"%s\" concurrently",
					   quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
												  stmt->relation->relname)));
}

void
pgm_seek_reindex(PgmSeek *look, ReindexStmt *stmt)
{
	if (stmt->kind == REINDEX_OBJECT_SCHEMA)
		pgm_seek_name(look, OBJECT_SCHEMA, stmt->name);
	else if (stmt->kind == REINDEX_OBJECT_DATABASE && stmt->name != NULL &&
			 strcmp(stmt->name, get_database_name(MyDatabaseId)) != 0)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("can only reindex the currently open database"));
}

void
pgm_seek_lock(PgmSeek *look, LockStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->relations)
		(void) pgm_seek_relation(look, lfirst_node(RangeVar, lc), "rpv",
								 "cannot lock relation \"%s\"");
}

/* ---- sequences */

/* Does a column own it? */
static bool
is_owned(Oid sequence, char deptype)
{
	Oid			table;
	int32		column;

	return sequenceIsOwned(sequence, deptype, &table, &column);
}

static void
check_column_of_sequence(PgmSeek *look, Oid sequence, List *column)
{
	RangeVar   *name = makeRangeVarFromNameList(list_copy_head(column,
															   list_length(column) - 1));
	Oid			table = pgm_seek_relation(look, name, "rfvp",
										  "sequence cannot be owned by relation \"%s\"");
	ObjectAddress one = {RelationRelationId, sequence, 0};
	ObjectAddress other = {RelationRelationId, table, 0};

	look->names = lappend(look->names, get_rel_name(sequence));
	if (pgm_object_owner(&one) != pgm_object_owner(&other))
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("sequence must have same owner as table it is linked to"));
	if (get_rel_namespace(sequence) != get_rel_namespace(table))
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("sequence must be in same schema as table it is linked to"));
	pgm_seek_columns(look, name, table, list_make1(llast(column)));
}

/* Who owns it; the trial has the rest. */
void
pgm_seek_sequence(PgmSeek *look, AlterSeqStmt *stmt)
{
	Oid			sequence = pgm_lookup_relation(stmt->sequence);
	ListCell   *lc;

	if (!OidIsValid(sequence) ||
		get_rel_relkind(sequence) != RELKIND_SEQUENCE)
		return;
	foreach(lc, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);
		List	   *column;

		if (strcmp(option->defname, "owned_by") != 0)
			continue;
		column = castNode(List, option->arg);
		look->names = list_make1(stmt->sequence->relname);
		if (list_length(column) > 1)
			check_column_of_sequence(look, sequence, column);
		else if (strcmp(strVal(linitial(column)), "none") != 0)
			ereport(ERROR,
					errcode(ERRCODE_SYNTAX_ERROR),
					errmsg("invalid OWNED BY option"));
		if (is_owned(sequence, DEPENDENCY_INTERNAL))
			ereport(ERROR,
					errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("cannot change ownership of identity sequence"));
	}
}

/* It goes where its table goes. */
void
pgm_seek_own_sequence(PgmSeek *look, const RangeVar *name,
					  const char *complaint)
{
	Oid			sequence = name == NULL ? InvalidOid :
		pgm_lookup_relation(name);

	if (!OidIsValid(sequence) ||
		get_rel_relkind(sequence) != RELKIND_SEQUENCE)
		return;
	look->last = true;
	if (is_owned(sequence, DEPENDENCY_AUTO) ||
		is_owned(sequence, DEPENDENCY_INTERNAL))
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg(complaint, name->relname));
	look->last = false;
}
