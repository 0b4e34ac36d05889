/*-------------------------------------------------------------------------
 *
 * mirror.c
 *	  Keep the ledger of another tool in step with ours.
 *
 * While a team changes over, both tools must find their own table right.  So a
 * step writes the rows that the other tool would have written, in its own
 * transaction.
 *
 * Before a step, and before its rows are written, the table is locked against
 * writers and read.  If it is not as it was left, the other tool, or somebody,
 * did something that we know nothing of: the run is refused before it does the
 * same again or sets the table back.
 *
 * A table that is gone, or has another one in its place, stops nobody: the
 * mirroring is marked as broken, and the run goes on.  What counts is the OID.
 *
 * Who may write is asked of the role that runs the revision.  The write itself
 * has the rights of the table's owner, so that triggers on it, which that
 * owner may have made, have no others.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "base/file_checksum.h"
#include "base/name_list.h"
#include "base/own_table.h"
#include "base/spi_list.h"
#include "compat/server.h"
#include "store/foreign_table.h"
#include "store/mirror.h"
#include "store/other_tools.h"
#include "store/revision.h"

/* What queries find the rows under. */
#define LEDGER "pgm_ledger"

/* How a ledger is found before something is done. */
typedef enum MirrorState
{
	MIRROR_IN_STEP,
	MIRROR_BROKEN,
	MIRROR_CHANGED				/* not by us */
} MirrorState;

static PgmQuery list_query = {
	"SELECT m.tool, m.ledger, m.relation::bigint, EXISTS (SELECT "
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	"WHERE c.oid = m.relation "
	"AND format('%I.%I', n.nspname, c.relname) = m.ledger), "
	"m.broken, m.seen FROM pgmigrate.mirror m ORDER BY m.ledger"
};

static PgmQuery any_query = {
	"SELECT FROM pgmigrate.mirror LIMIT 1"
};

static PgmQuery insert_query = {
	"INSERT INTO pgmigrate.mirror (tool, ledger, relation, seen) "
	"VALUES ($1, $2, $3::oid, $4) "
	"ON CONFLICT (ledger) DO UPDATE SET tool = excluded.tool, "
	"relation = excluded.relation, seen = excluded.seen, broken = NULL",
	4, {TEXTOID, TEXTOID, INT8OID, TEXTARRAYOID}
};

static PgmQuery seen_query = {
	"UPDATE pgmigrate.mirror SET seen = $2 "
	"WHERE ledger = $1 AND seen IS DISTINCT FROM $2",
	2, {TEXTOID, TEXTARRAYOID}
};

static PgmQuery break_query = {
	"UPDATE pgmigrate.mirror SET broken = $2 WHERE ledger = $1",
	2, {TEXTOID, TEXTOID}
};

static PgmQuery delete_query = {
	"DELETE FROM pgmigrate.mirror WHERE ledger = $1",
	1, {TEXTOID}
};

static PgmQuery checksum_query = {
	"SELECT source ->> 'crc32' FROM pgmigrate.revision WHERE id = $1",
	1, {TEXTOID}
};

PgmMirror *
pgm_mirror_list(const PgmSpiScope *scope, int *n)
{
	uint64		rows = pgm_spi_execute(&list_query, NULL, NULL);
	PgmMirror  *mirrors = NULL;

	if (rows > 0)
		mirrors = MemoryContextAllocZero(scope->outer,
										 sizeof(PgmMirror) * rows);
	for (uint64 i = 0; i < rows; i++)
	{
		mirrors[i].tool = pgm_spi_text(i + 1, 1);
		mirrors[i].ledger = pgm_spi_text(i + 1, 2);
		mirrors[i].relation = (Oid) pgm_spi_int64(i + 1, 3);
		mirrors[i].present = pgm_spi_bool(i + 1, 4);
		mirrors[i].broken = pgm_spi_text(i + 1, 5);
		mirrors[i].seen = pgm_spi_text_array(i + 1, 6, &mirrors[i].nseen);
	}
	*n = (int) rows;
	return mirrors;
}

bool
pgm_mirror_any(void)
{
	PgmSpiScope scope;
	bool		any;

	if (pgm_own_table_is_blank("mirror"))
		return false;
	pgm_spi_begin(&scope);
	any = pgm_spi_execute(&any_query, NULL, NULL) > 0;
	pgm_spi_end(&scope);
	return any;
}

