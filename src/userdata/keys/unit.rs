//! Judges the units of a cloud-config: what one says in all, and whether it is there at all.

use std::collections::HashSet;

use cloudinit_rules::key::Consequence;
use cloudinit_rules::{scalar, unit};

use super::judge::Judge;
use crate::userdata::mistake::Mistake;
use crate::userdata::{ours, path, unit_content};
use diagnostics::quoted;
use diagnostics::yaml::{Node, Value};

/// A unit that was read.
pub(super) struct UnitNamed<'a> {
    name: String,
    node: Node<'a>,
    has_content: bool,
    is_masked: bool,
    /// Whether systemd is asked for it, so that it has to be there.
    is_asked_for: bool,
}

impl<'a> Judge<'a, '_> {
    /// Ignition starts what is enabled, and only a unit with an `[Install]` section can be.
    pub(super) fn check_unit(&mut self, node: &Node<'a>, read: &Value) {
        let has_drop_ins = read["drop_ins"].as_sequence().is_some_and(|drop_ins| !drop_ins.is_empty());
        if let Some(mistake) = read["name"].as_str().filter(|_| has_drop_ins).and_then(path::drop_in_folder) {
            self.push(node, Some(mistake));
        }
        let runs = read["enable"] == true || read["command"] == "start";
        if let Some(name) = read["name"].as_str().filter(|name| !name.is_empty()) {
            self.units.push(UnitNamed {
                name: name.to_owned(),
                node: node.clone(),
                has_content: read["content"].as_str().is_some_and(|content| !content.is_empty()),
                is_masked: read["mask"] == true,
                is_asked_for: read["enable"] == true
                    || read["command"].as_str().is_some_and(|command| !command.is_empty()),
            });
        }
        let Some(content) = read["content"].as_str().filter(|content| !content.is_empty()) else { return };
        if runs && read["mask"] != true && !unit_content::has_section(content, "Install") {
            let name = read["name"].as_str().filter(|name| !name.is_empty());
            let unit = name.map_or_else(|| "the unit".to_owned(), quoted);
            let what = format!("{unit} would not run: its content has no `[Install]` section");
            let instead = "end it with `[Install]` and `WantedBy=multi-user.target`";
            self.judge_where_merged(node, Mistake::new(what, instead));
        }
    }

    /// A drop-in of a name that stood before takes the place of that one.
    pub(super) fn check_drop_ins(&mut self, node: &Node<'a>) {
        let mut seen = HashSet::new();
        let list = node.get("drop_ins").filter(|list| list.value().is_sequence());
        for drop_in in list.and_then(|list| list.items()).unwrap_or_default() {
            let Some(name) = drop_in.get("name") else { continue };
            if let Ok(text) = scalar::text(&name, self.written)
                && !seen.insert(text.clone())
            {
                let what = format!("drop-in {} of this unit stands twice", quoted(&text));
                self.wrong(&drop_in, what, "leave one out");
            }
        }
    }

    /// Units that are named without content have to be there already.
    pub(super) fn check_units(&mut self) {
        let units = std::mem::take(&mut self.units);
        let brought: HashSet<&str> =
            units.iter().filter(|unit| unit.has_content).map(|unit| unit.name.as_str()).collect();
        let is_brought = |name: &str| {
            brought.contains(name) || unit::template(name).is_some_and(|template| brought.contains(template.as_str()))
        };
        for UnitNamed { name, node, is_masked, is_asked_for, .. } in &units {
            let place = node.get("name").unwrap_or_else(|| node.clone());
            let Some(judged) = self.judged.iter().position(|judged| judged.node.steps() == place.steps()) else {
                continue;
            };
            if let Some(mistake) = self.judged[judged].mistake.take() {
                // systemd knows no such name either.
                let consequence = if *is_asked_for { Consequence::StopsThere } else { Consequence::PassedOver };
                self.judged[judged].mistake = Some(self.with_consequence(mistake, consequence));
                continue;
            }
            if *is_masked || is_brought(name) || unit::is_of_image(name) || ours::is_unit(name) {
                continue;
            }
            match unit::retired(name) {
                Some(instead) => {
                    let mistake =
                        Mistake::new(format!("{} is a unit that the image no longer has", quoted(name)), instead);
                    let consequence = if *is_asked_for { Consequence::StopsThere } else { Consequence::PassedOver };
                    self.judged[judged].mistake = Some(self.with_consequence(mistake, consequence));
                    self.lose(node, judged);
                }
                None => absent(*is_asked_for).clone_into(&mut self.judged[judged].misread),
            }
        }
    }
}

/// How a unit acts that may be missing.
const fn absent(is_asked_for: bool) -> &'static str {
    match is_asked_for {
        true => {
            "only if the image has this unit: where it has not, what comes after its `enable` or `command` is not done"
        }
        false => "only if the image has this unit",
    }
}
