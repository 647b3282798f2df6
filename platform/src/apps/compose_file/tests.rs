//! Compose files as sources of apps.

use super::*;
use crate::apps::ConfigChange;
use crate::compose::Mode;

fn config(pairs: &[(&str, &str)]) -> Config {
    let change = pairs.iter().try_fold(ConfigChange::new(), |change, (name, value)| change.set(name, value)).unwrap();
    Config::default().changed(&change).unwrap()
}

fn read(text: &str, config: &Config, public: Option<&str>) -> Result<ComposeFile, String> {
    let app: AppName = "shop".parse().unwrap();
    ComposeFile::read(text, "compose.yaml", Owner { app: &app, config, on: None }, public).map_err(|refused| {
        let lines = refused.problems.iter().map(|problem| {
            let hint = problem.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
            format!("{}: {}{hint}", problem.origin, problem.message)
        });
        lines.collect::<Vec<_>>().join("\n")
    })
}

#[test]
fn the_public_service_is_found() {
    let service = |name: &str, rest: &str| format!("  {name}: {{image: a, {rest}}}\n");
    let both = |web: &str, db: &str| format!("services:\n{}{}", service("web", web), service("db", db));
    for (text, named, expected) in [
        (format!("services:\n{}", service("api", "")), None, Ok(("api", vec![]))),
        (both("ports: ['8080:80']", ""), None, Ok(("web", vec![80]))),
        (both("expose: [3000, '4000/tcp']", ""), None, Ok(("web", vec![3000, 4000]))),
        (both("x-public: true", "expose: [5432]"), None, Ok(("web", vec![]))),
        (both("", "expose: [5432]"), Some("web"), Ok(("web", vec![]))),
        (both("expose: [80]", "expose: [5432]"), None, Err("this could be db or web")),
        (both("", ""), None, Err("this could be db or web: name it with --public SERVICE or `x-public: true`")),
        (both("x-public: true", "x-public: true"), None, Err("this could be db or web")),
        (both("", ""), Some("webb"), Err("no service `webb` to be public; did you mean `web`?")),
        (both("", ""), Some("zzz"), Err("there are db, web")),
    ] {
        match (read(&text, &Config::default(), named), expected) {
            (Ok(found), Ok((public, ports))) => {
                assert_eq!((found.public.as_str(), found.ports), (public, ports), "{text}");
            }
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{text}: {found}"),
            (found, expected) => panic!("{text}: {found:?}, not {expected:?}"),
        }
    }
}

#[test]
fn variables_come_from_the_configuration() {
    let text = "\
services:
  web:
    image: shop:${TAG:-1}
    ports: ['8000']
    environment:
      URL: postgres://shop:${PASSWORD}@db/shop
      LITERAL: 5$$
      TOKEN:
    deploy: {replicas: $COUNT}
  db:
    image: db:1
    environment:
      - PASSWORD
      - MODE=fast
";
    let config = config(&[("PASSWORD", "p: $x # }"), ("TOKEN", "a=b"), ("COUNT", "2")]);
    let found = read(text, &config, None).unwrap();
    let web = &found.stack.services["web"];
    assert_eq!((web.image.as_str(), web.mode), ("shop:1", Mode::Replicated { replicas: 2 }));
    let environment: Vec<(&str, &str)> =
        web.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(environment, [("LITERAL", "5$"), ("TOKEN", "a=b"), ("URL", "postgres://shop:p: $x # }@db/shop")]);
    assert_eq!(found.stack.services["db"].environment["PASSWORD"], "p: $x # }");
    assert_eq!(found.configured.iter().collect::<Vec<_>>(), ["web"]);

    let missing = read(text, &Config::default(), None).unwrap_err();
    assert_eq!(
        missing,
        "`compose.yaml` line 6: `services.web.environment.URL`: variable `PASSWORD` is not set in the app's configuration; \
         also used in line 13\n\
         `compose.yaml` line 8: `services.web.environment.TOKEN`: variable `TOKEN` is not set in the app's configuration \
         (platformctl apps config shop set COUNT=… PASSWORD=… TOKEN=…)\n\
         `compose.yaml` line 9: `services.web.deploy.replicas`: variable `COUNT` is not set in the app's configuration"
    );
}

