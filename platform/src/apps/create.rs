//! Makes apps, and gives them domains.

use super::record::now;
use super::{App, AppName, Apps, Domain, Wait};
use crate::bundle::Values;
use crate::settings::Settings;
use diagnostics::{Origin, Problems};
use report::Failure;
use report::mark::GOOD;

impl Apps {
    /// Makes an app that runs nothing yet. Without domains it gets `<name>.<platform/domain>`. One that exists already
    /// is left as it is when it has these domains.
    pub async fn create(&self, name: &AppName, domains: &[Domain]) -> Result<App, Failure> {
        let domains = match domains {
            [] => vec![self.usual_domain(name).await?],
            named => named.to_vec(),
        };
        let others = self.all().await?;
        if let Some(existing) = others.iter().find(|app| app.name == *name) {
            if domains.iter().all(|domain| existing.domains.contains(domain)) {
                self.reporter.note(format!("{GOOD} app {name} exists already"));
                return Ok(existing.clone());
            }
            let mut problems = Problems::new();
            let message = format!("app `{name}` exists already, with other domains");
            problems.add_with_hint(
                Origin::Flag("NAME"),
                message,
                format!("platformctl apps domains {name} add DOMAIN"),
            );
            return Err(problems.into());
        }
        unreserved(name)?;
        free(&others, name, &domains)?;
        let app = App::new(name.clone(), now(), domains);
        if self.insert(&app).await? { Ok(app) } else { self.require(name).await }
    }

    /// Gives an app more domains.
    pub async fn add_domains(&self, name: &AppName, domains: &[Domain], wait: Wait) -> Result<App, Failure> {
        free(&self.all().await?, name, domains)?;
        let (app, ()) = self
            .change(name, |app| {
                let new: Vec<Domain> = domains.iter().filter(|domain| !app.domains.contains(domain)).cloned().collect();
                app.domains.extend(new);
                Ok(())
            })
            .await?;
        self.roll_out(&app, wait).await
    }

    /// Takes domains from an app.
    pub async fn remove_domains(&self, name: &AppName, domains: &[Domain], wait: Wait) -> Result<App, Failure> {
        let (app, ()) = self
            .change(name, |app| {
                app.domains.retain(|domain| !domains.contains(domain));
                Ok(())
            })
            .await?;
        self.roll_out(&app, wait).await
    }

    async fn usual_domain(&self, name: &AppName) -> Result<Domain, Failure> {
        let mut problems = Problems::new();
        let values: Values = Settings::new(&self.platform).load().await?;
        let Some(below) = values.get("platform", "domain") else {
            problems.add_with_hint(
                Origin::Flag("--domain"),
                "the platform has no domain below which apps live",
                "platformctl config platform set domain=example.com, or name one with --domain",
            );
            return Err(problems.into());
        };
        problems.take(Origin::Flag("--domain"), format!("{name}.{below}").parse()).ok_or_else(|| problems.into())
    }
}

/// Below the platform's domain, some names are answered by the platform.
fn unreserved(name: &AppName) -> Result<(), Problems> {
    let mut problems = Problems::new();
    if name.is_reserved() {
        problems.add_with_hint(
            Origin::Flag("NAME"),
            format!("`{name}` is reserved for the platform"),
            format!("another name, such as `my-{name}`"),
        );
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// No other app may have one of these domains: the router would not know whom to ask.
fn free(apps: &[App], name: &AppName, domains: &[Domain]) -> Result<(), Problems> {
    let mut problems = Problems::new();
    for domain in domains {
        if let Some(other) = apps.iter().find(|app| app.name != *name && app.domains.contains(domain)) {
            let message = format!("`{domain}` leads to app `{}`", other.name);
            let hint = format!("platformctl apps domains {} rm {domain}", other.name);
            problems.add_with_hint(Origin::Flag("DOMAIN"), message, hint);
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_platform_are_refused() {
        let refused = unreserved(&"deis".parse().unwrap()).unwrap_err().to_string();
        assert!(refused.contains("`deis` is reserved for the platform"), "{refused}");
        assert!(unreserved(&"my-deis".parse().unwrap()).is_ok());
    }

    #[test]
    fn a_domain_belongs_to_one_app() {
        let domain = |text: &str| text.parse::<Domain>().unwrap();
        let shop = App::new("shop".parse().unwrap(), String::new(), vec![domain("www.example.test")]);
        for (name, wanted, is_free) in
            [("shop", "www.example.test", true), ("other", "www.example.test", false), ("other", "example.test", true)]
        {
            let found = free(std::slice::from_ref(&shop), &name.parse().unwrap(), &[domain(wanted)]);
            assert_eq!(found.is_ok(), is_free, "{name} {wanted}");
        }
    }
}
