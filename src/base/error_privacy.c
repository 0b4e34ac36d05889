/*-------------------------------------------------------------------------
 *
 * error_privacy.c
 *	  What of an error those may see who may not see data.
 *
 * The server keeps values of rows out of most primary messages and has them in
 * the detail.  It does not where the value itself is what is wrong, as in
 * invalid input syntax for type integer: "x"; and a message that a function
 * raises can have anything in it.  A name in a message may be a value as well:
 * of a cast to regclass, or where a function builds SQL from rows.  It is none
 * where the server points to the place in the text of the revision, which may
 * be read by all.  What may quote is shown as the text it was made from,
 * without what was put in.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "base/error_privacy.h"
#include "base/printable.h"

/* Bytes of a message that everybody reads, and of what is kept of an error. */
#define PGM_ERROR_FOR_ALL 2000
#define PGM_ERROR_PART 65536
#define PGM_HINT_SIZE 1024

/* The last hint of ours that was put to an error of the server; "" if none. */
static char own_hint[PGM_HINT_SIZE] = "";

/* Made from nothing else, it is a text of the user's own. */
static bool
is_own_text(const ErrorData *edata)
{
	return edata->message_id == NULL || strcmp(edata->message_id, "%s") == 0;
}

static bool
has_class(const ErrorData *edata, const char *const *classes, int n)
{
	const char *sqlstate = unpack_sql_state(edata->sqlerrcode);

	for (int i = 0; i < n; i++)
		if (strncmp(sqlstate, classes[i], 2) == 0)
			return true;
	return false;
}

/*
 * Since 19 the server says first which lock the statement waited for, without
 * any name.  No code can put a line of its own there.
 */
static const char *
after_lock_wait(const char *context)
{
	const char *pattern = _("waiting for %s on %s");
	size_t		length = strcspn(pattern, "%");
	const char *end = strchr(context, '\n');

	if (length == 0 || end == NULL || strncmp(context, pattern, length) != 0)
		return context;
	return end + 1;
}

/*
 * Was it raised below the statement itself, in a function or by an action that
 * has a context of its own?  Our line of context is always the last.
 */
static bool
is_from_below(const ErrorData *edata)
{
	static const char *const ours[] = {
		"upgrade SQL", "downgrade SQL", "verify SQL", "statement ",
		"locks of revision"
	};

	const char *context = edata->context;

	if (context == NULL)
		return false;
	context = after_lock_wait(context);
	for (int i = 0; i < lengthof(ours); i++)
		if (strncmp(context, ours[i], strlen(ours[i])) == 0)
			return false;
	return true;
}

bool
pgm_error_may_quote(const ErrorData *edata)
{
	/* classes whose messages are about existing objects and resources */
	static const char *const objects[] = {
		"02", "0B", "21", "23", "25", "2B", "40", "44", "53", "55", "57"
	};

	/* and those whose names may be anything, if the server points to none */
	static const char *const names[] = {
		"08", "0A", "0L", "0P", "24", "26", "27", "28", "2D", "2F", "34",
		"3B", "3D", "3F", "42", "54", "58", "72"
	};

	/* a text of ours, put in by whoever records the error */
	if (edata->message != NULL && edata->message_id == edata->message)
		return false;
	if (is_own_text(edata))
		return true;
	if (strncmp(unpack_sql_state(edata->sqlerrcode), "PM", 2) == 0)
		return false;
	if (is_from_below(edata))
		return true;
	if (has_class(edata, objects, lengthof(objects)))
		return false;
	return !has_class(edata, names, lengthof(names)) ||
		(edata->cursorpos <= 0 && edata->internalpos <= 0);
}

static char *
without_values(const ErrorData *edata)
{
	StringInfoData buf;

	if (is_own_text(edata))
		return pstrdup("raised by the SQL of the revision, with a message for operators only");
	initStringInfo(&buf);
	for (const char *at = edata->message_id; *at != '\0'; at++)
	{
		if (*at != '%')
			appendStringInfoChar(&buf, *at);
		else if (at[1] == '%')
			appendStringInfoChar(&buf, *++at);
		else
		{
			/* flags, width, precision and length, up to the conversion */
			at += 1 + strspn(at + 1, "0123456789-+ #'.*$hlqjzt");
			appendStringInfoString(&buf, "...");
			if (*at == '\0')
				break;
		}
	}
	return buf.data;
}

char *
pgm_error_for_all(const ErrorData *edata)
{
	const char *text = pgm_error_may_quote(edata) ? without_values(edata) :
		edata->message;

	return text == NULL ? NULL :
		pgm_text_cut(pgm_printable(text), PGM_ERROR_FOR_ALL);
}

void
pgm_error_note_own_hint(const char *hint)
{
	strlcpy(own_hint, hint, sizeof(own_hint));
}

char *
pgm_error_hint_for_all(const ErrorData *edata)
{
	if (edata->hint == NULL ||
		(strcmp(edata->hint, own_hint) != 0 && pgm_error_may_quote(edata)))
		return NULL;
	return pgm_error_part(edata->hint);
}

char *
pgm_error_part(const char *text)
{
	return text == NULL ? NULL :
		pgm_text_cut(pgm_printable(text), PGM_ERROR_PART);
}
