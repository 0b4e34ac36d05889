/*-------------------------------------------------------------------------
 *
 * lint.h
 *	  Rules about statements that hurt a database in use.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_LINT_LINT_H
#define PGM_LINT_LINT_H

#include "utils/hsearch.h"

#include "classify/verdict.h"
#include "strategy/strategy.h"

typedef enum PgmLevel
{
	PGM_LEVEL_INFO,
	PGM_LEVEL_WARNING,
	PGM_LEVEL_DANGER
} PgmLevel;

typedef struct PgmRule
{
	const char *id;
	PgmLevel	level;
	const char *title;
	int			since;			/* first major version it is about, or 0 */
	int			until;			/* last one, or 0 */
	const char *why;
	const char *safe;
} PgmRule;

typedef struct PgmFinding
{
	const PgmRule *rule;
	PgmLevel	level;			/* of the rule, or by what it does here */
	const char *relation;		/* or NULL */
	const char *column;			/* whose values may be lost, or NULL */
	const char *message;
	const char *hint;			/* the safe form, or NULL */
	const char *details;		/* a JSON object as text, or NULL */
	const char *allowed;		/* why it is suppressed, or NULL */
	bool		avoided;		/* by carrying the statement out online */
	bool		rows_go;		/* those of "relation" are deleted */
} PgmFinding;

/* One statement and what the rules have to say about it. */
typedef struct PgmJudged
{
	const PgmSource *source;
	int			n;
	char	   *revision;		/* or NULL */
	PgmVerdict *verdict;
	PgmStrategy *strategy;
	List	   *findings;		/* of PgmFinding * */
} PgmJudged;

/* All rules, in the order of their names. */
extern const PgmRule *pgm_lint_rules(int *n);
extern const PgmRule *pgm_lint_rule(const char *id);

/* Is its harm the time for which others are blocked? */
extern bool pgm_rule_is_blocking(const char *id);
extern const char *pgm_level_name(PgmLevel level);

/* What the statements of one source that were judged have left behind. */
typedef struct PgmLintPast
{
	const PgmEffect *locked;	/* the first table locked against everybody */
	List	   *enums;			/* of PgmJudged *: ALTER TYPE … ADD VALUE */
	List	   *alters;			/* of PgmJudged *: ALTER TABLE … NOT VALID */
	HTAB	   *altered;		/* first ALTER TABLE of a table, or NULL */
	HTAB	   *named;			/* statements by relation, or NULL */
	List	   *long_names;		/* that the server cuts off */
	const char *timeout;		/* the one that was set, or NULL */
	HTAB	   *held;			/* OIDs of relations locked, or NULL */
	int			nlocks;			/* on relations, new ones too */
	bool		shards;			/* of Citus were worked on in parallel */
	bool		sequential;		/* they are no more, by a SET */
} PgmLintPast;

/*
 * Judge one statement after those of the past, which is all zero before the
 * first one of a source.  Reads the catalog only.
 */
extern void pgm_lint_statement(PgmJudged *judged, PgmLintPast *past);

/* Add it to the past, when nothing can interrupt its judgement any more. */
extern void pgm_lint_remember(PgmJudged *judged, PgmLintPast *past);

/*
 * What the locks of later statements of a source mean for those before them: a
 * step takes them all before its first statement.  Of PgmJudged *, in order.
 */
extern void pgm_lint_foresee(List *judged);

/*
 * Apply the comments that allow a finding: those before the statement, in it,
 * and behind it on its last line.
 */
extern void pgm_lint_suppress(PgmJudged *judged);

/* See what is avoided: of all statements of a source. */
extern void pgm_lint_relieve(List *judged);

/* What is dropped and away for long, likewise.  "judged" is in order. */
extern void pgm_lint_away(List *judged);

/*
 * A statement on a column without the materialized views that need it: what
 * drops these and what depends on them, and makes all of it again; NULL if
 * there is none.
 */
extern char *pgm_lint_without_views(Oid relid, const char *column,
									const char *statement);

/* That of its rule, unless it is allowed or avoided. */
extern PgmLevel pgm_finding_level(const PgmFinding *finding);

extern PgmFinding *pgm_lint_find(PgmJudged *judged, const char *rule,
								 const PgmEffect *effect, char *message,
								 char *hint);

#endif							/* PGM_LINT_LINT_H */
