//! `platformctl database`: what the platform's PostgreSQL server holds, saved and brought back; its password.

use std::fs::{File, Permissions};
use std::io::IsTerminal as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use tempfile::NamedTempFile;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::arguments::ConnectionArguments;
use super::changing::Change;
use super::connect;
use super::setup::ProgressArguments;
use crate::Platform;
use crate::compose::in_units;
use crate::database::{ArchiveHeader, Database, HEADER_BYTES, Measured, NewPassword, change_password};
use crate::lifecycle::Installation;
use diagnostics::{Origin, Problems, given_file};
use report::command::unless_interrupted;
use report::{Failure, Reporter, confirm, output};

/// What helps after an interruption.
const AGAIN: &str = "run the same command again";
/// Standard input or output instead of a file.
const STANDARD_STREAM: &str = "-";

/// What to do with the database.
#[derive(Debug, Subcommand)]
pub(super) enum DatabaseCommand {
    /// Write all that the database holds to a file, in the custom format of `pg_dump`
    Backup(BackupArguments),
    /// Put what a backup holds in the place of what the database holds, all of it or nothing
    ///
    /// Tables and other objects that are not in the backup stay. Stop apps that use the database first: their
    /// transactions are waited for.
    Restore(RestoreArguments),
    /// Give the user of the database a new password: in the settings, in the server, and in its container
    ///
    /// The new password is not shown; `platformctl dock database cat /run/secrets/database.password` does that. Apps are told it
    /// with `platformctl apps config`.
    Password(PasswordArguments),
}

/// Arguments of `database backup`.
#[derive(Debug, Args)]
pub(super) struct BackupArguments {
    /// File to write, mode 0600; `-` for stdout
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// Replace FILE when it exists
    #[arg(long)]
    force: bool,
}

/// Arguments of `database restore`.
#[derive(Debug, Args)]
pub(super) struct RestoreArguments {
    /// File that `database backup` or `pg_dump --format=custom` wrote; `-` for standard input
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    progress: ProgressArguments,
}

/// Arguments of `database password`.
#[derive(Debug, Args)]
pub(super) struct PasswordArguments {
    /// Read the new password from standard input, without its last line end [default: a random one]
    #[arg(long)]
    stdin: bool,
    #[command(flatten)]
    progress: ProgressArguments,
}

/// Runs the command.
pub(super) async fn run(connection: &ConnectionArguments, command: &DatabaseCommand) -> Result<(), Failure> {
    match command {
        DatabaseCommand::Backup(arguments) => unless_interrupted(AGAIN, back_up(connection, arguments)).await,
        DatabaseCommand::Restore(arguments) => restore(connection, arguments).await,
        DatabaseCommand::Password(arguments) => set_password(connection, arguments).await,
    }
}

fn is_standard_stream(file: &Path) -> bool {
    file.as_os_str() == STANDARD_STREAM
}

async fn back_up(connection: &ConnectionArguments, arguments: &BackupArguments) -> Result<(), Failure> {
    let file = &arguments.file;
    if is_standard_stream(file) {
        if std::io::stdout().is_terminal() {
            return Err(Failure::Usage(
                "a backup is no text for a terminal; name a file, or lead stdout into a program".into(),
            ));
        }
        let platform = connect::platform(connection).await?;
        let database = Database::find(&platform.cluster).await?;
        let mut stream = Measured::new(tokio::io::stdout());
        database.back_up(&mut stream).await?;
        return match stream.error {
            Some(error) => Err(anyhow::Error::new(error).context("writing the backup to stdout").into()),
            None => {
                Reporter::new(None).note(saved(&database, "to stdout", stream.bytes));
                Ok(())
            }
        };
    }
    // Mistakes cost no connection.
    let temporary = beside(file, arguments.force)?;
    let platform = connect::platform(connection).await?;
    let database = Database::find(&platform.cluster).await?;
    let failed = |error: std::io::Error| {
        let what = format!("writing `{}`; nothing was kept of it", file.display());
        Failure::from(anyhow::Error::new(error).context(what))
    };
    let mut stream = Measured::new(tokio::fs::File::from_std(temporary.reopen().map_err(failed)?));
    database.back_up(&mut stream).await?;
    if let Some(error) = stream.error.take() {
        return Err(failed(error));
    }
    check_written(temporary.path(), file)?;
    temporary.as_file().sync_all().map_err(failed)?;
    let kept = match arguments.force {
        true => temporary.persist(file).map(drop).map_err(|error| error.error),
        false => temporary.persist_noclobber(file).map(drop).map_err(|error| error.error),
    };
    kept.map_err(failed)?;
    output::line(&saved(&database, &format!("to {}", file.display()), stream.bytes))
}

fn saved(database: &Database<'_>, place: &str, bytes: u64) -> String {
    format!(
        "database of PostgreSQL {}, {} on disk, saved {place}: {}",
        database.version,
        in_units(database.bytes),
        in_units(bytes)
    )
}

