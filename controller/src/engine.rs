//! This machine's Docker, by its socket: the services of the swarm, and word of their changes.
//! <https://docs.docker.com/reference/api/engine/>

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::Service;
use bollard::query_parameters::{EventsOptionsBuilder, ListServicesOptions};
use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use futures::StreamExt as _;
use hyper::header::{HOST, HeaderValue};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

/// For a whole answer. Between two events any time may pass.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// The engine behind a socket.
#[derive(Clone, Debug)]
pub struct Engine {
    socket: Arc<Path>,
}

/// Why the engine did not say what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("{doing} ({}): {source}", socket.display())]
pub struct EngineError {
    doing: &'static str,
    socket: PathBuf,
    source: Error,
}

impl Engine {
    /// Nothing is asked yet.
    pub fn new(socket: &Path) -> Self {
        Self { socket: socket.into() }
    }

    /// All services of the swarm. A machine that is no manager, or a swarm without a leader, is an error.
    pub async fn services(&self) -> Result<Vec<Service>, EngineError> {
        let asked = async {
            let docker = self.connect().await?;
            docker.list_services(None::<ListServicesOptions>).await
        };
        let answered = tokio::time::timeout(ANSWER_TIMEOUT, asked).await.unwrap_or(Err(Error::RequestTimeoutError));
        answered.map_err(|source| self.error("asking Docker for the swarm's services", source))
    }

    /// Calls `changed` for each change of a service, until Docker ends the conversation or breaks it off.
    pub async fn follow(&self, changed: impl Fn()) -> Result<(), EngineError> {
        let failed = |source| self.error("following Docker's events", source);
        let connected = tokio::time::timeout(ANSWER_TIMEOUT, self.connect()).await;
        let docker = connected.unwrap_or(Err(Error::RequestTimeoutError)).map_err(failed)?;
        let filters = HashMap::from([("type", vec!["service"])]);
        let options = EventsOptionsBuilder::default().filters(&filters).build();
        let mut events = std::pin::pin!(docker.events(Some(options)));
        // What changed before events were listened to.
        changed();
        while let Some(event) = events.next().await {
            event.map_err(failed)?;
            changed();
        }
        Ok(())
    }

    /// A client whose requests each travel on a connection of their own, in the newest version that both sides speak.
    async fn connect(&self) -> Result<Docker, Error> {
        let socket = self.socket.clone();
        let transport = move |mut request: BollardRequest| {
            // hyper's connections, unlike its clients, send a request as it is; Docker wants to know its host's name.
            request.headers_mut().entry(HOST).or_insert(HeaderValue::from_static("docker"));
            let socket = socket.clone();
            async move {
                let stream = UnixStream::connect(&socket).await.map_err(|err| Error::IOError { err })?;
                let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
                tokio::spawn(connection);
                Ok(sender.send_request(request).await?)
            }
        };
        let timeout = ANSWER_TIMEOUT.as_secs();
        Docker::connect_with_custom_transport(transport, Some("http://docker"), timeout, API_DEFAULT_VERSION)?
            .negotiate_version()
            .await
    }

    fn error(&self, doing: &'static str, source: Error) -> EngineError {
        EngineError { doing, socket: self.socket.to_path_buf(), source }
    }
}