static PgmMirror *
all_mirrors(int *n)
{
	PgmSpiScope scope;
	PgmMirror  *mirrors;

	*n = 0;
	if (pgm_own_table_is_blank("mirror"))
		return NULL;
	pgm_spi_begin(&scope);
	mirrors = pgm_mirror_list(&scope, n);
	pgm_spi_end(&scope);
	return mirrors;
}

PgmMirror *
pgm_mirror_find(Oid relation, const char *ledger)
{
	int			n;
	PgmMirror  *mirrors = all_mirrors(&n);
	PgmMirror  *found = NULL;

	for (int i = 0; i < n; i++)
	{
		size_t		length = strlen(mirrors[i].ledger);
		bool		matches;

		if (ledger == NULL)
			matches = mirrors[i].relation == relation;
		else if (ledger[0] == '.')
			matches = length > strlen(ledger) &&
				strcmp(mirrors[i].ledger + length - strlen(ledger),
					   ledger) == 0;
		else
			matches = strcmp(mirrors[i].ledger, ledger) == 0;
		if (!matches)
			continue;
		if (found != NULL)
			ereport(ERROR,
					errcode(ERRCODE_AMBIGUOUS_ALIAS),
					errmsg("several tables of that name are kept in step"),
					errdetail("Two of them are %s and %s.", found->ledger,
							  mirrors[i].ledger),
					errhint("Name the schema too."));
		found = &mirrors[i];
	}
	return found;
}

void
pgm_mirror_end(const char *ledger)
{
	PgmSpiScope scope;
	Datum		values[1];

	values[0] = pgm_text_datum(ledger);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&delete_query, values, NULL);
	pgm_spi_end(&scope);
}

void
pgm_mirror_check(Oid relation, const char *ledger)
{
	static const AclMode modes[] = {ACL_SELECT, ACL_INSERT, ACL_DELETE};

	for (int i = 0; i < lengthof(modes); i++)
		if (pg_class_aclcheck(relation, GetUserId(), modes[i]) != ACLCHECK_OK)
			ereport(ERROR,
					errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("permission denied for table %s", ledger),
					errdetail("It is kept in step with the ledger of pgmigrate, which takes SELECT, INSERT and DELETE."));
}

/* ---- what is in the ledger now */

/* A number is the same version with any number of zeros before it. */
static char *
version_key(char *version)
{
	if (version[strspn(version, "0123456789")] == '\0')
		while (version[0] == '0' && version[1] != '\0')
			version++;
	return version;
}

static int
key_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static bool
has_key(int n, char **keys, char *key)
{
	return bsearch(&key, keys, n, sizeof(char *), key_cmp) != NULL;
}

/* The versions of a locked ledger, sorted, and what is the matter with it. */
static char **
read_keys(const char *ledger, const PgmForeignTable *table,
		  const PgmForeignTool *tool, int *n, char **problem)
{
	PgmSpiScope scope;
	char	  **keys;

	pgm_spi_begin_as(&scope, table->owner);
	(void) pgm_foreign_table_offer(table->relation, LEDGER);
	*n = (int) pgm_spi_execute_built(pgm_foreign_tool_sql(tool->versions,
														  LEDGER, NULL),
									 true, 0, NULL);
	keys = MemoryContextAlloc(scope.outer, sizeof(char *) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
	{
		char	   *version = pgm_spi_text(i + 1, 1);

		if (version == NULL)
			ereport(ERROR,
					errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("ledger %s has a row without a version", ledger));
		keys[i] = version_key(version);
	}
	qsort(keys, *n, sizeof(char *), key_cmp);
	*problem = NULL;
	if (tool->problem != NULL)
	{
		char	   *sql = pgm_foreign_tool_sql(tool->problem, LEDGER, NULL);

		if (pgm_spi_execute_built(sql, true, 0, NULL) > 0)
			*problem = pgm_spi_text(1, 2);
	}
	pgm_spi_end(&scope);
	return keys;
}

void
pgm_mirror_begin(const PgmForeignTool *tool, Oid relation)
{
	PgmForeignTable table;
	const char *reason;
	PgmSpiScope scope;
	Datum		values[4];
	char	   *problem;
	int			n;
	char	  **keys;

	if (!pgm_foreign_table_look(relation, &table, &reason))
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("cannot keep the ledger of %s in step", tool->name),
				errdetail("The reason is: %s.", reason));
	keys = read_keys(table.name, &table, tool, &n, &problem);
	values[0] = pgm_text_datum(tool->name);
	values[1] = pgm_text_datum(table.name);
	values[2] = Int64GetDatum((int64) relation);
	values[3] = pgm_text_array_datum(n, keys);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&insert_query, values, NULL);
	pgm_spi_end(&scope);
}

