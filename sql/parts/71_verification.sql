/* What the server itself says that a revision made. */

CREATE TABLE pgmigrate.verification (
	revision text PRIMARY KEY,
	digest text NOT NULL,
	upgrade text,
	downgrade text,
	objects text[] NOT NULL,
	made text[] NOT NULL,
	written_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE pgmigrate.verification IS 'verifications that were generated for revisions that have none of their own, and what each revision did something to';
COMMENT ON COLUMN pgmigrate.verification.revision IS 'id of the revision';
COMMENT ON COLUMN pgmigrate.verification.digest IS 'digest of the revision that ran; the row does not count for another text';
COMMENT ON COLUMN pgmigrate.verification.upgrade IS 'queries whose column ok is true after the upgrade, to be run with search_path = pg_catalog; null if there is nothing to ask or the revision has a verify of its own';
COMMENT ON COLUMN pgmigrate.verification.downgrade IS 'queries whose column ok is true when the downgrade has taken away all that the upgrade made';
COMMENT ON COLUMN pgmigrate.verification.objects IS 'objects that the upgrade made, changed or dropped: of these, what earlier revisions are verified by does not count any more';
COMMENT ON COLUMN pgmigrate.verification.made IS 'those of them that it made';
COMMENT ON COLUMN pgmigrate.verification.written_at IS 'time of the transaction that wrote the row';
SELECT pg_catalog.pg_extension_config_dump('pgmigrate.verification', '');

REVOKE ALL ON TABLE pgmigrate.verification FROM PUBLIC;
