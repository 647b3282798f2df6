//! Certificates of apps' domains, ordered from an authority by ACME and renewed in time: <https://www.rfc-editor.org/rfc/rfc8555>.
//! `cli` starts it.
//!
//! One controller at a time orders: who holds the lock, a key of etcd's under a lease. Everything is in etcd, so another goes on where
//! one stopped. What proves that a domain is ours is in etcd too, and every controller answers with it.

mod account;
mod authority;
mod lock;
mod order;
mod schedule;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use routing::{
    CertifiedName, Domain, ORDER_STATES, ORDERED, ORDERS_PAUSED, OrderState, Refusal, StoredCertificate,
    order_state_key,
};
use tokio::sync::watch;

use crate::certificate::Certificate;
use crate::certificates::Certificates;
use crate::etcd::{Etcd, EtcdError, Lease, Transaction};
use crate::follow::{State, now};
use crate::outbound::{Outbound, Trust};
use crate::shown::Known;
use account::Accounts;
use authority::Authority;
use lock::{LOCK, Lock};
use order::OrderError;

/// Below this, what answers a challenge, by its token.
const CHALLENGES: &str = "/platform/.acme/challenges/";
/// Before the lock is asked for again, and between two looks at what is due.
const PAUSE: Duration = Duration::from_secs(2);

/// From whom certificates are ordered, and for whom.
pub struct AcmeSettings {
    /// Where the authority writes.
    pub email: String,
    /// Where the authority says what it can do: <https://www.rfc-editor.org/rfc/rfc8555#section-7.1.1>.
    pub directory: String,
    /// Who signed the certificate of the directory's server.
    pub trust: Trust,
    /// Hosts that routers have a certificate for anyhow.
    pub covered: Vec<CertifiedName>,
}

/// Orders what is due, for as long as the program runs.
pub struct Acme {
    etcd: Etcd,
    settings: AcmeSettings,
    outbound: Outbound,
    state: watch::Receiver<State>,
    certificates: watch::Receiver<Certificates>,
}

/// The answer to the challenge with this token, for the authority; none when nothing was ordered with it.
pub async fn answer(etcd: &Etcd, token: &str) -> Result<Option<String>, EtcdError> {
    // Anybody may ask.
    if !order::is_token(token) {
        return Ok(None);
    }
    Ok(etcd.get(&format!("{CHALLENGES}{token}")).await?.map(|entry| entry.value))
}

impl Acme {
    /// Asks nobody yet.
    pub fn new(
        etcd: Etcd,
        settings: AcmeSettings,
        state: watch::Receiver<State>,
        certificates: watch::Receiver<Certificates>,
    ) -> anyhow::Result<Self> {
        let outbound = Outbound::new(settings.trust.clone(), None)?;
        Ok(Self { etcd, settings, outbound, state, certificates })
    }

