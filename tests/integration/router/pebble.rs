//! Pebble, the certificate authority for tests by those who make Let's Encrypt's: <https://github.com/letsencrypt/pebble>.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use openssl::x509::X509;
use serde_json::json;
use tempfile::TempDir;

use super::authority::Authority;
use super::client;
use super::get;
use super::mesh::{ends_with_us, free_port};
use crate::sandbox::wait_for;

pub(crate) struct Pebble {
    folder: PathBuf,
    /// Removes the folder in the end, unless it is somebody else's.
    own: Option<TempDir>,
    host: String,
    /// Of the server's own certificate, not of those that it signs.
    authority: Authority,
    address: SocketAddr,
    management: SocketAddr,
    process: Option<Child>,
}

impl Pebble {
    /// Not started yet.
    pub(crate) fn new() -> Self {
        let own = tempfile::Builder::new().prefix("pebble-").tempdir().expect("a folder");
        let mut pebble = Self::in_folder(own.path(), "localhost");
        pebble.own = Some(own);
        pebble
    }

    /// Not started yet; with its files in a folder, for clients that call its host by this name or address.
    pub(crate) fn in_folder(folder: &Path, host: &str) -> Self {
        let authority = Authority::new();
        let pair = authority.issue(&["localhost", host]);
        let write = |name: &str, text: &[u8]| std::fs::write(folder.join(name), text).expect("written");
        write("chain.pem", pair.chain.as_bytes());
        write("key.pem", pair.key.as_bytes());
        write("authority.pem", &authority.certificate.to_pem().expect("PEM"));
        let local = || SocketAddr::from(([127, 0, 0, 1], free_port()));
        let (folder, host) = (folder.to_owned(), host.to_owned());
        Self { folder, own: None, host, authority, address: local(), management: local(), process: None }
    }

    /// Starts with nothing: it knows no account, and signs with a new root. It looks at domains on this port, by the addresses that
    /// the resolver has, and refuses one of them.
    pub(crate) fn start(&mut self, web: u16, resolver: SocketAddr, blocked: &str, life_seconds: u64) {
        let path = |name: &str| self.folder.join(name);
        let configuration = json!({"pebble": {
            "listenAddress": self.address, "managementListenAddress": self.management, "certificate": path("chain.pem"),
            "privateKey": path("key.pem"), "httpPort": web, "tlsPort": 1, "domainBlocklist": [blocked],
            "certificateValidityPeriod": life_seconds,
        }});
        std::fs::write(path("pebble.json"), configuration.to_string()).expect("written");
        let log = std::fs::File::options().create(true).append(true).open(path("log")).expect("a log");
        let mut command = ends_with_us(Path::new("pebble"));
        command.arg("-config").arg(path("pebble.json")).args(["-dnsserver", &resolver.to_string(), "-strict"]);
        command.env("PEBBLE_VA_NOSLEEP", "1").stdin(Stdio::null());
        command.stdout(log.try_clone().expect("a log")).stderr(log);
        self.process = Some(command.spawn().expect("pebble starts: Debian's package `pebble`"));
        wait_for("the authority", || self.root().is_some());
    }

    /// Of the certificates that it signs.
    pub(crate) fn root(&self) -> Option<X509> {
        let trusted = &self.authority.certificate;
        let answer = client::ask_verified(self.management, "localhost", trusted, &get("localhost", "/roots/0")).ok()?;
        X509::from_pem(answer.body.as_bytes()).ok()
    }

    pub(crate) fn directory(&self) -> String {
        format!("https://{}:{}/dir", self.host, self.address.port())
    }

    /// PEM of who signed the server's own certificate.
    pub(crate) fn trust(&self) -> PathBuf {
        self.folder.join("authority.pem")
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        self.stop();
        drop(self.own.take());
    }
}
