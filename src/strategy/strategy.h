/*-------------------------------------------------------------------------
 *
 * strategy.h
 *	  How a statement is carried out: as it is written, or online.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STRATEGY_STRATEGY_H
#define PGM_STRATEGY_STRATEGY_H

#include "classify/estimate.h"
#include "classify/verdict.h"
#include "exec/execute.h"
#include "lock/ladder.h"
#include "store/operation.h"
#include "strategy/marks.h"
#include "strategy/shadow.h"

/* What carries it out. */
typedef enum PgmStrategyKind
{
	PGM_STRATEGY_PLAIN,			/* as it is written */
	PGM_STRATEGY_SQL,			/* by steps of SQL, in place */
	PGM_STRATEGY_SHADOW_TABLE,	/* a copy beside, then a switch */
	PGM_STRATEGY_SHADOW_COLUMN, /* another column beside, then a switch */
	PGM_STRATEGY_KEEP,			/* DROP COLUMN, DROP TABLE: values kept */
	PGM_STRATEGY_WAY_BACK		/* what a change has kept takes its place */
} PgmStrategyKind;

#define PGM_NSTRATEGIES (PGM_STRATEGY_WAY_BACK + 1)

/*
 * A part of a strategy that commits by itself.  Names in it are qualified;
 * what the user wrote, expressions and definitions, is as he wrote it and
 * means what it means in his session.
 */
typedef struct PgmStrategyStep
{
	char	   *sql;			/* one that commits by itself, or statements
								 * of one transaction */
	char	   *only_if;		/* query of the catalog with a boolean; NULL:
								 * always */
	char	   *column;			/* it proves this one without nulls; or NULL */
	char	   *violation;		/* the statement's own message where a row is
								 * in the way, "%s" is its table; or NULL */
	char	   *undo;			/* takes the step back, done or half done;
								 * NULL: there is nothing to take back */
	char	   *refill;			/* UPDATE of the rows in its way, or NULL */
	bool		backfill;		/* an UPDATE or DELETE, range by range */
} PgmStrategyStep;

typedef struct PgmStrategy
{
	PgmStrategyKind kind;
	const char *name;			/* as it is shown */
	char	   *why;			/* … plain, or this one */
	char	   *figures;		/* by which it is this one of two, or NULL */
	bool		refused;		/* plain for want of a way */
	bool		passed_over;	/* a way back that was taken already */
	bool		goes_along;		/* with one before, which has all the time */
	Oid			relid;			/* what it is about; of plain 0 */
	PgmOperationMethod method;
	List	   *steps;			/* of PgmStrategyStep *, of PGM_STRATEGY_SQL */

	double		plain_ms;		/* of locks others wait for, as written */
	double		online_ms;		/* of all steps online */
	PgmVerdict *verdict;		/* of the steps, once it was asked for */
	PgmWayBack	back;			/* of a shadow table or column */
} PgmStrategy;

typedef struct PgmOnline PgmOnline;

/* An operation being carried out; for all kinds but PLAIN. */
struct PgmOnline
{
	const PgmExec *exec;
	PgmLockWait *wait;
	const PgmSource *source;	/* of the revision */
	int			n;				/* statement, from 0 */
	const PgmVerdict *verdict;
	const PgmStrategy *strategy;
	PgmOperation *operation;	/* begun, or that of a run before */

	/* to be called in the transaction that completes the statement */
	void		(*complete) (PgmOnline *online);
	void	   *arg;			/* of the runner */
};

/*
 * In a worker, outside of a transaction, also on return.  It is called again
 * with the operation's row after a failure or a crash, and goes on.  The
 * memory context outlives transactions.
 */
typedef void (*PgmOnlineExecutor) (PgmOnline *online);

/* Is there a kind of strategy for such a statement at all?  Cheap. */
extern bool pgm_strategy_possible(const Node *stmt);

/*
 * The strategy of a statement, by the settings and the sizes of now.  The
 * verdict is that of its classification, tried or not.  May constants of the
 * text be evaluated: as whom it was tried, or, where it was not, with the
 * rights of the current user?  In a transaction; takes no lock that anybody
 * waits for.
 */
extern PgmStrategy *pgm_strategy_choose(const PgmVerdict *verdict,
										const PgmRates *rates,
										bool may_evaluate);

/* The one that there is, whatever settings and sizes say; its time is not. */
extern PgmStrategy *pgm_strategy_possibility(const PgmVerdict *verdict,
											 bool may_evaluate);

extern PgmStrategy *pgm_strategy_plain(const char *why);	/* refused */

/* Of a downgrade: an operation of the upgrade is reverted instead, or was. */
extern PgmStrategy *pgm_strategy_way_back(Oid relid, int64 operation,
										  bool passed_over);

/*
 * What its steps lock, and how one relation of the plain statement is locked
 * by them; as the statement itself where it is plain.
 */
extern const PgmVerdict *pgm_strategy_verdict(PgmStrategy *strategy,
											  const PgmVerdict *plain);

/* Milliseconds for all of it; negative if it cannot be told. */
extern double pgm_strategy_estimate(const PgmStrategy *strategy,
									const PgmRates *rates,
									const PgmVerdict *plain);
extern PgmEffect pgm_strategy_effect(PgmStrategy *strategy,
									 const PgmEffect *effect);

/*
 * Why no statement of this source can be carried out online, as a clause:
 * something in it is to be seen by the others before a commit.  NULL if they
 * can.
 */
extern char *pgm_strategy_obstacle(const PgmSource *source);

/* The steps as a script, each for a revision of its own; NULL: no steps. */
extern char *pgm_strategy_text(const PgmStrategy *strategy);

/* For the details of the operation: the same steps are to be found again. */
extern char *pgm_strategy_steps_json(const PgmStrategy *strategy);
extern List *pgm_strategy_steps_read(const char *details);
extern void pgm_strategy_say_as_written(const PgmStrategyStep *step,
										const char *relation, ErrorData *edata);

#endif							/* PGM_STRATEGY_STRATEGY_H */
