/*-------------------------------------------------------------------------
 *
 * schema_branch.h
 *	  Revisions of the database, made once more for each of several schemas.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_SCHEMA_BRANCH_H
#define PGM_STORE_SCHEMA_BRANCH_H

/*
 * May the current user have a branch of this schema?  The errors: he may not
 * store revisions, its name cannot be a label, it does not exist, he may not
 * create there, or somebody may who does not have his rights.
 */
extern void pgm_schema_branch_check(const char *schema);

/* No branch makes sense of those of the server and ours: an error. */
extern void pgm_schema_branch_refuse_system(const char *schema);

/*
 * Make what the target needs on the branch, and return the revision there that
 * is meant by it, NULL for base.
 */
extern char *pgm_schema_branch_make(const char *schema, const char *target);

/* The same for revisions of the database: their ids become those there. */
extern void pgm_schema_branch_make_each(const char *schema, int n,
										char **ids);

/*
 * The targets with which a stamp takes back all of it, or what "label@base"
 * says; NULL for nothing.
 */
extern char *pgm_schema_branch_base(const char *schema, const char *given);

/* Where the schema is, as ids of the revisions that those are made from. */
extern char **pgm_schema_branch_heads(const char *schema, int *n);

#endif							/* PGM_STORE_SCHEMA_BRANCH_H */
