/*-------------------------------------------------------------------------
 *
 * away.c
 *	  What is dropped and made again, with a commit and long work in between;
 *	  and what ends a pass over a table that another one follows.
 *
 * A source with a statement that is carried out online, or that cannot run in
 * a transaction, is committed statement by statement: who reads a view that an
 * early one drops fails until a later one makes it again.  What goes along
 * with the change of a table, in its pass, is away for the switch only.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "lint/lint.h"
#include "online/shadow_table.h"

/* Not in a pass. */
#define NO_PASS (-1)

/* An object by its name, before any of it is looked up. */
typedef struct Thing
{
	const char *kind;			/* as it is shown; NULL: none of interest */
	const char *schema;			/* or NULL */
	const char *name;
	const char *own;			/* of a relation; or NULL */
} Thing;

/* The statements of a source, in order. */
typedef struct Statements
{
	int			count;
	PgmJudged **judged;
	int		   *pass;			/* the first one of its pass, or NO_PASS */
} Statements;

static Node *
statement_of(const PgmJudged *judged)
{
	return judged->source->statements[judged->n].raw->stmt;
}

/* ---- names */

static const char *
kind_name(ObjectType type)
{
	switch (type)
	{
		case OBJECT_TABLE:
			return "table";
		case OBJECT_VIEW:
			return "view";
		case OBJECT_MATVIEW:
			return "materialized view";
		case OBJECT_INDEX:
			return "index";
		case OBJECT_SEQUENCE:
			return "sequence";
		case OBJECT_FUNCTION:
			return "function";
		case OBJECT_PROCEDURE:
			return "procedure";
		case OBJECT_POLICY:
			return "policy";
		case OBJECT_RULE:
			return "rule";
		case OBJECT_TRIGGER:
			return "trigger";
		default:
			return NULL;
	}
}

static Thing
thing_of_list(const char *kind, List *names, const char *own)
{
	Thing		thing = {kind, NULL, strVal(llast(names)), own};

	if (list_length(names) > 1)
		thing.schema = strVal(list_nth(names, list_length(names) - 2));
	return thing;
}

static Thing
thing_of(const char *kind, const RangeVar *relation, const char *own)
{
	Thing		thing = {kind, relation->schemaname, relation->relname, own};

	return thing;
}

static Thing
dropped_thing(const DropStmt *drop, Node *object)
{
	Thing		none = {0};
	const char *kind = kind_name(drop->removeType);
	List	   *names;

	if (kind == NULL)
		return none;
	if (IsA(object, ObjectWithArgs))
		return thing_of_list(kind, ((ObjectWithArgs *) object)->objname, NULL);
	names = castNode(List, object);
	switch (drop->removeType)
	{
		case OBJECT_POLICY:
		case OBJECT_RULE:
		case OBJECT_TRIGGER:
			return thing_of_list(kind,
								 list_truncate(list_copy(names),
											   list_length(names) - 1),
								 strVal(llast(names)));
		default:
			return thing_of_list(kind, names, NULL);
	}
}

static Thing
made_thing(Node *stmt)
{
	Thing		made = {0};

	switch (nodeTag(stmt))
	{
		case T_CreateStmt:
			return thing_of("table", castNode(CreateStmt, stmt)->relation,
							NULL);
		case T_CreateTableAsStmt:
			return thing_of(kind_name(castNode(CreateTableAsStmt,
											   stmt)->objtype),
							castNode(CreateTableAsStmt, stmt)->into->rel,
							NULL);
		case T_ViewStmt:
			return thing_of("view", castNode(ViewStmt, stmt)->view, NULL);
		case T_CreateSeqStmt:
			return thing_of("sequence",
							castNode(CreateSeqStmt, stmt)->sequence, NULL);
		case T_IndexStmt:
			if (castNode(IndexStmt, stmt)->idxname == NULL)
				return made;
			made = thing_of("index", castNode(IndexStmt, stmt)->relation,
							NULL);
			made.name = castNode(IndexStmt, stmt)->idxname;
			return made;
		case T_CreateFunctionStmt:
			return thing_of_list(castNode(CreateFunctionStmt,
										  stmt)->is_procedure ?
								 "procedure" : "function",
								 castNode(CreateFunctionStmt, stmt)->funcname,
								 NULL);
		case T_CreatePolicyStmt:
			return thing_of("policy", castNode(CreatePolicyStmt, stmt)->table,
							castNode(CreatePolicyStmt, stmt)->policy_name);
		case T_RuleStmt:
			return thing_of("rule", castNode(RuleStmt, stmt)->relation,
							castNode(RuleStmt, stmt)->rulename);
		case T_CreateTrigStmt:
			return thing_of("trigger",
							castNode(CreateTrigStmt, stmt)->relation,
							castNode(CreateTrigStmt, stmt)->trigname);
		default:
			return made;
	}
}

