//! The body of an answer that is read without the pipeline's own bound.

use azure_core::http::AsyncRawResponse;
use futures::TryStreamExt as _;

/// The whole body; none when it is longer than `most_bytes`. No more than that, and one part of the stream, is ever held.
pub(crate) async fn read_body(response: AsyncRawResponse, most_bytes: usize) -> azure_core::Result<Option<Vec<u8>>> {
    let mut parts = response.into_body();
    let mut body = Vec::new();
    while let Some(part) = parts.try_next().await? {
        body.extend_from_slice(&part);
        if body.len() > most_bytes {
            return Ok(None);
        }
    }
    Ok(Some(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use azure_core::http::StatusCode;
    use azure_core::http::headers::Headers;

    #[tokio::test]
    async fn what_is_longer_is_not_read() {
        for (text, expected) in [("", Some("")), ("1234", Some("1234")), ("12345", None)] {
            let response = AsyncRawResponse::from_bytes(StatusCode::Ok, Headers::new(), text.as_bytes().to_vec());
            let found = read_body(response, 4).await.unwrap();
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{text}");
        }
    }
}
