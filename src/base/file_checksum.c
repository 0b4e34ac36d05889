/*-------------------------------------------------------------------------
 *
 * file_checksum.c
 *	  The checksums of files that migration tools keep.
 *
 * They are taken of the file when it is loaded: what is stored of it may be
 * other text, without the BEGIN and COMMIT around it for one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "port/pg_crc32c.h"
#include "utils/json.h"
#include "utils/pg_crc.h"

#include "base/file_checksum.h"
#include "compat/hash.h"

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

int32
pgm_checksum_of_lines(const char *data, size_t len)
{
	const char *at = data;
	const char *end = data + len;
	pg_crc32	crc;

	if (len >= 3 && memcmp(data, BYTE_ORDER_MARK, 3) == 0)
		at += 3;
	INIT_TRADITIONAL_CRC32(crc);
	while (at < end)
	{
		const char *start = at;

		while (at < end && *at != '\r' && *at != '\n')
			at++;
		COMP_TRADITIONAL_CRC32(crc, start, at - start);
		if (at < end && *at == '\r')
			at++;
		if (at < end && *at == '\n')
			at++;
	}
	FIN_TRADITIONAL_CRC32(crc);
	return (int32) crc;
}

#ifdef PGM_HAVE_CRYPTOHASH

static void
add_hash(StringInfo json, const char *name, pg_cryptohash_type type,
		 size_t size, const char *data, size_t len)
{
	uint8		hash[64];
	pg_cryptohash_ctx *context = pg_cryptohash_create(type);

	Assert(size <= sizeof(hash));
	if (context == NULL || pg_cryptohash_init(context) < 0 ||
		pg_cryptohash_update(context, (const uint8 *) data, len) < 0 ||
		pg_cryptohash_final(context, hash, size) < 0)
	{
		/* a library may not allow the old ones */
		pg_cryptohash_free(context);
		return;
	}
	pg_cryptohash_free(context);
	appendStringInfo(json, ", \"%s\": \"", name);
	for (size_t i = 0; i < size; i++)
		appendStringInfo(json, "%02x", hash[i]);
	appendStringInfoChar(json, '"');
}

static void
add_hashes(StringInfo json, const char *data, size_t len)
{
	add_hash(json, "md5", PG_MD5, 16, data, len);
	add_hash(json, "sha1", PG_SHA1, 20, data, len);
	add_hash(json, "sha256", PG_SHA256, 32, data, len);
	add_hash(json, "sha384", PG_SHA384, 48, data, len);
}

#else

static void
add_hashes(StringInfo json, const char *data, size_t len)
{
}

#endif

char *
pgm_checksums_json(const char *file, const char *data, size_t len)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"file\": ");
	escape_json(&json, file);
	appendStringInfo(&json, ", \"crc32\": %d",
					 pgm_checksum_of_lines(data, len));
	add_hashes(&json, data, len);
	appendStringInfoChar(&json, '}');
	return json.data;
}
