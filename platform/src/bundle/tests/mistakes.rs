//! Every mistake of a bad bundle, all at once, each at its place.

use super::*;

#[test]
fn mistakes_of_the_manifest() {
    for (from, to, message) in [
        ("name: shop", "name: Shop", "line 1: `name`: must be 1 to 30 of `a-z 0-9 -`"),
        ("name: shop\n", "", "`name` is missing"),
        (
            "version: 1.2.3",
            "version: 1.2",
            "line 2: `version`: must be a semantic version such as `1.2.3`, found `1.2`",
        ),
        ("description:", "descripton:", "line 3: `descripton`: unknown key [did you mean `description`?]"),
        ("probe: {http: /health}", "probe: udp", "line 5: `ports[0].probe`: must be one of `tcp`, found `udp`"),
        ("probe: {http: /health}", "probe: {http: health}", "line 5: `ports[0].probe.http`: must be a path such as"),
        ("probe: {http: /health}", "probe: tcp, protocol: udp", "line 5: `ports[0].protocol`: must be one of `tcp`"),
        ("port: 80, probe", "port: 0, probe", "line 5: `ports[0].port`: must be a whole number, 1 to 65534"),
        ("port: 80, probe", "port: 65535, probe", "line 5: `ports[0].port`: must be a whole number, 1 to 65534"),
        (
            "port: 80, probe",
            "idle_timeout_minutes: 60, port: 80, probe",
            "`ports[0].idle_timeout_minutes`: must be a whole",
        ),
        (
            "subsystems:",
            "- {name: web, port: 81, probe: tcp}\nsubsystems:",
            "line 6: `ports[1]`: another port is named `web`",
        ),
        (
            "subsystems:",
            "- {name: w, port: 80, probe: tcp}\nsubsystems:",
            "line 6: `ports[1]`: port 80 is already that of `web`",
        ),
        (
            "name: web, port: 80",
            "name: ssh, port: 80",
            "line 5: `ports[0]`: the cluster has a rule of its own that is named `ssh`",
        ),
        (
            "port: 80, probe",
            "port: 2377, probe",
            "line 5: `ports[0]`: port 2377 is Docker Swarm's on every node and is never opened",
        ),
        (
            "port: 80, probe",
            "port: 81, probe",
            "line 5: `ports[0]`: no component publishes port 81 over TCP, so nothing would answer there [publish it under",
        ),
        (
            "deadline_seconds: 60",
            "publishes: [81, 2380]",
            "line 13: `subsystems[1].components[1].publishes[1]`: port 2380 is etcd's on every node",
        ),
        ("kind: host", "kind: host, publishes: [81]", "`scalable`, `when` and `publishes` do not belong here"),
        (
            "subsystems:",
            "apps: {network: front, labels: shop.route}\nsubsystems:",
            "line 6: `apps.network`: the stack has no network `front`; it has none",
        ),
        (
            "subsystems:",
            "apps: {network: front, labels: Shop}\nsubsystems:",
            "line 6: `apps.labels`: `Shop` is no prefix of labels",
        ),
        (
            "subsystems:",
            "apps: {network: front, labels: shop.route, open_networks: [data]}\nsubsystems:",
            "line 6: `apps.open_networks[0]`: the stack has no network `data`; it has none",
        ),
        ("subsystems:", "apps: {network: front}\nsubsystems:", "line 6: `apps`: `labels` is missing"),
        ("kind: host", "kind: vm", "line 12: `subsystems[1].components[0].kind`: must be one of `service`, `host`"),
        (
            "health: etcd-quorum",
            "health: container",
            "line 12: `subsystems[1].components[0]`: a component of kind `host` needs",
        ),
        ("kind: host, ", "", "`health: etcd-quorum` belongs to a component of kind `host`"),
        ("kind: host", "kind: host, scalable: true", "a component of kind `host` is always there"),
        ("scalable: true, ", "", "line 9: `subsystems[0].components[0]`: `scalable_when` needs `scalable: true`"),
        (
            "when: db/enabled",
            "when: db/enable",
            "component `db`: `when` names `db/enable`, which is no setting [did you mean `db/enabled`?]",
        ),
        (
            "when: db/enabled",
            "when: enabled",
            "`subsystems[0].components[0].when`: must be a setting's name, `TARGET/KEY`",
        ),
        (
            "deadline_seconds: 60",
            "deadline: 60",
            "`subsystems[1].components[1].deadline`: unknown key [did you mean `deadline_seconds`?]",
        ),
        ("name: nodes", "name: db", "line 12: `subsystems[1].components[0]`: there is a component `db` already"),
        ("name: nodes", "name: settings", "`settings` means something else in settings and templates"),
        (
            "{name: web, health",
            "{name: web2, health",
            "line 13: `subsystems[1].components[1]`: the stack has no service `web2`",
        ),
        (
            "  web:\n    color",
            "  wep:\n    color",
            "line 21: `settings.wep`: `wep` is no component; settings belong to a component or to `platform` [did you mean `web`?]",
        ),
        (
            "type: domain",
            "type: hostname",
            "line 16: `settings.platform.domain.type`: must be one of `string`, `integer`",
        ),
        ("type: domain", "type: email", "line 16: `settings.platform.domain.example`: must be an address such as"),
        (
            "required: true, help: Its name",
            "required: true, default: x.y, help: Its name",
            "a setting with a default is never missing",
        ),
        (
            "type: boolean, default: false",
            "type: boolean, default: no",
            "line 18: `settings.db.enabled.default`: must be `true` or `false`, found `no`",
        ),
        (
            "default: red",
            "default: green",
            "line 22: `settings.web.color.default`: must be one of `red`, `blue`, found `green`",
        ),
        ("choices: [red, blue]", "choices: []", "`settings.web.color`: `choices` is empty"),
        ("minimum: 1", "minimum: 10", "`settings.web.workers`: `minimum` is more than `maximum`"),
        (
            "help: Processes",
            "hepl: Processes",
            "line 23: `settings.web.workers.hepl`: unknown key [did you mean `help`?]",
        ),
        (
            "type: secret",
            "type: secret, default: x",
            "line 20: `settings.db.password.default`: a secret's value never stands",
        ),
        (
            "    workers: {",
            "    image: {type: string, help: x}\n    workers: {",
            "line 23: `settings.web.image`: every bundle has this setting",
        ),
        (
            "    workers: {",
            "    a-b: {type: string, help: x}\n    workers: {",
            "line 23: `settings.web.a-b`: a setting's name must be of letters",
        ),
        (
            "path: /health}}, d",
            "path: /health, code: 200}}, d",
            "`subsystems[1].components[1].health.http.code`: unknown key",
        ),
    ] {
        let problems = load(&changed(MANIFEST_TEXT, from, to), STACK_TEXT).unwrap_err();
        let found = messages(&problems);
        let right = |one: &String| one.starts_with("`dir/platform.yaml`") && one.contains(message);
        assert!(found.iter().any(right), "{from} -> {to}\n{found:#?}\n{message}");
    }
}

