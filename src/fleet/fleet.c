/*-------------------------------------------------------------------------
 *
 * fleet.c
 *	  One target in many databases of the cluster, or in many schemas of one:
 *	  who is next, and what has become of each.
 *
 *	pending --launch--> running --+--> done
 *								  +--> failed, and looked at once more
 *								  +--> skipped, absent: may not or cannot
 *
 * A run is the job of a worker of its database, as upgrade() there would start
 * it: its row, its lock and its rights are there.  Here is only the order, so
 * a later call goes on by itself where this one has stopped.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"

#include "base/clock.h"
#include "base/printable.h"
#include "base/spi.h"
#include "exec/caller_snapshot.h"
#include "fleet/internal.h"
#include "process/follow.h"
#include "scratch/scratch.h"
#include "store/schema_branch.h"

/* Members that a message names at most. */
#define PGM_FLEET_NAMED 20

static PgmQuery databases_query = {
	"SELECT d.datname::text FROM pg_database d "
	"WHERE d.datallowconn AND NOT d.datistemplate AND d.datconnlimit <> -2 "
	"AND has_database_privilege($1, d.oid, 'CONNECT') "
	"ORDER BY d.datname COLLATE \"C\"",
	1, {OIDOID}
};

const char *
pgm_fleet_state_name(PgmFleetState state)
{
	static const char *const names[] = {
		"pending", "running", "done", "failed", "skipped", "skipped"
	};

	return names[state];
}

/*
 * Another database may have another encoding, and has told before it knew; and
 * it is not ours, so what it says is not sent to a terminal as it is.
 */
static char *
keep_text(PgmFleet *fleet, const char *text)
{
	MemoryContext old = MemoryContextSwitchTo(fleet->context);
	char	   *copy = pstrdup(text);

	if (!pg_verify_mbstr(GetDatabaseEncoding(), copy, strlen(copy), true))
		for (char *c = copy; *c; c++)
			if (IS_HIGHBIT_SET(*c))
				*c = '?';
	copy = pgm_printable(copy);
	MemoryContextSwitchTo(old);
	return copy;
}

/* Its owner has named it. */
static char *
name_of(const PgmFleetMember *member)
{
	return pgm_printable_line(member->schema != NULL ? member->schema :
							  member->database);
}

static char *
title_of(const PgmFleetMember *member)
{
	return member->schema != NULL ?
		psprintf("schema \"%s\"", name_of(member)) :
		psprintf("database \"%s\"", name_of(member));
}

typedef struct Listing
{
	int			n;
	char	  **names;
} Listing;

static void
list_databases(void *arg)
{
	Listing    *listing = arg;
	Datum		values[1];
	PgmSpiScope scope;

	values[0] = ObjectIdGetDatum(GetUserId());
	pgm_spi_begin(&scope);
	listing->n = (int) pgm_spi_execute(&databases_query, values, NULL);
	listing->names = MemoryContextAlloc(scope.outer, sizeof(char *) *
										Max(listing->n, 1));
	for (int i = 0; i < listing->n; i++)
		listing->names[i] = pgm_spi_text(i + 1, 1);
	pgm_spi_end(&scope);
}

static bool
is_member(const PgmFleet *fleet, const char *name)
{
	for (int i = 0; i < fleet->n; i++)
	{
		const PgmFleetMember *member = &fleet->members[i];

		if (strcmp(fleet->of_schemas ? member->schema : member->database,
				   name) == 0)
			return true;
	}
	return false;
}

static void
look_up_database(void *arg)
{
	Listing    *listing = arg;

	listing->names = palloc(sizeof(char *));
	listing->names[0] = get_database_name(MyDatabaseId);
}

static void
enlist(PgmFleet *fleet, int n, char **names)
{
	Listing		listing = {n, names};
	Listing		here = {0};

	fleet->named = names != NULL;
	if (fleet->of_schemas)
	{
		for (int i = 0; i < n; i++)
			pgm_schema_branch_refuse_system(names[i]);
		pgm_caller_look(look_up_database, &here);
	}
	else if (!fleet->named)
		pgm_caller_look(list_databases, &listing);
	fleet->members = palloc0(sizeof(PgmFleetMember) * Max(listing.n, 1));
	for (int i = 0; i < listing.n; i++)
	{
		PgmFleetMember *member = &fleet->members[fleet->n];

		if (fleet->named && is_member(fleet, listing.names[i]))
			continue;
		member->fleet = fleet;
		if (fleet->of_schemas)
		{
			member->database = here.names[0];
			member->schema = listing.names[i];
		}
		else
			member->database = listing.names[i];
		member->wave = 2;
		member->duration = member->steps = member->nheads = -1;
		fleet->n++;
	}
}

