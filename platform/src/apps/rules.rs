//! What an app asks of routers, as its operator writes it: texts to [`Rules`], and back.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::{App, AppName, Apps, Rules, Wait};
use crate::compose::{parse_duration, parse_size};
use crate::repetition::repeated;
use diagnostics::{Origin, Problems, suggestion};
use report::Failure;
use routing::MOST_BODY_BYTES;

/// Each rule by its name, with what it takes and what it does.
pub(crate) const RULES: [(&str, &str, &str); 5] = [
    ("timeout", "a duration from 1s such as `30s`", "until the first byte of an answer must have come"),
    ("body", "an amount of bytes such as `10m`, at most `8192t`", "largest body of a request"),
    ("allow", "ranges of addresses such as `192.0.2.0/24,198.51.100.7`", "who may ask; everybody when it is not set"),
    ("maintenance", "`true` or `false`", "a page says that the app is being worked on, and nothing reaches it"),
    ("https", "`true` or `false`", "plain HTTP is led to TLS"),
];

/// Rules to set or, without a value, to take away.
pub(crate) type RulesChange = Vec<(String, Option<String>)>;

impl Apps {
    /// Changes an app's rules, all or none, and tells routers; the app's tasks go on as they are.
    pub(crate) async fn change_rules(&self, name: &AppName, change: &RulesChange, wait: Wait) -> Result<App, Failure> {
        let (app, ()) = self
            .change(name, |app| {
                app.rules = changed(&app.rules, change)?;
                Ok(())
            })
            .await?;
        self.roll_out(&app, wait).await
    }
}

/// The rules after a change, or all that is wrong with it.
pub(crate) fn changed(rules: &Rules, change: &RulesChange) -> Result<Rules, Problems> {
    let mut rules = rules.clone();
    let mut problems = Problems::new();
    for name in repeated(change.iter().map(|(name, _)| name.as_str())) {
        problems.add(Origin::Flag("KEY=VALUE"), format!("`{name}` is given twice"));
    }
    for (name, value) in change {
        if let Err((message, hint)) = apply(&mut rules, name, value.as_deref()) {
            match hint {
                Some(hint) => problems.add_with_hint(Origin::Flag("KEY=VALUE"), message, hint),
                None => problems.add(Origin::Flag("KEY=VALUE"), message),
            }
        }
    }
    if problems.is_empty() { Ok(rules) } else { Err(problems) }
}

fn apply(rules: &mut Rules, name: &str, value: Option<&str>) -> Result<(), (String, Option<String>)> {
    let wrong = |takes: &str, value: &str| (format!("`{name}` takes {takes}, found `{value}`"), None);
    let Some((_, takes, _)) = RULES.iter().find(|(known, ..)| *known == name) else {
        let names: Vec<&str> = RULES.iter().map(|(known, ..)| *known).collect();
        let hint = suggestion(name, names.iter().copied()).map(|right| format!("did you mean `{right}`?"));
        return Err((format!("there is no rule `{name}`; these are: {}", names.join(", ")), hint));
    };
    let Some(value) = value else {
        let none = Rules::default();
        match name {
            "timeout" => rules.response_seconds = none.response_seconds,
            "body" => rules.body_bytes = none.body_bytes,
            "allow" => rules.allow = none.allow,
            "maintenance" => rules.maintenance = none.maintenance,
            _ => rules.https_only = none.https_only,
        }
        return Ok(());
    };
    let yes = || value.parse::<bool>().ok();
    let read = match name {
        "timeout" => seconds(value).map(|seconds| rules.response_seconds = Some(seconds)),
        "body" => parse_size(value)
            .ok()
            .filter(|bytes| (1..=MOST_BODY_BYTES).contains(bytes))
            .map(|bytes| rules.body_bytes = Some(bytes)),
        "allow" => value.split(',').map(range).collect::<Option<_>>().map(|ranges| rules.allow = ranges),
        "maintenance" => yes().map(|is_on| rules.maintenance = is_on),
        _ => yes().map(|is_on| rules.https_only = is_on),
    };
    read.ok_or_else(|| wrong(takes, value))
}

fn seconds(text: &str) -> Option<u32> {
    let duration: Duration = parse_duration(text).ok()?;
    u32::try_from(duration.as_secs()).ok().filter(|seconds| *seconds > 0 && duration.subsec_nanos() == 0)
}

/// `192.0.2.0/24`, or one address.
fn range(text: &str) -> Option<IpNet> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// What is set, by name, as it is written.
pub(crate) fn written(rules: &Rules) -> Vec<(&'static str, String)> {
    let Rules { response_seconds, body_bytes, allow, maintenance, https_only } = rules;
    let ranges: Vec<String> = allow.iter().map(ToString::to_string).collect();
    let all = [
        response_seconds.map(|seconds| format!("{seconds}s")),
        body_bytes.map(|bytes| bytes.to_string()),
        (!ranges.is_empty()).then(|| ranges.join(",")),
        maintenance.then(|| true.to_string()),
        https_only.then(|| true.to_string()),
    ];
    RULES.iter().zip(all).filter_map(|((name, ..), value)| Some((*name, value?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(pairs: &[(&str, Option<&str>)]) -> RulesChange {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))).collect()
    }

    #[test]
    fn rules_are_set_and_taken_away() {
        let set = change(&[
            ("timeout", Some("1m30s")),
            ("body", Some("1g")),
            ("allow", Some("192.0.2.0/24, 2001:db8::1")),
            ("maintenance", Some("true")),
            ("https", Some("true")),
        ]);
        let rules = changed(&Rules::default(), &set).unwrap();
        assert_eq!(
            written(&rules),
            [
                ("timeout", "90s".to_owned()),
                ("body", (1u64 << 30).to_string()),
                ("allow", "192.0.2.0/24,2001:db8::1/128".to_owned()),
                ("maintenance", "true".to_owned()),
                ("https", "true".to_owned()),
            ]
        );
        let again: RulesChange = written(&rules).into_iter().map(|(name, text)| (name.into(), Some(text))).collect();
        assert_eq!(changed(&Rules::default(), &again).unwrap(), rules, "what is shown can be given again");
        let none: RulesChange = RULES.iter().map(|(name, ..)| ((*name).to_owned(), None)).collect();
        assert_eq!(changed(&rules, &none).unwrap(), Rules::default());
    }

    #[test]
    fn every_mistake_is_told_and_nothing_is_changed() {
        for (name, value, told) in [
            ("timeout", Some("500ms"), "`timeout` takes a duration from 1s"),
            ("timeout", Some("0s"), "found `0s`"),
            ("body", Some("0"), "`body` takes an amount of bytes"),
            ("body", Some("8193t"), "at most `8192t`, found `8193t`"),
            ("allow", Some("192.0.2.0/33"), "`allow` takes ranges of addresses"),
            ("allow", Some(""), "found ``"),
            ("maintenance", Some("yes"), "`maintenance` takes `true` or `false`, found `yes`"),
            ("time-out", Some("1s"), "there is no rule `time-out`"),
            ("bodies", None, "there is no rule `bodies`"),
        ] {
            let problems = changed(&Rules::default(), &change(&[(name, value), ("x", None)])).unwrap_err();
            let text = problems.to_string();
            assert!(text.contains(told) && text.contains("no rule `x`"), "{name}: {text}");
        }
    }
}
