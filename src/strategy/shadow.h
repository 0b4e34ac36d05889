/*-------------------------------------------------------------------------
 *
 * shadow.h
 *	  What a strategy asks of a folder below about tables and columns beside.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STRATEGY_SHADOW_H
#define PGM_STRATEGY_SHADOW_H

#include "sql/statements.h"

/*
 * Why one cannot be for statement n, or NULL.  What it computes is analyzed as
 * the role, which runs what it names; with InvalidOid it is not looked at.
 */
typedef char *(*PgmShadowRefusal) (Oid relid, const PgmSource *source, int n,
								   Oid role);

/* What is known of the way back before the change. */
typedef struct PgmWayBack
{
	char	   *none;			/* why there is none, or NULL */
	char	   *unfit;			/* what may not fit, as a list, or NULL */
} PgmWayBack;

/* Of which change, and who analyzes what it and its way back compute. */
typedef struct PgmWayBackOf
{
	Oid			relid;
	const PgmSource *source;
	int			n;				/* statement */
	bool		by_column;
	Oid			reader;			/* or InvalidOid */
	bool		authored;		/* by somebody with his rights */
} PgmWayBackOf;

typedef void (*PgmShadowWayBack) (const PgmWayBackOf *of, PgmWayBack *back);

extern void pgm_strategy_register_shadow(PgmShadowRefusal table,
										 PgmShadowRefusal column,
										 PgmShadowWayBack back);

#endif							/* PGM_STRATEGY_SHADOW_H */
