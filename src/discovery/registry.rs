//! The service's memory: tokens, who registered with them, and what happened when. Pure; `service` puts it on HTTP.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::event::{Action, Event, Node, Reason, Refusal};
use super::token::Token;

/// Where etcd's own service keeps tokens; clients read only what comes behind it.
const ROOT: &str = "/_etcd/registry";
/// etcd's clients leave an index of 1 out of a wait, so the first event has 2.
const FIRST_INDEX: u64 = 1;
/// The oldest token makes room for another one.
const MOST_TOKENS: usize = 1000;
/// Those that come beyond the size learn from the directory that it is full; more than these are nobody's cluster.
const MOST_MEMBERS: usize = 100;
const MOST_EVENTS: usize = 1000;
const MEMBER_BYTES: usize = 128;
const VALUE_BYTES: usize = 4096;

/// Largest cluster that a token is given for, in members.
pub(super) const LARGEST_SIZE: u32 = 99;

/// All tokens. Each change raises the index by one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Registry {
    index: u64,
    clusters: BTreeMap<Token, Cluster>,
}

/// What belongs to one token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cluster {
    size: u32,
    created_index: u64,
    members: BTreeMap<String, Node>,
    events: VecDeque<Event>,
    /// Events up to here were forgotten.
    forgotten_index: u64,
}

impl Default for Registry {
    fn default() -> Self {
        Self { index: FIRST_INDEX, clusters: BTreeMap::new() }
    }
}

impl Registry {
    /// The last change's number, which travels as `X-Etcd-Index`.
    pub(crate) fn index(&self) -> u64 {
        self.index
    }

    /// Makes room for a cluster of `size` members, 1 to [`LARGEST_SIZE`].
    pub(crate) fn add(&mut self, token: Token, size: u32) -> Result<(), Refusal> {
        if !(1..=LARGEST_SIZE).contains(&size) {
            return Err(self.refusal(Reason::InvalidField, format!("size: 1 to {LARGEST_SIZE}, found {size}")));
        }
        self.index += 1;
        let cluster = Cluster {
            size,
            created_index: self.index,
            members: BTreeMap::new(),
            events: VecDeque::new(),
            forgotten_index: self.index,
        };
        self.clusters.insert(token, cluster);
        while self.clusters.len() > MOST_TOKENS {
            let oldest = self.clusters.iter().min_by_key(|(_, cluster)| cluster.created_index);
            let Some(oldest) = oldest.map(|(token, _)| token.clone()) else { break };
            self.clusters.remove(&oldest);
        }
        Ok(())
    }

    /// The token's `_config/size`.
    pub(crate) fn size(&self, token: &Token) -> Result<Event, Refusal> {
        let cluster = self.cluster(token)?;
        Ok(read(Node {
            key: format!("{ROOT}/{token}/_config/size"),
            value: Some(cluster.size.to_string()),
            dir: false,
            nodes: Vec::new(),
            modified_index: cluster.created_index,
            created_index: cluster.created_index,
        }))
    }

    /// The token's directory with its members, the first that came first.
    pub(crate) fn directory(&self, token: &Token) -> Result<Event, Refusal> {
        let cluster = self.cluster(token)?;
        let mut nodes: Vec<Node> = cluster.members.values().cloned().collect();
        nodes.sort_by_key(|node| node.created_index);
        Ok(read(Node {
            key: format!("{ROOT}/{token}"),
            value: None,
            dir: true,
            nodes,
            modified_index: cluster.created_index,
            created_index: cluster.created_index,
        }))
    }

    /// One member.
    pub(crate) fn member(&self, token: &Token, member: &str) -> Result<Event, Refusal> {
        let found = self.cluster(token)?.members.get(member);
        found.cloned().map(read).ok_or_else(|| self.refusal(Reason::KeyNotFound, key(token, member)))
    }

