
# Copyright (c) 2026, pgmigrate developers

# The recipe of doc/sqlalchemy.md with the real SQLAlchemy and Alembic, from the
# package index: models to SQL, to a revision, to the database, and alembic
# check has nothing to say.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = PostgreSQL::Test::Utils::tempdir();
my $doc = slurp_file(abs_path(dirname(__FILE__) . '/../../doc/sqlalchemy.md'));
my ($desired) = $doc =~ /^```python\n(.*?)^```$/ms or die 'no program';
my ($recipe) = $doc =~ /^```sh\n(.*?)^```$/ms or die 'no recipe';

my $python = python_with_alembic($root);
plan skip_all => 'needs python3 with venv, and a package index with SQLAlchemy' if !$python;

my $node = new_node('sqlalchemy');
local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
local $ENV{PGDATABASE} = 'shop';
local $ENV{PATH} = dirname($python) . ":$ENV{PATH}";
my $user = query($node, 'SELECT current_user');

sub file
{
	my ($name, $contents) = @_;

	open my $fh, '>', "$root/project/$name" or die "$name: $!";
	print $fh $contents;
	close $fh;
	return;
}

# A script in the project: status and all that it prints.
sub shell
{
	my ($script) = @_;
	my $out = '';

	IPC::Run::run([ 'sh', '-e', '-c', $script ], '<', \undef, '>&', \$out,
		init => sub { chdir "$root/project" or die });
	return ($? >> 8, $out);
}

# Models, one text for each version of them.
sub models
{
	my ($user_columns, $more) = @_;

	return <<PYTHON;
import datetime
import enum
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase):
    metadata = sa.MetaData(naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s"})

class Kind(enum.Enum):
    guest = "guest"
    member = "member"

class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(50), index=True)
    kind: Mapped[Kind]
$user_columns

$more
PYTHON
}

mkdir "$root/project";
file('desired.py', $desired);
my ($status, $out) = shell('alembic init migrations');
is($status, 0, 'a project of Alembic') or diag($out);
my $env = slurp_file("$root/project/migrations/env.py");
$env =~ s/^target_metadata = None$/from models import Base\ntarget_metadata = Base.metadata/m or die 'no target_metadata';
$env =~ s/^config = context.config$/config = context.config\nconfig.set_main_option("sqlalchemy.url", "postgresql+psycopg:\/\/$user\@\/shop?host=$ENV{PGHOST}&port=$ENV{PGPORT}")/m or die 'no config';
file('migrations/env.py', $env);
my $ini = slurp_file("$root/project/alembic.ini");
$ini =~ s/^prepend_sys_path.*$/prepend_sys_path = ./m;
file('alembic.ini', $ini);
query($node, 'CREATE DATABASE shop');
query($node, 'CREATE EXTENSION pgmigrate', 'shop');

file('models.py', models('', ''));
($status, $out) = shell($recipe);
is($status, 0, 'the first models') or diag($out);
like($out, qr/No new upgrade operations detected/, 'alembic check is clean');
query($node, "INSERT INTO users (name, kind) VALUES ('ann', 'guest')", 'shop');

# a column, a table with a key to the other, an array, an index by expression
my $columns = <<'PYTHON';
    phone: Mapped[str | None] = mapped_column(sa.Text, unique=True)
    created: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True), server_default=sa.func.now())
    tags: Mapped[list[str]] = mapped_column(postgresql.ARRAY(sa.Text), server_default="{}")
PYTHON
my $order = <<'PYTHON';
class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey(User.id, ondelete="CASCADE"), index=True)
    total: Mapped[float] = mapped_column(sa.Numeric(10, 2))
    details: Mapped[dict | None] = mapped_column(postgresql.JSONB)
    __table_args__ = (sa.CheckConstraint("total >= 0", name="positive"),
                      sa.Index("ix_orders_big", total, postgresql_where=total > 100),
                      {"comment": "it's an order"})
PYTHON
file('models.py', models($columns, $order));
($status, $out) = shell('alembic check');
isnt($status, 0, 'alembic check finds that the models have changed');
($status, $out) = shell($recipe);
is($status, 0, 'the next models') or diag($out);
like($out, qr/No new upgrade operations detected/, 'alembic check is clean again');
is(query($node, "SELECT name, kind, phone, tags FROM users", 'shop'), 'ann|guest||{}', 'the row is there');

# the same models once more, and back
($status, $out) = shell($recipe);
is($status, 0, 'the same models') or diag($out);
like($out, qr/nothing to do, the schema is as desired already/, 'store nothing');
query($node, "SET client_min_messages = warning; SELECT pgmigrate.downgrade('-1')", 'shop');
file('models.py', models('', ''));
($status, $out) = shell('alembic check');
is($status, 0, 'the downgrade gives what the models were') or diag($out);

done_testing();
