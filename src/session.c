/*-------------------------------------------------------------------------
 *
 * session.c
 *	  What a worker takes over from its caller's session: settings and role.
 *
 * A worker has the settings of the configuration files, of its role and of the
 * database by itself; what the caller's session has beyond those is sent over.
 * The server's own serialization for parallel workers is not used, for it
 * insists on the session user, and a worker connects as the current one where
 * it can.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/session.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "session.h"
#include "utils/builtins.h"

/*
 * Not sent: who we are is set by other means, the encoding of the client is
 * that of the channel, and the worker has a name of its own.
 */
static bool
is_personal(const char *name)
{
	static const char *const names[] = {
		"application_name", "client_encoding", "is_superuser", "role",
		"session_authorization", "transaction_deferrable",
		"transaction_isolation", "transaction_read_only"
	};

	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

void
pgm_session_serialize(StringInfo buf)
{
	int			count;
	struct config_generic **variables = pgm_guc_variables(&count);

	for (int i = 0; i < count; i++)
	{
		struct config_generic *variable = variables[i];
		char	   *value;

		if (variable->context != PGC_USERSET && variable->context != PGC_SUSET)
			continue;
		if (variable->source < PGC_S_DATABASE ||
			variable->source == PGC_S_INTERACTIVE)
			continue;
		if (is_personal(variable->name))
			continue;
		value = pgm_guc_value(variable);
		if (value == NULL)
			continue;
		appendBinaryStringInfo(buf, variable->name,
							   strlen(variable->name) + 1);
		appendBinaryStringInfo(buf, value, strlen(value) + 1);
	}
}

/*
 * The values are in force in the caller's session, set there by somebody who
 * was allowed to, hence PGC_SUSET.
 */
void
pgm_session_apply(const char *settings, Size size)
{
	const char *at = settings;
	const char *end = settings + size;

	while (at < end)
	{
		const char *name = at;
		const char *value = name + strlen(name) + 1;

		at = value + strlen(value) + 1;
		(void) set_config_option(name, value, PGC_SUSET, PGC_S_SESSION,
								 GUC_ACTION_SET, true, WARNING, false);
	}

	/* messages cross the channel in our encoding; the caller converts them */
	SetClientEncoding(GetDatabaseEncoding());
}

void
pgm_session_set_role(const char *role)
{
	SetConfigOption("role", role, PGC_USERSET, PGC_S_SESSION);
}

void
pgm_session_reset(const char *settings, Size size, bool reset_role)
{
	ResetAllOptions();
	if (reset_role)
		pgm_session_set_role("none");
	pgm_session_apply(settings, size);
}

void
pgm_guard_raise(PgmGuard *guard)
{
	GetUserIdAndSecContext(&guard->user, &guard->sec_context);
	SetUserIdAndSecContext(guard->user,
						   guard->sec_context | SECURITY_LOCAL_USERID_CHANGE);
}

void
pgm_guard_lower(const PgmGuard *guard)
{
	SetUserIdAndSecContext(guard->user, guard->sec_context);
}
