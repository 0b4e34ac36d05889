/*-------------------------------------------------------------------------
 *
 * unit.h
 *	  What the unit tests of the readers share.
 *
 * A test gives files and the whole of what must come out, as text.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  test/unit/format/unit.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_TEST_FORMAT_UNIT_H
#define PGM_TEST_FORMAT_UNIT_H

#include "sqlscan.h"

extern void check(bool ok, const char *name);
extern void check_text(const char *got, const char *expected,
					   const char *name);

extern void test_sqlscan(void);

#endif							/* PGM_TEST_FORMAT_UNIT_H */
