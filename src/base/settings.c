/*-------------------------------------------------------------------------
 *
 * settings.c
 *	  Settings, all named pgmigrate.*.
 *
 * What only changes how the caller's own run behaves is PGC_USERSET; what
 * protects the server from its users is PGC_SUSET.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "utils/varlena.h"

#include "base/day_window.h"
#include "base/settings.h"
#include "compat/server.h"

int			pgm_assess_timeout = 30000;
char	   *pgm_autogenerate_exclude = NULL;
char	   *pgm_autogenerate_include = NULL;
bool		pgm_autogenerate_in_production = false;
int			pgm_backup_max_age = 24 * 60 * 60;
char	   *pgm_backup_query = NULL;
int			pgm_blocker_policy = PGM_BLOCKER_WAIT;
int			pgm_checklist_mode = PGM_CHECKLIST_OFF;
char	   *pgm_checklist_override = NULL;
int			pgm_concurrently_timeout = 0;
int			pgm_danger_block = 1000;
char	   *pgm_drift_ignore = NULL;
int			pgm_environment = PGM_ENVIRONMENT_NONE;
int			pgm_execution = PGM_EXECUTION_AUTO;
int			pgm_finalize_after = 0;
bool		pgm_flush_per_migration = false;
bool		pgm_generate_verify = true;
int			pgm_lock_deadline = 10 * 60 * 1000;
int			pgm_lock_timeout = 200;
int			pgm_max_block_time = 2000;
int			pgm_max_blocked = 10;
int			pgm_max_file_size = 64 * 1024;
int			pgm_max_revision_size = 16 * 1024;
int			pgm_max_statements = 10000;
int			pgm_on_disconnect = PGM_DISCONNECT_CONTINUE;
int			pgm_run_wait = 5 * 60 * 1000;
bool		pgm_online = true;
int			pgm_online_method = PGM_ONLINE_METHOD_AUTO;
int			pgm_online_threshold = 200;
int			pgm_online_free_space = 0;
bool		pgm_transaction_per_migration = true;

bool		pgm_backfill_vacuum = true;
char	   *pgm_backfill_window = NULL;
int			pgm_chunk_time = 100;
int			pgm_max_replica_lag = 10000;
int			pgm_max_wal_rate = 0;
int			pgm_min_free_space = 512;
int			pgm_on_row_error = PGM_ROW_ERROR_FAIL;
int			pgm_online_workers = 1;
char	   *pgm_throttle_query = NULL;

static const struct config_enum_entry blocker_policy_options[] = {
	{"wait", PGM_BLOCKER_WAIT, false},
	{"cancel", PGM_BLOCKER_CANCEL, false},
	{"terminate", PGM_BLOCKER_TERMINATE, false},
	{NULL, 0, false}
};

/* Other spellings are understood, lest one of them turn the checks off. */
static const struct config_enum_entry environment_options[] = {
	{"none", PGM_ENVIRONMENT_NONE, false},
	{"development", PGM_ENVIRONMENT_DEVELOPMENT, false},
	{"test", PGM_ENVIRONMENT_TEST, false},
	{"staging", PGM_ENVIRONMENT_STAGING, false},
	{"production", PGM_ENVIRONMENT_PRODUCTION, false},
	{"", PGM_ENVIRONMENT_NONE, true},
	{"dev", PGM_ENVIRONMENT_DEVELOPMENT, true},
	{"testing", PGM_ENVIRONMENT_TEST, true},
	{"prod", PGM_ENVIRONMENT_PRODUCTION, true},
	{NULL, 0, false}
};

static char *environment;
static bool environment_is_new = false;

static int
find_environment(const char *name)
{
	for (const struct config_enum_entry *option = environment_options;
		 option->name != NULL; option++)
		if (pg_strcasecmp(option->name, name) == 0)
			return option->val;
	return -1;
}

