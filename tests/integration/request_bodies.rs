//! What is sent to Azure, held against what Azure publishes of its requests.

use azure_local::schema;
use coreos_cluster::config::parameter::{
    ACCEPT_TERMS, AVAILABILITY_SET, COREOS_IMAGE, DATA_DISK, DATA_DISK_COUNT, DATA_DISK_TYPE, DEIS, IDENTITIES,
    NUM_NODES, OPEN, OS_DISK_SIZE, PIP, PROXIMITY, Parameter, SCALE_SET, SPOT, SSH_SOURCES, SUBNET_NAMES, TAGS,
    VIRTUAL_NETWORK_NAME, VM_SIZE, ZONES,
};
use coreos_cluster::plan::{FirstBoot, ResourceNames, desired};

use crate::golden::spec;

const IDENTITY: &str =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/puller";
const GROUP: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/proximityPlacementGroups/near";
const IMAGE: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/a/images/b/versions/1.0.0";

#[test]
fn request_bodies_fit_the_published_schemas() {
    let table: &[&[(&Parameter, &str)]] = &[
        &[],
        &[(&DEIS, "true"), (&DATA_DISK, "100"), (&DATA_DISK_COUNT, "2"), (&DATA_DISK_TYPE, "StandardSSD_LRS")],
        &[(&NUM_NODES, "5"), (&ZONES, "1,2,3"), (&PIP, "true"), (&DATA_DISK, "64"), (&DATA_DISK_TYPE, "Premium_ZRS")],
        &[(&SCALE_SET, "true"), (&NUM_NODES, "7"), (&SPOT, "true"), (&TAGS, "team=web,stage=test")],
        &[
            (&AVAILABILITY_SET, "mine"),
            (&PROXIMITY, "near"),
            (&OPEN, "8080/tcp:/health,53/udp:8080"),
            (&OS_DISK_SIZE, "64"),
        ],
        &[(&PROXIMITY, GROUP), (&IDENTITIES, "system"), (&SSH_SOURCES, "192.0.2.0/24,198.51.100.7/32")],
        &[(&IDENTITIES, IDENTITY), (&COREOS_IMAGE, IMAGE), (&VM_SIZE, "Standard_D2ps_v6")],
        &[(&COREOS_IMAGE, "kinvolk:flatcar-container-linux:stable-gen2:4459.2.0"), (&ACCEPT_TERMS, "true")],
        &[(&VIRTUAL_NETWORK_NAME, "shared/office"), (&SUBNET_NAMES, "nodes")],
    ];
    for flags in table {
        let spec = spec(flags, None);
        let first_boot = FirstBoot { user_data: "{}".into(), keys: Some("host-key=x".into()) };
        let wanted = desired(&spec, &ResourceNames::new("s", &spec), &vec![first_boot; spec.nodes().len()]);
        assert!(!wanted.is_empty());
        for resource in wanted {
            let path = resource.id.path();
            let resource_type = match path.split_once("/providers/") {
                Some((_, of_provider)) => of_provider.rsplit_once('/').unwrap().0,
                None => "Microsoft.Resources/resourceGroups",
            };
            let mistakes = schema::mistakes(resource_type, &resource.body);
            assert!(mistakes.is_empty(), "{path}: {mistakes:#?}\n{:#}", resource.body);
        }
    }
}
