//! An app as it stands in etcd, and the rules by which its releases follow each other. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{AppName, Config, Content, Domain, Release, ReleaseState, Rules};

/// Older releases are forgotten.
const MOST_RELEASES: usize = 50;
/// etcd takes 1.5 MiB in a request <https://etcd.io/docs/v3.5/dev-guide/limit/>, and texts grow when they are quoted.
const LARGEST_BYTES: usize = 512 * 1024;

/// An app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    pub name: AppName,
    /// RFC 3339.
    pub created_at: String,
    /// Host names that lead to it.
    pub domains: Vec<Domain>,
    /// What it asks of routers beyond being found.
    #[serde(default, skip_serializing_if = "Rules::is_empty")]
    pub rules: Rules,
    /// That of the release that runs or is to run; before there is one, that of the first.
    pub config: Config,
    /// Numbers of tasks that were asked for, by service.
    #[serde(default)]
    pub scale: BTreeMap<String, u32>,
    /// The node that holds each volume, by the volume's key in the Compose file.
    #[serde(default)]
    pub volumes: BTreeMap<String, String>,
    /// Oldest first.
    #[serde(default)]
    pub releases: Vec<Release>,
}

/// What became of a wish to run something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is a new release of this number.
    Fresh(u32),
    /// An earlier try of the same was cut short; it goes on under its number.
    Resumed(u32),
    /// It is what runs already.
    Unchanged(u32),
}

impl Begun {
    /// The release's number.
    pub fn version(self) -> u32 {
        match self {
            Self::Fresh(version) | Self::Resumed(version) | Self::Unchanged(version) => version,
        }
    }
}

/// Why there is nothing to roll back to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRollback {
    /// Nothing has run before.
    #[error("app `{0}` has no earlier release that ran")]
    NoneEarlier(AppName),
    /// No such number.
    #[error("app `{name}` has no release v{version}{}", known(*.oldest, *.newest))]
    Unknown { name: AppName, version: u32, oldest: Option<u32>, newest: Option<u32> },
}

fn known(oldest: Option<u32>, newest: Option<u32>) -> String {
    match (oldest, newest) {
        (Some(oldest), Some(newest)) if oldest == newest => format!("; it has v{newest}"),
        (Some(oldest), Some(newest)) => format!("; it has v{oldest} to v{newest}"),
        _ => "; it has none".to_owned(),
    }
}

impl App {
    /// An app that runs nothing yet.
    pub fn new(name: AppName, created_at: String, domains: Vec<Domain>) -> Self {
        Self {
            name,
            created_at,
            domains,
            rules: Rules::default(),
            config: Config::default(),
            scale: BTreeMap::new(),
            volumes: BTreeMap::new(),
            releases: Vec::new(),
        }
    }

    /// The release of this number.
    pub fn release(&self, version: u32) -> Option<&Release> {
        self.releases.iter().find(|release| release.version == version)
    }

    /// The release that runs.
    pub fn current(&self) -> Option<&Release> {
        self.releases.iter().rev().find(|release| release.state == ReleaseState::Running)
    }

    /// The release that is to run: one that was begun, else the one that runs. Changes start from it.
    pub fn intended(&self) -> Option<&Release> {
        self.pending().or_else(|| self.current())
    }

    /// The release that was begun and has not been seen running.
    pub fn pending(&self) -> Option<&Release> {
        self.releases.last().filter(|release| release.state == ReleaseState::Pending)
    }

    /// The last release that ran before the one that runs.
    fn earlier(&self) -> Option<&Release> {
        self.releases.iter().rev().find(|release| release.state == ReleaseState::Replaced)
    }

    /// Records that `content` is to run.
    pub fn begin(&mut self, content: Content, what: &str, now: &str) -> Begun {
        let number = self.releases.last().map_or(1, |newest| newest.version + 1);
        match (self.pending(), self.current()) {
            (Some(pending), _) if pending.content == content => return Begun::Resumed(pending.version),
            (None, Some(current)) if current.content == content => return Begun::Unchanged(current.version),
            (Some(pending), _) => {
                self.conclude(pending.version, Err(format!("v{number} came before it was seen running")));
            }
            _ => {}
        }
        self.config = content.config.clone();
        self.releases.push(Release {
            version: number,
            created_at: now.to_owned(),
            what: what.to_owned(),
            state: ReleaseState::Pending,
            reason: None,
            content,
        });
        self.prune();
        Begun::Fresh(number)
    }

    /// Records that a release runs.
    pub fn finish(&mut self, version: u32) {
        for release in &mut self.releases {
            if release.state == ReleaseState::Running && release.version != version {
                release.state = ReleaseState::Replaced;
            }
        }
        self.conclude(version, Ok(()));
    }

