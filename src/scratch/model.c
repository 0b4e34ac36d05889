/*-------------------------------------------------------------------------
 *
 * model.c
 *	  The model of a schema as messages from one process to another.
 *
 * In parts, as a message cannot be longer than 1 GB, and is there several
 * times while it is on its way.  The names of properties are sent where they
 * are others than those of the object before, and then are there once for all
 * objects that have them.
 *
 *	part		objects and dependencies of the whole
 *				objects of this part, then its dependencies
 *	object		1: of the same shape; or 0, kind, names
 *				identity, address, values: 1 and a text, or 0
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "process/report.h"
#include "scratch/scratch.h"

/* A part is complete with what makes it longer. */
#define PART_BYTES (1024 * 1024)

/* Of objects that follow each other. */
typedef struct Shape
{
	const char *kind;
	int			nproperties;
	char	   *const *properties;
} Shape;

char *
pgm_scratch_get_text(StringInfo message)
{
	return pstrdup(pq_getmsgrawstring(message));
}

void
pgm_scratch_put_text(StringInfo message, const char *text)
{
	appendBinaryStringInfo(message, text, strlen(text) + 1);
}

static void
put_object(StringInfo message, const PgmSchemaObject *object, Shape *shape)
{
	int			n = object->nproperties;
	bool		same = shape->kind != NULL &&
		shape->properties == object->properties && shape->nproperties == n &&
		strcmp(shape->kind, object->kind) == 0;

	pq_sendbyte(message, same);
	if (!same)
	{
		pgm_scratch_put_text(message, object->kind);
		pq_sendint32(message, n);
		for (int i = 0; i < n; i++)
			pgm_scratch_put_text(message, object->properties[i]);
		*shape = (Shape)
		{
			object->kind, n, object->properties
		};
	}
	pgm_scratch_put_text(message, object->identity);
	pq_sendint32(message, object->address.classid);
	pq_sendint32(message, object->address.objid);
	pq_sendint32(message, object->address.subid);
	for (int i = 0; i < n; i++)
	{
		pq_sendbyte(message, object->values[i] != NULL);
		if (object->values[i] != NULL)
			pgm_scratch_put_text(message, object->values[i]);
	}
}

/* What is read is in the message, which stays. */
static void
get_object(StringInfo message, PgmSchemaObject *object, Shape *shape)
{
	if (pq_getmsgbyte(message) == 0)
	{
		char	  **names;

		shape->kind = pq_getmsgrawstring(message);
		shape->nproperties = pq_getmsgint(message, 4);
		names = palloc(sizeof(char *) * (shape->nproperties + 1));
		for (int i = 0; i < shape->nproperties; i++)
			names[i] = unconstify(char *, pq_getmsgrawstring(message));
		shape->properties = names;
	}
	object->kind = shape->kind;
	object->nproperties = shape->nproperties;
	object->properties = shape->properties;
	object->identity = pq_getmsgrawstring(message);
	object->address.classid = pq_getmsgint(message, 4);
	object->address.objid = pq_getmsgint(message, 4);
	object->address.subid = pq_getmsgint(message, 4);
	object->values = palloc(sizeof(char *) * (shape->nproperties + 1));
	for (int i = 0; i < shape->nproperties; i++)
		object->values[i] = pq_getmsgbyte(message) == 0 ? NULL :
			unconstify(char *, pq_getmsgrawstring(message));
}

/*
 * As many objects and dependencies as are to be in a message; how many have
 * been put is in *objects and *dependencies, before and after.
 */
static void
put_part(StringInfo message, const PgmSchema *schema, int *objects,
		 int *dependencies, int limit)
{
	Shape		shape = {NULL};
	int			begin = message->len;
	int			at;
	int			n = 0;

	pq_sendint32(message, schema->nobjects);
	pq_sendint32(message, schema->ndependencies);
	for (int round = 0; round < 2; round++)
	{
		at = message->len;
		pq_sendint32(message, 0);
		for (n = 0; message->len - begin < limit; n++)
		{
			const PgmSchemaDependency *d;

			CHECK_FOR_INTERRUPTS();
			if (round == 0 ? *objects == schema->nobjects :
				*dependencies == schema->ndependencies)
				break;
			if (round == 0)
			{
				put_object(message, &schema->objects[(*objects)++], &shape);
				continue;
			}
			d = &schema->dependencies[(*dependencies)++];
			pq_sendint32(message, d->object);
			pq_sendint32(message, d->needs);
			pq_sendbyte(message, d->type);
		}
		n = pg_hton32(n);
		memcpy(message->data + at, &n, sizeof(n));
	}
}

static void
begin_model(PgmSchema *schema, int nobjects, int ndependencies)
{
	schema->objects = palloc_extended(sizeof(PgmSchemaObject) * (nobjects + 1),
									  MCXT_ALLOC_HUGE);
	schema->dependencies = palloc_extended(sizeof(PgmSchemaDependency) *
										   (ndependencies + 1),
										   MCXT_ALLOC_HUGE);
}

/* True when the model is complete. */
static bool
get_part(StringInfo message, PgmSchema *schema)
{
	StringInfoData kept = *message;
	Shape		shape = {NULL};
	int			nobjects;
	int			ndependencies;

	/* names and values are those of one piece of memory */
	kept.len = message->len - message->cursor;
	kept.data = palloc(kept.len + 1);
	memcpy(kept.data, message->data + message->cursor, kept.len);
	kept.data[kept.len] = '\0';
	kept.cursor = 0;
	nobjects = pq_getmsgint(&kept, 4);
	ndependencies = pq_getmsgint(&kept, 4);
	if (schema->objects == NULL)
		begin_model(schema, nobjects, ndependencies);
	for (int n = pq_getmsgint(&kept, 4); n > 0; n--)
		get_object(&kept, &schema->objects[schema->nobjects++], &shape);
	for (int n = pq_getmsgint(&kept, 4); n > 0; n--)
	{
		PgmSchemaDependency *d =
			&schema->dependencies[schema->ndependencies++];

		d->object = pq_getmsgint(&kept, 4);
		d->needs = pq_getmsgint(&kept, 4);
		d->type = (char) pq_getmsgbyte(&kept);
	}
	message->cursor += kept.cursor;
	return schema->nobjects == nobjects &&
		schema->ndependencies == ndependencies;
}

PgmSchema *
pgm_scratch_get_model(StringInfo message)
{
	PgmSchema  *schema = palloc0(sizeof(PgmSchema));

	(void) get_part(message, schema);
	return schema;
}

void
pgm_scratch_put_model(StringInfo message, const PgmSchema *schema)
{
	int			objects = 0;
	int			dependencies = 0;

	put_part(message, schema, &objects, &dependencies, MaxAllocSize);
}

void
pgm_scratch_answer_model(int which, const PgmSchema *schema)
{
	StringInfoData message;
	int			objects = 0;
	int			dependencies = 0;

	initStringInfo(&message);
	do
	{
		resetStringInfo(&message);
		pq_sendbyte(&message, which);
		put_part(&message, schema, &objects, &dependencies, PART_BYTES);
		pgm_report_answer(&message);
	} while (objects < schema->nobjects ||
			 dependencies < schema->ndependencies);
	pfree(message.data);
}

bool
pgm_scratch_get_answer(StringInfo message, PgmSchema **schema)
{
	if (*schema == NULL)
		*schema = palloc0(sizeof(PgmSchema));
	return get_part(message, *schema);
}