/*
 * A name that is not known and was not written this moment, but in a file or
 * by ALTER DATABASE before the library was there to refuse it, must not turn
 * the checks off: it stands for production.
 */
static bool
check_environment(char **name, void **extra, GucSource source)
{
	if (*name == NULL || find_environment(*name) >= 0)
		return true;
	if (source < PGC_S_INTERACTIVE || environment_is_new)
	{
		ereport(WARNING,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("\"pgmigrate.environment\" is \"%s\", which is not known: it is taken for \"production\"",
					   *name));
		return true;
	}
	GUC_check_errhint("Available values: none, development, test, staging, production.");
	return false;
}

/*
 * The owner of a database may set this for all who connect to it, and has not
 * their rights, which the query has.
 */
static bool
check_throttle_query(char **query, void **extra, GucSource source)
{
	if (*query == NULL || (*query)[0] == '\0' || source != PGC_S_DATABASE)
		return true;
	GUC_check_errdetail("The query has the rights of each run, so it cannot be set for a database.");
	GUC_check_errhint("Set it in the configuration file, for a role, or in the session.");
	return false;
}

/* Read where it is needed; here only whether it is one. */
static bool
check_backfill_window(char **window, void **extra, GucSource source)
{
	int			parsed;

	if (*window == NULL || pgm_day_window_parse(*window, &parsed))
		return true;
	GUC_check_errhint("Write it as 22:00-05:00; an empty value is the whole day.");
	return false;
}

static void
assign_environment(const char *name, void *extra)
{
	int			found = name == NULL ? PGM_ENVIRONMENT_NONE :
		find_environment(name);

	pgm_environment = found < 0 ? PGM_ENVIRONMENT_PRODUCTION : found;
}

static const char *
show_environment(void)
{
	for (const struct config_enum_entry *option = environment_options;
		 option->name != NULL; option++)
		if (option->val == pgm_environment)
			return option->name;
	return "";
}

/* A list: each element as it is, or in double quotes. */
static bool
check_list(char **value, void **extra, GucSource source)
{
	char	   *copy = pstrdup(*value);
	List	   *elements;

	if (SplitGUCList(copy, ',', &elements))
		return true;
	GUC_check_errdetail("List syntax is invalid.");
	return false;
}

static const struct config_enum_entry execution_options[] = {
	{"auto", PGM_EXECUTION_AUTO, false},
	{"worker", PGM_EXECUTION_WORKER, false},
	{"inline", PGM_EXECUTION_INLINE, false},
	{NULL, 0, false}
};

static const struct config_enum_entry on_disconnect_options[] = {
	{"continue", PGM_DISCONNECT_CONTINUE, false},
	{"cancel", PGM_DISCONNECT_CANCEL, false},
	{NULL, 0, false}
};

static const struct config_enum_entry online_method_options[] = {
	{"auto", PGM_ONLINE_METHOD_AUTO, false},
	{"column", PGM_ONLINE_METHOD_COLUMN, false},
	{"table", PGM_ONLINE_METHOD_TABLE, false},
	{NULL, 0, false}
};

static const struct config_enum_entry row_error_options[] = {
	{"fail", PGM_ROW_ERROR_FAIL, false},
	{"quarantine", PGM_ROW_ERROR_QUARANTINE, false},
	{NULL, 0, false}
};

