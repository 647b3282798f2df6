//! Tasks of apps: servers on addresses of this machine, with good manners or bad ones.

use std::io::{BufRead as _, BufReader, BufWriter, Read, Write as _};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// How a task behaves.
#[derive(Clone, Copy)]
pub(super) enum Manners {
    /// Says its name, repeats headers, counts bodies, echoes what comes over a websocket.
    Good(&'static str),
    /// Reads a request and closes the connection.
    BreaksOff,
    /// Reads a request and says nothing.
    Silent,
}

/// A task; dropped, its port is closed and so are its connections.
pub(super) struct Backend {
    address: SocketAddr,
    methods: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
    is_over: Arc<AtomicBool>,
    accepting: Option<std::thread::JoinHandle<()>>,
}

impl Backend {
    pub(super) fn start(address: SocketAddr, manners: Manners) -> Self {
        let listener = TcpListener::bind(address).expect("a free port");
        let (methods, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let is_over = Arc::new(AtomicBool::new(false));
        let (seen, open, over) = (methods.clone(), connections.clone(), is_over.clone());
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                open.lock().unwrap().push(stream.try_clone().expect("a stream"));
                let seen = seen.clone();
                std::thread::spawn(move || while serve(&stream, manners, &seen).is_some() {});
            }
        });
        Self { address, methods, connections, is_over, accepting: Some(accepting) }
    }

    pub(super) fn ip(&self) -> IpAddr {
        self.address.ip()
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(super) fn requests(&self) -> usize {
        self.methods.lock().unwrap().len()
    }

    pub(super) fn requests_of(&self, method: &str) -> usize {
        self.methods.lock().unwrap().iter().filter(|seen| *seen == method).count()
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts, which then lets go of the port.
        let _ = TcpStream::connect(self.address);
        let _ = self.accepting.take().map(std::thread::JoinHandle::join);
        for connection in self.connections.lock().unwrap().drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

/// Answers one request; none when the connection is over.
fn serve(stream: &TcpStream, manners: Manners, seen: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let mut words = head.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    seen.lock().unwrap().push(method);
    let header = |name: &str| {
        head.lines().find_map(|line| line.split_once(": ").filter(|(found, _)| found.eq_ignore_ascii_case(name)))
    };
    let Manners::Good(name) = manners else {
        if matches!(manners, Manners::Silent) {
            let _ = reader.read(&mut [0]);
        }
        let _ = stream.shutdown(Shutdown::Both);
        return None;
    };
    if header("upgrade").is_some() {
        let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        (&*stream).write_all(answer.as_bytes()).ok()?;
        let mut bytes = [0; 1024];
        loop {
            let count = reader.read(&mut bytes).ok().filter(|count| *count > 0)?;
            (&*stream).write_all(&bytes[..count]).ok()?;
        }
    }
    if header("transfer-encoding").is_some() {
        let mut line = String::new();
        while line != "0\r\n" {
            line.clear();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
        }
        reader.read_line(&mut line).ok()?;
    }
    let length: u64 = header("content-length").and_then(|(_, length)| length.parse().ok()).unwrap_or_default();
    let read = std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).ok()?;
    if let Some(count) = path.strip_prefix("/bytes/") {
        let count: u64 = count.parse().ok()?;
        (&*stream).write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {count}\r\n\r\n").as_bytes()).ok()?;
        return std::io::copy(&mut std::io::repeat(b'x').take(count), &mut BufWriter::with_capacity(1 << 16, stream))
            .ok()
            .map(drop);
    }
    let body = match () {
        () if path == "/headers" => head.replace("\r\n", "\n"),
        () if path == "/upload" => read.to_string(),
        () => format!("{name}\n"),
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n", body.len());
    (&*stream).write_all((head + &body).as_bytes()).ok()
}