    /// Registers a member with `value`; `must_exist` demands that it was, or was not, there before.
    pub(crate) fn put(
        &mut self,
        token: &Token,
        member: &str,
        value: &str,
        must_exist: Option<bool>,
    ) -> Result<Event, Refusal> {
        let cluster = self.cluster(token)?;
        let previous = cluster.members.get(member).cloned();
        // Keys with a leading underscore are etcd's own and hidden.
        let is_name = !member.is_empty() && !member.starts_with('_') && member.len() <= MEMBER_BYTES;
        let refused = match (&previous, must_exist) {
            _ if !is_name => Some((Reason::InvalidField, "member".to_owned())),
            _ if value.is_empty() || value.len() > VALUE_BYTES => Some((Reason::InvalidField, "value".to_owned())),
            (Some(_), Some(false)) => Some((Reason::NodeExists, key(token, member))),
            (None, Some(true)) => Some((Reason::KeyNotFound, key(token, member))),
            (None, _) if cluster.members.len() >= MOST_MEMBERS => Some((Reason::NoMorePeers, key(token, member))),
            _ => None,
        };
        if let Some((reason, cause)) = refused {
            return Err(self.refusal(reason, cause));
        }
        let action = if must_exist == Some(false) { Action::Create } else { Action::Set };
        let index = self.index + 1;
        let node = Node {
            key: key(token, member),
            value: Some(value.to_owned()),
            dir: false,
            nodes: Vec::new(),
            modified_index: index,
            created_index: index,
        };
        let event = Event { action, node: node.clone(), prev_node: previous };
        self.happen(token, event.clone(), |members| {
            members.insert(member.to_owned(), node);
        });
        Ok(event)
    }

    /// Takes a member away.
    pub(crate) fn delete(&mut self, token: &Token, member: &str) -> Result<Event, Refusal> {
        let previous = self.member(token, member)?.node;
        let node = Node { value: None, modified_index: self.index + 1, ..previous.clone() };
        let event = Event { action: Action::Delete, node, prev_node: Some(previous) };
        self.happen(token, event.clone(), |members| {
            members.remove(member);
        });
        Ok(event)
    }

    /// The first event from `index` on, of one member or of all; none when it is still to come.
    pub(crate) fn event_from(
        &self,
        token: &Token,
        member: Option<&str>,
        index: u64,
    ) -> Result<Option<&Event>, Refusal> {
        let cluster = self.cluster(token)?;
        // Nothing of a token is older than itself, so only events of its own can have been forgotten.
        if cluster.forgotten_index > cluster.created_index && index <= cluster.forgotten_index {
            return Err(self.refusal(Reason::EventIndexCleared, format!("{index} <= {}", cluster.forgotten_index)));
        }
        let wanted = member.map(|member| key(token, member));
        let fits = |event: &&Event| {
            event.node.modified_index >= index && wanted.as_ref().is_none_or(|key| *key == event.node.key)
        };
        Ok(cluster.events.iter().find(fits))
    }

    /// A refusal at the present index.
    pub(crate) fn refusal(&self, reason: Reason, cause: impl Into<String>) -> Refusal {
        Refusal::new(reason, cause, self.index)
    }

    fn cluster(&self, token: &Token) -> Result<&Cluster, Refusal> {
        self.clusters.get(token).ok_or_else(|| self.refusal(Reason::KeyNotFound, format!("{ROOT}/{token}")))
    }

    fn happen(&mut self, token: &Token, event: Event, change: impl FnOnce(&mut BTreeMap<String, Node>)) {
        let Some(cluster) = self.clusters.get_mut(token) else { return };
        self.index += 1;
        change(&mut cluster.members);
        cluster.events.push_back(event);
        while cluster.events.len() > MOST_EVENTS {
            cluster.forgotten_index =
                cluster.events.pop_front().map_or(cluster.forgotten_index, |event| event.node.modified_index);
        }
    }
}

fn key(token: &Token, member: &str) -> String {
    format!("{ROOT}/{token}/{member}")
}

