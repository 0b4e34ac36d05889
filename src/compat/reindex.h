/*-------------------------------------------------------------------------
 *
 * reindex.h
 *	  The options of REINDEX, by server version.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_REINDEX_H
#define PGM_COMPAT_REINDEX_H

#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"

/* The options of REINDEX as they are written, without CONCURRENTLY. */
static inline void
pgm_reindex_options(StringInfo buf, ReindexStmt *stmt)
{
#if PG_VERSION_NUM >= 140000
	ListCell   *lc;

	foreach(lc, stmt->params)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "concurrently") == 0)
			continue;
		appendStringInfo(buf, "%s%s", buf->len > 0 ? ", " : "",
						 option->defname);
		if (option->arg != NULL)
			appendStringInfo(buf, " %s",
							 quote_identifier(defGetString(option)));
	}
#else
	if ((stmt->options & REINDEXOPT_VERBOSE) != 0)
		appendStringInfoString(buf, "verbose");
#endif
}

#endif							/* PGM_COMPAT_REINDEX_H */
