//! The inventory as people read it.

use std::fmt::Write as _;

use nodes::inventory::Inventory;

/// Everything a user needs next, in lines.
pub fn summary(inventory: &Inventory) -> String {
    let mut text = String::new();
    let mut line = |line: String| {
        let _ = writeln!(text, "{line}");
    };
    line(format!("cluster {} in {} ({})", inventory.name, inventory.location, inventory.cloud));
    let fqdn = inventory.fqdn.as_ref().map(|fqdn| format!("  {fqdn}")).unwrap_or_default();
    line(format!("  address  {}{fqdn}", inventory.public_address));
    if inventory.without_machines {
        line("  no machines: the emulator runs with --vms none, and nothing answers".into());
    }
    // An address at which nothing answers is no address to give to anybody.
    let (ports, dns_records) = match inventory.without_machines {
        true => (&[][..], &[][..]),
        false => (&inventory.ports[..], &inventory.dns_records[..]),
    };
    for port in ports {
        let substitute = if port.port == port.endpoint.port { "" } else { "  (this machine refused the port itself)" };
        line(format!("  {:<8} {} → {}:{}{substitute}", port.name, port.port, port.endpoint.host, port.endpoint.port));
    }
    line(String::new());
    let width = inventory.nodes.iter().map(|node| node.name.len()).max().unwrap_or_default();
    for node in &inventory.nodes {
        let role = if node.etcd_member { "etcd member" } else { "etcd client" };
        let ssh = match inventory.without_machines {
            true => String::new(),
            false => format!("  ssh {}:{}", node.ssh.host, node.ssh.port),
        };
        line(format!("  {:<width$}  {:<12} {role}{ssh}", node.name, node.private_address));
    }
    if !dns_records.is_empty() {
        line(String::new());
        line("DNS records to create in the platform's domain:".into());
        for record in dns_records {
            line(format!("  {:<3} {:<5} {}", record.name, record.record_type, record.value));
        }
    }
    line(String::new());
    line("next:".into());
    if inventory.without_machines {
        line("  azure-coreos-cluster local down && azure-coreos-cluster local up --vms qemu".into());
        line(format!("  azure-coreos-cluster {} --local", inventory.name));
        return text;
    }
    let first = inventory.nodes.first().map_or("", |node| node.name.as_str());
    line(format!("  ssh -F {} {first}", inventory.ssh.config.display()));
    line(format!("  platformctl --cluster {} machines", inventory.name));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_machines_no_address_is_told_as_one_to_reach() {
        let mut inventory: Inventory =
            serde_json::from_str(include_str!("../../tests/fixtures/inventory.json")).unwrap();
        for (without_machines, told) in [(false, true), (true, false)] {
            inventory.without_machines = without_machines;
            let text = summary(&inventory);
            for reach in [" → ", "ssh 1", "DNS records"] {
                assert_eq!(text.contains(reach), told, "{reach}: {text}");
            }
            assert_eq!(text.contains("nothing answers"), without_machines, "{text}");
        }
    }
}
