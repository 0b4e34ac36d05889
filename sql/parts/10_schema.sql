/* The schema is made here, so that nobody can have made it before. */

CREATE SCHEMA pgmigrate;
REVOKE ALL ON SCHEMA pgmigrate FROM PUBLIC;
COMMENT ON SCHEMA pgmigrate IS 'schema revisions, and the ledger of what was applied';
