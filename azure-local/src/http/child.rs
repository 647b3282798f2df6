//! PUT and DELETE of a single subnet, peering or security rule: its parent's document with that one entry changed.

use std::borrow::Cow;
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::arm::document::{child, list, text};
use crate::arm::error::ArmError;
use crate::arm::id::ResourceId;
use crate::arm::kind::Kind;
use crate::http::put;
use crate::http::read::{check_group, method_not_allowed, not_found};
use crate::render;
use crate::server::Server;
use crate::state::State;
use crate::state::operation::Twist;

/// The collections whose entries Azure lets a client write one by one, in Azure's case.
const WRITABLE: &[(Kind, &str)] = &[
    (Kind::VirtualNetwork, "subnets"),
    (Kind::VirtualNetwork, "virtualNetworkPeerings"),
    (Kind::NetworkSecurityGroup, "securityRules"),
];

/// A sub-resource: its parent, collection and name.
pub(super) struct Child<'a> {
    pub parent: &'a ResourceId,
    pub collection: &'a str,
    pub name: &'a str,
}

impl Child<'_> {
    fn collection(&self, method: &str) -> Result<&'static str, ArmError> {
        let is_meant =
            |(kind, known): &&(Kind, &str)| *kind == self.parent.kind && known.eq_ignore_ascii_case(self.collection);
        WRITABLE.iter().find(is_meant).map(|(_, known)| *known).ok_or_else(|| method_not_allowed(method))
    }

    /// The place of the entry in the parent's collection.
    fn place(&self, parent: &Value, collection: &str) -> Option<usize> {
        list(parent, &format!("/properties/{collection}"))
            .iter()
            .position(|entry| text(entry, "/name").is_some_and(|name| name.eq_ignore_ascii_case(self.name)))
    }

    /// Whether it is there; 404 when its parent is not.
    fn is_there(&self, server: &Server, collection: &str) -> Result<bool, ArmError> {
        let state = server.state();
        check_group(server, &state, self.parent)?;
        let parent = state.get(&self.parent.key()).ok_or_else(|| not_found(self.parent))?;
        Ok(self.place(&parent.document, collection).is_some())
    }

    /// The parent as a client would send it, with this entry replaced, added, or taken away.
    fn parent(&self, state: &State, collection: &str, entry: Option<Value>) -> Result<Value, ArmError> {
        let parent = state.get(&self.parent.key()).ok_or_else(|| not_found(self.parent))?;
        let mut document = render::resource(state, parent);
        let place = self.place(&document, collection);
        let mut entries = list(&document, &format!("/properties/{collection}")).to_vec();
        match (place, entry) {
            // An id keeps the case it was first used in.
            (Some(place), Some(entry)) => entries[place]["properties"] = entry["properties"].clone(),
            (Some(place), None) => {
                entries.remove(place);
            }
            (None, Some(entry)) => entries.push(entry),
            (None, None) => {}
        }
        document["properties"][collection] = json!(entries);
        Ok(document)
    }

    /// Creates or replaces it: 201 or 200 with its document.
    pub(super) async fn put(
        &self,
        server: &Arc<Server>,
        body: &Value,
        headers: &HeaderMap,
        twist: Option<Twist>,
    ) -> Result<Answer, ArmError> {
        let collection = self.collection("PUT")?;
        let is_there = self.is_there(server, collection)?;
        let entry = json!({ "name": self.name, "properties": body.get("properties").cloned().unwrap_or(json!({})) });
        let parent = |state: &State| self.parent(state, collection, Some(entry)).map(Cow::Owned);
        let mut answer = put::put(server, self.parent, parent, headers, twist).await?;
        let parent = answer.body.take().unwrap_or_default();
        answer.body = child(&parent, collection, self.name).cloned();
        answer.status = if is_there { StatusCode::OK } else { StatusCode::CREATED };
        Ok(answer)
    }

    /// Removes it: 204 when it is not there, 200 when that took no time, else 202.
    pub(super) async fn delete(&self, server: &Arc<Server>, twist: Option<Twist>) -> Result<Answer, ArmError> {
        let collection = self.collection("DELETE")?;
        if !self.is_there(server, collection)? {
            return Ok(Answer::empty(StatusCode::NO_CONTENT));
        }
        let parent = |state: &State| self.parent(state, collection, None).map(Cow::Owned);
        Ok(put::put(server, self.parent, parent, &HeaderMap::new(), twist).await?.without_body())
    }
}
