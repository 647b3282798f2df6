//! Azure as programs meet it: its hosts' names, TLS, and sign-in, with the emulator behind them. A proxy on the loopback
//! that answers for every host, so that nothing leaves the machine.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use coreos_cluster::pki::Authority;
use openssl::pkey::PKey;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::X509;
use serde_json::{Value, json};

use crate::sandbox::Sandbox;

pub(crate) const TENANT: &str = "00000000-0000-4000-8000-0000000000aa";
pub(crate) const CLIENT: &str = "00000000-0000-4000-8000-0000000000bb";

/// The proxy and what it has seen.
pub(crate) struct Azure {
    address: SocketAddr,
    authority_file: String,
    shared: Arc<Shared>,
}

struct Shared {
    authority: Authority,
    /// The emulator's address and token.
    emulator: (String, String),
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Requests for tokens: host, path and fields.
    token_requests: Vec<TokenRequest>,
    /// Hosts that were connected to.
    hosts: Vec<String>,
    /// Why there is no token.
    refusal: Option<Value>,
    /// Whether a captive portal answers instead.
    is_captive: bool,
    stopped: bool,
}

/// A request for a token.
#[derive(Clone, Debug)]
pub(crate) struct TokenRequest {
    pub url: String,
    pub fields: Vec<(String, String)>,
}

impl TokenRequest {
    /// A field of the form.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// The next request of a connection; none when it has ended.
    fn read(stream: &mut impl BufRead) -> Option<Self> {
        let mut line = || {
            let mut line = String::new();
            stream.read_line(&mut line).ok().filter(|count| *count > 0)?;
            Some(line.trim_end().to_owned())
        };
        let first = line()?;
        let mut words = first.split(' ').map(str::to_owned);
        let (method, target) = (words.next()?, words.next()?);
        let mut headers = Vec::new();
        loop {
            let line = line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut request = Self { method, target, headers, body: Vec::new() };
        request.body = vec![0; request.header("content-length").parse().unwrap_or(0)];
        stream.read_exact(&mut request.body).ok()?;
        Some(request)
    }

    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: vec![("content-type".into(), "application/json".into())], body: body.to_string() }
    }

    fn write(&self, stream: &mut impl Write) -> std::io::Result<()> {
        let mut text = format!("HTTP/1.1 {} x\r\ncontent-length: {}\r\n", self.status, self.body.len());
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{text}\r\n{}", self.body).as_bytes())?;
        stream.flush()
    }
}

impl Azure {
    /// In front of the sandbox's emulator.
    pub(crate) fn before(sandbox: &Sandbox) -> Self {
        let read =
            |file: &str| std::fs::read_to_string(sandbox.path("azure-local").join(file)).unwrap().trim().to_owned();
        let authority = Authority::generate("test").unwrap();
        let authority_file = sandbox.path("authority.pem");
        std::fs::write(&authority_file, &authority.certificate).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let emulator = (read("endpoint"), read("token"));
        let shared = Arc::new(Shared { authority, emulator, state: Mutex::default() });
        let serving = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if serving.state().stopped {
                    return;
                }
                let shared = serving.clone();
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        Self { address, authority_file: authority_file.display().to_string(), shared }
    }

    /// Makes programs talk to it.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let proxy = format!("http://{}", self.address);
        let pairs = [("HTTPS_PROXY", proxy.as_str()), ("SSL_CERT_FILE", &self.authority_file), ("NO_PROXY", "")];
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    /// Where a managed identity's tokens come from.
    pub(crate) fn identity_endpoint(&self) -> String {
        format!("http://{}/msi/token", self.address)
    }

    /// Requests for tokens so far.
    pub(crate) fn token_requests(&self) -> Vec<TokenRequest> {
        self.shared.state().token_requests.clone()
    }

    /// Hosts that programs connected to so far.
    pub(crate) fn hosts(&self) -> Vec<String> {
        self.shared.state().hosts.clone()
    }

    /// Answers everything with a web page from now on, as a network does whose sign-in page nobody has seen to.
    pub(crate) fn become_captive(&self) {
        self.shared.state().is_captive = true;
    }

    /// Answers all further requests for tokens with this.
    pub(crate) fn refuse_tokens(&self, refusal: Value) {
        self.shared.state().refusal = Some(refusal);
    }
}

