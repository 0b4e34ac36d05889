/*-------------------------------------------------------------------------
 *
 * day_window.c
 *	  A part of each day, such as 22:00-05:00, as one number.
 *
 * The minute of the day in which it begins, and that before which it ends.
 * What is read is the clock on the wall of the session's time zone: on the
 * days on which clocks are changed the window is an hour longer or shorter.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "pgtime.h"
#include "utils/timestamp.h"

#include "base/day_window.h"

#define MINUTES 1440

/* "5:00" or "05:00", up to 24:00; NULL if it is none, else where it ends. */
static const char *
parse_minute(const char *text, int *minute)
{
	int			hour = 0;
	int			digits = 0;

	while (isdigit((unsigned char) *text) && digits++ < 2)
		hour = hour * 10 + *text++ - '0';
	if (digits == 0 || text[0] != ':' || !isdigit((unsigned char) text[1]) ||
		!isdigit((unsigned char) text[2]))
		return NULL;
	*minute = (text[1] - '0') * 10 + text[2] - '0';
	if (*minute > 59)
		return NULL;
	*minute += hour * 60;
	return *minute > MINUTES ? NULL : text + 3;
}

static const char *
skip_space(const char *text)
{
	while (isspace((unsigned char) *text))
		text++;
	return text;
}

bool
pgm_day_window_parse(const char *text, int *window)
{
	int			begin;
	int			end;

	*window = PGM_DAY_WINDOW_ALWAYS;
	text = skip_space(text);
	if (*text == '\0')
		return true;
	text = parse_minute(text, &begin);
	if (text == NULL)
		return false;
	text = skip_space(text);
	if (*text != '-')
		return false;
	text = parse_minute(skip_space(text + 1), &end);
	if (text == NULL || *skip_space(text) != '\0')
		return false;
	begin %= MINUTES;
	end %= MINUTES;

	/* from midnight to midnight; else one that has no length */
	if (begin == end)
		return begin == 0;
	*window = begin * MINUTES + end;
	return true;
}

char *
pgm_day_window_wait(int window, TimestampTz now)
{
	int			begin = window / MINUTES;
	int			end = window % MINUTES;
	int			minute;
	int			zone;
	struct pg_tm local;
	fsec_t		fraction;

	if (window == PGM_DAY_WINDOW_ALWAYS)
		return NULL;
	if (timestamp2tm(now, &zone, &local, &fraction, NULL, NULL) != 0)
		ereport(ERROR,
				errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				errmsg("timestamp out of range"));
	minute = local.tm_hour * 60 + local.tm_min;
	if (begin < end ? minute >= begin && minute < end :
		minute >= begin || minute < end)
		return NULL;
	return psprintf("%02d:%02d, when the window %02d:%02d-%02d:%02d begins (%s)",
					begin / 60, begin % 60, begin / 60, begin % 60,
					end / 60, end % 60, pg_get_timezone_name(session_timezone));
}
