//! etcd in memory, as `etcdctl` asks it: revisions, leases, and transactions in the form of `etcdctl txn`.
//! <https://etcd.io/docs/v3.5/learning/api/>, <https://github.com/etcd-io/etcd/blob/main/etcdctl/README.md#txn-options>

use std::collections::BTreeMap;
use std::time::Duration;

use crate::repetition::repeated;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nodes::ssh::Output;
use serde_json::{Value, json};

/// What the lock's shell asks for.
pub(super) const LEASE: Duration = Duration::from_secs(180);

/// A key's value, and when it was made and changed.
#[derive(Clone, Debug)]
struct Pair {
    value: String,
    create_revision: i64,
    mod_revision: i64,
    version: i64,
    lease: Option<u64>,
}

/// A store.
#[derive(Clone, Debug)]
pub(super) struct Etcd {
    revision: i64,
    pairs: BTreeMap<String, Pair>,
    /// When each ends unless it is renewed.
    leases: BTreeMap<u64, Duration>,
    next_lease: u64,
}

impl Etcd {
    /// An empty store has revision 1.
    pub(super) fn new() -> Self {
        Self { revision: 1, pairs: BTreeMap::new(), leases: BTreeMap::new(), next_lease: 1 }
    }

    /// Keys with their values.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(key, pair)| (key.as_str(), pair.value.as_str()))
    }

    /// What `etcdctl` says to these words.
    pub(super) fn etcdctl(&mut self, command: &str, input: Option<&str>) -> Output {
        let words: Vec<&str> = command.split_whitespace().filter(|word| !word.starts_with("--d")).collect();
        let said = match words.as_slice() {
            [_, _, _, "txn"] => {
                let input = input.unwrap_or_default();
                if changes_twice(input) {
                    let stderr = "Error: etcdserver: duplicate key given in txn request\n".to_owned();
                    return Output { status: 1, stdout: String::new(), stderr };
                }
                self.transaction(input, None)
            }
            [_, _, _, "get", "--prefix", "--", key] => self.range(&unquoted(key), true),
            [_, _, _, "get", "--", key] => self.range(&unquoted(key), false),
            other => panic!("etcdctl is not asked so: {other:?}"),
        };
        Output { status: 0, stdout: format!("{said}\n"), stderr: String::new() }
    }

    /// The keys that begin so, or the key itself.
    pub(super) fn range(&self, key: &str, prefix: bool) -> Value {
        let meant = |found: &str| if prefix { found.starts_with(key) } else { found == key };
        let pairs: Vec<Value> = self.pairs.iter().filter(|(found, _)| meant(found)).map(shown).collect();
        let mut answer = json!({"header": self.header()});
        if !pairs.is_empty() {
            answer["count"] = json!(pairs.len());
            answer["kvs"] = json!(pairs);
        }
        answer
    }

    /// Three parts, each ended by an empty line. All changes of a transaction have one revision.
    pub(super) fn transaction(&mut self, text: &str, lease: Option<u64>) -> Value {
        let [comparisons, changes, otherwise] = parts(text);
        let holds = comparisons.iter().all(|line| self.holds(line));
        let mut responses = Vec::new();
        let chosen = if holds { &changes } else { &otherwise };
        // What deletes nothing changes nothing.
        let changes = |line: &String| match line.split_once(" -- ") {
            Some(("del", key)) => self.pairs.contains_key(&literal(key)),
            Some((verb, _)) => verb.starts_with("put"),
            None => false,
        };
        if chosen.iter().any(changes) {
            self.revision += 1;
        }
        for line in chosen {
            responses.push(self.operation(line, lease));
        }
        let mut answer = json!({"header": self.header(), "responses": responses});
        if holds {
            answer["succeeded"] = json!(true);
        }
        answer
    }

    fn holds(&self, line: &str) -> bool {
        let (asked, wanted) = line.split_once(" = ").expect("a comparison");
        let (what, key) = asked.trim_end_matches(')').split_once('(').expect("a comparison's key");
        let pair = self.pairs.get(&literal(key));
        let found = match what {
            "mod" => pair.map_or(0, |pair| pair.mod_revision),
            "create" => pair.map_or(0, |pair| pair.create_revision),
            other => panic!("`{other}` is not compared"),
        };
        literal(wanted) == found.to_string()
    }

    fn operation(&mut self, line: &str, lease: Option<u64>) -> Value {
        let (verb, words) = line.split_once(" -- ").expect("an operation");
        let words: Vec<String> = literals(words);
        let revision = self.revision;
        match (verb.split(' ').next().unwrap_or_default(), words.as_slice()) {
            ("put", [key, value]) => {
                let leased = verb.contains("--lease=").then_some(lease).flatten();
                let before = self.pairs.get(key);
                let pair = Pair {
                    value: value.clone(),
                    create_revision: before.map_or(revision, |pair| pair.create_revision),
                    mod_revision: revision,
                    version: before.map_or(0, |pair| pair.version) + 1,
                    lease: leased,
                };
                self.pairs.insert(key.clone(), pair);
                json!({"Response": {"ResponsePut": {"header": self.header()}}})
            }
            ("del", [key]) => {
                let deleted = i32::from(self.pairs.remove(key).is_some());
                json!({"Response": {"ResponseDeleteRange": {"header": self.header(), "deleted": deleted}}})
            }
            ("get", [key]) => json!({"Response": {"ResponseRange": self.range(key, false)}}),
            other => panic!("no operation: {other:?}"),
        }
    }

    /// A new lease.
    pub(super) fn grant(&mut self, now: Duration) -> u64 {
        let id = self.next_lease;
        self.next_lease += 1;
        self.leases.insert(id, now + LEASE);
        id
    }

    /// Whether there was one to renew.
    pub(super) fn keep_alive(&mut self, id: u64, now: Duration) -> bool {
        self.leases.get_mut(&id).map(|end| *end = now + LEASE).is_some()
    }

    /// Ends a lease, and its keys with it.
    pub(super) fn revoke(&mut self, id: u64) {
        if self.leases.remove(&id).is_some() {
            self.revision += 1;
            self.pairs.retain(|_, pair| pair.lease != Some(id));
        }
    }

    /// Ends leases whose time is over.
    pub(super) fn expire(&mut self, now: Duration) {
        let over: Vec<u64> = self.leases.iter().filter(|(_, end)| **end < now).map(|(id, _)| *id).collect();
        for id in over {
            self.revoke(id);
        }
    }

    /// Ends all leases, as an etcd does that lost its leader for too long.
    pub(super) fn revoke_all(&mut self) {
        let all: Vec<u64> = self.leases.keys().copied().collect();
        for id in all {
            self.revoke(id);
        }
    }

    fn header(&self) -> Value {
        json!({"cluster_id": 1, "member_id": 1, "revision": self.revision, "raft_term": 2})
    }
}