/* A table may become a view: who reads it asks for the name. */
static bool
is_relation(const Thing *thing)
{
	return strcmp(thing->kind, "table") == 0 ||
		strcmp(thing->kind, "view") == 0 ||
		strcmp(thing->kind, "materialized view") == 0;
}

/* A schema that one of them leaves out is that of the other one. */
static bool
are_same(const Thing *a, const Thing *b)
{
	if (a->kind == NULL || b->kind == NULL || strcmp(a->name, b->name) != 0)
		return false;
	if (strcmp(a->kind, b->kind) != 0 && !(is_relation(a) && is_relation(b)))
		return false;
	if (a->own != NULL && strcmp(a->own, b->own) != 0)
		return false;
	return a->schema == NULL || b->schema == NULL ||
		strcmp(a->schema, b->schema) == 0;
}

static char *
describe(const Thing *thing)
{
	const char *name = quote_qualified_identifier(thing->schema, thing->name);

	if (thing->own == NULL)
		return psprintf("%s %s", thing->kind, name);
	return psprintf("%s %s on %s", thing->kind, quote_identifier(thing->own),
					name);
}

/* ---- what is at work in between */

static int
place_of(const Statements *all, int n)
{
	for (int i = 0; i < all->count; i++)
		if (all->judged[i]->n == n)
			return i;
	return -1;
}

/* As a run finds them: see pgm_shadow_first(). */
static void
find_passes(Statements *all)
{
	for (int i = 0; i < all->count; i++)
		all->pass[i] = NO_PASS;
	for (int i = 0; i < all->count; i++)
	{
		const PgmJudged *one = all->judged[i];
		int			first = place_of(all, pgm_shadow_first(one->source,
														   one->n));
		const PgmStrategy *strategy = first < 0 ? NULL :
			all->judged[first]->strategy;
		int			last;

		if (strategy == NULL || strategy->kind != PGM_STRATEGY_SHADOW_TABLE)
			continue;
		last = place_of(all, pgm_shadow_last(strategy->relid, one->source,
											 one->n));
		for (int j = i; j <= last; j++)
			all->pass[j] = i;
		i = Max(i, last);
	}
}

static bool
takes_long(const PgmJudged *judged)
{
	if (judged->source->statements[judged->n].top_level)
		return true;
	return judged->strategy != NULL &&
		judged->strategy->kind != PGM_STRATEGY_PLAIN &&
		judged->strategy->kind != PGM_STRATEGY_KEEP &&
		judged->strategy->kind != PGM_STRATEGY_WAY_BACK;
}

/* Nobody can tell how long, which is in the way of its readers only. */
static bool
fills(const PgmJudged *judged)
{
	const Node *stmt = statement_of(judged);

	return IsA(stmt, CreateTableAsStmt) &&
		!((const CreateTableAsStmt *) stmt)->into->skipData;
}

/* The first that takes long after one, up to another; -1 if there is none. */
static int
find_long(const Statements *all, int after, int upto)
{
	for (int i = after + 1; i <= upto; i++)
	{
		if (all->pass[i] != NO_PASS && all->pass[i] == all->pass[after])
			continue;
		if (takes_long(all->judged[i]) ||
			(i == upto && all->pass[after] != NO_PASS &&
			 fills(all->judged[i])))
			return i;
	}
	return -1;
}

