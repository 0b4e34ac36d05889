/*-------------------------------------------------------------------------
 *
 * clone.c
 *	  Empty copies of tables, for a statement to be tried on.
 *
 * The copies stand under the names of the live tables in schemas of their own,
 * one for each live schema, which nobody else ever sees: the caller rolls the
 * subtransaction back.  A statement is tried by pointing the names in its
 * parse tree to the copies; its text is never touched.
 *
 * What is copied: columns with defaults, generation, identity and storage,
 * NOT NULL, CHECK, unique and exclusion constraints, indexes under their
 * names, owned sequences, partitions and inheritance, foreign keys in both
 * directions, triggers but those on TRUNCATE, policies, rules, statistics
 * objects, the owner; views where a statement can reach them.  Not rows,
 * grants or publications.
 *
 * Commands run as the owner of the table and security-restricted, with
 * search_path pinned: an expression of his that the planner evaluates has no
 * more rights than he has.  Nothing but ACCESS SHARE is taken on live tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parser.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/cancel.h"
#include "base/spi.h"
#include "classify/foreign_dependencies.h"
#include "classify/related_relations.h"
#include "classify/verdict.h"
#include "clone/clone.h"
#include "clone/clone_sql.h"
#include "clone/trial_scope.h"
#include "compat/catalog.h"
#include "compat/command.h"
#include "compat/server.h"
#include "sql/relation_names.h"

/* Tables that are worth cloning one by one. */
#define MAX_FAILURES 8

typedef struct LivePair
{
	Oid			live;			/* hash key */
	Oid			clone;
} LivePair;

