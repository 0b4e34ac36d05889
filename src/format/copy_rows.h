/*-------------------------------------------------------------------------
 *
 * copy_rows.h
 *	  What a COPY statement says of its data.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_FORMAT_COPY_ROWS_H
#define PGM_FORMAT_COPY_ROWS_H

#include "format/internal.h"

typedef struct PgmCopyTarget
{
	StringInfoData head;		/* INSERT INTO t (a, b) ... VALUES */
	char	   *condition;		/* WHERE ..., or NULL; rows are JSON then */
	int			ncolumns;		/* 0: not known before the first row */
	PgmFormatList columns;		/* named ones */
	int			nnewlines;		/* of the COPY statement, that head has not */
	bool		ascii;			/* rows must be, for their encoding */
	bool		csv;
	bool		header;
	char		delimiter;		/* '\0' until all options are read */
	char		quote;
	char		escape;
	char	   *null;
	bool		all_not_null;	/* FORCE_NOT_NULL * */
	bool		all_null;
	PgmFormatList not_null;		/* FORCE_NOT_NULL: columns */
	PgmFormatList force_null;
} PgmCopyTarget;

extern bool pgm_format_copy_target(PgmFormatContext *cx,
								   const PgmFormatScript *script,
								   const PgmSqlItem *item,
								   PgmCopyTarget *target);

#endif							/* PGM_FORMAT_COPY_ROWS_H */
