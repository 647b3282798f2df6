//! Keys of Compose that a swarm cannot honour, and what to write instead.

/// Keys of the file.
pub(super) const TOP_LEVEL: &[(&str, &str)] = &[
    ("include", "other files are not read: put their services here"),
    ("models", "is not supported: run the model as a service"),
];

/// Keys of a config.
pub(super) const CONFIG: &[(&str, &str)] = &[
    ("file", "files beside this one are not read: write the text as `content`"),
    ("environment", "variables are not read: write the text as `content`"),
    ("external", "is not supported for configs: write the text as `content`"),
    ("name", "a config's name follows from its key and its content"),
    ("template_driver", "is not supported: write the finished text as `content`"),
];

/// Keys of a secret.
pub(super) const SECRET: &[(&str, &str)] = &[
    ("file", "a secret's value never stands in a file: write `external: true` and set the value with platformctl"),
    (
        "environment",
        "a secret's value is not read from a variable: write `external: true` and set the value with platformctl",
    ),
    ("content", "a secret's value never stands in a file: write `external: true` and set the value with platformctl"),
];

/// Keys of a service that are refused.
pub(super) const SERVICE_REFUSED: &[(&str, &str)] = &[
    ("blkio_config", "Swarm cannot limit block devices: leave it out"),
    ("build", "images are not built here: build and push the image first, then name it with `image`"),
    ("cgroup", "Swarm has no such setting: leave it out"),
    ("cgroup_parent", "Swarm has no such setting: leave it out"),
    ("cpu_count", "use `deploy.resources.limits.cpus`"),
    ("cpu_percent", "use `deploy.resources.limits.cpus`"),
    ("cpu_period", "use `deploy.resources.limits.cpus`"),
    ("cpu_quota", "use `deploy.resources.limits.cpus`"),
    ("cpu_rt_period", "Swarm has no such setting: leave it out"),
    ("cpu_rt_runtime", "Swarm has no such setting: leave it out"),
    ("cpu_shares", "use `deploy.resources.reservations.cpus`"),
    ("cpus", "use `deploy.resources.limits.cpus`"),
    ("cpuset", "Swarm has no such setting: use `deploy.resources.limits.cpus`"),
    ("credential_spec", "is for Windows only"),
    ("device_cgroup_rules", "Swarm services cannot have devices"),
    ("devices", "Swarm services cannot have devices; generic resources go to `deploy.resources.reservations`"),
    ("domainname", "use `hostname`"),
    ("env_file", "files beside this one are not read: write the variables as `environment`"),
    ("extends", "other services are not copied: use a YAML anchor (`&name`, `<<: *name`)"),
    ("external_links", "put both services into one network"),
    ("gpus", "use `deploy.resources.reservations.generic_resources`"),
    ("ipc", "Swarm has no such setting: leave it out"),
    ("isolation", "is for Windows only"),
    ("label_file", "files beside this one are not read: write the labels as `labels`"),
    ("mac_address", "Swarm chooses addresses itself: leave it out"),
    ("mem_limit", "use `deploy.resources.limits.memory`"),
    ("mem_reservation", "use `deploy.resources.reservations.memory`"),
    ("mem_swappiness", "Swarm has no such setting: leave it out"),
    ("memswap_limit", "Swarm has no such setting: use `deploy.resources.limits.memory`"),
    ("models", "is not supported: run the model as a service"),
    (
        "network_mode",
        "Swarm services are in networks: use `networks`, and `ports` with `mode: host` for the node's own ports",
    ),
    ("oom_kill_disable", "Swarm has no such setting: leave it out"),
    ("oom_score_adj", "Swarm has no such setting before Docker 27: leave it out"),
    ("pid", "Swarm has no such setting: leave it out"),
    ("pids_limit", "use `deploy.resources.limits.pids`"),
    ("post_start", "Swarm runs no hooks: do it in the container's own start"),
    ("pre_stop", "Swarm runs no hooks: do it when the container gets `stop_signal`"),
    ("privileged", "Swarm services cannot be privileged: use `cap_add` for what is needed"),
    ("provider", "is not supported: use an `image`"),
    ("runtime", "Swarm has no such setting: leave it out"),
    ("scale", "use `deploy.replicas`"),
    ("security_opt", "`docker stack` has no such setting: leave it out"),
    ("shm_size", "mount memory instead: `volumes: [{type: tmpfs, target: /dev/shm, tmpfs: {size: 64m}}]`"),
    ("storage_opt", "Swarm has no such setting: leave it out"),
    ("use_api_socket", "Docker's socket is closed to apps; a bundle mounts `/var/run/docker.sock` with `volumes`"),
    ("userns_mode", "Swarm has no such setting: leave it out"),
    ("uts", "Swarm has no such setting: leave it out"),
    ("volumes_from", "mount the same named volume in both services"),
];

/// Keys of a service that are read and have no effect.
pub(super) const SERVICE_IGNORED: &[(&str, &str)] = &[
    ("annotations", "is ignored: Swarm has no annotations"),
    ("attach", "is ignored: a swarm's output is in its logs"),
    ("container_name", "is ignored: Swarm names containers itself; other services find this one by its key"),
    ("develop", "is ignored: it is for development only"),
    ("pull_policy", "is ignored: nodes pull an image when they do not have it"),
];

/// Keys of a network.
pub(super) const NETWORK: &[(&str, &str)] = &[
    ("ipam", "Swarm chooses the addresses from its own pool: leave it out"),
    ("enable_ipv4", "Swarm's overlay networks are IPv4: leave it out"),
    ("enable_ipv6", "Swarm's overlay networks are IPv4: leave it out"),
];

/// Keys of a service's place in a network.
pub(super) const NETWORK_USE: &[(&str, &str)] = &[
    ("gw_priority", "Swarm chooses the way out itself: leave it out"),
    ("interface_name", "Swarm names interfaces itself: leave it out"),
    ("ipv4_address", "Swarm chooses addresses itself: use the service's name or an alias"),
    ("ipv6_address", "Swarm chooses addresses itself: use the service's name or an alias"),
    ("link_local_ips", "Swarm chooses addresses itself: leave it out"),
    ("mac_address", "Swarm chooses addresses itself: leave it out"),
];
