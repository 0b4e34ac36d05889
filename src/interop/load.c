/*-------------------------------------------------------------------------
 *
 * load.c
 *	  Migration files into the store of revisions, and back.
 *
 * The readers of the formats make revisions of the files; this compares them
 * with what is stored and stores the new ones, so loading a folder again loads
 * only what was added to it.  What is stored is never changed from a file, but
 * for one case: the way down of a revision that was loaded without one, when
 * its file comes by itself.
 *
 * Where a format has no parents but an order, a revision hangs on the one
 * before it.  When that one has children already, because the file came late
 * or the repeatable migrations are always last, the new one hangs on the head
 * above it, as nothing can be put below what may be applied.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "base/digest.h"
#include "base/file_checksum.h"
#include "base/printable.h"
#include "base/spi.h"
#include "interop/imported.h"
#include "interop/known.h"
#include "interop/load.h"
#include "interop/load_check.h"
#include "sql/statements.h"
#include "store/authoring.h"
#include "store/content.h"
#include "store/ledger.h"
#include "store/revision.h"
#include "store/run_plan.h"

/* What stands for SQL that does nothing: the store wants it said. */
#define NOTHING_TO_DO "-- nothing to do\n"

/* Digits that tell versions of a repeatable migration apart. */
#define REPEATABLE_DIGITS 8

typedef struct Loader
{
	PgmFormatResult result;
	PgmLoadErrors errors;
	bool		amend;			/* take changed pending files over */
	bool		one_file;		/* of a format that has two for a revision */
	char	   *previous;		/* id of the one before, or NULL */
	char	   *added;			/* last one added without parents of its own */
	PgmKnown   *known;			/* stored contents, once somebody asks */
	int			nfiles;
	const PgmFormatFile **files;	/* by name */
} Loader;


static void
report_warnings(const PgmFormatResult *result)
{
	for (int i = 0; i < result->nwarnings; i++)
	{
		const PgmFormatNote *note = &result->warnings[i];
		char	   *where = psprintf("File \"%s\".",
									 note->file ? note->file : "");

		if (note->line > 0)
			where = psprintf("File \"%s\", line %d.", note->file,
							 note->line);
		ereport(note->loss ? WARNING : NOTICE,
				errmsg_internal("%s", pgm_printable(note->message)),
				note->file ? errdetail_internal("%s", where) : 0);
	}
	if (result->nmore_warnings > 0)
		ereport(NOTICE,
				errmsg_plural("%d more notice of this kind",
							  "%d more notices of this kind",
							  result->nmore_warnings,
							  result->nmore_warnings));
}

static bool
is_blank(const char *text)
{
	return text == NULL || text[strspn(text, " \t\r\n\f\v")] == '\0';
}

static char *
message_of(const PgmFormatRevision *file)
{
	const char *slash;

	if (!is_blank(file->message))
		return pgm_printable(file->message);
	if (file->id != NULL)
		return file->id;
	slash = strrchr(file->upgrade.file, '/');
	return pstrdup(slash ? slash + 1 : file->upgrade.file);
}

static PgmRevision *
to_revision(const PgmFormatRevision *file)
{
	PgmRevision *revision = palloc0(sizeof(PgmRevision));

	revision->id = file->id;
	revision->message = message_of(file);
	revision->upgrade = file->upgrade.text;
	if (is_blank(revision->upgrade) && file->nparents < 2)
		revision->upgrade = pstrdup(NOTHING_TO_DO);
	revision->downgrade = file->downgrade.text;
	revision->verify = file->verify.text;
	revision->transactional = file->transactional == PGM_FLAG_UNSET ?
		PGM_UNSET : file->transactional == PGM_FLAG_ON ? PGM_TRUE : PGM_FALSE;
	revision->nparents = Max(file->nparents, 0);
	revision->parents = file->parents;
	revision->ndepends = file->ndepends;
	revision->depends = file->depends;
	revision->nlabels = file->nlabels;
	revision->labels = file->labels;
	revision->digest = pgm_content_digest(revision->upgrade,
										  revision->downgrade,
										  revision->verify,
										  revision->transactional);
	return revision;
}

static bool
same_texts(const PgmRevision *a, const PgmRevision *b)
{
	return pgm_content_same(a->upgrade, b->upgrade) &&
		pgm_content_same(a->downgrade, b->downgrade) &&
		pgm_content_same(a->verify, b->verify) &&
		a->transactional == b->transactional;
}

