# Images of pgmigrate, on the layout of the official image of PostgreSQL.
#
#   docker build -t postgres-pgmigrate --build-arg PG_MAJOR=17 .
#   docker build -t pgmigrate-client --target client .
#
# The first is the official image with the extension, created in the database
# of a new cluster; the second has psql and the scripts, for jobs.

ARG PG_MAJOR=17

FROM postgres:${PG_MAJOR} AS build
ARG PG_MAJOR
RUN apt-get update && apt-get install -y --no-install-recommends \
		gcc libc6-dev make "postgresql-server-dev-$PG_MAJOR" \
	&& rm -rf /var/lib/apt/lists/*
WORKDIR /usr/src/pgmigrate
COPY . .
RUN make -s -j"$(nproc)" with_llvm=no \
		PG_CONFIG="/usr/lib/postgresql/$PG_MAJOR/bin/pg_config" \
	&& make -s install with_llvm=no DESTDIR=/pgmigrate \
		PG_CONFIG="/usr/lib/postgresql/$PG_MAJOR/bin/pg_config" \
	&& mkdir -p /pgmigrate/docker-entrypoint-initdb.d \
	&& echo 'CREATE EXTENSION pgmigrate;' \
		>/pgmigrate/docker-entrypoint-initdb.d/10-pgmigrate.sql

FROM debian:bookworm-slim AS client
RUN apt-get update && apt-get install -y --no-install-recommends \
		postgresql-client \
	&& rm -rf /var/lib/apt/lists/*
COPY tools/pgmigrate-* /usr/local/bin/
USER nobody
CMD ["pgmigrate-load", "--help"]

FROM postgres:${PG_MAJOR}
COPY --from=build /pgmigrate/ /