fn read(node: Node) -> Event {
    Event { action: Action::Get, node, prev_node: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(size: u32) -> (Registry, Token) {
        let (mut registry, token) = (Registry::default(), Token::random());
        registry.add(token.clone(), size).unwrap();
        (registry, token)
    }

    fn names(registry: &Registry, token: &Token) -> Vec<String> {
        let nodes = registry.directory(token).unwrap().node.nodes;
        nodes.iter().map(|node| node.key.rsplit('/').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn members_stand_in_the_order_in_which_they_came() {
        let (mut registry, token) = registry(3);
        assert_eq!(registry.size(&token).unwrap().node.value.as_deref(), Some("3"));
        assert!(registry.size(&token).unwrap().node.created_index >= 2);
        for name in ["c", "a", "b", "late"] {
            let event = registry.put(&token, name, &format!("{name}=http://{name}:2380"), Some(false)).unwrap();
            assert_eq!((event.action, event.node.created_index), (Action::Create, registry.index()));
        }
        assert_eq!(names(&registry, &token), ["c", "a", "b", "late"], "who is too late sees it from its place");
        registry.delete(&token, "a").unwrap();
        assert_eq!(names(&registry, &token), ["c", "b", "late"]);
    }

    #[test]
    fn refusals_have_etcds_codes() {
        let (mut registry, token) = registry(1);
        registry.put(&token, "a", "a=http://a", Some(false)).unwrap();
        let before = registry.clone();
        let long = "x".repeat(VALUE_BYTES + 1);
        for (token, member, value, must_exist, code, status) in [
            (&token, "a", "a=http://other", Some(false), 105, 412),
            (&token, "b", "b=http://b", Some(true), 100, 404),
            (&Token::random(), "b", "b=http://b", Some(false), 100, 404),
            (&token, "_config", "9", None, 209, 400),
            (&token, "b", "", Some(false), 209, 400),
            (&token, "b", &long, Some(false), 209, 400),
        ] {
            let refusal = registry.put(token, member, value, must_exist).unwrap_err();
            assert_eq!((refusal.error_code, refusal.status()), (code, status), "{member} {must_exist:?}");
        }
        assert_eq!(registry.delete(&token, "b").unwrap_err().error_code, 100);
        assert_eq!(registry, before);
        for size in [0, LARGEST_SIZE + 1] {
            assert_eq!(registry.add(Token::random(), size).unwrap_err().error_code, 209);
        }
    }

    #[test]
    fn waits_are_answered_from_history() {
        let (mut registry, token) = registry(2);
        let first = registry.put(&token, "a", "a=http://a", Some(false)).unwrap();
        let second = registry.put(&token, "b", "b=http://b", Some(false)).unwrap();
        let (one, two) = (first.node.created_index, second.node.created_index);
        for (member, index, expected) in [
            (None, one, Some(&first)),
            (None, two, Some(&second)),
            (Some("b"), one, Some(&second)),
            (Some("a"), two, None),
            (None, two + 1, None),
        ] {
            assert_eq!(registry.event_from(&token, member, index).unwrap(), expected, "{member:?} {index}");
        }
    }

    #[test]
    fn what_was_forgotten_is_said_so() {
        let (mut registry, token) = registry(1);
        let first = registry.put(&token, "a", "0", None).unwrap().node.created_index;
        assert!(registry.event_from(&token, None, first).unwrap().is_some());
        for count in 0..MOST_EVENTS {
            registry.put(&token, "a", &count.to_string(), None).unwrap();
        }
        assert_eq!(registry.event_from(&token, None, first).unwrap_err().error_code, 401);
        assert!(registry.event_from(&token, None, first + 1).unwrap().is_some());
    }

    #[test]
    fn the_oldest_token_makes_room() {
        let (mut registry, oldest) = registry(3);
        let tokens: Vec<Token> = (0..MOST_TOKENS).map(|_| Token::random()).collect();
        for token in &tokens {
            registry.add(token.clone(), 3).unwrap();
        }
        assert_eq!(registry.size(&oldest).unwrap_err().error_code, 100);
        assert!(tokens.iter().all(|token| registry.size(token).is_ok()));
    }

    #[test]
    fn members_are_bounded() {
        let (mut registry, token) = registry(3);
        for number in 0..MOST_MEMBERS {
            registry.put(&token, &number.to_string(), "x", Some(false)).unwrap();
        }
        assert_eq!(registry.put(&token, "more", "x", Some(false)).unwrap_err().error_code, 103);
    }

    #[test]
    fn it_is_the_same_after_it_was_stored() {
        let (mut registry, token) = registry(3);
        registry.put(&token, "a", "a=http://a", Some(false)).unwrap();
        registry.delete(&token, "a").unwrap();
        let stored: Registry = serde_json::from_str(&serde_json::to_string(&registry).unwrap()).unwrap();
        assert_eq!(stored, registry);
    }
}
