//! `mgmt-cert`: makes the certificate by which a service principal signs in, and says how it is registered.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use crate::pki::SignInCertificate;
use report::Failure;
use report::output;

const NAME: &str = "azure-coreos-cluster";

/// Arguments of `mgmt-cert`.
#[derive(Debug, Args)]
pub(super) struct ManagementCertificateArguments {
    /// Folder for azure-cert.pem (key and certificate), azure-cert.cer (certificate) and azure-cert.pfx (both)
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
    /// Days for which it is valid
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: u32,
    /// Write over files that exist
    #[arg(long)]
    pub force: bool,
}

/// Runs the command.
pub(super) async fn run(arguments: ManagementCertificateArguments) -> Result<(), Failure> {
    let folder = &arguments.folder;
    std::fs::create_dir_all(folder).with_context(|| format!("making the folder `{}`", folder.display()))?;
    let file = |name: &str| folder.join(name);
    let (pem, cer, pfx) = (file("azure-cert.pem"), file("azure-cert.cer"), file("azure-cert.pfx"));
    if let Some(exists) = [&pem, &cer, &pfx].into_iter().find(|path| path.exists() && !arguments.force) {
        return Err(Failure::Usage(format!(
            "`{}` exists, and whoever signs in with it would be locked out; --force writes a new one over it",
            exists.display()
        )));
    }
    let made = SignInCertificate::generate(NAME, arguments.days)?;
    write(&pem, format!("{}{}", made.key, made.certificate).as_bytes())?;
    write(&cer, made.certificate.as_bytes())?;
    write(&pfx, &made.pkcs12()?)?;
    output::print(&format!(
        "{}\n{}\n{}\n\nregister it, and note the appId and tenant that this prints:\n  \
         az ad sp create-for-rbac --name {NAME} --role Contributor --scopes /subscriptions/ID --cert @{}\nthen:\n  \
         azure-coreos-cluster NAME --azure-cert {} --client-id APPID --tenant TENANT --subscription ID\n",
        pem.display(),
        cer.display(),
        pfx.display(),
        cer.display(),
        pem.display()
    ))
}

/// Whole or not at all, and for its owner only.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let writing = || -> anyhow::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o600))?;
        file.write_all(bytes)?;
        file.persist(path)?;
        Ok(())
    };
    Ok(writing().with_context(|| format!("writing `{}`", path.display()))?)
}
