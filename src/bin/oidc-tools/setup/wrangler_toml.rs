//! `wrangler.toml`, changed where it must be and left as it is elsewhere, comments and all.

use std::{fs, path::Path};

use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value, value};

use crate::failure::Failure;

/// The file, and what has changed in it.
pub(super) struct WranglerToml {
    document: DocumentMut,
    environment: Option<String>,
    /// Each change, as it stands in the file.
    pub(super) changes: Vec<String>,
}

impl WranglerToml {
    pub(super) fn read(path: &Path, environment: Option<&str>) -> Result<Self, Failure> {
        let failure = |problem: String| Failure::new(format!("{}: {problem}", path.display()));
        if path.extension().is_some_and(|extension| extension == "json" || extension == "jsonc") {
            return Err(failure("setup changes wrangler.toml alone".to_owned())
                .cure("write it by hand, as the README says; npm run doctor reads it and looks whether all is there"));
        }
        let text = fs::read_to_string(path).map_err(|error| failure(error.kind().to_string()))?;
        let document: DocumentMut =
            text.parse().map_err(|error: toml_edit::TomlError| failure(error.message().to_owned()))?;
        let environment = environment.map(str::to_owned);
        Ok(Self { document, environment, changes: Vec::new() })
    }

    pub(super) fn text(&self) -> String {
        self.document.to_string()
    }

    /// Sets a variable.
    pub(super) fn variable(&mut self, name: &str, text: &str) {
        let Some(scope) = self.scope() else { return };
        let vars = scope.entry("vars").or_insert_with(|| Item::Table(Table::new()));
        let Some(vars) = vars.as_table_like_mut() else { return };
        if set(vars.entry(name).or_insert(Item::None), text.into()) {
            self.changes.push(format!("{name} = {}", value(text)));
        }
    }

    /// Puts the Worker on a route, unless it stands on one already.
    pub(super) fn route(&mut self, pattern: &str, custom_domain: bool) {
        let Some(scope) = self.scope() else { return };
        if scope.contains_key("route") || scope.contains_key("routes") {
            return;
        }
        let mut route = InlineTable::new();
        route.insert("pattern", pattern.into());
        if custom_domain {
            route.insert("custom_domain", true.into());
        }
        let routes = Array::from_iter([route]);
        let change = format!("routes = {routes}");
        scope.insert("routes", value(routes));
        self.changes.push(change);
    }

    /// Gives the KV namespace its id.
    pub(super) fn namespace_id(&mut self, id: &str) {
        let Some(namespace) = self.namespace() else { return };
        if set(namespace.entry("id").or_insert(Item::None), id.into()) {
            self.changes.push(format!("id = {}", value(id)));
        }
    }

    /// The table that binds the KV namespace, if there is one, with its id, if it has one.
    pub(super) fn namespace(&mut self) -> Option<&mut dyn TableLike> {
        entry(self.scope()?.get_mut("kv_namespaces")?, "binding", "OIDC_CREDENTIALS")
    }

    /// Binds a KV namespace, unless one is bound.
    pub(super) fn bind_namespace(&mut self) {
        if self.namespace().is_some() {
            return;
        }
        let Some(scope) = self.scope() else { return };
        push(scope.entry("kv_namespaces").or_insert_with(tables), &[("binding", "OIDC_CREDENTIALS".into())]);
        self.changes.push("kv_namespaces: OIDC_CREDENTIALS".to_owned());
    }

    /// Durable Objects in the place of KV.
    pub(super) fn durable(&mut self) {
        let Some(scope) = self.scope() else { return };
        if let Some(all) = scope.get_mut("kv_namespaces") {
            let is_empty = match all {
                Item::ArrayOfTables(all) => {
                    all.retain(|table| table.get("binding").and_then(Item::as_str) != Some("OIDC_CREDENTIALS"));
                    all.is_empty()
                }
                Item::Value(Value::Array(all)) => {
                    all.retain(|table| bound_by(table) != Some("OIDC_CREDENTIALS"));
                    all.is_empty()
                }
                _ => false,
            };
            if is_empty {
                scope.remove("kv_namespaces");
            }
        }
        let objects = scope.entry("durable_objects").or_insert_with(|| implicit(Table::new()));
        let Some(objects) = objects.as_table_like_mut() else { return };
        let bindings = objects.entry("bindings").or_insert_with(tables);
        if entry(bindings, "name", "OIDC_SESSIONS").is_some() {
            return;
        }
        push(bindings, &[("name", "OIDC_SESSIONS".into()), ("class_name", "SessionVault".into())]);
        let migrations = scope.entry("migrations").or_insert_with(tables);
        // wrangler takes a tag that it has seen for one that is done.
        let tag = (1..100).map(|number| format!("v{number}")).find(|tag| entry(migrations, "tag", tag).is_none());
        let classes = Value::from_iter(["SessionVault"]);
        push(migrations, &[("tag", tag.unwrap_or_default().into()), ("new_sqlite_classes", classes)]);
        self.changes.push("durable_objects: OIDC_SESSIONS, class SessionVault".to_owned());
    }

