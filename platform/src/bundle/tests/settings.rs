//! What settings make of a good bundle.

use super::*;

fn names(rendered: &Rendered) -> Vec<&str> {
    rendered.services.iter().map(|service| service.component.as_str()).collect()
}

fn container(rendered: &Rendered, component: &str) -> serde_json::Value {
    let service = rendered.services.iter().find(|service| service.component == component).unwrap();
    serde_json::to_value(&service.spec).unwrap()["TaskTemplate"]["ContainerSpec"].take()
}

#[test]
fn a_component_runs_when_its_setting_says_so() {
    let bundle = good();
    let mut values = values();
    assert_eq!(names(&bundle.render(&values).unwrap()), ["web"]);
    values.set("db", "enabled", "true");
    let found = messages(&bundle.render(&values).unwrap_err());
    assert_eq!(found, ["`settings`: missing db password: Its password [platformctl config db set password --stdin]"]);
    values.set_secret("db", "password");
    assert_eq!(names(&bundle.render(&values).unwrap()), ["db", "web"]);
    assert!(bundle.is_enabled(bundle.component("db").unwrap(), &values));
    assert_eq!(bundle.network_names().collect::<Vec<_>>(), ["shop_default"]);
}

#[test]
fn settings_reach_the_services() {
    let bundle = good();
    let mut values = values();
    let rendered = bundle.render(&values).unwrap();
    assert_eq!(container(&rendered, "web")["Env"], serde_json::json!(["COLOR=red", "DOMAIN=shop.test"]));
    for (target, key, value) in [
        ("web", "color", "blue"),
        ("web", "workers", "3"),
        ("web", "image", "example.com/web:2"),
        ("db", "enabled", "true"),
        ("db", "shared", "/mnt"),
        ("db", "replicas", "2"),
    ] {
        values.set(target, key, value);
    }
    values.set_secret("db", "password");
    let rendered = bundle.render(&values).unwrap();
    let web = container(&rendered, "web");
    assert_eq!(web["Env"], serde_json::json!(["COLOR=blue", "DOMAIN=shop.test", "WORKERS=3"]));
    assert_eq!(web["Image"], "example.com/web:2");
    let db = serde_json::to_value(&rendered.services[0].spec).unwrap();
    assert_eq!(db["Mode"]["Replicated"]["Replicas"], 2);
    assert_eq!(rendered.services[0].secrets, ["db.password"]);
}

#[test]
fn wrong_values_are_refused_all_at_once() {
    let bundle = good();
    let mut values = Values::new();
    for (target, key, value) in [
        ("web", "workers", "10"),
        ("web", "image", "web"),
        ("db", "enabled", "true"),
        ("db", "replicas", "2"),
        ("gone", "since", "version 2"),
    ] {
        values.set(target, key, value);
    }
    assert_eq!(
        messages(&bundle.render(&values).unwrap_err()),
        [
            "`settings`: missing db password: Its password [platformctl config db set password --stdin]",
            "`settings`: missing platform domain: Its name [platformctl config platform set domain=example.com]",
            "setting `web/image`: `web` names no version; add one, such as `registry:2.8.3` \
             [platformctl config web set image=<image>]",
            "setting `web/workers`: must be a whole number, 1 to 9, found `10` \
             [platformctl config web set workers=<integer>]",
            "setting `db/replicas`: 2 tasks; more than one is safe only with the setting `db/shared` \
             [platformctl config db set shared=<string>, or platformctl config db set replicas=1]",
        ]
    );
}

#[test]
fn a_change_answers_for_what_it_makes_wrong() {
    let settings = good().settings;
    let values = |pairs: &[(&str, &str, &str)]| {
        let mut values = Values::new();
        for (target, key, value) in pairs {
            values.set(target, key, value);
        }
        values
    };
    let (two, shared, wrong) = (("db", "replicas", "2"), ("db", "shared", "/mnt"), ("web", "workers", "10"));
    for (before, after, expected) in [
        (vec![], vec![two], vec!["db/replicas"]),
        (vec![shared], vec![shared, two], vec![]),
        (vec![], vec![shared, two], vec![]),
        (vec![shared, two], vec![two], vec!["db/replicas"]),
        (vec![shared, two], vec![], vec![]),
        (vec![wrong], vec![wrong, ("web", "color", "red")], vec![]),
        (vec![two], vec![two, wrong], vec!["web/workers"]),
        (vec![], vec![("db", "enabled", "true")], vec![]),
    ] {
        let mistakes = settings.mistakes_of_change(&values(&before), &values(&after));
        let found: Vec<String> = mistakes.iter().map(|mistake| mistake.name.to_string()).collect();
        assert_eq!(found, expected, "{before:?} -> {after:?}");
    }
}

