//! `$filter` of the lists of resources and of groups: which of them are in the answer.
//! <https://learn.microsoft.com/en-us/rest/api/resources/resources/list>,
//! <https://learn.microsoft.com/en-us/rest/api/resources/resource-groups/list>

use serde_json::Value;

use crate::arm::error::ArmError;
use crate::arm::filter::{quoted, strip_word};
use crate::state::resource::Resource;

/// Filters that are nested deeper are refused.
const DEEPEST: usize = 16;
/// Properties whose parts can be compared, and where the parts are.
const PARTS: [(&str, &str); 6] = [
    ("identity/principalId", "/identity/principalId"),
    ("plan/publisher", "/plan/publisher"),
    ("plan/product", "/plan/product"),
    ("plan/name", "/plan/name"),
    ("plan/version", "/plan/version"),
    ("plan/promotionCode", "/plan/promotionCode"),
];

/// What a resource must be.
#[derive(Debug)]
pub(super) enum ResourceFilter {
    /// Anything.
    All,
    /// It has this tag, with this value where one is given. Stands alone: Azure refuses tags next to anything else.
    /// <https://github.com/Azure/azure-rest-api-specs/issues/21324>
    Tag {
        name: String,
        value: Option<String>,
    },
    Property(Expression),
}

#[derive(Debug)]
pub(super) enum Expression {
    Either(Vec<Expression>),
    Both(Vec<Expression>),
    Comparison { property: Property, value: String, equal: bool },
    Substring { property: Property, part: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Property {
    Name,
    ResourceType,
    Location,
    ResourceGroup,
    Part(&'static str),
}

impl ResourceFilter {
    /// Of a list of resources.
    pub(super) fn of_resources(text: &str) -> Result<Self, ArmError> {
        match Self::of_groups(text) {
            Ok(filter) => Ok(filter),
            Err(refusal) => match disjunction(text.trim(), 0) {
                Some((expression, "")) => Ok(Self::Property(expression)),
                _ => Err(refusal),
            },
        }
    }

    /// Of a list of groups: by tag alone. <https://github.com/Azure/azure-rest-api-specs/issues/2540>
    pub(super) fn of_groups(text: &str) -> Result<Self, ArmError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::All);
        }
        let tag = || {
            let (name, rest) = comparison_with(text, "tagName")?;
            if rest.is_empty() {
                return Some(Self::Tag { name, value: None });
            }
            let (value, rest) = comparison_with(strip_word(rest, "and")?, "tagValue")?;
            rest.is_empty().then_some(Self::Tag { name, value: Some(value) })
        };
        tag().ok_or_else(|| {
            let message = format!("Invalid $filter '{text}' specified in the query string.");
            ArmError::bad("InvalidFilterInQueryString", message)
        })
    }

    /// Whether a resource is in the list.
    pub(super) fn takes(&self, resource: &Resource) -> bool {
        match self {
            Self::All => true,
            Self::Tag { name, value: None } => resource.tag(name).is_some(),
            Self::Tag { name, value: Some(value) } => resource.tag(name) == Some(value.as_str()),
            Self::Property(expression) => expression.holds(resource),
        }
    }

    /// Whether the list's lines have no tags: as the documentation says of what was found by a tag's name and value.
    pub(super) fn hides_tags(&self) -> bool {
        matches!(self, Self::Tag { value: Some(_), .. })
    }
}

impl Expression {
    fn holds(&self, resource: &Resource) -> bool {
        match self {
            Self::Either(parts) => parts.iter().any(|part| part.holds(resource)),
            Self::Both(parts) => parts.iter().all(|part| part.holds(resource)),
            Self::Comparison { property, value, equal } => {
                property.of(resource).is_some_and(|found| found.eq_ignore_ascii_case(value)) == *equal
            }
            Self::Substring { property, part } => property
                .of(resource)
                .is_some_and(|found| found.to_ascii_lowercase().contains(&part.to_ascii_lowercase())),
        }
    }
}

impl Property {
    fn named(name: &str) -> Option<Self> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let whole = [
            ("name", Self::Name),
            ("resourceType", Self::ResourceType),
            ("location", Self::Location),
            ("resourceGroup", Self::ResourceGroup),
        ];
        let part = || PARTS.iter().find(|(known, _)| is(known)).map(|(_, pointer)| Self::Part(pointer));
        whole.into_iter().find(|(known, _)| is(known)).map(|(_, property)| property).or_else(part)
    }

    fn of(self, resource: &Resource) -> Option<String> {
        Some(match self {
            Self::Name => resource.id.name.clone(),
            Self::ResourceType => resource.id.kind.full_name(),
            Self::Location => resource.location().to_owned(),
            Self::ResourceGroup => resource.id.group.clone(),
            Self::Part(pointer) => resource.document.pointer(pointer).and_then(Value::as_str)?.to_owned(),
        })
    }
}

/// `a or b`, and what follows it.
fn disjunction(text: &str, depth: usize) -> Option<(Expression, &str)> {
    let (first, rest) = conjunction(text, depth)?;
    joined(first, rest, "or", |text| conjunction(text, depth), Expression::Either)
}

/// `a and b`, which binds more tightly.
fn conjunction(text: &str, depth: usize) -> Option<(Expression, &str)> {
    let (first, rest) = operand(text, depth)?;
    joined(first, rest, "and", |text| operand(text, depth), Expression::Both)
}

fn joined<'a>(
    first: Expression,
    mut rest: &'a str,
    word: &str,
    next: impl Fn(&'a str) -> Option<(Expression, &'a str)>,
    join: impl Fn(Vec<Expression>) -> Expression,
) -> Option<(Expression, &'a str)> {
    let mut parts = vec![first];
    while let Some(after) = strip_word(rest, word) {
        let (part, after) = next(after)?;
        parts.push(part);
        rest = after;
    }
    Some((if parts.len() == 1 { parts.remove(0) } else { join(parts) }, rest))
}

fn operand(text: &str, depth: usize) -> Option<(Expression, &str)> {
    if let Some(inner) = text.strip_prefix('(') {
        let (expression, rest) = disjunction(inner.trim_start(), Some(depth + 1).filter(|depth| *depth < DEEPEST)?)?;
        return Some((expression, rest.strip_prefix(')')?.trim_start()));
    }
    if let Some(arguments) = text.strip_prefix("substringof(") {
        let (part, rest) = quoted(arguments.trim_start().strip_prefix('\'')?)?;
        let (name, rest) = rest.trim_start().strip_prefix(',')?.split_once(')')?;
        let property = Property::named(name.trim())?;
        let is_searched = matches!(property, Property::Name | Property::ResourceGroup);
        return is_searched.then_some((Expression::Substring { property, part }, rest.trim_start()));
    }
    let (name, after) = text.split_once(char::is_whitespace)?;
    let after = after.trim_start();
    let (equal, value) = match strip_word(after, "eq") {
        Some(value) => (true, value),
        None => (false, strip_word(after, "ne")?),
    };
    let (value, rest) = quoted(value.strip_prefix('\'')?)?;
    Some((Expression::Comparison { property: Property::named(name)?, value, equal }, rest.trim_start()))
}

/// The value of `name eq 'value'`, and what follows it.
fn comparison_with<'a>(text: &'a str, name: &str) -> Option<(String, &'a str)> {
    let value = strip_word(strip_word(text, name)?, "eq")?.strip_prefix('\'')?;
    let (value, rest) = quoted(value)?;
    Some((value, rest.trim_start()))
}
