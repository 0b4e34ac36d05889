/*-------------------------------------------------------------------------
 *
 * unit.h
 *	  What the unit tests of the readers share.
 *
 * A test gives files and the whole of what must come out, as text.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_TEST_FORMAT_UNIT_H
#define PGM_TEST_FORMAT_UNIT_H

#include "format/format.h"
#include "sql/lexer.h"

extern void check(bool ok, const char *name);
extern void check_text(const char *got, const char *expected,
					   const char *name);

/* The files are pairs of name and contents, ended by NULL. */
extern PgmFormatResult *read_pairs(PgmFormat format, const char *const *pairs);
extern char *dump_result(const PgmFormatResult *result);
extern void expect(const char *name, PgmFormat format,
				   const char *const *pairs, const char *expected);

/* One file 1_a.up.sql with this text: upgrade, flags, warnings or error. */
extern void expect_script(const char *name, const char *text,
						  const char *expected);

#define FILES(...) ((const char *const[]) {__VA_ARGS__, NULL})

extern void test_sqlscan(void);
extern void test_script(void);
extern void test_copy(void);
extern void test_native(void);
extern void test_pairs(void);
extern void test_markers(void);
extern void test_both_ways(void);
extern void test_headings(void);
extern void test_flyway(void);
extern void test_sqitch(void);
extern void test_alembic(void);
extern void test_structure(void);
extern void test_detect(void);
extern void test_write(void);
extern void test_history(void);

#endif							/* PGM_TEST_FORMAT_UNIT_H */
