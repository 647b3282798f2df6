//! What the host tells a guest's agent (`/usr/lib/azure-local/agent` in the image) through the firmware configuration
//! device: one item a file. The stand-in for Azure's DHCP, metadata service and host clock.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::disks::MachineDisks;
use super::folder::{Folder, create_private, write_private};
use super::options::QemuOptions;
use super::way_out;
use crate::machine::{MachineSpec, NetworkInterface};

/// An item: its name below `opt/azure-local/`, and the file with its content.
pub(super) type Item = (String, PathBuf);

/// Writes the items of a machine into its folder, replacing those of an earlier start.
pub(super) fn write(
    folder: &Folder,
    spec: &MachineSpec,
    disks: &MachineDisks,
    options: &QemuOptions,
) -> Result<Vec<Item>> {
    let directory = folder.guest_items();
    if directory.exists() {
        fs::remove_dir_all(&directory).with_context(|| format!("removing `{}`", directory.display()))?;
    }
    create_private(&directory).with_context(|| format!("creating `{}`", directory.display()))?;
    contents(spec, disks.is_grown, options.time_server_port)
        .into_iter()
        .map(|(name, content)| {
            let path = directory.join(name.replace('/', "-"));
            write_private(&path, content.as_bytes())?;
            Ok((name, path))
        })
        .collect()
}

/// Every item's name and content.
pub(super) fn contents(spec: &MachineSpec, is_grown: bool, time_server_port: Option<u16>) -> Vec<(String, String)> {
    let mut items = vec![("computer-name".to_owned(), format!("{}\n", spec.computer_name))];
    for (index, interface) in spec.network_interfaces.iter().enumerate() {
        items.push((format!("network/10-eth{index}.network"), private_network(interface)));
    }
    items.push(("network/20-out.network".to_owned(), network_out(&spec.id)));
    if let Some(interface) = spec.network_interfaces.first() {
        // The names that Flatcar's metadata agent gives them.
        items.push(("metadata".to_owned(), format!("COREOS_AZURE_IPV4_DYNAMIC={}\n", interface.address)));
    }
    if let Some(port) = time_server_port {
        items.push((
            "chrony".to_owned(),
            format!("server {} port {port} iburst minpoll 4 maxpoll 6\n", way_out::HOST_ADDRESS),
        ));
    }
    if is_grown {
        items.push(("grow".to_owned(), "1\n".to_owned()));
    }
    items
}

fn private_network(interface: &NetworkInterface) -> String {
    format!(
        "[Match]\nMACAddress={}\n\n[Network]\nAddress={}/{}\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n",
        interface.mac_address.replace('-', ":"),
        interface.address,
        interface.prefix_length
    )
}

fn network_out(id: &str) -> String {
    format!(
        "[Match]\nMACAddress={}\n\n[Network]\nAddress={}/{}\nGateway={}\nDNS={}\nLinkLocalAddressing=no\n\
         IPv6AcceptRA=no\n",
        way_out::mac_address(id),
        way_out::GUEST_ADDRESS,
        way_out::PREFIX_LENGTH,
        way_out::HOST_ADDRESS,
        way_out::NAME_SERVER
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Disk;
    use std::net::Ipv4Addr;

    #[test]
    fn a_guest_is_told_its_addresses_name_and_clock() {
        let interface = |last, mac: &str| NetworkInterface {
            network: "/x/vnet".to_owned(),
            address: Ipv4Addr::new(10, 0, 0, last),
            prefix_length: 20,
            mac_address: mac.to_owned(),
        };
        let spec = MachineSpec {
            id: "/x/node".to_owned(),
            name: "node".to_owned(),
            computer_name: "node-1".to_owned(),
            custom_data: None,
            administrator: None,
            os_disk: Disk { id: "/x/os".to_owned(), size_gib: None },
            data_disks: Vec::new(),
            network_interfaces: vec![interface(4, "00-0D-3A-00-00-01"), interface(5, "00-0D-3A-00-00-02")],
        };
        let items = contents(&spec, true, Some(1123));
        let names: Vec<&str> = items.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "computer-name",
                "network/10-eth0.network",
                "network/10-eth1.network",
                "network/20-out.network",
                "metadata",
                "chrony",
                "grow"
            ]
        );
        assert!(items[1].1.contains("MACAddress=00:0D:3A:00:00:01\n") && items[1].1.contains("Address=10.0.0.4/20\n"));
        assert!(items[3].1.contains("Gateway=198.18.0.2\n"));
        assert_eq!(items[4].1, "COREOS_AZURE_IPV4_DYNAMIC=10.0.0.4\n");
        assert_eq!(items[5].1, "server 198.18.0.2 port 1123 iburst minpoll 4 maxpoll 6\n");
        // The device's names have at most 55 characters.
        assert!(names.iter().all(|name| format!("opt/azure-local/{name}").len() <= 55));
    }
}
