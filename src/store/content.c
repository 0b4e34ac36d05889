/*-------------------------------------------------------------------------
 *
 * content.c
 *	  Are two texts of a revision the same but for how a file is saved?
 *
 * Version control writes the line ends of the machine, and editors add or
 * leave out a newline at the end: a file that differs in that alone is the
 * same revision.  What is stored, and what approvals and the ledger hold, is
 * the text byte for byte nevertheless, since line ends inside of a literal
 * are data.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "store/authoring.h"
#include "store/content.h"

/* Length of the text without the white space at its end. */
static size_t
trimmed_length(const char *text)
{
	size_t		len = strlen(text);

	while (len > 0 && strchr(" \t\r\n\f\v", text[len - 1]) != NULL)
		len--;
	return len;
}

/* The text with plain line ends and nothing after the last word; palloc'd. */
static char *
normal(const char *text)
{
	size_t		len;
	char	   *result;
	char	   *out;

	if (text == NULL)
		return NULL;
	len = trimmed_length(text);
	result = out = palloc(len + 1);
	for (size_t i = 0; i < len; i++)
	{
		if (text[i] != '\r' || text[i + 1] != '\n')
			*out++ = text[i];
	}
	*out = '\0';
	return result;
}

bool
pgm_content_same(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0 || strcmp(normal(a), normal(b)) == 0;
}

char *
pgm_content_digest(const char *upgrade, const char *downgrade,
				   const char *verify, PgmTristate transactional)
{
	char	   *texts[] = {normal(upgrade), normal(downgrade), normal(verify)};
	char	   *digest = pgm_revision_digest(texts[0], texts[1], texts[2],
											 transactional);

	for (int i = 0; i < lengthof(texts); i++)
	{
		if (texts[i] != NULL)
			pfree(texts[i]);
	}
	return digest;
}
