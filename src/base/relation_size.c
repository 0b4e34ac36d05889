/*-------------------------------------------------------------------------
 *
 * relation_size.c
 *	  Sizes of relations, without locks.
 *
 * The server's own functions open the relation, and so would wait behind
 * whoever waits for it: an assessment must tell of a table in that state, not
 * join the queue.  Here the files are looked at.  A relation that is rewritten
 * or dropped meanwhile has no files for a moment, or no more; that is size 0.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "common/relpath.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "base/relation_size.h"
#include "base/spi.h"
#include "compat/lock.h"

static PgmQuery parts_query = {
	"SELECT c.reltoastrelid::int8 FROM pg_class c "
	"WHERE c.oid = $1 AND c.reltoastrelid <> 0 "
	"UNION ALL SELECT i.indexrelid::int8 FROM pg_index i WHERE i.indrelid = $1 "
	"UNION ALL SELECT i.indexrelid::int8 FROM pg_class c "
	"JOIN pg_index i ON i.indrelid = c.reltoastrelid WHERE c.oid = $1",
	1, {OIDOID}
};

/* Relative to the data directory, where every backend is. */
static char *
file_of(Oid relid)
{
	LOCAL_FCINFO(fcinfo, 1);
	Datum		path;

	InitFunctionCallInfoData(*fcinfo, NULL, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = ObjectIdGetDatum(relid);
	fcinfo->args[0].isnull = false;
	path = pg_relation_filepath(fcinfo);
	return fcinfo->isnull ? NULL : TextDatumGetCString(path);
}

/* All segments of one fork. */
static int64
fork_bytes(const char *file, ForkNumber fork)
{
	int64		bytes = 0;

	for (int segment = 0;; segment++)
	{
		char		path[MAXPGPATH];
		char		number[16] = "";
		struct stat st;

		CHECK_FOR_INTERRUPTS();
		if (segment > 0)
			snprintf(number, sizeof(number), ".%d", segment);
		snprintf(path, sizeof(path), "%s%s%s%s", file,
				 fork == MAIN_FORKNUM ? "" : "_",
				 fork == MAIN_FORKNUM ? "" : forkNames[fork], number);
		if (stat(path, &st) < 0)
			return bytes;
		bytes += st.st_size;
	}
}

static int64
relation_bytes(Oid relid)
{
	char	   *file = file_of(relid);
	int64		bytes = 0;

	if (file == NULL)
		return 0;
	for (int fork = MAIN_FORKNUM; fork <= MAX_FORKNUM; fork++)
		bytes += fork_bytes(file, fork);
	return bytes;
}

/* ---- what was noted */

typedef struct Noted
{
	Oid			relid;			/* hash key */
	int64		heap;
	int64		total;
	double		rows;
} Noted;

/* In the memory of the transaction of that number. */
static HTAB *noted = NULL;
static LocalTransactionId noted_lxid = InvalidLocalTransactionId;

static const Noted *
find_noted(Oid relid)
{
	return noted == NULL || noted_lxid != pgm_local_xid() ? NULL :
		hash_search(noted, &relid, HASH_FIND, NULL);
}

void
pgm_size_note(Oid relid, int64 heap, int64 total, double rows)
{
	Noted	   *entry;

	if (noted == NULL || noted_lxid != pgm_local_xid())
	{
		HASHCTL		control = {0};

		control.keysize = sizeof(Oid);
		control.entrysize = sizeof(Noted);
		control.hcxt = TopTransactionContext;
		noted = hash_create("pgmigrate sizes", 32, &control,
							HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		noted_lxid = pgm_local_xid();
	}
	entry = hash_search(noted, &relid, HASH_ENTER, NULL);
	entry->heap = heap;
	entry->total = total;
	entry->rows = rows;
}

bool
pgm_size_is_noted(Oid relid)
{
	return find_noted(relid) != NULL;
}

double
pgm_size_rows(Oid relid)
{
	const Noted *entry = find_noted(relid);

	return entry == NULL ? -1 : entry->rows;
}

int64
pgm_heap_bytes(Oid relid)
{
	const Noted *entry = find_noted(relid);
	char	   *file;

	if (entry != NULL)
		return entry->heap;
	file = file_of(relid);
	return file == NULL ? 0 : fork_bytes(file, MAIN_FORKNUM);
}

int64
pgm_total_bytes(Oid relid)
{
	PgmSpiScope scope;
	Datum		values[1] = {ObjectIdGetDatum(relid)};
	int64		bytes;
	uint64		rows;

	if (pgm_size_is_noted(relid))
		return find_noted(relid)->total;
	bytes = relation_bytes(relid);
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&parts_query, values, NULL);
	for (uint64 i = 1; i <= rows; i++)
		bytes += relation_bytes((Oid) pgm_spi_int64(i, 1));
	pgm_spi_end(&scope);
	return bytes;
}

int64
pgm_free_bytes(Oid relid)
{
	char	   *file = file_of(relid);
	struct statvfs disk;

	if (file == NULL)
		return -1;
	get_parent_directory(file);
	return statvfs(file, &disk) == 0 ?
		(int64) disk.f_bavail * (int64) disk.f_frsize : -1;
}

double
pgm_counted_rows(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	double		rows = 0;

	if (HeapTupleIsValid(tuple))
	{
		rows = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
		ReleaseSysCache(tuple);
	}
	return Max(rows, 0);
}
