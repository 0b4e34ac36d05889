/*-------------------------------------------------------------------------
 *
 * work_seen.c
 *	  What a trial does to the file and the rows of a relation.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "nodes/makefuncs.h"
#include "utils/fmgrprotos.h"
#include "utils/syscache.h"

#include "assess/work_seen.h"

/* A table that the trial has made, as it was before the statement. */
typedef struct SeenTable
{
	PgmEffect  *effect;
	Oid			relid;
	Oid			filenode;
	int64		scans;
} SeenTable;

Oid
pgm_seen_filenode(Oid relid, bool *gone)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			filenode = InvalidOid;

	*gone = !HeapTupleIsValid(tuple);
	if (*gone)
		return InvalidOid;
	filenode = ((Form_pg_class) GETSTRUCT(tuple))->relfilenode;
	ReleaseSysCache(tuple);
	return filenode;
}

int64
pgm_seen_scans(Oid relid)
{
	return DatumGetInt64(DirectFunctionCall1(pg_stat_get_xact_numscans,
											 ObjectIdGetDatum(relid)));
}

List *
pgm_seen_earlier(const PgmVerdict *verdict)
{
	List	   *tables = NIL;
	ListCell   *lc;

	foreach(lc, verdict->effects)
	{
		PgmEffect  *effect = lfirst(lc);
		SeenTable  *table;
		Oid			relid;
		bool		gone;

		if (!effect->earlier)
			continue;
		relid = pgm_lookup_relation(makeRangeVar(effect->schema,
												 effect->name, -1));
		if (!OidIsValid(relid))
			continue;
		table = palloc(sizeof(SeenTable));
		table->effect = effect;
		table->relid = relid;
		table->filenode = pgm_seen_filenode(relid, &gone);
		table->scans = pgm_seen_scans(relid);
		tables = lappend(tables, table);
	}
	return tables;
}

void
pgm_seen_note(List *earlier)
{
	ListCell   *lc;

	foreach(lc, earlier)
	{
		const SeenTable *table = lfirst(lc);
		bool		gone;
		Oid			filenode = pgm_seen_filenode(table->relid, &gone);

		if (gone)
			continue;
		if (filenode != table->filenode)
			table->effect->rewrites = PGM_TRUE;
		if (pgm_seen_scans(table->relid) > table->scans)
			table->effect->scans = PGM_TRUE;
	}
}