    /// Never returns.
    pub async fn run(self) {
        loop {
            match Lock::take(&self.etcd).await {
                Ok(Some(lock)) => {
                    tracing::info!("this controller orders certificates");
                    tokio::select! {
                        error = self.order_what_is_due(&lock) => tracing::warn!("certificates are not ordered: {error}"),
                        () = lock.lost() => tracing::warn!("another controller may order certificates now"),
                    }
                    lock.let_go().await;
                }
                Ok(None) => {}
                Err(error) => tracing::debug!("{error}"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Goes on until etcd does not answer, or the lock is another's.
    async fn order_what_is_due(&self, lock: &Lock) -> EtcdError {
        let accounts = Accounts { etcd: &self.etcd, settings: &self.settings, lease: lock.lease() };
        let authority = Authority::new(self.outbound.clone());
        let mut account = None;
        loop {
            if let Err(error) = self.order_one(&accounts, &authority, &mut account, lock.lease()).await {
                return error;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Orders the certificate that is most due, if any is.
    async fn order_one(
        &self,
        accounts: &Accounts<'_>,
        authority: &Authority,
        account: &mut Option<instant_acme::Account>,
        lease: Lease,
    ) -> Result<(), EtcdError> {
        let Some(known) = self.certificates.borrow().clone() else { return Ok(()) };
        let State { domains, read_at: Some(_), .. } = self.state.borrow().clone() else { return Ok(()) };
        let wanted = schedule::wanted(&domains, &known, &self.settings.covered, now());
        let states = self.states().await?;
        self.forget(&wanted, &states, &known, lease).await?;
        let Some(domain) = schedule::due(&wanted, &states, now()) else { return Ok(()) };
        let paused = self.paused().await?;
        if paused.as_ref().is_some_and(|paused| paused.next_try > now()) {
            return Ok(());
        }
        if account.is_none() {
            match accounts.open(authority).await {
                Ok(opened) => {
                    if paused.is_some() {
                        self.write(Transaction::new().delete(ORDERS_PAUSED), lease).await?;
                    }
                    *account = Some(opened);
                }
                Err(OrderError::Etcd(error)) => return Err(error),
                Err(OrderError::Authority { said, retry_at, .. }) => {
                    tracing::warn!("no certificate can be ordered: {said}");
                    let refusal = schedule::refusal(paused.as_ref(), said, retry_at, now());
                    return self.write(Transaction::new().put(ORDERS_PAUSED, &text_of(&refusal)), lease).await;
                }
            }
        }
        let Some(opened) = account.as_ref() else { return Ok(()) };
        tracing::info!("ordering a certificate for {domain}");
        let ordered = order::order(opened, authority, &self.etcd, domain, lease).await;
        let state = states.get(domain);
        match ordered.and_then(|stored| Ok((read(&stored)?, stored))) {
            Ok((certificate, stored)) => {
                tracing::info!("{domain} has a certificate");
                let (ends_at, renew_at) = (Some(certificate.ends_at), Some(certificate.renew_at()));
                let transaction = Transaction::new()
                    .put(&format!("{ORDERED}{domain}"), &text_of(&stored))
                    .put(&order_state_key(domain), &text_of(&OrderState { ends_at, renew_at, refusal: None }));
                self.write(transaction, lease).await
            }
            Err(OrderError::Etcd(error)) => Err(error),
            Err(OrderError::Authority { said, retry_at, forgets_account }) => {
                tracing::warn!("no certificate for {domain}: {said}");
                if forgets_account {
                    *account = None;
                    accounts.forget().await?;
                }
                let before = state.cloned().unwrap_or(OrderState { ends_at: None, renew_at: None, refusal: None });
                let refusal = schedule::refusal(before.refusal.as_ref(), said, retry_at, now());
                let state = OrderState { refusal: Some(refusal), ..before };
                self.write(Transaction::new().put(&order_state_key(domain), &text_of(&state)), lease).await
            }
        }
    }

    /// Forgets what belongs to domains that no app has any more, once nothing of it serves anybody.
    async fn forget(
        &self,
        wanted: &[&Domain],
        states: &BTreeMap<Domain, OrderState>,
        known: &Arc<[Known]>,
        lease: Lease,
    ) -> Result<(), EtcdError> {
        for domain in states.keys().filter(|domain| !wanted.contains(domain)) {
            let serves = |one: &Known| !one.is_uploaded && one.certificate.serves(domain, now());
            if !known.iter().any(serves) {
                let transaction =
                    Transaction::new().delete(&order_state_key(domain)).delete(&format!("{ORDERED}{domain}"));
                self.write(transaction, lease).await?;
            }
        }
        Ok(())
    }

    /// Changes made by whoever holds the lock; an error when that is another.
    async fn write(&self, transaction: Transaction, lease: Lease) -> Result<(), EtcdError> {
        match self.etcd.commit(&transaction.expect_lease(LOCK, lease)).await? {
            true => Ok(()),
            false => Err(EtcdError::new("writing to etcd", "another controller holds the lock of orders")),
        }
    }

    /// How orders stand; a certificate that is not there any more has none of its times.
    async fn states(&self) -> Result<BTreeMap<Domain, OrderState>, EtcdError> {
        let (entries, kept) = tokio::try_join!(self.etcd.range(ORDER_STATES), self.etcd.keys(ORDERED))?;
        // One that is damaged is written anew.
        let read = entries.iter().filter_map(|entry| {
            let domain: Domain = entry.key.strip_prefix(ORDER_STATES)?.parse().ok()?;
            let state: OrderState = serde_json::from_str(&entry.value).ok()?;
            let is_kept = kept.iter().any(|entry| entry.key.strip_prefix(ORDERED) == Some(domain.as_str()));
            let state = if is_kept { state } else { OrderState { ends_at: None, renew_at: None, ..state } };
            Some((domain, state))
        });
        Ok(read.collect())
    }

    async fn paused(&self) -> Result<Option<Refusal>, EtcdError> {
        let entry = self.etcd.get(ORDERS_PAUSED).await?;
        Ok(entry.and_then(|entry| serde_json::from_str(&entry.value).ok()))
    }
}

/// What the authority sent, as far as routers take it.
fn read(stored: &StoredCertificate) -> Result<Certificate, OrderError> {
    Certificate::read(&stored.chain, &stored.key)
        .map_err(|error| OrderError::authority(format!("the authority's certificate cannot be used: {error}")))
}

fn text_of(document: &impl serde::Serialize) -> String {
    serde_json::to_string(document).unwrap_or_else(|error| unreachable!("documents of texts and numbers: {error}"))
}
