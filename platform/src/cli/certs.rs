//! `platformctl certs`: certificates of domains, which every router shows.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use routing::{CertificateName, Domain};
use serde::Serialize;

use super::arguments::ConnectionArguments;
use super::changing::Change;
use super::connect;
use super::setup::ProgressArguments;
use crate::Platform;
use crate::certificates::{Certificates, GivenCertificate, KnownCertificate, date};
use diagnostics::{Origin, Problems, given_file};
use report::{Failure, OutputFormat, Reporter};
use report::{command::unless_interrupted, output};

/// What helps after an interruption.
const AGAIN: &str = "run the same command again";

/// What to do with certificates.
#[derive(Debug, Subcommand)]
pub(super) enum CertsCommand {
    /// Give every router a certificate, in place of the one that had its name
    Add(AddArguments),
    /// List certificates, uploaded and ordered ones, with the hosts that they are for and their end
    List {
        /// Form of the result on stdout
        #[arg(short, long, value_enum, default_value_t = OutputFormat::Text)]
        output: OutputFormat,
    },
    /// Take a certificate away from routers
    #[command(visible_alias = "rm")]
    Remove {
        #[arg(value_name = "NAME")]
        name: CertificateName,
        #[command(flatten)]
        progress: ProgressArguments,
    },
    /// Have the certificate of a domain ordered anew now, also when the last order was refused
    Renew {
        #[arg(value_name = "DOMAIN")]
        domain: Domain,
        #[command(flatten)]
        progress: ProgressArguments,
    },
}

/// Arguments of `certs add`.
#[derive(Debug, Args)]
pub(super) struct AddArguments {
    /// What the certificate is called, such as `shop`
    #[arg(value_name = "NAME")]
    name: CertificateName,
    /// Certificate chain, PEM, the server's own first
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// Its key, PEM, not encrypted
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    progress: ProgressArguments,
}

/// A certificate as programs read it.
#[derive(Serialize)]
struct Shown {
    name: String,
    /// `uploaded` or `ordered`.
    source: &'static str,
    hosts: Vec<String>,
    /// A day, such as `2026-11-26`; absent as long as there is none.
    ends: Option<String>,
    /// Why routers do not have it, or why it was not renewed.
    trouble: Option<String>,
}

/// Runs the command.
pub(super) async fn run(connection: &ConnectionArguments, command: &CertsCommand) -> Result<(), Failure> {
    match command {
        CertsCommand::Add(arguments) => {
            // Mistakes cost no connection.
            let given = read(&arguments.certificate, &arguments.key)?;
            let work = async |platform: &Platform, _: &Reporter| {
                Certificates::new(platform).add(&arguments.name, &given).await
            };
            let command = format!("certs add {}", arguments.name);
            let change = Change { connection, progress: &arguments.progress, command: &command };
            let what = if change.run(work).await? { "replaced" } else { "added" };
            let hosts: Vec<String> = given.names.iter().map(ToString::to_string).collect();
            output::line(&format!(
                "certificate {} {what}: {}, until {}",
                arguments.name,
                hosts.join(", "),
                date(given.ends_at)
            ))
        }
        CertsCommand::List { output } => unless_interrupted(AGAIN, list(connection, *output)).await,
        CertsCommand::Remove { name, progress } => {
            let work = async |platform: &Platform, _: &Reporter| Certificates::new(platform).remove(name).await;
            let command = format!("certs remove {name}");
            Change { connection, progress, command: &command }.run(work).await?;
            output::line(&format!("certificate {name} removed"))
        }
        CertsCommand::Renew { domain, progress } => {
            let work = async |platform: &Platform, _: &Reporter| Certificates::new(platform).renew(domain).await;
            let command = format!("certs renew {domain}");
            Change { connection, progress, command: &command }.run(work).await?;
            output::line(&format!(
                "a certificate for {domain} will be ordered; `platformctl certs list` shows what came of it"
            ))
        }
    }
}

/// The pair that two files hold, or every mistake.
fn read(certificate: &Path, key: &Path) -> Result<GivenCertificate, Failure> {
    let mut problems = Problems::new();
    let mut text = |flag: &'static str, path: &Path| {
        let read = given_file::read_text(path).map_err(|error| format!("reading `{}`: {error}", path.display()));
        problems.take(Origin::Flag(flag), read)
    };
    let (chain, private) = (text("--certificate", certificate), text("--key", key));
    let (Some(chain), Some(private)) = (chain, private) else { return Err(problems.into()) };
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    GivenCertificate::read_current(&chain, &private, now).map_err(|error| {
        let (flag, path) = if error.is_of_the_key() { ("--key", key) } else { ("--certificate", certificate) };
        let message = format!("`{}`: {error}", path.display());
        match error.hint() {
            Some(hint) => problems.add_with_hint(Origin::Flag(flag), message, hint),
            None => problems.add(Origin::Flag(flag), message),
        }
        problems.into()
    })
}

async fn list(connection: &ConnectionArguments, output: OutputFormat) -> Result<(), Failure> {
    let platform = connect::platform(connection).await?;
    let shown: Vec<Shown> = Certificates::new(&platform).all().await?.into_iter().map(shown).collect();
    output::result(output, &shown, &table(&shown))
}

fn shown(known: KnownCertificate) -> Shown {
    let refusal = known.order.and_then(|order| order.refusal).map(|refusal| refusal.said);
    Shown {
        name: known.name,
        source: if known.is_uploaded { "uploaded" } else { "ordered" },
        hosts: known.names.iter().map(ToString::to_string).collect(),
        ends: known.ends_at.map(date),
        trouble: known.mistake.or(refusal),
    }
}

fn table(shown: &[Shown]) -> String {
    if shown.is_empty() {
        return "no certificates; platformctl certs add NAME --certificate FILE --key FILE\n".into();
    }
    let rows = shown.iter().map(|one| {
        let hosts = one.hosts.join(",");
        let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        [or_dash(&one.name), one.source.to_owned(), or_dash(one.ends.as_deref().unwrap_or_default()), or_dash(&hosts)]
    });
    let troubles = [None].into_iter().chain(shown.iter().map(|one| one.trouble.as_deref()));
    let mut text = String::new();
    for (line, trouble) in report::table(["NAME", "SOURCE", "ENDS", "HOSTS"], rows).lines().zip(troubles) {
        text += &format!("{line}\n");
        if let Some(trouble) = trouble {
            text += &format!("    {}\n", report::one_line(trouble, 500));
        }
    }
    text
}
