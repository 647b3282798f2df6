//! A cluster's parameters on the command line, as the table of them says; and all layers of them together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::sign_in::unreadable_variables;
use crate::config::parameter::{DEIS, Group, Kind, NAME, PARAMETERS, PLATFORM, Parameter, TEMPLATES};
use crate::config::{ClusterInput, InputFile, Values, from_environment, from_file};
use crate::spec::{OpenPort, PortProbe};
use diagnostics::{Environment, Origin, Problems, given_file};
use platform::bundle::{BundlePort, BundleSource, PortProbe as BundleProbe, deis_ports};

/// What the flags say.
#[derive(Clone, Debug, Default)]
pub(super) struct ParameterArguments {
    values: Values,
}

/// What the flags of signing in say.
#[derive(Clone, Debug, Default)]
pub(super) struct SignInArguments {
    values: Values,
}

impl ParameterArguments {
    /// The name, when it stands on the command line.
    pub(super) fn name(&self) -> Option<&str> {
        self.values.text(&NAME)
    }

    /// The name, when it stands there alone, where a command could stand.
    pub(super) fn name_as_argument(&self) -> Option<&str> {
        let given = self.values.get(&NAME).filter(|given| given.origin == Origin::Flag(NAME.flag))?;
        given.texts.first().map(String::as_str)
    }

    /// Flags over the environment over `file`, with the files that they name read; what is wrong with a layer is part of
    /// it, so that it is told together with all other mistakes.
    pub(super) fn input(&self, file: Option<&Path>) -> ClusterInput {
        let mut problems = Problems::new();
        let mut below = None;
        if let Some(path) = file {
            let name = path.display().to_string();
            let text = given_file::read_text(path).map_err(|error| format!("reading `{name}`: {error}"));
            if let Some(text) = problems.take(Origin::Flag("--file"), text) {
                let (values, mistakes) = from_file(&name, &text);
                below = values;
                problems.extend(mistakes);
            }
        }
        let file_is_unread = file.is_some() && below.is_none();
        let (environment, mistakes) = from_environment(std::env::vars_os());
        problems.extend(mistakes);
        problems.extend(unreadable_variables());
        let values = below.unwrap_or_default().under(environment).under(self.values.clone());
        let files = read_files(&values);
        let platform_ports = values.get(&PLATFORM).map(|given| {
            let text = given.texts.first().map(|text| match text.contains('/') {
                true => path(&values, &PLATFORM).map_or(text.clone(), |path| path.display().to_string()),
                false => text.clone(),
            });
            let variables = Environment::read(&BundleSource::VARIABLES)?;
            let variable = |variable: &str| variables.get(variable);
            let bundle = BundleSource::resolve_for(given.origin.clone(), text.as_deref(), &variable)?;
            Ok(open_ports(&bundle.ports))
        });
        // To read a bundle takes longer than all the rest of the input.
        let default_platform_ports = if values.get(&DEIS).is_some() { open_ports(&deis_ports()) } else { Vec::new() };
        let templates = path(&values, &TEMPLATES).map(|folder| super::templates::load(&folder));
        ClusterInput { values, files, templates, problems, file_is_unread, platform_ports, default_platform_ports }
    }
}

