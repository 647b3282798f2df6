# What a program of our own does with user-data, at every boot, by the rules of coreos-cloudinit. It is not coreos-cloudinit.
umask 022
# A pipe fails with any of its parts.
set -o pipefail
# systemd is asked alone, as over its bus: Debian's `systemctl enable` hands units with an old script on to a program for those.
export SYSTEMCTL_SKIP_SYSV=1
failed=0
doing=nothing

say() {
    printf 'user-data: %s\n' "$*"
}

stop() {
    say "$*"
    return 1
}

# The end of a group of steps.
ended() {
    [ "$1" -eq 0 ] || say "stopped at $doing; what comes after it is not done"
}

# Content comes in base64 on standard input: folder, path, mode, owner.
write_file() {
    mkdir -p -- "$root$1"
    temporary=$(mktemp "$root$1/cloudinit-tempXXXXXXXXXX")
    base64 -d > "$temporary"
    chmod "$3" "$temporary"
    [ -z "$4" ] || chown -- "$4" "$temporary"
    mv -f -T -- "$temporary" "$root$2"
}

# Name, hash of the password; then what useradd is given.
account() {
    name=$1 hash=$2
    shift 2
    if ! id -u -- "$name" > /dev/null 2>&1; then
        useradd "$@"
    elif [ -n "$hash" ]; then
        printf '%s:%s' "$name" "$hash" | chpasswd -e
    fi
}

# What update-ssh-keys does for `-a coreos-cloudinit`.
authorize() {
    home=$(getent passwd "$1" | cut -d : -f 6)
    [ -n "$home" ] || stop "no account: $1"
    keys=$root$home/.ssh
    if [ ! -d "$keys/authorized_keys.d" ]; then
        mkdir -p -- "$keys/authorized_keys.d"
        [ ! -s "$keys/authorized_keys" ] || cp -- "$keys/authorized_keys" "$keys/authorized_keys.d/orig_authorized_keys"
    fi
    base64 -d > "$keys/authorized_keys.d/coreos-cloudinit"
    awk 1 "$keys/authorized_keys.d"/* > "$keys/authorized_keys.new"
    chmod 0700 "$keys" "$keys/authorized_keys.d"
    chmod 0600 "$keys/authorized_keys.new" "$keys/authorized_keys.d"/*
    chown -R -- "$1:$(id -g -- "$1")" "$keys"
    mv -f -T -- "$keys/authorized_keys.new" "$keys/authorized_keys"
}

# Reads lines and puts others in the place of those that begin with a name and `$1`; names and values follow.
set_lines() {
    follows=$1
    shift
    names='' values=''
    while [ $# -gt 0 ]; do
        names="$names $1"
        export "value_$1=$2"
        shift 2
    done
    names=$names follows=$follows awk '
        BEGIN { count = split(ENVIRON["names"], name, " ") }
        {
            sub(/\r$/, "")
            for (i = 1; i <= count; i++)
                if (!(i in done) && index($0, name[i] ENVIRON["follows"]) == 1) {
                    $0 = name[i] "=" ENVIRON["value_" name[i]]
                    done[i] = 1
                    break
                }
            print
        }
        END { for (i = 1; i <= count; i++) if (!(i in done)) print name[i] "=" ENVIRON["value_" name[i]] }'
}

set_updates() {
    for file in "$root/etc/coreos/update.conf" "$root/usr/share/coreos/update.conf" /dev/null; do
        [ ! -e "$file" ] || break
    done
    set_lines '' "$@" < "$file" | base64 | write_file /etc/coreos /etc/coreos/update.conf 0644 ''
}

set_environment() {
    file=$root/etc/environment
    [ -e "$file" ] || file=/dev/null
    new=$(set_lines = COREOS_PRIVATE_IPV4 "$1" < "$file" | base64)
    if [ "$new" != "$(base64 < "$file")" ]; then
        printf '%s\n' "$new" | write_file /etc /etc/environment 0644 ''
    fi
}

write_hosts() {
    printf '127.0.0.1 %s\n' "$(uname -n)" | base64 | write_file /etc /etc/hosts 0644 ''
}

# A link that leads nowhere is in the way, as coreos-cloudinit asks for what a link leads to.
mask() {
    if [ -e "$root$1" ]; then
        rm -d -- "$root$1"
    else
        mkdir -p -- "$(dirname -- "$root$1")"
    fi
    ln -s /dev/null "$root$1"
}

unmask() {
    if [ -c "$root$1" ] || { [ -f "$root$1" ] && [ ! -s "$root$1" ]; }; then
        rm -- "$root$1"
    fi
}

# A job that fails is passed over, and what systemd refuses to begin is not. `systemctl` ends with 1 for a job, and mostly with
# more for a refusal: 3 no such command for this unit, 4 not on request, 5 no such unit.
command_unit() {
    status=0
    systemctl "$1" -- "$2" || status=$?
    [ $status -ne 0 ] || return 0
    [ "$(systemctl show --property=LoadState --value -- "$2")" = loaded ] || stop "no unit to $1: $2"
    [ $status -eq 1 ] || stop "systemd refuses to $1 $2"
    say "$1 of $2 did not succeed"
}

# The image has no updates, and none of Flatcar's units for them.
command_updates() {
    systemctl "$1" -- "$2" > /dev/null 2>&1 || say "not in this image: $2"
}

run_script() {
    folder=$root/var/lib/coreos-cloudinit/scripts
    mkdir -p -- "$folder"
    file=$(mktemp "$folder/XXXXXXXXXX")
    base64 -d > "$file"
    chmod 0744 "$file"
    unit=coreos-cloudinit-${file##*/}.service
    systemd-run --quiet --no-block --unit="$unit" /bin/bash "$file"
    printf '%s' "$unit" > "$folder/unit-name"
}
