//! Requests as written here, byte for byte, over plain connections and over TLS.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use openssl::ssl::{SslConnector, SslMethod, SslStream, SslVerifyMode};
use openssl::x509::X509;

/// Generous: machines that run tests are shared and slow.
const TIMEOUT: Duration = Duration::from_secs(120);

pub(crate) struct Answer {
    pub status: u16,
    head: String,
    pub body: String,
}

/// What a server showed on the way.
pub(super) struct Shown {
    pub answer: Answer,
    /// Of its certificate.
    pub names: Vec<String>,
    pub serial: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.head.lines().filter_map(|line| line.split_once(": "));
        found.into_iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn read(stream: &mut impl Read) -> io::Result<Self> {
        let mut bytes = Vec::new();
        // TLS that ends without a word is an end all the same: the length says whether something is missing.
        if let Err(error) = stream.read_to_end(&mut bytes)
            && bytes.is_empty()
        {
            return Err(error);
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let broken = || io::Error::other(format!("no answer in HTTP: {text:?}"));
        let (head, body) = text.split_once("\r\n\r\n").ok_or_else(broken)?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(broken)?;
        Ok(Self { status, head: head.to_owned(), body: body.to_owned() })
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    Ok(stream)
}

/// Sends a request that asks for the connection to be closed, and reads until it is.
pub(super) fn ask(address: SocketAddr, request: &str) -> io::Result<Answer> {
    let mut stream = connect(address)?;
    stream.write_all(request.as_bytes())?;
    Answer::read(&mut stream)
}

/// The same over TLS, whoever the server is.
pub(super) fn ask_tls(address: SocketAddr, name: &str, request: &str) -> io::Result<Shown> {
    let mut stream = tls(address, name, b"\x08http/1.1")?;
    let certificate = stream.ssl().peer_certificate().expect("a certificate");
    let names = certificate.subject_alt_names().expect("names");
    let names = names.iter().filter_map(|name| name.dnsname().map(str::to_owned)).collect();
    let serial = certificate.serial_number().to_bn().and_then(|number| number.to_hex_str().map(|hex| hex.to_string()));
    stream.write_all(request.as_bytes())?;
    Ok(Shown { answer: Answer::read(&mut stream)?, names, serial: serial.expect("a number") })
}

/// The same by a client that trusts this authority alone, and takes no certificate that is not for the name.
pub(crate) fn ask_verified(address: SocketAddr, name: &str, root: &X509, request: &str) -> io::Result<Answer> {
    let mut stream = verified(address, name, root, b"\x08http/1.1")?;
    stream.write_all(request.as_bytes())?;
    Answer::read(&mut stream)
}

/// What such a client that speaks HTTP/2 and HTTP/1.1 is offered.
pub(super) fn verified_protocol(address: SocketAddr, name: &str, root: &X509) -> io::Result<Option<String>> {
    let stream = verified(address, name, root, b"\x02h2\x08http/1.1")?;
    Ok(stream.ssl().selected_alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()))
}

fn verified(address: SocketAddr, name: &str, root: &X509, protocols: &[u8]) -> io::Result<SslStream<TcpStream>> {
    // Without the machine's own authorities.
    let mut builder = SslConnector::builder(SslMethod::tls_client()).expect("a connector");
    let mut roots = openssl::x509::store::X509StoreBuilder::new().expect("a store");
    roots.add_cert(root.clone()).expect("a root");
    builder.set_cert_store(roots.build());
    builder.set_verify(SslVerifyMode::PEER);
    builder.set_alpn_protos(protocols).expect("protocols");
    let connector = builder.build();
    shaken(|| connector.connect(name, connect(address)?).map_err(io::Error::other))
}

/// Caddy opens its ports anew for each configuration; a connection that waits at an old one is reset before a byte of it is read.
fn shaken(connect: impl Fn() -> io::Result<SslStream<TcpStream>>) -> io::Result<SslStream<TcpStream>> {
    let first = connect();
    match &first {
        Err(error) if error.to_string().contains("reset by peer") => connect(),
        _ => first,
    }
}

/// What a client that speaks HTTP/2 and HTTP/1.1 is offered.
pub(super) fn protocol(address: SocketAddr, name: &str) -> Option<String> {
    let stream = tls(address, name, b"\x02h2\x08http/1.1").expect("a connection");
    stream.ssl().selected_alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned())
}

fn tls(address: SocketAddr, name: &str, protocols: &[u8]) -> io::Result<SslStream<TcpStream>> {
    let mut builder = SslConnector::builder(SslMethod::tls_client()).expect("a connector");
    builder.set_verify(SslVerifyMode::NONE);
    builder.set_alpn_protos(protocols).expect("protocols");
    let connector = builder.build();
    shaken(|| {
        let configuration = connector.configure().expect("a configuration").verify_hostname(false);
        configuration.connect(name, connect(address)?).map_err(io::Error::other)
    })
}

/// How many bytes the body of an answer has; none of them are kept.
pub(super) fn download(address: SocketAddr, host: &str, path: &str) -> u64 {
    let mut stream = connect(address).expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = BufReader::with_capacity(1 << 16, stream);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        assert!(answer.read_line(&mut line).expect("a head") > 0, "the head has an end");
    }
    io::copy(&mut answer, &mut io::sink()).expect("a body")
}

/// Says that a body comes and breaks off in it.
pub(super) fn break_off(address: SocketAddr, host: &str) {
    let mut stream = connect(address).expect("a connection");
    let head = format!("POST /upload HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100000\r\n\r\nthe first bytes");
    stream.write_all(head.as_bytes()).expect("sent");
}

/// Sends a body of so many bytes.
pub(super) fn upload(address: SocketAddr, host: &str, bytes: usize) -> Answer {
    static PIECE: [u8; 1 << 16] = [b'x'; 1 << 16];
    let mut stream = connect(address).expect("a connection");
    let head = format!("POST /upload HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {bytes}\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("sent");
    for _ in 0..bytes / PIECE.len() {
        stream.write_all(&PIECE).expect("sent");
    }
    Answer::read(&mut stream).expect("an answer")
}

/// An upload of which the second half waits.
pub(super) struct HalfUpload(TcpStream);

impl HalfUpload {
    pub(super) fn begin(address: SocketAddr, host: &str) -> Self {
        let mut stream = connect(address).expect("a connection");
        let head =
            format!("POST /upload HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 8\r\n\r\nhalf");
        stream.write_all(head.as_bytes()).expect("sent");
        Self(stream)
    }

    pub(super) fn finish(mut self) -> Answer {
        self.0.write_all(b"half").expect("sent");
        Answer::read(&mut self.0).expect("an answer")
    }
}

/// A connection that was taken over for something else than HTTP.
pub(super) struct WebSocket(TcpStream);

impl WebSocket {
    pub(super) fn open(address: SocketAddr, host: &str) -> Self {
        let mut stream = connect(address).expect("a connection");
        let request = format!(
            "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("sent");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("an answer");
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
        Self(stream)
    }

    /// What comes back of `text`.
    pub(super) fn echo(&mut self, text: &str) -> String {
        self.0.write_all(text.as_bytes()).expect("sent");
        let mut bytes = vec![0; text.len()];
        self.0.read_exact(&mut bytes).expect("an echo");
        String::from_utf8(bytes).expect("text")
    }
}
