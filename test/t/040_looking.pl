
# Copyright (c) 2026, pgmigrate developers

# Looking is running: who looks at SQL of others runs no code of theirs with
# rights that they do not have.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('looking');

# What mallory's code leaves when it runs, in a way that no rollback undoes: a
# sequence that he owns counts the calls, one for each sort of rights.
query($node, <<'SQL');
CREATE ROLE mallory LOGIN;
CREATE ROLE app LOGIN;
CREATE EXTENSION citext;
CREATE SCHEMA mal AUTHORIZATION mallory;
CREATE SCHEMA app AUTHORIZATION app;
GRANT CREATE, USAGE ON SCHEMA public TO mallory;
SELECT pgmigrate.grant_access('mallory', 'author');
SET SESSION AUTHORIZATION mallory;
CREATE SEQUENCE mal.as_mallory;
CREATE SEQUENCE mal.as_other;
CREATE TABLE mal.log (who text);
GRANT ALL ON SCHEMA mal TO PUBLIC;
GRANT ALL ON ALL TABLES IN SCHEMA mal TO PUBLIC;
GRANT ALL ON ALL SEQUENCES IN SCHEMA mal TO PUBLIC;
CREATE FUNCTION mal.note() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF current_user = 'mallory' THEN
		PERFORM nextval('mal.as_mallory');
		RETURN;
	END IF;
	PERFORM nextval('mal.as_other');
	RAISE WARNING 'mallory runs as %', current_user;
	EXECUTE 'ALTER ROLE mallory SUPERUSER';
