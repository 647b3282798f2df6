# Layers: from the unpacked packages to one tar file per layer. Sourced by `build`.
#
# layers/<layer>/packages  the Debian packages
# layers/<layer>/files     paths (globs) that are taken out of the packages, with the libraries they need
# layers/<layer>/lower     the layers below, the lowest first; their files are not taken again
# layers/<layer>/root/     files laid over
# layers/<layer>/finish    runs in the layer's folder at the end

# Where programs of these packages look for libraries.
library_folders=(usr/lib/x86_64-linux-gnu usr/lib/syslog-ng)

lower_layers() { if [ -e "$here/layers/$1/lower" ]; then cat "$here/layers/$1/lower"; fi; }

build_layer() {
    local layer=$1 folder=$work/layers/$1 lower
    # A layer may have been built because another one lies on it.
    [ ! -e "$folder.tar" ] || return 0
    for lower in $(lower_layers "$layer"); do build_layer "$lower"; done
    mkdir -p "$folder"
    local recipe=$here/layers/$layer pattern path paths
    if [ -e "$recipe/files" ]; then
        while read -r pattern; do
            compgen -G "$root/$pattern" > /dev/null || fail "layer $layer: no package has \`$pattern\`"
            # shellcheck disable=SC2086
            paths=$(cd "$root" && find $pattern \( -type f -o -type l \) | sort)
            while read -r path; do take "$layer" "$path"; done <<< "$paths"
        done < "$recipe/files"
    fi
    if [ -e "$recipe/root" ]; then
        # Which mode a file was checked out with depends on the user's mask; only the executable bit counts.
        cp --recursive --no-preserve=all "$recipe/root/." "$folder"
        (cd "$recipe/root" && find . -type f -perm -u+x) | while read -r path; do chmod 0755 "$folder/$path"; done
    fi
    [ ! -e "$recipe/finish" ] || (cd "$folder" && bash -eu "$recipe/finish")
    (cd "$folder" && find . -mindepth 1 -printf '%P\n') | sort |
        archive "$folder" "$folder.tar"
    sha256sum "$folder.tar" | cut -d' ' -f1 > "$folder.digest"
}

# A tar file $2 of the paths on stdin, which lie in the folder $1: the same bytes whoever makes it, and whenever.
archive() {
    tar --create --file "$2" --directory "$1" --no-recursion --files-from=- --format=gnu \
        --mtime=@0 --owner=0 --group=0 --numeric-owner
}

# Copies the path $2 into the layer $1 with everything it leads to: a link's target, a program's libraries.
take() {
    local layer=$1 path=$2 lower target needed
    for lower in "$layer" $(lower_layers "$layer"); do
        if [ -e "$work/layers/$lower/$path" ] || [ -L "$work/layers/$lower/$path" ]; then return; fi
    done
    mkdir -p "$work/layers/$layer/$(dirname "$path")"
    cp --no-dereference --preserve=mode "$root/$path" "$work/layers/$layer/$path"
    if [ -L "$root/$path" ]; then
        target=$(readlink "$root/$path")
        case $target in
            /*) target=$root$target ;;
            *) target=$root/$(dirname "$path")/$target ;;
        esac
        target=$(realpath --no-symlinks "$(realpath "$(dirname "$target")")/$(basename "$target")")
        take "$layer" "${target#"$root"/}"
    elif is_dynamic "$root/$path"; then
        needed=$(libraries "$path")
        while read -r target; do [ -z "$target" ] || take "$layer" "$target"; done <<< "$needed"
    fi
}

loader() { "$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$(printf "$root/%s:" "${library_folders[@]}")" "$@"; }

is_dynamic() {
    [ "$(head --bytes=4 "$1" | tr -d '\0')" = $'\x7fELF' ] || return 1
    local status=0
    loader --verify "$1" > /dev/null 2>&1 || status=$?
    # 2: a library, which has no interpreter of its own.
    [ "$status" = 0 ] || [ "$status" = 2 ]
}

# Paths of all libraries that the file $1 needs, itself or through others.
libraries() {
    local list foreign
    list=$(loader --list "$root/$1" | sed -n '/ => /p')
    # What our packages lack is either not found, or found in the host's own folders.
    foreign=$(sed "\| => $root/|d" <<< "$list")
    [ -z "$foreign" ] || fail "\`$1\` needs what no package in layers/*/packages has:$foreign"
    sed "s|^.* => $root/\(.*\) (0x[0-9a-f]*)$|\1|" <<< "$list"
}
