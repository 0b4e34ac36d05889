/*-------------------------------------------------------------------------
 *
 * unit.h
 *	  A harness small enough to be read: counting, graphs from text.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNIT_H
#define UNIT_H

#include "graph/graph.h"

extern int	unit_passed;
extern int	unit_failed;

/* Count one check and print it, or only if it failed when quiet. */
extern bool unit_check(bool passed, bool quiet, const char *fmt,...)
			pg_attribute_printf(3, 4);
extern void unit_is(const char *got, const char *expected, const char *name);

/*
 * Revisions in load order, separated by blanks, each written as
 * id<parent,parent+dependency,dependency/label,label.
 */
extern PgmGraph *unit_build(const char *spec);
extern PgmGraph *unit_graph(const char *spec);

/* Rows from ids separated by blanks; false if refused. */
extern bool unit_rows(const PgmGraph *graph, const char *ids, PgmRevSet *rows,
					  PgmGraphError *error);

/*
 * Follow a plan and describe it: "+b -c =d" for up, down and stamp, then the
 * rows at the end in load order, as in "+b +c [c]".  Complains if a step
 * removes a row that is not there or adds one that is.
 */
extern char *unit_describe(const PgmGraph *graph, PgmRevSet rows,
						   const PgmGraphPlan *plan, char sign);
extern char *unit_error(const PgmGraphError *error);
extern char *unit_ids(const PgmGraph *graph, PgmRevSet set);

extern void test_catalogs(void);
extern void test_compare(void);
extern void test_examples(void);
extern void test_pace(void);
extern void test_pacer(void);
extern void test_shadow_cost(void);
extern void test_diff(void);
extern void test_group(void);
extern void test_property(void);
extern void test_scale(void);

#endif							/* UNIT_H */
