//! What is ordered, and when. Pure.

use std::collections::BTreeMap;

use routing::{CertifiedName, Domain, OrderState, Refusal};

use crate::shown::Known;

/// Seconds until the next try, by how many failed one after the other. Authorities count failures: Let's Encrypt takes five an hour
/// for a host. <https://letsencrypt.org/docs/rate-limits/>
const BACK_OFF: [i64; 6] = [60, 600, 1800, 3600, 4 * 3600, 12 * 3600];

/// The domains that need a certificate of their own: nothing that a user gave covers them.
pub(super) fn wanted<'a>(
    domains: &'a [Domain],
    known: &[Known],
    covered: &[CertifiedName],
    now: i64,
) -> Vec<&'a Domain> {
    let is_covered = |domain: &Domain| {
        covered.iter().any(|name| name.covers(domain))
            || known.iter().any(|one| one.is_uploaded && one.certificate.serves(domain, now))
    };
    domains.iter().filter(|domain| !is_covered(domain)).collect()
}

/// The domain that is to be ordered for next: first those without a certificate, then by the time of renewal. None that waits for its
/// next try.
pub(super) fn due<'a>(wanted: &[&'a Domain], states: &BTreeMap<Domain, OrderState>, now: i64) -> Option<&'a Domain> {
    let waits = |domain: &Domain| {
        let refusal = states.get(domain).and_then(|state| state.refusal.as_ref());
        refusal.is_some_and(|refusal| refusal.next_try > now)
    };
    let renew_at = |domain: &Domain| {
        let state = states.get(domain).filter(|state| state.ends_at.is_some_and(|ends_at| ends_at > now));
        state.and_then(|state| state.renew_at).unwrap_or(0)
    };
    let due = wanted.iter().filter(|domain| !waits(domain)).map(|domain| (renew_at(domain), *domain));
    due.filter(|(at, _)| *at <= now).min().map(|(_, domain)| domain)
}

/// One more failure after `before`. An authority that says when it wants to be asked again is not asked earlier.
pub(super) fn refusal(before: Option<&Refusal>, said: String, retry_at: Option<i64>, now: i64) -> Refusal {
    let failures = before.map_or(0, |before| before.failures).saturating_add(1);
    let pause = BACK_OFF[(failures as usize - 1).min(BACK_OFF.len() - 1)];
    let next_try = (now + pause).max(retry_at.unwrap_or(now));
    Refusal { said, at: now, failures, next_try }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::Certificate;
    use std::sync::Arc;

    fn known(is_uploaded: bool, name: &str, starts_at: i64, ends_at: i64) -> Known {
        let names = vec![name.parse().unwrap()];
        let certificate = Certificate { names, starts_at, ends_at, chain: String::new(), key: String::new() };
        Known { id: name.into(), is_uploaded, certificate: Arc::new(certificate) }
    }

    fn domains(names: &[&str]) -> Vec<Domain> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn what_users_gave_is_not_ordered() {
        let domains = domains(&["a.test", "b.test", "c.x.test", "d.x.test", "e.y.test"]);
        let known = [known(true, "a.test", 0, 900), known(true, "b.test", 0, 90), known(false, "c.x.test", 0, 900)];
        let found = wanted(&domains, &known, &["*.y.test".parse().unwrap()], 100);
        assert_eq!(found.iter().map(|domain| domain.as_str()).collect::<Vec<_>>(), ["b.test", "c.x.test", "d.x.test"]);
    }

    #[test]
    fn what_is_due() {
        let all = domains(&["a.test", "b.test"]);
        let wanted: Vec<&Domain> = all.iter().collect();
        let has = |ends_at, renew_at| OrderState { ends_at: Some(ends_at), renew_at: Some(renew_at), refusal: None };
        let refused = |next_try| {
            let refusal = Some(Refusal { said: String::new(), at: 0, failures: 1, next_try });
            OrderState { ends_at: None, renew_at: None, refusal }
        };
        for (a, b, now, expected) in [
            (None, None, 100, Some("a.test")),
            (Some(has(900, 600)), None, 100, Some("b.test")),
            (Some(has(900, 600)), Some(has(960, 640)), 599, None),
            (Some(has(900, 600)), Some(has(960, 640)), 600, Some("a.test")),
            (Some(has(900, 600)), Some(has(960, 590)), 640, Some("b.test")),
            (Some(has(900, 600)), Some(has(960, 590)), 910, Some("a.test")),
            (Some(has(900, 0)), Some(has(960, 640)), 100, Some("a.test")),
            (Some(refused(101)), Some(has(960, 640)), 100, None),
            (Some(refused(100)), Some(has(960, 640)), 100, Some("a.test")),
        ] {
            let states = all.iter().cloned().zip([a, b]).filter_map(|(domain, state)| Some((domain, state?))).collect();
            assert_eq!(due(&wanted, &states, now).map(Domain::as_str), expected, "{states:?} {now}");
        }
    }

    #[test]
    fn failures_make_the_pauses_longer() {
        let mut last = None;
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let next = refusal(last.as_ref(), "no".into(), None, 1000);
            pauses.push(next.next_try - next.at);
            last = Some(next);
        }
        assert_eq!(pauses, [60, 600, 1800, 3600, 14_400, 43_200, 43_200, 43_200]);
        assert_eq!(refusal(None, "no".into(), Some(9000), 1000).next_try, 9000);
        assert_eq!(refusal(None, "no".into(), Some(1001), 1000).next_try, 1060);
    }
}
