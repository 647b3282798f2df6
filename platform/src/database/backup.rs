//! From a database to a dump in PostgreSQL's custom format. <https://www.postgresql.org/docs/current/app-pgdump.html>

use tokio::io::AsyncWrite;

use super::{Database, Measured};
use report::Failure;

/// Tables that somebody changes the form of are waited for a minute, then it says so.
const DUMP: &str =
    "pg_dump --format=custom --no-password --lock-wait-timeout=60s --username=\"$user\" --dbname=\"$database\"";

impl Database<'_> {
    /// Writes a dump to `output` as it comes. An error of `output` itself is kept there and ends it early: then this is `Ok`.
    pub(crate) async fn back_up(&self, output: &mut Measured<impl AsyncWrite + Unpin>) -> Result<(), Failure> {
        match self.stream(DUMP, tokio::io::empty(), &mut *output).await? {
            Err(said) if output.error.is_none() => Err(self.failed("backing the database up", &said)),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
