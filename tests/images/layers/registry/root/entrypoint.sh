#!/bin/sh
# Lets the configuration file stand for the whole command, as in the official image.
set -eu
case ${1:-} in
    *.yml | *.yaml) set -- registry serve "$@" ;;
    serve | garbage-collect | help | -*) set -- registry "$@" ;;
esac
exec "$@"