#[test]
fn mistakes_of_the_stack() {
    for (from, to, message) in [
        ("image: web:1", "image: web", "line 6: `services.web.image`: `web` names no version; add one"),
        (
            "image: web:1",
            "image: web:latest",
            "line 6: `services.web.image`: `web:latest`: `latest` is another image every day",
        ),
        ("image: web:1", "imag: web:1", "line 5: `services.web`: `image` is missing"),
        ("image: web:1", "imag: web:1", "line 6: `services.web.imag`: unknown key [did you mean `image`?]"),
        (
            "published: 80",
            "published: 81",
            "line 7: `services.web.ports`: the health check asks port 80, which the service does not publish",
        ),
        (
            "published: 80",
            "published: 22",
            "line 7: `services.web.ports`: publishes port 22, which is SSH's on every node; choose another one",
        ),
        (
            "  web:\n",
            "  cache: {image: 'c:1'}\n  web:\n",
            "line 5: `services.cache`: no subsystem of `platform.yaml` has a component `cache`",
        ),
        (
            "  web:\n",
            "  nodes: {image: 'c:1'}\n  web:\n",
            "line 5: `services.nodes`: the component `nodes` is of kind `host`",
        ),
        (
            "    image: db:1\n",
            "    image: db:1\n    deploy: {mode: global}\n",
            "line 4: `services.db.deploy`: a global service is not scalable",
        ),
        (
            "    image: db:1\n",
            "    image: db:1\n    deploy: {replicas: 2}\n",
            "line 4: `services.db.deploy`: 2 tasks; more than one is safe only with the setting `db/shared`",
        ),
        (
            "web.color",
            "web.colour",
            "line 10: `web.colour` is not among the settings of `platform.yaml` [did you mean `web.color`?]",
        ),
        (
            "web.color",
            "wep.color",
            "line 10: `wep.color` is not among the settings of `platform.yaml` [did you mean `web.color`?]",
        ),
        ("web.color", "color", "line 10: `color` is not among the settings"),
        ("{% endif %}", "", "unexpected end of input"),
        ("{{ web.workers }}", "{{ web.workers | nothing }}", "line 12: unknown filter"),
        ("WORKERS: ", "B: [", "not YAML"),
        (
            "WORKERS: ",
            "COLOR: ",
            "line 12: `services.web.environment.COLOR`: stands a second time; the first is on line 10",
        ),
        (
            "deploy: {mode: global}",
            "deploy: {mode: globl}",
            "line 14: `services.web.deploy.mode`: must be one of `replicated`, `global`",
        ),
        ("    deploy:", "    depends_on: [db]\n    deploy:", "`services.web.depends_on` is ignored"),
        (
            "  db.password: {external: true}",
            "  db.passwd: {external: true, name: db.passwd}",
            "line 16: `secrets.db.passwd`: `db.passwd` is no secret setting of `platform.yaml`",
        ),
        (
            "secrets:\n  db.password: {external: true}\n",
            "",
            "line 4: `services.db.secrets[0]`: `db.password` is not among the file's `secrets`",
        ),
    ] {
        let problems = load(MANIFEST_TEXT, &changed(STACK_TEXT, from, to)).unwrap_err();
        let found = messages(&problems);
        let right = |one: &String| one.starts_with("`dir/stack.yaml`") && one.contains(message);
        assert!(found.iter().any(right), "{from} -> {to}\n{found:#?}\n{message}");
    }
}

