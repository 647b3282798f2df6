//! A service of a Compose file, typed.

use std::collections::BTreeMap;
use std::time::Duration;

/// A service: what Swarm keeps running.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Service {
    /// With its tag.
    pub image: String,
    /// Replaces the image's arguments.
    pub command: Option<Vec<String>>,
    /// Replaces the image's program.
    pub entrypoint: Option<Vec<String>>,
    pub environment: BTreeMap<String, String>,
    /// Labels of the containers.
    pub labels: BTreeMap<String, String>,
    /// `deploy.labels`: labels of the service, which routers read.
    pub service_labels: BTreeMap<String, String>,
    pub ports: Vec<Port>,
    pub mounts: Vec<Mount>,
    /// By the key of the file's `networks`; none means `default`.
    pub networks: BTreeMap<String, NetworkUse>,
    pub configs: Vec<ConfigUse>,
    pub secrets: Vec<SecretUse>,
    pub healthcheck: Option<Healthcheck>,
    pub mode: Mode,
    /// `vip` when false.
    pub round_robin: bool,
    pub placement: Placement,
    pub update: Option<UpdateConfig>,
    pub rollback: Option<UpdateConfig>,
    pub restart: RestartPolicy,
    pub limits: Resources,
    pub reservations: Resources,
    pub user: Option<String>,
    /// Supplementary groups, by name or number.
    pub groups: Vec<String>,
    pub working_dir: Option<String>,
    pub stop_grace_period: Option<Duration>,
    pub stop_signal: Option<String>,
    /// Runs a small init as process 1.
    pub init: Option<bool>,
    /// The container's own file system cannot be written.
    pub read_only: bool,
    pub tty: bool,
    pub stdin_open: bool,
    pub cap_add: Vec<String>,
    pub cap_drop: Vec<String>,
    pub hostname: Option<String>,
    /// Host name and address.
    pub extra_hosts: Vec<(String, String)>,
    pub dns: Vec<String>,
    pub dns_search: Vec<String>,
    pub dns_options: Vec<String>,
    pub ulimits: BTreeMap<String, Ulimit>,
    pub logging: Option<Logging>,
    pub sysctls: BTreeMap<String, String>,
    /// `x-…` keys as they stand.
    pub extensions: BTreeMap<String, serde_json::Value>,
}

/// How many tasks a service has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// So many, wherever there is room.
    Replicated { replicas: u32 },
    /// One on each node that meets the constraints.
    Global,
}

impl Default for Mode {
    fn default() -> Self {
        Self::Replicated { replicas: 1 }
    }
}

/// A port that is reachable from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// In the container.
    pub target: u16,
    /// Outside; Swarm chooses one when none.
    pub published: Option<u16>,
    pub protocol: Protocol,
    pub mode: PublishMode,
}

/// Transport of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    Tcp,
    Udp,
}

/// Where a published port is reachable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishMode {
    /// On every node of the swarm, by the routing mesh.
    Ingress,
    /// On the nodes that run a task, without a detour.
    Host,
}

/// Something mounted into the containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Absolute path in the container.
    pub target: String,
    pub read_only: bool,
    pub kind: MountKind,
}

/// What is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MountKind {
    /// A volume of the file by its key; a nameless one that goes with the container when none.
    Volume { source: Option<String>, options: VolumeOptions },
    /// A path of the node, which must exist there.
    Bind { source: String, options: BindOptions },
    /// Memory.
    Tmpfs { options: TmpfsOptions },
}

/// Options of a volume's mount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumeOptions {
    /// What the image has at the target is not copied into the new volume.
    pub no_copy: bool,
}

/// Options of a bind mount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BindOptions {
    /// `rprivate` when none.
    pub propagation: Option<Propagation>,
}

/// How later mounts spread between the node and the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    Private,
    RPrivate,
    Shared,
    RShared,
    Slave,
    RSlave,
}

/// Options of a mount in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TmpfsOptions {
    pub size_bytes: Option<u64>,
    /// File mode of the mount point.
    pub mode: Option<u32>,
}

/// A service's place in a network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkUse {
    /// Names besides the service's own.
    pub aliases: Vec<String>,
    pub driver_options: BTreeMap<String, String>,
}

/// A config in the containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigUse {
    /// Key of the file's `configs`.
    pub source: String,
    pub file: FileUse,
}

/// A secret in the containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretUse {
    /// Key of the file's `secrets`.
    pub source: String,
    pub file: FileUse,
}

/// How a config or secret appears as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileUse {
    /// Path in the container; a bare name of a secret stands for `/run/secrets/<name>`.
    pub target: String,
    pub uid: String,
    pub gid: String,
    /// File mode.
    pub mode: u32,
}

/// How Docker asks a container whether it is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Healthcheck {
    pub test: HealthTest,
    pub interval: Option<Duration>,
    pub timeout: Option<Duration>,
    pub retries: Option<u32>,
    /// Failures within this time after the start do not count.
    pub start_period: Option<Duration>,
    pub start_interval: Option<Duration>,
}

/// What is run as a health check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HealthTest {
    /// Nothing, not even what the image asks for.
    Disabled,
    /// What the image asks for.
    OfImage,
    /// A program and its arguments.
    Command(Vec<String>),
    /// A line for the container's shell.
    Shell(String),
}

/// Where tasks may run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// Such as `node.labels.controlPlane == true`.
    pub constraints: Vec<String>,
    /// Node labels over whose values tasks are spread, such as `node.labels.zone`.
    pub spread: Vec<String>,
    pub max_replicas_per_node: Option<u32>,
    /// Operating system and architecture, such as `linux`, `amd64`.
    pub platform: Option<(String, String)>,
}

/// How an update, or the way back from it, goes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UpdateConfig {
    /// Tasks at once; 0 is all.
    pub parallelism: Option<u32>,
    /// Between two batches.
    pub delay: Option<Duration>,
    pub failure_action: Option<UpdateFailureAction>,
    /// How long a new task is watched.
    pub monitor: Option<Duration>,
    /// 0 to 1.
    pub max_failure_ratio: Option<f64>,
    pub order: Option<Order>,
}

/// What a failed update leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateFailureAction {
    Continue,
    Pause,
    Rollback,
}

/// Which of the old and the new task goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    StopFirst,
    StartFirst,
}

/// When a task that ended is replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestartPolicy {
    /// `any` when none.
    pub condition: Option<RestartCondition>,
    /// 5 s when none.
    pub delay: Option<Duration>,
    /// Without end when none.
    pub max_attempts: Option<u32>,
    /// How long attempts are counted together.
    pub window: Option<Duration>,
}

/// After which ends a task is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartCondition {
    None,
    OnFailure,
    Any,
}

/// Shares of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// Thousand millionths of a CPU.
    pub nano_cpus: Option<u64>,
    pub memory_bytes: Option<u64>,
    /// Processes; of limits only.
    pub pids: Option<u32>,
    /// Generic resources; of reservations only.
    pub devices: Vec<Device>,
}

/// A generic resource, such as `gpu`, and how many of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub kind: String,
    pub count: u32,
}

/// A limit of the kernel for the container's processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ulimit {
    pub soft: i64,
    pub hard: i64,
}

/// Where a container's output goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logging {
    /// The node's default when none.
    pub driver: Option<String>,
    pub options: BTreeMap<String, String>,
}
