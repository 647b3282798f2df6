//! Whoever answers instead of ARM: each kind of request, with each answer that is not ARM's.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use serde_json::{Value, json};

use super::server::{Reply, Seen, Server, TOKEN, impatient};
use crate::arm::wait::Deaf;
use crate::arm::{Arm, ArmError, ArmErrorKind, Patience, ResourceId};

const GROUP: &str = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g";

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Get,
    Put,
    /// The poll of a PUT by `Azure-AsyncOperation`.
    PutPoll,
    /// The poll of a PUT by `Location`.
    PutResult,
    Delete,
    DeletePoll,
    /// The question whether what was deleted is gone.
    DeleteCheck,
    Post,
    PostPoll,
    List,
    SecondPage,
}

const ALL: [Asked; 11] = [
    Asked::Get,
    Asked::Put,
    Asked::PutPoll,
    Asked::PutResult,
    Asked::Delete,
    Asked::DeletePoll,
    Asked::DeleteCheck,
    Asked::Post,
    Asked::PostPoll,
    Asked::List,
    Asked::SecondPage,
];

/// What is answered, by somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strange {
    Page,
    NotFoundPage,
    BusyPage,
    Empty,
    List,
    Half,
    Redirect,
    NoContent,
    OtherResource,
    Endless,
    Silent,
}

const STRANGE: [Strange; 11] = [
    Strange::Page,
    Strange::NotFoundPage,
    Strange::BusyPage,
    Strange::Empty,
    Strange::List,
    Strange::Half,
    Strange::Redirect,
    Strange::NoContent,
    Strange::OtherResource,
    Strange::Endless,
    Strange::Silent,
];

/// All of them; an endless body is read in one way, whatever was asked.
fn cells() -> impl Iterator<Item = (Asked, Strange)> {
    let all = ALL.into_iter().flat_map(|asked| STRANGE.into_iter().map(move |strange| (asked, strange)));
    all.filter(|(asked, strange)| *strange != Strange::Endless || matches!(asked, Asked::Get | Asked::Put))
}

fn address() -> ResourceId {
    ResourceId::resource("00000000-0000-4000-8000-000000000001", "g", "Microsoft.Network/publicIPAddresses", "ip")
}

fn document(id: &str) -> Value {
    json!({"id": id, "name": "x", "properties": {"provisioningState": "Succeeded"}})
}

fn reply(strange: Strange, elsewhere: &str) -> Reply {
    let page = "<!DOCTYPE html><html><title>Sign in to the network</title></html>";
    match strange {
        Strange::Page => Reply::bare(200, page).header("content-type", "text/html"),
        Strange::NotFoundPage => Reply::bare(404, page).header("content-type", "text/html"),
        Strange::BusyPage => Reply::bare(511, page).header("content-type", "text/html"),
        Strange::Empty => Reply::bare(200, ""),
        Strange::List => Reply::bare(200, "[]"),
        Strange::Half => Reply::bare(200, &document(address().path()).to_string()[..40]),
        Strange::Redirect => Reply::bare(302, "").header("location", format!("{elsewhere}/sign-in")),
        Strange::NoContent => Reply::bare(204, ""),
        Strange::OtherResource => Reply::json(200, &document(&format!("{GROUP}/providers/Microsoft.Network/x/other"))),
        Strange::Endless => Reply::Endless,
        Strange::Silent => Reply::Silent,
    }
}

/// Which request of a conversation this is.
fn which(asked: Asked, seen: &Seen) -> Option<Asked> {
    let path = seen.target.split('?').next().unwrap_or_default();
    let is_deletion = matches!(asked, Asked::Delete | Asked::DeletePoll | Asked::DeleteCheck);
    Some(match (seen.method.as_str(), path) {
        ("PUT", _) => Asked::Put,
        ("DELETE", _) => Asked::Delete,
        ("POST", _) => Asked::Post,
        ("GET", "/poll/put") => Asked::PutPoll,
        ("GET", "/poll/result") => Asked::PutResult,
        ("GET", "/poll/delete") => Asked::DeletePoll,
        ("GET", "/poll/post") => Asked::PostPoll,
        ("GET", "/second") => Asked::SecondPage,
        ("GET", path) if path.ends_with("/resources") => Asked::List,
        ("GET", path) if path == address().path() => {
            if is_deletion {
                Asked::DeleteCheck
            } else {
                Asked::Get
            }
        }
        _ => return None,
    })
}