/*
 * Prisma knows a migration by the whole name of its folder.  The first with a
 * time has that as its id, all others their name; which is first depends on
 * what was loaded with it, or before it.
 */
static PgmRevision *
find_by_folder(const PgmFormatRevision *file, PgmRevision *revision)
{
	const char *path = file->upgrade.file;
	const char *end = strrchr(path, '/');
	const char *dir = end;
	PgmRevision *stored;
	char	   *name;

	if (end == NULL)
		return pgm_revision_get(revision->id);
	while (dir > path && dir[-1] != '/')
		dir--;
	name = pgm_format_id(dir, end - dir);
	stored = pgm_revision_get(name);
	if (stored == NULL)
		stored = pgm_revision_get(pgm_format_id(dir, strcspn(dir, "_/")));
	if (stored == NULL || strcmp(stored->id, name) == 0 ||
		strcmp(stored->message, revision->message) == 0 ||
		(strcmp(revision->id, name) != 0 && same_texts(revision, stored)))
		return stored;
	revision->id = name;
	return NULL;
}

/*
 * The stored revision that this is, or NULL.  A repeatable migration whose
 * text changed is another revision, to be run anew.
 */
static PgmRevision *
find_stored(Loader *loader, const PgmFormatRevision *file,
			PgmRevision *revision)
{
	PgmRevision *stored;

	if (revision->id == NULL)
	{
		if (file->nparents < 0)
			return pgm_known_take(&loader->known, revision);
		return pgm_revision_get(pgm_author_id(revision));
	}
	if (loader->result.format == PGM_FORMAT_PRISMA)
		return find_by_folder(file, revision);
	stored = pgm_revision_get(revision->id);
	if (stored != NULL && file->repeatable &&
		!same_texts(revision, stored))
	{
		char	   *id = psprintf("%s_%.*s", revision->id, REPEATABLE_DIGITS,
								  revision->digest);

		revision->id = pgm_format_id(id, strlen(id));
		stored = pgm_revision_get(revision->id);
	}
	return stored;
}

static int
file_cmp(const void *a, const void *b)
{
	return strcmp((*(const PgmFormatFile *const *) a)->name,
				  (*(const PgmFormatFile *const *) b)->name);
}

static void
index_files(Loader *loader, int nfiles, const PgmFormatFile *files)
{
	loader->nfiles = nfiles;
	loader->files = palloc(sizeof(PgmFormatFile *) * Max(nfiles, 1));
	for (int i = 0; i < nfiles; i++)
		loader->files[i] = &files[i];
	qsort(loader->files, nfiles, sizeof(PgmFormatFile *), file_cmp);
}

/*
 * The checksums of the file of the way up, or NULL: one that holds several
 * revisions is the output of a tool, which has no checksums of it.
 */
static char *
checksums(const Loader *loader, const char *name)
{
	PgmFormatFile wanted = {name};
	const PgmFormatFile *key = &wanted;
	const PgmFormatFile **found;

	if (name == NULL || loader->result.format == PGM_FORMAT_ALEMBIC ||
		loader->result.format == PGM_FORMAT_STRUCTURE)
		return NULL;
	found = bsearch(&key, loader->files, loader->nfiles,
					sizeof(PgmFormatFile *), file_cmp);
	if (found == NULL || (*found)->data == NULL)
		return NULL;
	return pgm_checksums_json(name, (*found)->data, (*found)->len);
}

static bool
same_names(int n, char **names, int m, char **others)
{
	if (n != m)
		return false;
	for (int i = 0; i < n; i++)
	{
		bool		found = false;

		for (int j = 0; j < m && !found; j++)
			found = strcmp(names[i], others[j]) == 0;
		if (!found)
			return false;
	}
	return true;
}

static void
add_part(StringInfo parts, bool same, const char *name)
{
	if (!same)
		appendStringInfo(parts, "%s%s", parts->len > 0 ? ", " : "", name);
}

