/*-------------------------------------------------------------------------
 *
 * test_group.c
 *	  Which changes of one table go in one statement.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "lib/stringinfo.h"

#include "diff/group.h"
#include "unit.h"

#define MAX_ITEMS 16

/* Pairs of items that keep their order, as "03 14". */
static bool
is_bound(int item, int other, void *arg)
{
	for (const char *at = arg; *at; at++)
		if (at[0] != ' ' && at[1] != '\0' && at[1] != ' ' &&
			((at[0] == '0' + item && at[1] == '0' + other) ||
			 (at[0] == '0' + other && at[1] == '0' + item)))
			return true;
	return false;
}

/*
 * Items as "t:" with r, a or k: a change of type, what goes along with one, a
 * key; of table t, "." for none; with ! what does not move.  The result has
 * their numbers, with a blank before each statement but the first.
 */
static char *
grouped(const char *items, const char *bound)
{
	PgmGroupItem list[MAX_ITEMS];
	PgmGrouping grouping = {0, list, 26, is_bound,
	unconstify(char *, bound)};
	int			order[MAX_ITEMS];
	bool		begins[MAX_ITEMS];
	StringInfoData text;

	for (const char *at = items; *at; at++)
	{
		PgmGroupItem *item = &list[grouping.nitems];

		if (*at == ' ')
			continue;
		item->table = *at == '.' ? -1 : *at - 'a';
		at++;
		item->role = *at == 'r' ? PGM_DDL_RETYPE :
			*at == 'a' ? PGM_DDL_ALONG : PGM_DDL_APART;
		item->moves = at[1] != '!';
		at += at[1] == '!';
		grouping.nitems++;
	}
	pgm_group(&grouping, order, begins);
	initStringInfo(&text);
	for (int i = 0; i < grouping.nitems; i++)
		appendStringInfo(&text, "%s%d", i > 0 && begins[i] ? " " : "",
						 order[i]);
	return text.data;
}

void
test_group(void)
{
	unit_is(grouped("", ""), "", "no statements");
	unit_is(grouped("tr ta ta", ""), "012", "neighbours");
	unit_is(grouped("tr ur ta", ""), "02 1", "past another table");
	unit_is(grouped("tr .k ta", ""), "02 1", "past what is of no table");
	unit_is(grouped("ta .k tr", "12"), "1 02",
			"what comes before moves where what comes later cannot");
	unit_is(grouped("ta .k tr .k tr", "01 34"), "0 1 3 24",
			"a change of type does not leave others behind");
	unit_is(grouped("ta .k tr", "01 12"), "0 1 2", "neither of them can");
	unit_is(grouped("ta! .k tr", "12"), "0 1 2", "what does not move stays");
	unit_is(grouped("ta .k tr!", ""), "1 02",
			"but another may be brought to it");
	unit_is(grouped("ta! ta!", ""), "01", "and neighbours join");
	unit_is(grouped("tr tk", ""), "0 1", "no key beside a change of type");
	unit_is(grouped("tk tr ta tk", ""), "03 12", "keys by themselves");
	unit_is(grouped("tk .k tr", ""), "0 1 2",
			"a key that goes stays where it is, too");
	unit_is(grouped("ta tk", ""), "01", "all in one where no type changes");
	unit_is(grouped("tr uk tk ta", "13"), "1 2 03",
			"what cannot pass a key of another table stays behind it");
	unit_is(grouped("tr ur ta ua", "12"), "13 02",
			"each as far as it may");
	unit_is(grouped("tr ur ta", "01 12"), "0 1 2", "that may be nowhere");
	unit_is(grouped("tr ur tr ur", ""), "02 13", "two tables in turns");
	unit_is(grouped(".k .k", ""), "0 1", "what is of no table stands alone");
}
