/*-------------------------------------------------------------------------
 *
 * row_image.c
 *	  Columns of a row as words that are equal only if the values are.
 *
 * What counts is what is stored, not what an operator calls equal: 0 and -0,
 * 1.0 and 1.00, "a" and "A" under whatever collation are told apart, since
 * whoever reads the table can tell them apart.  So no operator and no hash
 * function of a type is called.  Where bytes may differ though everybody reads
 * the same, they are not looked at: how a value is toasted, a bitmap of nulls
 * in an array that has none, the payload of NaN.  Types of which that is not
 * known, those of extensions and row types, are compared as text.
 *
 * An image is a bitmap of nulls, then for each value that is not null one
 * word if it is passed by value, else its length and its bytes,
 * filled up to whole words.  So an image can be read in one way only.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "compare/row_image.h"
#include "compat/server.h"

#define IMAGE_WORDS 64

static PgmImageKind image_kind(Oid type);

/* How wide the numbers are of which a type is made; 0 if it is not. */
static int
float_width(Oid type)
{
	Oid			element = get_base_element_type(type);

	switch (OidIsValid(element) ? getBaseType(element) : type)
	{
		case FLOAT4OID:
			return sizeof(float4);
		case FLOAT8OID:
		case POINTOID:
		case LSEGOID:
		case BOXOID:
		case LINEOID:
		case CIRCLEOID:
			return sizeof(float8);
		default:
			return 0;
	}
}

static bool
is_array_of_images(Oid type)
{
	Oid			element = get_base_element_type(type);

	return OidIsValid(element) && image_kind(element) != PGM_IMAGE_TEXT;
}

/* Of a type that is no domain. */
static PgmImageKind
image_kind(Oid type)
{
	char		typtype = get_typtype(type);
	int16		length = get_typlen(type);

	if (typtype == TYPTYPE_DOMAIN)
		return image_kind(getBaseType(type));
	if (typtype == TYPTYPE_ENUM)
		return PGM_IMAGE_BY_VALUE;
	if (type == FLOAT4OID)
		return PGM_IMAGE_FLOAT4;
	if (type == FLOAT8OID)
		return PGM_IMAGE_FLOAT8;
	if (OidIsValid(get_element_type(type)) && length == -1 &&
		type != INT2VECTOROID && type != OIDVECTOROID)
		return is_array_of_images(type) ? PGM_IMAGE_ARRAY : PGM_IMAGE_TEXT;
	if (type >= FirstGenbkiObjectId || typtype == TYPTYPE_COMPOSITE ||
		typtype == TYPTYPE_PSEUDO)
		return PGM_IMAGE_TEXT;
	if (get_typbyval(type))
		return PGM_IMAGE_BY_VALUE;
	if (length > 0)
		return type == NAMEOID ? PGM_IMAGE_CSTRING : PGM_IMAGE_FIXED;
	return length == -1 ? PGM_IMAGE_VARLENA : PGM_IMAGE_CSTRING;
}

PgmRowImage *
pgm_image_create(TupleDesc tupdesc)
{
	PgmRowImage *image = palloc0(sizeof(PgmRowImage));

	image->ncolumns = tupdesc->natts;
	image->columns = palloc0(sizeof(PgmImageColumn) * Max(tupdesc->natts, 1));
	image->ends = palloc0(sizeof(Size) * Max(tupdesc->natts, 1));
	image->size = IMAGE_WORDS;
	image->words = palloc(sizeof(uint64) * image->size);
	image->row_context = AllocSetContextCreate(CurrentMemoryContext,
											   "pgmigrate compared row",
											   ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < tupdesc->natts; i++)
	{
		PgmImageColumn *column = &image->columns[i];
		Oid			type = getBaseType(TupleDescAttr(tupdesc, i)->atttypid);

		column->kind = image_kind(type);
		column->floats = float_width(type);
		column->length = get_typlen(type);
		column->mask = column->length < (int) sizeof(uint64) ?
			(UINT64CONST(1) << (8 * Max(column->length, 0))) - 1 :
			PG_UINT64_MAX;
		if (column->kind == PGM_IMAGE_TEXT)
		{
			Oid			output;
			bool		is_varlena;

			getTypeOutputInfo(type, &output, &is_varlena);
			column->output = palloc(sizeof(FmgrInfo));
			fmgr_info(output, column->output);
		}
	}
	return image;
}

