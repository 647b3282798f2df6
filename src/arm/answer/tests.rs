use super::*;
use serde_json::json;

fn raw(status: u16, body: &str) -> RawAnswer {
    RawAnswer { status, body: body.as_bytes().to_vec(), request_id: Some("r-1".into()), ..RawAnswer::default() }
}

#[test]
fn refusals_are_arms_own() {
    for (status, body, expected) in [
        (404, r#"{"error": {"code": "ResourceNotFound", "message": "no"}}"#, Ok("ResourceNotFound")),
        (404, r#"{"code": "NotFound", "message": "an older shape"}"#, Ok("NotFound")),
        (404, "<html><title>404</title>", Err("no JSON, begins with `<html>")),
        (404, "", Err("no body")),
        (404, "{}", Err("an error without a `code`")),
        (403, r#"{"error": "forbidden by the proxy"}"#, Err("an error without a `code`")),
        (404, "[]", Err("an error without a `code`")),
        (500, r#"{"error": {"code""#, Err("JSON that ends too early")),
    ] {
        match (refusal(&raw(status, body), "reading x"), expected) {
            (Ok(error), Ok(code)) => assert_eq!((error.code.as_deref(), error.status), (Some(code), Some(status))),
            (Err(stranger), Err(part)) => {
                let error = stranger.error("reading x");
                assert!(error.message.contains(part), "{part}: {error}");
            }
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }
}

#[test]
fn a_resource_is_the_one_that_was_asked_for() {
    let id = ResourceId::resource_group("s", "g");
    for (body, expected) in [
        (json!({"id": "/subscriptions/S/resourcegroups/G"}), None),
        (
            json!({"id": "/subscriptions/s/resourceGroups/h"}),
            Some("the document of `/subscriptions/s/resourceGroups/h`"),
        ),
        (json!({"name": "g"}), Some("no `id` in it")),
        (json!([]), Some("a list where an object belongs")),
        (json!("g"), Some("no object")),
        (
            json!({"id": "/subscriptions/s/resourceGroups/g", "properties": {"provisioningState": 7}}),
            Some("a `provisioningState` that is no text"),
        ),
    ] {
        let found = resource(&raw(200, &body.to_string()), &id).err().map(|stranger| stranger.error("x").message);
        match (found, expected) {
            (None, None) => {}
            (Some(found), Some(part)) => assert!(found.contains(part), "{found}"),
            (found, expected) => panic!("{found:?} instead of {expected:?}: {body}"),
        }
    }
}

#[test]
fn a_field_that_is_missing_is_named() {
    let answer = raw(200, r#"{"subscriptionId": "00000000-0000-4000-8000-000000000001", "displayName": "x"}"#);
    let error = document::<Subscription>(&answer).unwrap_err().error("reading x");
    assert!(error.message.contains("cannot be read: missing field `tenantId`"), "{error}");
    let wrong = raw(200, r#"{"value": [{"subscriptionId": "../..", "displayName": "x"}]}"#);
    let error = page::<Subscription>(&wrong).unwrap_err().error("listing x");
    assert!(error.message.contains("subscription `../..` is not an id"), "{error}");
    assert!(error.message.contains("at `[0].subscriptionId`"), "{error}");
}
