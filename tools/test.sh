#!/bin/bash
# test.sh
#	  Run all tests on a private server; "make test".
#
# The last line is "N passed, N failed"; the exit status says the same.  What
# failed is said again just before it, in a few lines, for those who see the end
# only.  A suite whose directory has tests but which ran none has failed.
#
# Environment:
#	PG_CONFIG	the PostgreSQL to use; else the newest, installed if need be
#	SUITES		which of "unit regress isolation tap", default all
#	KEEP=1		keep the temporary directory, its logs and results
#	TAP_JOBS	TAP files to run at a time, default 2
#	REGRESS		which files of the suite regress, default all
#	TAP_FILES	which files of the suite tap, default all
#	SETTING		one more line of postgresql.conf, for regress and isolation

set -eu
ROOT=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/cluster.sh
. "$ROOT/tools/cluster.sh"

SUITES=${SUITES:-unit regress isolation tap}
TAP_JOBS=${TAP_JOBS:-2}
PASSED=0
FAILED=0
SUMMARY=				# "unit 5300, regress 24, ..."
RANDOM_COMMANDS=0		# of the property test, which is one test

# Add the result of a suite: name, passed, failed, seconds.
count()
{
	say "$1: $2 passed, $3 failed ($4 s)"
	SUMMARY="$SUMMARY${SUMMARY:+, }$1 $2"
	PASSED=$((PASSED + $2))
	FAILED=$((FAILED + $3))
}

# Keep what is read for the end of the output.
repeat()
{
	cut -c 1-300 | head -n 40 >>"$WORK/failures"
}

# How many files are there of a pattern?
files()
{
	find "$ROOT/$1" -maxdepth 1 -name "$2" 2>/dev/null | wc -l
}

# Is this suite wanted, and are there any tests in it?
wanted()
{
	case " $SUITES " in
		*" $1 "*) ;;
		*) return 1 ;;
	esac
	if [ "$2" -eq 0 ]; then
		say "$1: no tests yet"
		return 1
	fi
}