/* Which parts of the stored revision are not as in the file; "" for none. */
static char *
differing_parts(const Loader *loader, const PgmFormatRevision *file,
				const PgmRevision *revision, const PgmRevision *stored)
{
	StringInfoData parts;

	initStringInfo(&parts);
	add_part(&parts, strcmp(revision->message, stored->message) == 0,
			 "message");
	add_part(&parts, pgm_content_same(revision->upgrade, stored->upgrade),
			 "upgrade");

	/* the way down may be a file that is loaded by itself */
	if (revision->downgrade != NULL || !loader->one_file)
		add_part(&parts, pgm_content_same(revision->downgrade,
										  stored->downgrade), "downgrade");
	add_part(&parts, pgm_content_same(revision->verify, stored->verify),
			 "verify");
	add_part(&parts, revision->transactional == stored->transactional,
			 "transactional");
	if (file->nparents >= 0)
		add_part(&parts, same_names(revision->nparents, revision->parents,
									stored->nparents, stored->parents),
				 "down_revision");

	/* other formats may name tags, which are labels here */
	if (loader->result.format == PGM_FORMAT_PGMIGRATE)
		add_part(&parts, same_names(revision->ndepends, revision->depends,
									stored->ndepends, stored->depends),
				 "depends_on");
	add_part(&parts, same_names(revision->nlabels, revision->labels,
								stored->nlabels, stored->labels),
			 "branch_labels");
	return parts.data;
}

/*
 * Take over from the file what amend() can change, and return what is stored
 * then.  What is the same but for line ends stays as it was.
 */
static PgmRevision *
amend(const Loader *loader, const PgmFormatRevision *file,
	  const PgmRevision *revision, const PgmRevision *stored)
{
	PgmRevision change = {0};

	change.id = stored->id;
	change.message = revision->message;
	if (!pgm_content_same(revision->upgrade, stored->upgrade))
		change.upgrade = revision->upgrade;
	if (!pgm_content_same(revision->downgrade, stored->downgrade))
		change.downgrade = revision->downgrade;
	if (!pgm_content_same(revision->verify, stored->verify))
		change.verify = revision->verify;
	change.transactional = revision->transactional;
	change.source = checksums(loader, file->upgrade.file);
	pgm_author_amend(&change);
	return pgm_revision_get(stored->id);
}

static PgmLoadAction
compare(const Loader *loader, const PgmFormatRevision *file,
		const PgmRevision *revision, const PgmRevision *stored)
{
	char	   *parts = differing_parts(loader, file, revision, stored);
	bool		amended = false;
	const char *hint = "It is not applied: take the change over with pgmigrate.amend(), or remove it and load the file again.";

	if (*parts != '\0' && pgm_ledger_is_applied(stored->id))
		hint = "It is applied: put the file back, and make the change a new revision.";
	else if (*parts != '\0' && loader->amend)
	{
		stored = amend(loader, file, revision, stored);
		parts = differing_parts(loader, file, revision, stored);
		amended = true;
		hint = "It is not applied, but that cannot be amended: remove it and load the file again.";
	}
	if (*parts == '\0')
		return amended ? PGM_LOAD_AMENDED : PGM_LOAD_UNCHANGED;
	ereport(NOTICE,
			errmsg("revision \"%s\" is stored otherwise than in file \"%s\"",
				   stored->id, file->upgrade.file),
			errdetail("What differs: %s.", parts),
			errhint("%s", hint));
	return PGM_LOAD_DIFFERS;
}

/* The head above a stored revision: itself, if it has no children. */
static char *
head_above(char *id)
{
	for (;;)
	{
		int			n;
		char	  **children = pgm_revision_children(id, &n);

		CHECK_FOR_INTERRUPTS();
		if (n == 0)
			return id;
		if (n > 1)
			ereport(ERROR,
					errcode(ERRCODE_AMBIGUOUS_ALIAS),
					errmsg("there are several heads"),
					errdetail("Revision \"%s\" has the children \"%s\" and \"%s\".",
							  id, children[0], children[1]),
					errhint("Join the branches first with pgmigrate.merge()."));
		id = children[0];
	}
}

static void
add_revision(Loader *loader, const PgmFormatRevision *file,
			 PgmRevision *revision)
{
	PgmLoadPosition position = {&file->upgrade, NULL, 0};
	ErrorContextCallback callback;
	char	   *parents[1];
	bool		implicit = file->nparents < 0;

	callback.callback = pgm_load_position_callback;
	callback.arg = &position;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	if (implicit && loader->previous != NULL)
	{
		parents[0] = loader->added ? loader->added :
			head_above(loader->previous);
		revision->nparents = 1;
		revision->parents = parents;
	}
	revision->source = checksums(loader, file->upgrade.file);
	if (is_blank(revision->upgrade))
		pgm_author_merge(revision);
	else
		pgm_author_store(revision, !implicit || loader->previous != NULL,
						 true);
	if (implicit)
		loader->added = revision->id;
	error_context_stack = callback.previous;
}

