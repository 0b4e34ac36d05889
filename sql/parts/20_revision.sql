/* The store of revisions. */

CREATE FUNCTION pgmigrate.revision_digest(upgrade text, downgrade text, verify text, transactional boolean)
RETURNS text
AS 'MODULE_PATHNAME', 'pgmigrate_revision_digest'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION pgmigrate.revision_digest(text, text, text, boolean) IS
'digest of what a revision runs: SHA-256, in hexadecimal';

CREATE TABLE pgmigrate.revision (
	seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
	id text PRIMARY KEY,
	message text NOT NULL,
	upgrade text NOT NULL,
	downgrade text,
	verify text,
	transactional boolean,
	down_revision text[] NOT NULL DEFAULT '{}',
	depends_on text[] NOT NULL DEFAULT '{}',
	branch_labels text[] NOT NULL DEFAULT '{}',
	source jsonb,
	digest text NOT NULL GENERATED ALWAYS AS
		(pgmigrate.revision_digest(upgrade, downgrade, verify, transactional)) STORED,
	is_head boolean NOT NULL DEFAULT true,
	only_head boolean NOT NULL DEFAULT false,
	author text NOT NULL DEFAULT CURRENT_USER,
	author_oid oid NOT NULL DEFAULT pg_catalog.quote_ident(CURRENT_USER)::regrole::oid,
	coauthors text[] NOT NULL DEFAULT '{}',
	coauthor_oids oid[] NOT NULL DEFAULT '{}',
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	amended_by text,
	amended_by_oid oid,
	amended_at timestamptz,
	approved_by text,
	approved_by_oid oid,
	approved_at timestamptz,
	approved_digest text,
	template text,
	template_digest text,
	for_schema text,
	roles_of bigint NOT NULL DEFAULT pgmigrate.system_identifier(),
	CONSTRAINT revision_id_length CHECK (pg_catalog.octet_length(id) OPERATOR(pg_catalog.<=) 63)
);
CREATE UNIQUE INDEX revision_template ON pgmigrate.revision (template, for_schema)
	WHERE template IS NOT NULL;
CREATE INDEX revision_for_schema ON pgmigrate.revision (for_schema) WHERE for_schema IS NOT NULL;
CREATE INDEX revision_is_head ON pgmigrate.revision (seq) WHERE is_head;
CREATE INDEX revision_down_revision ON pgmigrate.revision USING gin (down_revision);
CREATE INDEX revision_depends_on ON pgmigrate.revision USING gin (depends_on)
	WHERE depends_on OPERATOR(pg_catalog.<>) '{}';
CREATE INDEX revision_branch_labels ON pgmigrate.revision USING gin (branch_labels)
	WHERE branch_labels OPERATOR(pg_catalog.<>) '{}';