run_unit()
{
	local log=$WORK/unit.log start=$SECONDS rc=0 passed failed

	wanted unit "$(files test/unit Makefile)" || return 0
	as_user make -C "$SOURCE/test/unit" --no-print-directory -s check \
		PG_CONFIG="$PRIVATE_CONFIG" >"$log" 2>&1 || rc=$?
	# one line of each program
	read -r passed failed < <(awk '/^[0-9]+ passed, [0-9]+ failed$/ {
		passed += $1; failed += $3 } END { print passed + 0, failed + 0 }' \
		"$log")
	RANDOM_COMMANDS=$(awk '/^[0-9]+ random commands$/ { n += $1 }
		END { print n + 0 }' "$log")
	if [ "$failed" -eq 0 ] && { [ "$rc" -ne 0 ] || [ "$passed" -eq 0 ]; }; then
		failed=1
	fi
	if [ "$failed" -gt 0 ]; then
		cat "$log"
		grep -vE '^(ok |[0-9]+ )' "$log" | tail -n 20 | repeat
	fi
	count unit "$passed" "$failed" $((SECONDS - start))
}

# pg_regress and pg_isolation_regress: suite, files, results, make variables.
# Before PostgreSQL 16 a line was "test name ... ok", since then it is TAP.
run_regress()
{
	local suite=$1 expected=$2 results=$3 start=$SECONDS rc=0 passed failed
	local log=$WORK/$1.log

	shift 3
	wanted "$suite" "$expected" || return 0
	make_source installcheck TAP_TESTS= "$@" >"$log" 2>&1 || rc=$?
	passed=$(grep -cE '^(ok [0-9]+ |test .* \.\.\. ok )' "$log" || true)
	failed=$(grep -cE '^(not ok [0-9]+ |test .* \.\.\. FAILED)' "$log" || true)
	# tests that a crash or a missing server left out have not passed
	[ $((passed + failed)) -ge "$expected" ] || failed=$((expected - passed))
	[ "$failed" -gt 0 ] || [ "$rc" -eq 0 ] || failed=1
	if [ "$failed" -gt 0 ]; then
		cat "$log"
		cat "$SOURCE/$results/regression.diffs" 2>/dev/null || true
		grep -E '^(not ok [0-9]+ |test .* \.\.\. FAILED)' "$log" | repeat
		grep -E '^[-+]' "$SOURCE/$results/regression.diffs" 2>/dev/null |
			head -n 15 | repeat
	fi
	count "$suite" "$passed" "$failed" $((SECONDS - start))
}

# Every test point of every file counts; a file that died counts as one more.
run_tap()
{
	local start=$SECONDS log=$WORK/tap.log perl_dir passed failed

	wanted tap "$(files test/t '*.pl')" || return 0
	perl_dir=$(find -L "$BINDIR/.." "$("$PRIVATE_CONFIG" --pkglibdir)" \
		-path '*/PostgreSQL/Test/Cluster.pm' 2>/dev/null | head -n 1)
	if [ -z "$perl_dir" ]; then
		say "tap: this PostgreSQL has no PostgreSQL::Test::Cluster"
		count tap 0 1 0
		return 0
	fi
	perl_dir=${perl_dir%/PostgreSQL/Test/Cluster.pm}
	user_dir "$SOURCE/tmp_check"
	(
		cd "$SOURCE"
		set -- test/t/*.pl
		if [ -n "${TAP_FILES:-}" ]; then
			# shellcheck disable=SC2086
			set -- $TAP_FILES
			set -- "${@/#/test/t/}"
			set -- "${@/%/.pl}"
		fi
		# TESTDIR is read by 15, TESTLOGDIR and TESTDATADIR since 16
		as_user env PATH="$BINDIR:$PATH" PGPORT=65432 TESTDIR="$SOURCE" \
			TESTLOGDIR="$SOURCE/tmp_check/log" \
			TESTDATADIR="$SOURCE/tmp_check" \
			PG_REGRESS="$(dirname "$perl_dir")/regress/pg_regress" \
			perl -MTAP::Harness - "$TAP_JOBS" "$perl_dir" "$@" <<'PERL'
my ($jobs, $perl_dir, @files) = @ARGV;
my $result = TAP::Harness->new(
	{ jobs => $jobs, lib => [ $perl_dir, 'test/perl' ], merge => 0 })
  ->runtests(@files);
my $failed = $result->failed;
for my $file (grep { $result->parsers($_) } $result->descriptions)
{
	my ($parser) = $result->parsers($file);
	$failed++ if $parser->has_problems && !$parser->failed;
}
printf "%d passed, %d failed\n", scalar $result->passed, $failed;
PERL
	) >"$log" 2>&1 || true
	read -r passed failed < <(sed -n \
		's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log" |
		tail -n 1) || { passed=0 failed=1; }
	[ $((passed + failed)) -gt 0 ] || failed=1
	if [ "$failed" -gt 0 ]; then
		cat "$log"
		"$ROOT/tools/tap-logs.sh" "$SOURCE/tmp_check/log"
		"$ROOT/tools/tap-logs.sh" "$SOURCE/tmp_check/log" points | repeat
	fi
	count tap "$passed" "$failed" $((SECONDS - start))
}

# A private tree is made of a server that may have pgmigrate installed, with
# bitcode, and must be without.
check_installed()
{
	local start=$SECONDS top=$WORK/installed found

	user_dir "$top"
	as_user make -C "$SOURCE" -s install with_llvm=no \
		PG_CONFIG="$PRIVATE_CONFIG" DESTDIR="$top" >/dev/null
	as_user mkdir -p "$top/bitcode/pgmigrate/src"
	as_user touch "$top/bitcode/pgmigrate/src/pgmigrate.bc" \
		"$top/bitcode/pgmigrate.index.bc" "$top/plpgsql.so"
	remove_installed "$top" || true
	found=$(find "$top" -mindepth 1 -name 'pgmigrate*' ! -path "$top$WORK")
	if [ -z "$found" ] && [ -e "$top/plpgsql.so" ]; then
		count "private tree" 1 0 $((SECONDS - start))
	else
		say "left of an installed pgmigrate: $found"
		count "private tree" 0 1 $((SECONDS - start))
	fi
	rm -rf "$top"
}

# A worker that crashed or forgot to give something back says so in the
# server's log only.
check_log()
{
	local found file

	found=$(grep -nE 'TRAP:|PANIC:|was terminated by signal (6|7|8|11)|reference leak|refcount leak|was not closed' \
		"$SERVER_LOG" || true)
	if [ -n "$found" ]; then
		say "the server's log has:"
		echo "$found"
		echo "$found" | repeat
		count "server log" 0 1 0
	fi
	for file in "$WORK"/log/valgrind.*; do
		if grep -qs VALGRINDERROR-BEGIN "$file"; then
			say "valgrind has found:"
			cat "$file"
			head -n 20 "$file" | repeat
			count "${file##*/}" 0 1 0
		fi
	done
}

clean_up_at_exit
need_packages
work_area
private_tree
copy_source
build_install
check_installed
run_unit
start_cluster "fsync = off" "autovacuum_naptime = 5s" \
	"max_prepared_transactions = 10" ${SETTING:+"$SETTING"}
if [ -n "${REGRESS:-}" ]; then
	run_regress regress "$(wc -w <<<"$REGRESS")" . ISOLATION= REGRESS="$REGRESS"
else
	run_regress regress "$(files test/sql '*.sql')" . ISOLATION=
fi
# a step that hangs is cancelled, and named, instead of after six minutes
export PGISOLATIONTIMEOUT=60
run_regress isolation "$(files test/specs '*.spec')" . REGRESS=
check_log
stop_cluster
run_tap

[ $((PASSED + FAILED)) -gt 0 ] || say "there are no tests at all"
if [ -s "$WORK/failures" ]; then
	say "what failed, again:"
	tail -n 50 "$WORK/failures"
fi
say "$SUMMARY; $RANDOM_COMMANDS random commands on random graphs"
echo "$PASSED passed, $FAILED failed"
[ "$FAILED" -eq 0 ] && [ "$PASSED" -gt 0 ]
