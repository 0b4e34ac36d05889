/*-------------------------------------------------------------------------
 *
 * main.c
 *	  Run the unit tests of the readers of migration files.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  test/unit/format/main.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "unit.h"

static int	npassed = 0;
static int	nfailed = 0;

void
check(bool ok, const char *name)
{
	if (ok)
		npassed++;
	else
	{
		nfailed++;
		printf("FAILED: %s\n", name);
	}
}

void
check_text(const char *got, const char *expected, const char *name)
{
	bool		ok = strcmp(got, expected) == 0;

	check(ok, name);
	if (!ok)
		printf("--- expected\n%s\n--- got\n%s\n---\n", expected, got);
}

int
main(int argc, char **argv)
{
	test_sqlscan();
	printf("%d passed, %d failed\n", npassed, nfailed);
	return nfailed > 0;
}
