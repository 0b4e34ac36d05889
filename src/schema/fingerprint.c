/*-------------------------------------------------------------------------
 *
 * fingerprint.c
 *	  The digest of a schema.
 *
 * A projection of the model: kinds, identities and properties; not the
 * addresses, dependencies and what else is of the model only.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/digest.h"
#include "schema/fingerprint.h"

/* Digested at a time: bounds the memory, not the size of a schema. */
#define DIGEST_CHUNK (1024 * 1024)

/* Properties that are not there do not count, so a new one changes nothing. */
char *
pgm_schema_digest(const PgmSchema *schema)
{
	PgmDigest	whole;
	PgmDigest	part;

	pgm_digest_init(&whole, "pgmigrate schema");
	pgm_digest_init(&part, "");
	for (int i = 0; i < schema->nobjects; i++)
	{
		const PgmSchemaObject *object = &schema->objects[i];

		pgm_digest_text(&part, object->kind);
		pgm_digest_text(&part, object->identity);
		for (int j = 0; j < object->nproperties; j++)
			if (object->values[j] != NULL &&
				!pgm_schema_is_hidden(object->properties[j]))
			{
				pgm_digest_text(&part, object->properties[j]);
				pgm_digest_text(&part, object->values[j]);
			}
		pgm_digest_text(&part, NULL);
		if (part.input.len >= DIGEST_CHUNK)
		{
			pgm_digest_text(&whole, pgm_digest_final(&part));
			pgm_digest_init(&part, "");
		}
	}
	pgm_digest_text(&whole, pgm_digest_final(&part));
	return pgm_digest_final(&whole);
}
