
# Copyright (c) 2026, pgmigrate developers

# What the model of a schema does not know: each difference of this kind is
# refused by name, of the catalog, its column and the row.  Some can be made by
# SQL, others only by hand in the catalogs, as a later server might have them.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('reader');

query($node, 'CREATE DATABASE present');
query($node, q{
CREATE EXTENSION pgmigrate;
CREATE EXTENSION hstore;
CREATE SCHEMA app;
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TYPE app.mood AS ENUM ('sad', 'ok');
CREATE LANGUAGE plown HANDLER plpgsql_call_handler;
CREATE TABLE app.t (id int PRIMARY KEY, state varchar(9) CHECK (state IN ('a', 'b')), feels app.mood DEFAULT 'ok');
CREATE TABLE app.parent (id int) PARTITION BY LIST (id);
CREATE TABLE app.part PARTITION OF app.parent FOR VALUES IN (1);
CREATE TRIGGER touch AFTER INSERT ON app.parent FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE VIEW app.v AS SELECT id FROM app.t;
}, 'present');

sub generate
{
	my ($name, $sql) = @_;

	query($node, 'DROP DATABASE IF EXISTS desired');
	query($node, 'CREATE DATABASE desired TEMPLATE present');
	query($node, "SET allow_system_table_mods = on; $sql", 'desired');
	return $node->psql('present',
		"SELECT pgmigrate.autogenerate('$name', desired_database => 'desired')");
}

# A difference that only the catalogs have.
sub refused
{
	my ($name, $sql, $detail) = @_;
	my ($result, $stdout, $stderr) = generate($name, $sql);

	is($result, 3, "$name is refused");
	like($stderr, qr/ERROR:  the schemas have a difference that no SQL is generated for\nDETAIL:  $detail/,
		"$name is told by name");
	return;
}

my ($result, $stdout, $stderr) = generate('nothing', 'SELECT 1');
is("$result $stdout", '0 ', 'a copy is the same');
like($stderr, qr/nothing to do/, 'and there is nothing to do');

refused('comment on the rule of a view',
	q{COMMENT ON RULE "_RETURN" ON app.v IS 'x'},
	qr/Catalog "pg_description" should have a row for rule "_RETURN" on app\.v/);
refused('comment on the type of a table', q{COMMENT ON TYPE app.t IS 'x'},
	qr/Catalog "pg_description" should have a row for type app\.t/);
refused('privileges on the type of a table',
	'REVOKE USAGE ON TYPE app.t FROM PUBLIC',
	qr/Column "typacl" of catalog "pg_type" is null for app\.t, and should be/);
refused('comment on the trigger of a partition',
	q{COMMENT ON TRIGGER touch ON app.part IS 'x'},
	qr/Catalog "pg_description" should have a row for trigger touch on app\.part/);
refused('category of an enum',
	q{UPDATE pg_type SET typcategory = 'X' WHERE typname = 'mood'},
	qr/Column "typcategory" of catalog "pg_type" is 'E' for app\.mood, and should be 'X'/);
refused('row security of a view',
	q{UPDATE pg_class SET relrowsecurity = true WHERE relname = 'v'},
	qr/Column "relrowsecurity" of catalog "pg_class" is null for app\.v, and should be 'yes'/);
refused('check of an index at the end',
	q{UPDATE pg_index SET indimmediate = false WHERE indexrelid = 'app.t_pkey'::regclass},
	qr/Column "indimmediate" of catalog "pg_index" is 'yes' for app\.t_pkey, and should be null/);
refused('a language that is none of procedures',
	q{UPDATE pg_language SET lanispl = false WHERE lanname = 'plown'},
	qr/Column "lanispl" of catalog "pg_language" is 'yes' for plown, and should be null/);
refused('a partition that is being detached',
	q{UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 'app.part'::regclass},
	qr/Column "inhdetachpending" of catalog "pg_inherits" is null for app\.part, and should be 'yes'/);
refused('a rule of a view that is off',
	q{UPDATE pg_rewrite SET ev_enabled = 'D' WHERE ev_class = 'app.v'::regclass},
	qr/Column "ev_enabled" of catalog "pg_rewrite" is 'O' for app\.v\."_RETURN", and should be 'D'/);
