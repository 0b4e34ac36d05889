/*-------------------------------------------------------------------------
 *
 * name_list.c
 *	  The names that a message lists, as many as it has room for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/name_list.h"

#define MAX_NAMES 5

void
pgm_name_list_add(StringInfo list, int n, const char *name)
{
	if (n <= MAX_NAMES)
		appendStringInfo(list, "%s\"%s\"", n > 1 ? ", " : "", name);
	else if (n == MAX_NAMES + 1)
		appendStringInfoString(list, " and others");
}