#[test]
fn all_mistakes_are_told_with_their_lines() {
    let text = "\
services:
  web:
    image: shop:${TAG:-1}
    expose: [8000]
  db:
    image: db:1
    ports: ['5432:5432', '5433:5433']
  a.b:
    image: db:1
    ports: [{target: 1, published: 1, mode: host}]
";
    let found = read(text, &Config::default(), Some("web")).unwrap_err();
    let lines: Vec<&str> = found.lines().collect();
    assert_eq!(lines.len(), 3, "{found}");
    assert!(lines[0].starts_with("`compose.yaml` line 7: `services.db.ports`: only the public"), "{found}");
    assert!(lines[1].starts_with("`compose.yaml` line 8: `a.b` cannot be a service's name"), "{found}");
    assert!(
        lines[2].starts_with("`compose.yaml` line 10: `services.a.b.ports`: only the public service `web`"),
        "{found}"
    );

    // A variable that is not set hides nothing, and what is a guess is not told.
    let text = "\
services:
  web:
    image: shop:${TAG}
    build: .
    depends_on: [db]
    environment:
      PASSWORD: ${PASSWORD:?of the database}
    volumes: ['./data:/data', '${FOLDER}/x:/x']
    deploy: {replicas: $COUNT}
    ports: ['8080:80']
  db:
    image: db:1
    ports: ['5432:5432']
    environment:
      SAME: ${PASSWORD}
      BAD: ${1}
";
    let owner = Owner { app: &"shop".parse().unwrap(), config: &Config::default(), on: None };
    let refused = ComposeFile::read(text, "compose.yaml", owner, Some("web")).unwrap_err();
    let found: Vec<String> =
        refused.problems.iter().map(|problem| format!("{}: {}", problem.origin, problem.message)).collect();
    let expected = [
        "line 3: `services.web.image`: variable `TAG` is not set in the app's configuration",
        "line 4: `services.web.build`: images are not built here",
        "line 7: `services.web.environment.PASSWORD`: variable `PASSWORD` (of the database) is not set in the app's \
         configuration; also used in line 15",
        "line 8: `services.web.volumes[0]`: ",
        "line 8: `services.web.volumes[1]`: variable `FOLDER` is not set",
        "line 9: `services.web.deploy.replicas`: variable `COUNT` is not set",
        "line 13: `services.db.ports`: only the public service `web` is reached from outside",
        "line 16: `services.db.environment.BAD`: `${1}` is not a variable",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (one, expected) in found.iter().zip(expected) {
        assert!(one.starts_with(&format!("`compose.yaml` {expected}")), "{one}\n{expected}");
    }
    let hints: Vec<&String> = refused.problems.iter().filter_map(|problem| problem.hint.as_ref()).collect();
    assert_eq!(hints, ["platformctl apps config shop set COUNT=… FOLDER=… PASSWORD=… TAG=…"]);
    assert!(refused.notes.iter().any(|note| note.starts_with("`compose.yaml` line 5: `services.web.depends_on`")));

    // What the reader of Compose files finds keeps its line though variables were filled in.
    let text = "\
# a comment

services:
  web:
    image: shop:${TAG:-1}
    ports: ['1:2:3:4']
    colour: red
";
    let found = read(text, &Config::default(), None).unwrap_err();
    assert!(found.contains("line 6") && found.contains("line 7") && found.contains("colour"), "{found}");
}

#[test]
fn what_differs_from_elsewhere_is_said() {
    let text = "\
services:
  web:
    image: shop
    ports: ['8080:80']
    volumes: ['/srv/data:/data']
  worker:
    image: shop
    x-config: true
";
    let found = read(text, &Config::default(), None).unwrap();
    assert_eq!(
        found.notes,
        [
            "`compose.yaml` line 4: `services.web.ports`: 8080 is not published; the router leads to port 80",
            "`compose.yaml` line 5: `services.web.volumes`: `/srv/data` is each node's own folder"
        ]
    );
    assert_eq!(found.configured.len(), 2);
    assert!(found.stack.services["web"].ports.is_empty());
}

#[test]
fn what_no_configuration_mends_is_known_before() {
    let app: AppName = "shop".parse().unwrap();
    for (text, expected) in [
        ("services:\n  web: {image: a}\n", vec![]),
        ("services: [\n", vec!["not YAML"]),
        ("services:\n  web:\n    image: a\n    ports: ['80:80/udp']\n", vec!["the router speaks HTTP, not UDP"]),
        ("services:\n  web: {image: a}\n  db: {image: b}\n", vec!["this could be db or web"]),
        // What a variable comes to is not known yet.
        ("services:\n  web: {image: a, environment: [PASSWORD]}\n", vec![]),
        ("services:\n  web:\n    image: a\n    deploy: {replicas: \"${COUNT:-x}\"}\n", vec![]),
    ] {
        let found = mistakes(text, "compose.yaml", &app, None);
        let found: Vec<String> = found.iter().map(|problem| problem.message.clone()).collect();
        assert_eq!(found.len(), expected.len(), "{text}: {found:?}");
        assert!(found.iter().zip(expected).all(|(found, part)| found.contains(part)), "{text}: {found:?}");
    }
}

/// Lines that follow `services: {web: {image: a}` or stand beside it, and where and how each is refused.
#[test]
fn an_apps_file_keeps_to_the_apps_own() {
    let reached = crate::bundle::Bundle::shipped_named("platform").unwrap().apps.unwrap();
    let app: AppName = "shop".parse().unwrap();
    let config = Config::default();
    let read = |text: &str| {
        let owner = Owner { app: &app, config: &config, on: Some(&reached) };
        ComposeFile::read(text, "compose.yaml", owner, Some("web")).map_err(|refused| {
            let lines = refused.problems.iter().map(|problem| format!("{}: {}", problem.origin, problem.message));
            lines.collect::<Vec<_>>()
        })
    };
    // Of the service `web`, from line 4 on.
    let service = |rest: &str| {
        format!(
            "services:\n  web:\n    image: a\n    {rest}\n  db: {{image: b, networks: [default, data]}}\nnetworks:\n  data: \
             {{name: platform_database, external: true}}\n  router: {{name: platform_router, external: true}}\n  mine: \
             {{name: between-us, external: true}}\nvolumes: {{v: {{}}}}\n"
        )
    };
    // Of the file, in line 4 and after.
    let file = |rest: &str| format!("services:\n  web:\n    image: a\n{rest}\n");
    for text in [
        service("networks: [default, data]"),
        service("networks: {mine: {aliases: [controller, shop.example.test]}}"),
        service("networks: {default: {aliases: [registry]}}"),
        service("hostname: web"),
        service("hostname: app-shop"),
        service("hostname: 'web-{{.Task.Slot}}-{{ .Node.Hostname }}'"),
        service("volumes: ['/srv/data:/data', '/mnt/files:/files', 'v:/v', '/etc/localtime:/etc/localtime:ro']"),
        service("deploy: {labels: {shop.tier: front, platform.routes: x}}"),
        service("cap_add: [NET_ADMIN, CAP_CHOWN]"),
        file("networks: {back: {name: app-shop_back}, free: {driver_opts: {encrypted: ''}}}"),
        file("volumes: {v: {driver_opts: {type: nfs, o: 'addr=10.0.0.9,rw', device: ':/export'}}}"),
        file("volumes: {v: {driver: azurefile, driver_opts: {share: x}}, w: {name: shared-files}}"),
    ] {
        read(&text).unwrap_or_else(|problems| panic!("{text}\n{problems:#?}"));
    }
    for (text, told) in [
        (
            file("networks:\n  x: {name: platform_controller, external: true}"),
            "line 5: `networks.x`: `platform_controller` is a network of the platform and closed to apps: of the platform's networks apps may join `platform_database`, `platform_router`",
        ),
        (
            file("networks:\n  platform_controller: {external: true}"),
            "line 5: `networks.platform_controller`: `platform_controller` is a network of the platform",
        ),
        (
            file("networks:\n  x: {external: {name: platform_registry}}"),
            "line 5: `networks.x`: `platform_registry` is a network of the platform",
        ),
        (
            file("networks:\n  x: {name: platform_controller}"),
            "line 5: `networks.x`: `platform_controller` is a network of the platform",
        ),
        (
            file("networks:\n  x: {name: platform_router}"),
            "line 5: `networks.x`: `platform_router` exists already: write `external: true`",
        ),
        (
            file("networks:\n  x: {name: app-other_default, external: true}"),
            "line 5: `networks.x`: `app-other_default` would be a network of another app",
        ),
        (file("networks:\n  x: {name: app-shop-two_default, external: true}"), "would be a network of another app"),
        (file("networks:\n  x: {name: host, external: true}"), "line 5: `networks.x`: `host` is Docker's own network"),
        (file("networks:\n  ingress: {external: true}"), "`ingress` is Docker's own network"),
        (
            file("networks:\n  x: {name: u2v6c0oa9ssk3nxcjzd8ik3pd, external: true}"),
            "may be the id of any network: write its name",
        ),
        (
            file("networks:\n  x:\n    driver_opts:\n      com.docker.network.driver.overlay.vxlanid_list: '4097'"),
            "line 7: `networks.x.driver_opts.com.docker.network.driver.overlay.vxlanid_list`: the swarm chooses this",
        ),
        (
            service("networks: {data: {aliases: [database]}}"),
            "line 4: `services.web.networks.data.aliases`: `database`: the platform and other apps are on this network",
        ),
        (service("networks: {router: {aliases: [tasks.app-other]}}"), "`tasks.app-other`: the platform and other apps"),
        (
            service("networks: {router: {driver_opts: {a: b}}}"),
            "line 4: `services.web.networks.router.driver_opts.a`: the platform and",
        ),
        (
            service("hostname: controller"),
            "line 4: `services.web.hostname`: `controller`: the platform and other apps would find this service under that name: a service of the platform has this name; leave `hostname` out",
        ),
        (service("hostname: Registry"), "a service of the platform has this name"),
        (service("hostname: app-other"), "another app may have this name"),
        (service("hostname: shop.example.test"), "other names have dots"),
        (service("hostname: '{{print \"controller\"}}'"), "only .Node.Hostname, .Node.ID"),
        (
            service("deploy: {labels: {platform.route.domains: other.example.test}}"),
            "line 4: `services.web.deploy.labels.platform.route.domains`: `platformctl apps domains`",
        ),
        (
            service("deploy:\n      labels:\n        - platform.app=other"),
            "line 5: `services.web.deploy.labels.platform.app`: the platform sets it itself",
        ),
        (
            service("deploy: {labels: {com.docker.stack.namespace: platform}}"),
            "the platform sets it itself: leave the label out",
        ),
        (
            service("cap_add: [sys_admin]"),
            "line 4: `services.web.cap_add`: with `sys_admin` a process would reach the machine",
        ),
        (service("cap_add: [CAP_SYS_PTRACE]"), "with `CAP_SYS_PTRACE`"),
        (service("cap_add: [ALL]"), "with `ALL`"),
        (
            service("volumes: ['/var/run/docker.sock:/var/run/docker.sock:ro']"),
            "line 4: `services.web.volumes`: `/var/run/docker.sock`: whoever has Docker's socket",
        ),
        (service("volumes: [{type: bind, source: //run/./docker.sock, target: /d}]"), "whoever has Docker's socket"),
        (service("volumes: ['/:/host']"), "`/`: is the whole machine"),
        (service("volumes: ['/var/lib/etcd:/x']"), "`/var` holds what the machine"),
        (service("volumes: ['/srv/../etc:/x']"), "without `..`"),
        (service("volumes: [{type: bind, source: '/srv/{{.Task.Slot}}', target: /x}]"), "must say which folder it is"),
        (service("volumes: ['/etc/localtime:/etc/localtime']"), "may be read only: write `/etc/localtime:…:ro`"),
        (service("network_mode: host"), "line 4: `services.web.network_mode`: Swarm services are in networks"),
        (service("privileged: true"), "line 4: `services.web.privileged`"),
        (service("use_api_socket: true"), "line 4: `services.web.use_api_socket`: Docker's socket is closed to apps"),
        (
            file("volumes:\n  v: {name: platform_router-data, external: true}"),
            "line 5: `volumes.v`: `platform_router-data` is a volume of the platform and closed to apps: leave `name` and `external` out",
        ),
        (file("volumes:\n  platform_database: {external: true}"), "`platform_database` is a volume of the platform"),
        (
            file("volumes:\n  v: {name: app-other_data}"),
            "line 5: `volumes.v`: `app-other_data` would be a volume of another app",
        ),
        (
            file("volumes:\n  v: {driver_opts: {type: none, o: bind, device: /var/lib/docker}}"),
            "line 5: `volumes.v`: `driver_opts` would mount a part of the machine of `/var/lib/docker`",
        ),
        (
            file("volumes:\n  v: {driver: local, driver_opts: {type: tmpfs, o: 'rw, bind', device: /}}"),
            "would mount a part of the machine",
        ),
        (
            file("volumes:\n  v: {driver_opts: {type: ext4, device: /dev/sda1}}"),
            "types that may be mounted are cifs, nfs, nfs4, tmpfs",
        ),
        (
            file("secrets:\n  key: {name: router.sslKey, external: true}"),
            "line 5: `secrets.key`: the swarm's secrets are the platform's: set a value with `platformctl apps config shop set NAME=…`",
        ),
        (
            file("configs:\n  c: {name: platform_router_0, external: true}"),
            "line 5: `configs.c.external`: is not supported",
        ),
    ] {
        let problems = read(&text).expect_err(&text);
        assert!(problems.iter().any(|problem| problem.contains(told)), "{text}\n{told}\n{problems:#?}");
    }
}
