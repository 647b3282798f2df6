//! Certificates and the days they have left: etcd's, the swarm's, and the one that the public sees.

use std::cmp::Ordering;

use openssl::asn1::Asn1Time;
use openssl::nid::Nid;
use openssl::x509::{X509, X509NameRef};

use super::finding::Finding;
use super::probe::Answers;

const CHECK: &str = "certificate";
/// Someone must act before it is too late.
const NOTICE_DAYS: i32 = 30;
/// Swarm renews its certificates by itself, at the latest when a fifth of their 90 days is left.
/// <https://docs.docker.com/engine/swarm/how-swarm-mode-works/pki/#rotating-the-ca-certificate>
const SWARM_NOTICE_DAYS: i32 = 15;

/// The name of the certificate that routers make themselves while they are given none; RFC 2606 keeps it from being a host's.
const BUILT_IN: &str = "router.invalid";

/// What is asked of every node: certificates alone, never keys.
pub(super) const QUESTIONS: [(&str, &str); 4] = [
    ("etcd's authority", "sed -n '/BEGIN CERTIFICATE/,/END CERTIFICATE/p' /etc/ssl/etcd/ca.crt"),
    ("etcd's member", "sed -n '/BEGIN CERTIFICATE/,/END CERTIFICATE/p' /etc/ssl/etcd/member.crt"),
    ("etcd's client", "sed -n '/BEGIN CERTIFICATE/,/END CERTIFICATE/p' /etc/ssl/etcd/client.crt"),
    (
        "the swarm's node",
        "sudo sed -n '/BEGIN CERTIFICATE/,/END CERTIFICATE/p' /var/lib/docker/swarm/certificates/swarm-node.crt",
    ),
];

/// A node's certificates; files that are not there are none. `now` in seconds since 1970.
pub(super) fn judge_node(node: &str, answers: &Answers, now: i64) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut good: Vec<(i32, &str)> = Vec::new();
    for (what, _) in QUESTIONS {
        let Some(text) = answers.get(what).filter(|text| !text.is_empty()) else { continue };
        let of_swarm = what == "the swarm's node";
        let (notice, remedy) = match of_swarm {
            true => (
                SWARM_NOTICE_DAYS,
                "platformctl ssh MANAGER docker swarm ca --rotate; the node must reach the managers".to_owned(),
            ),
            false => (NOTICE_DAYS, "docs/troubleshooting.md#certificates says how etcd's are made anew".to_owned()),
        };
        match days_left(text, now) {
            Err(reason) => findings.push(Finding::warn(CHECK, node, format!("{what} certificate: {reason}"), remedy)),
            Ok(days) if days < 0 => {
                findings.push(Finding::fail(
                    CHECK,
                    node,
                    format!("{what} certificate expired {} days ago", -days),
                    remedy,
                ));
            }
            Ok(days) if days < notice => {
                findings.push(Finding::warn(CHECK, node, format!("{what} certificate ends in {days} days"), remedy));
            }
            Ok(days) => good.push((days, what)),
        }
    }
    if let Some((days, what)) = good.iter().min() {
        let found = format!("{} certificates, the first ends in {days} days ({what})", good.len());
        findings.push(Finding::ok(CHECK, node, found));
    }
    findings
}

/// The certificate that an HTTPS server showed for `name`.
pub(super) fn judge_public(name: &str, certificate: &X509, now: i64) -> Finding {
    let subject = format!("https://{name}");
    let own = "platformctl config router set sslCert=@CHAIN.pem sslKey=@KEY.pem shows your own";
    let names: Vec<String> = certificate
        .subject_alt_names()
        .into_iter()
        .flatten()
        .filter_map(|name| name.dnsname().map(str::to_owned))
        .chain(common_name(certificate.subject_name()))
        .collect();
    let issuer = common_name(certificate.issuer_name()).unwrap_or_else(|| "an unnamed authority".into());
    let is_self_signed = certificate.issuer_name().try_cmp(certificate.subject_name()).is_ok_and(Ordering::is_eq);
    let days = match days_until_end(certificate, now) {
        Ok(days) => days,
        Err(reason) => return Finding::warn(CHECK, subject, reason, own),
    };
    if days < 0 {
        return Finding::fail(CHECK, subject, format!("expired {} days ago (issued by {issuer})", -days), own);
    }
    if !names.iter().any(|pattern| covers(pattern, name)) {
        return match names.iter().any(|name| name == BUILT_IN) {
            true => Finding::ok(CHECK, subject, "none of its own: the router shows its built-in one"),
            false => Finding::warn(CHECK, subject, format!("is for {}, not for this name", names.join(", ")), own),
        };
    }
    let found = format!("issued by {issuer}, ends in {days} days");
    match days < NOTICE_DAYS {
        true => Finding::warn(CHECK, subject, found, own),
        false if is_self_signed => Finding::ok(CHECK, subject, format!("self-signed, ends in {days} days")),
        false => Finding::ok(CHECK, subject, found),
    }
}