    /// Records that a release does not run, and that the configuration is again that of the one that does.
    pub fn fail(&mut self, version: u32, reason: &str) {
        self.conclude(version, Err(reason.to_owned()));
        if let Some(current) = self.current() {
            self.config = current.content.config.clone();
        }
    }

    fn conclude(&mut self, version: u32, outcome: Result<(), String>) {
        if let Some(release) = self.releases.iter_mut().find(|release| release.version == version) {
            release.state = if outcome.is_ok() { ReleaseState::Running } else { ReleaseState::Failed };
            release.reason = outcome.err();
        }
    }

    /// The release to go back to: the named one, else the last that ran before the current one. After a rollback that is the
    /// rollback itself: who repeats a command whose end was not seen must not come to the other release.
    pub fn rollback_target(&self, version: Option<u32>) -> Result<&Release, NoRollback> {
        match version {
            Some(version) => self.release(version).ok_or_else(|| NoRollback::Unknown {
                name: self.name.clone(),
                version,
                oldest: self.releases.first().map(|release| release.version),
                newest: self.releases.last().map(|release| release.version),
            }),
            None => {
                let target = match (self.intended(), self.pending()) {
                    (Some(rollback), _) if rollback.is_rollback() => Some(rollback),
                    // After a release that was begun and not seen running, the way back is to what runs.
                    (_, Some(_)) => self.current().or(self.earlier()),
                    _ => self.earlier(),
                };
                target.ok_or_else(|| NoRollback::NoneEarlier(self.name.clone()))
            }
        }
    }

    /// Forgets old releases, but never the one that runs, the one to go back to, or the newest.
    fn prune(&mut self) {
        while self.releases.len() > MOST_RELEASES || (self.releases.len() > 1 && self.bytes() > LARGEST_BYTES) {
            let newest = self.releases.last().map(|release| release.version);
            let keep =
                [newest, self.current().map(|release| release.version), self.earlier().map(|release| release.version)];
            let Some(oldest) = self.releases.iter().position(|release| !keep.contains(&Some(release.version))) else {
                return;
            };
            self.releases.remove(oldest);
        }
    }

    fn bytes(&self) -> usize {
        serde_json::to_string(self).map_or(0, |text| text.len())
    }
}

impl Release {
    /// What is said of a release that brings an earlier one back.
    pub fn rollback_to(version: u32) -> String {
        format!("{ROLLED_BACK}{version}")
    }

    fn is_rollback(&self) -> bool {
        self.what.starts_with(ROLLED_BACK)
    }
}

