/*-------------------------------------------------------------------------
 *
 * schema_branch.c
 *	  Revisions of the database, made once more for each of several schemas.
 *
 * A revision that is written with unqualified names is a template.  For a
 * schema it is made once more, as a revision like any other: its texts begin
 * with a SET of search_path to the schema, its parents are those made from the
 * parents of the template, its labels those of the template with the schema.
 * The first root has the name of the schema for a label besides.  What it
 * depends on belongs to the database and stays, but for what is an ancestor of
 * the template, too.
 *
 * Who calls is the author, of the SET; the authors of the template are authors
 * with him.  Where those would not be trusted by him, but who has approved the
 * template is, that one stands in for them.  An approval itself is not taken
 * over: it would vouch for a search_path that its role has not seen.
 *
 * A template may be amended while it is not applied itself.  What is made from
 * it follows where it is not applied; else it is an error.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/varlena.h"

#include "base/digest.h"
#include "base/own_function.h"
#include "base/printable.h"
#include "base/spi.h"
#include "base/sqlstate.h"
#include "graph/graph.h"
#include "sql/relation_names.h"
#include "sql/set_statement.h"
#include "sql/statements.h"
#include "store/authoring.h"
#include "store/authors.h"
#include "store/schema_branch.h"
#include "store/schema_trust.h"

/* Digits that stand for the id of a template that has no room. */
#define PGM_MADE_DIGITS 12

/* Those that are not made from others. */
static PgmQuery templates_query = {
	"SELECT id, down_revision, depends_on, branch_labels, digest "
	"FROM pgmigrate.revision WHERE template IS NULL ORDER BY seq"
};

static PgmQuery branch_query = {
	"SELECT r.id, r.template, r.template_digest, r.down_revision, "
	"r.depends_on, r.branch_labels @> ARRAY[$1], a.revision IS NOT NULL "
	"FROM pgmigrate.revision r "
	"LEFT JOIN pgmigrate.applied a ON a.revision = r.id "
	"WHERE r.for_schema = $1",
	1, {TEXTOID}
};

static PgmQuery is_stored_query = {
	"SELECT FROM pgmigrate.revision WHERE id = $1",
	1, {TEXTOID}
};

/* A revision that others may be made from. */
typedef struct Template
{
	char	   *id;
	int			nparents;
	char	  **parents;
	int			ndepends;
	char	  **depends;
	int			nlabels;
	char	  **labels;
	char	   *digest;
} Template;

/* What is made from it for the schema. */
typedef struct Made
{
	char	   *id;				/* NULL if it is not made yet */
	char	   *digest;			/* of the template, as it was */
	int			nparents;
	char	  **parents;
	int			ndepends;
	char	  **depends;
	bool		applied;
} Made;

typedef struct Branch
{
	const char *schema;
	PgmGraph   *graph;			/* of the templates */
	Template   *templates;		/* by their numbers in it, as these */
	Made	   *made;
	bool		labelled;
	PgmRevSet	heads;			/* of what is applied */
} Branch;

void
pgm_schema_branch_refuse_system(const char *schema)
{
	if (strncmp(schema, "pg_", 3) == 0 ||
		strcmp(schema, "information_schema") == 0 ||
		strcmp(schema, "pgmigrate") == 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("schema \"%s\" cannot be upgraded",
					   pgm_printable_line(schema)),
				errdetail("It is one of the server or of pgmigrate."),
				errhint("Name schemas of your own."));
}

void
pgm_schema_branch_check(const char *schema)
{
	static const Oid revision[] = {TEXTOID, TEXTOID, TEXTOID, TEXTOID,
		TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTOID, BOOLOID, BOOLOID
	};
	PgmGraphError error = {PGM_GRAPH_OK};

	pgm_own_function_check("revision", lengthof(revision), revision);
	if (!pgm_graph_check_id(schema, "branch label", &error))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_NAME),
				errmsg("schema \"%s\" cannot have a branch: %s",
					   pgm_printable_line(schema), error.message),
				errhint("Rename the schema."));
	if (strcmp(schema, "$user") == 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_NAME),
				errmsg("schema \"%s\" cannot be named in search_path", schema),
				errdetail("There it means the schema with the name of the role."),
				errhint("Rename the schema."));
	pgm_schema_check_trusted(schema, GetUserId(), true);
}