    /// What wrangler insists on before it deploys.
    pub(super) fn requires(&mut self, name: &str, is_required: bool) {
        let Some(scope) = self.scope() else { return };
        let secrets = scope.entry("secrets").or_insert_with(|| Item::Table(Table::new()));
        let Some(secrets) = secrets.as_table_like_mut() else { return };
        let required = secrets.entry("required").or_insert_with(|| value(Array::new()));
        let Some(required) = required.as_array_mut() else { return };
        let at = required.iter().position(|item| item.as_str() == Some(name));
        match (at, is_required) {
            (Some(at), false) => {
                required.remove(at);
                self.changes.push(format!("secrets: {name} is not required"));
            }
            (None, true) => {
                required.push(name);
                self.changes.push(format!("secrets: {name} is required"));
            }
            _ => {}
        }
    }

    /// The table of the environment. That it is one was seen when the file was read for its settings.
    fn scope(&mut self) -> Option<&mut Table> {
        let root = self.document.as_table_mut();
        match &self.environment {
            None => Some(root),
            Some(name) => root.get_mut("env")?.as_table_mut()?.get_mut(name)?.as_table_mut(),
        }
    }
}

/// Changes a value and nothing around it; whether it was another one.
fn set(item: &mut Item, new: Value) -> bool {
    match item {
        Item::Value(old) if old.as_str() == new.as_str() => false,
        Item::Value(old) => {
            let decor = old.decor().clone();
            *old = new;
            *old.decor_mut() = decor;
            true
        }
        other => {
            *other = Item::Value(new);
            true
        }
    }
}

/// The entry of a list, in either of TOML's ways to write one, whose member says this.
fn entry<'i>(list: &'i mut Item, member: &str, text: &str) -> Option<&'i mut dyn TableLike> {
    match list {
        Item::ArrayOfTables(all) => {
            let mut found = all.iter_mut().filter(|table| table.get(member).and_then(Item::as_str) == Some(text));
            found.next().map(|table| table as &mut dyn TableLike)
        }
        Item::Value(Value::Array(all)) => {
            let tables = all.iter_mut().filter_map(Value::as_inline_table_mut);
            let mut found = tables.filter(|table| table.get(member).and_then(Value::as_str) == Some(text));
            found.next().map(|table| table as &mut dyn TableLike)
        }
        _ => None,
    }
}

/// One more entry, in the way of the others.
fn push(list: &mut Item, members: &[(&str, Value)]) {
    match list {
        Item::ArrayOfTables(all) => {
            all.push(members.iter().map(|(name, value)| (*name, value.clone())).collect::<Table>());
        }
        Item::Value(Value::Array(all)) => all.push(members.iter().cloned().collect::<InlineTable>()),
        _ => {}
    }
}

fn bound_by(entry: &Value) -> Option<&str> {
    entry.as_inline_table()?.get("binding")?.as_str()
}

fn tables() -> Item {
    Item::ArrayOfTables(ArrayOfTables::new())
}

