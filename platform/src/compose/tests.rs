//! Whole files: what they become, and every mistake of bad ones.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;

/// The file's first service, in a file that is right otherwise.
fn with_service(lines: &str) -> String {
    let mut text = String::from("services:\n  web:\n    image: example/web:1\n");
    for line in lines.lines() {
        text.push_str(&format!("    {line}\n"));
    }
    text
}

fn mistakes(text: &str) -> Vec<String> {
    match Stack::parse(text, "f.yaml") {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(|problem| format!("{}: {}", problem.origin, problem.message)).collect(),
    }
}

#[track_caller]
fn parsed(text: &str) -> Parsed {
    Stack::parse(text, "f.yaml").unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

#[track_caller]
fn service(lines: &str) -> Service {
    parsed(&with_service(lines)).stack.services.remove("web").unwrap()
}

/// The spec of the service `web`.
#[track_caller]
fn spec(text: &str) -> Value {
    let rendered = parsed(text).stack.render(&Naming { namespace: "shop" });
    serde_json::to_value(&rendered.services.iter().find(|one| one.component == "web").unwrap().spec).unwrap()
}

#[test]
fn mistakes_of_a_service_name_the_key_and_the_line() {
    for (lines, line, message) in [
        ("build: .", 4, "`services.web.build`: images are not built here: build and push the image first"),
        ("privileged: true", 4, "`services.web.privileged`: Swarm services cannot be privileged: use `cap_add`"),
        ("network_mode: host", 4, "`services.web.network_mode`: Swarm services are in networks"),
        ("env_file: .env", 4, "`services.web.env_file`: files beside this one are not read"),
        ("mem_limit: 1g", 4, "`services.web.mem_limit`: use `deploy.resources.limits.memory`"),
        ("profiles: [debug]", 4, "`services.web.profiles`: there are no profiles here"),
        ("comand: x", 4, "`services.web.comand`: unknown key"),
        ("volume: [a]", 4, "`services.web.volume`: unknown key"),
        ("user:\n  name: x", 4, "`services.web.user`: must be a text or a number, found a mapping"),
        ("init: sometimes", 4, "`services.web.init`: must be `true` or `false`, found `sometimes`"),
        ("command: \"echo 'x\"", 4, "`services.web.command`: has a quote that does not end"),
        ("environment:\n  A: 1\n  B:", 6, "`services.web.environment.B`: `B` has no value"),
        ("environment:\n- A=1\n- B", 6, "`services.web.environment[1]`: `B` has no value"),
        ("environment: [A=1, A=2]", 4, "`services.web.environment[1]`: `A` is given twice"),
        ("ports: ['http']", 4, "`services.web.ports[0]`: `http` is not `[PUBLISHED:]TARGET[/PROTOCOL]`"),
        ("ports: ['127.0.0.1:80:80']", 4, "`services.web.ports[0]`: `127.0.0.1:80:80`: Swarm publishes on all"),
        ("ports: ['80:80/sctp']", 4, "`services.web.ports[0]`: protocol `sctp` is none of `tcp`, `udp`"),
        ("ports: ['8000-8001:80']", 4, "`services.web.ports[0]`: `8000-8001:80`: the two ranges differ in length"),
        ("ports:\n- {target: 0}", 5, "`services.web.ports[0].target`: must be a whole number, 1 to 65535, found `0`"),
        ("ports:\n- published: 80", 5, "`services.web.ports[0]`: `target` is missing"),
        ("ports:\n- {target: 80, mode: mesh}", 5, "`services.web.ports[0].mode`: must be one of `ingress`, `host`"),
        ("ports:\n- {target: 80, host_ip: 127.0.0.1}", 5, "`services.web.ports[0].host_ip`: Swarm publishes on all"),
        ("volumes: ['./data:/data']", 4, "`services.web.volumes[0]`: `./data` would be a path of this machine"),
        ("volumes: ['data:/data']", 4, "`services.web.volumes[0]`: volume `data` is not among the file's `volumes`"),
        ("volumes: ['/a:b']", 4, "`services.web.volumes[0]`: the path in the container must be absolute, found `b`"),
        ("volumes: ['/a:/b:rox']", 4, "`services.web.volumes[0]`: option `rox` is none of"),
        ("volumes: ['/a:/b', '/c:/b']", 2, "`services.web`: two mounts have the target `/b`"),
        ("volumes:\n- {type: npipe, target: /x}", 5, "`services.web.volumes[0].type`: must be one of `volume`, `bind`"),
        ("volumes:\n- {type: bind, target: /x}", 5, "`services.web.volumes[0]`: `source` is missing"),
        ("volumes:\n- {type: tmpfs, target: /x, bind: {}}", 5, "`services.web.volumes[0].bind`: does not belong"),
        ("tmpfs: /run:uid=1", 4, "`services.web.tmpfs`: option `uid=1` is none of `size=…`, `mode=…`"),
        ("networks: [back]", 4, "`services.web.networks[0]`: network `back` is not among the file's `networks`"),
        (
            "networks: {default: {ipv4_address: 1.2.3.4}}",
            4,
            "`services.web.networks.default.ipv4_address`: Swarm chooses",
        ),
        ("configs: [app]", 4, "`services.web.configs[0]`: `app` is not among the file's `configs`"),
        ("secrets: [{source: key}]", 4, "`services.web.secrets[0]`: `key` is not among the file's `secrets`"),
        ("secrets: [{source: key, mode: 9}]", 4, "`services.web.secrets[0]`: `key` is not among"),
        ("healthcheck: {test: [curl, x]}", 4, "`services.web.healthcheck.test`: a list must start with `CMD`"),
        (
            "healthcheck: {test: x, disable: true}",
            4,
            "`services.web.healthcheck.test`: `disable: true` and `test` exclude",
        ),
        ("healthcheck: {test: x, interval: 10}", 4, "`services.web.healthcheck.interval`: must be a duration such as"),
        ("deploy: {mode: everywhere}", 4, "`services.web.deploy.mode`: must be one of `replicated`, `global`"),
        ("deploy: {mode: global-job}", 4, "`services.web.deploy.mode`: jobs are not supported"),
        ("deploy: {mode: global, replicas: 2}", 4, "`services.web.deploy.replicas`: a global service has one task"),
        ("deploy: {replicas: -1}", 4, "`services.web.deploy.replicas`: must be a whole number, 0 to 10000, found `-1`"),
        (
            "deploy:\n  placement:\n    constraints: [node.label.x == 1]",
            6,
            "`services.web.deploy.placement.constraints[0]`: `node.label.x` is none of",
        ),
        (
            "deploy: {placement: {constraints: [node.role = manager]}}",
            4,
            "`services.web.deploy.placement.constraints[0]`: `node.role = manager` is not `node.labels.NAME == VALUE`",
        ),
        (
            "deploy: {rollback_config: {failure_action: rollback}}",
            4,
            "`services.web.deploy.rollback_config.failure_action`: must be one of `continue`, `pause`",
        ),
        (
            "deploy: {update_config: {max_failure_ratio: 2}}",
            4,
            "`services.web.deploy.update_config.max_failure_ratio`: must be 0 to 1, found `2`",
        ),
        (
            "deploy: {resources: {limits: {memory: 5x}}}",
            4,
            "`services.web.deploy.resources.limits.memory`: must be an amount of bytes",
        ),
        (
            "deploy: {resources: {limits: {cpus: 0}}}",
            4,
            "`services.web.deploy.resources.limits.cpus`: must be a number of",
        ),
        ("restart: maybe", 4, "`services.web.restart`: must be one of `no`, `always`"),
        ("links: ['db:database']", 4, "`services.web.links[0]`: links have no names of their own here: give `db`"),
        ("extra_hosts: ['x:y']", 4, "`services.web.extra_hosts[0]`: `y` is not an IP address"),
        ("ulimits: {nofile: {soft: 1}}", 4, "`services.web.ulimits.nofile`: `hard` is missing"),
        ("platform: amd64", 4, "`services.web.platform`: must be `OS/ARCHITECTURE`"),
        ("hostname: ${NAME}", 4, "`services.web.hostname`: variable `NAME` is not set"),
        ("labels: ['price=5$']", 4, "`services.web.labels[0]`: a lone `$` means nothing"),
        ("working_dir: !path /x", 4, "`services.web.working_dir`: must be a text or a number, found the tag `!path`"),
    ] {
        let found = mistakes(&with_service(lines));
        let [found] = found.as_slice() else { panic!("{lines}: {found:#?}") };
        let expected = format!("`f.yaml` line {line}: {message}");
        assert!(found.starts_with(&expected), "{lines}:\n{found}\n{expected}");
    }
}

#[test]
fn mistakes_of_a_file() {
    let web = "services: {web: {image: 'x:1'}}\n";
    for (text, message) in [
        ("", "must be a mapping"),
        ("services: {", "not YAML"),
        ("services: {}", "`services`: has no service"),
        ("servces: {web: {image: 'x:1'}}", "`services` is missing"),
        ("servces: {web: {image: 'x:1'}}", "`servces`: unknown key"),
        ("services: {web: {}}", "`services.web`: `image` is missing"),
        ("services: {web: {image: ''}}", "`services.web.image`: must be an image"),
        ("services: {-web: {image: 'x:1'}}", "`services.-web`: the name must be of letters"),
        ("services: [web]", "`services`: must be a mapping"),
        (&format!("{web}include: [other.yaml]"), "`include`: other files are not read"),
        (&format!("{web}networks: {{a: {{driver: bridge}}}}"), "`networks.a.driver`: must be `overlay`"),
        (&format!("{web}networks: {{a: {{ipam: {{}}}}}}"), "`networks.a.ipam`: Swarm chooses the addresses"),
        (
            &format!("{web}networks: {{a: {{external: true, internal: true}}}}"),
            "`networks.a`: an external network exists",
        ),
        (&format!("{web}volumes: {{a: {{external: true, driver: x}}}}"), "`volumes.a`: an external volume exists"),
        (&format!("{web}configs: {{a: {{file: ./a}}}}"), "`configs.a.file`: files beside this one are not read"),
        (&format!("{web}configs: {{a: {{external: true}}}}"), "`configs.a.external`: is not supported for configs"),
        (&format!("{web}secrets: {{a: {{file: ./a}}}}"), "`secrets.a.file`: a secret's value never stands in a file"),
        (&format!("{web}secrets: {{a: {{}}}}"), "`secrets.a`: must be `external: true`"),
        (
            "services: {a: {image: 'x:1', ports: ['80:80']}, b: {image: 'x:1', ports: ['80:81']}}",
            "services `a` and `b` both publish port 80",
        ),
        ("services: {a: {image: 'x:1', ports: ['80:80', '80:81']}}", "service `a` publishes port 80 twice"),
        ("a: 1\na: 2\n", "line 2: `a`: stands a second time; the first is on line 1"),
    ] {
        let found = mistakes(text);
        assert!(found.iter().any(|one| one.contains(message)), "{text}\n{found:#?}\n{message}");
    }
}

#[test]
fn all_mistakes_come_at_once_in_the_order_of_their_lines() {
    let text = "version: '3'\nservices:\n  a:\n    image: x:1\n    ports: [x]\n    privileged: true\n  b:\n    command: y\n    \
                image:\nvolumes:\n  v: {driver_opt: {}}\n";
    let found = mistakes(text);
    let lines: Vec<&str> = found.iter().filter_map(|one| one.split(": ").next()).collect();
    assert_eq!(lines, ["`f.yaml` line 5", "`f.yaml` line 6", "`f.yaml` line 7", "`f.yaml` line 11"], "{found:#?}");
    let problems = Stack::parse(text, "f.yaml").unwrap_err();
    assert_eq!(problems.iter().last().unwrap().hint.as_deref(), Some("did you mean `driver_opts`?"));
}

#[test]
fn what_has_no_effect_is_a_warning() {
    for (lines, warning) in [
        ("container_name: x", "`services.web.container_name` is ignored: Swarm names containers itself"),
        ("depends_on: [db]", "`services.web.depends_on` is ignored: Swarm starts services together"),
        ("depends_on: {db: {condition: service_healthy}}", "`services.web.depends_on` is ignored"),
        ("links: [db]", "`services.web.links[0]` is ignored: services of one network find each other by name"),
        ("pull_policy: always", "`services.web.pull_policy` is ignored"),
        ("volumes: ['/a:/b:Z']", "`services.web.volumes[0]` option `Z` is ignored"),
        (
            "volumes: [{type: bind, source: /a, target: /b, bind: {create_host_path: true}}]",
            "`services.web.volumes[0].bind.create_host_path` is ignored",
        ),
    ] {
        let parsed = parsed(&with_service(lines));
        let [found] = parsed.warnings.as_slice() else { panic!("{lines}: {:#?}", parsed.warnings) };
        assert!(found.message.starts_with(warning), "{lines}: {found:?}");
    }
    let obsolete = parsed("services: {a: {image: 'x:1'}}\nversion: '3.8'").warnings;
    assert_eq!(obsolete, [Warning { line: Some(2), message: "`version` is obsolete and ignored".into() }]);
    assert_eq!(parsed(&with_service("expose: [80, '81']")).warnings, []);
}

#[test]
fn both_forms_of_a_key_mean_the_same() {
    for (one, other) in [
        ("environment: {A: 1, B: 'x=y', C: true, D: ''}", "environment: [A=1, B=x=y, C=true, D=]"),
        ("labels: {a: b, c: ''}", "labels: [a=b, c]"),
        ("command: [sh, -c, 'echo hello world']", "command: sh -c 'echo hello world'"),
        ("ports: ['8080:80/udp', 9090]", "ports: [{target: 80, published: 8080, protocol: udp}, {target: 9090}]"),
        ("ports: ['8000-8001:80-81']", "ports: ['8000:80', {target: 81, published: '8001'}]"),
        ("volumes: ['/a:/b:ro']", "volumes: [{type: bind, source: /a, target: /b, read_only: true}]"),
        ("volumes: ['/a:/b:rshared']", "volumes: [{type: bind, source: /a, target: /b, bind: {propagation: rshared}}]"),
        ("volumes: [/data]", "volumes: [{type: volume, target: /data}]"),
        ("tmpfs: '/run:size=64m,mode=1777'", "volumes: [{type: tmpfs, target: /run, tmpfs: {size: 64m, mode: 01777}}]"),
        ("tmpfs: [/run]", "tmpfs: /run"),
        ("networks: [default]", "networks: {default: }"),
        ("healthcheck: {test: 'curl x'}", "healthcheck: {test: [CMD-SHELL, 'curl x']}"),
        ("healthcheck: {disable: true}", "healthcheck: {test: [NONE]}"),
        ("restart: always", "deploy: {restart_policy: {condition: any}}"),
        ("restart: unless-stopped", "deploy: {restart_policy: {condition: any}}"),
        ("restart: 'no'", "deploy: {restart_policy: {condition: none}}"),
        ("restart: on-failure:3", "deploy: {restart_policy: {condition: on-failure, max_attempts: 3}}"),
        ("extra_hosts: ['a:10.0.0.1', 'b=::1']", "extra_hosts: {a: 10.0.0.1, b: '::1'}"),
        ("ulimits: {nofile: 5}", "ulimits: {nofile: {soft: 5, hard: 5}}"),
        ("dns: 10.0.0.1", "dns: [10.0.0.1]"),
        ("sysctls: {a: 1}", "sysctls: [a=1]"),
        ("hostname: ${X:-y}", "hostname: y"),
        ("deploy: {replicas: '${N:-3}'}", "deploy: {replicas: 3}"),
        ("deploy: {labels: {a: 5}}", "deploy: {labels: [a=5]}"),
        ("deploy: {resources: {limits: {cpus: '0.5'}}}", "deploy: {resources: {limits: {cpus: 0.5}}}"),
        ("init: true\nx-a: &a {b: 1}\nlabels: {<<: *a}", "init: true\nlabels: {b: 1}\nx-a: {b: 1}"),
    ] {
        assert_eq!(service(one), service(other), "{one}\n{other}");
        assert_ne!(service(one), service("hostname: other"), "{one}");
    }
}

#[test]
fn extensions_stay_on_their_service() {
    let service = service("x-public: {port: 80, hosts: [a, b]}");
    assert_eq!(service.extensions["x-public"], json!({"port": 80, "hosts": ["a", "b"]}));
}

#[test]
fn defaults_suit_a_cluster() {
    assert_eq!(
        spec("services: {web: {image: 'x:1'}}"),
        json!({
            "Name": "shop_web",
            "Labels": {"com.docker.stack.namespace": "shop"},
            "Mode": {"Replicated": {"Replicas": 1}},
            "EndpointSpec": {"Mode": "vip"},
            "UpdateConfig": {"Parallelism": 1, "Order": "stop-first", "FailureAction": "pause"},
            "TaskTemplate": {
                "ContainerSpec": {"Image": "x:1", "Labels": {"com.docker.stack.namespace": "shop"}},
                "Networks": [{"Target": "shop_default", "Aliases": ["web"]}],
                "RestartPolicy": {"Condition": "any", "Delay": 5_000_000_000u64},
            },
        })
    );
    let rendered = parsed("services: {web: {image: 'x:1'}}").stack.render(&Naming { namespace: "shop" });
    let names: Vec<&str> = rendered.networks.iter().map(|network| network.name.as_str()).collect();
    assert_eq!(names, ["shop_default"]);
}

#[test]
fn everything_a_service_can_say_reaches_its_spec() {
    let text = "\
services:
  web:
    image: example/web:1
    command: [--port, '80']
    entrypoint: /bin/web
    environment: {B: two, A: 'one=1'}
    labels: {of: container}
    ports: [{target: 80, published: 8080, mode: host}]
    volumes:
    - data:/data:nocopy
    - kept:/kept
    - {type: bind, source: /a, target: /b, read_only: true, bind: {propagation: rslave}}
    - {type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 0o700}}
    networks: {front: {aliases: [www], driver_opts: {o: '1'}}, shared: }
    configs: [app, {source: app, target: /etc/app, uid: 1, gid: '2', mode: 0400}]
    secrets: [db.password, {source: key, target: /k}]
    healthcheck: {test: [CMD, check, x], interval: 1m30s, timeout: 5s, retries: 3, start_period: 10s}
    deploy:
      mode: replicated
      replicas: 4
      labels: {of: service}
      endpoint_mode: dnsrr
      placement:
        constraints: [node.labels.dataPlane == true]
        preferences: [{spread: node.labels.zone}]
        max_replicas_per_node: 2
      update_config:
        {parallelism: 2, delay: 1s, failure_action: rollback, monitor: 2s, max_failure_ratio: 0.5, order: start-first}
      rollback_config: {parallelism: 0, failure_action: continue, order: start-first}
      restart_policy: {condition: on-failure, delay: 1s, max_attempts: 3, window: 2s}
      resources:
        limits: {cpus: '0.25', memory: 64m, pids: 9}
        reservations: {cpus: 0.1, memory: 1k, generic_resources: [{discrete_resource_spec: {kind: gpu, value: 2}}]}
    user: '1000:1000'
    group_add: [5, video]
    working_dir: /w
    stop_grace_period: 30s
    stop_signal: SIGQUIT
    init: true
    read_only: true
    tty: true
    stdin_open: true
    cap_add: [NET_ADMIN]
    cap_drop: [ALL]
    hostname: h
    extra_hosts: ['a:10.0.0.1']
    dns: 10.0.0.2
    dns_search: [s]
    dns_opt: [o]
    ulimits: {nofile: {soft: 1, hard: 2}}
    logging: {driver: json-file, options: {max-size: 1m}}
    sysctls: {net.core.somaxconn: 1024}
    platform: linux/amd64
networks:
  front: {internal: true, attachable: true, driver: overlay, driver_opts: {encrypted: ''}, labels: {n: '1'}}
  shared: {external: true, name: platform_router}
  unused: {}
volumes:
  data: {driver: nfs, driver_opts: {share: x}, labels: {v: '1'}}
  kept: {external: true}
configs:
  app: {content: 'hello $$HOME'}
  unused: {content: ''}
secrets:
  db.password: {external: true}
  key: {external: true, name: tls.key}
";
    let label = json!({"com.docker.stack.namespace": "shop"});
    let stack = parsed(text).stack;
    let rendered = stack.render(&Naming { namespace: "shop" });
    // printf 'hello $HOME' | sha256sum
    let config = "shop_app_691f637058aa";
    assert_eq!(rendered.services[0].secrets, ["db.password", "tls.key"]);
    let [made] = rendered.configs.as_slice() else { panic!("{:?}", rendered.configs) };
    assert_eq!((made.name.as_str(), made.content.as_str()), (config, "hello $HOME"));
    assert_eq!(
        serde_json::to_value(&rendered.networks).unwrap(),
        json!([{
            "Name": "shop_front", "Driver": "overlay", "Scope": "swarm", "Internal": true, "Attachable": true,
            "Options": {"encrypted": ""}, "Labels": {"com.docker.stack.namespace": "shop", "n": "1"},
        }])
    );
    let second = 1_000_000_000u64;
    let expected = json!({
        "Name": "shop_web",
        "Labels": {"com.docker.stack.namespace": "shop", "of": "service"},
        "Mode": {"Replicated": {"Replicas": 4}},
        "EndpointSpec": {
            "Mode": "dnsrr",
            "Ports": [{"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8080, "PublishMode": "host"}],
        },
        "UpdateConfig": {
            "Parallelism": 2, "Delay": second, "FailureAction": "rollback", "Monitor": 2 * second,
            "MaxFailureRatio": 0.5, "Order": "start-first",
        },
        "RollbackConfig": {"Parallelism": 0, "FailureAction": "continue", "Order": "start-first"},
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": "example/web:1",
                "Labels": {"com.docker.stack.namespace": "shop", "of": "container"},
                "Command": ["/bin/web"], "Args": ["--port", "80"],
                "Hostname": "h", "Env": ["A=one=1", "B=two"], "Dir": "/w", "User": "1000:1000", "Groups": ["5", "video"],
                "TTY": true, "OpenStdin": true, "ReadOnly": true, "Init": true,
                "Mounts": [
                    {"Type": "volume", "Source": "shop_data", "Target": "/data", "VolumeOptions": {
                        "NoCopy": true, "Labels": {"com.docker.stack.namespace": "shop", "v": "1"},
                        "DriverConfig": {"Name": "nfs", "Options": {"share": "x"}},
                    }},
                    {"Type": "volume", "Source": "kept", "Target": "/kept", "VolumeOptions": {}},
                    {"Type": "bind", "Source": "/a", "Target": "/b", "ReadOnly": true,
                     "BindOptions": {"Propagation": "rslave"}},
                    {"Type": "tmpfs", "Target": "/t", "TmpfsOptions": {"SizeBytes": 1 << 20, "Mode": 0o700}},
                ],
                "StopSignal": "SIGQUIT", "StopGracePeriod": 30 * second,
                "HealthCheck": {
                    "Test": ["CMD", "check", "x"], "Interval": 90 * second, "Timeout": 5 * second, "Retries": 3,
                    "StartPeriod": 10 * second,
                },
                "Hosts": ["10.0.0.1 a"],
                "DNSConfig": {"Nameservers": ["10.0.0.2"], "Search": ["s"], "Options": ["o"]},
                "Secrets": [
                    {"SecretName": "db.password",
                     "File": {"Name": "db.password", "UID": "0", "GID": "0", "Mode": 0o444}},
                    {"SecretName": "tls.key", "File": {"Name": "/k", "UID": "0", "GID": "0", "Mode": 0o444}},
                ],
                "Configs": [
                    {"ConfigName": config, "File": {"Name": "/app", "UID": "0", "GID": "0", "Mode": 0o444}},
                    {"ConfigName": config, "File": {"Name": "/etc/app", "UID": "1", "GID": "2", "Mode": 0o400}},
                ],
                "Sysctls": {"net.core.somaxconn": "1024"},
                "CapabilityAdd": ["NET_ADMIN"], "CapabilityDrop": ["ALL"],
                "Ulimits": [{"Name": "nofile", "Soft": 1, "Hard": 2}],
            },
            "Resources": {
                "Limits": {"NanoCPUs": 250_000_000, "MemoryBytes": 64 << 20, "Pids": 9},
                "Reservations": {
                    "NanoCPUs": 100_000_000, "MemoryBytes": 1024,
                    "GenericResources": [{"DiscreteResourceSpec": {"Kind": "gpu", "Value": 2}}],
                },
            },
            "RestartPolicy": {"Condition": "on-failure", "Delay": second, "MaxAttempts": 3, "Window": 2 * second},
            "Placement": {
                "Constraints": ["node.labels.dataPlane == true"],
                "Preferences": [{"Spread": {"SpreadDescriptor": "node.labels.zone"}}],
                "MaxReplicas": 2,
                "Platforms": [{"OS": "linux", "Architecture": "amd64"}],
            },
            "Networks": [
                {"Target": "shop_front", "Aliases": ["web", "www"], "DriverOpts": {"o": "1"}},
                {"Target": "platform_router", "Aliases": ["web"]},
            ],
            "LogDriver": {"Name": "json-file", "Options": {"max-size": "1m"}},
        },
    });
    assert_eq!(serde_json::to_value(&rendered.services[0].spec).unwrap(), expected);
    assert_eq!(made.labels, serde_json::from_value(label).unwrap());
}

#[test]
fn a_global_service_has_no_number() {
    let spec = spec(&with_service("deploy: {mode: global}"));
    assert_eq!(spec["Mode"], json!({"Global": {}}));
}

#[test]
fn another_content_is_another_config() {
    let name = |content: &str| Naming { namespace: "n" }.config("c", content);
    assert_eq!(name("a"), "n_c_ca978112ca1b");
    assert_ne!(name("a"), name("b"));
}

#[test]
fn durations_reach_the_model() {
    let service = service("stop_grace_period: 1m30s");
    assert_eq!(service.stop_grace_period, Some(Duration::from_secs(90)));
}
