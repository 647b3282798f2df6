//! On which port an app's public service listens.

use std::collections::BTreeSet;

/// What is expected of an image that does not say: it reads `PORT`.
const USUAL: u16 = 5000;

/// What is known when a port is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known<'a> {
    /// `--port`.
    pub flag: Option<u16>,
    /// Ports that a Compose file names for the service.
    pub declared: &'a [u16],
    /// TCP ports that the image exposes.
    pub exposed: &'a [u16],
    /// The port of the release before.
    pub earlier: Option<u16>,
}

/// Several ports and nothing that says which.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{whose} has several ports: {}; which one is the app reached at?", list(.ports))]
pub(super) struct Ambiguous {
    whose: &'static str,
    pub ports: Vec<u16>,
}

fn list(ports: &[u16]) -> String {
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

/// The named port, else the only one that the file names, else the only one that the image exposes, else that of the
/// release before, else 5000. Among several, the one of the release before.
pub(super) fn choose(known: &Known<'_>) -> Result<u16, Ambiguous> {
    if let Some(port) = known.flag {
        return Ok(port);
    }
    for (whose, ports) in [("the service", known.declared), ("the image", known.exposed)] {
        let ports: Vec<u16> = ports.iter().copied().collect::<BTreeSet<u16>>().into_iter().collect();
        match (ports.as_slice(), known.earlier) {
            ([], _) => {}
            ([only], _) => return Ok(*only),
            (several, Some(earlier)) if several.contains(&earlier) => return Ok(earlier),
            _ => return Err(Ambiguous { whose, ports }),
        }
    }
    Ok(known.earlier.unwrap_or(USUAL))
}

/// The TCP ports among what an image exposes: `8000/tcp`, `53/udp`.
pub(super) fn exposed(words: &[String]) -> Vec<u16> {
    let port = |word: &String| match word.split_once('/') {
        Some((port, "tcp")) => port.parse().ok(),
        Some(_) => None,
        None => word.parse().ok(),
    };
    words.iter().filter_map(port).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports() {
        type Case = (Option<u16>, &'static [u16], &'static [u16], Option<u16>, Result<u16, &'static str>);
        let cases: [Case; 10] = [
            (Some(80), &[1], &[2, 3], Some(4), Ok(80)),
            (None, &[], &[], None, Ok(5000)),
            (None, &[], &[8000], None, Ok(8000)),
            (None, &[], &[8000], Some(9000), Ok(8000)),
            (None, &[], &[], Some(9000), Ok(9000)),
            (None, &[3000], &[1, 2], None, Ok(3000)),
            (None, &[3000, 3000], &[], None, Ok(3000)),
            (None, &[], &[8443, 8000], None, Err("the image has several ports: 8000, 8443;")),
            (None, &[], &[8443, 8000], Some(8000), Ok(8000)),
            (None, &[1, 2], &[], Some(3), Err("the service has several ports: 1, 2;")),
        ];
        for (flag, declared, exposed, earlier, expected) in cases {
            let known = Known { flag, declared, exposed, earlier };
            match (choose(&known), expected) {
                (Err(found), Err(expected)) => assert!(found.to_string().starts_with(expected), "{known:?}: {found}"),
                (found, expected) => assert_eq!(found.ok(), expected.ok(), "{known:?}"),
            }
        }
    }

    #[test]
    fn only_tcp_counts() {
        let words = ["8000/tcp", "53/udp", "9000", "x/tcp"].map(str::to_owned);
        assert_eq!(exposed(&words), [8000, 9000]);
    }
}
