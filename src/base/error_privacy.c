/*-------------------------------------------------------------------------
 *
 * error_privacy.c
 *	  What of an error those may see who may not see data.
 *
 * The server keeps values of rows out of most primary messages and has them in
 * the detail.  It does not where the value itself is what is wrong, as in
 * invalid input syntax for type integer: "x"; and a message that a function
 * raises can have anything in it.  Such a message is told by the kind of its
 * error, and shown as the text it was made from, without what was put in.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "base/error_privacy.h"

/* Made from nothing else, it is a text of the user's own. */
static bool
is_own_text(const ErrorData *edata)
{
	return edata->message_id == NULL || strcmp(edata->message_id, "%s") == 0;
}

bool
pgm_error_may_quote(const ErrorData *edata)
{
	/* classes whose messages are about objects, rights and resources */
	static const char *const classes[] = {
		"02", "08", "0A", "0B", "0L", "0P", "21", "23", "24", "25", "26",
		"27", "28", "2B", "2D", "2F", "34", "3B", "3D", "3F", "40", "42",
		"44", "53", "54", "55", "57", "58", "72", "PM"
	};
	const char *sqlstate = unpack_sql_state(edata->sqlerrcode);

	if (is_own_text(edata))
		return true;

	/* of a value that is in a language of its own, as a tsquery is */
	if (edata->sqlerrcode == ERRCODE_SYNTAX_ERROR)
		return edata->cursorpos <= 0 && edata->internalpos <= 0;
	for (int i = 0; i < lengthof(classes); i++)
		if (strncmp(sqlstate, classes[i], 2) == 0)
			return false;
	return true;
}

char *
pgm_error_without_values(const ErrorData *edata)
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