/*
 * Check the texts of a revision that is new, and the way down of one that is
 * stored otherwise.  Tools read a way down when they run it, so old ones may
 * be broken, or of a newer server: then the revision goes without.  Not so in
 * our own files, whose texts were read when they were stored.
 */
static void
check_file(Loader *loader, PgmFormatRevision *file, PgmRevision *revision,
		   const PgmRevision *stored)
{
	char	   *problem;
	int			line;

	bool		to_store = stored == NULL || loader->amend;

	if (to_store)
	{
		pgm_load_collect(&loader->errors, &file->upgrade, PGM_SOURCE_UPGRADE,
						 revision->id);
		pgm_load_collect(&loader->errors, &file->verify, PGM_SOURCE_VERIFY,
						 revision->id);
	}
	if (stored != NULL &&
		pgm_content_same(stored->downgrade, revision->downgrade))
		return;
	if (loader->result.format == PGM_FORMAT_PGMIGRATE)
	{
		if (to_store)
			pgm_load_collect(&loader->errors, &file->downgrade,
							 PGM_SOURCE_DOWNGRADE, revision->id);
		return;
	}
	problem = pgm_load_problem(&file->downgrade, PGM_SOURCE_DOWNGRADE,
							   revision->id, &line);
	if (problem == NULL)
		return;
	ereport(WARNING,
			errmsg("way down of revision \"%s\" cannot be read and is left out: %s",
				   revision->id, problem),
			errdetail("File \"%s\", line %d.", file->downgrade.file, line));
	file->downgrade.text = NULL;
	revision->downgrade = NULL;
	revision->digest = pgm_content_digest(revision->upgrade, NULL,
										  revision->verify,
										  revision->transactional);
}

/*
 * The name of the file of the way up that belongs to this one, if this is one
 * of a way down that stands alone.
 */
static char *
name_of_the_way_up(const char *name)
{
	static const char suffix[] = ".down.sql";
	const char *slash = strrchr(name, '/');
	const char *base = slash ? slash + 1 : name;
	size_t		len = strlen(name);

	if (strcmp(base, "down.sql") == 0)
		return psprintf("%.*sup.sql", (int) (base - name), name);
	if (len > strlen(suffix) &&
		strcmp(name + len - strlen(suffix), suffix) == 0)
		return psprintf("%.*s.up.sql", (int) (len - strlen(suffix)), name);
	if (base[0] == 'U' && isdigit((unsigned char) base[1]) &&
		strstr(base, "__") != NULL)
		return psprintf("%.*sV%s", (int) (base - name), name, base + 1);
	return NULL;
}

/* The way down of a revision that is stored already. */
static PgmLoadAction
load_way_down(const PgmFormatRevision *file)
{
	PgmRevision *stored = pgm_revision_get(file->id);
	PgmRevision change = {0};

	if (stored == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("revision \"%s\" does not exist", file->id),
				errdetail("File \"%s\" is its way down.",
						  file->downgrade.file),
				errhint("Load its way up first, or both with pgmigrate.load_files() or load_directory()."));
	if (stored->downgrade == NULL)
	{
		pgm_load_check(&file->downgrade, PGM_SOURCE_DOWNGRADE, stored->id);
		change.id = stored->id;
		change.downgrade = file->downgrade.text;
		change.transactional = PGM_UNSET;
		pgm_author_amend(&change);
		return PGM_LOAD_ADDED;
	}
	if (pgm_content_same(stored->downgrade, file->downgrade.text))
		return PGM_LOAD_UNCHANGED;
	ereport(NOTICE,
			errmsg("revision \"%s\" is stored otherwise than in file \"%s\"",
				   stored->id, file->downgrade.file),
			errdetail("What differs: %s.", "downgrade"));
	return PGM_LOAD_DIFFERS;
}

/*
 * Sqitch's verify scripts pass if they raise no error; ours are queries that
 * answer true.  The whole row is counted so that every column is computed.
 */
static void
adapt_sqitch_verify(PgmFormatRevision *file)
{
	StringInfoData verify;
	PgmSource  *source;
	char	   *problem;
	int			line;

	if (is_blank(file->verify.text))
	{
		file->verify.text = NULL;
		return;
	}
	problem = pgm_load_problem(&file->verify, PGM_SOURCE_VERIFY, file->id,
							   &line);
	if (problem != NULL)
	{
		ereport(NOTICE,
				errmsg("verify script of revision \"%s\" is passed over: %s",
					   file->id, problem),
				errdetail("File \"%s\", line %d.", file->verify.file, line));
		file->verify.text = NULL;
		return;
	}
	source = pgm_source_parse(file->verify.text, PGM_SOURCE_VERIFY, file->id);
	initStringInfo(&verify);
	for (int i = 0; i < source->nstatements; i++)
		appendStringInfo(&verify,
						 "SELECT count(q.*) >= 0 AS verified FROM (\n%s\n) AS q;\n",
						 pgm_statement_text(source, i));
	file->verify.text = source->nstatements > 0 ? verify.data : NULL;
}

