/*-------------------------------------------------------------------------
 *
 * constructor.c
 *	  Functions that the server makes with a type.
 *
 * CREATE TYPE ... AS RANGE makes functions in language internal, with the
 * types that they must have.  The server notes them, and no others, as a part
 * of their type; CREATE OR REPLACE deletes that.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_proc.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#include "scratch/constructor.h"

bool
pgm_is_constructor(Oid function)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		result = false;

	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(ProcedureRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(function));
	scan = systable_beginscan(rel, DependDependerIndexId, true, NULL,
							  lengthof(keys), keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		result |= ((Form_pg_depend) GETSTRUCT(tuple))->deptype ==
			DEPENDENCY_INTERNAL;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}
