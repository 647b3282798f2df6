//! The container part of a service's spec.

use bollard::models::{
    HealthConfig, ResourcesUlimits, TaskSpecContainerSpec, TaskSpecContainerSpecConfigs,
    TaskSpecContainerSpecDnsConfig, TaskSpecContainerSpecFile, TaskSpecContainerSpecFile1,
    TaskSpecContainerSpecSecrets,
};

use super::{labelled, mounts, nanoseconds, some, some_list};
use crate::compose::{ConfigUse, HealthTest, Healthcheck, Naming, SecretUse, Service, Stack};

/// What Swarm runs in each task of the service.
pub(super) fn spec(stack: &Stack, naming: &Naming<'_>, service: &Service) -> TaskSpecContainerSpec {
    let dns = TaskSpecContainerSpecDnsConfig {
        nameservers: some_list(&service.dns),
        search: some_list(&service.dns_search),
        options: some_list(&service.dns_options),
    };
    let ulimits = service.ulimits.iter().map(|(name, ulimit)| ResourcesUlimits {
        name: Some(name.clone()),
        soft: Some(ulimit.soft),
        hard: Some(ulimit.hard),
    });
    let secrets = service.secrets.iter().map(|secret| secret_reference(stack, secret));
    let configs = service.configs.iter().map(|config| config_reference(stack, naming, config));
    TaskSpecContainerSpec {
        image: Some(service.image.clone()),
        labels: Some(labelled(naming, &service.labels)),
        // Docker's words: the program is the "command", its arguments are the "args".
        command: service.entrypoint.clone(),
        args: service.command.clone(),
        hostname: service.hostname.clone(),
        env: (!service.environment.is_empty())
            .then(|| service.environment.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        dir: service.working_dir.clone(),
        user: service.user.clone(),
        groups: some_list(&service.groups),
        tty: service.tty.then_some(true),
        open_stdin: service.stdin_open.then_some(true),
        read_only: service.read_only.then_some(true),
        mounts: (!service.mounts.is_empty())
            .then(|| service.mounts.iter().map(|mount| mounts::mount(stack, naming, mount)).collect()),
        stop_signal: service.stop_signal.clone(),
        stop_grace_period: service.stop_grace_period.map(nanoseconds),
        health_check: service.healthcheck.as_ref().map(health_check),
        hosts: (!service.extra_hosts.is_empty())
            .then(|| service.extra_hosts.iter().map(|(host, address)| format!("{address} {host}")).collect()),
        dns_config: (dns != TaskSpecContainerSpecDnsConfig::default()).then_some(dns),
        secrets: (!service.secrets.is_empty()).then(|| secrets.collect()),
        configs: (!service.configs.is_empty()).then(|| configs.collect()),
        init: service.init,
        sysctls: some(&service.sysctls),
        capability_add: some_list(&service.cap_add),
        capability_drop: some_list(&service.cap_drop),
        ulimits: (!service.ulimits.is_empty()).then(|| ulimits.collect()),
        ..TaskSpecContainerSpec::default()
    }
}

fn health_check(healthcheck: &Healthcheck) -> HealthConfig {
    HealthConfig {
        test: match &healthcheck.test {
            HealthTest::OfImage => None,
            HealthTest::Disabled => Some(vec!["NONE".into()]),
            HealthTest::Command(words) => Some([&["CMD".to_owned()], words.as_slice()].concat()),
            HealthTest::Shell(line) => Some(vec!["CMD-SHELL".into(), line.clone()]),
        },
        interval: healthcheck.interval.map(nanoseconds),
        timeout: healthcheck.timeout.map(nanoseconds),
        retries: healthcheck.retries.map(i64::from),
        start_period: healthcheck.start_period.map(nanoseconds),
        start_interval: healthcheck.start_interval.map(nanoseconds),
    }
}

fn secret_reference(stack: &Stack, secret: &SecretUse) -> TaskSpecContainerSpecSecrets {
    TaskSpecContainerSpecSecrets {
        file: Some(TaskSpecContainerSpecFile {
            name: Some(secret.file.target.clone()),
            uid: Some(secret.file.uid.clone()),
            gid: Some(secret.file.gid.clone()),
            mode: Some(secret.file.mode),
        }),
        secret_id: None,
        secret_name: Some(stack.secret_name(&secret.source)),
    }
}

fn config_reference(stack: &Stack, naming: &Naming<'_>, config: &ConfigUse) -> TaskSpecContainerSpecConfigs {
    let content = stack.configs.get(&config.source).map(|config| config.content.as_str()).unwrap_or_default();
    TaskSpecContainerSpecConfigs {
        file: Some(TaskSpecContainerSpecFile1 {
            name: Some(config.file.target.clone()),
            uid: Some(config.file.uid.clone()),
            gid: Some(config.file.gid.clone()),
            mode: Some(config.file.mode),
        }),
        runtime: None,
        config_id: None,
        config_name: Some(naming.config(&config.source, content)),
    }
}
