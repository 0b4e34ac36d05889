/*-------------------------------------------------------------------------
 *
 * session_objects.h
 *	  What a revision leaves in the session, and the end of it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_EXEC_SESSION_OBJECTS_H
#define PGM_EXEC_SESSION_OBJECTS_H

#include "sql/statements.h"

/*
 * The temporary objects that are there now, in the current memory context: a
 * list of OIDs, to be given to pgm_session_objects_drop later.  In a
 * transaction.
 */
extern List *pgm_session_objects(void);

/*
 * Drop the temporary objects that are not in "before", and the prepared
 * statements and cursors that the source makes.  In a transaction, outside of
 * any statement.  An object whose deferred triggers have not fired yet stays.
 */
extern void pgm_session_objects_drop(const List *before,
									 const PgmSource *source);

/*
 * In a worker, whose session is nobody else's, all of them: prepared
 * statements and cursors in the transaction of the revision, the temporary
 * objects in one after it, when no trigger of theirs is deferred any more.
 * The second need only be called where the session has a temporary schema.
 */
extern void pgm_session_objects_close_all(void);
extern bool pgm_session_objects_any(void);
extern void pgm_session_objects_drop_all(void);

#endif							/* PGM_EXEC_SESSION_OBJECTS_H */
