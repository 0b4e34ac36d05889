/*-------------------------------------------------------------------------
 *
 * authoring.h
 *	  What may be stored as a revision, changed and removed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_AUTHORING_H
#define PGM_STORE_AUTHORING_H

#include "store/revision.h"

/* Bytes of a message, which says in a few words what a revision does. */
#define PGM_MESSAGE_MAX 10240

/*
 * Check and store.  The id may be NULL: a digest is put in its place.  Parents
 * and dependencies may be any target that names one revision; they are
 * replaced by ids.  parents_given = false means the only head.
 */
extern void pgm_author_store(PgmRevision *revision, bool parents_given,
							 bool splice);

/*
 * For revisions that are made from others: take the lock on the store; then
 * store one, whose parents and dependencies are ids, or write its texts anew.
 * The author is the current user, coauthors are as they are given.
 */
extern void pgm_author_lock(void);
extern void pgm_author_store_made(PgmRevision *revision);
extern void pgm_author_make_again(PgmRevision *made);

/* Parents are targets, "heads" for all of them. */
extern void pgm_author_merge(PgmRevision *revision);

/* NULL members of change leave what is stored. */
extern const char *pgm_author_amend(const PgmRevision *change);
extern const char *pgm_author_remove(const char *id);
extern const char *pgm_author_approve(const char *id, const char *digest);

/*
 * The revision of this id or unique prefix; an error if there is none.  Of one
 * whose row was lost look() returns NULL and tells the id, find() an error.
 */
extern PgmRevision *pgm_author_find(const char *target);
extern PgmRevision *pgm_author_look(const char *target, const char **id);

/* The id that a revision without one gets; parents must be ids. */
extern char *pgm_author_id(const PgmRevision *revision);

extern char *pgm_revision_digest(const char *upgrade, const char *downgrade,
								 const char *verify,
								 PgmTristate transactional);

#endif							/* PGM_STORE_AUTHORING_H */
