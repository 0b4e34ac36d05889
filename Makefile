# pgmigrate: schema revisions stored in and applied by the database
#
#   make && make install        build and install for the server of PG_CONFIG
#   make installcheck           test an installed pgmigrate on the server of PG*
#   make demo, make test        do all their own set-up; see "make help"

EXTENSION  = pgmigrate

# VPATH would look for built files here too, and for sources there.
ifeq ($(wildcard $(EXTENSION).control),)
$(error pgmigrate is built in its source directory: call make there)
endif
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(EXTENSION).control)

MODULE_big = $(EXTENSION)
OBJS       := $(patsubst %.c,%.o,$(sort $(wildcard src/*/*.c)))
DATA       := $(wildcard sql/$(EXTENSION)--*--*.sql)
DATA_built = sql/$(EXTENSION)--$(EXTVERSION).sql
SCRIPTS    := $(sort $(wildcard tools/$(EXTENSION)-*))
MANUAL     := $(sort $(wildcard doc/*.md doc/*.png))
MONITORING := $(sort $(wildcard doc/monitoring/*))
MAN        := $(sort $(wildcard man/*.1))
SQL_PARTS  := $(sort $(wildcard sql/parts/*.sql))

# A test is a file of its directory: adding one needs no change here.
REGRESS        := $(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql)))
REGRESS_OPTS   = --inputdir=test --load-extension=$(EXTENSION)
ISOLATION      := $(patsubst test/specs/%.spec,%,$(sort $(wildcard test/specs/*.spec)))
# The isolation tester of 15 looks for what is expected in its output folder.
ISOLATION_OPTS = --inputdir=test --outputdir=. --load-extension=$(EXTENSION)
PROVE_TESTS    := $(sort $(wildcard test/t/*.pl))

PG_CPPFLAGS = -Isrc

# Every object remembers the headers it was made from, so that editing one
# rebuilds what depends on it.
PG_CFLAGS   = -MMD -MP
EXTRA_CLEAN = $(OBJS:.o=.d) .build-flags

# DEVEL=1 is for developers and CI: a warning of a compiler yet to come must
# not break the build of a user.
DEVEL_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
	-Wmissing-prototypes -Wshadow=compatible-local -Wstrict-prototypes \
	-Wno-missing-field-initializers -Wold-style-definition -Wwrite-strings \
	-Wvla -Werror
ifdef DEVEL
PG_CFLAGS += $(DEVEL_CFLAGS)
endif

ifdef COVERAGE
PG_CFLAGS   += --coverage -O0
SHLIB_LINK  += --coverage
EXTRA_CLEAN += $(OBJS:.o=.gcno) $(OBJS:.o=.gcda)
endif

# The first target: what a plain "make" means, whatever is included below.
all:

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
PGXS_TARGETS = all install uninstall installcheck installdirs

ifneq ($(wildcard $(PGXS)),)

ifneq ($(filter installcheck,$(MAKECMDGOALS)),)
# The TAP tests start servers of their own: that needs the Perl modules of
# PostgreSQL and a user other than root.
PG_TAP_PERL := $(dir $(PGXS))../test/perl
ifneq ($(and $(PROVE_TESTS),$(wildcard $(PG_TAP_PERL)/PostgreSQL/Test/Cluster.pm)),)
ifeq ($(shell test `id -u` -ne 0 && perl -MIPC::Run -MTest::More -e 'print 1' 2>/dev/null),1)
TAP_TESTS = 1
endif
endif
endif

# Its installcheck would end at the first suite that fails.
NO_INSTALLCHECK = 1
include $(PGXS)

# One suite after the other, whatever became of those before; of TAP tests that
# failed the logs are shown.
installcheck:
	@rc=0; \
	$(if $(REGRESS),( $(pg_regress_installcheck) $(REGRESS_OPTS) $(REGRESS) ) || rc=1;) \
	$(if $(ISOLATION),( $(pg_isolation_regress_installcheck) $(ISOLATION_OPTS) $(ISOLATION) ) || rc=1;) \
	$(if $(TAP_TESTS),( $(prove_installcheck) ) || \
		{ rc=1; tools/tap-logs.sh tmp_check/log; };) \
	exit $$rc

PROVE_FLAGS += -I test/perl

# The manual, for which PGXS has no variables; and the scripts, which it
# installs without their folder but would remove with it.
MANUAL_DIR = $(docdir)/$(EXTENSION)
install: install-manual
uninstall: uninstall-manual
install-manual: $(MANUAL) $(MONITORING) $(MAN)
	$(MKDIR_P) '$(DESTDIR)$(MANUAL_DIR)/monitoring' '$(DESTDIR)$(mandir)/man1'
	$(INSTALL_DATA) $(addprefix $(srcdir)/, $(MANUAL)) '$(DESTDIR)$(MANUAL_DIR)/'
	$(INSTALL_DATA) $(addprefix $(srcdir)/, $(MONITORING)) '$(DESTDIR)$(MANUAL_DIR)/monitoring/'
	$(INSTALL_DATA) $(addprefix $(srcdir)/, $(MAN)) '$(DESTDIR)$(mandir)/man1/'
uninstall-manual:
	rm -rf '$(DESTDIR)$(MANUAL_DIR)'
	rm -f $(addprefix '$(DESTDIR)$(mandir)/man1'/, $(notdir $(MAN)))
	rm -f $(addprefix '$(DESTDIR)$(bindir)'/, $(notdir $(SCRIPTS)))
.PHONY: install-manual uninstall-manual

-include $(OBJS:.o=.d)

# Objects made for another server version or with other flags are stale.
BUILD_FLAGS := $(VERSION) $(CC) $(CFLAGS) $(PG_CPPFLAGS)
ifneq ($(BUILD_FLAGS),$(shell cat .build-flags 2>/dev/null))
.build-flags: FORCE
endif
.build-flags:
	@printf '%s\n' '$(subst ','\'',$(BUILD_FLAGS))' > $@
$(OBJS): .build-flags
$(OBJS:.o=.bc): $(wildcard src/*/*.h) .build-flags

else # no PGXS

$(PGXS_TARGETS):
	@echo 'make $@: "$(PG_CONFIG)" does not lead to the server headers of PostgreSQL.' >&2
	@echo 'Install postgresql-server-dev-NN (Debian), or say make $@ PG_CONFIG=/path/to/pg_config;' >&2
	@echo '"make test" and "make demo" install what they need.' >&2
	@exit 1

clean:
	rm -f $(OBJS) $(OBJS:.o=.bc) $(DATA_built) $(EXTENSION).so
	rm -rf $(EXTRA_CLEAN)

endif

# The install script is the sorted parts, one after the other.  The directory
# is listed so that removing a part counts too.
$(DATA_built): $(SQL_PARTS) sql/parts $(EXTENSION).control
	@test -n '$(SQL_PARTS)'
	cat $(SQL_PARTS) > $@.tmp
	mv $@.tmp $@

# Targets that need nothing but make: they install the rest.
# An explicit PG_CONFIG is handed on; the default one is not, so that the
# scripts can choose the newest server they find.
ifneq ($(filter command line environment,$(origin PG_CONFIG)),)
TOOL_ENV = PG_CONFIG='$(PG_CONFIG)'
endif

demo:
	@$(TOOL_ENV) tools/demo.sh

demo-stop:
	@tools/demo.sh stop

test:
	@$(TOOL_ENV) tools/test.sh

gates:
	@$(TOOL_ENV) tools/check.sh

indent:
	@tools/indent.sh

# What goes to PGXN: the committed tree, and the install script made of it.
DIST = $(EXTENSION)-$(EXTVERSION)
dist:
	@git rev-parse --verify -q HEAD >/dev/null || \
		{ echo 'make dist: needs git, and a checkout' >&2; exit 1; }
	@test -z "`git status --porcelain`" || \
		echo 'make dist: leaves out what is not committed' >&2
	dir=`mktemp -d` && git archive HEAD sql/parts | tar -x -C "$$dir" && \
	(cd "$$dir"/sql/parts && LC_ALL=C && export LC_ALL && cat *.sql) \
		>"$$dir/$(EXTENSION)--$(EXTVERSION).sql" && \
	git archive --format=zip --output=$(DIST).zip --prefix=$(DIST)/sql/ \
		--add-file="$$dir/$(EXTENSION)--$(EXTVERSION).sql" \
		--prefix=$(DIST)/ HEAD && rm -r "$$dir"

packages:
	@tools/debian.sh

help:
	@echo 'make             build for the server of PG_CONFIG (default: pg_config)'
	@echo 'make install     install there'
	@echo 'make installcheck  the tests of an installed pgmigrate, as superuser of the server of PGHOST, PGPORT'
	@echo 'make test        all tests on a private server; installs what is missing'
	@echo 'make demo        a tour on a private server that keeps running; make demo-stop ends it'
	@echo 'make gates       the rules of the source tree'
	@echo 'make indent      format src with pgindent'
	@echo 'make dist        the archive for PGXN'
	@echo 'make packages    Debian packages, in the folder "packages"'

FORCE:

.PHONY: all clean demo demo-stop test gates indent dist packages help FORCE $(PGXS_TARGETS)
