//! One order, from a domain to its certificate: <https://www.rfc-editor.org/rfc/rfc8555#section-7.4>.

use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Error, Identifier, NewOrder, Order, OrderStatus, Problem, RetryPolicy,
};
use routing::{Domain, StoredCertificate};

use super::CHALLENGES;
use super::authority::Authority;
use super::lock::LOCK;
use crate::etcd::{Etcd, EtcdError, Lease, Transaction};

/// An order that takes longer has failed.
const TIMEOUT: Duration = Duration::from_secs(300);
/// For each of the two waits: for the challenge to be looked at, and for the certificate.
const POLLING: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_millis(500)).backoff(1.5).timeout(Duration::from_secs(120));
/// Of what an authority says.
const LONGEST_WORDS: usize = 1000;

/// Why there is no certificate.
#[derive(Debug)]
pub(super) enum OrderError {
    /// Nothing can be ordered without etcd.
    Etcd(EtcdError),
    /// The authority refused, or could not be asked.
    Authority {
        said: String,
        /// When it wants to be asked again, seconds since 1970.
        retry_at: Option<i64>,
        /// It does not know the account.
        forgets_account: bool,
    },
}

impl From<EtcdError> for OrderError {
    fn from(error: EtcdError) -> Self {
        Self::Etcd(error)
    }
}

impl OrderError {
    pub(super) fn authority(said: String) -> Self {
        Self::Authority { said, retry_at: None, forgets_account: false }
    }

    /// The authority's words, and when it wants to be asked again.
    pub(super) fn of(error: Error, authority: &Authority) -> Self {
        let kind = match &error {
            Error::Api(problem) => problem.r#type.clone().unwrap_or_default(),
            _ => String::new(),
        };
        let said = match &error {
            Error::Api(problem) => words(problem),
            other => other.to_string(),
        };
        Self::Authority {
            said: report::one_line(&said, LONGEST_WORDS),
            retry_at: authority.retry_at(),
            forgets_account: kind.ends_with(":accountDoesNotExist"),
        }
    }
}

/// Orders a certificate for a domain.
pub(super) async fn order(
    account: &Account,
    authority: &Authority,
    etcd: &Etcd,
    domain: &Domain,
    lease: Lease,
) -> Result<StoredCertificate, OrderError> {
    let failed = |error| OrderError::of(error, authority);
    let ordered = async {
        let identifiers = [Identifier::Dns(domain.to_string())];
        let mut order = account.new_order(&NewOrder::new(&identifiers)).await.map_err(failed)?;
        let tokens = prove(&mut order, authority, etcd, lease).await?;
        let ready = order.poll_ready(&POLLING).await;
        // Whoever is right about the domain, the answers have been looked at.
        for token in tokens {
            etcd.commit(&Transaction::new().delete(&format!("{CHALLENGES}{token}"))).await?;
        }
        match ready {
            Ok(OrderStatus::Ready) => {}
            Ok(_) => return Err(why_not(&mut order, authority, None).await),
            Err(error) => return Err(why_not(&mut order, authority, Some(error)).await),
        }
        let key = order.finalize().await.map_err(failed)?;
        let chain = order.poll_certificate(&POLLING).await.map_err(failed)?;
        Ok(StoredCertificate { chain, key })
    };
    let late =
        || Err(OrderError::authority(format!("the order has not come to an end within {} s", TIMEOUT.as_secs())));
    tokio::time::timeout(TIMEOUT, ordered).await.unwrap_or_else(|_| late())
}

/// Puts the answers where every controller finds them, and lets the authority look. The tokens of the challenges.
async fn prove(order: &mut Order, authority: &Authority, etcd: &Etcd, lease: Lease) -> Result<Vec<String>, OrderError> {
    let failed = |error| OrderError::of(error, authority);
    let mut tokens = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(failed)?;
        match authorization.status {
            AuthorizationStatus::Pending => {}
            // Of an earlier order.
            AuthorizationStatus::Valid => continue,
            _ => return Err(OrderError::authority("the authority refuses to look at the domain".into())),
        }
        let mut challenge = authorization
            .challenge(ChallengeType::Http01)
            .ok_or_else(|| OrderError::authority("the authority offers no proof by HTTP (http-01)".into()))?;
        let token = challenge.token.clone();
        if !is_token(&token) {
            return Err(OrderError::authority("the authority's challenge has a token that is none".into()));
        }
        let key = format!("{CHALLENGES}{token}");
        let put =
            Transaction::new().put_under(&key, challenge.key_authorization().as_str(), lease).expect_lease(LOCK, lease);
        if !etcd.commit(&put).await? {
            return Err(EtcdError::new("writing to etcd", "another controller holds the lock of orders").into());
        }
        tokens.push(token);
        challenge.set_ready().await.map_err(failed)?;
    }
    Ok(tokens)
}

/// What the authority found at the domain says more than that the order is invalid.
async fn why_not(order: &mut Order, authority: &Authority, error: Option<Error>) -> OrderError {
    let mut found = None;
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        if let Ok(state) = authorization.refresh().await {
            found = state.challenges.iter().find_map(|challenge| challenge.error.clone()).or(found);
        }
    }
    match (found, error) {
        (Some(problem), _) => OrderError::of(Error::Api(problem), authority),
        (None, Some(error)) => OrderError::of(error, authority),
        (None, None) => OrderError::authority("the authority does not say why the order is invalid".into()),
    }
}

/// `detail (type)`, and the same of what it consists of.
fn words(problem: &Problem) -> String {
    let one = |detail: &Option<String>, kind: &Option<String>| match (detail, kind) {
        (Some(detail), Some(kind)) => format!("{detail} ({kind})"),
        (Some(text), None) | (None, Some(text)) => text.clone(),
        (None, None) => "no reason given".to_owned(),
    };
    let mut texts = vec![one(&problem.detail, &problem.r#type)];
    texts.extend(problem.subproblems.iter().map(|problem| one(&problem.detail, &problem.r#type)));
    texts.join("; ")
}

/// RFC 8555 §8.3: base64url, at least 128 bits.
pub(super) fn is_token(text: &str) -> bool {
    (22..=200).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}
