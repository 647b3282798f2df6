//! Where coreos-cloudinit says what the table says: lines, each counted in the text that the file has at the commit its address
//! names. Each file has a commit of its own, because no commit was found of which every file could be read.

/// What stands at a line of coreos-cloudinit's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    pub file: &'static File,
    /// From 1.
    pub line: u32,
    /// What is done there with the key's value.
    pub does: &'static str,
}

/// A file, at a commit.
#[derive(Debug, PartialEq, Eq)]
pub struct File {
    /// Below the top folder of coreos-cloudinit.
    pub path: &'static str,
    repository: &'static str,
    commit: &'static str,
    /// Where a repository has coreos-cloudinit; empty in its own.
    folder: &'static str,
}

impl Source {
    /// As in `system/user.go:42`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.file.path, self.line)
    }

    /// Where a reader sees the line.
    pub fn url(&self) -> String {
        let File { path, repository, commit, folder } = self.file;
        format!("https://github.com/{repository}/blob/{commit}/{folder}{path}#L{}", self.line)
    }
}

pub(super) const fn at(file: &'static File, line: u32, does: &'static str) -> Source {
    Source { file, line, does }
}

const fn flatcar(path: &'static str, commit: &'static str) -> File {
    File { path, repository: "flatcar/coreos-cloudinit", commit, folder: "" }
}

/// The project that Flatcar's comes from, where Flatcar's own text could not be read.
const fn coreos(path: &'static str, commit: &'static str) -> File {
    File { path, repository: "coreos/coreos-cloudinit", commit, folder: "" }
}

/// Another program's copy of that project, where neither text could be read.
const fn copy(path: &'static str, repository: &'static str, commit: &'static str) -> File {
    File { path, repository, commit, folder: "vendor/github.com/coreos/coreos-cloudinit/" }
}

/// What most files were read at.
const MOST: &str = "2c383a41a1718f66be2add7f58a885df5b89d86f";
const SOME: &str = "163616255c18ef79c9d3478a8ba75d3cb56e5fc8";

pub(super) static MAIN: File = flatcar("coreos-cloudinit.go", "044edf013707526995e871403b6857519e5dd964");
pub(super) static APPLY: File = flatcar("initialize/config.go", "390460b2e8ed0ca811ce1dcbba3b3f7d8aefccc1");
pub(super) static GITHUB: File = flatcar("initialize/github.go", MOST);
pub(super) static KEYS_FROM_URL: File = flatcar("initialize/ssh_keys.go", MOST);
/// Read as flatcar/mantle has it, whose `go.mod` names this commit.
pub(super) static CLOUD_CONFIG: File = flatcar("config/config.go", "a7bc5f0050ab3493807ec69977cda26b882b4aad");
pub(super) static ETC_HOSTS: File = flatcar("system/etc_hosts.go", MOST);
pub(super) static WRITE_FILE: File = flatcar("system/file.go", MOST);
pub(super) static FLANNEL: File = flatcar("system/flannel.go", MOST);
pub(super) static LOCKSMITH: File = flatcar("system/locksmith.go", MOST);
pub(super) static OEM: File = flatcar("system/oem.go", MOST);
pub(super) static SYSTEMD: File = flatcar("system/systemd.go", MOST);
pub(super) static UPDATE: File = flatcar("system/update.go", MOST);
pub(super) static UNIT: File = flatcar("system/unit.go", SOME);
pub(super) static ACCOUNT: File = flatcar("system/user.go", SOME);
pub(super) static LOCKSMITH_NAMES: File = coreos("config/locksmith.go", "51fa3e7504aeabdfc345d6c9ac42a9ba281b0688");
pub(super) static AUTHORIZED_KEYS: File = coreos("system/ssh_key.go", "43ffa7da07530e73996076392dc4bbcc11f24505");
pub(super) static FLANNEL_NAMES: File =
    copy("config/flannel.go", "rancher/os", "9b793b5d7c6f684117bd7404a4585afe5f85aa15");
pub(super) static UPDATE_VALUES: File =
    copy("config/update.go", "kubernetes-retired/kube-aws", "d264f29c58da83c4f69cc9840763ec2fd668db16");
