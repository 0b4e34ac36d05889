/*-------------------------------------------------------------------------
 *
 * session_settings.h
 *	  The settings and the role of a session: sent to a worker, or kept.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BASE_SESSION_SETTINGS_H
#define PGM_BASE_SESSION_SETTINGS_H

#include "lib/stringinfo.h"

/* In the caller: by whom, name and value; a zero byte ends the last two. */
extern void pgm_session_serialize(StringInfo buf);

/* Without those of the database and the role. */
extern void pgm_session_serialize_own(StringInfo buf);

/* In the worker, in a transaction. */
extern void pgm_session_apply(const char *settings, Size size);

/*
 * In the worker, in a transaction: forget what a revision has SET, its role
 * too unless the worker has one by SET ROLE itself.
 */
extern void pgm_session_reset(const char *settings, Size size,
							  bool reset_role);

/* As SET ROLE, checked against the session user.  In a transaction. */
extern void pgm_session_set_role(const char *role);

/*
 * In a session of a client: keep what it has SET, its role too, and put it
 * back, in a transaction or in the middle of one.
 */
extern void pgm_session_keep(StringInfo settings, char **role);
extern void pgm_session_restore(const char *settings, Size size,
								const char *role);

/*
 * Guard: while it is up the role cannot be changed, so RESET ROLE in a
 * revision cannot reach the rights of the session user.
 */
typedef struct PgmGuard
{
	Oid			user;
	int			sec_context;
} PgmGuard;

extern void pgm_guard_raise(PgmGuard *guard);
extern void pgm_guard_lower(const PgmGuard *guard);

#endif							/* PGM_BASE_SESSION_SETTINGS_H */
