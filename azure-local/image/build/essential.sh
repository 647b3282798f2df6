#!/bin/sh
# Runs inside the new root before any chosen package is configured: accounts whose numbers Flatcar fixes, so that
# the packages that would make them find them.
set -eu

cat >> /etc/group <<'GROUPS'
core:x:500:
etcd:x:232:
GROUPS
cat >> /etc/passwd <<'USERS'
core:x:500:500:CoreOS Admin:/home/core:/bin/bash
etcd:x:232:232:etcd:/var/lib/etcd:/usr/sbin/nologin
USERS
cat >> /etc/shadow <<'SHADOW'
core:*:19000:0:99999:7:::
etcd:*:19000:0:99999:7:::
SHADOW
for account in core etcd; do
    if [ -e /etc/gshadow ]; then
        echo "$account:!::" >> /etc/gshadow
    fi
done