impl SignInArguments {
    /// A cluster's parameters that say nothing but this, and how to sign in.
    pub(super) fn with(&self, parameters: &[(&'static Parameter, String)]) -> ParameterArguments {
        let mut values = self.values.clone();
        for (parameter, text) in parameters {
            values.insert(parameter, vec![text.clone()], Origin::Flag(parameter.flag));
        }
        ParameterArguments { values }
    }

    /// Flags over the environment.
    pub(super) fn values(&self) -> Result<Values, Problems> {
        let (environment, mut problems) = from_environment(std::env::vars_os());
        problems.extend(unreadable_variables());
        if problems.is_empty() { Ok(environment.under(self.values.clone())) } else { Err(problems) }
    }
}

/// What the load balancer is to open for a platform.
pub fn open_ports(ports: &[BundlePort]) -> Vec<OpenPort> {
    let open = |port: &BundlePort| {
        let probe = match &port.probe {
            BundleProbe::Tcp => PortProbe::Tcp,
            BundleProbe::Http(path) => PortProbe::Http(path.clone()),
        };
        OpenPort::of_platform(&port.name, port.port, probe, port.idle_timeout_minutes, port.tls)
    };
    ports.iter().map(open).collect()
}

fn read_files(values: &Values) -> BTreeMap<&'static str, InputFile> {
    let named = PARAMETERS.iter().filter(|parameter| parameter.kind == Kind::File);
    named.filter_map(|parameter| Some((parameter.key, InputFile::read(&path(values, parameter)?)))).collect()
}

/// The path that a parameter names: one in a file is beside that file, and `~/` is the home folder there too.
pub(super) fn path(values: &Values, parameter: &Parameter) -> Option<PathBuf> {
    let given = values.get(parameter)?;
    let text = given.texts.first()?;
    if let (Some(rest), Some(home)) = (text.strip_prefix("~/"), std::env::var_os("HOME")) {
        return Some(PathBuf::from(home).join(rest));
    }
    Some(match &given.origin {
        Origin::File { path, .. } => Path::new(path).parent().unwrap_or(Path::new("")).join(text),
        _ => PathBuf::from(text),
    })
}

/// The argument of a parameter. Whether its value is good is seen where all layers meet, so that every mistake is told at
/// once.
fn argument(parameter: &Parameter) -> Arg {
    let mut argument = Arg::new(parameter.key).value_name(parameter.value_name).help(help(parameter));
    if parameter.key != NAME.key {
        argument = argument.long(parameter.flag.trim_start_matches('-'));
    }
    if parameter.group != Group::Cluster && !parameter.everyday {
        argument = argument.help_heading(parameter.group.heading());
    }
    argument = argument.aliases(parameter.aliases);
    if let Some(alone) = parameter.alone {
        argument = argument.num_args(0..=1).default_missing_value(alone);
        // `--deis NAME` names a cluster, not a value.
        argument = argument.require_equals(parameter.kind == Kind::Switch);
    }
    argument = match parameter.kind {
        Kind::List | Kind::Map => argument.action(ArgAction::Append),
        _ => argument.action(ArgAction::Set),
    };
    argument.hide_short_help(!parameter.everyday)
}

fn help(parameter: &Parameter) -> String {
    match (parameter.kind, parameter.default) {
        (Kind::Switch, _) | (_, "required" | "none") => parameter.help.to_owned(),
        (_, default) => format!("{} [default: {default}]", parameter.help),
    }
}

/// `--name NAME`, as other tools want it.
const NAME_FLAG: &str = "--name";

fn name_flag() -> Arg {
    let argument = Arg::new(NAME_FLAG).long(NAME_FLAG.trim_start_matches('-')).short('n').hide(true);
    argument.value_name(NAME.value_name).conflicts_with(NAME.key)
}

fn values(matches: &ArgMatches, parameters: impl Iterator<Item = &'static Parameter>) -> Values {
    let mut values = Values::default();
    if let Ok(Some(name)) = matches.try_get_one::<String>(NAME_FLAG) {
        values.insert(&NAME, vec![name.clone()], Origin::Flag(NAME_FLAG));
    }
    for parameter in parameters {
        if let Some(texts) = matches.get_many::<String>(parameter.key) {
            values.insert(parameter, texts.cloned().collect(), Origin::Flag(parameter.flag));
        }
    }
    values
}

fn all() -> impl Iterator<Item = &'static Parameter> {
    PARAMETERS.iter().copied()
}

fn of_sign_in() -> impl Iterator<Item = &'static Parameter> {
    all().filter(|parameter| parameter.group == Group::SignIn)
}

macro_rules! arguments_from {
    ($type:ident, $parameters:path, $more:expr) => {
        impl Args for $type {
            fn augment_args(command: Command) -> Command {
                command.args($parameters().map(argument)).args($more)
            }

            fn augment_args_for_update(command: Command) -> Command {
                Self::augment_args(command)
            }
        }

        impl FromArgMatches for $type {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
                Ok(Self { values: values(matches, $parameters()) })
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                *self = Self::from_arg_matches(matches)?;
                Ok(())
            }
        }
    };
}

arguments_from!(ParameterArguments, all, Some(name_flag()));
arguments_from!(SignInArguments, of_sign_in, None::<Arg>);
