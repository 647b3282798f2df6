//! Ids of resources that a user names. They become paths of requests, so nothing else than the parts of an id is in them.
//! <https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules>

/// The longest name of a resource that there is, and of a group.
const LONGEST_PART: usize = 90;

/// Whether `id` has this shape: parts between slashes, `*` for any name. Case makes no difference.
pub(super) fn has_shape(id: &str, shape: &str) -> bool {
    let (mut parts, mut wanted) = (id.split('/'), shape.split('/'));
    loop {
        match (parts.next(), wanted.next()) {
            (None, None) => return true,
            (Some(part), Some("*")) if is_part(part) => {}
            (Some(part), Some(word)) if part.eq_ignore_ascii_case(word) => {}
            _ => return false,
        }
    }
}

/// Whether a text can be one part of an id: no separator, nothing that a URL gives a meaning, no `..`.
pub(super) fn is_part(text: &str) -> bool {
    (1..=LONGEST_PART).contains(&text.chars().count())
        && text.chars().all(|c| c.is_alphanumeric() || "_().-".contains(c))
        && !text.ends_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_their_parts_and_nothing_else() {
        let shape = "/subscriptions/*/images/*";
        for (id, good) in [
            ("/subscriptions/s/images/x", true),
            ("/SUBSCRIPTIONS/s/Images/x-1.2_(3)", true),
            ("subscriptions/s/images/x", false),
            ("/subscriptions/s/images/x/", false),
            ("/subscriptions/s/images", false),
            ("/subscriptions/s/disks/x", false),
            ("/subscriptions//images/x", false),
            ("/subscriptions/../images/x", false),
            ("/subscriptions/s/images/x?y", false),
            ("/subscriptions/s/images/x#y", false),
            ("/subscriptions/s/images/%2e%2e", false),
            ("/subscriptions/s/images/x y", false),
            ("/subscriptions/s/images/x\n", false),
            (&format!("/subscriptions/s/images/{}", "x".repeat(91)), false),
        ] {
            assert_eq!(has_shape(id, shape), good, "{id}");
        }
    }
}
