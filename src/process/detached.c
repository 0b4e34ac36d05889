/*-------------------------------------------------------------------------
 *
 * detached.c
 *	  A worker that nobody follows.
 *
 * It has no channel: what it needs is the database and a number, and whatever
 * it finds to do it does with the settings of the database, not with those of
 * the session that started it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"

#include "compat/server.h"
#include "process/detached.h"

bool
pgm_process_detach(const char *name, const char *function, uint64 number)
{
	BackgroundWorker worker = {0};

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "pgmigrate", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, function, BGW_MAXLEN);
	strlcpy(worker.bgw_name, name, BGW_MAXLEN);
	strlcpy(worker.bgw_type, name, BGW_MAXLEN);
	worker.bgw_main_arg = ObjectIdGetDatum(MyDatabaseId);
	memcpy(worker.bgw_extra, &number, sizeof(number));
	return RegisterDynamicBackgroundWorker(&worker, NULL);
}

uint64
pgm_process_connect_detached(void)
{
	uint64		number;
	Oid			database;

	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	memcpy(&number, MyBgworkerEntry->bgw_extra, sizeof(number));
	database = DatumGetObjectId(MyBgworkerEntry->bgw_main_arg);
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);

	/* the owner of the database may have set one for all who connect */
	SetConfigOption("role", "none", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("application_name", "pgmigrate", PGC_USERSET,
					PGC_S_SESSION);
	return number;
}
