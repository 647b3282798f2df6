//! A certificate and its key, which are two settings: whether they fit when one of them is set. Pure.

use std::collections::BTreeMap;

use super::Assignment;
use crate::bundle::{Setting, SettingsSchema, Values};
use crate::certificates::{GivenCertificate, InvalidGivenCertificate, public_key_of_chain, public_key_of_key};
use diagnostics::{Origin, Problems};

/// Holds each pair of which something is set against its other half, and gives the public key of each private one that is
/// set, by its setting's key. A private key is never shown again once it is set: then `known` says what its public half was.
pub(super) fn check(
    schema: &SettingsSchema,
    target: &str,
    assignments: &[Assignment],
    before: &Values,
    known: &dyn Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, String>, Problems> {
    let mut public_keys = BTreeMap::new();
    let mut problems = Problems::new();
    for setting in schema.of_target(target) {
        let Some(certificate) = setting.certificate.as_ref().map(|name| &name.key) else { continue };
        let given = |key: &str| assignments.iter().rev().find(|assignment| assignment.key == key);
        let (given_chain, given_key) = (given(certificate), given(&setting.name.key));
        let chain = given_chain.map(|given| given.value.as_str()).or_else(|| before.get(target, certificate));
        let outcome = match (chain, given_key) {
            (Some(chain), Some(key)) => now_fits(chain, &key.value).map(Some),
            (Some(chain), None) if given_chain.is_some() => fits_known(chain, known(&setting.name.key)).map(|()| None),
            (None, Some(key)) => public_key_of_key(&key.value).map(Some),
            (_, None) => Ok(None),
        };
        match outcome {
            Ok(public_key) => public_keys.extend(public_key.map(|text| (setting.name.key.clone(), text))),
            Err(error) => told(&mut problems, setting, certificate, &error),
        }
    }
    if problems.is_empty() { Ok(public_keys) } else { Err(problems) }
}

fn now_fits(chain: &str, key: &str) -> Result<String, InvalidGivenCertificate> {
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    GivenCertificate::read_current(chain, key, now).map(|given| given.public_key)
}

fn fits_known(chain: &str, known: Option<String>) -> Result<(), InvalidGivenCertificate> {
    let public_key = public_key_of_chain(chain)?;
    match known {
        Some(known) if known != public_key => Err(InvalidGivenCertificate::Mismatch),
        _ => Ok(()),
    }
}

fn told(problems: &mut Problems, setting: &Setting, certificate: &str, error: &InvalidGivenCertificate) {
    let (target, key) = (&setting.name.target, &setting.name.key);
    let wrong = if error.is_of_the_key() { key } else { certificate };
    let message = format!("{target}/{wrong}: {error}");
    match error.hint() {
        Some(hint) => problems.add_with_hint(Origin::Flag("KEY"), message, hint),
        None => {
            let both = format!("platformctl config {target} set {certificate}=@CHAIN.pem {key}=@KEY.pem sets both");
            problems.add_with_hint(Origin::Flag("KEY"), message, both);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::Bundle;
    use crate::certificates::pair;

    #[test]
    fn a_half_is_held_against_the_other() {
        let schema = Bundle::default_platform().expect("the bundle").settings;
        let ((chain, key), (other_chain, other_key)) = (pair(), pair());
        let public_key = public_key_of_chain(&chain).unwrap();
        let mut with_chain = Values::new();
        with_chain.set("router", "sslCert", &chain);
        let nothing = Values::new();
        let broken = chain.replacen("MI", "!!", 1);
        let (cert, private) = ("sslCert", "sslKey");
        let mismatch = Some("router/sslKey: the key is not that of the certificate");
        for (assigned, before, known, expected) in [
            (vec![(cert, &chain), (private, &key)], &nothing, None, None),
            (vec![(private, &key), (cert, &chain)], &nothing, Some("another"), None),
            (vec![(cert, &chain), (private, &other_key)], &nothing, None, mismatch),
            (vec![(cert, &key), (private, &chain)], &nothing, None, Some("router/sslCert: the certificate is no PEM")),
            (vec![(cert, &chain)], &nothing, None, None),
            (vec![(cert, &broken)], &nothing, None, Some("router/sslCert: the certificate cannot be read")),
            (vec![(cert, &chain)], &nothing, Some(public_key.as_str()), None),
            (vec![(cert, &other_chain)], &with_chain, Some(public_key.as_str()), mismatch),
            (vec![(private, &key)], &nothing, None, None),
            (vec![(private, &key)], &with_chain, None, None),
            (vec![(private, &other_key)], &with_chain, Some(public_key.as_str()), mismatch),
            (vec![(private, &chain)], &nothing, None, Some("router/sslKey: the key cannot be read")),
            (vec![("acmeEmail", &key)], &with_chain, Some("another"), None),
        ] {
            let assignments: Vec<Assignment> = assigned
                .iter()
                .map(|(key, value)| Assignment { key: (*key).into(), value: (*value).clone() })
                .collect();
            let names: Vec<&str> = assigned.iter().map(|(key, _)| *key).collect();
            let known = |asked: &str| (asked == private).then_some(known?.to_owned());
            if assigned.len() == 2 || (before == &nothing && known(private).is_none()) {
                // What the words alone tell is told before anything is connected to.
                let found = super::super::check(&schema, "router", &assignments);
                assert_eq!(found.is_err(), expected.is_some(), "{names:?}: {found:?}");
            }
            match (check(&schema, "router", &assignments, before, &known), expected) {
                (Ok(public_keys), None) => {
                    let told = public_keys.get(private);
                    assert_eq!(told, names.contains(&private).then_some(&public_key), "{names:?}");
                }
                (Err(problems), Some(told)) => assert!(problems.to_string().contains(told), "{problems}"),
                (found, expected) => panic!("{names:?}: {found:?}, not {expected:?}"),
            }
        }
    }
}
