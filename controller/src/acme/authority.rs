//! Requests to the authority, with a time and a size at which they end; what it says of the next try is kept.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::RETRY_AFTER;
use hyper::{HeaderMap, Request, StatusCode};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};

use crate::follow::now;
use crate::outbound::Outbound;

/// For one answer; authorities that are busy take their time.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Chains and directories are small.
const MOST_BYTES: usize = 1 << 20;
/// Nobody waits for longer, whatever an authority says.
const LONGEST_SECONDS: i64 = 7 * 86_400;

/// The authority, as `instant-acme` asks it.
#[derive(Clone)]
pub(super) struct Authority {
    outbound: Outbound,
    retry_at: Arc<Mutex<Option<i64>>>,
}

impl Authority {
    pub(super) fn new(outbound: Outbound) -> Self {
        Self { outbound, retry_at: Arc::default() }
    }

    /// When it wants to be asked again (seconds since 1970), as its last refusal said. Forgotten once it was asked for.
    pub(super) fn retry_at(&self) -> Option<i64> {
        self.retry_at.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl HttpClient for Authority {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let Self { outbound, retry_at } = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let address = parts.uri.to_string();
            let Ok(body) = body.collect().await;
            let request = Request::from_parts(parts, Full::new(body.to_bytes()));
            let answer = outbound.send(request, MOST_BYTES, TIMEOUT).await;
            let answer = answer.map_err(|error| Error::Other(format!("{address}: {error}").into()))?;
            if answer.status.is_client_error() || answer.status.is_server_error() {
                *retry_at.lock().unwrap_or_else(PoisonError::into_inner) = retry_after(&answer.headers, now());
                check_problem(&address, answer.status, &answer.body)?;
            }
            let mut response = hyper::Response::new(Full::new(answer.body));
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            Ok(BytesResponse::from(response))
        })
    }
}

/// A refusal that is no problem document: a proxy's page, say.
fn check_problem(address: &str, status: StatusCode, body: &[u8]) -> Result<(), Error> {
    match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(serde_json::Value::Object(_)) => Ok(()),
        _ => Err(Error::Other(format!("{address}: the answer is {status}, which does not say why").into())),
    }
}

/// <https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3>
fn retry_after(headers: &HeaderMap, now: i64) -> Option<i64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let at = match text.parse::<i64>() {
        Ok(seconds) => now.saturating_add(seconds),
        Err(_) => {
            let at: SystemTime = httpdate::parse_http_date(text).ok()?;
            i64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()?
        }
    };
    Some(at.clamp(now, now + LONGEST_SECONDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_to_ask_again() {
        for (text, expected) in [
            ("120", Some(1120)),
            ("Thu, 01 Jan 1970 00:20:00 GMT", Some(1200)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(1000)),
            ("99999999999", Some(1000 + LONGEST_SECONDS)),
            ("soon", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(retry_after(&headers, 1000), expected, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), 1000), None);
    }
}