/* Of other tools' files their reader says so; a merge has nothing to do. */
static void
tell_empty(const PgmFormatResult *result, const PgmFormatRevision *file)
{
	if (result->format == PGM_FORMAT_PGMIGRATE && file->nparents < 2 &&
		is_blank(file->upgrade.text))
		ereport(NOTICE,
				errmsg("revision has no statement"),
				errdetail("File \"%s\", line %d.", file->upgrade.file,
						  file->upgrade.line),
				errhint("If it does nothing on purpose, say so in a comment."));
}

static void
parse(Loader *loader, PgmFormat format, int nfiles,
	  const PgmFormatFile *files)
{
	PgmFormatOptions options = {format};

	if (!pgm_format_parse(&options, nfiles, files, &loader->result))
		pgm_load_raise_format(&loader->result);
	report_warnings(&loader->result);
}

static PgmLoadRow *
load_one_way_down(PgmFormat format, const PgmFormatFile *file,
				  char *way_up, int *nrows)
{
	Loader		loader = {{0}};
	PgmLoadRow *row = palloc(sizeof(PgmLoadRow));
	PgmFormatFile files[2];

	files[0] = *file;
	files[1].name = way_up;
	files[1].data = "SELECT 1;\n";
	files[1].len = strlen(files[1].data);
	parse(&loader, format, 2, files);
	if (loader.result.revisions[0].downgrade.text == NULL)
		ereport(ERROR,
				errcode(ERRCODE_SYNTAX_ERROR),
				errmsg("file \"%s\" has no way down that can be read",
					   file->name));
	pgm_ledger_refuse_recovery();
	pgm_revision_lock_store();
	row->revision = loader.result.revisions[0].id;
	row->file = file->name;
	row->action = load_way_down(&loader.result.revisions[0]);
	*nrows = 1;
	return row;
}

/* What is told of a file, and kept of it, is for terminals too. */
static PgmFormatFile *
with_printable_names(int n, const PgmFormatFile *files)
{
	PgmFormatFile *result = palloc(sizeof(PgmFormatFile) * Max(n, 1));

	for (int i = 0; i < n; i++)
	{
		result[i] = files[i];
		result[i].name = pgm_printable_line(files[i].name);
	}
	return result;
}

PgmLoadRow *
pgm_loader_load(PgmFormat format, int nfiles, const PgmFormatFile *files,
				bool amend_pending, int *nrows)
{
	Loader		loader = {{0}};
	PgmFormatResult *result = &loader.result;
	PgmImported *imported;
	PgmLoadRow *rows;

	files = with_printable_names(nfiles, files);
	if (nfiles == 1 && format != PGM_FORMAT_REFINERY)
	{
		char	   *way_up = name_of_the_way_up(files[0].name);

		if (way_up != NULL)
			return load_one_way_down(format, &files[0], way_up, nrows);
	}

	parse(&loader, format, nfiles, files);
	loader.amend = amend_pending;
	loader.one_file = nfiles == 1 &&
		(result->format == PGM_FORMAT_GOLANG ||
		 result->format == PGM_FORMAT_PLAIN ||
		 result->format == PGM_FORMAT_DIESEL ||
		 result->format == PGM_FORMAT_PRISMA ||
		 result->format == PGM_FORMAT_FLYWAY);
	index_files(&loader, nfiles, files);
	pgm_ledger_refuse_recovery();
	pgm_revision_lock_store();
	imported = pgm_imported_give_way(result, nfiles, files);

	rows = palloc(sizeof(PgmLoadRow) *
				  (result->nrevisions + result->nskipped + 1));
	for (int i = 0; i < result->nrevisions; i++)
	{
		PgmFormatRevision *file = &result->revisions[i];
		PgmRevision *revision;
		PgmRevision *stored;

		CHECK_FOR_INTERRUPTS();
		if (result->format == PGM_FORMAT_SQITCH)
			adapt_sqitch_verify(file);
		revision = to_revision(file);
		stored = find_stored(&loader, file, revision);
		check_file(&loader, file, revision, stored);
		if (loader.errors.n > 0)
			continue;
		rows[i].file = file->upgrade.file;
		if (stored == NULL)
		{
			tell_empty(result, file);
			add_revision(&loader, file, revision);
			rows[i].action = PGM_LOAD_ADDED;
		}
		else
		{
			revision->id = stored->id;
			rows[i].action = compare(&loader, file, revision, stored);
		}
		rows[i].revision = loader.previous = revision->id;
	}
	pgm_load_raise(&loader.errors);
	pgm_imported_adopt_again(imported);
	*nrows = result->nrevisions;
	for (int i = 0; i < result->nskipped; i++)
	{
		PgmLoadRow *row = &rows[(*nrows)++];

		row->revision = NULL;
		row->file = result->skipped[i].file;
		row->action = PGM_LOAD_SKIPPED;
	}
	return rows;
}

