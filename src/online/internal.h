/*-------------------------------------------------------------------------
 *
 * internal.h
 *	  A change by a table beside, for the files that carry it out.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_INTERNAL_H
#define PGM_ONLINE_INTERNAL_H

#include "nodes/parsenodes.h"

#include "online/mapping.h"
#include "online/shadow_table.h"
#include "online/sync.h"
#include "store/operation.h"

/* Of the two tables in the schema of an operation. */
#define PGM_OLD_TABLE "pgm old"

typedef struct PgmShadow
{
	const PgmShadowRequest *request;
	PgmOperation *operation;
	MemoryContext context;		/* lives through all phases */
	bool		exchanges;		/* what it locks now is to be exchanged … */
	bool		together;		/* … or is that of all of the family */
	bool		local;			/* an exchange has no effect elsewhere */
	Oid			relid;
	Oid			root;			/* what the statement alters */
	List	   *family;			/* all that it changes, and are exchanged */
	Oid			owner;
	char	   *name;			/* of the table, qualified */
	int64		held;			/* by its last lock, microseconds … */
	int64		held_cpu;		/* … and those of the processor of them */
	List	   *sequences;		/* PgmSequenceNext, of its way back */
	List	  **told;			/* ErrorData of a look at it; NULL: raised */
	struct PgmAhead *ahead;		/* of the first of a family, or NULL */
	char	   *loaded;			/* the details that the rest is of, or NULL */

	/* what is kept in the details of the operation */
	char	   *schema;			/* ours, with both tables */
	Oid			beside;			/* with the new layout */
	Oid			old;			/* with the old one */
	Oid			trigger;
	uint64		before;			/* writers older than this did not fire it */
	Oid			key;			/* unique index of the table … */
	Oid			beside_key;
	Oid			old_key;
	PgmMappingText mapping;
	char	  **settings;		/* name and value in turn, for expressions */
	int			nsettings;
	char	   *inverse;		/* its subcommands back, NULL for none */
	char	   *no_way_back;	/* why it cannot be reverted, or NULL */
	int			nroots;			/* tables that are changed together */
	char	   *column_order;	/* what each column becomes, or NULL */
	char	   *order_by;		/* of the rows, or NULL */
	char	  **index_names;
	char	  **index_commands;
	int			nindexes;
	char	  **old_index_names;
	char	  **old_index_commands;
	int			nold_indexes;
} PgmShadow;

/* prepare.c: everything up to the triggers. */
extern void pgm_shadow_prepare(PgmShadow *shadow);
extern void pgm_shadow_add_triggers(PgmShadow *shadow);

/* pass.c: the subcommands of all statements of the pass; NIL for none. */
extern List *pgm_shadow_commands(const PgmShadow *shadow);

/* inverse.c: of the way back, by the caller's search_path, without the key. */
extern void pgm_shadow_inverse(const PgmShadow *shadow, PgmInverse *inverse);
extern List *pgm_inverse_commands(const PgmSource *inverse, Oid relid);
extern Bitmapset *pgm_key_columns(Oid index);

/* What is dropped before the statement, or before those of the pass. */
extern List *pgm_shadow_dropped_before(const PgmSource *source, int n);
extern List *pgm_shadow_dropped(const PgmShadow *shadow);

/* Does statement n change columns of the table, or of that above it? */
extern bool pgm_shadow_changes(const PgmShadow *shadow, int n);
extern bool pgm_shadow_can_go_along(Oid relid, const PgmSource *source,
									int n);

/*
 * family.c: the partitions of a table, or itself, and their operations.  The
 * first one of each of the tables that are changed together.
 */
extern List *pgm_shadow_leaves(Oid root);
extern List *pgm_shadow_family(const PgmOperation *operation);
extern bool pgm_shadow_is_whole(const PgmShadow *shadow);
extern List *pgm_shadow_heads(List *family);
extern char *pgm_shadow_no_way_back(List *family);
extern void pgm_shadow_completed(const PgmShadowRequest *request);

/* Is it one that can be carried out so? */
extern bool pgm_shadow_supports(Oid relid, const AlterTableCmd *command);

/* Raises an error if the change cannot be made so (any more). */
extern void pgm_shadow_refuse(const PgmShadow *shadow);

/* Reads the details of an operation; refuses one that is not what it was. */
extern void pgm_shadow_load(PgmShadow *shadow);
extern void pgm_shadow_check(const PgmShadow *shadow);
extern void pgm_shadow_check_guards(const PgmShadow *shadow);
extern void pgm_shadow_require_same(const PgmShadow *shadow, const char *diff);
extern void pgm_shadow_refuse_changed(const PgmShadow *shadow,
									  const char *what);

/*
 * shadow_table.c: of one table; clear leaves nothing that was made for it, and
 * forget takes what was from the details.
 */
extern void pgm_shadow_init(PgmShadow *shadow, const PgmShadowRequest *request,
							Oid relid);
extern void pgm_shadow_check_owner(Oid relid);
extern void pgm_shadow_clear(PgmShadow *shadow);
extern void pgm_shadow_forget(int64 id);

/* End a transaction that failed, and keep what the run holds. */
extern void pgm_shadow_abort(PgmShadow *shadow, int sqlstate);

/* copy.c, build_indexes.c, compare.c: in a worker. */
extern void pgm_shadow_copy(PgmShadow *shadow);
extern void pgm_shadow_wait_for_old_snapshots(PgmShadow *shadow);
extern void pgm_shadow_vacuum(PgmShadow *shadow);
extern void pgm_shadow_build_indexes(PgmShadow *shadow);
extern void pgm_shadow_analyze(PgmShadow *shadow);
extern void pgm_shadow_compare(PgmShadow *shadow);
extern int64 pgm_shadow_unfit(PgmShadow *shadow, bool forget);

/* switch.c: with the locks. */
extern void pgm_shadow_switch(PgmShadow *shadow);
extern void pgm_shadow_switch_back(PgmShadow *shadow, bool without_unfit);
extern void pgm_shadow_check_back(PgmShadow *shadow);	/* without them too */
extern const char *pgm_shadow_and_then(const PgmShadow *shadow);
extern void pgm_shadow_refuse_revert(const PgmShadow *shadow,
									 const char *detail);
extern void pgm_shadow_remove(PgmShadow *shadow);
extern void pgm_shadow_give_back_room(const PgmShadow *shadow);
extern void pgm_shadow_write_back(PgmShadow *shadow, Oid source);

#endif							/* PGM_ONLINE_INTERNAL_H */