#[test]
fn the_schema_answers_for_every_setting() {
    let settings = good().settings;
    assert_eq!(settings.target_names(), ["db", "platform", "web"]);
    for (target, key, value, expected) in [
        ("platform", "domain", "x.test", Ok(())),
        ("platform", "version", "2.0.0", Ok(())),
        ("web", "image", "x:1", Ok(())),
        ("db", "replicas", "0", Ok(())),
        ("web", "replicas", "2", Err("`web` has no setting `replicas`; these are: color, image, workers")),
        ("web", "workers", "x", Err("must be a whole number, 1 to 9, found `x`")),
        ("wep", "workers", "1", Err("there is no target `wep`; these are: db, platform, web")),
    ] {
        assert_eq!(settings.check(target, key, value), expected.map_err(str::to_owned), "{target}/{key}");
    }
    for (target, key, right) in [
        ("web", "colour", Some("web/color")),
        ("wep", "worker", Some("web/workers")),
        ("platform", "doman", Some("platform/domain")),
        ("web", "zzz", None),
        ("zzz", "color", None),
    ] {
        assert_eq!(settings.suggestion(target, key).as_deref(), right, "{target}/{key}");
    }
    assert!(settings.is_secret("db", "password") && !settings.is_secret("db", "shared"));
    assert_eq!(settings.get("web", "image").unwrap().default.as_deref(), Some("web:1"));
    let missing: Vec<String> = settings.missing(&Values::new()).iter().map(|one| one.name.to_string()).collect();
    assert_eq!(missing, ["platform/domain"], "the database does not run");
}

#[test]
fn a_bundle_comes_back_from_its_files() {
    let bundle = good();
    assert_eq!(Bundle::from_files(bundle.files().clone(), "dir").unwrap(), bundle);
    let names: Vec<&str> = bundle.components().map(|component| component.name.as_str()).collect();
    assert_eq!(names, ["db", "nodes", "web"]);
}

#[test]
fn caprover_renders() {
    let bundle = Bundle::shipped_named("caprover").unwrap();
    let mut values = Values::new();
    values.set("captain", "acceptTerms", "false");
    let found = messages(&bundle.render(&values).unwrap_err());
    assert_eq!(found.len(), 2, "{found:#?}");
    values.set("captain", "acceptTerms", "true");
    values.set_secret("captain", "password");
    let rendered = bundle.render(&values).unwrap();
    assert_eq!(names(&rendered), ["captain"]);
    assert!(rendered.configs[0].content.starts_with("const fs = require(\"fs\");\n"));
}

#[test]
fn what_apps_need_stands_in_the_manifest() {
    let manifest = changed(
        MANIFEST_TEXT,
        "subsystems:",
        "apps: {network: front, labels: shop.route, open_networks: [data]}\nsubsystems:",
    );
    let stack = changed(STACK_TEXT, "secrets:\n  db.", "networks:\n  front: {}\n  data: {}\nsecrets:\n  db.");
    let stack = changed(&stack, "      COLOR:", "      LABELS: {{ bundle.labels }}\n      COLOR:");
    let bundle = load(&manifest, &stack).unwrap_or_else(|problems| panic!("{problems}"));
    let apps = bundle.apps.as_ref().unwrap();
    assert_eq!((apps.network.as_str(), apps.labels.as_str()), ("shop_front", "shop.route"));
    assert_eq!((apps.bundle.as_str(), &apps.open_networks[..]), ("shop", &["shop_data".to_owned()][..]));
    assert!(apps.components.contains(&"web".to_owned()), "{:?}", apps.components);
    assert!(apps.is_shared("shop_front") && apps.is_shared("shop_data") && !apps.is_shared("shop_other"));
    let container = container(&bundle.render(&values()).unwrap(), "web");
    assert!(container["Env"].as_array().unwrap().contains(&"LABELS=shop.route".into()), "{container}");

    assert_eq!(good().apps, None);
    let problems = load(MANIFEST_TEXT, &stack).unwrap_err();
    assert!(messages(&problems).iter().any(|one| one.contains("`bundle.labels` is not among")), "{problems}");
    assert_eq!(Bundle::shipped_named("caprover").unwrap().apps, None, "its own tools lead requests to apps");
}
