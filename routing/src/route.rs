//! A route and the labels that say it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::{Domain, LabelPrefix, MOST_BODY_BYTES, Rules};

const DOMAINS: &str = "domains";
const UPSTREAM: &str = "upstream";
const PORT: &str = "port";
const RESPONSE_SECONDS: &str = "response-seconds";
const BODY_BYTES: &str = "body-bytes";
const ALLOW: &str = "allow";
const MAINTENANCE: &str = "maintenance";
const HTTPS_ONLY: &str = "https-only";
/// Between the domains, and between the addresses, of one label.
const SEPARATOR: &str = ",";
/// RFC 1035 §2.3.4, without the dot at the end.
const LONGEST_NAME: usize = 253;

/// Which requests go where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Host names; not empty.
    pub domains: Vec<Domain>,
    pub upstream: Upstream,
    /// Where the tasks listen.
    pub port: u16,
    pub rules: Rules,
}

/// A name that the swarm's resolver turns into the addresses of all tasks: `tasks.app-hello`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream(String);

/// Everything that is wrong with the labels of one service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct InvalidRoute(pub Vec<String>);

impl Upstream {
    /// All tasks that bear the alias on a network: <https://docs.docker.com/engine/swarm/networking/>.
    pub fn tasks_of(alias: &str) -> Self {
        Self(format!("tasks.{alias}"))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Upstream {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_part =
            |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        match text.len() <= LONGEST_NAME && text.split('.').all(is_part) {
            true => Ok(Self(text.to_owned())),
            false => Err(format!("`{text}` is no name that could be resolved, such as `tasks.app-hello`")),
        }
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Route {
    /// The labels of the service that the route leads to; [`Route::read`] takes them again.
    pub fn labels(&self, prefix: &LabelPrefix) -> BTreeMap<String, String> {
        let joined = |parts: Vec<String>| parts.join(SEPARATOR);
        let Rules { response_seconds, body_bytes, allow, maintenance, https_only } = &self.rules;
        let labels = [
            (DOMAINS, Some(joined(self.domains.iter().map(Domain::to_string).collect()))),
            (UPSTREAM, Some(self.upstream.to_string())),
            (PORT, Some(self.port.to_string())),
            (RESPONSE_SECONDS, response_seconds.map(|seconds| seconds.to_string())),
            (BODY_BYTES, body_bytes.map(|bytes| bytes.to_string())),
            (ALLOW, (!allow.is_empty()).then(|| joined(allow.iter().map(ToString::to_string).collect()))),
            (MAINTENANCE, maintenance.then(|| true.to_string())),
            (HTTPS_ONLY, https_only.then(|| true.to_string())),
        ];
        labels.into_iter().filter_map(|(key, value)| Some((prefix.name(key), value?))).collect()
    }

    /// The route that a service's labels say; none when none of them begins with the prefix.
    ///
    /// A label that is not known is a mistake: who wrote it counts on it, and may have meant to keep somebody out.
    pub fn read<'a>(
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        prefix: &LabelPrefix,
    ) -> Option<Result<Self, InvalidRoute>> {
        let mut given: BTreeMap<&str, &str> =
            labels.into_iter().filter_map(|(name, value)| Some((prefix.key(name)?, value))).collect();
        if given.is_empty() {
            return None;
        }
        let mut mistakes = Vec::new();
        let mut wrong = |key: &str, why: String| mistakes.push(format!("label `{}`: {why}", prefix.name(key)));

        let mut domains = Vec::new();
        for text in given.remove(DOMAINS).into_iter().flat_map(|text| text.split(SEPARATOR)) {
            match text.parse() {
                Ok(domain) => domains.push(domain),
                Err(error) => wrong(DOMAINS, format!("{error}")),
            }
        }
        let upstream = given.remove(UPSTREAM).map(Upstream::from_str);
        let port = given.remove(PORT).map(|text| match text.parse::<u16>() {
            Ok(port) if port > 0 => Ok(port),
            _ => Err(format!("`{text}` is no port, 1 to 65535")),
        });
        let mut rules = Rules::default();
        let positive = |text: &str| match text.parse::<u64>() {
            Ok(number) if (1..=MOST_BODY_BYTES).contains(&number) => Ok(number),
            _ => Err(format!("`{text}` is no whole number from 1 to {MOST_BODY_BYTES}")),
        };
        let yes = |text: &str| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(format!("`{text}` is neither `true` nor `false`")),
        };
        for (key, text) in [RESPONSE_SECONDS, BODY_BYTES, ALLOW, MAINTENANCE, HTTPS_ONLY]
            .into_iter()
            .filter_map(|key| Some((key, given.remove(key)?)))
        {
            let read = match key {
                RESPONSE_SECONDS => positive(text).and_then(|seconds| {
                    let seconds = u32::try_from(seconds).map_err(|_| format!("`{text}` seconds are too many"))?;
                    rules.response_seconds = Some(seconds);
                    Ok(())
                }),
                BODY_BYTES => positive(text).map(|bytes| rules.body_bytes = Some(bytes)),
                MAINTENANCE => yes(text).map(|is_on| rules.maintenance = is_on),
                HTTPS_ONLY => yes(text).map(|is_on| rules.https_only = is_on),
                _ => text
                    .split(SEPARATOR)
                    .map(|range| range.parse().map_err(|_| format!("`{range}` is no range of addresses")))
                    .collect::<Result<_, String>>()
                    .map(|ranges| rules.allow = ranges),
            };
            if let Err(why) = read {
                wrong(key, why);
            }
        }
        for key in given.into_keys() {
            wrong(key, "not known to this version".to_owned());
        }
        let mut needed = |key: &str, is_missing: bool| {
            if is_missing {
                wrong(key, "missing".to_owned());
            }
        };
        needed(DOMAINS, domains.is_empty());
        needed(UPSTREAM, upstream.is_none());
        needed(PORT, port.is_none());
        if let Some(Err(why)) = &upstream {
            wrong(UPSTREAM, why.clone());
        }
        if let Some(Err(why)) = &port {
            wrong(PORT, why.clone());
        }
        match (upstream, port, mistakes.is_empty()) {
            (Some(Ok(upstream)), Some(Ok(port)), true) => Some(Ok(Self { domains, upstream, port, rules })),
            _ => Some(Err(InvalidRoute(mistakes))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix() -> LabelPrefix {
        "platform.route".parse().unwrap()
    }

    fn route() -> Route {
        Route {
            domains: ["a.example.test", "b.example.test"].map(|domain| domain.parse().unwrap()).into(),
            upstream: Upstream::tasks_of("app-hello"),
            port: 8000,
            rules: Rules::default(),
        }
    }

    fn read(labels: &[(&str, &str)]) -> Option<Result<Route, InvalidRoute>> {
        Route::read(labels.iter().copied(), &prefix())
    }

    #[test]
    fn what_is_written_is_read() {
        let strict = Rules {
            response_seconds: Some(30),
            body_bytes: Some(1 << 30),
            allow: vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
            maintenance: true,
            https_only: true,
        };
        for rules in [Rules::default(), strict] {
            let route = Route { rules, ..route() };
            let labels = route.labels(&prefix());
            let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (&**name, &**value)).collect();
            assert_eq!(read(&labels), Some(Ok(route)), "{labels:?}");
        }
        let labels = route().labels(&prefix());
        let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(
            labels,
            [
                ("platform.route.domains", "a.example.test,b.example.test"),
                ("platform.route.port", "8000"),
                ("platform.route.upstream", "tasks.app-hello"),
            ]
        );
    }

    #[test]
    fn labels_of_others_say_nothing() {
        assert_eq!(read(&[("platform.app", "hello"), ("platform.routes.port", "1")]), None);
    }

    #[test]
    fn every_mistake_is_told() {
        let good = [("domains", "a.test"), ("upstream", "tasks.a"), ("port", "80")];
        for (label, value, told) in [
            ("domains", "", "`` is no domain"),
            ("domains", "a.test,*.b", "`*.b` is no domain"),
            ("upstream", "a b", "`a b` is no name"),
            ("upstream", "{env.SECRET}", "is no name"),
            ("port", "0", "`0` is no port"),
            ("port", "65536", "is no port"),
            ("allow", "10.0.0.0/40", "`10.0.0.0/40` is no range"),
            ("response-seconds", "0", "no whole number from 1"),
            ("response-seconds", "4294967296", "too many"),
            ("body-bytes", "-1", "no whole number from 1"),
            ("body-bytes", "9223372036854775808", "no whole number from 1"),
            ("body-bytes", "9007199254740993", "no whole number from 1 to 9007199254740992"),
            ("maintenance", "yes", "neither `true` nor `false`"),
            ("password", "x", "not known to this version"),
        ] {
            let mut labels: BTreeMap<String, &str> =
                good.iter().map(|(key, value)| (prefix().name(key), *value)).collect();
            labels.insert(prefix().name(label), value);
            let found = Route::read(labels.iter().map(|(name, value)| (&**name, *value)), &prefix());
            let Some(Err(InvalidRoute(mistakes))) = found else { panic!("{label}={value}: {found:?}") };
            assert!(mistakes.iter().any(|mistake| mistake.contains(told)), "{label}={value}: {mistakes:?}");
        }
        let Some(Err(InvalidRoute(mistakes))) = read(&[("platform.route.maintenance", "false")]) else { panic!() };
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
    }
}
