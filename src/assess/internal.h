/*-------------------------------------------------------------------------
 *
 * internal.h
 *	  Things that a statement names, looked up: for missing_objects.c and
 *	  look_*.c.
 *
 * Each raises the error that the server would, and has said in "names" and
 * "free" before what can have changed that.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ASSESS_INTERNAL_H
#define PGM_ASSESS_INTERNAL_H

#include "catalog/objectaddress.h"
#include "nodes/parsenodes.h"

#include "classify/verdict.h"
#include "compat/repack.h"

/* What is looked for at the moment. */
typedef struct PgmSeek
{
	const PgmVerdict *verdict;
	List	   *names;			/* of char *: whoever makes it says them */
	bool		free;			/* of a name that must not be taken, or of
								 * rights: much may change that */
	bool		last;			/* of what hangs on it: whatever changes the
								 * catalog before may change that */
	char	   *remedy;			/* what would help, or NULL */
} PgmSeek;

/* Must be there, and with "own" be one's own. */
extern ObjectAddress pgm_seek(PgmSeek *look, ObjectType type,
							  Node *object, bool missing_ok, bool own);
extern void pgm_seek_name(PgmSeek *look, ObjectType type, const char *name);
extern void pgm_seek_role(PgmSeek *look, const RoleSpec *role);
extern void pgm_seek_roles(PgmSeek *look, List *roles);

/* Whoever gives something to a role must be a member of it. */
extern void pgm_seek_new_owner(PgmSeek *look, const RoleSpec *role);
extern void pgm_seek_owner(PgmSeek *look, ObjectType type,
						   ObjectAddress address, Node *object,
						   Relation relation);

/* Of these kinds, with a message for others; NULL: of any. */
extern Oid	pgm_seek_relation(PgmSeek *look, const RangeVar *name,
							  const char *kinds, const char *complaint);
extern void pgm_seek_columns(PgmSeek *look, const RangeVar *name, Oid relid,
							 List *columns);

/* A name that is in the list twice, or NULL. */
extern const char *pgm_first_repeated(const List *names);

/* A name that must not be taken. */
extern void pgm_seek_free(PgmSeek *look, bool taken, ObjectType type,
						  const char *name);

/* All names in a part of a parse tree, after others. */
extern List *pgm_object_names(List *names, Node *object);
extern Oid	pgm_object_owner(const ObjectAddress *address);
extern char *pgm_option_text(List *options, const char *name);

/* ---- statements */

extern void pgm_seek_statement(PgmSeek *look, Node *stmt);

extern void pgm_seek_setting(PgmSeek *look, VariableSetStmt *set);

/* False if it is of another kind. */
extern bool pgm_seek_about_roles(PgmSeek *look, Node *stmt);
extern void pgm_seek_extension(PgmSeek *look, CreateExtensionStmt *stmt);
extern void pgm_seek_update(PgmSeek *look, AlterExtensionStmt *stmt);
extern void pgm_seek_vacuum(PgmSeek *look, VacuumStmt *stmt);
extern void pgm_seek_cluster(PgmSeek *look, ClusterStmt *stmt);
extern void pgm_seek_refresh(PgmSeek *look, RefreshMatViewStmt *stmt);
extern void pgm_seek_reindex(PgmSeek *look, ReindexStmt *stmt);
extern void pgm_seek_new_function(PgmSeek *look, CreateFunctionStmt *stmt);
extern void pgm_seek_call(PgmSeek *look, CallStmt *stmt);
extern void pgm_seek_event_trigger(PgmSeek *look, CreateEventTrigStmt *stmt);
extern void pgm_seek_lock(PgmSeek *look, LockStmt *stmt);
extern void pgm_seek_new_publication(PgmSeek *look,
									 CreatePublicationStmt *stmt);
extern void pgm_seek_publication(PgmSeek *look, AlterPublicationStmt *stmt);
extern void pgm_seek_explain(PgmSeek *look, ExplainStmt *stmt);
extern void pgm_seek_sequence(PgmSeek *look, AlterSeqStmt *stmt);

/* Must not be owned by a column. */
extern void pgm_seek_own_sequence(PgmSeek *look, const RangeVar *name,
								  const char *complaint);

#endif							/* PGM_ASSESS_INTERNAL_H */
