/*-------------------------------------------------------------------------
 *
 * heading.h
 *	  What tells a way up from a way down, and a tool from another.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_FORMAT_HEADING_H
#define PGM_FORMAT_HEADING_H

#include "format/internal.h"

/* What tern's markers have after the first two dashes. */
#define PGM_FORMAT_TERN_DOWN "-- create above / drop below ----"
#define PGM_FORMAT_TERN_PLAIN "-- tern: disable-tx ----"

/* Refuse a way up that has a way down in it; refuse a file by its name. */
extern bool pgm_format_check_way_up(PgmFormatContext *cx,
									const PgmFormatScript *script);
extern bool pgm_format_is_way_down(const char *path);

/* What names and contents tell of the tool. */
extern bool pgm_format_is_flyway(const char *base);
extern bool pgm_format_is_numbered(const char *base);
extern PgmFormat pgm_format_by_contents(const PgmFormatFile *file);
extern bool pgm_format_node_marker(const PgmFormatLine *line,
								   const char *direction);

#endif							/* PGM_FORMAT_HEADING_H */