const char *
pgm_load_action_name(PgmLoadAction action)
{
	static const char *const names[] = {
		[PGM_LOAD_ADDED] = "added",
		[PGM_LOAD_UNCHANGED] = "unchanged",
		[PGM_LOAD_DIFFERS] = "differs",
		[PGM_LOAD_AMENDED] = "amended",
		[PGM_LOAD_SKIPPED] = "skipped",
	};

	return names[action];
}

PgmFormat
pgm_loader_format(const char *name)
{
	PgmFormat	format;

	if (!pgm_format_by_name(name, &format))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("unrecognized format \"%s\"", name),
				errhint("The formats are %s.", pgm_format_names()));
	return format;
}

static bool
any_of(PgmRevSet set, const bool *marked)
{
	for (int i = 0; i < set.n; i++)
		if (marked[set.rev[i]])
			return true;
	return false;
}

/*
 * What is made for a schema is not for files, and what stands on that could
 * not be loaded without it.
 */
static bool
is_of_schema(const PgmGraph *graph, int rev, const PgmRevision *stored,
			 const bool *of_schema)
{
	if (stored->template_id != NULL)
		return true;
	if (!any_of(pgm_graph_parents(graph, rev), of_schema) &&
		!any_of(pgm_graph_depends(graph, rev), of_schema))
		return false;
	ereport(NOTICE,
			errmsg("revision \"%s\" is left out", stored->id),
			errdetail("It stands on what is made for a schema."));
	return true;
}

PgmFormatFile *
pgm_loader_export(const char *range, PgmFormat format, int *nfiles)
{
	PgmPlan    *plan = pgm_plan_load();
	PgmGraphError error = {PGM_GRAPH_OK};
	PgmFormatError format_error;
	PgmFormatRevision *revisions;
	PgmFormatFile *files;
	PgmRevSet	set;
	bool	   *of_schema;
	int			n = 0;

	if (!pgm_graph_range(plan->graph, plan->rows, range, &set, &error))
		pgm_graph_raise(&error);
	revisions = palloc0(sizeof(PgmFormatRevision) * Max(set.n, 1));
	of_schema = palloc0(sizeof(bool) * Max(pgm_graph_size(plan->graph), 1));
	for (int i = 0; i < set.n; i++)
	{
		PgmRevision *stored = pgm_revision_get(pgm_graph_id(plan->graph,
															set.rev[i]));
		PgmFormatRevision *revision = &revisions[n];

		CHECK_FOR_INTERRUPTS();
		of_schema[set.rev[i]] = is_of_schema(plan->graph, set.rev[i], stored,
											 of_schema);
		if (of_schema[set.rev[i]])
			continue;
		n++;
		revision->id = stored->id;
		revision->message = stored->message;
		revision->upgrade.text = stored->upgrade;
		revision->downgrade.text = stored->downgrade;
		revision->verify.text = stored->verify;
		revision->nparents = stored->nparents;
		revision->parents = stored->parents;
		revision->ndepends = stored->ndepends;
		revision->depends = stored->depends;
		revision->nlabels = stored->nlabels;
		revision->labels = stored->labels;
		revision->transactional = stored->transactional == PGM_UNSET ?
			PGM_FLAG_UNSET : stored->transactional == PGM_TRUE ?
			PGM_FLAG_ON : PGM_FLAG_OFF;
	}
	if (!pgm_format_write(format, n, revisions, nfiles, &files,
						  &format_error))
		pgm_load_raise_bad_format(&format_error);
	return files;
}
