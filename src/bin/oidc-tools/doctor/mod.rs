//! Everything that can be wrong, looked at and said in words with the cure.

mod client;
mod deployed;
mod files;
mod finding;
mod front;
mod network;
mod provider;

use std::process::ExitCode;

use edge_oidc::secret::Secret;
use lexopt::Parser;

use crate::{
    arguments::{self, FILES_HELP, UsageError},
    clock,
    failure::Failure,
    paint::Paint,
    shared::terminal::Terminal,
    site::{Files, Site},
};
use finding::Findings;
use network::Network;

pub(crate) use provider::discovery_problem;

const HELP: &str = "\
usage: npm run doctor -- [OPTIONS]

Looks at everything that can be wrong with a site: the settings, as the Worker itself
parses them, wrangler.toml, the provider and whether it knows this client, the Worker
where it is deployed, the origin, and whether it can be reached around the Worker.

  --offline             looks at the files alone
  --deployed            also asks wrangler which secrets are deployed (needs a login)
  --strict              warnings count as bad
  --json                for programs: {\"findings\": [{check, status, found, cure}], \"summary\"}
";

/// What `doctor --help` says: the checks, too.
pub(crate) fn help() -> String {
    let checks: Vec<String> = CHECKS.iter().map(|(name, what)| format!("  {name:<22}{what}\n")).collect();
    format!("{HELP}{FILES_HELP}\nThe checks:\n\n{}", checks.concat())
}

/// Every check, with what is looked at; docs/doctor.md explains each.
const CHECKS: &[(&str, &str)] = &[
    ("settings", "the variables, by the Worker's own parser"),
    ("secrets", "whether the secrets that are required are here, or with `--deployed` whether they are deployed"),
    ("plain_secrets", "that no secret stands in `wrangler.toml`"),
    ("compatibility_date", "that the platform behaves as the Worker expects"),
    ("workers_dev", "that `workers.dev` is no second door"),
    ("preview_urls", "that previews are no second door"),
    ("durable_object", "with `OIDC_SESSIONS`: its class and its migration"),
    ("rate_limit", "whether `OIDC_RATE_LIMIT` is bound"),
    ("run_worker_first", "with assets: that the Worker is asked first"),
    ("observability", "that logs are kept, without query strings"),
    ("store", "that sessions are kept in a store that lasts"),
    ("enabled", "that visitors are asked to sign in at all"),
    ("routes", "that everything that must come to the Worker does"),
    ("discovery", "that the provider answers and calls itself as `OIDC_ISSUER` does"),
    ("clock", "that the provider's clock is within `OIDC_CLOCK_SKEW`"),
    ("keys", "that it has a key by which ID tokens may be signed"),
    ("scopes", "that it knows the scopes of `OIDC_SCOPES`"),
    ("client_authentication", "that it takes the way in which the client proves itself"),
    ("client", "that it takes client id and secret"),
    ("introspection", "where rules take tokens: that the provider answers about them"),
    ("redirect_uri", "that the redirect URI is registered"),
    ("worker", "that the Worker answers where visitors come"),
    ("guard", "that a stranger is sent to the provider"),
    ("origin", "that the origin can be reached through the Worker"),
    ("around_the_worker", "that it can't be reached otherwise"),
];

#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(crate) struct Options {
    pub(crate) files: Files,
    pub(crate) offline: bool,
    pub(crate) deployed: bool,
    pub(crate) strict: bool,
    pub(crate) json: bool,
    pub(crate) debug: bool,
}

impl Options {
    /// The command line behind `doctor`.
    pub(crate) fn parse(parser: &mut Parser) -> Result<Option<Self>, UsageError> {
        let mut options = Self::default();
        while let Some(argument) = parser.next()? {
            match arguments::option(&argument)?.as_str() {
                "help" => return Ok(None),
                "offline" => options.offline = true,
                "deployed" => options.deployed = true,
                "strict" => options.strict = true,
                "json" => options.json = true,
                "debug" => options.debug = true,
                other => arguments::files(&mut options.files, other, parser)?,
            }
        }
        Ok(Some(options))
    }
}

/// Looks at everything. The exit code is 1 when something is bad.
pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let terminal = Terminal::new(options.debug);
    let findings = match examine(options, &terminal) {
        // A program reads one form, whatever comes.
        Err(failure) if options.json => {
            let mut findings = Findings::default();
            findings.bad("settings", failure.problem, failure.cure.unwrap_or_default());
            findings
        }
        other => other?,
    };
    if options.json {
        terminal.say(&findings.json().to_string());
    } else {
        terminal.say(&findings.text(Paint::stdout()));
    }
    Ok(if findings.is_healthy(options.strict) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The same for a site that is not deployed yet; `secret` is the client's, which may be nowhere on this machine.
pub(crate) fn look_before_deployment(
    files: &Files,
    public_origin: &str,
    secret: Option<&Secret<String>>,
    terminal: &Terminal,
    paint: Paint,
) -> Result<ExitCode, Failure> {
    let mut site = Site::read(files)?;
    if let Some(secret) = secret {
        site.take_client_secret(secret);
    }
    site.hide_secrets(terminal);
    let mut findings = Findings::default();
    if let Some(config) = files::check(&site, &clock::now().to_utc_date(), &mut findings) {
        provider::check(&config, &site, Some(public_origin), &Network { terminal }, &mut findings);
    }
    terminal.say(&findings.text(paint));
    Ok(if findings.is_healthy(false) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn examine(options: &Options, terminal: &Terminal) -> Result<Findings, Failure> {
    let site = Site::read(&options.files)?;
    site.hide_secrets(terminal);
    let mut findings = Findings::default();
    let config = files::check(&site, &clock::now().to_utc_date(), &mut findings);
    if options.deployed {
        deployed::check(&site, config.as_ref(), &options.files, &mut findings);
    }
    let Some(config) = config.filter(|_| !options.offline) else { return Ok(findings) };
    let network = Network { terminal };
    let public = site.public_origin(&config);
    let metadata = provider::check(&config, &site, public.as_deref(), &network, &mut findings);
    front::check(&config, public.as_deref(), metadata.as_ref(), &network, &mut findings);
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_explains_every_check_and_no_other() {
        let document = include_str!("../../../../docs/doctor.md");
        let rows = document.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let names: Vec<&str> = CHECKS.iter().map(|(name, _)| *name).collect();
        assert_eq!(rows.collect::<Vec<_>>(), names);
    }
}
