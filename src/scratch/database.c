/*-------------------------------------------------------------------------
 *
 * database.c
 *	  Scratch databases: made, found when they are left over, and dropped.
 *
 * A scratch database is called pgmigrate_scratch_<pid>_<n>, or, of a
 * rehearsal, pgmigrate_rehearsal_<pid>_<n>; the pid is that of the process
 * that made it, so one whose process is gone is known by its name and dropped
 * by the next that comes.  A name proves nothing: ours also has a limit of
 * connections that nobody else would choose, from its creation on, or, when a
 * DROP was cut short that takes the limit away, our comment.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/spi.h"
#include "base/transaction.h"
#include "scratch/scratch.h"

/* What is ours has it; a worker of ours is one connection. */
#define MARK "29"
#define COMMENT "scratch database of pgmigrate; it is dropped when its work is done"

static PgmQuery create_query = {
	"SELECT format('CREATE DATABASE %s TEMPLATE template0 CONNECTION LIMIT " MARK
	" ALLOW_CONNECTIONS false ENCODING %L LC_COLLATE %L LC_CTYPE %L', "
	"chr(37) || 's', pg_encoding_to_char(d.encoding), "
	"d.datcollate, d.datctype) || CASE to_jsonb(d) ->> 'datlocprovider' "
	"WHEN 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %L', "
	"coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')) "
	"WHEN 'b' THEN format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', "
	"to_jsonb(d) ->> 'datlocale') ELSE '' END "
	"FROM pg_database d WHERE d.datname = current_database()"
};

static PgmQuery left_over_query = {
	"SELECT o.name FROM (SELECT d.datname::text AS name, "
	"split_part(d.datname, '_', 3)::numeric AS pid FROM pg_database d "
	"WHERE d.datname ~ '^pgmigrate_(scratch|rehearsal)_[0-9]+_[0-9]+$' "
	"AND pg_has_role($1::oid, d.datdba, 'USAGE') "
	"AND (d.datconnlimit = " MARK
	" OR shobj_description(d.oid, 'pg_database') = '" COMMENT "')) AS o "
	"WHERE o.pid = pg_backend_pid() "
	"OR NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = o.pid)",
	1, {OIDOID}
};

char *
pgm_scratch_name(const char *what, int n)
{
	return psprintf("pgmigrate_%s_%d_%d", what, MyProcPid, n);
}

static bool
may_create_database(Oid role)
{
	HeapTuple	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_authid) GETSTRUCT(tuple))->rolcreatedb;
	ReleaseSysCache(tuple);
	return result || superuser_arg(role);
}

void
pgm_scratch_check_role(void)
{
	if (!may_create_database(GetUserId()))
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("permission denied to create a scratch database"),
				errhint("Grant CREATEDB to role \"%s\".",
						GetUserNameFromId(GetUserId(), false)));
}

static char *
this_database(void)
{
	bool		bracket = !IsTransactionState();
	char	   *name;

	if (bracket)
		pgm_txn_begin();
	name = get_database_name(MyDatabaseId);
	if (bracket)
		pgm_txn_commit();
	return name;
}

static void
run_commands(char *text)
{
	PgmScratchTask task = {PGM_SCRATCH_COMMAND, text};

	pgm_scratch_work(this_database(), 1, &task);
}

void
pgm_scratch_create(int n, char **names)
{
	StringInfoData commands;
	PgmSpiScope scope;
	Datum		values[1];
	uint64		rows;
	char	   *create;
	bool		bracket = !IsTransactionState();

	initStringInfo(&commands);
	if (bracket)
		pgm_txn_begin();
	pgm_scratch_check_role();
	values[0] = ObjectIdGetDatum(GetUserId());
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute_latest(&left_over_query, values, NULL);
	for (uint64 i = 1; i <= rows; i++)
		appendStringInfo(&commands, "DROP DATABASE IF EXISTS %s WITH (FORCE);",
						 quote_identifier(pgm_spi_text(i, 1)));
	pgm_spi_execute(&create_query, NULL, NULL);
	create = pgm_spi_text(1, 1);
	pgm_spi_end(&scope);
	if (bracket)
		pgm_txn_commit();
	for (int i = 0; i < n; i++)
	{
		const char *place = strstr(create, "%s");

		appendStringInfo(&commands, "%.*s%s%s;", (int) (place - create),
						 create, names[i], place + 2);

		/* nobody else has anything to do there, and is let in before */
		appendStringInfo(&commands, "REVOKE CONNECT ON DATABASE %s FROM PUBLIC;",
						 names[i]);
		appendStringInfo(&commands, "COMMENT ON DATABASE %s IS '%s';",
						 names[i], COMMENT);
		appendStringInfo(&commands, "ALTER DATABASE %s ALLOW_CONNECTIONS true;",
						 names[i]);
	}
	run_commands(commands.data);
}

/* Else its making was refused, or cut short. */
static bool
any_is_there(int n, char **names)
{
	bool		bracket = !IsTransactionState();
	bool		found = false;

	if (bracket)
		pgm_txn_begin();
	AcceptInvalidationMessages();
	for (int i = 0; i < n && !found; i++)
		found = OidIsValid(get_database_oid(names[i], true));
	if (bracket)
		pgm_txn_commit();
	return found;
}

/* NULL, or what went wrong. */
static ErrorData *
try_to_drop(int n, char **names, const char *force)
{
	MemoryContext context = CurrentMemoryContext;
	ErrorData  *volatile error = NULL;
	StringInfoData commands;

	initStringInfo(&commands);
	for (int i = 0; i < n; i++)
		appendStringInfo(&commands, "DROP DATABASE IF EXISTS %s%s;",
						 names[i], force);
	PG_TRY();
	{
		if (any_is_there(n, names))
			run_commands(commands.data);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	return error;
}

void
pgm_scratch_drop(int n, char **names)
{
	ErrorData  *error = try_to_drop(n, names, " WITH (FORCE)");

	/* a cancel by the client is two signals: the second is found here */
	if (error != NULL && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		error = try_to_drop(n, names, " WITH (FORCE)");

	/* not everybody may end an autovacuum worker; without, the server does */
	if (error != NULL &&
		error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE)
		error = try_to_drop(n, names, "");
	if (error != NULL)
		ereport(WARNING,
				errcode(error->sqlerrcode),
				errmsg("could not drop a scratch database: %s",
					   error->message),
				errhint("The next call drops it."));
}