/* What a worker answers. */
static void
receive(StringInfo message, void *arg)
{
	PgmFleetMember *member = arg;
	PgmFleet   *fleet = member->fleet;

	switch (pq_getmsgbyte(message))
	{
		case PGM_FLEET_ENTERED:
			member->entered = true;
			break;
		case PGM_FLEET_NOT_THERE:
			member->state = PGM_FLEET_ABSENT;
			member->error = psprintf("extension \"%s\" is not installed",
									 "pgmigrate");
			member->error = keep_text(fleet, member->error);
			break;
		case PGM_FLEET_AT:
			member->steps = pq_getmsgint(message, 4);
			member->nheads = pq_getmsgint(message, 4);
			member->heads = MemoryContextAlloc(fleet->context, sizeof(char *) *
											   Max(member->nheads, 1));
			for (int i = 0; i < member->nheads; i++)
				member->heads[i] =
					keep_text(fleet, pgm_scratch_get_text(message));
			break;
	}
}

/* What a worker raises.  What is no more than a notice is of its run. */
static void
hear(const ErrorData *edata, void *arg)
{
	PgmFleetMember *member = arg;
	const char *text = edata->message == NULL ? "" : edata->message;

	text = keep_text(member->fleet, text);
	if (edata->elevel < WARNING || (edata->elevel >= ERROR && member->asked))
		return;
	if (edata->elevel == WARNING)
	{
		ereport(WARNING,
				errcode(edata->sqlerrcode),
				errmsg_internal("%s: %s", title_of(member), text));
		return;
	}
	member->code = edata->sqlerrcode;
	member->error = text;
}

/* False if there is no process for it. */
static bool
launch(PgmFleet *fleet, PgmFleetMember *member)
{
	static const PgmRunRight owner = {PGM_RUN_OWNER, 0};
	static const PgmRunRight none = {PGM_RUN_NONE, 0};
	bool		look = member->state == PGM_FLEET_FAILED;
	Oid			database;
	StringInfoData payload;

	/* another process may have made or dropped it just now */
	AcceptInvalidationMessages();
	database = fleet->of_schemas ? MyDatabaseId :
		get_database_oid(member->database, true);
	if (!OidIsValid(database))
	{
		member->asked = true;
		if (look)
			return true;
		member->state = PGM_FLEET_SKIPPED;
		member->error = "database does not exist";
		return true;
	}
	initStringInfo(&payload);
	pgm_fleet_put_job(&payload, fleet, member->schema, !look ? 0 :
					  member->run > 0 ? member->run : -1);
	member->process =
		pgm_process_launch_in(database, PGM_JOB_FLEET, look ? none : owner,
							  payload.data, payload.len,
							  PGM_LAUNCH_OUTLIVES_CLIENT |
							  PGM_LAUNCH_MAY_LACK_SLOT |
							  (fleet->of_schemas ? 0 :
							   PGM_LAUNCH_SET_BY_SESSION));
	pfree(payload.data);
	if (member->process == NULL)
		return false;
	member->process->answer = receive;
	member->process->report = hear;
	member->process->answer_arg = member;
	member->asked = look;
	if (!look)
	{
		member->state = PGM_FLEET_RUNNING;
		member->begun = pgm_clock_monotonic();
	}
	return true;
}

/* Before it was let in: is that for ever, or may it be otherwise next time? */
static bool
is_kept_out(const PgmFleetMember *member)
{
	return !member->entered &&
		(member->code == ERRCODE_INSUFFICIENT_PRIVILEGE ||
		 member->code == ERRCODE_UNDEFINED_DATABASE ||
		 member->code == ERRCODE_UNDEFINED_SCHEMA ||
		 member->code == ERRCODE_INVALID_NAME ||
		 member->code == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE);
}

static void
judge(PgmFleetMember *member)
{
	if (member->state == PGM_FLEET_ABSENT)
		return;
	if (member->error == NULL && member->nheads >= 0)
		member->state = PGM_FLEET_DONE;
	else
	{
		if (member->error == NULL)
			member->error = "the pgmigrate worker stopped without an answer";
		member->state = is_kept_out(member) ? PGM_FLEET_SKIPPED :
			PGM_FLEET_FAILED;
	}
	if (member->state != PGM_FLEET_SKIPPED)
		member->duration = pgm_clock_monotonic() - member->begun;
}