static const char *
advice(const Thing *thing)
{
	if (strcmp(thing->kind, "view") == 0 || thing->own != NULL)
		return "Put the DROP right before the ALTER TABLE that it is in the way of, and what makes it again right after that: they are carried out in one transaction then.";
	return "Make the new one under another name first, then drop this one and rename the new one in a revision of their own.";
}

static void
look_at(const Statements *all, int dropped, Node *object)
{
	PgmJudged  *judged = all->judged[dropped];
	Thing		thing = dropped_thing(castNode(DropStmt,
											   statement_of(judged)), object);

	for (int i = dropped + 1; i < all->count && thing.kind != NULL; i++)
	{
		Thing		made = made_thing(statement_of(all->judged[i]));
		int			work;

		if (!are_same(&thing, &made))
			continue;
		work = find_long(all, dropped, i);
		if (work >= 0)
			(void) pgm_lint_find(judged, "away-meanwhile", NULL,
								 psprintf("%s is away until statement %d makes it again%s: each statement of the revision commits by itself",
										  describe(&thing),
										  all->judged[i]->n + 1,
										  work == i ? "" :
										  psprintf(", while statement %d is at work",
												   all->judged[work]->n + 1)),
								 pstrdup(advice(&thing)));
		return;
	}
}

/* ---- a table that is written anew more than once */

/* The last one before that is a pass over the same table; -1 for none. */
static int
find_pass_before(const Statements *all, int n)
{
	Oid			relid = all->judged[n]->strategy->relid;

	for (int i = n - 1; i >= 0; i--)
	{
		const PgmStrategy *strategy = all->judged[i]->strategy;

		if (strategy != NULL && strategy->kind == PGM_STRATEGY_SHADOW_TABLE &&
			strategy->relid == relid)
			return i;
	}
	return -1;
}

/* Statements in a row are one pass, if they can be; what is between them? */
static void
tell_what_ends_passes(const Statements *all)
{
	for (int i = 0; i < all->count; i++)
	{
		PgmStrategy *strategy = all->judged[i]->strategy;
		int			before;
		char	   *why;

		if (strategy == NULL || strategy->kind != PGM_STRATEGY_SHADOW_TABLE ||
			all->pass[i] == NO_PASS)
			continue;
		before = find_pass_before(all, i);
		if (before < 0 || all->pass[before] == all->pass[i] ||
			all->pass[before + 1] != NO_PASS)
			continue;
		why = psprintf("the table is written anew once more, and what is kept for the way back of statement %d is given up, for statement %d stands between them: put it before or after both",
					   all->judged[before]->n + 1,
					   all->judged[before + 1]->n + 1);
		strategy->why = strategy->why == NULL ? why :
			psprintf("%s; %s", why, strategy->why);
		strategy->figures = strategy->figures == NULL ? why :
			psprintf("%s; %s", why, strategy->figures);
	}
}

void
pgm_lint_away(List *judged)
{
	Statements	all = {list_length(judged)};
	bool		parted = false;

	all.judged = palloc(sizeof(PgmJudged *) * Max(all.count, 1));
	all.pass = palloc(sizeof(int) * Max(all.count, 1));
	for (int i = 0; i < all.count; i++)
	{
		all.judged[i] = list_nth(judged, i);
		parted |= takes_long(all.judged[i]);
	}
	if (!parted)
		return;
	find_passes(&all);
	tell_what_ends_passes(&all);
	for (int i = 0; i < all.count; i++)
	{
		Node	   *stmt = statement_of(all.judged[i]);
		ListCell   *lc;

		if (!IsA(stmt, DropStmt))
			continue;
		foreach(lc, castNode(DropStmt, stmt)->objects)
			look_at(&all, i, lfirst(lc));
	}
}