refused('an extension that cannot be moved',
	q{UPDATE pg_extension SET extrelocatable = false WHERE extname = 'hstore'},
	qr/Column "extrelocatable" of catalog "pg_extension" is 'yes' for hstore, and should be null/);
refused('a table that goes with an extension',
	q{INSERT INTO pg_depend SELECT 'pg_class'::regclass, 'app.t'::regclass, 0, tableoid, oid, 0, 'x' FROM pg_extension WHERE extname = 'hstore'},
	qr/Catalog "pg_depend" should have a row for table app\.t\.extension hstore\.x/);

# Beside something that is generated it is not passed over either, nor where
# the present schema has it, which the upgrade would leave as it is.
refused('a comment beside a column',
	q{ALTER TABLE app.t ADD note text; COMMENT ON RULE "_RETURN" ON app.v IS 'x'},
	qr/Catalog "pg_description" should have a row for rule "_RETURN" on app\.v/);
query($node, q{COMMENT ON TYPE app.t IS 'x'}, 'present');
refused('what is there already',
	'ALTER TABLE app.t ADD note text',
	qr/Catalog "pg_description" should have a row for type app\.t/);

# What is left alone does not count, whether the model knows it or not.
query($node, q{ALTER DATABASE present SET pgmigrate.autogenerate_exclude = 'app.t'});
($result, $stdout, $stderr) = generate('left alone',
	q{COMMENT ON TYPE app.t IS 'y'; CREATE TABLE app.u (i int)});
is($result, 0, 'a comment on what is left alone') or diag($stderr);
like(query($node, "SELECT upgrade FROM pgmigrate.revision WHERE id = '$stdout'", 'present'),
	qr/^CREATE TABLE app\.u/, 'does not keep the rest from being generated');
query($node, 'ALTER DATABASE present RESET pgmigrate.autogenerate_exclude');
is(query($node, 'SELECT count(*) FROM pgmigrate.revision', 'present'), '1',
	'nothing that was refused is stored');

# A text that tells of no privileges takes those that a schema has by default
# with it; the way back, which is judged too, makes them again.
query($node, q{
COMMENT ON TYPE app.t IS NULL;
CREATE SCHEMA gone;
ALTER DEFAULT PRIVILEGES IN SCHEMA gone GRANT SELECT ON TABLES TO PUBLIC;
SET pgmigrate.autogenerate_include = 'gone%, %gone';
SELECT pgmigrate.autogenerate('gone', 'SELECT 1', id => 'gone');
}, 'present');
like(query($node, "SELECT downgrade FROM pgmigrate.revision WHERE id = 'gone'", 'present'),
	qr/^CREATE SCHEMA gone;.*IN SCHEMA gone GRANT SELECT ON TABLES TO PUBLIC/s,
	'default privileges come back with their schema');
query($node, 'DROP SCHEMA gone', 'present');

# A text is judged as well; a dump of such a language is none that can be read.
query($node, 'DROP LANGUAGE plown', 'present');
my ($text) = run_command([ 'pg_dump', '-s', '-d', $node->connstr('present') ]);
foreach my $more ('', q{COMMENT ON RULE "_RETURN" ON app.v IS 'x';})
{
	($result, $stdout, $stderr) = $node->psql('present',
		"SELECT pgmigrate.autogenerate('text', \$desired\$$text$more\$desired\$)");
	is($result, $more eq '' ? 0 : 3, 'a text that is ' . ($more eq '' ? '' : 'not ') . 'the same');
	like($stderr, $more eq '' ? qr/nothing to do/ :
		  qr/Catalog "pg_description" should have a row for rule "_RETURN" on app\.v/,
		'and what is said of it');
}

