//! Apps' documents in etcd: one JSON document an app, changed in transactions.

use super::{App, AppName};
use crate::Platform;
use diagnostics::suggestion;
use diagnostics::{Origin, Problems};
use nodes::etcd::{Entry, Transaction};
use report::{Failure, Reporter};

/// Names that start with a dot are no targets of settings.
const PREFIX: &str = "/platform/.apps/";
/// Changes of one document that overtake each other are made again.
const MOST_CONFLICTS: u32 = 10;

/// The apps of one platform. What changes something is called under the cluster's lock.
#[derive(Clone, Debug)]
pub struct Apps {
    pub(super) platform: Platform,
    pub(super) reporter: Reporter,
}

impl Apps {
    /// The apps of `platform`; what happens is told to `reporter`.
    pub fn new(platform: Platform, reporter: Reporter) -> Self {
        Self { platform, reporter }
    }

    /// All apps, sorted by name.
    pub async fn all(&self) -> Result<Vec<App>, Failure> {
        let store = &self.platform.store;
        let entries = store.range(PREFIX).await.map_err(|error| store.failure(error))?;
        entries.iter().map(read).collect()
    }

    /// The app of this name.
    pub async fn get(&self, name: &AppName) -> Result<Option<App>, Failure> {
        Ok(self.recorded(name).await?.map(|(app, _)| app))
    }

    /// The app of this name, or the failure that says how to make it.
    pub async fn require(&self, name: &AppName) -> Result<App, Failure> {
        match self.get(name).await? {
            Some(app) => Ok(app),
            None => Err(self.unknown(name).await?),
        }
    }

    async fn unknown(&self, name: &AppName) -> Result<Failure, Failure> {
        let names: Vec<String> = self.all().await?.into_iter().map(|app| app.name.into()).collect();
        let message = match suggestion(name.as_str(), names.iter().map(String::as_str)) {
            Some(right) => format!("there is no app `{name}`; did you mean `{right}`?"),
            None => format!("there is no app `{name}`"),
        };
        let mut problems = Problems::new();
        problems.add_with_hint(Origin::Flag("NAME"), message, format!("platformctl apps create {name}"));
        Ok(problems.into())
    }

    /// Records a new app; says whether there was none of its name.
    pub(super) async fn insert(&self, app: &App) -> Result<bool, Failure> {
        self.commit(Transaction::new().expect_revision(&key(&app.name), 0).put(&key(&app.name), &text(app)?)).await
    }

    /// Changes an app's document: `edit` is called again when someone else changed it meanwhile.
    pub(super) async fn change<T>(
        &self,
        name: &AppName,
        edit: impl Fn(&mut App) -> Result<T, Failure>,
    ) -> Result<(App, T), Failure> {
        for _ in 0..MOST_CONFLICTS {
            let Some((before, revision)) = self.recorded(name).await? else { return Err(self.unknown(name).await?) };
            let mut after = before.clone();
            let result = edit(&mut after)?;
            let transaction = Transaction::new().expect_revision(&key(name), revision).put(&key(name), &text(&after)?);
            if after == before || self.commit(transaction).await? {
                return Ok((after, result));
            }
        }
        Err(Failure::Unhealthy {
            reasons: vec![format!("app `{name}` is being changed by others again and again")],
            hint: "run the same command again".into(),
        })
    }

    /// Forgets an app.
    pub(super) async fn forget(&self, name: &AppName) -> Result<(), Failure> {
        self.commit(Transaction::new().delete(&key(name))).await.map(drop)
    }

    async fn recorded(&self, name: &AppName) -> Result<Option<(App, i64)>, Failure> {
        let store = &self.platform.store;
        let entry = store.get(&key(name)).await.map_err(|error| store.failure(error))?;
        entry.map(|entry| Ok((read(&entry)?, entry.revision))).transpose()
    }

    async fn commit(&self, transaction: Transaction) -> Result<bool, Failure> {
        let store = &self.platform.store;
        store.commit(&transaction).await.map_err(|error| store.failure(error))
    }
}

fn key(name: &AppName) -> String {
    format!("{PREFIX}{name}")
}

fn text(app: &App) -> Result<String, Failure> {
    Ok(serde_json::to_string(app).map_err(anyhow::Error::from)?)
}

fn read(entry: &Entry) -> Result<App, Failure> {
    serde_json::from_str(&entry.value)
        .map_err(|error| anyhow::anyhow!("etcd's record of an app (`{}`) is damaged: {error}", entry.key).into())
}

/// The time now, in RFC 3339 to the second.
pub(super) fn now() -> String {
    let now = time::OffsetDateTime::now_utc().replace_nanosecond(0).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    now.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}
