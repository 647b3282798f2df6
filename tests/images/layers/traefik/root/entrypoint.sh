#!/bin/sh
# Arguments alone and subcommands are traefik's, as in the official image.
set -eu
case ${1:-} in
    -* | healthcheck | version) set -- traefik "$@" ;;
esac
exec "$@"
