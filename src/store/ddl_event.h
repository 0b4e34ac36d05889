/*-------------------------------------------------------------------------
 *
 * ddl_event.h
 *	  Who changed the schema outside of revisions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_DDL_EVENT_H
#define PGM_STORE_DDL_EVENT_H

/*
 * In an event trigger: write down what the command made and changed, or what
 * it dropped.  What stands in the way is a WARNING.
 */
extern void pgm_ddl_event_write(const char *command, bool dropped);

/* As the current user. */
extern void pgm_ddl_event_enable(bool enable);

#endif							/* PGM_STORE_DDL_EVENT_H */