/* A schema with a "." in its name has a digest: no two have the same id. */
static char *
made_id(const char *schema, const char *template_id)
{
	char	   *id = psprintf("%s.%s", schema, template_id);
	PgmDigest	digest;
	char	   *digits;
	int			len;

	if (strchr(schema, '.') == NULL && strlen(id) <= PGM_ID_MAX)
		return id;
	pgm_digest_init(&digest, "schema branch");
	pgm_digest_text(&digest, schema);
	pgm_digest_text(&digest, template_id);
	digits = pgm_digest_final(&digest);
	len = pg_mbcliplen(schema, strlen(schema),
					   PGM_ID_MAX - PGM_MADE_DIGITS - 1);
	return psprintf("%.*s.%.*s", len, schema, PGM_MADE_DIGITS, digits);
}

static bool
is_stored(const char *id)
{
	PgmSpiScope scope;
	Datum		values[1];
	bool		result;

	values[0] = pgm_text_datum(id);
	pgm_spi_begin(&scope);
	result = pgm_spi_execute(&is_stored_query, values, NULL) > 0;
	pgm_spi_end(&scope);
	return result;
}

/* Of the names, is one stored and none of these? */
static bool
stands_on_others(int n, char **names, HTAB *ids)
{
	for (int i = 0; i < n; i++)
		if (hash_search(ids, names[i], HASH_FIND, NULL) == NULL &&
			is_stored(names[i]))
			return true;
	return false;
}

/*
 * Leave out what stands on the branch of a schema.  A parent that is stored
 * nowhere is for the graph to refuse.
 */
static int
drop_those_of_schemas(int n, Template *templates)
{
	HASHCTL		control = {0};
	HTAB	   *ids;
	bool		any;

	control.keysize = PGM_ID_MAX + 1;
	control.entrysize = PGM_ID_MAX + 1;
	control.hcxt = CurrentMemoryContext;
	ids = hash_create("pgmigrate templates", Max(n, 16), &control,
					  HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	for (int i = 0; i < n; i++)
		(void) hash_search(ids, templates[i].id, HASH_ENTER, NULL);
	do
	{
		int			kept = 0;

		any = false;
		for (int i = 0; i < n; i++)
		{
			const Template *t = &templates[i];

			if (stands_on_others(t->nparents, t->parents, ids) ||
				stands_on_others(t->ndepends, t->depends, ids))
			{
				(void) hash_search(ids, t->id, HASH_REMOVE, NULL);
				any = true;
			}
			else
				templates[kept++] = *t;
		}
		n = kept;
	} while (any);
	hash_destroy(ids);
	return n;
}

static void
load_templates(Branch *branch)
{
	PgmGraphError error = {PGM_GRAPH_OK};
	PgmSpiScope scope;
	Template   *templates;
	int			n;

	pgm_spi_begin(&scope);
	n = (int) pgm_spi_execute(&templates_query, NULL, NULL);
	templates = MemoryContextAllocZero(scope.outer, sizeof(Template) *
									   Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		Template   *t = &templates[i];

		t->id = pgm_spi_text(i + 1, 1);
		t->parents = pgm_spi_text_array(i + 1, 2, &t->nparents);
		t->depends = pgm_spi_text_array(i + 1, 3, &t->ndepends);
		t->labels = pgm_spi_text_array(i + 1, 4, &t->nlabels);
		t->digest = pgm_spi_text(i + 1, 5);
	}
	pgm_spi_end(&scope);
	n = drop_those_of_schemas(n, templates);
	branch->templates = templates;
	branch->graph = pgm_graph_create(n);
	for (int i = 0; i < n; i++)
		(void) pgm_graph_add(branch->graph, templates[i].id,
							 templates[i].nparents, templates[i].parents,
							 templates[i].ndepends, templates[i].depends,
							 templates[i].nlabels, templates[i].labels);
	if (!pgm_graph_seal(branch->graph, &error))
		pgm_graph_raise(&error);
}

static void
load_made(Branch *branch)
{
	PgmSpiScope scope;
	Datum		values[1];
	uint64		rows;

	branch->made = palloc0(sizeof(Made) *
						   Max(pgm_graph_size(branch->graph), 1));
	values[0] = pgm_text_datum(branch->schema);
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&branch_query, values, NULL);
	for (uint64 i = 1; i <= rows; i++)
	{
		int			rev = pgm_graph_find(branch->graph, pgm_spi_text(i, 2));
		Made	   *made;

		branch->labelled |= pgm_spi_bool(i, 6);
		if (rev < 0)
			continue;
		made = &branch->made[rev];
		made->id = pgm_spi_text(i, 1);
		made->digest = pgm_spi_text(i, 3);
		made->parents = pgm_spi_text_array(i, 4, &made->nparents);
		made->depends = pgm_spi_text_array(i, 5, &made->ndepends);
		made->applied = pgm_spi_bool(i, 7);
	}
	pgm_spi_end(&scope);
}

