# cluster.sh
#	  A private PostgreSQL for tests, demo and benchmarks; to be sourced.
#
# Nothing here touches what the machine already runs.  The extension is
# installed into a private copy of the PostgreSQL tree, so that the library of
# a running server is never overwritten, and the cluster listens on a socket
# in a directory of its own only.  PostgreSQL refuses to run as root: started
# by root, everything but the installation of packages runs as an
# unprivileged user.
#
# need_packages and install_packages also serve scripts that want no cluster.
#
# Functions, in the order of their use:
#	need_packages		find or install PostgreSQL and a compiler; sets PG_CONFIG
#	work_area [DIR]		make the temporary directory WORK; sets RUN_USER
#	private_tree		copy the PostgreSQL tree; sets PRIVATE_CONFIG, BINDIR
#	copy_source			copy the checkout to SOURCE, owned by RUN_USER
#	build_install		build SOURCE and install it into the private tree
#	start_cluster [SETTING=VALUE ...]	sets PGHOST, PGPORT, PGUSER
#	new_cluster [SETTING=VALUE ...]	all of these
#	stop_cluster [MODE]
#	as_user COMMAND ...	run as RUN_USER
#
# The caller has said "set -eu" and has set ROOT to the top of the checkout.

# Flags and variables of a calling make are not meant for ours.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL

# Neither may the environment lead a test to some other server.
unset PGDATABASE PGHOST PGHOSTADDR PGPORT PGUSER PGPASSWORD PGPASSFILE \
	PGSERVICE PGSERVICEFILE PGOPTIONS PGDATA PGSSLMODE
# LANG for what unsets LC_ALL: the Perl modules of PostgreSQL do.
export LC_ALL=C.UTF-8 LANG=C.UTF-8
export PSQLRC=/dev/null

say()
{
	printf '# %s\n' "$*"
}

fail()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

have()
{
	command -v "$1" >/dev/null 2>&1
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif have sudo; then
		sudo "$@"
	else
		fail "cannot run \"$*\": needs root or sudo"
	fi
}

# Can this user become root, if need be by being asked for a password?
may_install()
{
	[ "$(id -u)" -eq 0 ] || { have sudo &&
		{ sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }; }; }
}

# ---- packages

# How much is it?  What apt-get says of a rehearsal, which needs no root.
apt_cost()
{
	local cost

	cost=$(apt-get install --assume-no --no-install-recommends "$@" \
		</dev/null 2>/dev/null |
		sed -n '/newly installed/p; /^Need to get/p; /^After this/p' |
		tr '\n' ' ')
	echo "${cost:-fetching the lists of packages first, to know how much that is}"
}

