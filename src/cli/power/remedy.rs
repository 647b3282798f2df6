//! What to run after a command of this folder that did not come to its end.

use crate::arm::ArmError;
use report::Failure;

/// The command that was given.
pub(super) fn again(verb: &str, name: &str) -> String {
    format!("azure-coreos-cluster {verb} {name}")
}

/// Azure's errors, each with what to run next; `again` is the command that goes on.
pub(super) fn failure(name: &str, again: &str, errors: Vec<ArmError>) -> Failure {
    let mut hints: Vec<String> = errors.iter().map(|error| remedy(name, again, error)).collect();
    hints.sort_unstable();
    hints.dedup();
    Failure::azure_all(errors, hints.join("\nhint: "))
}

fn remedy(name: &str, again: &str, error: &ArmError) -> String {
    if error.says_absent(false) {
        format!("the machine is gone: `azure-coreos-cluster {name}` makes it anew")
    } else if error.is_quota() {
        format!(
            "Azure has no room for it now, or your quota does not: `{again}` later goes on with those that do not run; \
             `azure-coreos-cluster preflight {name}` shows quotas"
        )
    } else {
        format!("`{again}` goes on from here; what is done stays")
    }
}

/// The same failure with one more thing to do.
pub(in super::super) fn and_then(mut failure: Failure, next: &str) -> Failure {
    match &mut failure {
        Failure::Azure { hint, .. } | Failure::Host { hint, .. } | Failure::Unhealthy { hint, .. } => {
            hint.push_str("\nhint: ");
            hint.push_str(next);
        }
        Failure::Interrupted { hint } => next.clone_into(hint),
        _ => {}
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arm::ArmErrorKind;

    #[test]
    fn what_to_run_next() {
        let refused = |status: u16, code: &str| ArmError {
            status: Some(status),
            code: Some(code.into()),
            request_id: Some("r-1".into()),
            ..ArmError::local(ArmErrorKind::Refused, "starting x", "no")
        };
        for (error, part) in [
            (refused(404, "ResourceNotFound"), "`azure-coreos-cluster demo` makes it anew"),
            (refused(409, "AllocationFailed"), "no room for it now"),
            (refused(409, "AnotherOperationInProgress"), "`azure-coreos-cluster start demo` goes on from here"),
            (refused(500, "InternalServerError"), "goes on from here; what is done stays"),
        ] {
            let failure = failure("demo", "azure-coreos-cluster start demo", vec![error.clone(), error]);
            assert_eq!(failure.to_string().matches(part).count(), 1, "{failure}");
        }
    }

    #[test]
    fn one_more_hint_follows_the_first() {
        let unhealthy = Failure::Unhealthy { reasons: vec!["x".into()], hint: "look".into() };
        assert_eq!(and_then(unhealthy, "go on").to_string(), "error: x\nhint: look\nhint: go on");
        let interrupted = Failure::Interrupted { hint: "y".into() };
        assert_eq!(and_then(interrupted, "go on").to_string(), "error: interrupted\nhint: go on");
    }
}