const ROLLED_BACK: &str = "rolled back to v";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apps::{ConfigChange, ImageOptions, Source};

    const NOW: &str = "2026-01-02T03:04:05Z";

    fn app() -> App {
        App::new("hello".parse().unwrap(), NOW.into(), vec!["hello.example.test".parse().unwrap()])
    }

    fn content(image: &str) -> Content {
        Content {
            source: Source::Image { image: image.into(), options: ImageOptions::default() },
            images: [(image.to_owned(), format!("sha256:{image}"))].into(),
            config: Config::default(),
            public: "web".into(),
            port: 8000,
        }
    }

    fn with(content: Content, name: &str, value: &str) -> Content {
        let change = ConfigChange::new().set(name, value).unwrap();
        Content { config: content.config.changed(&change).unwrap(), ..content }
    }

    fn states(app: &App) -> String {
        let state = |release: &Release| format!("{}:{}", release.version, release.state.as_str());
        app.releases.iter().map(state).collect::<Vec<_>>().join(" ")
    }

    /// What is done, and the states after it.
    #[test]
    fn releases_follow_each_other() {
        let mut app = app();
        assert_eq!(app.begin(content("a"), "deployed a", NOW), Begun::Fresh(1));
        // Cut short, and again.
        assert_eq!(app.begin(content("a"), "deployed a", NOW), Begun::Resumed(1));
        app.finish(1);
        assert_eq!(states(&app), "1:running");
        assert_eq!(app.begin(content("a"), "deployed a", NOW), Begun::Unchanged(1));
        assert_eq!(app.begin(content("b"), "deployed b", NOW), Begun::Fresh(2));
        assert_eq!(states(&app), "1:running 2:pending");
        assert_eq!(app.intended().unwrap().version, 2);
        app.finish(2);
        assert_eq!(states(&app), "1:replaced 2:running");
        // One that fails leaves the current one, and its configuration, in place.
        assert_eq!(app.begin(with(content("b"), "A", "1"), "set A", NOW), Begun::Fresh(3));
        assert_eq!(app.config.get("A"), Some("1"));
        app.fail(3, "exit status 3");
        assert_eq!(states(&app), "1:replaced 2:running 3:failed");
        assert_eq!((app.intended().unwrap().version, app.config.get("A")), (2, None));
        // What fails once may be tried again.
        assert_eq!(app.begin(with(content("b"), "A", "1"), "set A", NOW), Begun::Fresh(4));
        // Something else before it was seen running.
        assert_eq!(app.begin(content("c"), "deployed c", NOW), Begun::Fresh(5));
        assert_eq!(states(&app), "1:replaced 2:running 3:failed 4:failed 5:pending");
        assert_eq!(app.release(4).unwrap().reason.as_deref(), Some("v5 came before it was seen running"));
        // Back to what runs, while another is pending, is a release too.
        assert_eq!(app.begin(content("b"), "deployed b", NOW), Begun::Fresh(6));
        app.finish(6);
        assert_eq!(states(&app), "1:replaced 2:replaced 3:failed 4:failed 5:failed 6:running");
    }

    #[test]
    fn the_first_one_may_fail() {
        let mut app = app();
        app.begin(with(content("a"), "A", "1"), "deployed a", NOW);
        app.fail(1, "exit status 3");
        assert_eq!((app.current(), app.intended()), (None, None));
        assert_eq!(app.config.get("A"), Some("1"), "nothing ran with another configuration");
    }

    #[test]
    fn rollback_targets() {
        let mut app = app();
        assert!(matches!(app.rollback_target(None), Err(NoRollback::NoneEarlier(_))));
        for (image, runs) in [("a", true), ("b", true), ("x", false), ("c", true), ("y", false)] {
            let version = app.begin(content(image), "deployed", NOW).version();
            if runs { app.finish(version) } else { app.fail(version, "no") }
        }
        assert_eq!(states(&app), "1:replaced 2:replaced 3:failed 4:running 5:failed");
        for (asked, expected) in [(None, Some(2)), (Some(1), Some(1)), (Some(3), Some(3)), (Some(9), None)] {
            assert_eq!(app.rollback_target(asked).ok().map(|release| release.version), expected, "{asked:?}");
        }
        let unknown = app.rollback_target(Some(9)).unwrap_err().to_string();
        assert_eq!(unknown, "app `hello` has no release v9; it has v1 to v5");
        // A rollback that was cut short comes to the same when it is asked for again, whether or not it was the last step.
        let again = |app: &mut App| {
            let target = app.rollback_target(None).unwrap();
            let (what, content) = (Release::rollback_to(target.version), target.content.clone());
            app.begin(content, &what, NOW)
        };
        assert_eq!(again(&mut app), Begun::Fresh(6));
        assert_eq!(
            (app.release(6).unwrap().what.as_str(), &app.release(6).unwrap().content),
            ("rolled back to v2", &content("b"))
        );
        assert_eq!(again(&mut app), Begun::Resumed(6));
        app.finish(6);
        assert_eq!(again(&mut app), Begun::Unchanged(6));
        // What ran before it is named.
        assert_eq!(app.rollback_target(Some(4)).unwrap().version, 4);
        // From a deployment that hangs, the way back is to what runs; after one that ran, to what ran before.
        app.begin(content("z"), "deployed z", NOW);
        assert_eq!(app.rollback_target(None).unwrap().version, 6);
        app.finish(7);
        assert_eq!(app.rollback_target(None).unwrap().version, 6);
    }

    #[test]
    fn old_releases_are_forgotten_but_not_those_that_are_needed() {
        let mut app = app();
        for image in ["a", "b"] {
            let version = app.begin(content(image), "deployed", NOW).version();
            app.finish(version);
        }
        for number in 0..100 {
            let version = app.begin(content(&format!("x{number}")), "deployed", NOW).version();
            app.fail(version, "no");
        }
        assert_eq!(app.releases.len(), MOST_RELEASES);
        assert_eq!(app.releases.iter().take(3).map(|release| release.version).collect::<Vec<_>>(), [1, 2, 55]);
        // Large ones sooner.
        let large = "x".repeat(100 * 1024);
        for number in 0..10 {
            let version = app.begin(with(content(&number.to_string()), "A", &large), "set A", NOW).version();
            app.finish(version);
        }
        assert!(app.bytes() <= LARGEST_BYTES, "{}", app.bytes());
        assert!(app.rollback_target(None).is_ok());
    }

    #[test]
    fn documents_are_read_back() {
        let mut app = app();
        app.begin(with(content("a"), "A", "1"), "deployed a", NOW);
        app.finish(1);
        let source = Source::Compose { file: "f".into(), text: "services: {}".into(), public: None, port: Some(80) };
        app.begin(Content { source, ..content("a") }, "deployed f", NOW);
        let text = serde_json::to_string(&app).unwrap();
        assert_eq!(serde_json::from_str::<App>(&text).unwrap(), app);
    }
}