static void
tell(const PgmFleet *fleet, const PgmFleetMember *member)
{
	if (member->state == PGM_FLEET_ABSENT && !fleet->named)
		return;
	switch (member->state)
	{
		case PGM_FLEET_DONE:
			ereport(NOTICE,
					errmsg_plural("%s: %d step done", "%s: %d steps done",
								  member->steps, title_of(member),
								  member->steps));
			break;
		default:
			ereport(NOTICE,
					errcode(member->code),
					errmsg_internal("%s %s: %s", title_of(member),
									pgm_fleet_state_name(member->state),
									member->error));
			break;
	}
}

static void
end_member(PgmFleet *fleet, PgmFleetMember *member)
{
	PgmProcess *process = member->process;

	member->process = NULL;
	if (!member->asked)
	{
		member->run = pgm_process_accepted(process);
		judge(member);
		tell(fleet, member);
	}
	pgm_process_close(process);
}

typedef struct Count
{
	int			busy;			/* processes */
	int			canaries_busy;
	int			canaries_ended;
	int			ended;
	int			failed;
} Count;

static Count
count(const PgmFleet *fleet)
{
	Count		result = {0};

	for (int i = 0; i < fleet->n; i++)
	{
		const PgmFleetMember *member = &fleet->members[i];
		bool		ended = member->state == PGM_FLEET_DONE ||
			member->state == PGM_FLEET_FAILED;

		result.busy += member->process != NULL;
		result.ended += ended;
		result.failed += member->state == PGM_FLEET_FAILED;
		result.canaries_ended += ended && member->wave == 1;
		result.canaries_busy += member->state == PGM_FLEET_RUNNING &&
			member->wave == 1;
	}
	return result;
}

/*
 * Who is next: first those that have failed, for the heads that they were left
 * with.  A canary that is skipped has proven nothing, so the next database in
 * order takes its place.
 */
static PgmFleetMember *
next_member(const PgmFleet *fleet, const Count *counted)
{
	PgmFleetMember *pending = NULL;

	for (int i = fleet->n - 1; i >= 0; i--)
	{
		PgmFleetMember *member = &fleet->members[i];

		if (member->state == PGM_FLEET_FAILED && !member->asked &&
			member->process == NULL)
			return member;
		if (member->state == PGM_FLEET_PENDING)
			pending = member;
	}
	if (pending == NULL || (fleet->stop_on_failure && counted->failed > 0))
		return NULL;
	if (counted->canaries_ended + counted->canaries_busy < fleet->canaries)
		pending->wave = 1;
	else if (counted->canaries_busy > 0)
		return NULL;
	return pending;
}

static void
refuse_no_process(void)
{
	ereport(ERROR,
			errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			errmsg("could not register a background worker"),
			errdetail("All of the %d worker processes are in use, and none by this call.",
					  max_worker_processes),
			errhint("Raise \"max_worker_processes\", or call again later: what is done already is not done again."));
}

/* As many as there may be; false if nobody is at work and nobody is next. */
static bool
keep_busy(PgmFleet *fleet)
{
	for (;;)
	{
		Count		counted = count(fleet);
		PgmFleetMember *member;

		if (counted.busy >= fleet->at_once)
			return true;
		member = next_member(fleet, &counted);
		if (member == NULL)
			return counted.busy > 0;
		CHECK_FOR_INTERRUPTS();
		if (launch(fleet, member))
		{
			if (member->state == PGM_FLEET_SKIPPED)
				tell(fleet, member);
			continue;
		}
		if (member->state == PGM_FLEET_PENDING)
			member->wave = 2;
		if (counted.busy > 0)
			return true;
		if (member->state == PGM_FLEET_FAILED)
		{
			member->asked = true;
			continue;
		}
		if (counted.ended == 0)
			refuse_no_process();
		member->error = "all worker processes are in use";
		return false;
	}
}

static void
hear_of_record(const ErrorData *edata, void *arg)
{
	if (edata->elevel >= WARNING)
		ereport(WARNING,
				errcode(edata->sqlerrcode),
				errmsg("could not record the schema that the fleet leaves: %s",
					   keep_text(arg, edata->message)),
				errhint("The next run records it; until then drift() compares with what an earlier one has left."));
}

/*
 * Of many runs in one database the schema is recorded once, at the end.  If
 * there is no process for it, or the call does not come so far, drift() says
 * that it was not recorded.
 */
