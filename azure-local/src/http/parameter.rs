//! Query parameters and conditional headers, each of which acts on a request or is refused: a client that is passed over does
//! not learn that it got something else than it asked for.

use std::collections::HashMap;

use axum::http::{HeaderMap, Method};
use serde_json::Value;

use crate::arm::error::ArmError;
use crate::arm::kind::Kind;
use crate::http::route::Route;

/// Those that Azure has, and that are looked for whatever the path is. Names that Azure does not know either are ignored, as there.
const CONDITIONAL: [&str; 2] = ["if-match", "if-none-match"];
/// Besides those that begin with a dollar sign.
const NAMED: [&str; 3] = ["statusOnly", "forceDeletion", "forceDeletionTypes"];
/// What lists of resources show on demand.
const EXPANDED: [&str; 3] = ["createdTime", "changedTime", "provisioningState"];
/// As many as Azure gives on a page.
const MOST_ON_A_PAGE: usize = 1000;

/// Refuses parameters and headers that have no effect here.
pub(super) fn check(
    route: &Route,
    method: &Method,
    query: &HashMap<String, String>,
    headers: &HeaderMap,
) -> Result<(), ArmError> {
    let mut names: Vec<&String> =
        query.keys().filter(|name| name.starts_with('$') || NAMED.iter().any(|known| known == name)).collect();
    names.sort();
    let acting = acting(route, method);
    if let Some(name) = names.iter().find(|name| !acting.contains(&name.as_str())) {
        return Err(ArmError::bad(
            "InvalidQueryParameter",
            format!(
                "The query parameter '{name}' has no effect on this request. Those that have are '{}'.",
                acting.join(",")
            ),
        )
        .target(name));
    }
    if let Some(expand) = query.get("$expand") {
        check_expand(route, expand)?;
    }
    let is_conditional =
        matches!(route, Route::Resource(id) if id.kind == Kind::VirtualMachine) && method == Method::PUT;
    match CONDITIONAL.iter().find(|name| headers.contains_key(**name)) {
        Some(name) if !is_conditional => Err(ArmError::bad(
            "InvalidHeader",
            format!(
                "The header '{name}' has no effect on this request: only the PUT of a virtual machine is conditional."
            ),
        )),
        _ => Ok(()),
    }
}

fn acting(route: &Route, method: &Method) -> &'static [&'static str] {
    let is_get = method == Method::GET;
    match route {
        Route::Groups if is_get => &["$filter", "$top", "$skiptoken"],
        Route::Resources | Route::GroupResources(_) if is_get => &["$filter", "$top", "$skiptoken", "$expand"],
        Route::Everywhere(Kind::VirtualMachine) if is_get => &["statusOnly", "$expand"],
        Route::Collection(_, Kind::VirtualMachine) if is_get => &["$expand"],
        Route::Resource(id) if is_get && id.kind == Kind::VirtualMachine => &["$expand"],
        Route::Resource(id) if method == Method::DELETE && id.kind == Kind::VirtualMachine => &["forceDeletion"],
        Route::Resource(id) if method == Method::DELETE && id.kind == Kind::ResourceGroup => &["forceDeletionTypes"],
        Route::Catalogue(_) if is_get => &["$filter", "$top", "$orderby"],
        _ => &[],
    }
}

fn check_expand(route: &Route, expand: &str) -> Result<(), ArmError> {
    let known: &[&str] = match route {
        Route::Resources | Route::GroupResources(_) => &EXPANDED,
        Route::Resource(_) => &["instanceView", "userData"],
        _ => &["instanceView"],
    };
    let is_known = |word: &str| known.iter().any(|known| known.eq_ignore_ascii_case(word.trim()));
    match expand.split(',').find(|word| !is_known(word)) {
        Some(word) => Err(ArmError::bad(
            "InvalidExpandInQueryString",
            format!("Invalid $expand '{word}' specified in the query string. Known are '{}'.", known.join(",")),
        )),
        None => Ok(()),
    }
}

/// Whether `$expand` names this.
pub(super) fn expands(query: &HashMap<String, String>, word: &str) -> bool {
    query.get("$expand").is_some_and(|expand| expand.split(',').any(|part| part.trim().eq_ignore_ascii_case(word)))
}

/// Whether the state of machines is asked for instead of their models.
pub(super) fn status_only(query: &HashMap<String, String>) -> bool {
    query.get("statusOnly").is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// The page of a list that `$top` and `$skiptoken` ask for, with a link to the next one where there is one. `here` is the
/// list's own URL, without a query.
pub(super) fn page(items: Vec<Value>, query: &HashMap<String, String>, here: &str) -> Result<Value, ArmError> {
    let number = |name: &str, least: usize| match query.get(name) {
        None => Ok(None),
        Some(text) => match text.parse().ok().filter(|number| *number >= least) {
            Some(number) => Ok(Some(number)),
            None => Err(ArmError::bad(
                "InvalidQueryParameterValue",
                format!("The query parameter '{name}' must be a whole number of {least} or more, found '{text}'."),
            )),
        },
    };
    let top = number("$top", 1)?.unwrap_or(MOST_ON_A_PAGE).min(MOST_ON_A_PAGE);
    let skipped = number("$skiptoken", 0)?.unwrap_or_default();
    let count = items.len();
    let shown: Vec<Value> = items.into_iter().skip(skipped).take(top).collect();
    let next = skipped.saturating_add(shown.len());
    let mut page = serde_json::json!({ "value": shown });
    if next < count {
        let mut kept: Vec<(&str, &str)> = query
            .iter()
            .filter(|(name, _)| *name != "$skiptoken")
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        kept.sort_unstable();
        let escaped =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let kept: String = kept.iter().map(|(name, value)| format!("{}={}&", escaped(name), escaped(value))).collect();
        page["nextLink"] = format!("{here}?{kept}%24skiptoken={next}").into();
    }
    Ok(page)
}
