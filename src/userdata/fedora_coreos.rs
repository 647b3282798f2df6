//! What Fedora CoreOS needs besides or instead: it has no unit for etcd, other settings for updates, and SELinux.
//!
//! <https://docs.fedoraproject.org/en-US/fedora-coreos/migrate-cl/>

use minijinja::context;

use super::cloud_config::{CORE_USER, DropIn, UPDATE_FILE, Unit, User, UserData, WriteFile};
use super::{ETCD_UNIT, UserDataError};
use crate::spec::TemplateSet;

/// Settings of the updates' agent.
/// <https://coreos.github.io/zincati/usage/updates-strategy/>
const UPDATE_STRATEGY_FILE: &str = "/etc/zincati/config.d/55-azure-coreos-cluster.toml";
/// What Flatcar's own unit runs, by a tag for all processors.
const ETCD_IMAGE: &str = "quay.io/coreos/etcd:v3.5.16";
/// May talk to Docker. On Flatcar `core` is in it.
const DOCKER_GROUP: &str = "docker";

/// Makes a configuration that is written for Flatcar one for Fedora CoreOS.
pub(super) fn adapt(user_data: &mut UserData, templates: &TemplateSet) -> Result<(), UserDataError> {
    let config = &mut user_data.cloud_config;
    let own_settings = config.writes(UPDATE_FILE);
    if let Some(strategy) = config.coreos.update.take().and_then(|update| update.reboot_strategy)
        && !own_settings
    {
        config.write_files.push(update_settings(&strategy));
    }
    match config.users.iter_mut().find(|user| user.name == CORE_USER) {
        Some(core) if core.groups.iter().any(|group| group == DOCKER_GROUP) => {}
        Some(core) => core.groups.push(DOCKER_GROUP.into()),
        None => {
            config.users.push(User { name: CORE_USER.into(), groups: vec![DOCKER_GROUP.into()], ..User::default() });
        }
    }
    let render = |name| templates.render(name, context! { image => ETCD_IMAGE });
    let units = &mut config.coreos.units;
    if let Some(etcd) = units.iter_mut().find(|unit| unit.name == ETCD_UNIT && unit.content.is_none()) {
        etcd.content = Some(render("etcd-member.service")?);
    }
    let etcdctl = Some(render("etcdctl.service")?);
    units.push(Unit { name: "etcdctl.service".into(), enable: true, content: etcdctl, ..Unit::default() });
    if let Some(docker) = units.iter_mut().find(|unit| unit.name == "docker.service")
        && !user_data.filesystems.is_empty()
    {
        docker.drop_ins.push(DropIn { name: "20-label.conf".into(), content: render("docker-label.conf")? });
    }
    Ok(())
}

/// `off` leaves updates alone; every other strategy of Flatcar reboots, which here is `immediate`.
fn update_settings(strategy: &str) -> WriteFile {
    let content = match strategy {
        "off" => "[updates]\nenabled = false\n",
        _ => "[updates]\nenabled = true\nstrategy = \"immediate\"\n",
    };
    WriteFile { path: UPDATE_STRATEGY_FILE.into(), content: content.into(), ..WriteFile::default() }
}
