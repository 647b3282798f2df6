//! From a dump to a database, in one transaction: whatever goes wrong, nothing is changed.
//! <https://www.postgresql.org/docs/current/app-pgrestore.html>

use tokio::io::AsyncRead;

use super::{ArchiveHeader, Database, Measured};
use report::Failure;

const RESTORE: &str =
    "pg_restore --clean --if-exists --single-transaction --no-password --username=\"$user\" --dbname=\"$database\"";

impl Database<'_> {
    /// Refuses a dump that a newer server or a newer `pg_dump` wrote: older ones do not know what is in it.
    pub(crate) fn check(&self, header: &ArchiveHeader) -> Result<(), Failure> {
        let newest = if header.program.major > header.server.major { &header.program } else { &header.server };
        if newest.major <= self.version.major {
            return Ok(());
        }
        Err(Failure::Usage(format!(
            "the backup is of PostgreSQL {newest}, the database's server is {}, which is older; nothing was changed. `platformctl upgrade` \
             brings a newer server",
            self.version
        )))
    }

    /// Puts what `input` holds, a dump from its first byte on, in the place of the tables and other objects of the same names.
    pub(crate) async fn restore(&self, input: &mut Measured<impl AsyncRead + Unpin>) -> Result<(), Failure> {
        let ended = self.stream(RESTORE, &mut *input, tokio::io::sink()).await?;
        // What cannot be read ends early, which `pg_restore` takes for a damaged dump.
        ended.map_err(|said| self.failed("restoring the database; nothing was changed", &said))
    }
}
