BEGIN;

-- Running downgrade gggg -> ffff

DROP TABLE t_gggg;

UPDATE alembic_version SET version_num='ffff' WHERE alembic_version.version_num = 'gggg';

-- Running downgrade ffff -> dddd

DROP TABLE t_ffff;

INSERT INTO alembic_version (version_num) VALUES ('dddd') RETURNING alembic_version.version_num;

UPDATE alembic_version SET version_num='eeee' WHERE alembic_version.version_num = 'ffff';

-- Running downgrade dddd -> bbbb, cccc

DROP TABLE t_dddd;

INSERT INTO alembic_version (version_num) VALUES ('cccc') RETURNING alembic_version.version_num;

UPDATE alembic_version SET version_num='bbbb' WHERE alembic_version.version_num = 'dddd';

-- Running downgrade bbbb -> aaaa

DROP TABLE t_bbbb;

DELETE FROM alembic_version WHERE alembic_version.version_num = 'bbbb';

-- Running downgrade cccc -> aaaa

DROP TABLE t_cccc;

UPDATE alembic_version SET version_num='aaaa' WHERE alembic_version.version_num = 'cccc';

-- Running downgrade eeee -> 

DROP TABLE t_eeee;

DELETE FROM alembic_version WHERE alembic_version.version_num = 'eeee';

-- Running downgrade aaaa -> 

DROP TABLE t_aaaa;

DELETE FROM alembic_version WHERE alembic_version.version_num = 'aaaa';

DROP TABLE alembic_version;

COMMIT;

