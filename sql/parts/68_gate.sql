/* The launch checklist. */

CREATE TABLE pgmigrate.attestation (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	item text NOT NULL,
	target_digest text NOT NULL,
	note text NOT NULL,
	attested_by text NOT NULL,
	attested_by_oid oid NOT NULL,
	attested_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	valid_until timestamptz NOT NULL
);
CREATE INDEX attestation_item ON pgmigrate.attestation (item, target_digest, id);
COMMENT ON TABLE pgmigrate.attestation IS 'items of the checklist that people vouched for; kept for ever';
COMMENT ON COLUMN pgmigrate.attestation.id IS 'number of the attestation';
COMMENT ON COLUMN pgmigrate.attestation.item IS 'item of the checklist';
COMMENT ON COLUMN pgmigrate.attestation.target_digest IS 'digest of the revisions that it is about, so that it ends with any change of them';
COMMENT ON COLUMN pgmigrate.attestation.note IS 'what was done or seen';
COMMENT ON COLUMN pgmigrate.attestation.attested_by IS 'role that vouches for it, by its name then';
COMMENT ON COLUMN pgmigrate.attestation.attested_by_oid IS 'the role itself';
COMMENT ON COLUMN pgmigrate.attestation.attested_at IS 'time of it';
COMMENT ON COLUMN pgmigrate.attestation.valid_until IS 'time from which on it counts no more';

CREATE TABLE pgmigrate.checklist_item (
	item text PRIMARY KEY,
	query text NOT NULL,
	author text NOT NULL,
	author_oid oid NOT NULL,
	roles_of bigint NOT NULL DEFAULT pgmigrate.system_identifier()
);
COMMENT ON TABLE pgmigrate.checklist_item IS 'items of the checklist that a team has added';
COMMENT ON COLUMN pgmigrate.checklist_item.item IS 'name of the item';
COMMENT ON COLUMN pgmigrate.checklist_item.query IS 'query of one value that must be true; it runs read-only with search_path pg_catalog';
COMMENT ON COLUMN pgmigrate.checklist_item.author IS 'role that set it, whose rights the query has';
COMMENT ON COLUMN pgmigrate.checklist_item.author_oid IS 'the role itself';
COMMENT ON COLUMN pgmigrate.checklist_item.roles_of IS 'cluster that the OID is of; in another one, after a restore, the name counts';

CREATE TABLE pgmigrate.rehearsal (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	target_digest text NOT NULL,
	ok boolean NOT NULL,
	finished timestamptz,
	queries jsonb
);
CREATE INDEX rehearsal_digest ON pgmigrate.rehearsal (target_digest, finished);
COMMENT ON TABLE pgmigrate.rehearsal IS 'rehearsals of revisions';
COMMENT ON COLUMN pgmigrate.rehearsal.id IS 'number of the rehearsal';
COMMENT ON COLUMN pgmigrate.rehearsal.target_digest IS 'digest of the revisions that were rehearsed';
COMMENT ON COLUMN pgmigrate.rehearsal.ok IS 'all steps did what they should';
COMMENT ON COLUMN pgmigrate.rehearsal.finished IS 'time it ended';
COMMENT ON COLUMN pgmigrate.rehearsal.queries IS 'what watched queries took in it, before and after: those that a revision made slower or broke, and each before and after all of them';

CREATE TABLE pgmigrate.scrape (
	role text PRIMARY KEY,
	role_oid oid NOT NULL,
	scraped_at timestamptz NOT NULL
);
COMMENT ON TABLE pgmigrate.scrape IS 'who has said that it read the metrics';
COMMENT ON COLUMN pgmigrate.scrape.role IS 'role that read them, by its name then';
COMMENT ON COLUMN pgmigrate.scrape.role_oid IS 'the role itself';
COMMENT ON COLUMN pgmigrate.scrape.scraped_at IS 'time it did so last, within seconds';

SELECT pg_catalog.pg_extension_config_dump('pgmigrate.scrape', '');
SELECT pg_catalog.pg_extension_config_dump('pgmigrate.attestation', '');
SELECT pg_catalog.pg_extension_config_dump('pgmigrate.attestation_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('pgmigrate.checklist_item', '');
SELECT pg_catalog.pg_extension_config_dump('pgmigrate.rehearsal', '');
SELECT pg_catalog.pg_extension_config_dump('pgmigrate.rehearsal_id_seq', '');

CREATE FUNCTION pgmigrate.checklist(
	target text DEFAULT 'head'
) RETURNS TABLE (
	item text,
	state text,
	detail text,
	attested_by text,
	attested_at timestamptz,
	valid_until timestamptz
)
AS 'MODULE_PATHNAME', 'pgmigrate_checklist'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.checklist(text) IS
'what must be true before an upgrade to the target, and whether it is: ok, missing, expired or failed';

CREATE FUNCTION pgmigrate.attest(
	item text,
	note text,
	valid_for interval DEFAULT '1 day',
	target text DEFAULT 'head'
) RETURNS void
AS 'MODULE_PATHNAME', 'pgmigrate_attest'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.attest(text, text, interval, text) IS
'vouch for an item of the checklist, for the revisions that an upgrade to the target would run now';

CREATE FUNCTION pgmigrate.checklist_require(
	item text,
	query text
) RETURNS void
AS 'MODULE_PATHNAME', 'pgmigrate_checklist_require'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.checklist_require(text, text) IS
'add an item to the checklist: a query that must be true, which runs with the rights of the caller of this; null takes the item away';

CREATE FUNCTION pgmigrate.scraped() RETURNS boolean
AS 'MODULE_PATHNAME', 'pgmigrate_scraped'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.scraped() IS
'say that the metrics are being read, for the checklist; true if that was written, which it is every few seconds at most';

REVOKE ALL ON TABLE pgmigrate.attestation, pgmigrate.checklist_item, pgmigrate.rehearsal, pgmigrate.scrape FROM PUBLIC;
REVOKE ALL ON SEQUENCE pgmigrate.attestation_id_seq, pgmigrate.rehearsal_id_seq FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.checklist(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.attest(text, text, interval, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.checklist_require(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.scraped() FROM PUBLIC;
