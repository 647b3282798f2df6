#!/bin/sh
# What the official image's entrypoint does, as far as it is needed here: makes the database cluster on the first start,
# with a user, a password and a database of the environment's choice, and becomes the server.
# https://hub.docker.com/_/postgres
set -eu

# A value that may also be given as the name of a file: NAME or NAME_FILE.
from_environment() {
    eval "value=\${$1:-} file=\${$1_FILE:-}"
    if [ -n "$value" ] && [ -n "$file" ]; then
        echo "error: both $1 and $1_FILE are set" >&2
        exit 1
    fi
    if [ -n "$file" ]; then value=$(cat "$file"); fi
    printf '%s' "$value"
}

make_cluster() {
    user=$(from_environment POSTGRES_USER)
    user=${user:-postgres}
    database=$(from_environment POSTGRES_DB)
    database=${database:-$user}
    password=$(from_environment POSTGRES_PASSWORD)
    if [ -z "$password" ]; then
        echo "Error: Database is uninitialized and superuser password is not specified." >&2
        echo "       Set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE." >&2
        exit 1
    fi
    umask 077
    printf '%s\n' "$password" > /run/postgresql/password
    # No sync: the server's first checkpoint does it.
    # shellcheck disable=SC2086
    initdb --username="$user" --pwfile=/run/postgresql/password --no-sync --encoding=UTF8 ${POSTGRES_INITDB_ARGS:-}
    rm /run/postgresql/password
    printf '\nhost all all all scram-sha-256\n' >> "$PGDATA/pg_hba.conf"
    printf "\nlisten_addresses = '*'\n" >> "$PGDATA/postgresql.conf"
    if [ "$database" != postgres ]; then
        # In a file, and as an identifier: neither the shell nor the server reads the name as anything else.
        printf 'CREATE DATABASE "%s";\n' "$(printf '%s' "$database" | sed 's/"/""/g')" |
            postgres --single -D "$PGDATA" postgres > /dev/null
    fi
    echo "PostgreSQL init process complete; ready for start up."
}

case ${1:-} in
    -*) set -- postgres "$@" ;;
esac
if [ "${1:-}" = postgres ]; then
    if [ "$(id -u)" = 0 ]; then
        mkdir -p "$PGDATA" /run/postgresql
        chown postgres:postgres "$PGDATA" /run/postgresql
        chmod 0700 "$PGDATA"
        exec su -m -s /bin/sh postgres "$0" "$@"
    fi
    [ -s "$PGDATA/PG_VERSION" ] || make_cluster
fi
exec "$@"
