/*-------------------------------------------------------------------------
 *
 * digest.c
 *	  Canonical digests of revisions.
 *
 * SHA-256 over length-prefixed fields, so that no two different lists of
 * fields give the same input.  Text is taken in UTF-8 whatever the encoding of
 * the database, so that the same revision has the same digest in each;
 * SQL_ASCII has no encoding to convert from and is taken as it is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "base/digest.h"
#include "compat/server.h"

void
pgm_digest_init(PgmDigest *digest, const char *domain)
{
	initStringInfo(&digest->input);
	pgm_digest_text(digest, domain);
}

void
pgm_digest_bytes(PgmDigest *digest, const char *text, int len)
{
	char	   *utf8 = pg_server_to_any(text, len, PG_UTF8);
	int			utf8_len = (utf8 == text) ? len : (int) strlen(utf8);

	appendStringInfo(&digest->input, "%d:", utf8_len);
	appendBinaryStringInfo(&digest->input, utf8, utf8_len);
	if (utf8 != text)
		pfree(utf8);
}

/* NULL is a field of its own, not the empty text. */
void
pgm_digest_text(PgmDigest *digest, const char *text)
{
	if (text == NULL)
		appendStringInfoChar(&digest->input, '-');
	else
		pgm_digest_bytes(digest, text, strlen(text));
}

void
pgm_digest_array(PgmDigest *digest, int n, char **texts)
{
	appendStringInfo(&digest->input, "%d;", n);
	for (int i = 0; i < n; i++)
		pgm_digest_text(digest, texts[i]);
}

char *
pgm_digest_final(PgmDigest *digest)
{
	static const char hex[] = "0123456789abcdef";
	bytea	   *input;
	bytea	   *output;
	char	   *result;
	int			len = digest->input.len;

	input = palloc(VARHDRSZ + len);
	SET_VARSIZE(input, VARHDRSZ + len);
	memcpy(VARDATA(input), digest->input.data, len);
	output = DatumGetByteaPP(DirectFunctionCall1(sha256_bytea,
												 PointerGetDatum(input)));
	len = VARSIZE_ANY_EXHDR(output);
	result = palloc(len * 2 + 1);
	for (int i = 0; i < len; i++)
	{
		unsigned char byte = VARDATA_ANY(output)[i];

		result[i * 2] = hex[byte >> 4];
		result[i * 2 + 1] = hex[byte & 0xf];
	}
	result[len * 2] = '\0';
	pfree(input);
	pfree(output);
	pfree(digest->input.data);
	return result;
}
