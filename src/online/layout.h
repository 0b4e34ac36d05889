/*-------------------------------------------------------------------------
 *
 * layout.h
 *	  Tables with the same layout, and the files under them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_LAYOUT_H
#define PGM_ONLINE_LAYOUT_H

#include "nodes/parsenodes.h"
#include "utils/relcache.h"

#include "lock/needs.h"

/*
 * An empty table like another, in a schema: columns under the same numbers,
 * dropped ones too, defaults, NOT NULL and CHECK; the same owner, options and
 * tablespace.  Not identity, inheritance, triggers, grants.
 */
extern Oid	pgm_layout_create(Relation like, const char *name, Oid schema);

/*
 * All indexes of a table on another one of the same layout, under their own
 * names or others; as constraints or not.  As the owner.
 */
extern void pgm_layout_copy_indexes(Relation like, Oid relid,
									bool constraints);

/*
 * The command that makes an index again, and the same for another table and
 * under another name.
 */
extern char *pgm_layout_index_command(Oid index);
extern IndexStmt *pgm_layout_index_statement(const char *command,
											 const char *name, Oid relid);

/* A copy of an ALTER TABLE, for another table alone. */
extern AlterTableStmt *pgm_layout_alter_statement(const Node *stmt, Oid relid);

/*
 * What an index holds and how, whatever it and its table are called, where it
 * is stored, and whether it is unique; to be compared by equal().
 */
extern IndexStmt *pgm_layout_index_form(Oid index);

/*
 * What ALTER INDEX has said of columns of the indexes of a table, for those of
 * another one that are the same.
 */
extern void pgm_layout_copy_statistics(Oid from, Oid to);

/* Why rows of the one could not be read as rows of the other, or NULL. */
extern char *pgm_layout_difference(Relation a, Relation b);

/* Do two indexes have the same entries for the same rows? */
extern bool pgm_layout_same_index(Relation a, Relation b);

/*
 * The unique index that rows are known by: primary key, or one of the same
 * strength.  InvalidOid if there is none.
 */
extern Oid	pgm_layout_key(Relation rel);

/*
 * A unique index in words that are kept, and the one of the table that they
 * mean now, whatever has become of the first one; InvalidOid if there is none.
 */
extern char *pgm_layout_key_text(Oid index);
extern Oid	pgm_layout_find_key(Relation rel, const char *text);

/* The key, or what the table has where REINDEX CONCURRENTLY replaced it. */
extern Oid	pgm_layout_key_now(Oid relid, Oid key);

/* The index of a table that is the same as this one, or InvalidOid. */
extern Oid	pgm_layout_find_index(Relation rel, Oid like);

/* Those of a table that have none like them on the other one, each for one. */
extern List *pgm_layout_unpaired(Relation a, Relation b);

/*
 * Exchange the files of two tables and of all their indexes.  Both are locked
 * against everybody.  Does nothing but return what differs, unless it
 * returns NULL.
 */
extern char *pgm_layout_swap(Oid a, Oid b);

/*
 * The one is partitioned, and has no partitions: it becomes an ordinary table
 * with the files of the other, which is partitioned then, by nothing yet.
 */
extern char *pgm_layout_exchange_kinds(Oid a, Oid b);

/* Returns that only. */
extern char *pgm_layout_check(Oid a, Oid b);

/* The values that rows have which were written before a column was added. */
extern void pgm_layout_copy_missing(Oid from, Oid to);

/* statistics_targets.c: of statistics objects, as an object of jsonb. */
extern char *pgm_statistics_targets(Oid relid);
extern void pgm_statistics_restore_targets(Oid relid, const char *targets);

/*
 * Ours, whoever owns it: not dumped, not dropped by others, and gone with the
 * extension.
 */
extern void pgm_layout_make_member(Oid class, Oid object);

/* Qualified and quoted; NULL if it is gone. */
extern char *pgm_layout_name(Oid relid);

/* The lock is needed too, unless the relation is gone. */
extern void pgm_layout_need(PgmLockNeeds *needs, Oid relid, LOCKMODE mode);

/*
 * An expression as it is in a row of the catalog, by its system cache; or
 * NULL.  The relcache would compute what is constant in it, by functions of
 * the owner, with the rights of whoever looks.
 */
extern Node *pgm_layout_stored(int cache, HeapTuple tuple,
							   AttrNumber attribute);

/* As the current user; no event trigger sees it. */
extern void pgm_layout_run(Node *stmt, const char *text);
extern void pgm_layout_run_text(const char *text);

#endif							/* PGM_ONLINE_LAYOUT_H */
