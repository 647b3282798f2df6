//! How names of a stack become names in the swarm.

/// The namespace of a stack: a service `router` becomes `<namespace>_router`, as `docker stack deploy` names it.
#[derive(Clone, Copy, Debug)]
pub struct Naming<'a> {
    pub namespace: &'a str,
}

/// Characters of a config's hash in its name.
const HASH_CHARACTERS: usize = 12;

impl Naming<'_> {
    /// The name of a service, network or volume.
    pub fn name(&self, key: &str) -> String {
        format!("{}_{key}", self.namespace)
    }

    /// The name of a config. Swarm's configs cannot be changed, so other content means another name.
    pub fn config(&self, key: &str, content: &str) -> String {
        let hash = hex::encode(openssl::sha::sha256(content.as_bytes()));
        format!("{}_{}", self.name(key), &hash[..HASH_CHARACTERS])
    }
}
