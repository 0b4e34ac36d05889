/*-------------------------------------------------------------------------
 *
 * scan.h
 *	  The server's lexer, by server version.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_SCAN_H
#define PGM_COMPAT_SCAN_H

#include "parser/parser.h"
#include "parser/scanner.h"

/* No warnings of backslashes: they mean nothing in a literal since 19. */
#if PG_VERSION_NUM >= 190000
#define pgm_scan_quietly(extra) ((void) (extra))
#define PGM_STRINGS_CONFORM true
#else
#define pgm_scan_quietly(extra) ((extra)->escape_string_warning = false)
#define PGM_STRINGS_CONFORM standard_conforming_strings
#endif

#endif							/* PGM_COMPAT_SCAN_H */