/* What is applied and nothing that is applied stands on. */
static void
find_heads(Branch *branch)
{
	int			n = pgm_graph_size(branch->graph);
	bool	   *below = palloc0(Max(n, 1));

	for (int i = 0; i < n; i++)
	{
		PgmRevSet	sets[2];

		if (!branch->made[i].applied)
			continue;
		sets[0] = pgm_graph_parents(branch->graph, i);
		sets[1] = pgm_graph_depends(branch->graph, i);
		for (int j = 0; j < lengthof(sets); j++)
			for (int k = 0; k < sets[j].n; k++)
				below[sets[j].rev[k]] = true;
	}
	branch->heads.rev = palloc(sizeof(int) * Max(n, 1));
	for (int i = 0; i < n; i++)
		if (branch->made[i].applied && !below[i])
			branch->heads.rev[branch->heads.n++] = i;
}

static void
load(Branch *branch, const char *schema)
{
	memset(branch, 0, sizeof(Branch));
	branch->schema = schema;
	load_templates(branch);
	load_made(branch);
	find_heads(branch);
}

/* Those and all their ancestors by parents. */
static bool *
line_of(const PgmGraph *graph, PgmRevSet tops)
{
	int			n = pgm_graph_size(graph);
	bool	   *line = palloc0(Max(n, 1));
	int		   *todo = palloc(sizeof(int) * Max(n, 1));
	int			ntodo = 0;

	for (int i = 0; i < tops.n; i++)
	{
		line[tops.rev[i]] = true;
		todo[ntodo++] = tops.rev[i];
	}
	while (ntodo > 0)
	{
		PgmRevSet	parents = pgm_graph_parents(graph, todo[--ntodo]);

		for (int i = 0; i < parents.n; i++)
		{
			int			parent = parents.rev[i];

			if (line[parent])
				continue;
			line[parent] = true;
			todo[ntodo++] = parent;
		}
	}
	pfree(todo);
	return line;
}

/* The schema and what else the caller has, the server's by itself before. */
static char *
set_search_path(const char *schema)
{
	StringInfoData buf;
	List	   *names;
	ListCell   *lc;

	initStringInfo(&buf);
	appendStringInfo(&buf, "SET search_path = %s", quote_identifier(schema));
	if (!SplitIdentifierString(pstrdup(namespace_search_path), ',', &names))
		names = NIL;
	foreach(lc, names)
	{
		const char *name = lfirst(lc);

		if (strcmp(name, schema) != 0 && strcmp(name, "pg_catalog") != 0)
			appendStringInfo(&buf, ", %s", quote_identifier(name));
	}
	appendStringInfoString(&buf, ";\n");
	return buf.data;
}