/* ---- is it in step? */

static void
tell_broken(const PgmMirror *mirror, const char *reason)
{
	ereport(WARNING,
			errcode(ERRCODE_WARNING),
			errmsg("table %s is no longer kept in step", mirror->ledger),
			errdetail("The reason is: %s.", reason),
			errhint("Call pgmigrate.adopt() for the ledger that %s uses now, or end this with pgmigrate.adopt(%s, %s, mirror => false).",
					mirror->tool, quote_literal_cstr(mirror->tool),
					quote_literal_cstr(mirror->ledger)));
}

/* From now on it is passed over, until somebody adopts it again. */
static MirrorState
break_mirror(const PgmMirror *mirror, const char *reason)
{
	PgmSpiScope scope;
	Datum		values[2];

	values[0] = pgm_text_datum(mirror->ledger);
	values[1] = pgm_text_datum(reason);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&break_query, values, NULL);
	pgm_spi_end(&scope);
	tell_broken(mirror, reason);
	return MIRROR_BROKEN;
}

static bool
is_ledger(const PgmForeignTable *table, const PgmForeignTool *tool)
{
	char	   *column;

	if (!pgm_foreign_tool_matches(tool, table->ncolumns, table->columns,
								  table->types))
		return false;
	for (int n = 0; (column = pgm_foreign_tool_column(tool, n)) != NULL; n++)
		for (int i = 0; i < table->ncolumns; i++)
			if (strcmp(table->columns[i], column) == 0 && !table->built_in[i])
				return false;
	return true;
}

/* Keys of one list that are not in the other, for a message. */
static char *
list_missing(int n, char **keys, int nothers, char **others)
{
	StringInfoData names;
	int			count = 0;

	initStringInfo(&names);
	for (int i = 0; i < n; i++)
		if (!has_key(nothers, others, keys[i]))
			pgm_name_list_add(&names, ++count, keys[i]);
	return count > 0 ? names.data : NULL;
}

/* An error unless it is a stamp, which may be the cure. */
static MirrorState
tell_changed(const PgmMirror *mirror, int n, char **keys, bool stamp)
{
	char	   *more = list_missing(n, keys, mirror->nseen, mirror->seen);
	char	   *less = list_missing(mirror->nseen, mirror->seen, n, keys);

	ereport(stamp ? WARNING : ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("ledger %s was changed by others since it was last kept in step",
				   mirror->ledger),
			more && less ?
			errdetail("It now has %s, and no longer %s.", more, less) :
			more ? errdetail("It now has %s.", more) :
			less ? errdetail("It no longer has %s.", less) :
			errdetail("It has other rows of the same versions."),
			errhint("Take over what %s did with pgmigrate.adopt(%s, %s, mirror => true).",
					mirror->tool, quote_literal_cstr(mirror->tool),
					quote_literal_cstr(mirror->ledger)));
	return MIRROR_CHANGED;
}

static bool
same_keys(int n, char **keys, int m, char **others)
{
	if (n != m)
		return false;
	for (int i = 0; i < n; i++)
		if (strcmp(keys[i], others[i]) != 0)
			return false;
	return true;
}

/* Lock it, look at it, compare it.  The lock stays. */
static MirrorState
verify(const PgmMirror *mirror, bool stamp, PgmForeignTable *table)
{
	const PgmForeignTool *tool = pgm_foreign_tool_by_name(mirror->tool);
	const char *reason;
	char	   *problem;
	int			n;
	char	  **keys;

	if (mirror->broken != NULL)
		return MIRROR_BROKEN;
	if (tool == NULL || !mirror->present)
		return break_mirror(mirror, "it was dropped, renamed or replaced");
	pgm_mirror_check(mirror->relation, mirror->ledger);
	pgm_foreign_table_lock(mirror->relation, mirror->ledger,
						   ShareRowExclusiveLock);
	if (!pgm_foreign_table_look(mirror->relation, table, &reason))
		return break_mirror(mirror, reason);
	if (strcmp(table->name, mirror->ledger) != 0)
		return break_mirror(mirror, "it was dropped, renamed or replaced");
	if (!is_ledger(table, tool))
		return break_mirror(mirror,
							"it is no ledger of that tool any more");
	pgm_mirror_check(mirror->relation, mirror->ledger);

	keys = read_keys(mirror->ledger, table, tool, &n, &problem);
	if (problem != NULL && !stamp)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("ledger %s is not in order", mirror->ledger),
				errdetail("The reason is: %s.", problem),
				errhint("Bring it to an end with %s first.", mirror->tool));
	if (!same_keys(n, keys, mirror->nseen, mirror->seen))
		return tell_changed(mirror, n, keys, stamp);
	return MIRROR_IN_STEP;
}

