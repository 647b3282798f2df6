//! The logger sends containers' lines to receivers of syslog over UDP, TCP and TLS.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use openssl::pkey::PKey;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::X509;
use tempfile::TempDir;

use super::{Component, Process};
use crate::router::authority::Authority;
use crate::router::etcd::Etcd;
use crate::sandbox::wait_for;

const CONTAINERS: &str = "/var/lib/docker/containers/0a1b";
/// Who the receiver is over TLS.
const HOST: &str = "logs.example.com";
const PATIENCE: Duration = Duration::from_secs(60);

/// A node's logger.
struct Logger {
    component: Component,
    folder: TempDir,
    process: Option<Process>,
}

impl Logger {
    fn new() -> Self {
        let component = Component::new("logger");
        for folder in [CONTAINERS, "/var/lib/logger"] {
            std::fs::create_dir_all(component.image.path(folder)).unwrap();
        }
        Self { component, folder: tempfile::tempdir().unwrap(), process: None }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn says(&self, part: &str) -> bool {
        std::fs::read_to_string(self.log()).is_ok_and(|text| text.contains(part))
    }

    /// A new logger with nothing waiting.
    fn begin(&mut self, settings: &[(&str, &str)]) {
        self.process = None;
        let state = self.component.image.path("/var/lib/logger");
        std::fs::remove_dir_all(&state).unwrap();
        std::fs::create_dir(&state).unwrap();
        let _ = std::fs::remove_file(self.container());
        self.component.configure(settings);
        self.start();
    }

    fn start(&mut self) {
        self.process = Some(self.component.start(&[], &self.log(), &[]));
        wait_for("the logger", || self.says("syslog-ng starting up"));
    }

    /// As Docker ends a container.
    fn stop(&mut self) {
        let mut process = self.process.take().unwrap();
        assert!(Command::new("kill").arg(process.0.id().to_string()).status().unwrap().success());
        process.0.wait().unwrap();
    }

    fn container(&self) -> PathBuf {
        self.component.image.path(&format!("{CONTAINERS}/0a1b-json.log"))
    }

    /// A line of a container, as Docker's driver `json-file` writes it.
    fn write(&self, line: &str) {
        let text = serde_json::json!({"log": format!("{line}\n"), "stream": "stdout", "time": "2026-11-27T00:00:00Z"});
        let mut file = std::fs::File::options().create(true).append(true).open(self.container()).unwrap();
        writeln!(file, "{text}").unwrap();
    }

    /// Its own week of lines.
    fn kept(&self) -> String {
        let files = std::fs::read_dir(self.component.image.path("/var/lib/logger")).unwrap().flatten();
        let logs = files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|end| end == "log"));
        logs.map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }
}

/// Reads until all of `parts` came.
fn read_all(mut stream: impl std::io::Read, parts: &[&str]) -> String {
    let (mut text, mut block) = (String::new(), [0; 4096]);
    while !parts.iter().all(|part| text.contains(part)) {
        match stream.read(&mut block) {
            Ok(0) | Err(_) => panic!("after {text:?} the stream ends"),
            Ok(length) => text += &String::from_utf8_lossy(&block[..length]),
        }
    }
    text
}

fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A port on which nobody listens for now.
fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn lines_of_containers_reach_a_drain() {
    let mut logger = Logger::new();
    over_udp(&mut logger);
    over_tcp_when_it_was_away(&mut logger);
    over_tls(&mut logger);
}

fn over_udp(logger: &mut Logger) {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    logger.begin(&[("drain", &format!("syslog://{}", receiver.local_addr().unwrap()))]);
    logger.write("by datagram");
    let mut datagram = [0; 4096];
    let length = receiver.recv(&mut datagram).expect("a datagram");
    let text = String::from_utf8_lossy(&datagram[..length]).into_owned();
    assert!(text.starts_with("<13>1 ") && text.contains("0a1b-json.log") && text.ends_with("by datagram\n"), "{text}");
    wait_for("the week", || logger.kept().contains("0a1b-json.log stdout by datagram\n"));
}

/// What was written while nobody listened waits, also across a restart of the logger.
fn over_tcp_when_it_was_away(logger: &mut Logger) {
    let port = port();
    logger.begin(&[("drain", &format!("syslog+tcp://127.0.0.1:{port}"))]);
    logger.write("first");
    wait_for("the week", || logger.kept().contains("first"));
    wait_for("its word", || logger.says("Syslog connection failed"));
    logger.stop();
    logger.start();
    logger.write("second");
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let text = read_all(accept(&listener), &["first", "second"]);
    assert!(text.find("first") < text.find("second"), "{text}");
    // Each message is preceded by its length: https://www.rfc-editor.org/rfc/rfc6587#section-3.4.1
    assert!(
        text.split_once(' ').is_some_and(|(length, rest)| length.parse::<u16>().is_ok() && rest.starts_with("<13>1 "))
    );
}

fn over_tls(logger: &mut Logger) {
    std::fs::write(logger.component.image.path("/etc/hosts"), format!("127.0.0.1 {HOST}\n")).unwrap();
    let authority = Authority::new();
    let certificates = [
        ("Certificate validation failed", Authority::new().issue(&[HOST])),
        ("does not match", authority.issue(&["elsewhere.example.com"])),
        ("", authority.issue(&[HOST])),
    ];
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let drain = format!("syslog+tls://{HOST}:{}", listener.local_addr().unwrap().port());
    let trusted = String::from_utf8(authority.certificate.to_pem().unwrap()).unwrap();
    logger.begin(&[("drain", &drain), ("drainCa", &trusted)]);
    logger.write("in confidence");
    for (complaint, certificate) in certificates {
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
        acceptor.set_certificate(&X509::from_pem(certificate.chain.as_bytes()).unwrap()).unwrap();
        acceptor.set_private_key(&PKey::private_key_from_pem(certificate.key.as_bytes()).unwrap()).unwrap();
        let accepted = acceptor.build().accept(accept(&listener));
        if complaint.is_empty() {
            read_all(accepted.expect("a certificate that is trusted"), &["in confidence"]);
            continue;
        }
        // TLS 1.3's server is done before the client has looked at its certificate.
        let mut heard = [0; 100];
        let length = accepted.map(|mut stream| stream.read(&mut heard).unwrap_or_default()).unwrap_or_default();
        assert_eq!(length, 0, "nothing is said to one who is not trusted");
        wait_for("its word", || logger.says(complaint));
    }
}

#[test]
fn mistakes_in_a_drain_are_told_when_it_is_set() {
    let etcd = Etcd::start();
    for (drain, expected) in [
        ("logs.example.com:514", "`syslog://` or `syslog+tcp://` or `syslog+tls://`, a host, and a port or none"),
        ("tls://logs.example.com", "found `tls://logs.example.com`"),
        ("syslog+tcp://logs.example.com/all", "and nothing else"),
        ("syslog+tcp://logs.example.com:0", "a port"),
    ] {
        let ended = etcd.platformctl(&["config", "logger", "set", &format!("drain={drain}")]).demand(3);
        ended.says(&["logger/drain: must be", expected]);
    }
}
