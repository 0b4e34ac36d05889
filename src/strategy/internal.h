/*-------------------------------------------------------------------------
 *
 * internal.h
 *	  What the files that make up strategies share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STRATEGY_INTERNAL_H
#define PGM_STRATEGY_INTERNAL_H

#include "lib/stringinfo.h"

#include "base/spi_list.h"
#include "strategy/names.h"
#include "strategy/strategy.h"

/* A statement whose strategy is being made. */
typedef struct PgmMaker
{
	const PgmVerdict *verdict;
	const PgmSource *source;
	int			n;
	Node	   *stmt;
	const PgmEffect *subject;
	Oid			relid;			/* of the subject */
	Oid			namespace;
	char	   *relname;
	char	   *table;			/* quoted and qualified */
	const PgmRates *rates;
	bool		may_evaluate;	/* constants of the text */
	List	   *taken;			/* qualified names of what it makes */
	PgmStrategy *strategy;
} PgmMaker;

/* As whom the text may be analyzed, and run what it names; or InvalidOid. */
extern Oid	pgm_strategy_reader(const PgmMaker *maker);

/* Each leaves a plain strategy as it is, or says why it is plain. */
extern void pgm_strategy_create_index(PgmMaker *maker);
extern void pgm_strategy_drop_index(PgmMaker *maker);
extern void pgm_strategy_move_index(PgmMaker *maker);
extern void pgm_strategy_reindex(PgmMaker *maker);
extern void pgm_strategy_refresh(PgmMaker *maker);
extern void pgm_strategy_alter_table(PgmMaker *maker);
extern void pgm_strategy_change_rows(PgmMaker *maker);
extern void pgm_strategy_keep_tables(PgmMaker *maker);
extern bool pgm_strategy_keep_columns(PgmMaker *maker);

/* Of a table beside: or a column, or neither; and its way back. */
extern void pgm_strategy_choose_shadow(PgmMaker *maker);
extern void pgm_strategy_partition(PgmMaker *maker, AlterTableCmd *cmd);

/*
 * Does a part of an ALTER TABLE only change the catalog, as far as known?  Or
 * does it go through all rows, with no form that would not keep others out?
 */
extern bool pgm_strategy_part_is_short(AlterTableCmd *cmd);
extern bool pgm_strategy_part_is_long(Oid relid, AlterTableCmd *cmd);

/* Make it one of steps. */
extern void pgm_strategy_by_steps(PgmMaker *maker, const char *name);
extern PgmStrategyStep *pgm_strategy_add_step(PgmMaker *maker, char *sql,
											  char *undo);

/* A constraint of this definition: NOT VALID, then VALIDATE, the result. */
extern PgmStrategyStep *pgm_strategy_add_proved(PgmMaker *maker,
												const char *table,
												const char *name,
												const char *definition);
extern void pgm_strategy_stay_plain(PgmMaker *maker, const char *why);

/* The index CONCURRENTLY, and its end should the statement fail. */
extern void pgm_strategy_build_index(PgmMaker *maker, Oid relid,
									 bool unique, const char *name,
									 const char *definition);

/*
 * What relations of this strategy will be called: noted, and the names so
 * noted, of String, that are in the schema of a table.
 */
extern void pgm_strategy_take(PgmMaker *maker, Oid relid, const char *name);
extern List *pgm_strategy_taken(const PgmMaker *maker, Oid relid);

/* Of what they are about, and cannot have what is unique or refers. */
extern bool pgm_strategy_has_foreign_partition(Oid relid);

/* A unique index of a partitioned table needs the columns of its key. */
extern bool pgm_strategy_has_partition_key(Oid relid, List *columns);

/* What the statement as written would do to rows under a strong lock. */
extern void pgm_strategy_add_work(PgmMaker *maker, Oid relid, PgmWork work);

/*
 * Texts: without so many tokens at the beginning; and where in the source one
 * is that contains a position.
 */
extern char *pgm_strategy_skip_words(const char *text, int n);
extern int	pgm_strategy_find(const PgmSource *source, int n,
							  const char *text, int position);

/* The key columns of an index of the table, as texts. */
extern List *pgm_strategy_index_columns(Oid relid, const char *name);

/* Of a key: what its index is, after the name of the table; and its words. */
extern char *pgm_strategy_key_definition(const Constraint *key);
extern const char *pgm_strategy_key_kind(const Constraint *key);
extern const char *pgm_strategy_key_deferral(const Constraint *key);

/*
 * Steps that make those that the partitions lack; the text is what follows a
 * name.  "proof" is the step that proves that there are no nulls, or NULL: when
 * it is taken back, the columns are as they were.
 */
extern void pgm_strategy_keys_of_partitions(PgmMaker *maker,
											const Constraint *key,
											PgmStrategyStep *proof);
extern void pgm_strategy_references_of_partitions(PgmMaker *maker,
												  const Constraint *constraint,
												  const char *text);

#endif							/* PGM_STRATEGY_INTERNAL_H */
