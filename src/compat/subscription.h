/*-------------------------------------------------------------------------
 *
 * subscription.h
 *	  Options of subscriptions, which each server version has some more of.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_SUBSCRIPTION_H
#define PGM_COMPAT_SUBSCRIPTION_H

/* Of s, a row of pg_subscription: what is not as usual. */
#if PG_VERSION_NUM >= 190000
#define PGM_SQL_RETENTION \
	"CASE WHEN s.subretaindeadtuples THEN 'retain dead tuples' END, " \
	"'max retention ' || nullif(s.submaxretention, 0), " \
	"'wal receiver timeout ' || nullif(s.subwalrcvtimeout, '-1'), " \
	"'server ' || (SELECT quote_ident(v.srvname) FROM pg_foreign_server v " \
	"WHERE v.oid = s.subserver), "
#else
#define PGM_SQL_RETENTION ""
#endif
#if PG_VERSION_NUM >= 170000
#define PGM_SQL_FAILOVER PGM_SQL_RETENTION \
	"CASE WHEN s.subfailover THEN 'failover' END, "
#else
#define PGM_SQL_FAILOVER ""
#endif
#if PG_VERSION_NUM >= 160000
#define PGM_SQL_OF_APPLYING PGM_SQL_FAILOVER \
	"'streaming ' || nullif(s.substream, 'f')::text, " \
	"'origin ' || nullif(s.suborigin, 'any'), " \
	"CASE WHEN s.subrunasowner THEN 'run as owner' END, " \
	"CASE WHEN NOT s.subpasswordrequired THEN 'no password required' END, "
#else
#define PGM_SQL_OF_APPLYING "CASE WHEN s.substream THEN 'streaming' END, "
#endif
#if PG_VERSION_NUM >= 150000
#define PGM_SQL_SUBSCRIPTION_OPTIONS PGM_SQL_OF_APPLYING \
	"CASE WHEN s.subbinary THEN 'binary' END, " \
	"CASE WHEN s.subtwophasestate <> 'd' THEN 'two phase' END, " \
	"CASE WHEN s.subdisableonerr THEN 'disable on error' END"
#else
#define PGM_SQL_SUBSCRIPTION_OPTIONS "NULL::text"
#endif

#endif							/* PGM_COMPAT_SUBSCRIPTION_H */
