/*-------------------------------------------------------------------------
 *
 * session_objects.c
 *	  What a revision leaves in the session, and the end of it.
 *
 * A temporary table hides the permanent one of its name, so that the next
 * revision would change the wrong one, and would do so only where both run in
 * one session.  Temporary objects, prepared statements and cursors therefore
 * end with the revision that made them.  In the caller's session those that
 * were there before are his and stay.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_namespace.h"
#include "commands/prepare.h"
#include "commands/trigger.h"
#include "utils/fmgroids.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"

#include "exec/session_objects.h"

/*
 * Call visit for each object that depends on the session's temporary schema
 * itself; what belongs to one of them, an index or a type, goes with it.
 */
static void
each_temporary(void (*visit) (const ObjectAddress *object, void *arg),
			   void *arg)
{
	Oid			schema;
	Oid			toast_schema;
	Relation	depend;
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	GetTempNamespaceState(&schema, &toast_schema);
	if (!OidIsValid(schema))
		return;
	depend = table_open(DependRelationId, AccessShareLock);
	ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(NamespaceRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(schema));
	scan = systable_beginscan(depend, DependReferenceIndexId, true, NULL, 2,
							  key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		ObjectAddress object;

		ObjectAddressSubSet(object, form->classid, form->objid,
							form->objsubid);
		visit(&object, arg);
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
}

static void
add_to_list(const ObjectAddress *object, void *arg)
{
	List	  **objects = arg;

	*objects = lappend_oid(*objects, object->objectId);
}

List *
pgm_session_objects(void)
{
	List	   *objects = NIL;

	each_temporary(add_to_list, &objects);
	return objects;
}

typedef struct DropContext
{
	const List *before;
	ObjectAddresses *objects;
	int			n;
} DropContext;

static void
add_unless_before(const ObjectAddress *object, void *arg)
{
	DropContext *context = arg;

	if (list_member_oid(context->before, object->objectId) ||
		(object->classId == RelationRelationId &&
		 AfterTriggerPendingOnRel(object->objectId)))
		return;
	add_exact_object_address(object, context->objects);
	context->n++;
}

static void
drop_temporary(const List *before)
{
	DropContext context = {before, new_object_addresses(), 0};

	each_temporary(add_unless_before, &context);
	if (context.n > 0)
	{
		/* as around a utility statement: rows of the catalog may be toasted */
		PushActiveSnapshot(GetTransactionSnapshot());
		performMultipleDeletions(context.objects, DROP_CASCADE,
								 PERFORM_DELETION_INTERNAL |
								 PERFORM_DELETION_QUIETLY);
		PopActiveSnapshot();
	}
	free_object_addresses(context.objects);
}

static void
close_cursor(const char *name)
{
	Portal		portal = GetPortalByName(name);

	if (PortalIsValid(portal) && portal->status != PORTAL_ACTIVE)
		PortalDrop(portal, false);
}

void
pgm_session_objects_drop(const List *before, const PgmSource *source)
{
	for (int i = 0; i < source->nstatements; i++)
	{
		Node	   *stmt = source->statements[i].raw->stmt;

		if (IsA(stmt, PrepareStmt))
			DropPreparedStatement(castNode(PrepareStmt, stmt)->name, false);
		else if (IsA(stmt, DeclareCursorStmt))
			close_cursor(castNode(DeclareCursorStmt, stmt)->portalname);
	}
	drop_temporary(before);
}

void
pgm_session_objects_close_all(void)
{
	PortalHashTableDeleteAll();
	DropAllPreparedStatements();
}

bool
pgm_session_objects_any(void)
{
	Oid			schema;
	Oid			toast_schema;

	GetTempNamespaceState(&schema, &toast_schema);
	return OidIsValid(schema);
}

void
pgm_session_objects_drop_all(void)
{
	drop_temporary(NIL);
}
