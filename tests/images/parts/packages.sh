# Debian packages: from the host's APT configuration to one unpacked tree. Sourced by `build`.

# What all layers are made of; the versions of its packages are those that the bundle names. The ways to a mirror are those of the
# machines' image (azure-local/src/image/sources.rs).
release=trixie
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# Every package that a layer takes files of.
packages() { cat "$here"/layers/*/packages | sed 's/#.*//; s/ *$//; /^$/d' | sort --unique; }

# The lines of a sources.list: the environment's mirror, else what the host has of Debian's archive for this release,
# else Debian's own servers.
source_lines() {
    local signed=''
    [ ! -e "$keyring" ] || signed="[signed-by=$keyring] "
    local mirror=${AZURE_LOCAL_DEBIAN_MIRROR:-}
    case $mirror in
        'deb '*) echo "$mirror"; return ;;
        ?*) echo "deb $signed$mirror $release main"; return ;;
    esac
    local found
    # An unknown placeholder would end apt-get, so the format names only those that every version has.
    found=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        sort --unique |
        awk -v release="$release" -v signed="$signed" '
            ($2 == release || $2 == release "-updates" || $2 == release "-security") && $3 == "main" &&
            $1 ~ /\/debian(-security)?\/?$/ { print "deb " signed $1 " " $2 " main" }')
    if [ -z "$found" ]; then
        found="deb ${signed}http://deb.debian.org/debian $release main
deb ${signed}http://deb.debian.org/debian $release-updates main
deb ${signed}http://deb.debian.org/debian-security $release-security main"
    fi
    echo "$found"
}

# An APT of our own, which knows nothing of the host but how to reach a mirror.
configure_apt() {
    mkdir -p "$work"/apt/{etc/preferences.d,empty,lists/partial,cache/archives/partial}
    touch "$work/apt/status"
    source_lines > "$work/apt/etc/sources.list"
    {
        cat << CONFIGURATION
Dir::Etc "$work/apt/etc";
Dir::Etc::Parts "$work/apt/empty";
Dir::Etc::SourceParts "$work/apt/empty";
Dir::State "$work/apt";
Dir::State::Lists "$work/apt/lists";
Dir::State::Status "$work/apt/status";
Dir::Cache "$work/apt/cache";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
CONFIGURATION
        local name value
        for name in Acquire::Check-Valid-Until Acquire::http::Proxy Acquire::https::Proxy; do
            value=$(apt-config dump --format '%v' "$name")
            [ -z "$value" ] || echo "$name \"$value\";"
        done
    } > "$work/apt.conf"
}

fetch_packages() {
    configure_apt
    mkdir "$work/packages"
    local list
    list=$(packages)
    (
        export APT_CONFIG=$work/apt.conf
        apt-get update -qq
        cd "$work/packages"
        # shellcheck disable=SC2086
        apt-get download -qq $list
    ) >&2
}

# Lays all packages over each other in $work/root, where /bin, /lib and the like lead into /usr as on a Debian system.
unpack_packages() {
    root=$work/root
    mkdir -p "$root"/usr/{bin,sbin,lib,lib64}
    local name package
    for name in bin sbin lib lib64; do ln -s "usr/$name" "$root/$name"; done
    for package in "$work"/packages/*.deb; do
        dpkg-deb --fsys-tarfile "$package" |
            tar --extract --directory "$root" --keep-directory-symlink --no-same-owner --no-same-permissions \
                --exclude './usr/share/doc' --exclude './usr/share/man'
    done
}
