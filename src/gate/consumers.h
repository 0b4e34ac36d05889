/*-------------------------------------------------------------------------
 *
 * consumers.h
 *	  Who is told of events, and what each has dealt with.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_GATE_CONSUMERS_H
#define PGM_GATE_CONSUMERS_H

#include "datatype/timestamp.h"
#include "funcapi.h"
#include "utils/array.h"

/* The consumer that is pgmigrate.notify_command. */
#define PGM_COMMAND_CONSUMER "notify_command"

/* Columns of an event that the command gets as variables. */
#define PGM_DELIVERY_VALUES 9

/*
 * What it has not acknowledged, as rows of the type of events(); begins to
 * remember a consumer that is new.
 */
extern void pgm_consumer_events(const char *consumer, int max,
								Tuplestorestate *store, TupleDesc tupdesc);

/* Raises an error unless there is one of this name that the caller may use. */
extern void pgm_consumer_check(const char *consumer);

/* How many of them were not acknowledged before; asks for no right. */
extern int	pgm_consumer_acknowledge(const char *consumer, ArrayType *ids);

/* False if there is no such consumer. */
extern bool pgm_consumer_drop(const char *consumer);

/*
 * Where it is not told of events yet, the command is told of those of this
 * transaction and of what follows.
 */
extern void pgm_consumer_begin_command(uint64 xid);

/* The next event that it has to be told of. */
typedef struct PgmDelivery
{
	int64		event;			/* 0: there is none now … */
	bool		pending;		/* … but one that has failed will be */
	char	   *json;
	char	   *env[PGM_DELIVERY_VALUES];	/* NULL where there is none */
	int			tries;
} PgmDelivery;

/* After the last event that was tried for the first time, 0 if none was. */
extern void pgm_consumer_next(PgmDelivery *delivery, int64 after);

/* It has failed, for this reason, and is tried again after so long. */
extern void pgm_consumer_failed(const PgmDelivery *delivery,
								const char *error, int64 milliseconds);

/* A part of what is to be forgotten, in no time worth speaking of. */
extern void pgm_events_prune_some(void);

/* All of it; 0: what the settings do not keep. */
extern int64 pgm_events_prune(TimestampTz before);

#endif							/* PGM_GATE_CONSUMERS_H */
