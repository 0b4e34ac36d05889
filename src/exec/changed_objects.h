/*-------------------------------------------------------------------------
 *
 * changed_objects.h
 *	  Which objects of the database statements make, change and drop.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_EXEC_CHANGED_OBJECTS_H
#define PGM_EXEC_CHANGED_OBJECTS_H

#include "access/htup.h"
#include "nodes/pg_list.h"

/* An object by its address, once, however often it was changed. */
typedef struct PgmChangedObject
{
	Oid			classid;
	Oid			objid;
	int32		subid;
	bool		created;
	bool		dropped;
	char	   *before;			/* its title before, NULL if it is new */
	char	   *schema;			/* of a relation or column, before … */
	char	   *name;
	char	   *column;
	char		relkind;
} PgmChangedObject;

/* What the server does not tell of: a comment, or a privilege. */
typedef struct PgmChangedFact
{
	bool		comment;
	Oid			classid;
	Oid			objid;
	int32		subid;
} PgmChangedFact;

typedef struct PgmChangedObjects PgmChangedObjects;

/* Once, when the library is loaded. */
extern void pgm_changed_register(void);

/* Nothing is noted before begin. */
extern PgmChangedObjects *pgm_changed_create(MemoryContext context);

/* Forget what was noted; a revision begins. */
extern void pgm_changed_reset(PgmChangedObjects *changed);

/*
 * From here to the end, what this process does is noted.  The end must come,
 * by way of an error too.  Types that come with tables only need not be looked
 * at.
 */
extern void pgm_changed_begin(PgmChangedObjects *changed, bool types);
extern void pgm_changed_end(void);

/* Of what the server does not tell: its privileges, say. */
extern void pgm_changed_note(PgmChangedObjects *changed, Oid classid,
							 Oid objid);

/*
 * The same of what is not an object: the comment, or the privileges, of a
 * column, a function or a schema.
 */
extern void pgm_changed_note_fact(PgmChangedObjects *changed, bool comment,
								  Oid classid, Oid objid, int32 subid);

/* PgmChangedFact *, as often as they were noted. */
extern List *pgm_changed_facts(const PgmChangedObjects *changed);

/* PgmChangedObject *, in the order in which they were first met. */
extern List *pgm_changed_list(const PgmChangedObjects *changed);

/*
 * What an object is called: its kind and its name, qualified and quoted.  NULL
 * if it is not there, or of no schema of a user.
 */
extern char *pgm_object_title(Oid classid, Oid objid, int32 subid);

/*
 * Quote only what needs it, whatever quote_all_identifiers says, until the end
 * of the caller's nest level of settings.
 */
extern void pgm_quote_where_needed(void);

/*
 * The relation or schema that a publication has, by the address of that, and
 * the name of the publication, NULL if it is not there; and what that is
 * called.
 */
extern Oid	pgm_published(Oid classid, Oid oid, char **publication);
extern char *pgm_published_title(const char *publication, Oid relid,
								 Oid namespace);

/* Only whether it is there can be told of such a one. */
extern bool pgm_object_is_plain(Oid classid);

/* The row of an object, a copy, or NULL. */
extern HeapTuple pgm_catalog_row(Oid catalog, Oid oid);

#endif							/* PGM_EXEC_CHANGED_OBJECTS_H */
