/*-------------------------------------------------------------------------
 *
 * about_partitions.c
 *	  Rules about partitions that come and go.
 *
 * A CHECK that spares the reading of a partition must say what the server
 * would find out, in the server's own words: so the server is asked for them.
 * That is done only where the bound is constant, as it is evaluated for that.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "commands/defrem.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "compat/command.h"
#include "compat/parse.h"
#include "compat/partition.h"
#include "compat/server.h"
#include "lint/hint.h"
#include "lint/internal.h"
#include "sql/source_text.h"
#include "strategy/partition_bound.h"

/* FOR VALUES and so on, as it is written. */
static char *
bound_text(const PgmLint *lint, const PartitionBoundSpec *bound)
{
	const PgmSource *source = lint->judged->source;
	int			n = lint->judged->n;
	int			after = bound->location;
	char	   *from;

	if (bound->is_default)
		return pstrdup("DEFAULT");
	if (bound->strategy == PARTITION_STRATEGY_HASH)
		return psprintf("FOR VALUES WITH (MODULUS %d, REMAINDER %d)",
						bound->modulus, bound->remainder);
	from = pgm_slice_parens(source, n, bound->location, &after);
	if (bound->strategy == PARTITION_STRATEGY_LIST)
		return psprintf("FOR VALUES IN %s", from);
	return psprintf("FOR VALUES FROM %s TO %s", from,
					pgm_slice_parens(source, n, after, NULL));
}

/* What the rows of a partition with this bound fulfil; NULL: not known. */
static char *
bound_condition(const PgmLint *lint, const PartitionBoundSpec *bound)
{
	if (!lint->verdict->tried || lint->verdict->sqlerrcode != 0)
		return NULL;
	return pgm_partition_bound_text(lint->effect->relid, bound);
}

/* A CHECK that is proved first, and not needed after the statement. */
typedef struct Proof
{
	Oid			relid;
	const char *label;
	const char *condition;		/* NULL: not known, or not needed */
} Proof;

/* Each in a revision of its own: it holds one table, and not for long. */
static char *
proof_form(const Proof *proof, const char *statement)
{
	const char *table = pgm_lint_relation(proof->relid);
	const char *name =
		quote_identifier(ChooseConstraintName(get_rel_name(proof->relid),
											  proof->label, "check",
											  get_rel_namespace(proof->relid),
											  NIL));

	return psprintf("ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s) NOT VALID;\n"
					PGM_LATER "ALTER TABLE %s VALIDATE CONSTRAINT %s;\n"
					PGM_LATER "%s;\n"
					PGM_LATER "ALTER TABLE %s DROP CONSTRAINT %s;",
					table, name, proof->condition, table, name, statement,
					table, name);
}

/* What spares the DEFAULT partition the reading. */
static Proof
default_proof(const PgmLint *lint, Oid relid, const PartitionBoundSpec *bound,
			  const char *child)
{
	char	   *condition = bound_condition(lint, bound);
	Proof		proof = {relid, child, NULL};

	if (condition != NULL)
		proof.condition = psprintf("NOT (%s)", condition);
	return proof;
}

static char *
default_form(const Proof *proof, const char *statement)
{
	return proof->condition == NULL ?
		psprintf("Validate a CHECK on %s that excludes the new bound first.",
				 pgm_lint_relation(proof->relid)) :
		proof_form(proof, statement);
}

static void
lint_default_partition(PgmLint *lint, Oid relid, char *hint)
{
	pgm_lint_add(lint, "default-partition-scan",
				 psprintf("DEFAULT partition %s is read while it is locked",
						  pgm_lint_relation(relid)), hint);
}

static bool
is_scanned(const PgmLint *lint, Oid relid)
{
	const PgmEffect *effect = OidIsValid(relid) ?
		pgm_verdict_find(lint->verdict, relid) : NULL;

	return effect != NULL && effect->scans == PGM_TRUE &&
		!effect->created_here;
}

static void
lint_attach(PgmLint *lint, const PartitionCmd *partition)
{
	Oid			child = pgm_lookup_relation(partition->name);
	Oid			other = pgm_default_partition(lint->effect->relid);

	if (!partition->bound->is_default && is_scanned(lint, other))
		lint_default_partition(lint, other, NULL);
	if (is_scanned(lint, child))
		pgm_lint_add(lint, "attach-partition",
					 psprintf("%s is read while it is locked, to prove its bound",
							  pgm_lint_qualified(partition->name)), NULL);
}

/* DETACH, and DROP TABLE of a partition: is there a weaker form? */
static const char *
detach_form(Oid parent, Oid child)
{
	if (!pgm_detach_can_be_concurrent())
		return NULL;

	/* the server refuses it while there is a default partition */
	if (OidIsValid(pgm_default_partition(parent)))
		return NULL;
	return psprintf("ALTER TABLE %s DETACH PARTITION %s CONCURRENTLY;",
					pgm_lint_relation(parent), pgm_lint_relation(child));
}

void
pgm_lint_partition(PgmLint *lint, AlterTableCmd *cmd)
{
	PartitionCmd *partition = castNode(PartitionCmd, cmd->def);
	Oid			child = pgm_lookup_relation(partition->name);

	if (cmd->subtype == AT_AttachPartition)
	{
		lint_attach(lint, partition);
		return;
	}
	if (pgm_detach_is_concurrent(cmd) || !OidIsValid(child))
		return;
	pgm_lint_add(lint, "detach-partition",
				 psprintf("reads and writes of all partitions of %s are blocked", lint->name),
				 NULL);
}

void
pgm_lint_partition_of(PgmLint *lint, const CreateStmt *create)
{
	const char *name = pgm_lint_qualified(create->relation);
	char	   *attach;
	Oid			other;
	Proof		proof;
	bool		scanned;

	if (lint->effect == NULL || lint->effect->created_here ||
		lint->effect->relkind != RELKIND_PARTITIONED_TABLE)
		return;
	other = pgm_default_partition(lint->effect->relid);
	scanned = is_scanned(lint, other) && !create->partbound->is_default;
	attach = psprintf("CREATE TABLE %s (LIKE %s INCLUDING ALL EXCLUDING IDENTITY EXCLUDING STATISTICS EXCLUDING COMMENTS);\n"
					  "ALTER TABLE %s ATTACH PARTITION %s %s",
					  name, lint->name, lint->name, name,
					  bound_text(lint, create->partbound));
	if (scanned)
		proof = default_proof(lint, other, create->partbound,
							  create->relation->relname);
	pgm_lint_add(lint, "partition-of-locks-parent",
				 psprintf("reads and writes of all partitions of %s are blocked", lint->name),
				 scanned ? default_form(&proof, attach) :
				 psprintf("%s;", attach));
	if (scanned)
		lint_default_partition(lint, other, default_form(&proof, attach));
}

void
pgm_lint_dropped_partition(PgmLint *lint, Oid relid)
{
	Oid			parent;
	const char *form;

	if (!get_rel_relispartition(relid))
		return;
	parent = pgm_partition_parent(relid);
	form = detach_form(parent, relid);
	pgm_lint_add(lint, "drop-partition-locks-parent",
				 psprintf("reads and writes of all partitions of %s are blocked", pgm_lint_relation(parent)),
				 form ? psprintf("%s\n-- in a later revision:\nDROP TABLE %s;", form,
								 pgm_lint_relation(relid)) :
				 pstrdup("There is no concurrent form while there is a DEFAULT partition: do it in a revision of its own."));
}
