//! Certificates of domains: files that users name to documents in etcd, which `platform-controller` gives to every router.
//! `cli/certs` calls it.

mod given;

#[cfg(test)]
pub(crate) use given::tests::pair;
pub(crate) use given::{GivenCertificate, InvalidGivenCertificate, date, public_key_of_chain, public_key_of_key};

use std::collections::BTreeMap;

use routing::{
    CERTIFICATES, CertificateName, CertifiedName, Domain, ORDER_STATES, ORDERED, ORDERS_PAUSED, OrderState, Refusal,
    StoredCertificate, UPLOADED, order_state_key,
};

use crate::Platform;
use diagnostics::suggestion;
use diagnostics::{Origin, Problems};
use nodes::etcd::{Entry, Transaction};
use report::Failure;

/// Changes of one document that overtake each other are made again.
const MOST_CONFLICTS: u32 = 10;

/// Certificates of one platform.
#[derive(Clone, Debug)]
pub(crate) struct Certificates<'a> {
    platform: &'a Platform,
}

/// A certificate that is known, or one that is on order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownCertificate {
    /// A user's name for it, or the domain that it was ordered for.
    pub name: String,
    pub is_uploaded: bool,
    /// Empty as long as there is none.
    pub names: Vec<CertifiedName>,
    /// Seconds since 1970.
    pub ends_at: Option<i64>,
    /// What is wrong with what etcd keeps, as routers do not get it then.
    pub mistake: Option<String>,
    /// How its order stands; none of an uploaded one.
    pub order: Option<OrderState>,
}

impl<'a> Certificates<'a> {
    /// The certificates of `platform`.
    pub(crate) fn new(platform: &'a Platform) -> Self {
        Self { platform }
    }

    /// Keeps a certificate under a name, in place of the one that had it; says whether there was one.
    pub(crate) async fn add(&self, name: &CertificateName, given: &GivenCertificate) -> Result<bool, Failure> {
        let store = &self.platform.store;
        let was_there = store.get(&name.key()).await.map_err(|error| store.failure(error))?.is_some();
        let text = serde_json::to_string(&given.stored).map_err(anyhow::Error::from)?;
        let written = store.commit(&Transaction::new().put(&name.key(), &text)).await;
        written.map_err(|error| store.failure(error))?;
        Ok(was_there)
    }

    /// Forgets a certificate that a user gave.
    pub(crate) async fn remove(&self, name: &CertificateName) -> Result<(), Failure> {
        let store = &self.platform.store;
        if store.get(&name.key()).await.map_err(|error| store.failure(error))?.is_none() {
            return Err(self.unknown(name).await?);
        }
        let written = store.commit(&Transaction::new().delete(&name.key())).await;
        written.map(drop).map_err(|error| store.failure(error))
    }

    /// Has the certificate of a domain ordered anew, at once. What was refused before is tried again.
    pub(crate) async fn renew(&self, domain: &Domain) -> Result<(), Failure> {
        let store = &self.platform.store;
        let key = order_state_key(domain);
        for _ in 0..MOST_CONFLICTS {
            let entry = store.get(&key).await.map_err(|error| store.failure(error))?;
            let Some(entry) = entry else { return Err(not_ordered(domain)) };
            let state = serde_json::from_str(&entry.value).ok();
            let ends_at = state.and_then(|state: OrderState| state.ends_at);
            let anew = OrderState { ends_at, renew_at: Some(0), refusal: None };
            let text = serde_json::to_string(&anew).map_err(anyhow::Error::from)?;
            // The authority itself may have kept all orders from being made.
            let transaction =
                Transaction::new().expect_revision(&key, entry.revision).put(&key, &text).delete(ORDERS_PAUSED);
            if store.commit(&transaction).await.map_err(|error| store.failure(error))? {
                return Ok(());
            }
        }
        Err(Failure::Unhealthy {
            reasons: vec![format!("the order of `{domain}` is being changed again and again")],
            hint: "run the same command again".into(),
        })
    }

    /// What keeps all orders from being made.
    pub(crate) async fn paused(&self) -> Result<Option<Refusal>, Failure> {
        let store = &self.platform.store;
        let entry = store.get(ORDERS_PAUSED).await.map_err(|error| store.failure(error))?;
        Ok(entry.and_then(|entry| serde_json::from_str(&entry.value).ok()))
    }

    /// All certificates: uploaded ones by name, then ordered ones by domain.
    pub(crate) async fn all(&self) -> Result<Vec<KnownCertificate>, Failure> {
        let store = &self.platform.store;
        let (certificates, states) = tokio::join!(store.range(CERTIFICATES), store.range(ORDER_STATES));
        let certificates = certificates.map_err(|error| store.failure(error))?;
        let states = states.map_err(|error| store.failure(error))?;
        Ok(known(&certificates, &states))
    }

    async fn unknown(&self, name: &CertificateName) -> Result<Failure, Failure> {
        let all = self.all().await?;
        let names: Vec<&str> = all.iter().filter(|one| one.is_uploaded).map(|one| one.name.as_str()).collect();
        let message = match suggestion(name.as_str(), names.iter().copied()) {
            Some(right) => format!("there is no certificate `{name}`; did you mean `{right}`?"),
            None => format!("there is no certificate `{name}`"),
        };
        let mut problems = Problems::new();
        problems.add_with_hint(Origin::Flag("NAME"), message, "platformctl certs list");
        Ok(problems.into())
    }
}

fn not_ordered(domain: &Domain) -> Failure {
    let mut problems = Problems::new();
    let message = format!("no certificate is ordered for `{domain}`");
    problems.add_with_hint(Origin::Flag("DOMAIN"), message, "platformctl certs list shows those that are");
    problems.into()
}

fn known(certificates: &[Entry], states: &[Entry]) -> Vec<KnownCertificate> {
    let mut all = Vec::new();
    let mut ordered = BTreeMap::new();
    for entry in certificates {
        let uploaded = entry.key.strip_prefix(UPLOADED);
        let Some(name) = uploaded.or_else(|| entry.key.strip_prefix(ORDERED)) else { continue };
        let is_uploaded = uploaded.is_some();
        // What serde says would repeat what stands there.
        let stored: Result<StoredCertificate, String> =
            serde_json::from_str(&entry.value).map_err(|_| "its document in etcd is damaged".to_owned());
        let read = stored
            .and_then(|stored| GivenCertificate::read(&stored.chain, &stored.key).map_err(|error| error.to_string()));
        let (names, ends_at, mistake) = match read {
            Ok(read) => (read.names, Some(read.ends_at), None),
            Err(mistake) => (Vec::new(), None, Some(mistake)),
        };
        let one = KnownCertificate { name: name.to_owned(), is_uploaded, names, ends_at, mistake, order: None };
        match is_uploaded {
            true => all.push(one),
            false => drop(ordered.insert(name.to_owned(), one)),
        }
    }
    for entry in states {
        let (Some(name), Ok(state)) = (entry.key.strip_prefix(ORDER_STATES), serde_json::from_str(&entry.value)) else {
            continue;
        };
        let one = ordered.entry(name.to_owned()).or_insert_with(|| KnownCertificate {
            name: name.to_owned(),
            is_uploaded: false,
            names: Vec::new(),
            ends_at: None,
            mistake: None,
            order: None,
        });
        one.order = Some(state);
    }
    all.extend(ordered.into_values());
    all
}
