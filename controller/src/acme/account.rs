//! The account at the authority, kept in etcd for all controllers.

use instant_acme::{Account, AccountCredentials, NewAccount};
use serde::{Deserialize, Serialize};

use super::AcmeSettings;
use super::authority::Authority;
use super::lock::LOCK;
use super::order::OrderError;
use crate::etcd::{Etcd, EtcdError, Lease, Transaction};

/// Below this, one document an authority, by the address of its directory.
const ACCOUNTS: &str = "/platform/.acme/accounts/";

/// Accounts as etcd keeps them.
pub(super) struct Accounts<'a> {
    pub etcd: &'a Etcd,
    pub settings: &'a AcmeSettings,
    pub lease: Lease,
}

#[derive(Serialize, Deserialize)]
struct StoredAccount {
    email: String,
    /// Holds the account's key.
    credentials: AccountCredentials,
}

impl Accounts<'_> {
    fn key(&self) -> String {
        format!("{ACCOUNTS}{}", self.settings.directory)
    }

    /// The account that is kept, or a new one. An address of the user's that is another now is told to the authority.
    pub(super) async fn open(&self, authority: &Authority) -> Result<Account, OrderError> {
        let AcmeSettings { email, directory, .. } = self.settings;
        let contact = format!("mailto:{email}");
        let builder = Account::builder_with_http(Box::new(authority.clone()));
        let failed = |error| OrderError::of(error, authority);
        let stored: Option<StoredAccount> =
            self.etcd.get(&self.key()).await?.and_then(|entry| serde_json::from_str(&entry.value).ok());
        if let Some(StoredAccount { email: before, credentials }) = stored {
            let kept = serde_json::to_value(&credentials);
            let account = builder.from_credentials(credentials).await.map_err(failed)?;
            if before != *email {
                account.update_contacts(&[&contact]).await.map_err(failed)?;
                if let Some(credentials) = kept.ok().and_then(|kept| serde_json::from_value(kept).ok()) {
                    self.store(credentials).await?;
                }
            }
            return Ok(account);
        }
        let new = NewAccount { contact: &[&contact], terms_of_service_agreed: true, only_return_existing: false };
        let (account, credentials) = builder.create(&new, directory.clone(), None).await.map_err(failed)?;
        self.store(credentials).await?;
        tracing::info!("there is an account at {directory} now");
        Ok(account)
    }

    async fn store(&self, credentials: AccountCredentials) -> Result<(), OrderError> {
        let stored = StoredAccount { email: self.settings.email.clone(), credentials };
        let text = super::text_of(&stored);
        match self.etcd.commit(&Transaction::new().put(&self.key(), &text).expect_lease(LOCK, self.lease)).await? {
            true => Ok(()),
            false => {
                Err(OrderError::Etcd(EtcdError::new("writing to etcd", "another controller holds the lock of orders")))
            }
        }
    }

    /// Forgets an account that the authority does not know any more.
    pub(super) async fn forget(&self) -> Result<(), EtcdError> {
        let transaction = Transaction::new().delete(&self.key()).expect_lease(LOCK, self.lease);
        self.etcd.commit(&transaction).await.map(drop)
    }
}
