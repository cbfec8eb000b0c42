//! The recipes of `docs/providers.md` are settings that the Worker takes.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use edge_oidc::config::{Bindings, Config, Variables};

const DOCUMENT: &str = include_str!("../docs/providers.md");

const PROVIDERS: [&str; 15] = [
    "oidc-provider (npm)",
    "Canaille",
    "Glewlwyd",
    "Google",
    "Microsoft Entra ID",
    "Okta",
    "Auth0",
    "Keycloak",
    "Authentik",
    "Zitadel",
    "GitLab",
    "AWS Cognito",
    "Dex",
    "LemonLDAP::NG",
    "GitHub",
];

#[test]
fn every_recipe_is_taken_as_it_stands() {
    let (_, recipes) = DOCUMENT.split_once("## Recipes").unwrap();
    let (recipes, _) = recipes.split_once("\n## ").unwrap();
    for name in PROVIDERS {
        assert!(recipes.contains(&format!("\n### {name}")), "{name} has no recipe");
    }
    let mut count = 0;
    for recipe in recipes.split("\n### ").skip(1) {
        let name = recipe.lines().next().unwrap();
        let mark = ["tested here", "from documentation", "and others without OpenID Connect"];
        assert!(mark.iter().any(|mark| name.contains(mark)), "{name}: tested or not?");
        // What is set in a sentence counts, too.
        let inline = recipe.split('`').filter(|part| part.starts_with("OIDC_") && part.contains(" = "));
        let block = recipe.split("```toml\n").nth(1).map(|rest| rest.split("```").next().unwrap());
        let Some(block) = block else { continue };
        taken(name, block);
        inline.for_each(|line| taken(name, &format!("{block}\n{line}")));
        count += 1;
    }
    assert!(count >= 12, "{count} recipes");
}

fn taken(name: &str, toml: &str) {
    let mut variables: Variables =
        toml_edit::de::from_str(toml).unwrap_or_else(|error| panic!("{name}: {error}\n{toml}"));
    variables.insert("OIDC_CLIENT_ID".to_owned(), "site".into());
    variables.insert("OIDC_SECRET_KEY".to_owned(), "k".repeat(32).into());
    let bindings = Bindings { kv: true, ..Bindings::default() };
    if let Err(errors) = Config::parse(&variables, bindings) {
        panic!("{name}: {errors}\n{toml}");
    }
}
