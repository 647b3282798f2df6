//! A new password of the database's user: in the settings, in the server, and with the service.

use std::fmt;

use rand::RngExt as _;
use rand::distr::Alphanumeric;

use super::scram::{SALT_BYTES, verifier};
use super::{COMPONENT, Database, in_container};
use crate::Platform;
use crate::lifecycle::{self, Installation, Selection};
use crate::settings::{Assignment, Settings};
use report::mark::GOOD;
use report::{Failure, Reporter};

const KEY: &str = "password";
/// 190 bits.
const CHARACTERS: usize = 32;
const MOST_CHARACTERS: usize = 512;
const ALTER: &str =
    "psql --no-psqlrc --no-password --quiet --set=ON_ERROR_STOP=1 --username=\"$user\" --dbname=\"$database\"";

/// A password that is to be set.
#[derive(Clone)]
pub(crate) struct NewPassword(String);

impl fmt::Debug for NewPassword {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("NewPassword")
    }
}

impl NewPassword {
    /// A random one, of letters and digits, so that it may stand in an address.
    pub(crate) fn random() -> Self {
        Self(rand::rng().sample_iter(Alphanumeric).take(CHARACTERS).map(char::from).collect())
    }

    /// One that a user gave: printable characters of ASCII, which every client writes in the same way.
    pub(crate) fn given(text: &str) -> Result<Self, String> {
        let is_good = text.chars().all(|character| character == ' ' || character.is_ascii_graphic());
        match text.len() {
            0 => Err("the password is empty".into()),
            1..=MOST_CHARACTERS if is_good => Ok(Self(text.to_owned())),
            1..=MOST_CHARACTERS => Err("the password has characters other than those of printable ASCII".into()),
            length => Err(format!("the password has {length} characters, more than {MOST_CHARACTERS}")),
        }
    }
}

/// Sets the password. Each step may be repeated: a run that was cut short is completed by the same command, with whichever
/// password that one sets.
pub(crate) async fn change_password(
    platform: &Platform,
    installation: &Installation,
    password: &NewPassword,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let schema = &installation.bundle.settings;
    if !schema.is_secret(COMPONENT, KEY) {
        return Err(Failure::Usage(format!(
            "bundle `{}` has no secret setting `{COMPONENT}/{KEY}`, so it has no password to change",
            installation.bundle.name
        )));
    }
    // A server that does not answer, or a machine that is away, keeps everything as it is.
    lifecycle::preflight(platform, reporter).await?;
    let database = Database::find(&platform.cluster).await?;
    let assignment = Assignment { key: KEY.to_owned(), value: password.0.clone() };
    Settings::new(platform).set(schema, COMPONENT, &[assignment]).await?;
    database.set_password(password).await?;
    reporter.note(format!("{GOOD} the server has the new password"));
    let selection: Selection = [COMPONENT.to_owned()].into();
    lifecycle::install(platform, Some(installation), &installation.bundle, &selection, &[], reporter).await.map(drop)
}

impl Database<'_> {
    async fn set_password(&self, password: &NewPassword) -> Result<(), Failure> {
        let verifier = verifier(&password.0, rand::rng().random::<[u8; SALT_BYTES]>()).map_err(anyhow::Error::new)?;
        let statement = format!("ALTER ROLE CURRENT_USER PASSWORD '{verifier}';\n");
        let command = in_container(&self.container, ALTER);
        let ended = self.node.run(&command, Some(&statement), super::PATIENCE).await;
        let said = ended.map_err(|error| self.unreachable(error))?.success();
        said.map(drop).map_err(|said| self.failed("changing the password", &said))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords() {
        let longest = "a".repeat(MOST_CHARACTERS);
        let longer = format!("{longest}a");
        for (text, expected) in [
            ("it's \"mine\" $x", None),
            (longest.as_str(), None),
            ("", Some("is empty")),
            ("pässword", Some("printable ASCII")),
            ("a\nb", Some("printable ASCII")),
            (longer.as_str(), Some("513 characters, more than 512")),
        ] {
            let said = NewPassword::given(text).err();
            assert_eq!(said.is_some(), expected.is_some(), "{text}");
            assert!(said.unwrap_or_default().contains(expected.unwrap_or_default()), "{text}");
        }
        assert_eq!(NewPassword::random().0.len(), CHARACTERS);
        assert_ne!(NewPassword::random().0, NewPassword::random().0);
        assert_eq!(format!("{:?}", NewPassword::random()), "NewPassword");
    }
}