/// A file of its own in the same folder, which takes `file`'s place at the end.
fn beside(file: &Path, force: bool) -> Result<NamedTempFile, Failure> {
    let mut problems = Problems::new();
    let place = format!("`{}`", file.display());
    match file.symlink_metadata() {
        Ok(found) if found.is_dir() => problems.add(Origin::Flag("FILE"), format!("{place} is a folder; name a file")),
        Ok(_) if !force => {
            problems.add_with_hint(Origin::Flag("FILE"), format!("{place} exists already"), "--force replaces it");
        }
        _ => {}
    }
    let folder = match file.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => Path::new("/"),
    };
    let made =
        tempfile::Builder::new().prefix(".backup-").permissions(Permissions::from_mode(0o600)).tempfile_in(folder);
    let made = problems.take(
        Origin::Flag("FILE"),
        made.map_err(|error| format!("writing to `{}`: {}", folder.display(), error.kind())),
    );
    match made {
        Some(temporary) if problems.is_empty() => Ok(temporary),
        _ => Err(problems.into()),
    }
}

/// A program that says it succeeded, and wrote something else, wrote no backup.
fn check_written(written: &Path, file: &Path) -> Result<(), Failure> {
    let mut beginning = Vec::new();
    let read = File::open(written).and_then(|file| {
        std::io::Read::read_to_end(&mut std::io::Read::take(file, HEADER_BYTES as u64), &mut beginning)
    });
    read.map_err(anyhow::Error::new)?;
    ArchiveHeader::read(&beginning).map(drop).map_err(|error| Failure::Unhealthy {
        reasons: vec![format!("what came as the backup cannot be used: {error}; `{}` was not written", file.display())],
        hint: "platformctl status database; platformctl journal database -n 50".into(),
    })
}

async fn restore(connection: &ConnectionArguments, arguments: &RestoreArguments) -> Result<(), Failure> {
    let file = &arguments.file;
    let from_stream = is_standard_stream(file);
    let name = if from_stream { "standard input".to_owned() } else { format!("`{}`", file.display()) };
    let input: Box<dyn AsyncRead + Unpin> = match from_stream {
        true => Box::new(tokio::io::stdin()),
        false => {
            let opened = given_file::open(file).map_err(|error| wrong_file(format!("reading {name}: {error}")))?;
            Box::new(tokio::fs::File::from_std(opened.0))
        }
    };
    let reading = unless_interrupted(AGAIN, async {
        let mut input = input;
        let mut beginning = Vec::new();
        let read = (&mut input).take(HEADER_BYTES as u64).read_to_end(&mut beginning).await;
        read.map_err(|error| wrong_file(format!("reading {name}: {error}")))?;
        Ok((input, beginning))
    });
    let (input, beginning) = reading.await?;
    let header = ArchiveHeader::read(&beginning).map_err(|error| wrong_file(format!("{name}: {error}")))?;
    if !arguments.yes {
        agreed(&header, &name, file, from_stream).await?;
    }
    let mut input = Measured::new(std::io::Cursor::new(beginning).chain(input));
    let version = {
        let input = &mut input;
        let work = async move |platform: &Platform, _: &Reporter| {
            let database = Database::find(&platform.cluster).await?;
            database.check(&header)?;
            let restored = database.restore(&mut *input).await;
            match input.error.take() {
                Some(error) => {
                    Err(anyhow::Error::new(error).context(format!("reading {name}; nothing was changed")).into())
                }
                None => restored.map(|()| database.version.clone()),
            }
        };
        Change { connection, progress: &arguments.progress, command: "database restore" }.run(work).await?
    };
    let name = if from_stream { "standard input".to_owned() } else { file.display().to_string() };
    output::line(&format!("database of PostgreSQL {version} restored from {name}: {}", in_units(input.bytes)))
}

fn wrong_file(message: String) -> Failure {
    let mut problems = Problems::new();
    problems.add(Origin::Flag("FILE"), message);
    problems.into()
}

/// Asks, where somebody is there to answer.
async fn agreed(header: &ArchiveHeader, name: &str, file: &Path, from_stream: bool) -> Result<(), Failure> {
    if from_stream || !std::io::stdin().is_terminal() {
        return Err(Failure::Usage(format!(
            "nobody is here to confirm; `platformctl database restore {} --yes` restores without asking",
            file.display()
        )));
    }
    let question = format!(
        "replace what the database holds with {name}, a backup of {} from PostgreSQL {}?",
        header.made_at, header.server
    );
    match unless_interrupted(AGAIN, confirm(&question)).await? {
        true => Ok(()),
        false => Err(Failure::Usage("nothing was changed".into())),
    }
}

async fn set_password(connection: &ConnectionArguments, arguments: &PasswordArguments) -> Result<(), Failure> {
    let password = match arguments.stdin {
        false => NewPassword::random(),
        true => {
            let bytes = given_file::read_standard_input();
            let text = bytes.and_then(|bytes| given_file::text(&bytes).map(str::to_owned));
            let text = text.map_err(|error| Failure::Usage(format!("reading standard input: {error}")))?;
            NewPassword::given(text.trim_end_matches(['\n', '\r'])).map_err(Failure::Usage)?
        }
    };
    let work = async |platform: &Platform, installation: &Installation, reporter: &Reporter| {
        change_password(platform, installation, &password, reporter).await
    };
    Change { connection, progress: &arguments.progress, command: "database password" }.run_installed(work).await
}