# Print the newest NN of the files /usr/lib/postgresql/NN/$1.
newest_with()
{
	local file

	for file in /usr/lib/postgresql/*/"$1"; do
		if [ -e "$file" ]; then
			file=${file#/usr/lib/postgresql/}
			echo "${file%%/*}"
		fi
	done | sort -n | tail -n 1
}

# Print the major version that the package "postgresql" stands for.
distribution_default()
{
	apt-cache depends postgresql 2>/dev/null |
		sed -n 's/.*Depends: postgresql-\([0-9][0-9]*\)$/\1/p' | head -n 1
}

# Hand over what an administrator is to do.
need_administrator()
{
	say "these packages are missing; please have an administrator run:"
	echo "    apt-get update && apt-get install --no-install-recommends $*" >&2
	fail "cannot install packages: neither root nor sudo"
}

# Install Debian packages.  A new PostgreSQL gets no "main" cluster, by a
# setting that lasts for the installation only, also when it is interrupted.
install_packages()
{
	local dropin=/etc/postgresql-common/createcluster.d/pgmigrate-build.conf

	have apt-get || fail "cannot install $*: there is no apt-get here"
	may_install || need_administrator "$@"
	say "installing with apt-get, which stays: $*"
	say "$(apt_cost "$@")"
	(
		trap 'exit 130' INT
		trap 'exit 143' TERM
		case " $* " in
			*" postgresql-"*)
				trap 'as_root rm -f "$dropin"' EXIT
				as_root mkdir -p "${dropin%/*}"
				echo 'create_main_cluster = false' |
					as_root tee "$dropin" >/dev/null
				;;
		esac
		apt_install "$@"
	) || fail "could not install $*"
}

# The lists of a new machine are empty and those of an old one are stale: they
# are fetched when the first try fails.
apt_install()
{
	local log

	log=$(mktemp)
	for try in 1 2; do
		if as_root env DEBIAN_FRONTEND=noninteractive apt-get install \
			-y -q --no-install-recommends "$@" \
			</dev/null >"$log" 2>&1; then
			rm -f "$log"
			return 0
		fi
		if [ "$try" -eq 1 ]; then
			as_root apt-get update -q </dev/null >"$log" 2>&1 || true
			say "$(apt_cost "$@")"
		fi
	done
	tail -n 20 "$log" >&2
	rm -f "$log"
	return 1
}

# The mirror of Debian proper that this machine's own sources name.
debian_mirror()
{
	{
		sed -n 's/^URIs: *\([^ ]*\).*/\1/p' /etc/apt/sources.list.d/*.sources
		sed -n 's/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\).*/\2/p' \
			/etc/apt/sources.list /etc/apt/sources.list.d/*.list
		echo http://deb.debian.org/debian
	} 2>/dev/null | grep '/debian/*$' | head -n 1
}

# The packages missing for PostgreSQL $1 of Debian; $1 empty: for the rest.
missing_packages()
{
	local base=/usr/lib/postgresql/$1

	if [ -n "$1" ]; then
		[ -x "$base/bin/postgres" ] || echo "postgresql-$1"
		# the server's package brings pgxs.mk, but not the headers
		if [ ! -e "$base/lib/pgxs/src/makefiles/pgxs.mk" ] ||
			[ ! -e "/usr/include/postgresql/$1/server/postgres.h" ]; then
			# both of one minor release: the newer headers ask for no
			# newer server
			echo "postgresql-$1 postgresql-server-dev-$1"
		fi
	fi
	# A compiler without its headers is of no use either.
	echo '#include <stdio.h>' | gcc -E - >/dev/null 2>&1 ||
		echo gcc libc6-dev
	have make || echo make
	have prove || echo perl
	perl -MIPC::Run -e 1 2>/dev/null || echo libipc-run-perl
	have setpriv || echo util-linux
}

# Print NN of a path /usr/lib/postgresql/NN/..., or nothing.
debian_version()
{
	echo "$1" | sed -n 's,^/usr/lib/postgresql/\([0-9]*\)/.*,\1,p'
}

# Set PG_CONFIG to a pg_config with server, PGXS and a compiler beside it.
need_packages()
{
	local version='' missing

	if [ -n "${PG_CONFIG:-}" ]; then
		# one of Debian's paths says what to install, even before it exists
		version=$(debian_version "$PG_CONFIG")
		if [ -z "$version" ]; then
			PG_CONFIG=$(command -v "$PG_CONFIG") ||
				fail "there is no such PG_CONFIG"
			version=$(debian_version "$("$PG_CONFIG" --bindir)/")
		fi
	else
		version=$(newest_with lib/pgxs/src/makefiles/pgxs.mk)
		[ -n "$version" ] || version=$(newest_with bin/postgres)
		[ -n "$version" ] || version=$(distribution_default)
		if [ -z "$version" ] && have apt-get; then
			# without lists of packages the version is not known
			may_install || need_administrator postgresql \
				postgresql-server-dev-all gcc libc6-dev make perl \
				libipc-run-perl
			as_root apt-get update -q </dev/null >/dev/null 2>&1 || true
			version=$(distribution_default)
		fi
		[ -n "$version" ] ||
			fail "there is no PostgreSQL here; say make ... PG_CONFIG=/path/to/pg_config"
		PG_CONFIG=/usr/lib/postgresql/$version/bin/pg_config
	fi

	missing=$(missing_packages "$version" | tr ' ' '\n' | awk '!seen[$0]++' |
		tr '\n' ' ')
	if [ -n "$missing" ]; then
		# shellcheck disable=SC2086
		install_packages $missing
	fi
	[ -x "$("$PG_CONFIG" --bindir)/postgres" ] ||
		fail "\"$PG_CONFIG\" has no server beside it"
	[ -e "$("$PG_CONFIG" --pgxs)" ] ||
		fail "\"$PG_CONFIG\" has no PGXS; install the server's development package"
	say "using $("$PG_CONFIG" --version)"
}

# ---- the unprivileged user and its directory

as_user()
{
	if [ -z "$RUN_USER" ]; then
		"$@"
	else
		setpriv --reuid="$RUN_USER" --regid="$RUN_GROUP" --init-groups \
			env HOME="$WORK/home" USER="$RUN_USER" LOGNAME="$RUN_USER" "$@"
	fi
}

# Make WORK (a new temporary directory, or the directory given, which must not
# exist) and decide who RUN_USER is.  Others may pass through WORK but every
# directory in it belongs to RUN_USER alone.
work_area()
{
	RUN_USER=
	RUN_GROUP=
	if [ "$(id -u)" -eq 0 ]; then
		RUN_USER=postgres
		id "$RUN_USER" >/dev/null 2>&1 || RUN_USER=nobody
		RUN_GROUP=$(id -gn "$RUN_USER")
	fi
	if [ $# -gt 0 ]; then
		WORK=$1
		mkdir "$WORK"
	else
		WORK=$(mktemp -d "${TMPDIR:-/tmp}/pgmigrate.XXXXXX")
	fi
	chmod 711 "$WORK"
	# RUN_USER may have no right to be where the caller is
	cd "$WORK"
	# a socket's path has at most 107 bytes
	[ ${#WORK} -le 80 ] || fail "the path \"$WORK\" is too long for a socket"
	# a compiler may keep a cache there
	user_dir "$WORK/home"
}

# Make a directory of RUN_USER.
user_dir()
{
	mkdir -p "$1"
	chmod 700 "$1"
	if [ -n "$RUN_USER" ]; then
		chown "$RUN_USER:$RUN_GROUP" "$1"
	fi
}

# ---- the private tree

# Print the longest directory that all arguments have in common.
common_dir()
{
	local dir=$1 path

	shift
	for path in "$@"; do
		while [ "${path#"$dir"/}" = "$path" ]; do
			dir=${dir%/*}
		done
	done
	echo "$dir"
}

# Remove the pgmigrate that is installed in the tree $1: its files, and its
# directory of bitcode.
remove_installed()
{
	as_user find "$1" -name 'pgmigrate*' -prune -exec rm -rf {} +
}

# PostgreSQL derives its paths from where its executables are, as long as they
# keep their places relative to each other: the executables are copied, all
# else is a tree of symbolic links, and what is installed lands among them.
private_tree()
{
	local top dir file here bindir libdir pkglibdir sharedir includedir

	bindir=$(realpath "$("$PG_CONFIG" --bindir)")
	libdir=$(realpath -m "$("$PG_CONFIG" --libdir)")
	pkglibdir=$(realpath "$("$PG_CONFIG" --pkglibdir)")
	sharedir=$(realpath "$("$PG_CONFIG" --sharedir)")
	includedir=$(realpath "$("$PG_CONFIG" --pkgincludedir)")
	top=$(common_dir "$bindir" "$pkglibdir" "$sharedir" "$includedir")
	[ -n "$top" ] || fail "the directories of \"$PG_CONFIG\" have no common top"

	here=$WORK/pg
	user_dir "$here"
	for dir in "$pkglibdir" "$sharedir"; do
		as_user mkdir -p "$here${dir#"$top"}"
		as_user cp -asn "$dir/." "$here${dir#"$top"}/"
	done
	as_user mkdir -p "$here${bindir#"$top"}" "$(dirname "$here${includedir#"$top"}")"
	as_user cp -a --no-preserve=ownership "$bindir/." "$here${bindir#"$top"}/"
	as_user ln -s "$includedir" "$here${includedir#"$top"}"
	# what the unit tests link is not always with the server's own libraries
	for file in "$libdir"/libpgcommon.a "$libdir"/libpgport.a; do
		if [ -e "$file" ] && [ ! -e "$pkglibdir/${file##*/}" ]; then
			as_user mkdir -p "$here${libdir#"$top"}"
			as_user ln -sf "$file" "$here${libdir#"$top"}/"
		fi
	done
	remove_installed "$here"

	BINDIR=$here${bindir#"$top"}
	PRIVATE_CONFIG=$BINDIR/pg_config
	case $("$PRIVATE_CONFIG" --pkglibdir) in
		"$here"/*) ;;
		*) fail "the PostgreSQL of \"$PG_CONFIG\" cannot be relocated" ;;
	esac
	[ -z "${SANITIZE:-}" ] || sanitize_server
	[ -z "${VALGRIND:-}" ] || valgrind_server
	# a tree with a libpq of its own
	case $libdir in
		/usr/lib*) ;;
		*) export LD_LIBRARY_PATH=$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} ;;
	esac
}

# Put a shell script, standard input, in the place of the server's executable,
# which is postgres.real beside it then.
wrap_server()
{
	as_user mv "$BINDIR/postgres" "$BINDIR/postgres.real"
	as_user tee "$BINDIR/postgres" >/dev/null
	as_user chmod 755 "$BINDIR/postgres"
}

# With SANITIZE the library of the extension needs a server that has loaded the
# run-time of the sanitizers before all else.  It keeps its own name, to find
# its files.  Memory that is never given back is no fault of a server.
sanitize_server()
{
	local runtime

	runtime=$(realpath "$(gcc -print-file-name=libasan.so)")
	[ -e "$runtime" ] || fail "gcc has no libasan"
	export COPT='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer'
	wrap_server <<EOF
#!/bin/bash
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:disable_coredump=1
export UBSAN_OPTIONS=print_stacktrace=1:abort_on_error=1
export LD_PRELOAD=$runtime\${LD_PRELOAD:+:\$LD_PRELOAD}
exec -a "\$0" "$BINDIR/postgres.real" "\$@"
EOF
}

# With VALGRIND, the file of the server's suppressions, the postmaster and its
# children run under it.  What makes the cluster does not: nothing of ours is
# in that.
valgrind_server()
{
	have valgrind || fail "there is no valgrind"
	[ -e "$VALGRIND" ] || fail "there is no file \"$VALGRIND\""
	export PGCTLTIMEOUT=600
	wrap_server <<EOF
#!/bin/bash
case " \$* " in
	*" -D "*)
		exec valgrind --quiet --trace-children=yes --leak-check=no \
			--suppressions="$VALGRIND" --gen-suppressions=all \
			--error-markers=VALGRINDERROR-BEGIN,VALGRINDERROR-END \
			--log-file="$WORK/log/valgrind.%p" "$BINDIR/postgres.real" "\$@" ;;
esac
exec -a "\$0" "$BINDIR/postgres.real" "\$@"
EOF
}

# ---- building

# Write the checkout to standard output as an archive, without what was built
# in it.  An unpacked archive has no git to ask, and git does not answer
# everybody who may read a checkout.
pack_source()
{
	if [ "$(git -C "$ROOT" rev-parse --show-toplevel 2>/dev/null)" = "$ROOT" ]; then
		git -C "$ROOT" ls-files -z --cached --others --exclude-standard |
			while IFS= read -r -d '' file; do
				[ ! -e "$ROOT/$file" ] || printf '%s\0' "$file"
			done | tar -C "$ROOT" -cf - --null --no-recursion -T -
	else
		tar -C "$ROOT" -cf - --exclude=./.git --exclude='*.o' --exclude='*.d' \
			--exclude='*.bc' --exclude='*.so' --exclude=./.build-flags \
			--exclude=./results --exclude=./tmp_check \
			--exclude='./regression.*' --exclude='./test/unit/unit_test*' .
	fi
}

copy_source()
{
	SOURCE=$WORK/src
	user_dir "$SOURCE"
	pack_source |
		as_user tar -C "$SOURCE" -xf - --no-same-owner --no-same-permissions
	# the checkout may be one that nobody may write to
	as_user chmod -R u+w "$SOURCE"
}

# make in SOURCE; bitcode is left out since it only takes time.
make_source()
{
	as_user make -C "$SOURCE" --no-print-directory \
		PG_CONFIG="$PRIVATE_CONFIG" with_llvm=no "$@"
}

build_install()
{
	local log=$WORK/build.log start=$SECONDS

	say "building pgmigrate, a minute or so the first time"
	if ! { make_source -s -j"$(nproc)" "$@" &&
		make_source -s install "$@"; } >"$log" 2>&1; then
		cat "$log" >&2
		fail "could not build pgmigrate"
	fi
	# what the compiler had to say is worth reading
	grep -E 'warning|error' "$log" || true
	say "built in $((SECONDS - start)) s"
}

# The same into the directory $1, which is left there and used again as long
# as the source and the server are the same; of another source the objects are
# kept, so that only what changed is compiled.  Afterwards WORK is of no use.
# More arguments are for make.
build_kept()
{
	local place=$1 key

	shift
	key=$({
		"$PG_CONFIG" --version --bindir
		pack_source | tar -tf - | sort
		pack_source | tar -xOf -
	} | sha256sum | cut -d ' ' -f 1)
	if [ -L "$place" ] || { [ -e "$place" ] && [ ! -O "$place" ]; }; then
		fail "\"$place\" is not ours; please remove it"
	fi
	if [ "$(cat "$place/key" 2>/dev/null)" = "$key" ]; then
		# shellcheck source=/dev/null
		. "$place/state"
		say "built already, in $place"
		return 0
	fi
	if [ "$(cat "$place/server" 2>/dev/null)" = "$("$PG_CONFIG" --version)" ]; then
		# shellcheck source=/dev/null
		. "$place/state"
		WORK=$place
		rm -f "$place/key"
		mv "$place/src" "$place/old"
		copy_source
		(
			cd "$place/old"
			find . \( -name '*.[od]' -o -name .build-flags \) -print0 |
				as_user tar -cf - --null -T -
		) | as_user tar -C "$SOURCE" -xf -
		rm -rf "$place/old"
	else
		rm -rf "$place"
		work_area "$place"
		private_tree
		copy_source
	fi
	build_install "$@"
	printf '%s=%q\n' BINDIR "$BINDIR" PRIVATE_CONFIG "$PRIVATE_CONFIG" \
		RUN_USER "$RUN_USER" RUN_GROUP "$RUN_GROUP" SOURCE "$SOURCE" \
		LD_LIBRARY_PATH "${LD_LIBRARY_PATH:-}" >"$place/state"
	"$PG_CONFIG" --version >"$place/server"
	echo "$key" >"$place/key"
	WORK=
}

# ---- the cluster

start_cluster()
{
	local setting

	export PGHOST=$WORK/socket PGPORT=54329 PGUSER=postgres
	DATA=$WORK/data
	SERVER_LOG=$WORK/log/server.log
	user_dir "$PGHOST"
	user_dir "$DATA"
	user_dir "$WORK/log"

	as_user "$BINDIR/initdb" -D "$DATA" -U "$PGUSER" -A trust -N \
		--encoding=UTF8 --locale=C.UTF-8 >"$WORK/initdb.log" 2>&1 ||
		{ cat "$WORK/initdb.log" >&2; fail "could not create a cluster"; }
	{
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$PGHOST'"
		echo "unix_socket_permissions = 0700"
		echo "port = $PGPORT"
		echo "max_worker_processes = 32"
		echo "max_prepared_transactions = 10"
		echo "wal_level = logical"
		echo "log_line_prefix = '%m [%p] %b %q%a '"
		for setting in "$@"; do
			echo "$setting"
		done
	} | as_user tee -a "$DATA/postgresql.conf" >/dev/null

	as_user "$BINDIR/pg_ctl" -D "$DATA" -l "$SERVER_LOG" -w -s start ||
		{ cat "$SERVER_LOG" >&2; fail "could not start the cluster"; }
}

new_cluster()
{
	need_packages
	work_area
	private_tree
	copy_source
	build_install
	start_cluster "$@"
}

stop_cluster()
{
	if [ -n "${DATA:-}" ] && [ -e "$DATA/postmaster.pid" ]; then
		as_user "$BINDIR/pg_ctl" -D "$DATA" -m "${1:-fast}" -w -s stop ||
			true
	fi
}

# For "trap leave EXIT": stop and remove, unless KEEP says otherwise.  An
# interrupted TAP test may have left servers of its own.
leave()
{
	local rc=$? file

	# a calling make hands on the signal that we have had already
	trap - EXIT
	trap '' INT TERM HUP
	cd /
	if [ -n "${WORK:-}" ] && [ -n "${BINDIR:-}" ]; then
		find "$WORK" -name postmaster.pid | while read -r file; do
			DATA=${file%/*} stop_cluster immediate
		done
	fi
	if [ -n "${KEEP:-}" ]; then
		say "kept: ${WORK:-}"
	elif [ -n "${WORK:-}" ]; then
		rm -rf "$WORK"
	fi
	exit "$rc"
}

# Leave behind nothing, also when interrupted.
clean_up_at_exit()
{
	trap leave EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
}
