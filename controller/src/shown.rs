//! Certificates to what routers show whom: which one for which name. Pure; `caddy` calls it.

use std::collections::BTreeMap;
use std::sync::Arc;

use routing::CertifiedName;

use crate::certificate::Certificate;

/// A certificate and where it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its key in etcd without what all have in common: `uploaded/shop`, `ordered/shop.example.com`.
    pub id: String,
    /// Whether a user gave it, who then wants it shown.
    pub is_uploaded: bool,
    pub certificate: Arc<Certificate>,
}

/// The names for which each certificate is shown: one certificate a name. What a user gave goes before what was ordered, what is valid
/// before what is not, what ends later before what ends earlier.
pub fn names_of_each(known: &[Known], now: i64) -> Vec<(&Known, Vec<&CertifiedName>)> {
    let rank = |known: &Known| {
        let Known { certificate, is_uploaded, id } = known;
        (certificate.is_valid_at(now), *is_uploaded, certificate.ends_at, std::cmp::Reverse(id.clone()))
    };
    let mut best: BTreeMap<&CertifiedName, &Known> = BTreeMap::new();
    for one in known {
        for name in &one.certificate.names {
            let chosen = best.entry(name).or_insert(one);
            if rank(one) > rank(chosen) {
                *chosen = one;
            }
        }
    }
    let names_of = |one: &Known| best.iter().filter(|(_, chosen)| chosen.id == one.id).map(|(name, _)| *name).collect();
    known.iter().map(|one| (one, names_of(one))).filter(|(_, names): &(_, Vec<_>)| !names.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(id: &str, is_uploaded: bool, names: &[&str], ends_at: i64) -> Known {
        let names = names.iter().map(|name| name.parse().unwrap()).collect();
        let certificate = Certificate { names, starts_at: 0, ends_at, chain: String::new(), key: String::new() };
        Known { id: id.into(), is_uploaded, certificate: Arc::new(certificate) }
    }

    #[test]
    fn one_certificate_a_name() {
        let all = [
            known("ordered/a.test", false, &["a.test"], 900),
            known("ordered/b.test", false, &["b.test"], 900),
            known("uploaded/ended", true, &["b.test", "c.test"], 100),
            known("uploaded/late", true, &["a.test", "*.test"], 600),
            known("uploaded/early", true, &["a.test", "d.test"], 500),
        ];
        let found: Vec<(&str, Vec<String>)> = names_of_each(&all, 200)
            .into_iter()
            .map(|(one, names)| (&*one.id, names.into_iter().map(ToString::to_string).collect()))
            .collect();
        let expected = [
            ("ordered/b.test", vec!["b.test"]),
            ("uploaded/ended", vec!["c.test"]),
            ("uploaded/late", vec!["a.test", "*.test"]),
            ("uploaded/early", vec!["d.test"]),
        ];
        assert_eq!(found, expected.map(|(id, names)| (id, names.into_iter().map(str::to_owned).collect())));
    }
}