impl Drop for Azure {
    fn drop(&mut self) {
        self.shared.state().stopped = true;
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: TcpStream) {
        let mut plain = BufReader::new(stream);
        while let Some(request) = Request::read(&mut plain) {
            if request.method != "CONNECT" {
                let answer = self.managed_identity(&request);
                if answer.write(plain.get_mut()).is_err() {
                    return;
                }
                continue;
            }
            let host = request.target.split(':').next().unwrap_or_default().to_owned();
            if plain.get_mut().write_all(b"HTTP/1.1 200 OK\r\n\r\n").is_ok() {
                self.serve_host(&host, plain.into_inner());
            }
            return;
        }
    }

    /// Answers as `host`, with a certificate of its name.
    fn serve_host(&self, host: &str, stream: TcpStream) {
        self.state().hosts.push(host.to_owned());
        let certificate = self.authority.issue_member(host, Ipv4Addr::LOCALHOST).unwrap();
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
        acceptor.set_private_key(&PKey::private_key_from_pem(certificate.key.as_bytes()).unwrap()).unwrap();
        acceptor.set_certificate(&X509::from_pem(certificate.certificate.as_bytes()).unwrap()).unwrap();
        let Ok(secured) = acceptor.build().accept(stream) else { return };
        let mut secured = BufReader::new(secured);
        while let Some(request) = Request::read(&mut secured) {
            let answer = match host.split_once('.').map_or(host, |(service, _)| service) {
                _ if self.state().is_captive => Answer {
                    status: 200,
                    headers: vec![("content-type".into(), "text/html".into())],
                    body: "<html><title>Welcome to the hotel</title></html>".into(),
                },
                "login" => self.token(host, &request),
                "management" => self.resource_manager(host, &request),
                "dev" => Answer::json(200, &json!({"oidcToken": "signed-by-pipelines"})),
                _ => Answer::json(404, &json!({})),
            };
            if answer.write(secured.get_mut()).is_err() {
                return;
            }
        }
    }

    /// <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>
    fn token(&self, host: &str, request: &Request) -> Answer {
        let fields = url::form_urlencoded::parse(&request.body).into_owned().collect();
        self.issue(TokenRequest { url: format!("https://{host}{}", request.target), fields }, |token| {
            // So short that every request needs a new one.
            json!({"token_type": "Bearer", "expires_in": 60, "access_token": token})
        })
    }

    /// <https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference>
    fn managed_identity(&self, request: &Request) -> Answer {
        let url = format!("http://{}{}", request.header("host"), request.target);
        let mut fields: Vec<(String, String)> = url::Url::parse(&url).unwrap().query_pairs().into_owned().collect();
        fields.push(("secret".into(), request.header("x-identity-header").to_owned()));
        self.issue(
            TokenRequest { url, fields },
            |token| json!({"token_type": "Bearer", "expires_on": "4102444800", "access_token": token, "resource": "x"}),
        )
    }

    fn issue(&self, asked: TokenRequest, document: impl Fn(&str) -> Value) -> Answer {
        let mut state = self.state();
        state.token_requests.push(asked);
        match &state.refusal {
            Some(refusal) => Answer::json(401, refusal),
            None => Answer::json(200, &document(&format!("token-{}", state.token_requests.len()))),
        }
    }

    /// The emulator, under Azure's name.
    fn resource_manager(&self, host: &str, request: &Request) -> Answer {
        let (base, token) = &self.emulator;
        if !request.header("authorization").starts_with("Bearer token-") {
            return Answer::json(401, &json!({"error": {"code": "AuthenticationFailed", "message": "no token"}}));
        }
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut forwarded = ureq::http::Request::builder()
            .method(request.method.as_str())
            .uri(format!("{base}{}", request.target))
            .header("authorization", format!("Bearer {token}"));
        for (name, value) in request.headers.iter().filter(|(name, _)| name == "content-type" || name == "if-match") {
            forwarded = forwarded.header(name, value);
        }
        let Ok(mut answer) = agent.run(forwarded.body(&request.body[..]).unwrap()) else {
            return Answer::json(502, &json!({}));
        };
        let named = |text: &str| text.replace(base.as_str(), &format!("https://{host}"));
        let is_ours = |name: &str| !["content-length", "transfer-encoding", "connection"].contains(&name);
        let headers = answer.headers().iter().filter(|(name, _)| is_ours(name.as_str()));
        let headers =
            headers.map(|(name, value)| (name.to_string(), named(value.to_str().unwrap_or_default()))).collect();
        Answer { status: answer.status().as_u16(), headers, body: named(&answer.body_mut().read_to_string().unwrap()) }
    }
}