fn implicit(mut table: Table) -> Item {
    table.set_implicit(true);
    Item::Table(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str, environment: Option<&str>) -> WranglerToml {
        let environment = environment.map(str::to_owned);
        WranglerToml { document: text.parse().unwrap(), environment, changes: Vec::new() }
    }

    const REAL: &str = include_str!("../../../../wrangler.toml");

    #[test]
    fn the_file_of_the_repository_keeps_its_comments() {
        let mut file = file(REAL, None);
        file.variable("OIDC_ISSUER", "https://op.example");
        file.variable("OIDC_ORIGIN", "https://origin.example");
        file.route("app.example.com", true);
        file.namespace_id("0123");
        let text = file.text();
        for line in REAL.lines().filter(|line| line.starts_with('#')) {
            assert!(text.contains(line), "{line}");
        }
        assert!(text.contains("OIDC_ISSUER = \"https://op.example\"      # SET: the provider"), "{text}");
        assert!(text.contains("\nOIDC_ORIGIN = \"https://origin.example\"\n"), "{text}");
        assert!(text.contains("preview_urls = false\nroutes = [{ pattern = \"app.example.com\""), "{text}");
        assert!(text.contains("binding = \"OIDC_CREDENTIALS\"\nid = \"0123\"\n"), "{text}");
        assert_eq!(file.changes.len(), 4);
        text.parse::<DocumentMut>().unwrap();
    }

    #[test]
    fn a_second_time_nothing_changes() {
        let twice = |change: fn(&mut WranglerToml)| {
            let mut first = file(REAL, None);
            change(&mut first);
            assert!(!first.changes.is_empty());
            let mut second = file(&first.text(), None);
            change(&mut second);
            assert_eq!(second.changes, [""; 0]);
            assert_eq!(second.text(), first.text());
            second.text()
        };
        twice(|file| file.variable("OIDC_CLIENT_ID", "x"));
        twice(|file| file.route("a.example/*", false));
        twice(|file| file.requires("OIDC_CLIENT_SECRET", false));
        twice(|file| file.requires("OTHER", true));
        let durable = twice(WranglerToml::durable);
        assert!(durable.contains("[[durable_objects.bindings]]\nname = \"OIDC_SESSIONS\""), "{durable}");
        assert!(durable.contains("[[migrations]]\ntag = \"v1\"\nnew_sqlite_classes = [\"SessionVault\"]"), "{durable}");
        assert!(!durable.contains("\n[[kv_namespaces]]"), "{durable}");
    }

    #[test]
    fn lists_in_either_way_of_writing() {
        let text = r#"
            kv_namespaces = [{ binding = "OTHER", id = "1" }, { binding = "OIDC_CREDENTIALS" }]
            durable_objects = { bindings = [{ name = "ROOMS", class_name = "Room" }] }
            vars = { A = 1 }
            [[migrations]]
            tag = "v1"
            new_sqlite_classes = ["Room"]
        "#;
        let mut kv = file(text, None);
        kv.bind_namespace();
        assert_eq!(kv.changes, [""; 0]);
        kv.namespace_id("0123");
        kv.variable("B", "2");
        let written = kv.text();
        assert!(
            written.contains(r#"{ binding = "OIDC_CREDENTIALS" , id = "0123" }"#)
                || written.contains(r#"{ binding = "OIDC_CREDENTIALS", id = "0123" }"#),
            "{written}"
        );
        written.parse::<DocumentMut>().unwrap();
        let mut durable = file(text, None);
        durable.durable();
        let written = durable.text().parse::<DocumentMut>().unwrap();
        assert_eq!(written["kv_namespaces"].as_array().unwrap().len(), 1);
        let bindings = written["durable_objects"]["bindings"].as_array().unwrap();
        assert_eq!(
            bindings.get(1).unwrap().as_inline_table().unwrap().get("name").unwrap().as_str(),
            Some("OIDC_SESSIONS")
        );
        let migration = written["migrations"].as_array_of_tables().unwrap().get(1).unwrap();
        assert_eq!(migration["tag"].as_str(), Some("v2"), "v1 has been");
        let mut again = file(&durable.text(), None);
        again.durable();
        assert_eq!(again.changes, [""; 0]);
        // Where nothing is bound, something has to be.
        let mut bare = file("[env.staging]\n", Some("staging"));
        bare.bind_namespace();
        assert!(
            bare.text().contains("[[env.staging.kv_namespaces]]\nbinding = \"OIDC_CREDENTIALS\""),
            "{}",
            bare.text()
        );
    }

    #[test]
    fn an_environment_of_its_own() {
        let mut file = file("[vars]\nA = 1\n[env.staging]\n[env.staging.vars]\nA = 2\n", Some("staging"));
        file.variable("OIDC_CLIENT_ID", "x");
        file.requires("OIDC_SECRET_KEY", true);
        let text = file.text();
        assert!(text.contains("[env.staging.vars]\nA = 2\nOIDC_CLIENT_ID = \"x\"\n"), "{text}");
        assert!(text.contains("[env.staging.secrets]\nrequired = [\"OIDC_SECRET_KEY\"]"), "{text}");
        assert!(!text.contains("[vars]\nA = 1\nOIDC"), "{text}");
    }
}
