/*-------------------------------------------------------------------------
 *
 * expressions.c
 *	  Expressions in the forms that survive a dump and restore.
 *
 * The server writes an expression so that it reads back as the same, with one
 * exception that is in half of all schemas: a cast of an array.  What was
 * written as
 *
 *		CHECK (state IN ('a', 'b'))
 *
 * over a column of type varchar is put out as
 *
 *		(ARRAY['a'::character varying, 'b'::character varying])::text[]
 *
 * and this reads back with the cast moved into the array:
 *
 *		ARRAY[('a'::character varying)::text, ('b'::character varying)::text]
 *
 * which is read and put out as it is from then on.  So the first is taken for
 * the second where texts are compared.  Where the first is to come about it is
 * written with the type that the array has anyhow,
 *
 *		((ARRAY['a'::character varying, ...])::character varying[])::text[]
 *
 * which changes nothing but that the other cast stays outside.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include <ctype.h>

#include "lib/stringinfo.h"

#include "schema/expressions.h"

#define ARRAY_START "(ARRAY["

/* The end of the quoted text that begins here; without a quote: here. */
static const char *
skip_quoted(const char *at)
{
	char		quote = *at;

	if (quote != '\'' && quote != '"')
		return at;
	for (at++; *at; at++)
		if (*at == quote && *++at != quote)
			break;
	return at;
}

/*
 * The bracket that closes the array whose contents begin here, or NULL; the
 * places of the commas between its elements go to the list.
 */
static const char *
find_closing(const char *at, const char ***commas, int *ncommas)
{
	int			depth = 0;
	int			size = 8;

	*ncommas = 0;
	*commas = palloc(sizeof(char *) * size);
	while (*at)
	{
		const char *end = skip_quoted(at);

		if (end != at)
		{
			at = end;
			continue;
		}
		if (*at == '(' || *at == '[')
			depth++;
		else if (*at == ']' && depth == 0)
			return at;
		else if (*at == ')' || *at == ']')
			depth--;
		else if (*at == ',' && depth == 0)
		{
			if (*ncommas == size)
				*commas = repalloc(*commas, sizeof(char *) * (size *= 2));
			(*commas)[(*ncommas)++] = at;
		}
		at++;
	}
	return NULL;
}

/* The length of the type's name before the [] that ends it, or 0. */
static size_t
element_type_length(const char *type)
{
	const char *at = type;
	int			depth = 0;

	while (*at)
	{
		const char *end = skip_quoted(at);

		if (end != at)
		{
			if (*at == '\'')
				return 0;
			at = end;
			continue;
		}
		if (strncmp(at, "[]", 2) == 0)
			return at - type;
		if (*at == '(')
			depth++;
		else if (*at == ')' && depth-- == 0)
			return 0;
		else if (*at == ',' && depth == 0)
			return 0;
		else if (strchr(" .,_$()", *at) == NULL &&
				 !isalnum((unsigned char) *at) && !IS_HIGHBIT_SET(*at))
			return 0;
		at++;
	}
	return 0;
}

/*
 * The type that an element is cast to, the last thing in it; NULL if it is not
 * told, or with a length, which a cast of the array would not have.
 */
static char *
type_of_element(const char *element)
{
	const char *at = element + (strncmp(element, "E'", 2) == 0);
	int			depth = 0;
	char	   *type;

	if (strncmp(at, "NULL", 4) == 0)
		at += 4;
	else if (*at == '\'')
		at = skip_quoted(at);
	else
		while (*at && (depth > 0 || *at == '('))
		{
			const char *end = skip_quoted(at);

			depth += (*at == '(') - (*at == ')');
			at = end == at ? at + 1 : end;
		}
	if (strncmp(at, "::", 2) != 0)
		return NULL;
	type = psprintf("%s[]", at + 2);
	if (strpbrk(type, "(:") != NULL ||
		element_type_length(type) != strlen(type) - 2)
		return NULL;
	return type;
}

/* The type of the array that has these elements, or NULL. */
static char *
type_of_array(char **elements, int n)
{
	char	   *type = type_of_element(elements[0]);

	for (int i = 1; i < n && type != NULL; i++)
	{
		char	   *other = type_of_element(elements[i]);

		if (other == NULL || strcmp(type, other) != 0)
			type = NULL;
	}
	return type;
}

static char *rewritten(char *text, bool as_put_out);

/* Put out a cast array that begins here; NULL if it is no such thing. */
static const char *
rewrite_array(StringInfo out, const char *at, bool as_put_out)
{
	const char *element = at + strlen(ARRAY_START);
	const char **commas;
	int			ncommas;
	const char *closing = find_closing(element, &commas, &ncommas);
	const char *type;
	size_t		typelen;
	char	  **elements;
	char	   *own;

	if (closing == NULL || strncmp(closing, "])::", 4) != 0)
		return NULL;
	type = closing + 4;
	typelen = element_type_length(type);
	if (typelen == 0)
		return NULL;
	/* an empty array, and one of arrays, keep their cast */
	if (closing == element || strncmp(element, "ARRAY[", 6) == 0)
		return NULL;

	elements = palloc(sizeof(char *) * (ncommas + 1));
	for (int i = 0; i <= ncommas; i++)
	{
		const char *end = i < ncommas ? commas[i] : closing;

		elements[i] = pnstrdup(element, end - element);
		element = end + 1 + strspn(end + 1, " ");
	}
	own = as_put_out ? type_of_array(elements, ncommas + 1) : NULL;
	appendStringInfoString(out, own == NULL ? "ARRAY[" : "((ARRAY[");
	for (int i = 0; i <= ncommas; i++)
	{
		const char *text = rewritten(elements[i], as_put_out);

		appendStringInfoString(out, i > 0 ? ", " : "");
		if (own == NULL)
			appendStringInfo(out, "(%s)::%.*s", text, (int) typelen, type);
		else
			appendStringInfoString(out, text);
	}
	if (own == NULL)
		appendStringInfoChar(out, ']');
	else
		appendStringInfo(out, "])::%s)::%.*s[]", own, (int) typelen, type);
	return type + typelen + 2;
}

static char *
rewritten(char *text, bool as_put_out)
{
	const char *at = text;
	StringInfoData out;

	if (strstr(text, ARRAY_START) == NULL)
		return text;
	initStringInfo(&out);
	while (*at)
	{
		const char *end = skip_quoted(at);

		if (end == at && strncmp(at, ARRAY_START, strlen(ARRAY_START)) == 0)
			end = rewrite_array(&out, at, as_put_out);
		else
			appendBinaryStringInfo(&out, at, Max(end - at, 1));
		if (end == NULL)
			appendStringInfoChar(&out, *at);
		at = (end == NULL || end == at) ? at + 1 : end;
	}
	return out.data;
}

char *
pgm_schema_settled_text(char *text)
{
	return rewritten(text, false);
}

char *
pgm_schema_written_text(char *text)
{
	return rewritten(text, true);
}
