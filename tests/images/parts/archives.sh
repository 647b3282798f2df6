# Archives: from layers and configurations to what `docker load` takes. Sourced by `build`.
#
# archives/<archive>               the images in it, as repository:tag
# images/<repository>/<tag>.json   the configuration: Cmd, Entrypoint, ExposedPorts, …
# images/<repository>/top          its topmost layer; those below are in layers/<layer>/lower

# Writes <archive>.tar into the folder $2. Layers that its images share are in it once.
# https://github.com/moby/docker-image-spec/blob/main/spec.md
pack_archive() {
    local parts=$work/archives/$1 image entries=()
    mkdir -p "$parts"
    while read -r image; do entries+=("$(add_image "$image" "$parts")"); done < "$here/archives/$1"
    printf '[%s]' "$(joined "${entries[@]}")" > "$parts/manifest.json"
    (cd "$parts" && find . -type f -printf '%P\n') | sort | archive "$parts" "$2/$1.tar"
}

# Puts layers and configuration of the image $1 into the folder $2; prints its entry of the manifest.
add_image() {
    local repository=${1%:*} tag=${1##*:} layer layers digest configuration
    local files=() digests=() history=()
    layers=$(layers_of "$repository")
    while read -r layer; do
        digest=$(cat "$work/layers/$layer.digest")
        ln -f "$work/layers/$layer.tar" "$2/$digest.tar"
        files+=("\"$digest.tar\"")
        digests+=("\"sha256:$digest\"")
        history+=("{\"created\":\"1970-01-01T00:00:00Z\",\"created_by\":\"layer $layer\"}")
    done <<< "$layers"
    configuration=$(printf '{"architecture":"amd64","os":"linux","created":"1970-01-01T00:00:00Z","config":%s,"rootfs":{"type":"layers","diff_ids":[%s]},"history":[%s]}' \
        "$(cat "$here/images/$repository/$tag.json")" "$(joined "${digests[@]}")" "$(joined "${history[@]}")")
    digest=$(printf '%s' "$configuration" | sha256sum | cut -d' ' -f1)
    printf '%s' "$configuration" > "$2/$digest.json"
    printf '{"Config":"%s.json","RepoTags":["%s"],"Layers":[%s]}' "$digest" "$1" "$(joined "${files[@]}")"
}

layers_of() {
    local top
    top=$(cat "$here/images/$1/top")
    lower_layers "$top"
    echo "$top"
}

joined() {
    local IFS=,
    echo "$*"
}