EXCEPTION WHEN insufficient_privilege THEN NULL;
END $$;
CREATE FUNCTION mal.check_me() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM mal.note(); RETURN true; END $$;
CREATE FUNCTION mal.bound() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM mal.note(); RETURN 1; END $$;
CREATE FUNCTION mal.evil(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM mal.note(); RETURN $1; END $$;
CREATE FUNCTION mal.evil(int, int) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM mal.note(); RETURN true; END $$;
CREATE FUNCTION mal.evil_text(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM mal.note(); RETURN $1; END $$;
CREATE FUNCTION mal.fire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM mal.note(); RETURN NULL; END $$;
CREATE FUNCTION mal.sql_body() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION public.lower(int) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM mal.note(); RETURN $1::text; END $$;
CREATE OPERATOR mal.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = mal.evil);
CREATE OPERATOR public.&&& (LEFTARG = int, RIGHTARG = int, FUNCTION = mal.evil);
CREATE DOMAIN mal.dom AS int CHECK (mal.check_me());
CREATE DOMAIN mal.dom_constant AS int CHECK (mal.evil(4) > 0);
CREATE DOMAIN mal.dom_of_array AS mal.dom[];
CREATE TYPE mal.pair AS (a mal.dom, b int);
CREATE TYPE mal.colour AS ENUM ('red');
CREATE FUNCTION mal.colour_text(mal.colour) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM mal.note(); RETURN 'x'; END $$;
CREATE CAST (mal.colour AS text) WITH FUNCTION mal.colour_text(mal.colour) AS ASSIGNMENT;
CREATE FUNCTION mal.distance(text, text) RETURNS float8 IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM mal.note(); RETURN 1; END $$;
CREATE TYPE mal.span AS RANGE (subtype = text, subtype_diff = mal.distance);
CREATE TYPE mal.of_dom AS RANGE (subtype = mal.dom);
CREATE TABLE mal.t (id int PRIMARY KEY, d mal.dom, l mal.dom[], c text);
CREATE INDEX ON mal.t (mal.evil(id)) WHERE mal.evil(4) > 0;
CREATE TABLE mal.checked (id int CHECK (mal.evil(5) > 0), g int GENERATED ALWAYS AS (mal.evil(6)) STORED);
CREATE TABLE mal.whole (id int) PARTITION BY RANGE (mal.evil(id));
CREATE VIEW mal.v AS SELECT id, l FROM mal.t WHERE mal.evil(7) > 0;
CREATE TABLE mal.by_predicate (id int, d int);
CREATE UNIQUE INDEX ON mal.by_predicate (id) WHERE mal.evil(8) > 0;
CREATE TABLE mal.by_expression (id int);
CREATE UNIQUE INDEX ON mal.by_expression ((mal.evil(9)), id);
CREATE TABLE mal.by_domain (d mal.dom_constant);
CREATE TABLE mal.by_cast (c text CHECK (c::mal.dom[] IS NOT NULL));
CREATE TABLE mal.by_key (id int, n int) PARTITION BY RANGE ((mal.evil(10) + id));
CREATE TABLE mal.by_key_1 PARTITION OF mal.by_key FOR VALUES FROM (11) TO (20);
CREATE TABLE mal.by_key_2 (id int, n int);
CREATE TABLE mal.by_key_3 (id int, n int);
INSERT INTO mal.by_key_3 VALUES (30, 1);
CREATE MATERIALIZED VIEW mal.mv AS SELECT 1 AS a;
CREATE UNIQUE INDEX ON mal.mv (a) WHERE mal.evil(11) > 0;
CREATE FUNCTION mal.to_text(bigint) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM mal.note(); RETURN $1; END $$;
CREATE FUNCTION mal.add(mal.dom, int) RETURNS mal.dom LANGUAGE plpgsql AS $$ BEGIN RETURN $1; END $$;
CREATE FUNCTION mal.order(json, json) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM mal.note(); RETURN -1; END $$;
CREATE FUNCTION mal.less(json, json) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM mal.note(); RETURN true; END $$;
CREATE OPERATOR mal.<<< (LEFTARG = json, RIGHTARG = json, FUNCTION = mal.less);
RESET SESSION AUTHORIZATION;
CREATE TABLE public.su (id int PRIMARY KEY, c text, n bigint);
CREATE TABLE public.su_dom (id int, l mal.dom[]);
CREATE TABLE public.su_part (id int) PARTITION BY RANGE (id);
CREATE TABLE public.su_key (id int CONSTRAINT su_key_bound CHECK (id > 0), n int);
ALTER TABLE mal.by_key ATTACH PARTITION public.su_key FOR VALUES FROM (40) TO (50);
ALTER SEQUENCE mal.as_other RESTART;
ALTER ROLE mallory NOSUPERUSER;
INSERT INTO public.su VALUES (1, 'x', 1);
CREATE TABLE app.t (id int PRIMARY KEY, c text);
ALTER TABLE app.t OWNER TO app;
INSERT INTO app.t VALUES (1, 'x');
GRANT USAGE ON SCHEMA app TO PUBLIC;
GRANT REFERENCES ON public.su TO mallory;
CREATE FUNCTION public.own_idx(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';
CREATE TABLE public.own (id int);
CREATE INDEX own_i ON public.own (public.own_idx(id));
SQL

my @attacks = (
	# analysis alone
	[ 'literal of an array', q(SELECT '{1}'::mal.dom[]) ],
	[ 'literal of a row', q(SELECT '(1,2)'::mal.pair) ],
	[ 'literal of a range', q(SELECT '[1,2]'::mal.of_dom) ],
	[ 'cast as a function', q(SELECT mal._dom('{1}')) ],
	[ 'typed literal', q(SELECT mal.dom_of_array '{1}') ],
	[ 'VALUES', q(VALUES ('{1}'::mal.dom[])) ],
	[ 'columns of json', q(SELECT * FROM json_to_record('{"a": 1}') AS x(a mal.dom)) ],
	[ 'input function by OID', q(SELECT array_in('{1}', 'mal.dom'::regtype, -1)) ],
	[ 'path', q(SET search_path = mal, public; SELECT '{1}'::dom[]) ],
	[ 'WITH', q(WITH a AS (SELECT '{1}'::mal.dom[] AS x) SELECT x FROM a) ],
	[ 'PREPARE', q(PREPARE p AS SELECT '{1}'::mal.dom[]; EXECUTE p) ],
	[ 'DO', q(DO $$ BEGIN PERFORM mal.check_me(); END $$) ],
	[ 'EXPLAIN', q(EXPLAIN SELECT '{1}'::mal.dom[]) ],
	[ 'INSERT', q(INSERT INTO public.su SELECT mal.evil(2), 'x') ],
	[ 'COPY', q(COPY (SELECT '{1}'::mal.dom[]) TO '/dev/null') ],
	[ 'UPDATE', q(UPDATE public.su_dom SET l = '{1}') ],

	# values that are held against what their table takes
	[ 'INSERT, predicate', q(INSERT INTO mal.by_predicate VALUES (1, 2)) ],
	[ 'INSERT, expression', q(INSERT INTO mal.by_expression VALUES (1)) ],
	[ 'INSERT, ON CONFLICT', q(INSERT INTO mal.by_expression VALUES (1) ON CONFLICT (id) DO NOTHING) ],
	[ 'INSERT, domain', q(INSERT INTO mal.by_domain VALUES (1)) ],
	[ 'INSERT, column of a domain', q(INSERT INTO mal.by_domain (d) VALUES (1)) ],
	[ 'INSERT, CHECK with a cast', q(INSERT INTO mal.by_cast VALUES ('{1}')) ],
	[ 'INSERT, partition key', q(INSERT INTO mal.by_key VALUES (1, 2)) ],
	[ 'INSERT, key of the parent', q(INSERT INTO public.su_key VALUES (1, 2)) ],
	[ 'UPDATE, partition key', q(UPDATE mal.by_key SET n = 1 WHERE n <> 1) ],
	[ 'UPDATE, domain', q(UPDATE mal.by_domain SET d = 1) ],
	[ 'REFRESH, predicate', q(REFRESH MATERIALIZED VIEW CONCURRENTLY mal.mv) ],

	# bounds of partitions
	[ 'key of a partition that comes', q(ALTER TABLE mal.by_key ATTACH PARTITION mal.by_key_3 FOR VALUES FROM (30) TO (50)) ],
	[ 'key of a partition that goes', q(ALTER TABLE mal.by_key DETACH PARTITION mal.by_key_1) ],
	[ 'key of a partition of another', q(ALTER TABLE public.su_key DROP CONSTRAINT su_key_bound) ],
	[ 'key and CHECK of a partition of another', q(ALTER TABLE public.su_key ADD CONSTRAINT more CHECK (id > 0) NOT VALID; ALTER TABLE public.su_key VALIDATE CONSTRAINT more) ],
	[ 'bound', q(CREATE TABLE m (a int) PARTITION BY RANGE (a); CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (mal.bound()) TO (100)) ],
	[ 'bound of a list', q(CREATE TABLE m (a int) PARTITION BY LIST (a); CREATE TABLE m1 PARTITION OF m FOR VALUES IN (1, mal.bound())) ],
	[ 'bound of a live table', q(CREATE TABLE su_1 PARTITION OF public.su_part FOR VALUES FROM (mal.bound()) TO (100)) ],
	[ 'bound on ATTACH', q(CREATE TABLE su_1 (id int); ALTER TABLE public.su_part ATTACH PARTITION su_1 FOR VALUES FROM (mal.bound()) TO (100)) ],
	[ 'query in a bound', q(CREATE TABLE m (a int) PARTITION BY RANGE (a); CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (length(query_to_xml('SELECT mal.check_me()', true, true, '')::text)) TO (10000)) ],
	[ 'setting in a bound', q(CREATE TABLE m (a text, b text) PARTITION BY RANGE (a, b); CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (set_config('search_path', 'mal,public', false), evil_text('x')) TO ('z', 'z')) ],
	[ 'parent of mallory', q(CREATE TABLE m1 PARTITION OF mal.whole FOR VALUES FROM (1) TO (2)) ],

	# what is evaluated of columns and constraints
	[ 'DEFAULT', q(ALTER TABLE public.su ADD COLUMN x int DEFAULT mal.evil(4)) ],
	[ 'DEFAULT of a cast', q(ALTER TABLE public.su ADD COLUMN x text DEFAULT 'red'::mal.colour) ],
	[ 'USING', q(ALTER TABLE public.su ALTER COLUMN id TYPE bigint USING mal.evil(4)) ],
	[ 'USING of a literal', q(ALTER TABLE public.su ALTER COLUMN id TYPE bigint USING ('{1}'::mal.dom[])[1]) ],
	[ 'USING of a literal, table of app', q(ALTER TABLE app.t ALTER COLUMN id TYPE bigint USING ('{1}'::mal.dom[])[1]) ],
	[ 'USING of a literal, table of mallory', q(ALTER TABLE mal.t ALTER COLUMN id TYPE bigint USING ('{1}'::mal.dom[])[1]) ],
	[ 'DEFAULT of a literal', q(ALTER TABLE public.su ADD COLUMN x int DEFAULT ('{1}'::mal.dom[])[1], ALTER COLUMN id TYPE bigint) ],
	[ 'UPDATE to a literal, table of mallory', q(UPDATE mal.t SET id = ('{1}'::mal.dom[])[1]) ],
	[ 'SET DEFAULT', q(ALTER TABLE public.su ALTER COLUMN c SET DEFAULT mal.evil_text('{1}'::mal.dom[]::text)) ],
	[ 'CHECK', q(ALTER TABLE public.su ADD CHECK (mal.evil(3) > 0)) ],
	[ 'CHECK of a literal', q(ALTER TABLE public.su ADD CHECK ('{1}'::mal.dom[] IS NOT NULL)) ],
	[ 'CHECK by a column of a domain', q(ALTER TABLE public.su_dom ADD CHECK (l <> '{1}')) ],
	[ 'CHECK by an operator', q(ALTER TABLE public.su ADD CHECK (1 OPERATOR(mal.===) 2)) ],
	[ 'CHECK by an operator in the path', q(ALTER TABLE public.su ADD CHECK (1 &&& 2)) ],
	[ 'CHECK by a function in the path', q(ALTER TABLE public.su ADD CHECK (lower(4) = '4')) ],
	[ 'CHECK, not valid and validated', q(ALTER TABLE public.su ADD CONSTRAINT k CHECK (mal.evil(3) > 0) NOT VALID; ALTER TABLE public.su VALIDATE CONSTRAINT k) ],
	[ 'CHECK of a table of app', q(ALTER TABLE app.t ADD CHECK (mal.evil(3) > 0)) ],
	[ 'column of a domain', q(ALTER TABLE public.su ADD COLUMN x mal.dom DEFAULT 1) ],
	[ 'column of a domain, constant', q(ALTER TABLE public.su ADD COLUMN x mal.dom_constant) ],
	[ 'TYPE of a domain', q(ALTER TABLE public.su ALTER COLUMN id TYPE mal.dom) ],
	[ 'generated', q(ALTER TABLE public.su ADD COLUMN x int GENERATED ALWAYS AS (mal.evil(4)) STORED) ],
	[ 'NOT NULL column of a domain', q(CREATE TABLE m (x mal.dom NOT NULL DEFAULT 1); ALTER TABLE m ALTER COLUMN x SET DEFAULT 2) ],

	# indexes and the like
	[ 'index', q(CREATE INDEX ON public.su (mal.evil(4))) ],
	[ 'index of rows', q(CREATE UNIQUE INDEX ON public.su (mal.evil(id))) ],
	[ 'predicate', q(CREATE INDEX ON public.su (id) WHERE mal.evil(4) > 0) ],
	[ 'index concurrently', q(CREATE INDEX CONCURRENTLY su_e ON public.su (mal.evil(4))) ],
	[ 'exclusion', q(ALTER TABLE public.su ADD EXCLUDE USING btree (mal.evil(id) WITH =) WHERE (mal.evil(4) > 0)) ],
	[ 'statistics', q(CREATE STATISTICS st ON mal.evil(4), c FROM public.su) ],
	[ 'partition key', q(CREATE TABLE m (a int) PARTITION BY RANGE (mal.evil(4))) ],
	[ 'policy', q(CREATE POLICY p ON public.su USING ('{1}'::mal.dom[] IS NOT NULL)) ],
	[ 'WHEN of a trigger', q(CREATE TRIGGER g AFTER INSERT ON public.su FOR EACH ROW WHEN ('{1}'::mal.dom[] IS NOT NULL) EXECUTE FUNCTION mal.fire()) ],
	[ 'trigger on TRUNCATE', q(CREATE TABLE m (a int); CREATE TRIGGER g BEFORE TRUNCATE ON m EXECUTE FUNCTION mal.fire(); ALTER TABLE m ENABLE ALWAYS TRIGGER g; TRUNCATE m) ],
	[ 'rule', q(CREATE RULE r AS ON INSERT TO public.su WHERE '{1}'::mal.dom[] IS NOT NULL DO NOTHING) ],
	[ 'attribute', q(CREATE FUNCTION public.su_evil(public.su) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT mal.evil(4)'; ALTER TABLE public.su ADD CHECK (su.su_evil > 0)) ],

	# queries that are kept
	[ 'view', q(CREATE VIEW w AS SELECT '{1}'::mal.dom[] AS x) ],
	[ 'view by a column', q(CREATE VIEW w AS SELECT * FROM mal.v WHERE l = '{1}') ],
	[ 'materialized view', q(CREATE MATERIALIZED VIEW w AS SELECT '{1}'::mal.dom[] AS x, mal.evil(4)) ],
	[ 'REFRESH', q(CREATE MATERIALIZED VIEW w AS SELECT mal.evil(4); REFRESH MATERIALIZED VIEW w) ],
	[ 'CREATE TABLE AS', q(CREATE TABLE w AS SELECT mal.evil(4) AS x, '{1}'::mal.dom[] AS y) ],
	[ 'SELECT INTO', q(SELECT '{1}'::mal.dom[] AS y INTO w) ],
	[ 'CREATE SCHEMA', q(CREATE SCHEMA w CREATE VIEW x AS SELECT '{1}'::mal.dom[] AS y) ],

	# types and functions
	[ 'domain of a domain', q(CREATE DOMAIN d AS mal.dom_of_array DEFAULT '{1}') ],
	[ 'CHECK of a domain', q(CREATE DOMAIN d AS int CHECK (mal.evil(4) > 0); CREATE TABLE m (a d DEFAULT 1); ALTER TABLE m ADD COLUMN b d DEFAULT 1) ],
	[ 'ALTER DOMAIN', q(ALTER DOMAIN mal.dom ADD CONSTRAINT more CHECK (mal.evil(4) > 0)) ],
	[ 'default of a parameter', q(CREATE FUNCTION public.p(a mal.dom[] DEFAULT '{1}') RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END') ],
	[ 'body in SQL', q(CREATE FUNCTION public.p() RETURNS mal.dom[] LANGUAGE sql AS $$ SELECT '{1}'::mal.dom[] $$) ],
	[ 'body in SQL with a path', q(CREATE FUNCTION public.p() RETURNS int LANGUAGE sql SET search_path = mal AS $$ SELECT 1 FROM (SELECT '{1}'::dom[]) AS x $$) ],
	[ 'atomic body', q(CREATE FUNCTION public.p() RETURNS mal.dom[] LANGUAGE sql RETURN '{1}'::mal.dom[]) ],
	[ 'type of a composite', q(CREATE TYPE public.q AS (a mal.dom); CREATE TABLE m (x public.q DEFAULT '(1)')) ],
	[ 'range', q(CREATE TYPE public.q AS RANGE (subtype = mal.dom, subtype_diff = mal.evil)) ],
	[ 'own function of the text in a bound', q(CREATE FUNCTION public.f() RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM mal.note(); RETURN 1; END'; CREATE TABLE m (a int) PARTITION BY RANGE (a); CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (public.f()) TO (100)) ],
	[ 'function replaced', q(CREATE OR REPLACE FUNCTION public.own_idx(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM mal.note(); RETURN 1; END'; ALTER TABLE public.own ALTER COLUMN id TYPE bigint USING public.own_idx(3); REINDEX TABLE public.own) ],

	[ 'cast between types of the server', q(CREATE CAST (bigint AS text) WITH FUNCTION mal.to_text(bigint) AS ASSIGNMENT; CREATE TABLE public.m (a text) PARTITION BY LIST (a); CREATE TABLE public.m1 PARTITION OF public.m FOR VALUES IN (8589934592)) ],
	[ 'cast without a function', q(CREATE CAST (text AS numeric) WITHOUT FUNCTION AS ASSIGNMENT; CREATE TABLE public.m (a numeric) PARTITION BY LIST (a); CREATE TABLE public.m1 PARTITION OF public.m FOR VALUES IN ('x'::text || repeat('y', 1000))) ],
	[ 'operator class of a type of the server', q(CREATE OPERATOR CLASS public.json_ops DEFAULT FOR TYPE json USING btree AS OPERATOR 1 mal.<<< (json, json), FUNCTION 1 mal.order(json, json); CREATE TABLE public.m (a json) PARTITION BY RANGE (a); CREATE TABLE public.m1 PARTITION OF public.m FOR VALUES FROM ('1') TO ('2')) ],
	[ 'first state of an aggregate', q(CREATE AGGREGATE public.a (int) (sfunc = mal.add, stype = mal.dom, initcond = '1')) ],
	[ 'first state, old names', q(CREATE AGGREGATE public.a (basetype = int, sfunc1 = mal.add, stype1 = mal.dom, initcond1 = '1')) ],
	[ 'first state, type as a string', q(SET search_path = mal, public; CREATE AGGREGATE public.a (int) (sfunc = add, stype = 'dom', initcond = '1')) ],

	# tables of mallory
	[ 'LIKE', q(CREATE TABLE m (LIKE mal.t INCLUDING ALL)) ],
	[ 'LIKE of a renamed table', q(ALTER TABLE mal.t RENAME TO tt; CREATE TABLE m (LIKE mal.tt INCLUDING ALL)) ],
	[ 'LIKE of a moved table', q(ALTER TABLE mal.t SET SCHEMA public; CREATE TABLE public.m (LIKE public.t INCLUDING ALL)) ],
	[ 'LIKE of a view', q(CREATE VIEW public.w AS SELECT * FROM mal.v; CREATE TABLE m (LIKE public.w, CHECK (l <> '{1}'))) ],
	[ 'INHERITS', q(CREATE TABLE m (x int) INHERITS (mal.checked)) ],
	[ 'INHERIT', q(CREATE TABLE m (id int, g int); ALTER TABLE m INHERIT mal.checked) ],
	[ 'OF', q(CREATE TABLE m OF mal.pair (a DEFAULT 1)) ],
	[ 'foreign key', q(ALTER TABLE public.su ADD FOREIGN KEY (id) REFERENCES mal.t (id)) ],
	[ 'table of mallory', q(ALTER TABLE mal.t ADD COLUMN x int DEFAULT mal.evil(3), ADD CHECK (mal.evil(8) > 0)) ],
	[ 'REINDEX of mallory', q(REINDEX TABLE mal.t) ],
	[ 'rename and drop', q(ALTER TABLE mal.t RENAME TO tt; DROP TABLE mal.checked) ],
);

sub others_calls
{
	return query($node, 'SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM mal.as_other');
}

sub held
{
	my ($what) = @_;
	my $result = others_calls() . '|'
	  . query($node, q(SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'));
	my $held = is($result, '0|f', $what);

	query($node, q(ALTER ROLE mallory NOSUPERUSER; ALTER SEQUENCE mal.as_other RESTART)) if !$held;
	return $held;
}

# Whatever fails of the calls: the next one is made.
sub look
{
	my ($what, @calls) = @_;

	# what would be carried out online is looked at for that as well
	my ($rc, $out, $err) = $node->psql('postgres', join(";\n", 'SET pgmigrate.online_threshold = 0', @calls), on_error_stop => 0);

	held($what) or diag $err;
	unlike($err, qr/XX000|server closed the connection/, "$what: no error of ours");
	return;
}

# The attack works where nothing is in its way, or the test tests nothing.
query($node, q(SELECT '{1}'::mal.dom[]));
cmp_ok(others_calls(), '>', 0, 'the attack works when a superuser runs it');
query($node, q(ALTER ROLE mallory NOSUPERUSER; ALTER SEQUENCE mal.as_other RESTART));

my @reviews = (
	'SELECT count(*) FROM pgmigrate.assess()',
	'SELECT count(*) FROM pgmigrate.assess(trial => false)',
	q(SELECT count(*) FROM pgmigrate.plan('head')),
	q(SELECT pgmigrate.script('head')));
my $reviewed = 0;

foreach my $attack (@attacks)
{
	my ($name, $sql) = @$attack;
	my $revision = "SELECT pgmigrate.revision('innocent', \$rev\$$sql\$rev\$, id => 'a')";

	# a stranger's pull request
	look("lint: $name",
		"SELECT * FROM pgmigrate.lint(\$lint\$$sql\$lint\$)",
		"SELECT * FROM pgmigrate.lint(\$lint\$$sql\$lint\$, trial => false)",
		'SET search_path = public, mal',
		"SELECT * FROM pgmigrate.lint(\$lint\$$sql\$lint\$)",
		'SET search_path = mal, public, pg_catalog',
		"SELECT * FROM pgmigrate.lint(\$lint\$$sql\$lint\$)");

	# a revision of mallory
	look("review: $name",
		'SET SESSION AUTHORIZATION mallory', $revision,
		'RESET SESSION AUTHORIZATION', @reviews);
	$reviewed += query($node, 'SELECT count(*) FROM pgmigrate.revision');
	query($node, q(SELECT pgmigrate.remove('a'))) if query($node, 'SELECT count(*) FROM pgmigrate.revision');

	# one of a superuser: he is trusted, but not the code that he calls
	next if $name =~ /function of the text|function replaced|attribute/;
	query($node, $revision =~ s/innocent/trusted/r);
	look("review of a superuser's: $name", @reviews);
	query($node, q(SELECT pgmigrate.remove('a')));
}
is($reviewed, scalar @attacks, 'all of them were stored and reviewed');

# Members of an extension that its owner has added are his code all the same.
query($node, <<'SQL');
GRANT CREATE ON DATABASE postgres TO mallory;
SET SESSION AUTHORIZATION mallory;
CREATE EXTENSION tcn SCHEMA mal;
ALTER EXTENSION tcn ADD FUNCTION mal.evil(int);
SQL
look('lint: function added to an extension',
	q(SELECT * FROM pgmigrate.lint('ALTER TABLE public.su ADD CHECK (mal.evil(4) > 0)')));

# What is built in, of an extension or of the owner is tried as before.
query($node, <<'SQL');
CREATE FUNCTION app.twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 * 2';
ALTER FUNCTION app.twice(int) OWNER TO app;
CREATE DOMAIN app.small AS int CHECK (VALUE < 1000);
ALTER DOMAIN app.small OWNER TO app;
SQL
foreach my $harmless (
	q(ALTER TABLE public.su ADD COLUMN x timestamptz DEFAULT now() NOT NULL),
	q(ALTER TABLE public.su ADD CHECK (length(c) BETWEEN 1 AND 20)),
	q(ALTER TABLE public.su ADD COLUMN x uuid DEFAULT gen_random_uuid()),
	q(ALTER TABLE public.su ALTER COLUMN id TYPE text USING id::text),
	q(ALTER TABLE public.su ADD COLUMN x citext DEFAULT 'a', ADD CHECK (x <> 'b')),
	q(CREATE INDEX ON public.su (upper(c)) WHERE id > 3),
	q(CREATE TABLE public.su_2 PARTITION OF public.su_part FOR VALUES FROM (1 + 2) TO (10)),
	q(CREATE DOMAIN d AS int CHECK (VALUE > 0); CREATE TABLE m (a d DEFAULT 1)),
	q(ALTER TABLE app.t ADD CHECK (app.twice(id) > 0)),
	q(ALTER TABLE app.t ADD COLUMN x app.small DEFAULT 1),
	q(CREATE FUNCTION public.fresh() RETURNS int LANGUAGE sql AS 'SELECT 1'))
{
	is( query($node, "SELECT count(*) FROM pgmigrate.lint(\$l\$$harmless\$l\$) WHERE rule IN ('not-tried', 'trial-fails', 'opaque-step')"),
		'0', "tried: $harmless");
}
like(query($node, q(SELECT message FROM pgmigrate.lint('ALTER TABLE public.su ADD CHECK (mal.evil(3) > 0)') WHERE rule = 'not-tried')),
	qr/it may run code of another role: function mal\.evil\(integer/, 'the reason is told');
is(query($node, q(SELECT string_agg(rule, ',') FROM pgmigrate.lint('SELECT 1 + length(''a''), now()::date') WHERE rule <> 'lock')),
	'', 'a query that only computes is not opaque');

done_testing();
