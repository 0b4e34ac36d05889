/*-------------------------------------------------------------------------
 *
 * lock.h
 *	  Differences between the server versions in processes and locks.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_LOCK_H
#define PGM_COMPAT_LOCK_H

#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/acl.h"

#if PG_VERSION_NUM < 160000
#define pgm_class_ownercheck(oid, role) pg_class_ownercheck(oid, role)
#define pgm_extension_ownercheck(oid, role) \
	pg_extension_ownercheck(oid, role)
#define pgm_can_set_role(member, role) is_member_of_role(member, role)
#else
#define pgm_class_ownercheck(oid, role) \
	object_ownercheck(RelationRelationId, oid, role)
#define pgm_extension_ownercheck(oid, role) \
	object_ownercheck(ExtensionRelationId, oid, role)
#define pgm_can_set_role(member, role) member_can_set_role(member, role)
#endif

/* When a process began to wait for its lock, 0 if that is not known. */
#if PG_VERSION_NUM >= 140000
#define pgm_wait_start(proc) \
	((TimestampTz) pg_atomic_read_u64(&(proc)->waitStart))
#else
#define pgm_wait_start(proc) ((TimestampTz) 0)
#endif

/* What others do is read once for a transaction; read it again. */
#if PG_VERSION_NUM >= 140000
#include "utils/backend_status.h"
#define pgm_clear_activity_snapshot() pgstat_clear_backend_activity_snapshot()
#else
#include "pgstat.h"
#define pgm_clear_activity_snapshot() pgstat_clear_snapshot()
#endif

#if PG_VERSION_NUM >= 140000
#define pgm_own_xmin() (MyProc->xmin)
#else
#define pgm_own_xmin() (MyPgXact->xmin)
#endif

#if PG_VERSION_NUM >= 170000
#define pgm_local_xid() (MyProc->vxid.lxid)
#define pgm_proc_is(proc, number, xid) \
	((proc)->vxid.procNumber == (number) && (proc)->vxid.lxid == (xid))
#define pgm_vxid_number(transaction) ((transaction).procNumber)
#define pgm_proc_vxid(transaction, proc) \
	((transaction).procNumber = (proc)->vxid.procNumber, \
	 (transaction).localTransactionId = (proc)->vxid.lxid)
#else
#define pgm_local_xid() (MyProc->lxid)
#define pgm_proc_is(proc, number, xid) \
	((proc)->backendId == (number) && (proc)->lxid == (xid))
#define pgm_vxid_number(transaction) ((transaction).backendId)
#define pgm_proc_vxid(transaction, proc) \
	((transaction).backendId = (proc)->backendId, \
	 (transaction).localTransactionId = (proc)->lxid)
#endif

/* Not a background worker; an autovacuum has no role. */
#if PG_VERSION_NUM >= 190000
#define pgm_proc_is_client(proc) \
	((proc)->backendType == B_BACKEND && OidIsValid((proc)->roleId))
#elif PG_VERSION_NUM >= 180000
#define pgm_proc_is_client(proc) \
	((proc)->isRegularBackend && OidIsValid((proc)->roleId))
#else
#define pgm_proc_is_client(proc) \
	(!(proc)->isBackgroundWorker && OidIsValid((proc)->roleId))
#endif

/*
 * The locks of this process in one partition of the lock table, one after the
 * other, NULL at the end.  The caller has the lock of the partition.
 */
#if PG_VERSION_NUM >= 160000
static inline PROCLOCK *
pgm_own_lock_at(int partition, dlist_node *node)
{
	return node == &MyProc->myProcLocks[partition].head ? NULL :
		dlist_container(PROCLOCK, procLink, node);
}

static inline PROCLOCK *
pgm_first_own_lock(int partition)
{
	return dlist_is_empty(&MyProc->myProcLocks[partition]) ? NULL :
		pgm_own_lock_at(partition, MyProc->myProcLocks[partition].head.next);
}

static inline PROCLOCK *
pgm_next_own_lock(int partition, PROCLOCK *lock)
{
	return pgm_own_lock_at(partition, lock->procLink.next);
}
#else
#define pgm_own_lock_after(partition, link) \
	((PROCLOCK *) SHMQueueNext(&MyProc->myProcLocks[partition], link, \
							   offsetof(PROCLOCK, procLink)))
#define pgm_first_own_lock(partition) \
	pgm_own_lock_after(partition, &MyProc->myProcLocks[partition])
#define pgm_next_own_lock(partition, lock) \
	pgm_own_lock_after(partition, &(lock)->procLink)
#endif

#if PG_VERSION_NUM < 140000
#define ReadNextTransactionId() ReadNewTransactionId()
#endif

/* With the entry of the lock in this backend, if it can be had at once. */
#if PG_VERSION_NUM >= 180000
#define pgm_lock_acquire_local(tag, mode, session, local) \
	LockAcquireExtended(tag, mode, session, true, true, local, false)
#else
#define pgm_lock_acquire_local(tag, mode, session, local) \
	LockAcquireExtended(tag, mode, session, true, true, local)
#endif

/* What GRANT takes on relations: nothing before 18. */
#if PG_VERSION_NUM >= 180000
#define PGM_GRANT_LOCK AccessShareLock
#else
#define PGM_GRANT_LOCK NoLock
#endif

#endif							/* PGM_COMPAT_LOCK_H */
