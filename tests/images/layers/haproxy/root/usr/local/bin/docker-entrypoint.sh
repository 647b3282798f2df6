#!/bin/sh
# Arguments alone are haproxy's; haproxy runs with a master process that stays in the foreground.
set -eu
case ${1:-} in
    -*) set -- haproxy "$@" ;;
esac
if [ "${1:-}" = haproxy ]; then
    shift
    set -- haproxy -W -db "$@"
fi
exec "$@"
