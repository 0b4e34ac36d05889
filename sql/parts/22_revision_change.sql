/* What was amended, removed and approved, by whom, and what it was before. */

CREATE TABLE pgmigrate.revision_change (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	revision text NOT NULL,
	change text NOT NULL CHECK (change IN ('amend', 'remove', 'approve')),
	changed_by text NOT NULL,
	changed_by_oid oid NOT NULL,
	changed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	digest text NOT NULL,
	author text NOT NULL,
	author_oid oid NOT NULL,
	coauthors text[] NOT NULL,
	coauthor_oids oid[] NOT NULL,
	message text,
	upgrade text,
	downgrade text,
	verify text,
	transactional boolean,
	down_revision text[],
	system_identifier bigint NOT NULL DEFAULT pgmigrate.system_identifier()
);
CREATE INDEX revision_change_revision ON pgmigrate.revision_change (revision, id);
COMMENT ON TABLE pgmigrate.revision_change IS 'one row per amend(), remove() and approve() of a revision, with the revision as it was before; kept for ever';
COMMENT ON COLUMN pgmigrate.revision_change.id IS 'number of the change';
COMMENT ON COLUMN pgmigrate.revision_change.revision IS 'id of the revision';
COMMENT ON COLUMN pgmigrate.revision_change.change IS 'amend, remove or approve';
COMMENT ON COLUMN pgmigrate.revision_change.changed_by IS 'role that made the change';
COMMENT ON COLUMN pgmigrate.revision_change.changed_by_oid IS 'the role itself';
COMMENT ON COLUMN pgmigrate.revision_change.changed_at IS 'time of the change';
COMMENT ON COLUMN pgmigrate.revision_change.digest IS 'digest before the change; of an approval, the digest approved';
COMMENT ON COLUMN pgmigrate.revision_change.author IS 'author before the change';
COMMENT ON COLUMN pgmigrate.revision_change.author_oid IS 'the role itself, 0 where it is not known';
COMMENT ON COLUMN pgmigrate.revision_change.coauthors IS 'other authors before the change';
COMMENT ON COLUMN pgmigrate.revision_change.coauthor_oids IS 'the roles themselves';
COMMENT ON COLUMN pgmigrate.revision_change.message IS 'message before the change; null for an approval, as the texts are';
COMMENT ON COLUMN pgmigrate.revision_change.upgrade IS 'upgrade SQL before the change';
COMMENT ON COLUMN pgmigrate.revision_change.downgrade IS 'downgrade SQL before the change';
COMMENT ON COLUMN pgmigrate.revision_change.verify IS 'verify SQL before the change';
COMMENT ON COLUMN pgmigrate.revision_change.transactional IS 'the flag before the change';
COMMENT ON COLUMN pgmigrate.revision_change.down_revision IS 'parents of a revision that was removed';
COMMENT ON COLUMN pgmigrate.revision_change.system_identifier IS 'cluster that the change was made on';

SELECT pg_catalog.pg_extension_config_dump('pgmigrate.revision_change', '');
SELECT pg_catalog.pg_extension_config_dump('pgmigrate.revision_change_id_seq', '');

REVOKE ALL ON TABLE pgmigrate.revision_change FROM PUBLIC;
REVOKE ALL ON SEQUENCE pgmigrate.revision_change_id_seq FROM PUBLIC;