void
pgm_mirror_verify(bool tell)
{
	int			n;
	PgmMirror  *mirrors = all_mirrors(&n);

	for (int i = 0; i < n; i++)
	{
		PgmForeignTable table;

		if (mirrors[i].broken != NULL && tell)
			tell_broken(&mirrors[i], mirrors[i].broken);
		(void) verify(&mirrors[i], false, &table);
	}
}

/* Remember how it was left. */
static void
note_seen(const PgmMirror *mirror, const PgmForeignTable *table)
{
	PgmSpiScope scope;
	Datum		values[2];
	char	   *problem;
	int			n;
	char	  **keys = read_keys(mirror->ledger, table,
								 pgm_foreign_tool_by_name(mirror->tool), &n,
								 &problem);

	values[0] = pgm_text_datum(mirror->ledger);
	values[1] = pgm_text_array_datum(n, keys);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&seen_query, values, NULL);
	pgm_spi_end(&scope);
}

/* ---- writing */

/* Can a version of this tool be so? */
static bool
is_version(const PgmForeignTool *tool, const char *id)
{
	if (tool->digits == NULL ||
		(strcmp(tool->name, "flyway") == 0 && strncmp(id, "R__", 3) == 0))
		return true;
	return strlen(id) <= 18 && id[strspn(id, tool->digits)] == '\0';
}

/* Of its file if it was loaded from one, so that Flyway finds it unchanged. */
static char *
flyway_checksum(const PgmRevision *revision)
{
	Datum		values[1] = {pgm_text_datum(revision->id)};
	char	   *checksum = pgm_spi_one_text(&checksum_query, values);

	if (checksum != NULL)
		return checksum;
	return psprintf("%d", pgm_checksum_of_lines(revision->upgrade,
												strlen(revision->upgrade)));
}

static void
mirror_error_callback(void *arg)
{
	const PgmMirror *mirror = arg;

	errcontext("mirroring into table %s", mirror->ledger);
}

static void
execute(const PgmMirror *mirror, const PgmForeignTable *table,
		const char *query, const char *version, const PgmRevision *revision)
{
	ErrorContextCallback callback;
	PgmSpiScope scope;
	char	   *args[3];
	int			nargs = 0;

	args[0] = unconstify(char *, version);
	args[1] = revision ? revision->message : NULL;
	args[2] = revision && strstr(query, "$3") ? flyway_checksum(revision) :
		NULL;
	while (nargs < lengthof(args) &&
		   strstr(query, psprintf("$%d", nargs + 1)) != NULL)
		nargs++;

	callback.callback = mirror_error_callback;
	callback.arg = unconstify(PgmMirror *, mirror);
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	pgm_spi_begin_as(&scope, table->owner);
	pgm_foreign_table_write(table->relation,
							pgm_foreign_tool_sql(query, table->name, NULL),
							nargs, args);
	pgm_spi_end(&scope);
	error_context_stack = callback.previous;
}