COMMENT ON TABLE pgmigrate.revision IS 'one row per stored revision; written by pgmigrate.revision(), merge(), amend() and remove()';
COMMENT ON COLUMN pgmigrate.revision.seq IS 'load order';
COMMENT ON COLUMN pgmigrate.revision.id IS 'name of the revision, by default 12 digits of a digest over content and parents';
COMMENT ON COLUMN pgmigrate.revision.message IS 'what the revision does, for people';
COMMENT ON COLUMN pgmigrate.revision.upgrade IS 'SQL that applies the revision';
COMMENT ON COLUMN pgmigrate.revision.downgrade IS 'SQL that takes it back; null when it cannot be taken back';
COMMENT ON COLUMN pgmigrate.revision.verify IS 'query whose boolean columns must all be true after the upgrade';
COMMENT ON COLUMN pgmigrate.revision.transactional IS 'false runs it statement by statement; null finds out from the statements';
COMMENT ON COLUMN pgmigrate.revision.down_revision IS 'ids of the parents';
COMMENT ON COLUMN pgmigrate.revision.depends_on IS 'ids of revisions that must be applied before, on whatever branch';
COMMENT ON COLUMN pgmigrate.revision.branch_labels IS 'names for the branch that begins here';
COMMENT ON COLUMN pgmigrate.revision.source IS 'the file that the upgrade was loaded from, with the checksums other tools keep of it; null if there was none, or the upgrade was amended';
COMMENT ON COLUMN pgmigrate.revision.digest IS 'digest of upgrade, downgrade, verify and transactional as they are now';
COMMENT ON COLUMN pgmigrate.revision.is_head IS 'no revision has it as parent';
COMMENT ON COLUMN pgmigrate.revision.only_head IS 'it is known to have been the only head without a template when it was stored';
COMMENT ON COLUMN pgmigrate.revision.author IS 'role that wrote the SQL, or changed it last';
COMMENT ON COLUMN pgmigrate.revision.author_oid IS 'the role itself, as its name may become that of another one';
COMMENT ON COLUMN pgmigrate.revision.coauthors IS 'roles that wrote texts which the author left as they were; of a revision that fleet() made from a template, who wrote or approved that';
COMMENT ON COLUMN pgmigrate.revision.coauthor_oids IS 'the roles themselves, in the same order';
COMMENT ON COLUMN pgmigrate.revision.created_at IS 'time it was stored';
COMMENT ON COLUMN pgmigrate.revision.amended_by IS 'role that called the last amend()';
COMMENT ON COLUMN pgmigrate.revision.amended_by_oid IS 'the role itself';
COMMENT ON COLUMN pgmigrate.revision.amended_at IS 'time of the last amend()';
COMMENT ON COLUMN pgmigrate.revision.approved_by IS 'role that approved the SQL to run with its rights';
COMMENT ON COLUMN pgmigrate.revision.approved_by_oid IS 'the role itself';
COMMENT ON COLUMN pgmigrate.revision.approved_at IS 'time of the approval';
COMMENT ON COLUMN pgmigrate.revision.approved_digest IS 'digest that was approved; another digest voids the approval';
COMMENT ON COLUMN pgmigrate.revision.template IS 'id of the revision that fleet() made this one from; null for all others';
COMMENT ON COLUMN pgmigrate.revision.template_digest IS 'digest of the template when it was made';
COMMENT ON COLUMN pgmigrate.revision.for_schema IS 'schema that it was made for';
COMMENT ON COLUMN pgmigrate.revision.roles_of IS 'cluster that the OIDs of roles are of; in another one, after a restore, the names count';

SELECT pg_catalog.pg_extension_config_dump('pgmigrate.revision', '');
SELECT pg_catalog.pg_extension_config_dump('pgmigrate.revision_seq_seq', '');

CREATE FUNCTION pgmigrate.revision(
	message text,
	upgrade text,
	downgrade text DEFAULT NULL,
	id text DEFAULT NULL,
	down_revision text[] DEFAULT NULL,
	depends_on text[] DEFAULT '{}',
	branch_labels text[] DEFAULT '{}',
	verify text DEFAULT NULL,
	transactional boolean DEFAULT NULL,
	splice boolean DEFAULT false
) RETURNS text
AS 'MODULE_PATHNAME', 'pgmigrate_revision'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.revision(text, text, text, text, text[], text[], text[], text, boolean, boolean) IS
'store a revision and return its id; down_revision null means the only head, {} a new base';

CREATE FUNCTION pgmigrate.merge(
	revisions text[] DEFAULT '{heads}',
	message text DEFAULT NULL,
	id text DEFAULT NULL,
	branch_labels text[] DEFAULT '{}'
) RETURNS text
AS 'MODULE_PATHNAME', 'pgmigrate_merge'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.merge(text[], text, text, text[]) IS
'store a revision without SQL that joins branches, and return its id';

CREATE FUNCTION pgmigrate.amend(
	id text,
	message text DEFAULT NULL,
	upgrade text DEFAULT NULL,
	downgrade text DEFAULT NULL,
	verify text DEFAULT NULL,
	transactional boolean DEFAULT NULL
) RETURNS text
AS 'MODULE_PATHNAME', 'pgmigrate_amend'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.amend(text, text, text, text, text, boolean) IS
'change a revision that is not applied; null leaves a part as it is';

CREATE FUNCTION pgmigrate.remove(id text) RETURNS text
AS 'MODULE_PATHNAME', 'pgmigrate_remove'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.remove(text) IS
'remove a revision that is not applied and that no other revision needs';

CREATE FUNCTION pgmigrate.approve(id text, digest text DEFAULT NULL) RETURNS text
AS 'MODULE_PATHNAME', 'pgmigrate_approve'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.approve(text, text) IS
'let a revision of a less privileged author run with the rights of the calling role, if its digest is the one given; a later change of its SQL voids this';

REVOKE ALL ON TABLE pgmigrate.revision FROM PUBLIC;
REVOKE ALL ON SEQUENCE pgmigrate.revision_seq_seq FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.revision_digest(text, text, text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.revision(text, text, text, text, text[], text[], text[], text, boolean, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.merge(text[], text, text, text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.amend(text, text, text, text, text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.remove(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.approve(text, text) FROM PUBLIC;
