//! An HTTP answer as it came in, read to its end within bounds; who sent it is not decided here.

use std::time::Duration;

use azure_core::http::AsyncRawResponse;
use azure_core::http::headers::{HeaderName, Headers};
use futures::StreamExt as _;

/// More than any answer of ARM has: its largest, the list of all sizes of a subscription, is below 10 MiB.
pub(super) const MOST_BODY_BYTES: usize = 16 * 1024 * 1024;
/// What is longer is no wait that anybody means.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(30 * 24 * 60 * 60);

const AZURE_ASYNC_OPERATION: HeaderName = HeaderName::from_static("azure-asyncoperation");
const LOCATION: HeaderName = HeaderName::from_static("location");
const RETRY_AFTER: HeaderName = HeaderName::from_static("retry-after");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-ms-correlation-request-id");
const CONTENT_TYPE: HeaderName = HeaderName::from_static("content-type");
const VIA: HeaderName = HeaderName::from_static("via");
const SERVER: HeaderName = HeaderName::from_static("server");

/// An answer with the headers that matter here.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RawAnswer {
    pub status: u16,
    pub azure_async_operation: Option<String>,
    pub location: Option<String>,
    /// Whole seconds, 30 days at most.
    pub retry_after: Option<Duration>,
    /// By which Azure's support finds the request. Every answer of ARM has it.
    /// <https://github.com/Azure/azure-resource-manager-rpc/blob/master/v1.0/common-api-details.md#client-request-headers>
    pub request_id: Option<String>,
    pub content_type: Option<String>,
    /// What programs between here and Azure call themselves.
    pub via: Option<String>,
    pub body: Vec<u8>,
    /// Whether the body was longer than `MOST_BODY_BYTES`; `body` is its beginning then.
    pub is_cut: bool,
}

impl RawAnswer {
    /// Reads the body to its end, or to the bound.
    pub(crate) async fn read(response: AsyncRawResponse) -> azure_core::Result<Self> {
        let (status, headers, mut stream) = response.deconstruct();
        let text = |name: &HeaderName| headers.get_optional_str(name).map(str::to_owned);
        let mut answer = Self {
            status: status.into(),
            azure_async_operation: text(&AZURE_ASYNC_OPERATION),
            location: text(&LOCATION),
            retry_after: retry_after(&headers),
            request_id: text(&REQUEST_ID).or_else(|| text(&CORRELATION_ID)),
            content_type: text(&CONTENT_TYPE),
            via: text(&VIA).or_else(|| text(&SERVER)),
            body: Vec::new(),
            is_cut: false,
        };
        while let Some(bytes) = stream.next().await {
            answer.body.extend_from_slice(&bytes?);
            if answer.body.len() > MOST_BODY_BYTES {
                answer.body.truncate(MOST_BODY_BYTES);
                answer.is_cut = true;
                break;
            }
        }
        Ok(answer)
    }

    /// Whether there is no body.
    pub(crate) fn is_empty(&self) -> bool {
        self.body.iter().all(u8::is_ascii_whitespace)
    }
}

/// ARM sends whole seconds only.
fn retry_after(headers: &Headers) -> Option<Duration> {
    let seconds = headers.get_optional_str(&RETRY_AFTER)?.trim().parse().ok();
    seconds.map(|seconds| Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}
