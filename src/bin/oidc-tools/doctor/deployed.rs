//! Which secrets the deployed Worker has: wrangler knows their names, and nobody their values.

use edge_oidc::config::Config;

use super::Findings;
use crate::{
    site::{Files, Site},
    wrangler,
};

const CHECK: &str = "secrets";

pub(super) fn check(site: &Site, config: Option<&Config>, files: &Files, findings: &mut Findings) {
    let listed = wrangler::output(&files.wrangler(&["secret", "list", "--format", "json"]));
    let names = listed.and_then(|text| names(&text).ok_or_else(|| "it answers something else than a list".to_owned()));
    match names {
        Err(error) => findings.bad(CHECK, format!("wrangler can't tell: {error}"), "npx wrangler login"),
        Ok(names) => {
            let needed = site.needed_secrets(config).into_iter();
            let missing: Vec<&str> = needed.filter(|name| !names.iter().any(|known| known == name)).collect();
            if missing.is_empty() {
                findings.good(CHECK, format!("deployed: {}", names.join(", ")));
            } else {
                findings.bad(CHECK, format!("not deployed: {}", missing.join(", ")), "npx wrangler secret put NAME");
            }
        }
    }
}

fn names(text: &str) -> Option<Vec<String>> {
    wrangler::list(text)?.iter().map(|secret| Some(secret.get("name")?.as_str()?.to_owned())).collect()
}