#[test]
fn a_name_that_is_not_known_is_one_mistake() {
    let stack = changed(STACK_TEXT, "image: web:1", "image: {{ nope.x }}");
    let found = messages(&load(MANIFEST_TEXT, &stack).unwrap_err());
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains("`nope.x` is not among the settings"), "{found:#?}");
    let stack = changed(STACK_TEXT, "web.color", "web.color ~ range(2)");
    load(MANIFEST_TEXT, &stack).unwrap_or_else(|problems| panic!("{problems}"));
}

#[test]
fn mistakes_of_both_files_come_at_once() {
    let manifest =
        changed(&changed(MANIFEST_TEXT, "version: 1.2.3", "version: one"), "port: 80, probe", "port: x, probe");
    let stack = changed(&changed(STACK_TEXT, "image: web:1", "image: web"), "web.color", "web.colour");
    let found = messages(&load(&manifest, &stack).unwrap_err());
    assert_eq!(found.len(), 4, "{found:#?}");
    let only = BTreeMap::from([(MANIFEST.to_owned(), MANIFEST_TEXT.to_owned())]);
    let found = messages(&Bundle::from_files(only, "dir").unwrap_err());
    assert_eq!(found, ["`dir/stack.yaml`: the file is missing"]);
}

#[test]
fn the_nodes_own_ports_stay_theirs() {
    let ports = |ports: &str| changed(STACK_TEXT, "[{target: 8080, published: 80, mode: host}]", ports);
    for (text, refused) in [
        ("['80:80', '2377:80']", vec![2377]),
        ("['80:80', '2379:2379/tcp', '7946:7946/udp', '4789:4789/udp', '22:22']", vec![2379, 7946, 4789, 22]),
        ("['80:80', '2375-2380:2375-2380']", vec![2375, 2376, 2377, 2379, 2380]),
        ("['80:80', {target: 80, published: 7946, protocol: tcp, mode: ingress}]", vec![7946]),
        ("['80:80', {target: 80, published: '22', protocol: udp, mode: host}]", vec![22]),
        ("['80:22', '2222:22', '2377']", vec![]),
    ] {
        let found = match load(MANIFEST_TEXT, &ports(text)) {
            Ok(_) => Vec::new(),
            Err(problems) => messages(&problems),
        };
        assert_eq!(found.len(), refused.len(), "{text}: {found:#?}");
        for (one, port) in found.iter().zip(refused) {
            let expected = format!("`dir/stack.yaml` line 7: `services.web.ports`: publishes port {port}, which is");
            assert!(one.starts_with(&expected), "{one}");
        }
    }
}

#[test]
fn a_port_that_is_a_setting_is_looked_at_when_it_is_known() {
    let manifest =
        changed(MANIFEST_TEXT, "    workers: {", "    port: {type: integer, default: 81, help: x}\n    workers: {");
    let stack = changed(STACK_TEXT, "ports: [", "ports: [{target: 9, published: {{ web.port }}}, ");
    let bundle = load(&manifest, &stack).unwrap_or_else(|problems| panic!("{problems}"));
    let mut values = values();
    assert!(bundle.render(&values).is_ok());
    values.set("web", "port", "2379");
    let found = messages(&bundle.render(&values).unwrap_err());
    assert_eq!(
        found,
        [
            "`dir/stack.yaml`: `services.web.ports`: publishes port 2379, which is etcd's on every node; choose another one"
        ]
    );
}

#[test]
fn what_an_earlier_version_installed_can_be_read() {
    let manifest = changed(MANIFEST_TEXT, "ports:\n", "ports:\n- {name: builder, port: 2222, probe: tcp}\n");
    let stack = changed(STACK_TEXT, "published: 80, mode: host}", "published: 80, mode: host}, '22:22'");
    let files = [(MANIFEST, manifest), (STACK, stack)].map(|(name, text)| (name.to_owned(), text));
    assert!(Bundle::from_files(BTreeMap::from(files.clone()), "dir").is_err());
    let bundle = Bundle::installed(BTreeMap::from(files), "dir").unwrap_or_else(|problems| panic!("{problems}"));
    assert!(bundle.render(&values()).is_err(), "it is not installed again");
}

#[test]
fn deis_opens_what_answers_and_what_its_clients_push_to() {
    let numbers = |ports: &[BundlePort]| ports.iter().map(|port| port.port).collect::<Vec<_>>();
    assert_eq!(numbers(&Bundle::default_platform().unwrap().ports), [80, 443]);
    assert_eq!(numbers(&deis_ports()), [80, 443, 2222]);
}