/* How a backfill goes about its rows. */
static void
define_backfill_settings(void)
{
	DefineCustomBoolVariable("pgmigrate.backfill_vacuum",
							 "Vacuums a table each time that a backfill has changed a tenth of it.",
							 "So that the new versions of rows find room where the old ones were.",
							 &pgm_backfill_vacuum,
							 true,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	DefineCustomIntVariable("pgmigrate.chunk_time",
							"Time that a chunk of rows is to take, and others wait for it at most.",
							NULL,
							&pgm_chunk_time,
							100, 1, 60 * 1000,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("pgmigrate.max_replica_lag",
							"Lag of a replica from which on a backfill waits.",
							"Zero turns this off.",
							&pgm_max_replica_lag,
							10 * 1000, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("pgmigrate.max_wal_rate",
							"WAL that the server may write in a second before a backfill waits.",
							"Zero turns this off.",
							&pgm_max_wal_rate,
							0, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_KB,
							NULL, NULL, NULL);

	DefineCustomIntVariable("pgmigrate.min_free_space",
							"Room on disk below which a backfill waits.",
							"On the file systems of the table, its indexes and the WAL.  Zero turns this off.",
							&pgm_min_free_space,
							512, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MB,
							NULL, NULL, NULL);

	DefineCustomEnumVariable("pgmigrate.on_row_error",
							 "What becomes of a row that a backfill cannot change.",
							 "\"fail\" ends the run and names the row; \"quarantine\" writes it to pgmigrate.operation_row and goes on.",
							 &pgm_on_row_error,
							 PGM_ROW_ERROR_FAIL,
							 row_error_options,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	DefineCustomIntVariable("pgmigrate.online_workers",
							"Processes that work on a table at once.",
							NULL,
							&pgm_online_workers,
							1, 1, 32,
							PGC_USERSET, 0,
							NULL, NULL, NULL);

	DefineCustomStringVariable("pgmigrate.backfill_window",
							   "Time of the day in which a backfill works, such as 22:00-05:00.",
							   "Outside of it the backfill waits.  The time zone is that of the run's session; empty means always.",
							   &pgm_backfill_window,
							   "",
							   PGC_USERSET, 0,
							   check_backfill_window, NULL, NULL);

	DefineCustomStringVariable("pgmigrate.throttle_query",
							   "Query that makes a backfill wait as long as its boolean result is true.",
							   "It is asked twice a second, with the rights of the run; when it fails or returns null, the backfill waits too.",
							   &pgm_throttle_query,
							   "",
							   PGC_USERSET, 0,
							   check_throttle_query, NULL, NULL);
}

/* What a run does about locks. */
static void
define_lock_settings(void)
{
	DefineCustomEnumVariable("pgmigrate.blocker_policy",
							 "What to do about sessions that hold a lock which a revision needs.",
							 "\"cancel\" and \"terminate\" act within the rights of the caller, on sessions in the way for longer than \"pgmigrate.lock_timeout\".",
							 &pgm_blocker_policy,
							 PGM_BLOCKER_WAIT,
							 blocker_policy_options,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	DefineCustomIntVariable("pgmigrate.concurrently_timeout",
							"Time after which a statement CONCURRENTLY is given up.",
							"It waits for the transactions of others, so no other limit applies to its waits; zero is no limit.",
							&pgm_concurrently_timeout,
							0, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("pgmigrate.lock_deadline",
							"Time after which a step that cannot get its locks fails.",
							"Counted from the first attempt; the step leaves nothing behind and can be repeated.",
							&pgm_lock_deadline,
							10 * 60 * 1000, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("pgmigrate.lock_timeout",
							"Longest time that a revision stands in the queue for a lock at once.",
							"Nobody waits behind it longer than this before it lets them go first.  Zero takes the locks as the statements do.",
							&pgm_lock_timeout,
							200, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("pgmigrate.max_block_time",
							"Time that sessions may wait for a step that was expected to be short.",
							NULL,
							&pgm_max_block_time,
							2000, 1, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("pgmigrate.max_blocked",
							"Number of sessions that make a step give way when they wait too long.",
							"The step is rolled back and tried again later; zero is never.  Only in a background worker.",
							&pgm_max_blocked,
							10, 0, INT_MAX,
							PGC_USERSET, 0,
							NULL, NULL, NULL);
}

static const struct config_enum_entry checklist_options[] = {
	{"off", PGM_CHECKLIST_OFF, false},
	{"warn", PGM_CHECKLIST_WARN, false},
	{"enforce", PGM_CHECKLIST_ENFORCE, false},
	{NULL, 0, false}
};

/* What must be true before a launch; nobody takes the guard off himself. */
static void
define_checklist_settings(void)
{
	DefineCustomIntVariable("pgmigrate.backup_max_age",
							"Age from which on the newest backup does not count.",
							NULL,
							&pgm_backup_max_age,
							24 * 60 * 60, 1, INT_MAX,
							PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);

	DefineCustomStringVariable("pgmigrate.backup_query",
							   "Query that returns the time of the newest backup.",
							   "It runs read-only, with the rights of the caller and search_path pg_catalog.",
							   &pgm_backup_query,
							   "",
							   PGC_SUSET, 0,
							   NULL, NULL, NULL);

	DefineCustomEnumVariable("pgmigrate.checklist",
							 "What upgrade does in production where an item of the checklist is not ready.",
							 NULL,
							 &pgm_checklist_mode,
							 PGM_CHECKLIST_OFF,
							 checklist_options,
							 PGC_SUSET, 0,
							 NULL, NULL, NULL);

	DefineCustomStringVariable("pgmigrate.checklist_override",
							   "Why upgrade may go on although the checklist is not ready.",
							   "For an emergency; the run keeps it.",
							   &pgm_checklist_override,
							   "",
							   PGC_SUSET, 0,
							   NULL, NULL, NULL);
}

/* Where schemas are compared, and which objects of them. */
static void
define_compare_settings(void)
{
	DefineCustomStringVariable("pgmigrate.autogenerate_exclude",
							   "Objects that autogenerate() and diff() leave alone, a list of patterns as of LIKE.",
							   "A pattern is matched as that of \"pgmigrate.drift_ignore\".",
							   &pgm_autogenerate_exclude,
							   "",
							   PGC_USERSET, 0,
							   check_list, NULL, NULL);

	DefineCustomBoolVariable("pgmigrate.autogenerate_in_production",
							 "Lets autogenerate() and diff() work in an environment \"production\".",
							 "They make scratch databases on the same server.",
							 &pgm_autogenerate_in_production,
							 false,
							 PGC_SUSET, 0,
							 NULL, NULL, NULL);

	DefineCustomStringVariable("pgmigrate.autogenerate_include",
							   "Objects that autogenerate() and diff() look at, a list of patterns as of LIKE.",
							   "Where it is empty they look at all.",
							   &pgm_autogenerate_include,
							   "",
							   PGC_USERSET, 0,
							   check_list, NULL, NULL);

	DefineCustomStringVariable("pgmigrate.drift_ignore",
							   "Objects whose changes are not drift, a list of patterns as of LIKE.",
							   "A pattern is matched with the identity of an object, with its kind and identity, and with the table that it is on.",
							   &pgm_drift_ignore,
							   "",
							   PGC_USERSET, 0,
							   check_list, NULL, NULL);
}

/* Which statements are not run as they are written. */
static void
define_online_settings(void)
{
	DefineCustomBoolVariable("pgmigrate.online",
							 "Carries out statements online that would lock a table for long.",
							 "They end as the statement itself would; off runs them as they are written.",
							 &pgm_online,
							 true,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	DefineCustomEnumVariable("pgmigrate.online_method",
							 "How a change of all rows of a table is made online.",
							 "By a new table beside the old one, or a new column of the same table; auto prefers the table, unless the column is by far cheaper.",
							 &pgm_online_method,
							 PGM_ONLINE_METHOD_AUTO,
							 online_method_options,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	DefineCustomIntVariable("pgmigrate.online_threshold",
							"Time that a statement may hold a lock which blocks writers, before it is carried out online.",
							"Compared with the estimate that assess() shows; zero carries out online whatever can be.",
							&pgm_online_threshold,
							200, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("pgmigrate.online_free_space",
							"Room that a new table must leave on the disk, or a column is changed by way of a new column.",
							"A new table takes about as much room as the old one has, with its indexes.",
							&pgm_online_free_space,
							0, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MB,
							NULL, NULL, NULL);
}

/* How much is stored of one revision. */
static void
define_size_settings(void)
{
	DefineCustomIntVariable("pgmigrate.max_file_size",
							"Largest migration file that load_directory() reads.",
							NULL,
							&pgm_max_file_size,
							64 * 1024, 1, 1024 * 1024 - 1,
							PGC_SUSET, GUC_UNIT_KB,
							NULL, NULL, NULL);

	DefineCustomIntVariable("pgmigrate.max_revision_size",
							"Largest SQL text of a revision that is stored.",
							NULL,
							&pgm_max_revision_size,
							16 * 1024, 1, 512 * 1024,
							PGC_SUSET, GUC_UNIT_KB,
							NULL, NULL, NULL);

	DefineCustomIntVariable("pgmigrate.max_statements",
							"Most statements in one SQL text of a revision.",
							NULL,
							&pgm_max_statements,
							10000, 1, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);
}

void
pgm_guc_init(void)
{
	DefineCustomIntVariable("pgmigrate.assess_timeout",
							"Longest time of an assessment; then statements are judged by their text only.",
							"Zero turns the limit off.",
							&pgm_assess_timeout,
							30000, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("pgmigrate.danger_block",
							"Estimated time from which on what blocks others is a danger, and below which it is not.",
							"Zero leaves each rule its own level, whatever the size of the table.",
							&pgm_danger_block,
							1000, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	environment_is_new = true;
	DefineCustomStringVariable("pgmigrate.environment",
							   "What this database is for.",
							   "In \"production\", upgrade refuses findings of level danger that are not allowed with a reason.",
							   &environment,
							   "none",
							   PGC_SUSET, 0,
							   check_environment, assign_environment,
							   show_environment);
	environment_is_new = false;

	DefineCustomEnumVariable("pgmigrate.execution",
							 "Where upgrade and downgrade run.",
							 "\"worker\" is a background worker, \"inline\" the caller's own transaction; \"auto\" takes the worker where the call is a statement of its own.",
							 &pgm_execution,
							 PGM_EXECUTION_AUTO,
							 execution_options,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	DefineCustomIntVariable("pgmigrate.finalize_after",
							"Time after which an online change can no longer be reverted.",
							"It is finalized by the first online change that begins later.  Zero leaves that to finalize().",
							&pgm_finalize_after,
							0, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_S,
							NULL, NULL, NULL);

	DefineCustomBoolVariable("pgmigrate.flush_per_migration",
							 "Waits for the WAL flush of each revision, not only of the whole run.",
							 "Each revision is atomic with its ledger row either way; one that may have an effect outside of the database is always flushed.",
							 &pgm_flush_per_migration,
							 false,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	DefineCustomBoolVariable("pgmigrate.generate_verify",
							 "Generates a verification for each revision that has none.",
							 "It says what the revision made, and is asked when the same text runs again, after its downgrade, and by verify().",
							 &pgm_generate_verify,
							 true,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	DefineCustomEnumVariable("pgmigrate.on_disconnect",
							 "What becomes of a run whose client is gone.",
							 NULL,
							 &pgm_on_disconnect,
							 PGM_DISCONNECT_CONTINUE,
							 on_disconnect_options,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	DefineCustomIntVariable("pgmigrate.run_wait",
							"Time for which upgrade and downgrade wait for a run that is in progress.",
							"Zero is not to wait.",
							&pgm_run_wait,
							5 * 60 * 1000, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomBoolVariable("pgmigrate.transaction_per_migration",
							 "Commits each revision by itself; off makes the whole run one transaction.",
							 NULL,
							 &pgm_transaction_per_migration,
							 true,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	define_size_settings();
	define_checklist_settings();
	define_lock_settings();
	define_compare_settings();
	define_online_settings();
	define_backfill_settings();
	pgm_guard_guc_init();
	pgm_notify_guc_init();
	MarkGUCPrefixReserved("pgmigrate");
}