fn shown((key, pair): (&String, &Pair)) -> Value {
    let mut shown = json!({
        "key": STANDARD.encode(key), "create_revision": pair.create_revision, "mod_revision": pair.mod_revision,
        "version": pair.version,
    });
    // etcdctl leaves out what is empty.
    if !pair.value.is_empty() {
        shown["value"] = json!(STANDARD.encode(&pair.value));
    }
    shown
}

/// A word that a shell was given.
fn unquoted(word: &str) -> String {
    word.trim_matches('\'').to_owned()
}

/// Comparisons, what is done when they hold, and what is done otherwise.
fn parts(text: &str) -> [Vec<String>; 3] {
    let mut parts = vec![Vec::new()];
    for line in text.lines() {
        match line {
            "" => parts.push(Vec::new()),
            line => parts.last_mut().expect("a part").push(line.to_owned()),
        }
    }
    let mut parts = parts.into_iter();
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// etcd takes one change of a key in a transaction: <https://etcd.io/docs/v3.5/learning/api/#transaction>
fn changes_twice(text: &str) -> bool {
    let [_, changes, otherwise] = parts(text);
    [changes, otherwise].iter().any(|operations| {
        let keys: Vec<String> = operations
            .iter()
            .filter_map(|line| line.split_once(" -- ").filter(|(verb, _)| !verb.starts_with("get")))
            .map(|(_, words)| literals(words).swap_remove(0))
            .collect();
        !repeated(keys.iter().map(String::as_str)).is_empty()
    })
}

fn literal(text: &str) -> String {
    literals(text).pop().unwrap_or_default()
}

/// Go's string literals, one after the other. <https://go.dev/ref/spec#String_literals>
fn literals(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut bytes = text.bytes();
    while bytes.by_ref().any(|byte| byte == b'"') {
        let mut word = Vec::new();
        loop {
            match bytes.next().expect("a literal's end") {
                b'"' => break,
                b'\\' => match bytes.next().expect("an escape") {
                    b'n' => word.push(b'\n'),
                    b'x' => {
                        let digits: Vec<u8> = bytes.by_ref().take(2).collect();
                        let digits = String::from_utf8(digits).expect("two digits");
                        word.push(u8::from_str_radix(&digits, 16).expect("two hexadecimal digits"));
                    }
                    other => word.push(other),
                },
                other => word.push(other),
            }
        }
        words.push(String::from_utf8(word).expect("text"));
    }
    words
}

#[test]
fn transactions_compare_and_change_at_once() {
    let mut etcd = Etcd::new();
    let first = nodes::etcd::Transaction::new().expect_revision("/a", 0).put("/a", "-1 \"é\"\n").put("/b", "");
    assert_eq!(etcd.transaction(&first.to_string(), None)["succeeded"], true);
    assert_eq!(etcd.entries().collect::<Vec<_>>(), [("/a", "-1 \"é\"\n"), ("/b", "")]);
    assert_eq!(etcd.range("/a", false)["kvs"][0]["mod_revision"], 2);
    let again = etcd.transaction(&first.to_string(), None);
    assert_eq!((again.get("succeeded"), &again["header"]["revision"]), (None, &json!(2)));
    let second = nodes::etcd::Transaction::new().expect_creation("/a", 2).delete("/b").put("/a", "1").to_string();
    assert_eq!(etcd.transaction(&second, None)["succeeded"], true);
    let refused = nodes::etcd::Transaction::new().expect_creation("/a", 3).delete("/a").to_string();
    let refused = etcd.transaction(&refused, None);
    assert_eq!(refused["responses"][0]["Response"]["ResponseRange"]["kvs"][0]["create_revision"], 2);
    let only = nodes::etcd::Transaction::new().delete("/a").to_string();
    assert_eq!(etcd.transaction(&only, None)["succeeded"], true);
    assert_eq!(etcd.entries().count(), 0);
    let lease = etcd.grant(Duration::ZERO);
    etcd.transaction("create(\"/l\") = \"0\"\n\nput --lease=@lease -- \"/l\" \"me\"\n\n\n", Some(lease));
    etcd.expire(LEASE);
    assert_eq!(etcd.entries().count(), 1);
    assert!(etcd.keep_alive(lease, LEASE));
    etcd.expire(LEASE * 2);
    assert_eq!(etcd.entries().count(), 1);
    etcd.expire(LEASE * 3);
    assert!(etcd.entries().count() == 0 && !etcd.keep_alive(lease, LEASE * 3));
}
