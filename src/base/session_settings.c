/*-------------------------------------------------------------------------
 *
 * session_settings.c
 *	  The settings and the role of a session: sent to a worker, or kept.
 *
 * A worker has the settings of the configuration files, of its role and of the
 * database by itself; what the caller's session has beyond those is sent over.
 * The server's own serialization for parallel workers is not used, for it
 * insists on the session user, and a worker connects as the current one where
 * it can.
 *
 * A script runs in its session itself.  What the session has SET is kept when
 * the script begins, and put back after each revision.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/session_settings.h"
#include "compat/server.h"

/* The encoding of the client is that of the channel. */
static bool
is_personal(const char *name)
{
	return strcmp(name, "application_name") == 0 ||
		strcmp(name, "client_encoding") == 0;
}

/*
 * Who has set a value: without a special right, with one, or, below what is
 * asked for, nobody in this session.
 */
#define PGM_SET_BY_USER 'u'
#define PGM_SET_WITH_RIGHT 's'
#define PGM_NOT_SET 'n'

static char
set_by(const struct config_generic *variable, GucSource source)
{
	if (variable->source < source)
		return PGM_NOT_SET;
	return variable->scontext == PGC_USERSET ||
		variable->scontext == PGC_BACKEND ? PGM_SET_BY_USER :
		PGM_SET_WITH_RIGHT;
}

/*
 * Who has set it, name and value of what has been set by at least this source;
 * with the rest too, if all are asked for.  Who we are, what belongs to the
 * transaction, and what has no value to show, is not for RESET ALL, and not
 * for us.
 */
static void
serialize(StringInfo buf, GucSource source, bool all, bool personal)
{
	int			count;
	struct config_generic **variables = pgm_guc_variables(&count);

	for (int i = 0; i < count; i++)
	{
		struct config_generic *variable = variables[i];
		char	   *value;

		if (variable->context != PGC_USERSET && variable->context != PGC_SUSET)
			continue;
		if (!all && variable->source < source)
			continue;
		if ((variable->flags & GUC_NO_RESET_ALL) != 0)
			continue;
		if (!personal && is_personal(variable->name))
			continue;
		value = pgm_guc_value(variable);
		if (value == NULL)
			continue;
		appendStringInfoChar(buf, set_by(variable, source));
		appendBinaryStringInfo(buf, variable->name,
							   strlen(variable->name) + 1);
		appendBinaryStringInfo(buf, value, strlen(value) + 1);
	}
}

/*
 * After SET ROLE the worker connects as that role, and so has settings of it
 * that this session does not have.
 */
void
pgm_session_serialize(StringInfo buf)
{
	serialize(buf, PGC_S_DATABASE, GetUserId() != GetSessionUserId(), false);
}

void
pgm_session_serialize_own(StringInfo buf)
{
	serialize(buf, PGC_S_CLIENT, false, false);
}

/* Does the session have it by ALTER ROLE ... SET? */
static bool
is_of_role(const char *name)
{
	int			count;
	struct config_generic **variables = pgm_guc_variables(&count);

	for (int i = 0; i < count; i++)
		if (pg_strcasecmp(variables[i]->name, name) == 0)
			return variables[i]->source == PGC_S_USER ||
				variables[i]->source == PGC_S_DATABASE_USER;
	return false;
}

/*
 * A value that was set with a right is set by any rights up to "most"; one
 * that anybody could set, because its library was not loaded for one, is not
 * more than that here.
 */
static void
apply(const char *settings, Size size, GucContext most)
{
	const char *at = settings;
	const char *end = settings + size;

	while (at < end)
	{
		char		by = *at;
		const char *name = at + 1;
		const char *value = name + strlen(name) + 1;

		at = value + strlen(value) + 1;
		if (by == PGM_NOT_SET && !is_of_role(name))
			continue;
		(void) set_config_option(name, value,
								 by == PGM_SET_BY_USER ? PGC_USERSET : most,
								 PGC_S_SESSION, GUC_ACTION_SET, true, WARNING,
								 false);
	}
}

/*
 * The values are in force in the caller's session, set there by somebody who
 * was allowed to.
 */
void
pgm_session_apply(const char *settings, Size size)
{
	apply(settings, size, PGC_SUSET);

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
pgm_session_keep(StringInfo settings, char **role)
{
	serialize(settings, PGC_S_SESSION, false, true);
	*role = pstrdup(GetConfigOption("role", false, false));
}

/*
 * With the rights of the session user: what a function of somebody else had
 * SET when the settings were kept is not ours to keep.
 */
void
pgm_session_restore(const char *settings, Size size, const char *role)
{
	if (strcmp(GetConfigOption("role", false, false), role) != 0)
		pgm_session_set_role(role);
	ResetAllOptions();
	apply(settings, size, superuser_arg(GetSessionUserId()) ? PGC_SUSET :
		  PGC_USERSET);
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