static char *
text_for(const char *set, const char *text)
{
	return pgm_text_is_blank(text) ? unconstify(char *, text) :
		psprintf("%s%s", set, text);
}

static void
refuse_name(const char *name, const char *other, const char *template_id,
			const char *schema)
{
	ereport(ERROR,
			errcode(ERRCODE_DUPLICATE_OBJECT),
			errmsg("name \"%s\" is already used by revision \"%s\"", name,
				   other),
			errdetail("Revision \"%s\" for schema \"%s\" would have it.",
					  template_id, schema),
			errhint("Remove that revision, or rename the schema."));
}

static void
check_free(const char *name, const char *template_id, const char *schema)
{
	char	   *other;

	if (pgm_revision_name_used(name, &other))
		refuse_name(name, other, template_id, schema);
}

/* Its authors, but the caller, are authors of what is made from it. */
static void
take_authors(PgmRevision *made, const PgmRevision *from)
{
	Oid			user = GetUserId();
	int			n = from->ncoauthors + 1;

	pgm_revision_check_trusted(from);
	made->coauthors = palloc(sizeof(char *) * n);
	made->coauthor_roles = palloc(sizeof(Oid) * n);
	for (int i = 0; i < n; i++)
	{
		Oid			role = i == 0 ? from->author_role :
			from->coauthor_roles[i - 1];
		int			at = made->ncoauthors;

		if (!pgm_role_has_rights_of(role, user))
		{
			/* trusted nevertheless, so it is for the one who approved it */
			made->ncoauthors = from->approver_role == user ? 0 : 1;
			made->coauthors[0] = from->approved_by;
			made->coauthor_roles[0] = from->approver_role;
			return;
		}
		if (role == user)
			continue;
		made->coauthors[at] = i == 0 ? from->author : from->coauthors[i - 1];
		made->coauthor_roles[at] = role;
		made->ncoauthors++;
	}
}

/* Parents, and dependencies that are ancestors, are those of the schema. */
static void
take_place(const Branch *branch, int rev, PgmRevision *made)
{
	PgmRevSet	self = {1, &rev};
	PgmRevSet	depends = pgm_graph_depends(branch->graph, rev);
	const Template *from = &branch->templates[rev];
	bool	   *line = depends.n > 0 ? line_of(branch->graph, self) : NULL;

	made->parents = palloc(sizeof(char *) * Max(from->nparents, 1));
	for (int i = 0; i < from->nparents; i++)
		made->parents[made->nparents++] = made_id(branch->schema,
												  from->parents[i]);
	made->depends = palloc(sizeof(char *) * Max(depends.n, 1));
	for (int i = 0; i < depends.n; i++)
	{
		char	   *id = unconstify(char *, pgm_graph_id(branch->graph,
														 depends.rev[i]));

		made->depends[made->ndepends++] = line[depends.rev[i]] ?
			made_id(branch->schema, id) : id;
	}
}

static PgmRevision *
make(const Branch *branch, int rev, const PgmRevision *from, const char *set)
{
	PgmRevision *made = palloc0(sizeof(PgmRevision));

	made->id = made_id(branch->schema, from->id);
	made->message = from->message;
	made->upgrade = text_for(set, from->upgrade);
	made->downgrade = text_for(set, from->downgrade);
	made->verify = from->verify;
	made->transactional = from->transactional;
	made->template_id = from->id;
	made->template_digest = from->digest;
	made->for_schema = unconstify(char *, branch->schema);
	take_place(branch, rev, made);
	take_authors(made, from);
	return made;
}

static bool
same_names(int n, char **names, int m, char **others)
{
	if (n != m)
		return false;
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], others[i]) != 0)
			return false;
	return true;
}

static void
refuse_changed(const char *id, const char *template_id)
{
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("revision \"%s\" is applied, and revision \"%s\", which it is made from, was changed since",
				   id, template_id),
			errhint("Amend \"%s\" back and store the change as a new revision, or downgrade the schema to below it.",
					template_id));
}

