//! `whoami`: which credential is taken, and which tenant and subscription it leads to.

use clap::Args;
use serde::Serialize;

use super::arguments::{ConnectionArguments, OutputArguments};
use super::connection::connect;
use super::parameters::SignInArguments;
use super::prepare::{one_kind_of_output, reporter};
use report::Failure;
use report::output;

/// Arguments of `whoami`.
#[derive(Debug, Args)]
pub(super) struct WhoAmIArguments {
    #[command(flatten)]
    pub sign_in: SignInArguments,
    #[command(flatten)]
    pub connection: ConnectionArguments,
    #[command(flatten)]
    pub output: OutputArguments,
}

#[derive(Serialize)]
struct Identity {
    credential: String,
    /// What made it the choice.
    because: Option<&'static str>,
    tenant: String,
    subscription: String,
    subscription_name: String,
    state: String,
}

/// Runs the command.
pub(super) async fn run(arguments: WhoAmIArguments) -> Result<(), Failure> {
    one_kind_of_output(&arguments.output)?;
    let reporter = reporter(&arguments.output)?;
    let connection = connect(&arguments.connection, &arguments.sign_in.values()?, None, &reporter).await?;
    let credential = connection.credential.as_ref();
    let identity = Identity {
        credential: credential.map_or("the local emulator's token", |credential| credential.name).to_owned(),
        because: credential.map(|credential| credential.reason),
        tenant: connection.account.tenant_id.to_string(),
        subscription: connection.subscription.to_string(),
        subscription_name: connection.account.display_name.clone(),
        state: connection.account.state.clone(),
    };
    let because = identity.because.map(|because| format!(" ({because})")).unwrap_or_default();
    let shown = format!(
        "credential    {}{because}\ntenant        {}\nsubscription  {}  {}\nstate         {}\n",
        identity.credential, identity.tenant, identity.subscription, identity.subscription_name, identity.state
    );
    output::result(arguments.output.output, &identity, &shown)
}