PgmClones *
pgm_clones_new(void)
{
	PgmClones  *clones = palloc0(sizeof(PgmClones));
	HASHCTL		control = {0};

	clones->context = CurrentMemoryContext;
	clones->prefix = psprintf("%s%d_", PGM_TRIAL_SCHEMA, MyProcPid);
	control.keysize = sizeof(Oid);
	control.hcxt = CurrentMemoryContext;
	control.entrysize = sizeof(PgmClone);
	clones->by_clone = hash_create("pgmigrate clones", 64, &control,
								   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	control.entrysize = sizeof(LivePair);
	clones->by_live = hash_create("pgmigrate cloned", 64, &control,
								  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	control.entrysize = sizeof(Oid);
	clones->trees = hash_create("pgmigrate trees", 64, &control,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	clones->sample = pgm_sample_new();
	return clones;
}

PgmClone *
pgm_clones_find(PgmClones *clones, Oid clone)
{
	return hash_search(clones->by_clone, &clone, HASH_FIND, NULL);
}

Oid
pgm_clones_of(PgmClones *clones, Oid live)
{
	LivePair   *pair = hash_search(clones->by_live, &live, HASH_FIND, NULL);

	return pair == NULL ? InvalidOid : pair->clone;
}

/* ---- what to clone */

static bool
can_be_cloned(Oid relid)
{
	char		kind = get_rel_relkind(relid);

	return (kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE ||
			kind == RELKIND_SEQUENCE) &&
		get_rel_persistence(relid) != RELPERSISTENCE_TEMP &&
		relid >= FirstNormalObjectId;
}

static void
want(PgmClones *clones, Oid relid)
{
	if (!can_be_cloned(relid))
		return;
	if (!list_member_oid(clones->wanted, relid))
		clones->wanted = lappend_oid(clones->wanted, relid);
	if (clones->entire)
		clones->parts.entire = list_append_unique_oid(clones->parts.entire,
													  relid);
}

/*
 * What one parent may do to the column of a child depends on whether others
 * have it too.
 */
static void
want_with_parents(PgmClones *clones, Oid relid)
{
	ListCell   *lc;

	want(clones, relid);
	foreach(lc, pgm_related_parents(relid))
		want(clones, lfirst_oid(lc));
}

/* Which partitions stand for others is chosen when all names are known. */
static void
want_below(PgmClones *clones, Oid relid)
{
	bool		found;
	ListCell   *lc;

	(void) hash_search(clones->trees, &relid, HASH_ENTER, &found);
	if (found)
		return;
	foreach(lc, pgm_descendants(relid))
	{
		Oid			below = lfirst_oid(lc);

		if (get_rel_relispartition(below) && can_be_cloned(below) &&
			get_rel_relkind(below) == RELKIND_RELATION)
			clones->leaves = lappend_oid(clones->leaves, below);
		else
			want_with_parents(clones, below);
	}
}

/* A table with all above and below it. */
static void
want_tree(PgmClones *clones, Oid relid)
{
	Oid			other = pgm_default_partition(relid);
	Oid			above = relid;

	want_with_parents(clones, relid);
	while (get_rel_relispartition(above))
	{
		above = pgm_partition_parent(above);
		want(clones, above);
		want(clones, pgm_default_partition(above));
	}
	if (OidIsValid(other))
		want(clones, other);
	want_below(clones, relid);
}

/* The foreign key to a partition is one to all of them. */
static void
want_siblings(PgmClones *clones, Oid relid, Node *stmt)
{
	if (!IsA(stmt, DropStmt) ||
		castNode(DropStmt, stmt)->behavior != DROP_CASCADE)
		return;
	while (get_rel_relispartition(relid))
		relid = get_partition_parent(relid, true);
	want_below(clones, relid);
}

static bool
is_view(Oid relid)
{
	char		kind = get_rel_relkind(relid);

	return kind == RELKIND_VIEW || kind == RELKIND_MATVIEW;
}

void
pgm_clones_want(PgmClones *clones, Oid relid, Node *stmt, bool entire)
{
	MemoryContext old = MemoryContextSwitchTo(clones->context);
	List	   *tables = pgm_clone_table_of(relid);
	PgmReach	reach = pgm_reaches_keys(stmt);
	ListCell   *lc;

	clones->entire = entire;
	if (pgm_reaches_views(stmt) || is_view(linitial_oid(tables)))
		clones->viewed = list_append_unique_oid(clones->viewed,
												linitial_oid(tables));

	foreach(lc, tables)
	{
		ListCell   *other;

		if (list_member_oid(clones->wanted, lfirst_oid(lc)) &&
			lc != list_head(tables) && !entire)
			continue;
		want_tree(clones, lfirst_oid(lc));
		want_siblings(clones, lfirst_oid(lc), stmt);

		/* of those the key is enough where nothing else happens to them */
		clones->entire = entire && !IsA(stmt, RenameStmt) &&
			!IsA(stmt, DropStmt);
		foreach(other, pgm_clone_neighbours(lfirst_oid(lc), reach.all,
											reach.columns,
											reach.constraints,
											&clones->alike))
			want_tree(clones, lfirst_oid(other));
		clones->entire = entire;
	}
	MemoryContextSwitchTo(old);
}

static PgmClone *
enter_clone(PgmClones *clones, Oid oid, Oid live, char relkind)
{
	bool		found;
	PgmClone   *clone = hash_search(clones->by_clone, &oid, HASH_ENTER,
									&found);
	LivePair   *pair;

	if (!found)
	{
		MemSet((char *) clone + sizeof(Oid), 0,
			   sizeof(PgmClone) - sizeof(Oid));
		clone->live = live;
		clone->relkind = relkind;
	}
	pair = hash_search(clones->by_live, &live, HASH_ENTER, NULL);
	pair->clone = oid;
	return clone;
}

/* Learn which clone stands for which relation, by their names. */
static void
map_clones(PgmClones *clones)
{
	int			n;
	PgmClonePair *pairs = pgm_clone_pairs(clones->namespaces,
										  clones->schemas, &n);

	for (int i = 0; i < n; i++)
	{
		(void) enter_clone(clones, pairs[i].clone, pairs[i].live,
						   pairs[i].relkind);
	}
}

/* ---- building */

/* A query that is part of a utility statement must come analyzed. */
static Node *
analyzed(Node *stmt, const char *text)
{
	RawStmt    *raw;
	Query	   *query;

	if (!IsA(stmt, CreateTableAsStmt))
		return stmt;
	raw = makeNode(RawStmt);
	raw->stmt = stmt;
	query = linitial_node(Query,
						  pg_analyze_and_rewrite_fixedparams(raw, text, NULL,
															 0, NULL));
	return query->utilityStmt;
}

void
pgm_clones_utility(Node *stmt, const char *text)
{
	PlannedStmt *planned = makeNode(PlannedStmt);

	PushActiveSnapshot(GetTransactionSnapshot());
	planned->commandType = CMD_UTILITY;
	planned->utilityStmt = analyzed(stmt, text);
	planned->stmt_location = -1;
	pgm_process_subcommand(planned, text, None_Receiver);
	PopActiveSnapshot();
	CommandCounterIncrement();
}

static void
run_quietly(const char *command)
{
	pgm_clones_utility(linitial_node(RawStmt, pg_parse_query(command))->stmt,
					   command);
}

/* A schema of ours for each live one; with the rights of our owner. */
static void
make_schemas(PgmClones *clones)
{
	ListCell   *lc;
	Oid			save_user;
	int			save_sec_context;

	GetUserIdAndSecContext(&save_user, &save_sec_context);
	SetUserIdAndSecContext(pgm_schema_owner(),
						   save_sec_context | SECURITY_LOCAL_USERID_CHANGE);
	foreach(lc, clones->wanted)
	{
		Oid			live = get_rel_namespace(lfirst_oid(lc));
		const char *name;

		if (list_member_oid(clones->namespaces, live))
			continue;
		name = quote_identifier(psprintf("%s%u", clones->prefix, live));
		run_quietly(psprintf("CREATE SCHEMA %s", name));
		run_quietly(psprintf("GRANT USAGE, CREATE ON SCHEMA %s TO PUBLIC",
							 name));
		clones->namespaces = lappend_oid(clones->namespaces, live);
		clones->schemas = lappend_oid(clones->schemas,
									  get_namespace_oid(psprintf("%s%u",
																 clones->prefix,
																 live),
														false));
	}
	SetUserIdAndSecContext(save_user, save_sec_context);
}

static PgmRedirect redirect_names(PgmClones *clones, Node *stmt,
								  bool building);

static void
run_command(PgmClones *clones, const PgmCloneCommand *command)
{
	ListCell   *lc;

	SetUserIdAndSecContext(command->owner, SECURITY_RESTRICTED_OPERATION |
						   SECURITY_LOCAL_USERID_CHANGE);
	foreach(lc, pg_parse_query(command->text))
	{
		Node	   *stmt = lfirst_node(RawStmt, lc)->stmt;

		(void) redirect_names(clones, stmt, true);
		pgm_clones_utility(stmt, command->text);
	}
}

/*
 * Run the commands of a phase.  On failure "current" is the relation whose
 * command it was.
 */
static void
build_phase(PgmClones *clones, PgmClonePhase phase, volatile Oid *current)
{
	int			n;
	PgmCloneCommand *commands = pgm_clone_commands(phase, clones->wanted,
												   clones->prefix,
												   &clones->parts, &n);
	Oid			save_user;
	int			save_sec_context;

	GetUserIdAndSecContext(&save_user, &save_sec_context);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		*current = commands[i].relid;
		run_command(clones, &commands[i]);
	}
	SetUserIdAndSecContext(save_user, save_sec_context);
	if (phase == PGM_CLONE_TABLES)
		map_clones(clones);
	else if (phase == PGM_CLONE_LINKS)
		pgm_clone_inherit(clones->namespaces, clones->schemas);
}

static void
build_all(PgmClones *clones, volatile Oid *current)
{
	int			guc_level = NewGUCNestLevel();

	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("check_function_bodies", "off",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("client_min_messages", "error",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	make_schemas(clones);
	for (int phase = 0; phase < PGM_CLONE_NPHASES; phase++)
		build_phase(clones, phase, current);
	AtEOXact_GUC(true, guc_level);
}

static void
forget_all(PgmClones *clones)
{
	HASH_SEQ_STATUS seq;
	void	   *entry;

	clones->namespaces = NIL;
	clones->schemas = NIL;
	hash_seq_init(&seq, clones->by_clone);
	while ((entry = hash_seq_search(&seq)) != NULL)
		hash_search(clones->by_clone, entry, HASH_REMOVE, NULL);
	hash_seq_init(&seq, clones->by_live);
	while ((entry = hash_seq_search(&seq)) != NULL)
		hash_search(clones->by_live, entry, HASH_REMOVE, NULL);
}

/* What cannot be cloned, for the last failure. */
static void
give_up(PgmClones *clones, Oid relid)
{
	clones->failed = lappend_oid(clones->failed, relid);
	clones->failures = lappend(clones->failures, clones->failure);
}

/* No copy can be made here: not even of a schema. */
static void
give_all_up(PgmClones *clones)
{
	ListCell   *lc;

	foreach(lc, clones->wanted)
		give_up(clones, lfirst_oid(lc));
	clones->wanted = NIL;
}

static char *
failure_of(const PgmClones *clones, Oid relid)
{
	ListCell   *failed;
	ListCell   *failure;

	forboth(failed, clones->failed, failure, clones->failures)
	{
		if (lfirst_oid(failed) == relid)
			return lfirst(failure);
	}
	return NULL;
}

/* Build all in one subtransaction; false if a table had to be given up. */
static bool
try_build(PgmClones *clones)
{
	MemoryContext old = MemoryContextSwitchTo(clones->context);
	ResourceOwner owner = CurrentResourceOwner;
	volatile Oid current = InvalidOid;
	volatile bool done = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(clones->context);
	PG_TRY();
	{
		build_all(clones, &current);
		map_clones(clones);
		done = true;
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		MemoryContextSwitchTo(clones->context);
		edata = CopyErrorData();
		if (pgm_error_is_cancel(edata) ||
			(!OidIsValid(current) &&
			 edata->sqlerrcode == ERRCODE_INTERNAL_ERROR))
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(clones->context);
		clones->failure = edata->message;
		if (OidIsValid(current))
		{
			give_up(clones, current);
			clones->wanted = list_delete_oid(clones->wanted, current);
		}
		else
			give_all_up(clones);
		forget_all(clones);
	}
	PG_END_TRY();
	CurrentResourceOwner = owner;
	MemoryContextSwitchTo(old);
	return done;
}

/*
 * Nobody is waited for: what another session has locked against everybody
 * cannot be read, hence not be cloned.  The lock on what can be is kept until
 * it is.
 */
static bool
can_be_read(PgmClones *clones, Oid relid)
{
	char	   *pids;

	if (ConditionalLockRelationOid(relid, AccessShareLock))
		return true;
	pids = pgm_clone_lockers(relid);
	clones->failure = psprintf("\"%s\" is locked by process %s",
							   get_rel_name(relid), pids ? pids : "0");
	return false;
}

/* To tell what a view is, the server locks all that it reads. */
static bool
can_all_be_read(PgmClones *clones, Oid relid)
{
	ListCell   *lc;

	if (!can_be_read(clones, relid))
		return false;
	if (is_view(relid))
		foreach(lc, pgm_related_read(relid))
	{
		if (!can_be_read(clones, lfirst_oid(lc)))
			return false;
	}
	return true;
}

static List *
without_locked(PgmClones *clones, List *relids)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, relids)
	{
		if (can_all_be_read(clones, lfirst_oid(lc)))
			result = lappend_oid(result, lfirst_oid(lc));
		else
			give_up(clones, lfirst_oid(lc));
	}
	return result;
}

/* What runs code that is neither its owner's nor a superuser's. */
static List *
without_strange(PgmClones *clones, List *relids)
{
	List	   *strange = pgm_strange_relations(relids);
	ListCell   *lc;

	foreach(lc, strange)
	{
		clones->failure = psprintf("\"%s\" has code of another role",
								   get_rel_name(lfirst_oid(lc)));
		give_up(clones, lfirst_oid(lc));
	}
	return list_difference_oid(relids, strange);
}

static List *
with_descendants(List *relids)
{
	List	   *result = list_copy(relids);
	ListCell   *lc;

	foreach(lc, relids)
		result = list_concat(result, pgm_descendants(lfirst_oid(lc)));
	return result;
}

void
pgm_clones_build(PgmClones *clones)
{
	int			nlocked;
	List	   *wanted;

	clones->wanted = list_concat_unique_oid(clones->wanted,
											pgm_sample_choose(clones->sample,
															  clones->leaves,
															  clones->wanted));

	/* after the tables, what they read before them */
	clones->wanted = list_concat(clones->wanted,
								 pgm_clone_views(with_descendants(clones->viewed),
												 &clones->parts));
	clones->wanted = without_locked(clones, clones->wanted);
	clones->wanted = without_strange(clones, clones->wanted);
	pgm_parts_choose(&clones->parts, clones->wanted);
	nlocked = list_length(clones->failed);
	wanted = list_copy(clones->wanted);
	while (!try_build(clones))
	{
		if (clones->parts.partial != NIL)
		{
			/* not yet: it may be for the part that was left out */
			clones->parts.partial = NIL;
			clones->wanted = wanted;
			clones->failed = list_truncate(clones->failed, nlocked);
			clones->failures = list_truncate(clones->failures, nlocked);
			continue;
		}
		if (list_length(clones->failed) < nlocked + MAX_FAILURES)
			continue;
		give_all_up(clones);
	}
}

/* ---- names */

typedef struct Redirect
{
	PgmClones  *clones;
	PgmRedirect result;
	char	   *owner_schema;	/* a sequence must be where its table is */
	bool		building;		/* the clones, not trying on them */
} Redirect;

Oid
pgm_clones_schema(const PgmClones *clones, Oid namespace)
{
	ListCell   *live;
	ListCell   *clone;

	forboth(live, clones->namespaces, clone, clones->schemas)
	{
		if (lfirst_oid(live) == namespace)
			return lfirst_oid(clone);
	}
	return InvalidOid;
}

PgmClone *
pgm_clones_renew(PgmClones *clones, Oid live)
{
	Oid			schema = pgm_clones_schema(clones, get_rel_namespace(live));
	Oid			clone;

	if (!OidIsValid(schema))
		return NULL;
	clone = get_relname_relid(get_rel_name(live), schema);
	return OidIsValid(clone) ?
		enter_clone(clones, clone, live, get_rel_relkind(clone)) : NULL;
}

bool
pgm_clones_is_ours(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	TransactionId xmin;
	bool		ours;

	if (!HeapTupleIsValid(tuple))
		return false;
	xmin = HeapTupleHeaderGetXmin(tuple->t_data);
	ours = TransactionIdIsCurrentTransactionId(xmin);
	ReleaseSysCache(tuple);
	return ours;
}

/*
 * Look for a name in one live schema, its clones first.  Returns whether the
 * search ends here.
 */
static bool
redirect_in(Redirect *redirect, RangeVar *name, Oid namespace,
			PgmNameRole role, bool *changed)
{
	PgmClones  *clones = redirect->clones;
	Oid			schema = pgm_clones_schema(clones, namespace);
	Oid			live = get_relname_relid(name->relname, namespace);
	bool		cloned = OidIsValid(live) &&
		OidIsValid(pgm_clones_of(clones, live));

	if (OidIsValid(schema) &&
		(cloned || OidIsValid(get_relname_relid(name->relname, schema))))
	{
		name->schemaname = get_namespace_name(schema);
		*changed = true;
		return true;
	}
	if (!OidIsValid(live))
		return false;
	if (role == PGM_NAME_READ)
	{
		/* it will be locked again, but it can be */
		if (can_be_read(clones, live))
			UnlockRelationOid(live, AccessShareLock);
		else
		{
			clones->refusal = clones->failure;
			redirect->result = PGM_REDIRECT_LIVE;
		}
	}
	else if (role != PGM_NAME_OWNER && role != PGM_NAME_CREATED &&
			 get_rel_persistence(live) != RELPERSISTENCE_TEMP &&
			 !pgm_clones_is_ours(live))
	{
		clones->refusal = failure_of(clones, live);
		redirect->result = PGM_REDIRECT_LIVE;
	}
	return true;
}

static bool
is_temporary(const RangeVar *name)
{
	Oid			relid = RangeVarGetRelid(name, NoLock, true);

	return OidIsValid(relid) &&
		get_rel_persistence(relid) == RELPERSISTENCE_TEMP;
}

static bool
redirect_name(RangeVar *name, PgmNameRole role, void *arg)
{
	Redirect   *redirect = arg;
	bool		changed = false;

	name->catalogname = NULL;
	if (role == PGM_NAME_CREATED && redirect->owner_schema != NULL)
	{
		name->schemaname = redirect->owner_schema;
		return true;
	}
	if (name->schemaname != NULL)
	{
		Oid			namespace;

		if (strcmp(name->schemaname, "pg_temp") == 0)
			return false;
		namespace = get_namespace_oid(name->schemaname, true);
		if (!OidIsValid(namespace))
			return false;
		if (!redirect->building &&
			PGM_SCHEMA_ACLCHECK(namespace, GetUserId(),
								ACL_USAGE) != ACLCHECK_OK)
		{
			redirect->clones->denied = pstrdup(name->schemaname);
			redirect->result = PGM_REDIRECT_DENIED;
			return false;
		}
		(void) redirect_in(redirect, name, namespace, role, &changed);
	}
	else
	{
		ListCell   *lc;

		/* one of ours hides what is in the path */
		if (role != PGM_NAME_CREATED && is_temporary(name))
			return false;
		foreach(lc, fetch_search_path(false))
		{
			if (redirect_in(redirect, name, lfirst_oid(lc), role, &changed))
				break;
			if (role == PGM_NAME_CREATED)
				break;
		}
	}
	if (changed && role == PGM_NAME_OWNER)
		redirect->owner_schema = name->schemaname;
	return changed;
}

static PgmRedirect
redirect_names(PgmClones *clones, Node *stmt, bool building)
{
	Redirect	redirect = {clones, PGM_REDIRECT_DONE, NULL, building};

	pgm_names_visit(stmt, redirect_name, &redirect);
	return redirect.result;
}

PgmRedirect
pgm_clones_redirect(PgmClones *clones, Node *stmt)
{
	return redirect_names(clones, stmt, false);
}
