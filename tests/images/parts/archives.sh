# Archives: from layers and configurations to what `docker load` takes. Sourced by `build`.
#
# images/<repository>/<tag>.json   the configuration: Cmd, Entrypoint, ExposedPorts, …
# images/<repository>/top          its topmost layer; those below are in layers/<layer>/lower

# Every image as repository:tag.
images() { (cd "$here/images" && find . -name '*.json' | sed 's|^\./||; s|/\([^/]*\)\.json$|:\1|' | sort); }

# The archive of the image $1 in the folder $2.
# https://github.com/moby/docker-image-spec/blob/main/spec.md
pack_image() {
    local image=$1 repository=${1%:*} tag=${1##*:} layer digest
    local parts=$work/archive digests=() entries=() history=() top
    top=$(cat "$here/images/$repository/top")
    mkdir "$parts"
    while read -r layer; do
        digest=$(cat "$work/layers/$layer.digest")
        ln "$work/layers/$layer.tar" "$parts/$digest.tar"
        digests+=("\"sha256:$digest\"")
        entries+=("\"$digest.tar\"")
        history+=("{\"created\":\"1970-01-01T00:00:00Z\",\"created_by\":\"layer $layer\"}")
    done < <(lower_layers "$top" && echo "$top")

    printf '{"architecture":"amd64","os":"linux","created":"1970-01-01T00:00:00Z","config":%s,"rootfs":{"type":"layers","diff_ids":[%s]},"history":[%s]}' \
        "$(cat "$here/images/$repository/$tag.json")" "$(joined "${digests[@]}")" "$(joined "${history[@]}")" > "$parts/config"
    local id
    id=$(sha256sum "$parts/config" | cut -d' ' -f1)
    mv "$parts/config" "$parts/$id.json"
    printf '[{"Config":"%s.json","RepoTags":["%s"],"Layers":[%s]}]' "$id" "$image" "$(joined "${entries[@]}")" > "$parts/manifest.json"
    (cd "$parts" && find . -type f -printf '%P\n') | sort | archive "$parts" "$2/$(tr '/:' '--' <<< "$image").tar"
    rm -r "$parts"
}

joined() {
    local IFS=,
    echo "$*"
}
