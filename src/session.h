/*-------------------------------------------------------------------------
 *
 * session.h
 *	  What a worker takes over from its caller's session: settings and role.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/session.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_SESSION_H
#define PGM_SESSION_H

#include "lib/stringinfo.h"

/* In the caller: name and value, each ended by a zero byte. */
extern void pgm_session_serialize(StringInfo buf);

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

#endif							/* PGM_SESSION_H */
