BEGIN;

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL, 
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

-- Running upgrade  -> aaaa

CREATE TABLE t_aaaa (a int);

INSERT INTO alembic_version (version_num) VALUES ('aaaa') RETURNING alembic_version.version_num;

-- Running upgrade  -> eeee

CREATE TABLE t_eeee (a int);

INSERT INTO alembic_version (version_num) VALUES ('eeee') RETURNING alembic_version.version_num;

-- Running upgrade aaaa -> cccc

CREATE TABLE t_cccc (a int);

UPDATE alembic_version SET version_num='cccc' WHERE alembic_version.version_num = 'aaaa';

-- Running upgrade aaaa -> bbbb

CREATE TABLE t_bbbb (a int);

INSERT INTO t_bbbb VALUES (1); -- Running upgrade x -> y;

INSERT INTO alembic_version (version_num) VALUES ('bbbb') RETURNING alembic_version.version_num;

-- Running upgrade bbbb, cccc -> dddd

CREATE TABLE t_dddd (a int);

DELETE FROM alembic_version WHERE alembic_version.version_num = 'bbbb';

UPDATE alembic_version SET version_num='dddd' WHERE alembic_version.version_num = 'cccc';

-- Running upgrade dddd -> ffff

CREATE TABLE t_ffff (a int);

DELETE FROM alembic_version WHERE alembic_version.version_num = 'dddd';

UPDATE alembic_version SET version_num='ffff' WHERE alembic_version.version_num = 'eeee';

-- Running upgrade ffff -> gggg

CREATE TABLE t_gggg (a int);

CREATE TABLE x (
    id INTEGER
);

COMMIT;

create index concurrently i on x(id);

BEGIN;

UPDATE alembic_version SET version_num='gggg' WHERE alembic_version.version_num = 'ffff';

COMMIT;