# What was altered until it is the same is the same, in all catalogs.
query($node, 'CREATE DATABASE made');
query($node, 'CREATE DATABASE altered');
query($node, q{
CREATE EXTENSION pgmigrate;
CREATE EXTENSION hstore;
CREATE SCHEMA app;
CREATE TYPE app.mood AS ENUM ('sad','ok','happy');
CREATE TYPE app.comp AS (a int, b text);
CREATE DOMAIN app.pos AS int DEFAULT 1 NOT NULL CONSTRAINT pc CHECK (value > 0);
CREATE TABLE app.par (id int NOT NULL, note text);
CREATE TABLE app.t (id bigint GENERATED BY DEFAULT AS IDENTITY, s varchar(9) DEFAULT 'x', n int NOT NULL, m app.mood, c app.comp, p app.pos, big text,
  CONSTRAINT t_pkey PRIMARY KEY (id), CONSTRAINT t_s_check CHECK (s IN ('a','b')), CONSTRAINT u UNIQUE (n));
CREATE TABLE app.child (x int) INHERITS (app.par);
CREATE TABLE app.fk (id int REFERENCES app.t (n) ON DELETE CASCADE, other int, v bigint, CONSTRAINT fkk FOREIGN KEY (v) REFERENCES app.t DEFERRABLE);
CREATE TABLE app.prt (id int NOT NULL, k int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE app.prt1 PARTITION OF app.prt FOR VALUES FROM (1) TO (10);
CREATE TABLE app.prt2 PARTITION OF app.prt DEFAULT;
CREATE INDEX prt_k ON app.prt (k);
CREATE VIEW app.v AS SELECT id, s FROM app.t;
CREATE MATERIALIZED VIEW app.mv AS SELECT id, s FROM app.t;
CREATE INDEX mvi ON app.mv (id);
CREATE SEQUENCE app.sq;
CREATE FUNCTION app.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER tr BEFORE INSERT ON app.t FOR EACH ROW EXECUTE FUNCTION app.f();
CREATE TRIGGER pt AFTER INSERT ON app.prt FOR EACH ROW EXECUTE FUNCTION app.f();
CREATE RULE r AS ON DELETE TO app.par DO INSTEAD NOTHING;
CREATE POLICY po ON app.t USING (n > 0);
CREATE STATISTICS app.st ON n, s FROM app.t;
CREATE PUBLICATION pub FOR TABLE app.t, app.par;
CREATE TABLE app.un (id serial, h hstore);
}, 'made');
query($node, q{
CREATE EXTENSION hstore;
CREATE SCHEMA old;
CREATE TYPE old.moody AS ENUM ('happy');
ALTER TYPE old.moody ADD VALUE 'bad' BEFORE 'happy';
ALTER TYPE old.moody ADD VALUE 'ok' BEFORE 'happy';
ALTER TYPE old.moody RENAME VALUE 'bad' TO 'sad';
ALTER TYPE old.moody RENAME TO mood;
CREATE TYPE old.comp AS (z int);
ALTER TYPE old.comp ADD ATTRIBUTE a int, ADD ATTRIBUTE b varchar;
ALTER TYPE old.comp DROP ATTRIBUTE z;
ALTER TYPE old.comp ALTER ATTRIBUTE b TYPE text;
ALTER SCHEMA old RENAME TO app;
CREATE DOMAIN app.pos AS int;
ALTER DOMAIN app.pos SET DEFAULT 1;
ALTER DOMAIN app.pos SET NOT NULL;
ALTER DOMAIN app.pos ADD CONSTRAINT px CHECK (value > 0) NOT VALID;
ALTER DOMAIN app.pos VALIDATE CONSTRAINT px;
ALTER DOMAIN app.pos RENAME CONSTRAINT px TO pc;
CREATE TABLE app.par0 (gone int, id int, note text COLLATE "C");
ALTER TABLE app.par0 DROP COLUMN gone;
ALTER TABLE app.par0 RENAME TO par;
ALTER TABLE app.par ALTER note TYPE text COLLATE "default";
ALTER TABLE app.par ALTER id SET NOT NULL, ALTER id DROP NOT NULL;
ALTER TABLE app.par ALTER id SET NOT NULL;
CREATE TABLE app.t0 (big text, n numeric, s varchar DEFAULT 'y' CHECK (s IN ('a','b')), id bigint);
ALTER TABLE app.t0 RENAME TO t;
ALTER TABLE app.t ADD m app.mood DEFAULT 'ok', ADD c app.comp, ADD p app.pos;
INSERT INTO app.t VALUES ('x', 1, 'a', 1);
ALTER TABLE app.t ADD extra int DEFAULT 7;
ALTER TABLE app.t DROP extra;
ALTER TABLE app.t ALTER m DROP DEFAULT, ALTER n TYPE int, ALTER s TYPE varchar(9), ALTER s SET DEFAULT 'x', ALTER n SET NOT NULL;
ALTER TABLE app.t ADD CONSTRAINT k0 PRIMARY KEY (id);
ALTER TABLE app.t RENAME CONSTRAINT k0 TO t_pkey;
ALTER TABLE app.t ALTER id ADD GENERATED ALWAYS AS IDENTITY;
ALTER TABLE app.t ALTER id SET GENERATED BY DEFAULT;
ALTER SEQUENCE app.t_id_seq RENAME TO other;
ALTER SEQUENCE app.other RENAME TO t_id_seq;
ALTER TABLE app.t RENAME CONSTRAINT t0_s_check TO t_s_check;
CREATE UNIQUE INDEX CONCURRENTLY uu ON app.t (n);
ALTER TABLE app.t ADD CONSTRAINT u UNIQUE USING INDEX uu;
ALTER TABLE app.t ALTER big SET STORAGE EXTERNAL;
ALTER TABLE app.t ALTER big SET STORAGE EXTENDED;
ALTER TABLE app.t ALTER big SET STATISTICS 5;
ALTER TABLE app.t ALTER big SET STATISTICS -1;
ALTER TABLE app.t ALTER big SET (n_distinct = 5);
ALTER TABLE app.t ALTER big RESET (n_distinct);
ALTER TABLE app.t SET (fillfactor = 50, toast.autovacuum_enabled = off);
ALTER TABLE app.t RESET (fillfactor, toast.autovacuum_enabled);
ALTER TABLE app.t SET UNLOGGED;
ALTER TABLE app.t SET LOGGED;
ALTER TABLE app.t REPLICA IDENTITY USING INDEX u;
ALTER TABLE app.t REPLICA IDENTITY DEFAULT;
ALTER TABLE app.t CLUSTER ON u;
ALTER TABLE app.t SET WITHOUT CLUSTER;
ALTER TABLE app.t ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.t DISABLE ROW LEVEL SECURITY;
GRANT SELECT ON app.t TO PUBLIC;
REVOKE SELECT ON app.t FROM PUBLIC;
GRANT SELECT (n) ON app.t TO PUBLIC;
REVOKE SELECT (n) ON app.t FROM PUBLIC;
COMMENT ON TABLE app.t IS 'x';
COMMENT ON TABLE app.t IS NULL;
CREATE TABLE app.child (x int, note text, id int);
ALTER TABLE app.child ALTER id SET NOT NULL;
ALTER TABLE app.child INHERIT app.par;
ALTER TABLE app.child NO INHERIT app.par;
DROP TABLE app.child;
CREATE TABLE app.child (x int) INHERITS (app.par);
CREATE TABLE app.fk (v bigint, id int, other int);
ALTER TABLE app.fk ADD FOREIGN KEY (id) REFERENCES app.t (n) ON DELETE CASCADE NOT VALID;
ALTER TABLE app.fk VALIDATE CONSTRAINT fk_id_fkey;
ALTER TABLE app.fk ADD CONSTRAINT fkq FOREIGN KEY (v) REFERENCES app.t;
ALTER TABLE app.fk ALTER CONSTRAINT fkq DEFERRABLE;
ALTER TABLE app.fk RENAME CONSTRAINT fkq TO fkk;
ALTER TABLE app.fk DISABLE TRIGGER ALL;
ALTER TABLE app.fk ENABLE TRIGGER ALL;
ALTER TABLE app.t DISABLE TRIGGER ALL;
ALTER TABLE app.t ENABLE TRIGGER ALL;
CREATE TABLE app.prt (k int, id int NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE app.p9 (k int, gone int, id int CONSTRAINT prt_id_not_null NOT NULL);
ALTER TABLE app.p9 DROP gone;
ALTER TABLE app.p9 RENAME TO prt1;
CREATE INDEX prt_k ON ONLY app.prt (k);
ALTER TABLE app.prt ADD PRIMARY KEY (id);
CREATE FUNCTION app.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN old; END';
CREATE OR REPLACE FUNCTION app.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
ALTER FUNCTION app.f SET search_path = x;
ALTER FUNCTION app.f RESET ALL;
REVOKE EXECUTE ON FUNCTION app.f FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.f TO PUBLIC;
CREATE TRIGGER pt AFTER INSERT ON app.prt FOR EACH ROW EXECUTE FUNCTION app.f();
CREATE TABLE app.prt2 PARTITION OF app.prt DEFAULT;
ALTER TABLE app.prt ATTACH PARTITION app.prt1 FOR VALUES FROM (1) TO (10);
ALTER TABLE app.prt DETACH PARTITION app.prt1;
ALTER TABLE app.prt ATTACH PARTITION app.prt1 FOR VALUES FROM (1) TO (10);
ALTER TRIGGER pt ON app.prt RENAME TO ptx;
ALTER TRIGGER ptx ON app.prt RENAME TO pt;
CREATE INDEX prt1_k_idx2 ON app.prt1 (k);
DROP INDEX app.prt1_k_idx2;
CREATE VIEW app.v AS SELECT id FROM app.t;
CREATE OR REPLACE VIEW app.v AS SELECT id, s AS x FROM app.t;
ALTER VIEW app.v RENAME COLUMN x TO s;
ALTER VIEW app.v SET (security_barrier = true);
ALTER VIEW app.v RESET (security_barrier);
ALTER VIEW app.v ALTER s SET DEFAULT 'x';
ALTER VIEW app.v ALTER s DROP DEFAULT;
CREATE MATERIALIZED VIEW app.mv AS SELECT id, s FROM app.t WITH NO DATA;
CREATE INDEX mvi ON app.mv (id);
ALTER MATERIALIZED VIEW app.mv CLUSTER ON mvi;
ALTER MATERIALIZED VIEW app.mv SET WITHOUT CLUSTER;
REINDEX INDEX app.mvi;
CREATE SEQUENCE app.sq AS int START 5;
ALTER SEQUENCE app.sq AS bigint START 1 NO MAXVALUE OWNED BY app.t.n;
ALTER SEQUENCE app.sq OWNED BY NONE;
CREATE TRIGGER tr BEFORE INSERT ON app.t FOR EACH ROW EXECUTE FUNCTION app.f();
ALTER TABLE app.t DISABLE TRIGGER tr;
ALTER TABLE app.t ENABLE TRIGGER tr;
ALTER FUNCTION app.f DEPENDS ON EXTENSION hstore;
ALTER FUNCTION app.f NO DEPENDS ON EXTENSION hstore;
CREATE RULE r AS ON DELETE TO app.par DO INSTEAD NOTHING;
ALTER TABLE app.par DISABLE RULE r;
ALTER TABLE app.par ENABLE RULE r;
CREATE POLICY po ON app.t USING (n > 1);
ALTER POLICY po ON app.t USING (n > 0);
CREATE STATISTICS app.st ON n, s FROM app.t;
ALTER STATISTICS app.st SET STATISTICS 5;
ALTER STATISTICS app.st SET STATISTICS -1;
CREATE PUBLICATION pub FOR TABLE app.par;
ALTER PUBLICATION pub ADD TABLE app.t;
ALTER PUBLICATION pub SET (publish = 'insert');
ALTER PUBLICATION pub SET (publish = 'insert, update, delete, truncate');
CREATE TABLE app.un (h hstore, id int NOT NULL);
CREATE SEQUENCE app.un_id_seq AS int OWNED BY app.un.id;
ALTER TABLE app.un ALTER id SET DEFAULT nextval('app.un_id_seq');
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM PUBLIC;
}, 'altered');
is(query($node, "SELECT pgmigrate.diff(desired_database => 'altered')", 'made'),
	'', 'the model finds no difference to what was altered');
($result, $stdout, $stderr) = $node->psql('made',
	"SELECT pgmigrate.autogenerate('altered', desired_database => 'altered')");
is("$result $stdout", '0 ', 'nor do the catalogs') or diag($stderr);
like($stderr, qr/nothing to do/, 'so there is nothing to do');

# A table that is made beside the one that it replaces has no constraint of
# another name for its NOT NULL, since 18, though the usual one is taken then.
query($node, 'CREATE DATABASE replaced');
query($node, 'CREATE DATABASE parted');
query($node, q{
CREATE EXTENSION pgmigrate;
CREATE TABLE log (at date NOT NULL, kind int NOT NULL);
}, 'replaced');
query($node, 'CREATE TABLE log (at date NOT NULL, kind int NOT NULL) PARTITION BY RANGE (at)',
	'parted');
query($node, q{
SET client_min_messages = warning;
SELECT pgmigrate.autogenerate('parted', desired_database => 'parted');
SELECT pgmigrate.upgrade();
}, 'replaced');
my $names = q{SELECT conname FROM pg_constraint WHERE conrelid = 'log'::regclass ORDER BY conname};
is(query($node, $names, 'replaced'), query($node, $names, 'parted'),
	'constraints of a table that was replaced have their names');

# What a database may have that no dump does, or a dump does otherwise, keeps
# nothing from being generated.
query($node, 'CREATE DATABASE plain');
query($node, 'CREATE EXTENSION pgmigrate', 'plain');

sub generated
{
	my ($name, $sql, $call, $upgrade, $desired) = @_;

	query($node, 'DROP DATABASE IF EXISTS odd');
	query($node, 'DROP DATABASE IF EXISTS desired');
	query($node, 'CREATE DATABASE odd TEMPLATE plain');
	query($node, "SET allow_system_table_mods = on; $sql", 'odd');
	query($node, 'CREATE DATABASE desired TEMPLATE odd');
	query($node, 'SET allow_system_table_mods = on; CREATE TABLE public.made (i int); ' . ($desired // ''), 'desired');
	my ($result, $stdout, $stderr) = $node->psql('odd',
		$call // q{SELECT pgmigrate.autogenerate('odd', desired_database => 'desired')});
	is($result, 0, "$name does not matter") or diag($stderr);
	like(query($node, 'SELECT upgrade FROM pgmigrate.revision', 'odd'),
		$upgrade // qr/^CREATE TABLE public\.made/, "and what does is generated beside $name");
	return;
}

generated('the first name of a constraint trigger', q{
CREATE TABLE public.t (i int);
CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE CONSTRAINT TRIGGER a AFTER INSERT ON public.t DEFERRABLE FOR EACH ROW EXECUTE FUNCTION public.f();
ALTER TRIGGER a ON public.t RENAME TO b});
generated('the owner of a multirange', q{
CREATE ROLE multi;
ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC;
CREATE TYPE public.r AS RANGE (subtype = int);
ALTER DEFAULT PRIVILEGES GRANT USAGE ON TYPES TO PUBLIC;
ALTER TYPE public.r OWNER TO multi});
generated('what is said of large objects', q{
SELECT lo_create(4711);
COMMENT ON LARGE OBJECT 4711 IS 'x';
INSERT INTO pg_seclabel VALUES (4711, 'pg_largeobject'::regclass, 0, 'test', 'x')});
generated('what is in schemas of the server', q{
CREATE TABLE information_schema.t (i int PRIMARY KEY, b text CHECK (b > ''));
COMMENT ON TABLE information_schema.t IS 'x';
CREATE VIEW information_schema.v AS SELECT * FROM information_schema.t;
CREATE FUNCTION pg_catalog.no_dump(int, int) RETURNS bool LANGUAGE sql RETURN $1 < $2;
CREATE OPERATOR pg_catalog.<<<< (FUNCTION = pg_catalog.no_dump, LEFTARG = int, RIGHTARG = int);
CREATE TYPE pg_catalog.no_enum AS ENUM ('a');
CREATE COLLATION pg_catalog.no_collation FROM "C";
CREATE TEXT SEARCH CONFIGURATION pg_catalog.no_search (COPY = pg_catalog.simple);
CREATE STATISTICS information_schema.s ON i, b FROM information_schema.t});
generated('a replica identity whose index is gone', q{
CREATE TABLE public.t (i int NOT NULL);
CREATE UNIQUE INDEX u ON public.t (i);
ALTER TABLE public.t REPLICA IDENTITY USING INDEX u;
DROP INDEX public.u});

# Nor does what is left alone by its name, with all that it has.
sub excluded
{
	my ($name, $sql, $exclude) = @_;

	generated($name, $sql, qq{
SET pgmigrate.autogenerate_exclude = '$exclude';
SELECT pgmigrate.autogenerate('x', 'CREATE TABLE public.made (i int)')});
	return;
}

excluded('a table with its types',
	'CREATE TABLE public.schema_migrations (version text)',
	'public.schema_migrations');
excluded('an enum with its array',
	q{CREATE TYPE public.e AS ENUM ('a')}, '"enum public.e"');
excluded('a range with its functions and casts',
	'CREATE TYPE public.r AS RANGE (subtype = int)', $_)
  foreach '"range public.r"', 'public.r';
excluded('a table with all that belongs to it', q{
CREATE TABLE public.t (id serial PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY CHECK (n > 0));
CREATE STATISTICS public.s ON id, n FROM public.t;
CREATE INDEX ON public.t (n)}, $_)
  foreach '"table public.t"', 'public.t';
excluded('a default partition', q{
CREATE TABLE public.p (i int) PARTITION BY LIST (i);
CREATE TABLE public.other PARTITION OF public.p DEFAULT}, 'public.p, public.other');
my $t = 'CREATE TABLE public.t (i int PRIMARY KEY)';
my $made = 'CREATE TABLE public.made (i int)';
foreach my $case (
	[ 'a foreign key with its triggers', 'CREATE TABLE public.x (i int REFERENCES public.t)', 'public.x' ],
	[ 'a publication with its tables', 'CREATE PUBLICATION pub FOR TABLE public.t', '"publication pub"' ],
	[ 'a publication of a table', 'CREATE PUBLICATION pub FOR TABLE public.t', 'pub' ],
	[ 'a publication with its schemas', 'CREATE PUBLICATION pub FOR TABLES IN SCHEMA public', 'pub' ])
{
	my ($name, $sql, $exclude) = @$case;

	generated($name, "$t; $sql", qq{
SET pgmigrate.autogenerate_exclude = '$exclude';
SELECT pgmigrate.autogenerate('x', '$t; $made')});
}
generated('the default partition of a table', q{
CREATE TABLE public.p (i int) PARTITION BY LIST (i);
CREATE TABLE public.other PARTITION OF public.p DEFAULT}, qq{
SET pgmigrate.autogenerate_exclude = 'public.other';
SELECT pgmigrate.autogenerate('x', 'CREATE TABLE public.p (i int) PARTITION BY LIST (i); $made')});
generated('a security label', $t, q{
SET pgmigrate.autogenerate_exclude = '"security label %"';
SELECT pgmigrate.autogenerate('x', desired_database => 'desired')}, undef,
	q{INSERT INTO pg_seclabel VALUES ('public.t'::regclass, 'pg_class'::regclass, 0, 'test', 'x')});

# Nor what is outside of the schemas that become like others.
generated('what refers to the schema', q{
CREATE SCHEMA app;
CREATE TABLE app.t (id int PRIMARY KEY);
CREATE TABLE public.x (id int REFERENCES app.t);
CREATE PUBLICATION tables FOR TABLE app.t;
CREATE PUBLICATION schemas FOR TABLES IN SCHEMA app;
CREATE SCHEMA next;
CREATE TABLE next.t (id int PRIMARY KEY, n int)}, q{
SELECT pgmigrate.autogenerate('x', desired_schemas => '{"next": "app"}')}, qr/ALTER TABLE app\.t\s+ADD (COLUMN )?n /);

is(query($node, "SELECT count(*) FROM pg_database WHERE datname LIKE 'pgmigrate%'"),
	'0', 'no scratch database is left');

done_testing();
