//! `user-data NAME`: prints what a node would get, as it would get it.

use super::arguments::UserDataArguments;
use super::output;
use super::prepare::prepare;
use crate::report::Failure;
use crate::spec::{Origin, Problems};

/// Runs the command.
pub async fn run(arguments: UserDataArguments) -> Result<(), Failure> {
    let prepared = prepare(&arguments.cluster)?;
    match prepared.user_data.get(arguments.node as usize) {
        Some(text) => output::print(&format!("{text}\n")),
        None => {
            let mut problems = Problems::new();
            let last = prepared.spec.node_count - 1;
            problems.add(Origin::Flag("--node"), format!("the nodes are 0 to {last}, found {}", arguments.node));
            Err(problems.into())
        }
    }
}