static void
write_rows(const PgmMirror *mirror, const PgmForeignTable *table,
		   const PgmMirrorChange *change, const PgmRevision *revision)
{
	const PgmForeignTool *tool = pgm_foreign_tool_by_name(mirror->tool);
	bool		up = change->direction == PGM_UP;

	switch (tool->mirror)
	{
		case PGM_MIRROR_HEADS:
			for (int i = 0; i < change->nremoved; i++)
				execute(mirror, table, tool->down, change->removed[i], NULL);
			for (int i = 0; i < change->nadded; i++)
			{
				/* a stamp adds what may be there */
				execute(mirror, table, tool->down, change->added[i], NULL);
				execute(mirror, table, tool->up, change->added[i], NULL);
			}
			break;
		case PGM_MIRROR_NEWEST:
			execute(mirror, table, tool->down, NULL, NULL);
			if (change->nadded > 0)
				execute(mirror, table, tool->up, change->added[0], NULL);
			break;
		case PGM_MIRROR_SET:
			/* no other tool has a file of a merge */
			if (revision != NULL && revision->nparents < 2 &&
				up != has_key(mirror->nseen, mirror->seen,
							  version_key(revision->id)))
				execute(mirror, table, up ? tool->up : tool->down,
						revision->id, revision);
			break;
		case PGM_MIRROR_NONE:
			break;
	}
}

/* Says so if it cannot. */
static bool
can_hold(const PgmMirror *mirror, const PgmForeignTool *tool, const char *id)
{
	if (is_version(tool, id))
		return true;
	ereport(NOTICE,
			errmsg("table %s cannot hold revision \"%s\"", mirror->ledger, id),
			errdetail("Versions of %s are numbers.", tool->name));
	return false;
}

/* Is there something that this ledger cannot hold? */
static bool
is_beyond(const PgmMirror *mirror, const PgmForeignTool *tool,
		  const PgmMirrorChange *change)
{
	const char *id = change->revision;

	/* of a stamp it has one row for each revision, not for each step */
	if (change->direction == PGM_STAMP && tool->mirror == PGM_MIRROR_SET)
		return true;
	if (tool->mirror == PGM_MIRROR_NEWEST)
		id = change->nadded > 0 ? change->added[0] : NULL;
	return id != NULL && !can_hold(mirror, tool, id);
}

void
pgm_mirror_write(int n, const PgmMirror *mirrors, int nchanges,
				 const PgmMirrorChange *changes)
{
	for (int i = 0; i < n; i++)
	{
		const PgmMirror *mirror = &mirrors[i];
		const PgmForeignTool *tool = pgm_foreign_tool_by_name(mirror->tool);
		PgmForeignTable table;

		if (verify(mirror, changes[0].direction == PGM_STAMP, &table) !=
			MIRROR_IN_STEP)
			continue;
		for (int j = 0; j < nchanges; j++)
		{
			const PgmMirrorChange *change = &changes[j];

			CHECK_FOR_INTERRUPTS();
			if (!is_beyond(mirror, tool, change))
				write_rows(mirror, &table, change, change->revision ?
						   pgm_revision_get(change->revision) : NULL);
		}
		note_seen(mirror, &table);
	}
}

/*
 * Write the rows that are not there, or delete those that are: the other tool
 * may have been first, and adopting what it did is a stamp too.
 */
static void
stamp_rows(const PgmMirror *mirror, const PgmForeignTable *table, bool up,
		   int n, char **revisions)
{
	const PgmForeignTool *tool = pgm_foreign_tool_by_name(mirror->tool);

	for (int i = 0; i < n; i++)
	{
		PgmRevision *revision = pgm_revision_get(revisions[i]);

		CHECK_FOR_INTERRUPTS();
		if (revision == NULL || revision->nparents > 1 ||
			up == has_key(mirror->nseen, mirror->seen,
						  version_key(revisions[i])) ||
			!can_hold(mirror, tool, revision->id))
			continue;
		execute(mirror, table, up ? tool->up : tool->down, revision->id,
				revision);
	}
}

void
pgm_mirror_stamp(int n, const PgmMirror *mirrors, int nremoved,
				 char **removed, int nadded, char **added)
{
	for (int i = 0; i < n; i++)
	{
		const PgmMirror *mirror = &mirrors[i];
		const PgmForeignTool *tool = pgm_foreign_tool_by_name(mirror->tool);
		PgmForeignTable table;

		if (tool == NULL || tool->mirror != PGM_MIRROR_SET ||
			nremoved + nadded == 0 ||
			verify(mirror, true, &table) != MIRROR_IN_STEP)
			continue;
		stamp_rows(mirror, &table, false, nremoved, removed);
		stamp_rows(mirror, &table, true, nadded, added);
		note_seen(mirror, &table);
	}
}

bool
pgm_mirror_can_hold(const PgmForeignTool *tool, const char *id)
{
	return is_version(tool, id);
}

char *
pgm_mirror_key(const char *version)
{
	return version_key(pstrdup(version));
}