static void
enlarge(PgmRowImage *image, Size n)
{
	while (image->nwords + n > image->size)
		image->size *= 2;
	image->words = repalloc_huge(image->words,
								 image->size * sizeof(uint64));
}

/* Room for so many words more. */
static inline uint64 *
image_room(PgmRowImage *image, Size n)
{
	if (unlikely(image->nwords + n > image->size))
		enlarge(image, n);
	return image->words + image->nwords;
}

static inline void
put_word(PgmRowImage *image, uint64 word)
{
	*image_room(image, 1) = word;
	image->nwords++;
}

/* A length and so many bytes. */
static inline void
put_bytes(PgmRowImage *image, const char *bytes, Size length)
{
	Size		n = (length + sizeof(uint64) - 1) / sizeof(uint64);
	uint64	   *room = image_room(image, n + 1);

	*room++ = length;
	image->nwords += n + 1;
	if (length > 64)
	{
		room[n - 1] = 0;
		memcpy(room, bytes, length);
		return;
	}

	/* most values are short, and a call takes longer than this */
	if (length < sizeof(uint64))
	{
		uint64		rest = 0;

		for (Size i = 0; i < length; i++)
			rest = rest << 8 | (unsigned char) bytes[i];
		if (length > 0)
			*room = rest;
		return;
	}
	for (Size i = 0; i + sizeof(uint64) <= length; i += sizeof(uint64))
		memcpy(room++, bytes + i, sizeof(uint64));

	/* the last eight bytes have the rest in them, and some once more */
	if (length % sizeof(uint64) != 0)
		memcpy(room, bytes + length - sizeof(uint64), sizeof(uint64));
}

static bool
has_nan(const char *bytes, Size length, int width)
{
	for (Size i = 0; i < length; i += width)
		if (width == sizeof(float4) ? isnan(*(const float4 *) (bytes + i)) :
			isnan(*(const float8 *) (bytes + i)))
			return true;
	return false;
}

/* Numbers of a width, or anything if it is 0. */
static void
put_numbers(PgmRowImage *image, const char *bytes, Size length, int width)
{
	char	   *copy;

	if (width == 0 || !has_nan(bytes, length, width))
	{
		put_bytes(image, bytes, length);
		return;
	}
	copy = palloc(length);
	memcpy(copy, bytes, length);
	for (Size i = 0; i < length; i += width)
		if (width == sizeof(float4) && isnan(*(float4 *) (copy + i)))
			*(float4 *) (copy + i) = (float4) NAN;
		else if (width == sizeof(float8) && isnan(*(float8 *) (copy + i)))
			*(float8 *) (copy + i) = NAN;
	put_bytes(image, copy, length);
}

static void
put_array(PgmRowImage *image, Datum value, int floats)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	int			ndim = ARR_NDIM(array);
	int			n = ArrayGetNItems(ndim, ARR_DIMS(array));

	put_word(image, (uint64) ndim);
	put_bytes(image, (char *) ARR_DIMS(array), ndim * sizeof(int));
	put_bytes(image, (char *) ARR_LBOUND(array), ndim * sizeof(int));
	if (array_contains_nulls(array))
		for (int i = 0; i < n; i += 8)
			put_word(image, ARR_NULLBITMAP(array)[i / 8] &
					 (n - i < 8 ? (1 << (n - i)) - 1 : 0xff));
	else
		put_word(image, PG_UINT64_MAX);
	put_numbers(image, ARR_DATA_PTR(array),
				ARR_SIZE(array) - (ARR_DATA_PTR(array) - (char *) array),
				floats);
}