static void
record(PgmFleet *fleet)
{
	static const PgmRunRight none = {PGM_RUN_NONE, 0};
	bool		any = false;
	StringInfoData payload;
	PgmProcess *process;

	for (int i = 0; i < fleet->n; i++)
		any |= fleet->members[i].steps > 0;
	if (!fleet->of_schemas || !any)
		return;
	initStringInfo(&payload);
	pgm_fleet_put_job(&payload, fleet, NULL, PGM_FLEET_RECORD);
	process = pgm_process_launch(PGM_JOB_FLEET, none, payload.data,
								 payload.len, PGM_LAUNCH_OUTLIVES_CLIENT |
								 PGM_LAUNCH_MAY_LACK_SLOT);
	if (process == NULL)
		return;
	process->report = hear_of_record;
	process->answer_arg = fleet;
	pgm_process_follow_any(1, &process);
	pgm_process_close(process);
}

static void
sail(void *arg)
{
	PgmFleet   *fleet = arg;
	PgmProcess **processes = palloc(sizeof(PgmProcess *) *
									Max(fleet->n, 1));

	while (keep_busy(fleet))
	{
		int			n = 0;

		for (int i = 0; i < fleet->n; i++)
			if (fleet->members[i].process != NULL)
				processes[n++] = fleet->members[i].process;
		pgm_process_follow_any(n, processes);
		for (int i = 0; i < fleet->n; i++)
		{
			PgmFleetMember *member = &fleet->members[i];

			if (member->process != NULL && member->process->ended)
				end_member(fleet, member);
		}
	}
	record(fleet);
}

static bool
same_heads(const PgmFleetMember *a, const PgmFleetMember *b)
{
	if (a->nheads != b->nheads)
		return false;
	for (int i = 0; i < a->nheads; i++)
		if (strcmp(a->heads[i], b->heads[i]) != 0)
			return false;
	return true;
}

/* One whose heads most of them have; NULL if none is known. */
static const PgmFleetMember *
find_usual(const PgmFleet *fleet)
{
	const PgmFleetMember *usual = NULL;
	int			most = 0;

	for (int i = 0; i < fleet->n; i++)
	{
		int			same = 0;

		if (fleet->members[i].nheads < 0)
			continue;
		for (int j = 0; j < fleet->n; j++)
			same += same_heads(&fleet->members[i], &fleet->members[j]);
		if (same > most)
		{
			most = same;
			usual = &fleet->members[i];
		}
	}
	return usual;
}

static void
append_heads(StringInfo buf, const PgmFleetMember *member)
{
	if (member->nheads == 0)
		appendStringInfoString(buf, "base");
	for (int i = 0; i < member->nheads; i++)
		appendStringInfo(buf, "%s%s", i > 0 ? " " : "", member->heads[i]);
}

static void
compare_heads(const PgmFleet *fleet)
{
	const PgmFleetMember *usual = find_usual(fleet);
	StringInfoData usual_heads;
	StringInfoData others;
	int			n = 0;

	if (usual == NULL)
		return;
	initStringInfo(&usual_heads);
	initStringInfo(&others);
	append_heads(&usual_heads, usual);
	for (int i = 0; i < fleet->n; i++)
	{
		const PgmFleetMember *member = &fleet->members[i];

		if (member->nheads < 0 || same_heads(member, usual))
			continue;
		if (n < PGM_FLEET_NAMED)
		{
			appendStringInfo(&others, "%s%s: ", n > 0 ? ", " : "",
							 name_of(member));
			append_heads(&others, member);
		}
		else if (n == PGM_FLEET_NAMED)
			appendStringInfoString(&others, ", ...");
		n++;
	}
	if (n > 0)
		ereport(NOTICE,
				fleet->of_schemas ?
				errmsg_plural("%d schema has other heads than most, which are at %s",
							  "%d schemas have other heads than most, which are at %s",
							  n, n, usual_heads.data) :
				errmsg_plural("%d database has other heads than most, which are at %s",
							  "%d databases have other heads than most, which are at %s",
							  n, n, usual_heads.data),
				errdetail_internal("%s", others.data));
}

void
pgm_fleet_run(PgmFleet *fleet, int n, char **names)
{
	enlist(fleet, n, names);
	if (fleet->of_schemas)
		fleet->at_once = 1;
	pgm_process_guarded(sail, fleet);
	compare_heads(fleet);
}
