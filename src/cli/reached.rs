//! How a cluster is reached, read back from Azure, and from the emulator where that stands in for it: `create` writes an
//! inventory of it, `start` brings the one that there is up to date.

use std::collections::BTreeMap;

use super::connection::Connection;
use crate::arm::{ArmError, PublicIpAddress};
use crate::execute::{gone, ssh_ports};
use crate::outputs::Reached;
use crate::plan::ResourceNames;
use crate::spec::SettledSpec;
use nodes::inventory::SocketEndpoint;
use report::Failure;

/// Reads it; `refused` says what to run next after an error of Azure's.
pub(super) async fn read(
    connection: &Connection,
    spec: &SettledSpec,
    refused: impl Fn(ArmError) -> Failure,
) -> Result<Reached, Failure> {
    let names = ResourceNames::new(&connection.subscription, spec);
    let address_id = names.public_ip_address();
    let arm = &connection.arm;
    let reading = async { tokio::try_join!(arm.get_as(&address_id), ssh_ports(arm, spec, &names)) };
    let (address, ssh_ports) = reading.await.map_err(&refused)?;
    let address: PublicIpAddress = address.ok_or_else(|| refused(gone(&address_id)))?;
    let public_address = address.properties.ip_address;
    let (listeners, without_machines) = match &connection.emulator {
        Some(emulator) => (emulator.listeners().await?, !emulator.has_machines().await?),
        None => (Vec::new(), false),
    };
    // The emulator says where a port really listens; Azure's ports are where they are.
    let of_cluster = listeners.iter().filter(|listener| listener.public.ip() == public_address);
    let substitutes: BTreeMap<u16, SocketEndpoint> = of_cluster
        .filter_map(|listener| {
            let bound = listener.bound?;
            Some((listener.public.port(), SocketEndpoint { host: bound.ip().to_string(), port: bound.port() }))
        })
        .collect();
    let fqdn = address.properties.dns_settings.and_then(|settings| settings.fqdn);
    Ok(Reached { public_address, fqdn, ssh_ports, substitutes, without_machines })
}