fn common_name(name: &X509NameRef) -> Option<String> {
    name.entries_by_nid(Nid::COMMONNAME).next()?.data().to_string().ok()
}

/// RFC 6125 §6.4.3: a wildcard stands for the leftmost label.
fn covers(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
    match pattern.strip_prefix("*.") {
        Some(domain) => name.split_once('.').is_some_and(|(_, rest)| rest == domain),
        None => pattern == name,
    }
}

/// Whole days until the first of these PEM certificates ends; negative when it has.
fn days_left(pem: &str, now: i64) -> Result<i32, String> {
    let certificates = X509::stack_from_pem(pem.as_bytes()).map_err(|_| "cannot be read".to_owned())?;
    let days: Result<Vec<i32>, String> =
        certificates.iter().map(|certificate| days_until_end(certificate, now)).collect();
    days?.into_iter().min().ok_or_else(|| "cannot be read".to_owned())
}

fn days_until_end(certificate: &X509, now: i64) -> Result<i32, String> {
    let unclear = |_| "its end cannot be read".to_owned();
    let now = Asn1Time::from_unix(now).map_err(unclear)?;
    let left = now.diff(certificate.not_after()).map_err(unclear)?;
    // Part of a day in the past is no day that is left.
    Ok(if left.secs < 0 { left.days - 1 } else { left.days })
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::hash::MessageDigest;
    use openssl::pkey::PKey;
    use openssl::x509::X509NameBuilder;
    use openssl::x509::extension::SubjectAlternativeName;

    use crate::doctor::Level;

    const NOW: i64 = 1_800_000_000;

    fn certificate(names: &[&str], days: i64) -> X509 {
        let key = PKey::generate_ed25519().unwrap();
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_nid(Nid::COMMONNAME, names[0]).unwrap();
        let name = name.build();
        let mut builder = X509::builder().unwrap();
        builder.set_subject_name(&name).unwrap();
        builder.set_issuer_name(&name).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.set_not_before(&Asn1Time::from_unix(NOW - 400 * 86_400).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::from_unix(NOW + days * 86_400).unwrap()).unwrap();
        let mut alternative = SubjectAlternativeName::new();
        for name in names {
            alternative.dns(name);
        }
        let alternative = alternative.build(&builder.x509v3_context(None, None)).unwrap();
        builder.append_extension(alternative).unwrap();
        builder.sign(&key, MessageDigest::null()).unwrap();
        builder.build()
    }

    #[test]
    fn days_are_counted() {
        let pem = |days| String::from_utf8(certificate(&["x"], days).to_pem().unwrap()).unwrap();
        for (answers, expected) in [
            (
                vec![("etcd's member", pem(300)), ("etcd's client", pem(200))],
                vec![(Level::Ok, "2 certificates, the first ends in 200 days (etcd's client)")],
            ),
            (vec![("etcd's member", pem(29))], vec![(Level::Warn, "etcd's member certificate ends in 29 days")]),
            (vec![("etcd's member", pem(-3))], vec![(Level::Fail, "expired 3 days ago")]),
            (vec![("the swarm's node", pem(29))], vec![(Level::Ok, "ends in 29 days")]),
            (vec![("the swarm's node", pem(14))], vec![(Level::Warn, "the swarm's node certificate ends in 14 days")]),
            (vec![("etcd's member", pem(300) + &pem(10))], vec![(Level::Warn, "ends in 10 days")]),
            (vec![("etcd's member", "nonsense".to_owned())], vec![(Level::Warn, "cannot be read")]),
            (vec![("etcd's member", String::new())], vec![]),
        ] {
            let answers: Vec<(&str, u32, &str)> =
                answers.iter().map(|(name, text)| (*name, 0, text.as_str())).collect();
            let findings = judge_node("n", &Answers::of(&answers), NOW);
            assert_eq!(findings.len(), expected.len(), "{findings:?}");
            for (finding, (level, part)) in findings.iter().zip(expected) {
                assert!(finding.level == level && finding.found.contains(part), "{finding:?}");
            }
        }
    }

    #[test]
    fn what_the_public_sees() {
        for (names, days, level, part) in [
            (vec!["shop.example.test"], 100, Level::Ok, "self-signed, ends in 100 days"),
            (vec!["*.example.test"], 100, Level::Ok, "ends in 100 days"),
            (vec!["*.example.test"], 20, Level::Warn, "ends in 20 days"),
            (vec!["*.example.test"], -1, Level::Fail, "expired 1 days ago"),
            (vec!["example.test"], 100, Level::Warn, "is for example.test"),
            (vec!["router.invalid"], 100, Level::Ok, "built-in"),
        ] {
            let finding = judge_public("shop.example.test", &certificate(&names, days), NOW);
            assert!(finding.level == level && finding.found.contains(part), "{finding:?}");
        }
    }
}
