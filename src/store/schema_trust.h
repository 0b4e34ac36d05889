/*-------------------------------------------------------------------------
 *
 * schema_trust.h
 *	  May SQL that names no schema run in this one, which others know too?
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_SCHEMA_TRUST_H
#define PGM_STORE_SCHEMA_TRUST_H

/*
 * It must be there, be of use to the role, and what can be found by its name
 * there must be from roles with the privileges of that one.
 */
extern void pgm_schema_check_trusted(const char *schema, Oid role,
									 bool to_create);

/* The same as a reason, NULL if there is none. */
extern char *pgm_schema_why_not_trusted(const char *schema, Oid role);

/* Let nobody drop it before the transaction ends. */
extern void pgm_schema_hold(const char *schema);

#endif							/* PGM_STORE_SCHEMA_TRUST_H */
