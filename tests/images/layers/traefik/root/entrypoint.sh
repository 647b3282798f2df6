#!/bin/sh
# Flags and subcommands alone are traefik's, as in the official image.
set -eu
case ${1:-} in
    -* | healthcheck | version) set -- traefik "$@" ;;
esac
exec "$@"
