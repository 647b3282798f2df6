//! Who orders: a key of etcd's that lives as long as its holder's lease.

use std::time::{Duration, Instant};

use crate::etcd::{Etcd, EtcdError, Lease, Transaction};

/// The key.
pub(super) const LOCK: &str = "/platform/.acme/lock";
/// How long a holder that is gone still has it.
const LIFE: Duration = Duration::from_secs(15);
const RENEWAL: Duration = Duration::from_secs(3);

/// The lock, held.
pub(super) struct Lock {
    etcd: Etcd,
    lease: Lease,
}

impl Lock {
    /// Takes the lock unless somebody has it.
    pub(super) async fn take(etcd: &Etcd) -> Result<Option<Self>, EtcdError> {
        if etcd.get(LOCK).await?.is_some() {
            return Ok(None);
        }
        let lease = etcd.grant(LIFE).await?;
        let holder = std::process::id().to_string();
        let taken = etcd.commit(&Transaction::new().expect_absence(LOCK).put_under(LOCK, &holder, lease)).await;
        let lock = Self { etcd: etcd.clone(), lease };
        match taken {
            Ok(true) => Ok(Some(lock)),
            other => {
                lock.let_go().await;
                other.map(|_| None)
            }
        }
    }

    pub(super) fn lease(&self) -> Lease {
        self.lease
    }

    /// Keeps the lock, and returns when it may be another's.
    pub(super) async fn lost(&self) {
        let mut held_since = Instant::now();
        loop {
            tokio::time::sleep(RENEWAL).await;
            let asked = Instant::now();
            match self.etcd.keep_alive(self.lease).await {
                Ok(true) => held_since = asked,
                Ok(false) => return,
                Err(error) if held_since.elapsed() + RENEWAL < LIFE => tracing::debug!("{error}"),
                Err(_) => return,
            }
        }
    }

    /// Lets others have it at once, as far as etcd answers.
    pub(super) async fn let_go(&self) {
        if let Err(error) = self.etcd.revoke(self.lease).await {
            tracing::debug!("{error}");
        }
    }
}
