//! Certificates of apps' domains: whether routers have them, when they end, and what the authority says of those on order. Pure.

use super::finding::{CLUSTER, Finding};
use crate::certificates::{KnownCertificate, date};
use routing::Refusal;

const CHECK: &str = "certificate";
const DAY: i64 = 86_400;
/// Someone must act before it is too late. What is ordered is renewed earlier, by itself.
const NOTICE_DAYS: i64 = 30;

/// Judges what etcd keeps. `now` is seconds since 1970.
pub(super) fn judge(all: &[KnownCertificate], paused: Option<&Refusal>, now: i64) -> Vec<Finding> {
    let mut findings: Vec<Finding> = all.iter().filter_map(|known| judge_one(known, now)).collect();
    if let Some(Refusal { said, next_try, .. }) = paused {
        let found = format!("no certificate can be ordered: {said}; tried again at {}", time_of(*next_try));
        let remedy = "platformctl config router list shows acmeDirectory, acmeEmail and acmeCa; platformctl certs renew DOMAIN tries at once";
        findings.push(Finding::fail(CHECK, CLUSTER, found, remedy));
    }
    if findings.is_empty()
        && let Some(first) = all.iter().filter_map(|known| Some((known.ends_at?, &known.name))).min()
    {
        let found = format!("{} of domains, the first ends on {} ({})", all.len(), date(first.0), first.1);
        findings.push(Finding::ok(CHECK, CLUSTER, found));
    }
    findings
}

/// What is wrong with one.
fn judge_one(known: &KnownCertificate, now: i64) -> Option<Finding> {
    let name = known.name.as_str();
    let another = format!("platformctl certs add {name} --certificate FILE --key FILE gives another");
    if let Some(mistake) = &known.mistake {
        let remedy = if known.is_uploaded { another } else { format!("platformctl certs renew {name}") };
        return Some(Finding::fail(CHECK, name, format!("routers do not get it: {mistake}"), remedy));
    }
    let has_ended = known.ends_at.is_none_or(|ends_at| ends_at < now);
    if let Some(refusal) = known.order.as_ref().and_then(|order| order.refusal.as_ref()) {
        let Refusal { said, failures, next_try, .. } = refusal;
        let state = match known.ends_at {
            Some(ends_at) if has_ended => format!("its certificate ended on {}", date(ends_at)),
            Some(ends_at) => format!("its certificate ends on {}", date(ends_at)),
            None => "it has no certificate".to_owned(),
        };
        let next = time_of(*next_try);
        let found = format!("{state}; ordered {failures} times in vain, next at {next}: {said}");
        let remedy = format!("once it is mended, platformctl certs renew {name} orders at once");
        return Some(match has_ended {
            true => Finding::fail(CHECK, name, found, remedy),
            false => Finding::warn(CHECK, name, found, remedy),
        });
    }
    let ends_at = known.ends_at.filter(|_| known.is_uploaded)?;
    let found = |word: &str| format!("{word} on {}", date(ends_at));
    match ends_at {
        _ if has_ended => Some(Finding::fail(CHECK, name, found("ended"), another)),
        _ if ends_at < now + NOTICE_DAYS * DAY => Some(Finding::warn(CHECK, name, found("ends"), another)),
        _ => None,
    }
}

/// `2026-11-26 12:00 UTC`
fn time_of(seconds: i64) -> String {
    time::OffsetDateTime::from_unix_timestamp(seconds)
        .map_or_else(|_| seconds.to_string(), |at| format!("{} {:02}:{:02} UTC", at.date(), at.hour(), at.minute()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;
    use routing::OrderState;

    const NOW: i64 = 1_800_000_000;

    fn known(is_uploaded: bool, days: Option<i64>) -> KnownCertificate {
        let ends_at = days.map(|days| NOW + days * DAY);
        KnownCertificate { name: "shop".into(), is_uploaded, names: Vec::new(), ends_at, mistake: None, order: None }
    }

    fn refused(days: Option<i64>) -> KnownCertificate {
        let refusal = Refusal { said: "no such host (dns)".into(), at: NOW, failures: 3, next_try: NOW + 3600 };
        let order = OrderState { ends_at: None, renew_at: None, refusal: Some(refusal) };
        KnownCertificate { order: Some(order), ..known(false, days) }
    }

    #[test]
    fn what_is_told() {
        let broken = KnownCertificate { mistake: Some("the key is another's".into()), ..known(true, None) };
        for (one, level, part) in [
            (known(true, Some(90)), Level::Ok, "1 of domains, the first ends on 2027-04-15 (shop)"),
            (known(true, Some(20)), Level::Warn, "ends on 2027-02-04"),
            (known(true, Some(-1)), Level::Fail, "ended on 2027-01-14"),
            (known(false, Some(20)), Level::Ok, "1 of domains"),
            (broken, Level::Fail, "routers do not get it: the key is another's"),
            (
                refused(None),
                Level::Fail,
                "it has no certificate; ordered 3 times in vain, next at 2027-01-15 09:00 UTC: no such host (dns)",
            ),
            (refused(Some(9)), Level::Warn, "its certificate ends on"),
            (refused(Some(-9)), Level::Fail, "its certificate ended on"),
        ] {
            let findings = judge(&[one], None, NOW);
            let [finding] = &findings[..] else { panic!("{findings:?}") };
            assert!(finding.level == level && finding.found.contains(part), "{finding:?}");
        }
        assert_eq!(judge(&[], None, NOW), Vec::new());
        let paused = refused(None).order.unwrap().refusal;
        let findings = judge(&[known(false, Some(90))], paused.as_ref(), NOW);
        assert!(findings.len() == 1 && findings[0].found.starts_with("no certificate can be ordered: no such host"));
    }
}