/// What ARM answers; `deleted` says whether a deletion has been accepted.
fn good(asked: Asked, request: Asked, base: &str, deleted: bool) -> Reply {
    let poll = |name: &str| format!("{base}/poll/{name}");
    let creating = json!({"id": address().path(), "properties": {"provisioningState": "Creating"}});
    match request {
        Asked::Get => Reply::json(200, &document(address().path())),
        Asked::Put if asked == Asked::PutResult => Reply::empty(202).header("location", poll("result")),
        Asked::Put => Reply::json(201, &creating).header("azure-asyncoperation", poll("put")),
        Asked::PutPoll => Reply::json(200, &json!({"status": "Succeeded"})),
        Asked::PutResult => Reply::json(200, &document(address().path())),
        Asked::Delete => Reply::empty(202).header("location", poll("delete")),
        Asked::DeletePoll => Reply::empty(204),
        Asked::DeleteCheck if deleted => {
            Reply::json(404, &json!({"error": {"code": "ResourceNotFound", "message": "gone"}}))
        }
        Asked::DeleteCheck => Reply::json(200, &document(address().path())),
        Asked::Post if asked == Asked::PostPoll => Reply::empty(202).header("location", poll("post")),
        Asked::Post | Asked::PostPoll => Reply::json(200, &json!({"ports": [22001]})),
        Asked::List => {
            Reply::json(200, &json!({"value": [document("/a")], "nextLink": format!("{base}/second?$skiptoken=x")}))
        }
        Asked::SecondPage => Reply::json(200, &json!({"value": [document("/b")]})),
    }
}

#[derive(Debug, serde::Deserialize)]
struct Ports {
    ports: Vec<u16>,
}

async fn ask(arm: &Arm, asked: Asked) -> Result<String, ArmError> {
    let id = address();
    match asked {
        Asked::Get => Ok(format!("{}", arm.get(&id).await?.is_some())),
        Asked::Put | Asked::PutPoll | Asked::PutResult => arm.put(&id, &json!({})).await.map(|()| "put".into()),
        Asked::Delete | Asked::DeletePoll | Asked::DeleteCheck => arm.delete(&id).await.map(|()| "gone".into()),
        Asked::Post | Asked::PostPoll => Ok(format!("{:?}", arm.post::<Ports>(&id, "query", None).await?.ports)),
        Asked::List | Asked::SecondPage => {
            let path = format!("{GROUP}/resources");
            let items: Option<Vec<Value>> = arm.list("listing g", &path, "2021-04-01").await?;
            Ok(format!("{:?}", items.map(|items| items.len())))
        }
    }
}

/// Only of silence there is no other end than a bound.
fn impatient_of(strange: Strange) -> Patience {
    if strange == Strange::Silent { impatient() } else { Patience::default() }
}

fn succeeded(asked: Asked) -> &'static str {
    match asked {
        Asked::Get => "true",
        Asked::Put | Asked::PutPoll | Asked::PutResult => "put",
        Asked::Delete | Asked::DeletePoll | Asked::DeleteCheck => "gone",
        Asked::Post | Asked::PostPoll => "[22001]",
        Asked::List | Asked::SecondPage => "Some(2)",
    }
}

/// A server that answers strangely to the first `times` of one kind of request, and as ARM does to all else; and how
/// often it answered strangely.
async fn server(asked: Asked, strange: Strange, times: usize, elsewhere: String) -> (Server, Arc<AtomicUsize>) {
    let strangely = Arc::new(AtomicUsize::new(0));
    let deletions = AtomicUsize::new(0);
    let count = strangely.clone();
    let server = Server::start(move |seen, base| {
        let Some(request) = which(asked, seen) else { return Reply::bare(500, "the test asks for something else") };
        if request == asked && count.load(Ordering::SeqCst) < times {
            count.fetch_add(1, Ordering::SeqCst);
            return reply(strange, &elsewhere);
        }
        if request == Asked::Delete {
            deletions.fetch_add(1, Ordering::SeqCst);
        }
        good(asked, request, base, deletions.load(Ordering::SeqCst) > 0)
    })
    .await;
    (server, strangely)
}

