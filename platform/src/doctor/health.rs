//! Health checks of the bundle as its clients see them: on each node that runs the component, and through the load
//! balancer.

use super::finding::Finding;

/// A component's own check on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question<'a> {
    pub component: &'a str,
    pub port: u16,
    pub path: &'a str,
    pub status: u16,
}

/// What a node answered on its own port.
pub(super) fn judge_node(node: &str, question: &Question<'_>, answer: Result<u16, &str>) -> Finding {
    const CHECK: &str = "health";
    let Question { component, port, path, status } = question;
    let subject = format!("{component} on {node}");
    let remedy =
        format!("platformctl journal {component} -n 100; platformctl ssh {node} sudo ss -ltnp shows who has the port");
    match answer {
        Ok(found) if found == *status => {
            Finding::ok(CHECK, subject, format!("GET {path} on port {port} answers {status}"))
        }
        Ok(found) => {
            Finding::fail(CHECK, subject, format!("GET {path} on port {port} answers {found}, not {status}"), remedy)
        }
        Err(reason) => Finding::fail(CHECK, subject, format!("GET {path} on port {port}: {reason}"), remedy),
    }
}

/// What came through the load balancer's port; `endpoint` is where we asked.
pub(super) fn judge_balancer(
    cluster: &str,
    port: &str,
    endpoint: &str,
    path: &str,
    answer: Result<u16, &str>,
) -> Finding {
    const CHECK: &str = "load balancer";
    let found = match answer {
        Ok(200) => return Finding::ok(CHECK, port, format!("GET {path} at {endpoint} answers 200")),
        Ok(found) => format!("GET {path} at {endpoint} answers {found}"),
        Err(reason) => format!("GET {path} at {endpoint}: {reason}"),
    };
    let remedy = format!(
        "when the `health` lines are ok: azure-coreos-cluster {cluster} mends its rules; its probe takes a node in after \
         some 15 s; this machine must be let out to {endpoint}"
    );
    Finding::fail(CHECK, port, found, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn answers() {
        let question = Question { component: "router", port: 80, path: "/health-check", status: 200 };
        for (answer, level, part) in [
            (Ok(200), Level::Ok, "answers 200"),
            (Ok(404), Level::Fail, "answers 404, not 200"),
            (Err("Connection refused"), Level::Fail, "on port 80: Connection refused"),
        ] {
            let finding = judge_node("n", &question, answer);
            assert!(finding.level == level && finding.found.contains(part), "{finding:?}");
            assert_eq!(finding.subject, "router on n");
            assert_eq!(judge_balancer("c", "web", "192.0.2.1:80", "/health-check", answer).level, level);
        }
    }
}
