#!/bin/bash
# bootstrap.sh
#	  Find PostgreSQL and a compiler, or install them; print the pg_config.
#
# What test.sh and demo.sh do first, for whoever wants it by itself.

set -eu
ROOT=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/cluster.sh
. "$ROOT/tools/cluster.sh"

need_packages >&2
echo "$PG_CONFIG"
