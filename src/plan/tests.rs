use super::*;
use crate::config::parameter::{NUM_NODES, OPEN, SSH_SOURCES, VM_SIZE};
use crate::config::{ClusterInput, resolve};
use crate::pki::generate_ssh_key_pair;
use crate::spec::{Answers, settle};
use serde_json::{Value, json};

fn spec() -> SettledSpec {
    let key = generate_ssh_key_pair("test").unwrap().public.parse().unwrap();
    let input = ClusterInput::deis("mycluster");
    settle(resolve(&input, None, &key).unwrap(), Answers::default()).unwrap()
}

fn all(spec: &SettledSpec) -> Vec<Desired> {
    let first_boot = FirstBoot { user_data: "{}".into(), keys: Some("host-key=x".into()) };
    desired(spec, &ResourceNames::new("s", spec), &vec![first_boot; spec.node_count as usize])
}

#[test]
fn nothing_is_there_at_first_and_nothing_is_left_to_do_at_last() {
    let spec = spec();
    let first = plan(&spec, all(&spec), &Observed::new()).unwrap();
    assert_eq!(first.count(|action| *action == Action::Create), 12);
    let read = |step: &Step| (step.key, Resource::read(step.body.clone()).unwrap());
    let observed: Observed = first.steps.iter().map(read).collect();
    assert!(plan(&spec, all(&spec), &observed).unwrap().is_empty());
}

#[test]
fn changes_are_told_in_words() {
    let key = generate_ssh_key_pair("test").unwrap().public.parse().unwrap();
    let with = |flags: &[_], earlier: Option<&SettledSpec>| {
        settle(
            resolve(&ClusterInput::flags("mycluster", flags), earlier.map(|earlier| &**earlier), &key).unwrap(),
            Answers::default(),
        )
        .unwrap()
    };
    let earlier = with(&[(&OPEN, "8080,53/udp:53"), (&SSH_SOURCES, "10.0.0.0/8,192.0.2.1")], None);
    let nothing = Plan { steps: Vec::new() };
    let told = |flags: &[_]| {
        let found = changes(Some(&earlier), &with(flags, Some(&earlier)), &nothing);
        (found.taken_away.join("; "), found.others.join("; "))
    };
    let none = String::new;
    for (flags, taken_away, others) in [
        (&[][..], none(), none()),
        (&[(&OPEN, "9000,53/udp:53")][..], "closes 8080/tcp (tcp-8080)".into(), "opens 9000/tcp (tcp-9000)".into()),
        (&[(&OPEN, "8080:/up,53/udp:53")][..], none(), "asks in another way who serves 8080/tcp (tcp-8080)".into()),
        (
            &[(&SSH_SOURCES, "10.0.0.0/8,203.0.113.0/24")][..],
            "no longer lets `192.0.2.1/32` reach SSH".into(),
            "lets `203.0.113.0/24` reach SSH".into(),
        ),
        (
            &[(&NUM_NODES, "5"), (&VM_SIZE, "Standard_B2s")][..],
            none(),
            "adds 2 machines: mycluster-coreos-3 to mycluster-coreos-4; size `Standard_B2s`: of new machines only; \
             those that exist stay as they are"
                .into(),
        ),
    ] {
        assert_eq!(told(flags), (taken_away, others), "{flags:?}");
    }
    let first = changes(None, &earlier, &nothing);
    assert_eq!((first.taken_away.len(), first.others.len()), (0, 2), "{first:?}");
    let reason = Action::Replace { reason: "it failed".into() };
    let mut plan = plan(&earlier, all(&earlier), &Observed::new()).unwrap();
    plan.steps
        .iter_mut()
        .filter(|step| step.key == StepKey::VirtualMachine(1))
        .for_each(|step| step.action = reason.clone());
    let replaced = changes(Some(&earlier), &earlier, &plan).taken_away;
    assert_eq!(replaced, ["virtual machine `mycluster-coreos-1`: it failed"]);
}

#[test]
fn every_step_comes_after_what_it_needs() {
    let spec = spec();
    let mut done = Vec::new();
    for desired in all(&spec) {
        assert!(desired.needs.iter().all(|need| done.contains(need)), "{:?}", desired.key);
        done.push(desired.key);
    }
}

