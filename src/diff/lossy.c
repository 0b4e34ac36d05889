/*-------------------------------------------------------------------------
 *
 * lossy.c
 *	  What a change of type loses without an error.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "diff/parts.h"

/* Types of a class lose the same on the way to others. */
static const struct
{
	const char *type;
	char		class;
}			classes[] = {
	{"smallint", 's'}, {"integer", 'i'}, {"bigint", 'I'}, {"numeric", 'n'},
	{"real", 'r'}, {"double precision", 'd'}, {"money", 'm'},
	{"boolean", 'l'},
	{"date", 'D'}, {"timestamp without time zone", 'T'},
	{"timestamp with time zone", 'T'}, {"time without time zone", 'h'},
	{"time with time zone", 'z'}, {"interval", 'v'},
	{"json", 'j'}, {"jsonb", 'b'},
	{"text", 't'}, {"character varying", 't'}, {"character", 't'},
	{"name", 'N'}, {"\"char\"", 'C'}, {"tsvector", 'V'},
	{"inet", 'a'}, {"cidr", 'c'}, {"bit", 'B'}, {"bit varying", 'B'},
	{"xid8", 'X'}, {"xid", 'x'},
};

static const struct
{
	const char *from;			/* classes */
	const char *to;
	const char *lost;
}			losses[] = {
	{"nrdmb", "siI", "digits"},
	{"iIndbt", "r", "digits"},
	{"Inbt", "d", "digits"},
	{"n", "m", "digits"},
	{"siI", "l", "numbers other than 0 and 1"},
	{"siI", "B", "bits"},
	{"Tt", "D", "the time of day"},
	{"Tt", "hz", "the date"},
	{"v", "hz", "days"},
	{"zt", "h", "the time zone"},
	{"jt", "b", "the order of keys, and keys that are there twice,"},
	{"t", "V", "the order of words, and words that are there twice,"},
	{"a", "c", "the host"},
	{"t", "N", "what is longer than 63 bytes"},
	{"tN", "C", "all but the first character"},
	{"X", "x", "epochs"},
};

/* Of a type with what stands in brackets. */
static char
class_of(const char *type)
{
	const char *open = strchr(type, '(');
	const char *close = open == NULL ? NULL : strchr(open, ')');
	char	   *bare = close == NULL ? pstrdup(type) :
		psprintf("%.*s%s", (int) (open - type), type, close + 1);

	for (int i = 0; i < lengthof(classes); i++)
		if (strcmp(classes[i].type, bare) == 0)
			return classes[i].class;
	return '\0';
}

/* The digits behind the point of a numeric, or -1 for any number. */
static int
scale_of(const char *type)
{
	const char *open = strchr(type, '(');
	const char *comma = strchr(type, ',');

	if (open == NULL)
		return -1;
	return comma == NULL ? 0 : atoi(comma + 1);
}

/* The digits of a second's fractions. */
static int
precision_of(const char *type)
{
	const char *open = strchr(type, '(');

	return open == NULL ? 6 : atoi(open + 1);
}

const char *
pgm_ddl_lost(const PgmDiff *diff, const char *from, const char *to)
{
	const char *was = pgm_ddl_stored_type(diff->from, from);
	const char *is = pgm_ddl_stored_type(diff->to, to);
	char		source = class_of(was);
	char		target = class_of(is);

	if (source == '\0' && strcmp(was, is) == 0)
		return pgm_ddl_lost_in_rows(diff, is);
	if (source == '\0' || target == '\0')
		return NULL;
	for (int i = 0; i < lengthof(losses); i++)
		if (strchr(losses[i].from, source) != NULL &&
			strchr(losses[i].to, target) != NULL)
			return losses[i].lost;
	if (target == 'n' && strchr("nrdbt", source) != NULL && scale_of(is) >= 0)
		return source != 'n' || scale_of(was) < 0 ||
			scale_of(was) > scale_of(is) ? "digits" : NULL;
	if (strchr("Thzv", target) != NULL && strchr("Thzvt", source) != NULL &&
		precision_of(is) < precision_of(was))
		return "fractions of seconds";
	return NULL;
}
