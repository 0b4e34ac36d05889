/*-------------------------------------------------------------------------
 *
 * extension_drop.c
 *	  DROP EXTENSION waits for the run in progress.
 *
 * The lock of the extension, which DROP EXTENSION takes, is given up by the
 * run in the moment of an abort; the run lock is not.  So an event trigger
 * takes that one first.  Who may not drop the extension is left to the server,
 * which says so: he is not to keep runs from beginning.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "nodes/value.h"
#include "utils/acl.h"

#include "base/spi.h"
#include "compat/lock.h"
#include "store/extension_drop.h"
#include "store/run_lock.h"

static bool
names_extension(const DropStmt *stmt)
{
	ListCell   *lc;

	if (stmt->removeType != OBJECT_EXTENSION)
		return false;
	foreach(lc, stmt->objects)
	{
		if (strcmp(strVal(lfirst(lc)), "pgmigrate") == 0)
			return true;
	}
	return false;
}

static bool
names_owner(const DropOwnedStmt *stmt)
{
	Oid			owner = pgm_schema_owner();
	ListCell   *lc;

	foreach(lc, stmt->roles)
	{
		if (get_rolespec_oid(lfirst(lc), true) == owner)
			return true;
	}
	return false;
}

static bool
drops(const Node *stmt, Oid extension)
{
	if (!OidIsValid(extension) ||
		!pgm_extension_ownercheck(extension, GetUserId()))
		return false;
	if (IsA(stmt, DropStmt))
		return names_extension((const DropStmt *) stmt);
	return IsA(stmt, DropOwnedStmt) &&
		names_owner((const DropOwnedStmt *) stmt);
}

/* When the wait is over, the name may mean another one. */
void
pgm_extension_drop_begin(const Node *stmt)
{
	Oid			locked = InvalidOid;
	Oid			extension;

	if (pgm_run_inside())
		return;
	while ((extension = get_extension_oid("pgmigrate", true)) != locked &&
		   drops(stmt, extension))
	{
		pgm_run_lock_queue(extension);
		locked = extension;
	}
}