#[test]
fn what_exists_is_judged_by_its_state_and_owner() {
    let spec = spec();
    let with = |key: StepKey, change: &dyn Fn(&mut Value)| {
        let desired = all(&spec);
        let mut document = desired.iter().find(|desired| desired.key == key).unwrap().body.clone();
        change(&mut document);
        let observed = Observed::from([(key, Resource::read(document).unwrap())]);
        plan(&spec, desired, &observed).map(|plan| plan.step(key).unwrap().action.clone())
    };
    let judged = |key: StepKey, change: &dyn Fn(&mut Value)| with(key, change).unwrap();
    let state =
        |state: &'static str| move |document: &mut Value| document["properties"]["provisioningState"] = json!(state);
    assert_eq!(judged(StepKey::LoadBalancer, &state("Updating")), Action::Wait { state: "Updating".into() });
    assert_eq!(
        judged(StepKey::VirtualMachine(1), &state("Failed")),
        Action::Update { changes: vec!["the last operation on it failed".into()] }
    );
    let other_group = judged(StepKey::ResourceGroup, &|document| document["tags"] = json!({"owner": "someone"}));
    assert_eq!(other_group.notes(), ["exists already and is not ours: it is used, not changed"]);
    let closed = judged(StepKey::NetworkSecurityGroup, &|document| {
        document["properties"]["securityRules"].as_array_mut().unwrap().remove(0);
    });
    assert!(matches!(closed, Action::Update { .. }), "{closed:?}");
    let resized = judged(StepKey::VirtualMachine(0), &|document| {
        document["properties"]["hardwareProfile"]["vmSize"] = json!("Standard_B2s");
    });
    let note = "differs, left as it is: properties.hardwareProfile.vmSize: `Standard_B2s` → `Standard_D2as_v5`";
    assert_eq!(resized, Action::Keep { notes: vec![note.into()] });
    for (pointer, what) in
        [("/tags/coreos-cluster-user-data-sha256", "user-data"), ("/properties/hardwareProfile/vmSize", "size")]
    {
        let failed = judged(StepKey::VirtualMachine(0), &|document| {
            state("Failed")(document);
            *document.pointer_mut(pointer).unwrap() = json!("other");
        });
        let reason = format!("it failed, and its {what} is another one now: deleted and made anew");
        assert_eq!(failed, Action::Replace { reason });
    }
    let lacking = with(StepKey::VirtualMachine(0), &|document| {
        state("Failed")(document);
        document["properties"].as_object_mut().unwrap().remove("hardwareProfile");
    });
    let error = lacking.unwrap_err();
    assert!(error.message.contains("missing field `hardwareProfile` at `properties`"), "{error}");
}

#[test]
fn bodies_say_what_azure_must_be_told() {
    let spec = spec();
    let body = |key: StepKey| all(&spec).into_iter().find(|desired| desired.key == key).unwrap().body;
    let balancer = body(StepKey::LoadBalancer);
    for (pointer, expected) in [
        ("/sku/name", json!("Standard")),
        ("/properties/inboundNatRules/0/properties/frontendPortRangeStart", json!(22001)),
        ("/properties/inboundNatRules/0/properties/frontendPortRangeEnd", json!(22003)),
        ("/properties/probes/0/properties/requestPath", json!("/health-check")),
        ("/properties/loadBalancingRules/2/properties/idleTimeoutInMinutes", json!(20)),
        ("/properties/loadBalancingRules/0/properties/disableOutboundSnat", json!(true)),
        ("/properties/outboundRules/0/properties/protocol", json!("All")),
    ] {
        assert_eq!(balancer.pointer(pointer), Some(&expected), "{pointer}");
    }
    let machine = body(StepKey::VirtualMachine(0));
    for (pointer, expected) in [
        ("/properties/osProfile/customData", json!("e30=")),
        ("/properties/osProfile/computerName", json!("mycluster-coreos-0")),
        ("/properties/storageProfile/osDisk/deleteOption", json!("Delete")),
        ("/properties/networkProfile/networkInterfaces/0/properties/deleteOption", json!("Delete")),
        ("/properties/hardwareProfile/vmSize", json!("Standard_D2as_v5")),
        ("/properties/diagnosticsProfile/bootDiagnostics/enabled", json!(true)),
        ("/tags/coreos-cluster", json!("mycluster")),
        ("/tags/coreos-cluster-keys", json!("host-key=x")),
    ] {
        assert_eq!(machine.pointer(pointer), Some(&expected), "{pointer}");
    }
    assert_eq!(machine.pointer("/properties/securityProfile"), None);
    let network = body(StepKey::VirtualNetwork);
    assert_eq!(network.pointer("/properties/subnets/0/properties/defaultOutboundAccess"), Some(&json!(false)));
}