#[tokio::test]
async fn nothing_but_arms_answer_is_success() {
    let elsewhere = Server::start(|_, _| Reply::bare(200, "{}")).await;
    let runs = cells().map(|(asked, strange)| {
        let elsewhere = elsewhere.base.clone();
        async move {
            let (server, strangely) = server(asked, strange, usize::MAX, elsewhere).await;
            let result = ask(&server.client(impatient_of(strange), Arc::new(Deaf)), asked).await;
            assert!(strangely.load(Ordering::SeqCst) > 0, "{asked:?} {strange:?}: it was not asked for");
            // The deletion's end is told by somebody else, and is true: it was asked by id.
            if (asked, strange) == (Asked::DeletePoll, Strange::OtherResource) {
                return assert_eq!(result.as_deref(), Ok("gone"));
            }
            let error = result.expect_err(&format!("{asked:?} {strange:?} was taken for a success"));
            let expected = match (strange, asked) {
                (Strange::Silent, _) => ArmErrorKind::Unreachable,
                // What a deletion's answer says is nothing; what is asked by id decides, and there it stays.
                (Strange::OtherResource, Asked::Delete) => ArmErrorKind::OperationFailed,
                _ => ArmErrorKind::NotAzure,
            };
            assert_eq!(error.kind, expected, "{asked:?} {strange:?}: {error}");
            assert_eq!(error.status, None, "{asked:?} {strange:?}: nobody may take it for ARM's: {error}");
            assert!(!error.to_string().contains(TOKEN) && error.message.len() < 600, "{error}");
        }
    });
    join_all(runs).await;
    assert_eq!(elsewhere.seen(), [], "no redirect is followed");
}

#[tokio::test]
async fn one_strange_answer_is_asked_again() {
    let runs = cells().map(|(asked, strange)| async move {
        // However busy the machine is, there is time for a second try.
        let patience = Patience { unreachable: Patience::default().request, ..impatient_of(strange) };
        let (server, strangely) = server(asked, strange, 1, "http://127.0.0.1:1".into()).await;
        let result = ask(&server.client(patience, Arc::new(Deaf)), asked).await;
        assert_eq!(strangely.load(Ordering::SeqCst), 1, "{asked:?} {strange:?}");
        // Another resource's document is an object, as the result of an action is: nobody but its reader can tell.
        if (asked, strange) == (Asked::Post, Strange::OtherResource)
            || (asked, strange) == (Asked::PostPoll, Strange::OtherResource)
        {
            assert_eq!(result.map_err(|error| error.kind), Err(ArmErrorKind::NotAzure), "{asked:?} {strange:?}");
        } else {
            assert_eq!(result.as_deref(), Ok(succeeded(asked)), "{asked:?} {strange:?}");
        }
        assert!(server.seen().iter().all(|seen| seen.has_token));
    });
    join_all(runs).await;
}

#[tokio::test]
async fn hosts_that_answers_name_are_azures() {
    let elsewhere = Server::start(|_, _| Reply::json(200, &json!({"status": "Succeeded", "value": []}))).await;
    for asked in [Asked::Put, Asked::Delete, Asked::Post, Asked::List] {
        let named = elsewhere.base.clone();
        let server = Server::start(move |_, _| {
            let list = json!({"id": address().path(), "value": [], "nextLink": format!("{named}/second")});
            let status = if asked == Asked::List { 200 } else { 202 };
            let reply = Reply::json(status, &list).header("azure-asyncoperation", format!("{named}/poll"));
            reply.header("location", format!("{named}/result"))
        })
        .await;
        let error = ask(&server.client(Patience::default(), Arc::new(Deaf)), asked).await.unwrap_err();
        assert_eq!(error.kind, ArmErrorKind::NotAzure, "{asked:?}");
        assert!(error.message.contains("which is no host of Azure Resource Manager's"), "{error}");
    }
    assert_eq!(elsewhere.seen(), []);
}

#[tokio::test]
async fn a_list_without_an_end_ends() {
    // To itself, and in a circle of two.
    for circle in [1, 2] {
        let server = Server::start(move |seen, base| {
            let page = if seen.target.contains("page=1") && circle == 2 { 2 } else { 1 };
            Reply::json(200, &json!({"value": [], "nextLink": format!("{base}/list?page={page}")}))
        })
        .await;
        let error = ask(&server.client(Patience::default(), Arc::new(Deaf)), Asked::List).await.unwrap_err();
        assert!(error.message.starts_with("the list's next page is one that was read already"), "{error}");
        assert_eq!(server.seen().len(), circle + 1);
    }
}

#[tokio::test]
async fn a_deletion_is_done_when_the_resource_is_gone() {
    // Azure's own words, twice wrong: the resource stays. The third deletion acts.
    let deletions = AtomicUsize::new(0);
    let server = Server::start(move |seen, _| match seen.method.as_str() {
        "DELETE" => Reply::empty(if deletions.fetch_add(1, Ordering::SeqCst) == 0 { 204 } else { 200 }),
        _ if deletions.load(Ordering::SeqCst) < 3 => Reply::json(200, &document(address().path())),
        _ => Reply::json(404, &json!({"error": {"code": "ResourceNotFound", "message": "gone"}})),
    })
    .await;
    let arm = server.client(Patience::default(), Arc::new(Deaf));
    assert_eq!(ask(&arm, Asked::Delete).await.as_deref(), Ok("gone"));
    assert_eq!(server.seen().iter().filter(|seen| seen.method == "DELETE").count(), 3);
}
