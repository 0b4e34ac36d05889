/*-------------------------------------------------------------------------
 *
 * authors.h
 *	  Whose SQL a revision is, and for whom it may run.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_AUTHORS_H
#define PGM_STORE_AUTHORS_H

#include "store/revision.h"

/*
 * Columns of pgmigrate.revision r: the roles that are meant now, as numbers, 0
 * for none.  OIDs are those of one cluster.  In another one, where the row
 * came with a dump, it is the names that count.
 */
#define PGM_AUTHOR_ROLE PGM_ROLE_MEANT("r.author", "r.author_oid")
#define PGM_APPROVER_ROLE PGM_ROLE_MEANT("r.approved_by", "r.approved_by_oid")
#define PGM_ROLE_MEANT(name, number) \
	"coalesce(CASE WHEN r.roles_of = pgmigrate.system_identifier() " \
	"THEN " number " ELSE (SELECT m.oid FROM pg_authid m " \
	"WHERE m.rolname = " name ") END, 0)::int8"

/* The same as an array of text. */
#define PGM_COAUTHOR_ROLES \
	"CASE WHEN r.coauthors = '{}' THEN '{}' " \
	"WHEN r.roles_of = pgmigrate.system_identifier() " \
	"THEN r.coauthor_oids::text[] " \
	"ELSE ARRAY(SELECT coalesce(m.oid, 0)::text " \
	"FROM unnest(r.coauthors) WITH ORDINALITY AS c (name, n) " \
	"LEFT JOIN pg_authid m ON m.rolname = c.name ORDER BY c.n) END"

/* Does this text, or NULL, have SQL of its author? */
extern bool pgm_text_is_blank(const char *text);

/*
 * The role changes SQL of the revision: it becomes the author, and those who
 * wrote what it has left as it was become coauthors.
 */
extern void pgm_author_changes(PgmRevision *revision,
							   const PgmRevision *before, Oid role);

/*
 * May the current user run what these authors wrote, in the schema that it is
 * made for?
 */
extern bool pgm_revision_is_trusted(const PgmRevision *revision);
extern void pgm_revision_check_trusted(const PgmRevision *revision);

/* The same as a reason, NULL if there is none. */
extern char *pgm_revision_why_not_trusted(const PgmRevision *revision);

/* Has the role, which may be none, the privileges of the one that runs? */
extern bool pgm_role_has_rights_of(Oid role, Oid runner);

/* The same for many, by their ids, and for any role that is to run them. */
extern void pgm_authors_check(int n, char **ids, Oid role);

#endif							/* PGM_STORE_AUTHORS_H */
