/*-------------------------------------------------------------------------
 *
 * row_image.h
 *	  Columns of a row as words that are equal only if the values are.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPARE_ROW_IMAGE_H
#define PGM_COMPARE_ROW_IMAGE_H

#include "access/tupdesc.h"
#include "access/htup.h"
#include "fmgr.h"

/* How the values of a type are written. */
typedef enum PgmImageKind
{
	PGM_IMAGE_BY_VALUE,
	PGM_IMAGE_FLOAT4,
	PGM_IMAGE_FLOAT8,
	PGM_IMAGE_FIXED,
	PGM_IMAGE_CSTRING,
	PGM_IMAGE_VARLENA,
	PGM_IMAGE_ARRAY,
	PGM_IMAGE_TEXT				/* as the output function of the type does */
} PgmImageKind;

typedef struct PgmImageColumn
{
	PgmImageKind kind;
	int			length;
	int			floats;			/* width of those that it is made of, or 0 */
	uint64		mask;			/* of what counts of a value */
	FmgrInfo   *output;			/* of what is compared as text */
} PgmImageColumn;

typedef struct PgmRowImage
{
	int			ncolumns;
	PgmImageColumn *columns;
	Size	   *ends;			/* of each column, in words */
	uint64	   *words;
	Size		nwords;
	Size		size;
	MemoryContext row_context;
} PgmRowImage;

/* For rows of these columns; lives in the current context. */
extern PgmRowImage *pgm_image_create(TupleDesc tupdesc);

/* The words in front of the values: a bit for each null. */
#define PGM_IMAGE_BITMAP(n) ((Size) ((n) + 63) / 64)

/* The first n columns of a row, in place of what was written before. */
extern void pgm_image_write(PgmRowImage *image, const Datum *values,
							const bool *nulls, int n);

/*
 * The same of a row as it is stored, in place of the values: equal only if
 * these are, but they may be equal where it is not.
 */
extern void pgm_image_write_stored(PgmRowImage *image, HeapTuple tuple,
								   int n);

#endif							/* PGM_COMPARE_ROW_IMAGE_H */