/* Of a template that was removed and stored again at another place. */
static void
check_place(const Made *stored, const PgmRevision *made)
{
	if (same_names(stored->nparents, stored->parents,
				   made->nparents, made->parents) &&
		same_names(stored->ndepends, stored->depends,
				   made->ndepends, made->depends))
		return;
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("revision \"%s\" does not have the parents and dependencies that revision \"%s\" would give it",
				   stored->id, made->template_id),
			errhint("Remove it with pgmigrate.remove(), for it to be made anew."));
}

/* Does what is stored say something else, or is it not for the caller? */
static bool
is_outdated(const PgmRevision *stored, const PgmRevision *made)
{
	const char *digest = pgm_revision_digest(made->upgrade, made->downgrade,
											 made->verify,
											 made->transactional);

	return strcmp(digest, stored->digest) != 0 ||
		strcmp(made->template_digest, stored->template_digest) != 0 ||
		strcmp(made->message, stored->message) != 0 ||
		!pgm_revision_is_trusted(stored);
}

typedef struct Naming
{
	const char *revision;
	bool		told;
} Naming;

static bool
notice_qualified(RangeVar *name, PgmNameRole role, void *arg)
{
	Naming	   *naming = arg;

	if (naming->told || name->schemaname == NULL || role == PGM_NAME_READ ||
		role == PGM_NAME_REFERENCED ||
		strncmp(name->schemaname, "pg_", 3) == 0)
		return false;
	naming->told = true;
	ereport(WARNING,
			errmsg("revision \"%s\" is for each schema, and has to do with \"%s.%s\"",
				   naming->revision, name->schemaname, name->relname),
			errdetail("That is the same table for all of them."),
			errhint("Write names without a schema, and what belongs to the database as a revision that this one depends on."));
	return false;
}

/* Once, when it is first made for a schema. */
static void
warn_of_names(const PgmRevision *from)
{
	Naming		naming = {from->id, false};
	PgmSource  *source;
	const char *value;
	int			n;

	(void) pgm_revision_made_from(from->id, &n);
	if (n > 0)
		return;
	source = pgm_source_parse(from->upgrade, PGM_SOURCE_UPGRADE, from->id);
	for (int i = 0; i < source->nstatements; i++)
	{
		Node	   *stmt = source->statements[i].raw->stmt;

		if (pgm_statement_sets(stmt, "search_path", &value))
			ereport(WARNING,
					errmsg("revision \"%s\" is for each schema, and sets search_path",
						   from->id),
					errdetail("What follows is done in the same schema for all of them."),
					errhint("Leave it out: search_path is that of the schema already."));
		pgm_names_visit(stmt, notice_qualified, &naming);
	}
}

static void
store_first(Branch *branch, PgmRevision *made, const PgmRevision *from)
{
	check_free(made->id, from->id, branch->schema);
	made->labels = palloc(sizeof(char *) * (from->nlabels + 1));
	if (made->nparents == 0 && !branch->labelled)
	{
		made->labels[made->nlabels++] = unconstify(char *, branch->schema);
		branch->labelled = true;
	}
	for (int i = 0; i < from->nlabels; i++)
		made->labels[made->nlabels++] = made_id(branch->schema,
												from->labels[i]);
	for (int i = 0; i < made->nlabels; i++)
		check_free(made->labels[i], from->id, branch->schema);
	warn_of_names(from);
	pgm_author_store_made(made);
}

/*
 * Go through what the targets need, parents first.  Unless it may write, the
 * answer is whether there is something to write.
 */