static inline void
put_varlena(PgmRowImage *image, Datum value)
{
	struct varlena *plain = (struct varlena *) DatumGetPointer(value);

	if (VARATT_IS_1B(plain) && !VARATT_IS_1B_E(plain))
	{
		put_bytes(image, VARDATA_SHORT(plain),
				  VARSIZE_SHORT(plain) - VARHDRSZ_SHORT);
		return;
	}
	if (!VARATT_IS_4B_U(plain))
		plain = PG_DETOAST_DATUM_PACKED(value);
	put_bytes(image, VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain));
}

static pg_noinline void
put_other(PgmRowImage *image, PgmImageColumn *column, Datum value)
{
	char	   *text;

	switch (column->kind)
	{
		case PGM_IMAGE_FLOAT4:
			if (isnan(DatumGetFloat4(value)))
				value = Float4GetDatum((float4) NAN);
			put_word(image, (uint64) value & column->mask);
			break;
		case PGM_IMAGE_FLOAT8:
			{
				float8		number = DatumGetFloat8(value);
				uint64		bits;

				if (isnan(number))
					number = NAN;
				memcpy(&bits, &number, sizeof(bits));
				put_word(image, bits);
				break;
			}
		case PGM_IMAGE_FIXED:
			put_numbers(image, DatumGetPointer(value), column->length,
						column->floats);
			break;
		case PGM_IMAGE_CSTRING:
			text = DatumGetCString(value);
			put_bytes(image, text, strlen(text));
			break;
		case PGM_IMAGE_ARRAY:
			put_array(image, value, column->floats);
			break;
		case PGM_IMAGE_TEXT:
			text = OutputFunctionCall(column->output, value);
			put_bytes(image, text, strlen(text));
			break;
		default:
			elog(ERROR, "column has no kind");
	}
}

/* Two kinds are most of the columns there are. */
static inline void
put_value(PgmRowImage *image, PgmImageColumn *column, Datum value)
{
	if (column->kind == PGM_IMAGE_BY_VALUE)
		put_word(image, (uint64) value & column->mask);
	else if (column->kind == PGM_IMAGE_VARLENA)
		put_varlena(image, value);
	else
		put_other(image, column, value);
}

void
pgm_image_write(PgmRowImage *image, const Datum *values, const bool *nulls,
				int n)
{
	MemoryContext old = MemoryContextSwitchTo(image->row_context);
	uint64		bits = 0;

	image->nwords = 0;
	(void) image_room(image, PGM_IMAGE_BITMAP(n));
	image->nwords = PGM_IMAGE_BITMAP(n);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			bits |= UINT64CONST(1) << (i % 64);
		else
			put_value(image, &image->columns[i], values[i]);
		image->ends[i] = image->nwords;
		if (i % 64 == 63 || i == n - 1)
		{
			image->words[i / 64] = bits;
			bits = 0;
		}
	}
	MemoryContextSwitchTo(old);
	if (!image->row_context->isReset)
		MemoryContextReset(image->row_context);
}

void
pgm_image_write_stored(PgmRowImage *image, HeapTuple tuple, int n)
{
	HeapTupleHeader header = tuple->t_data;
	Size		length = tuple->t_len - header->t_hoff;
	Size		bitmap = PGM_IMAGE_BITMAP(n);
	Size		nwords = TYPEALIGN(sizeof(uint64), length) / sizeof(uint64);

	nwords += bitmap;
	image->nwords = 0;
	(void) image_room(image, nwords);
	image->nwords = nwords;
	image->words[nwords - 1] = 0;
	for (Size i = 0; i < bitmap; i++)
		image->words[i] = 0;
	if (header->t_infomask & HEAP_HASNULL)
		memcpy(image->words, header->t_bits, BITMAPLEN(n));
	memcpy(image->words + bitmap, (char *) header + header->t_hoff, length);
}