static bool
bring_up_to_date(Branch *branch, PgmRevSet targets, bool write)
{
	PgmRevSet	order = pgm_graph_topological(branch->graph);
	bool	   *needed = line_of(branch->graph, targets);
	const char *set = set_search_path(branch->schema);

	for (int i = 0; i < order.n; i++)
	{
		int			rev = order.rev[i];
		const Template *t = &branch->templates[rev];
		const Made *stored = &branch->made[rev];
		PgmRevision *from;
		PgmRevision *made;

		if (!needed[rev])
			continue;
		if (stored->applied)
		{
			if (strcmp(stored->digest, t->digest) != 0)
				refuse_changed(stored->id, t->id);
			continue;
		}
		if (stored->id == NULL && !write)
			return true;
		from = pgm_revision_get(t->id);
		made = make(branch, rev, from, set);
		if (stored->id == NULL)
		{
			store_first(branch, made, from);
			continue;
		}
		check_place(stored, made);
		if (!is_outdated(pgm_revision_get(stored->id), made))
			continue;
		if (!write)
			return true;
		pgm_author_make_again(made);
	}
	return false;
}

/* One run is for one of them. */
static PgmRevSet
find_target(const Branch *branch, const char *target)
{
	PgmGraphError error = {PGM_GRAPH_OK};
	PgmGraphPlan plan;

	if (!pgm_graph_plan_upgrade(branch->graph, branch->heads, target, &plan,
								&error))
		pgm_graph_raise(&error);
	if (plan.ends.n > 1)
		ereport(ERROR,
				errcode(ERRCODE_AMBIGUOUS_ALIAS),
				errmsg("target \"%s\" does not name one revision", target),
				errhint("Call for each of them."));
	return plan.ends;
}

char *
pgm_schema_branch_make(const char *schema, const char *target)
{
	Branch		branch;
	PgmRevSet	end;

	load(&branch, schema);
	end = find_target(&branch, target);
	if (bring_up_to_date(&branch, end, false))
	{
		pgm_author_lock();
		load(&branch, schema);
		end = find_target(&branch, target);
		(void) bring_up_to_date(&branch, end, true);
	}
	return end.n == 0 ? NULL :
		made_id(schema, pgm_graph_id(branch.graph, end.rev[0]));
}

static PgmRevSet
find_each(const Branch *branch, int n, char **ids)
{
	PgmRevSet	found = {n, palloc(sizeof(int) * Max(n, 1))};

	for (int i = 0; i < n; i++)
	{
		found.rev[i] = pgm_graph_find(branch->graph, ids[i]);
		if (found.rev[i] < 0)
			ereport(ERROR,
					errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("revision \"%s\" stands on the branch of a schema",
						   ids[i]));
	}
	return found;
}

void
pgm_schema_branch_make_each(const char *schema, int n, char **ids)
{
	Branch		branch;

	load(&branch, schema);
	if (bring_up_to_date(&branch, find_each(&branch, n, ids), false))
	{
		pgm_author_lock();
		load(&branch, schema);
		(void) bring_up_to_date(&branch, find_each(&branch, n, ids), true);
	}
	for (int i = 0; i < n; i++)
		ids[i] = made_id(schema, ids[i]);
}

char	  **
pgm_schema_branch_heads(const char *schema, int *n)
{
	Branch		branch;
	char	  **ids;

	load(&branch, schema);
	*n = branch.heads.n;
	ids = palloc(sizeof(char *) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
		ids[i] = pstrdup(pgm_graph_id(branch.graph, branch.heads.rev[i]));
	return ids;
}

/* Only the first of several roots has the name of the schema for a label. */
char *
pgm_schema_branch_base(const char *schema, const char *given)
{
	Branch		branch;
	StringInfoData target;
	const char *at = strrchr(given, '@');
	char	   *other;

	if (at != NULL)
	{
		char	   *name = made_id(schema, pnstrdup(given, at - given));

		return pgm_revision_name_used(name, &other) ?
			psprintf("%s@base", name) : NULL;
	}
	load(&branch, schema);
	initStringInfo(&target);
	for (int i = 0; i < pgm_graph_size(branch.graph); i++)
		if (branch.made[i].applied && branch.templates[i].nparents == 0)
			appendStringInfo(&target, "%s%s@base", target.len > 0 ? "," : "",
							 branch.made[i].id);
	return target.len > 0 ? target.data : NULL;
}
