//! The two files, as wrangler reads them.

use std::sync::atomic::{AtomicU32, Ordering};

use edge_oidc::config::ConfigError;

use super::*;

struct Folder(PathBuf);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("oidc-tools-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        for (name, text) in files {
            fs::write(path.join(name), text).unwrap();
        }
        Self(path)
    }

    fn files(&self, environment: Option<&str>) -> Files {
        let config = ["wrangler.jsonc", "wrangler.toml"].map(|name| self.0.join(name));
        let config = config.into_iter().find(|path| path.exists()).unwrap_or_default();
        Files { config, environment: environment.map(str::to_owned), secrets: None }
    }

    fn read(&self, environment: Option<&str>) -> Site {
        Site::read(&self.files(environment)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const TWO: &str = r#"
name = "guard"
route = "https://app.example.com/*"
workers_dev = false
[vars]
OIDC_ISSUER = "https://id.example.com"
OIDC_CLIENT_ID = "a"
OIDC_CLOCK_SKEW = 30
OTHER = "x"
[[kv_namespaces]]
binding = "OIDC_CREDENTIALS"
[secrets]
required = ["OIDC_SECRET_KEY", "OIDC_CLIENT_SECRET"]
[env.staging]
workers_dev = true
routes = [{ pattern = "staging.example.com", custom_domain = true }]
[env.staging.vars]
OIDC_ISSUER = "https://staging.example.com"
OIDC_CLIENT_ID = "b"
[[env.staging.durable_objects.bindings]]
name = "OIDC_SESSIONS"
class_name = "SessionVault"
[env.empty]
"#;

#[test]
fn variables_and_bindings() {
    let folder = Folder::with(&[("wrangler.toml", TWO), (".dev.vars", "OIDC_CLIENT_ID=local\nOIDC_SECRET_KEY='k'\n")]);
    let site = folder.read(None);
    let variables = site.variables();
    assert_eq!(variables["OIDC_CLIENT_ID"], "local", "a secret wins");
    assert_eq!(variables["OIDC_CLOCK_SKEW"], 30, "with its type");
    assert_eq!(variables.keys().filter(|name| *name == "OTHER").count(), 0);
    let bindings = site.bindings();
    assert!(bindings.kv && !bindings.durable && !bindings.origin);
    assert_eq!(site.unseen_secrets(None), ["OIDC_CLIENT_SECRET"]);
}

#[test]
fn an_environment_has_variables_and_bindings_of_its_own() {
    let folder = Folder::with(&[("wrangler.toml", TWO), (".dev.vars.staging", "A=1"), (".dev.vars", "B=2")]);
    let site = folder.read(Some("staging"));
    let variables = site.variables();
    assert_eq!(variables["OIDC_CLIENT_ID"], "b");
    assert!(!variables.contains_key("OIDC_CLOCK_SKEW"));
    let bindings = site.bindings();
    assert!(!bindings.kv && bindings.durable);
    assert_eq!(site.inherited("workers_dev"), Some(&Value::Bool(true)));
    assert_eq!(site.inherited("name").unwrap(), "guard");
    assert!(site.secrets_file.as_ref().unwrap().ends_with(".dev.vars.staging"));
    // An environment without variables gets none.
    assert!(!folder.read(Some("empty")).variables().contains_key("OIDC_ISSUER"));
    let error = Site::read(&folder.files(Some("prod"))).err().unwrap();
    assert!(error.problem.contains("there are: empty, staging"), "{error}");
}

#[test]
fn where_visitors_come() {
    let folder = Folder::with(&[("wrangler.toml", TWO)]);
    for (environment, expected) in [(None, "https://app.example.com"), (Some("staging"), "https://staging.example.com")]
    {
        let site = folder.read(environment);
        let config = site.config().unwrap();
        assert_eq!(site.public_origin(&config).as_deref(), Some(expected));
    }
}

#[test]
fn without_the_secrets_the_rest_is_parsed() {
    let folder = Folder::with(&[("wrangler.toml", TWO)]);
    let site = folder.read(None);
    assert!(Config::parse(&site.variables(), site.bindings()).is_err());
    assert_eq!(site.config().unwrap().providers[0].client.id.as_str(), "a");
    let elsewhere = r#"
        [vars]
        OIDC_CLOCK_SKEW = 601
        [[kv_namespaces]]
        binding = "OIDC_CREDENTIALS"
        [secrets]
        required = ["OIDC_SECRET_KEY", "OIDC_CLIENT_SECRETS"]
    "#;
    let errors = Folder::with(&[("wrangler.toml", elsewhere)]).read(None).config().unwrap_err();
    assert_eq!(errors.iter().map(ConfigError::key).collect::<Vec<_>>(), ["OIDC_CLOCK_SKEW"]);
}

#[test]
fn of_dev_vars_only_what_is_announced() {
    let dev_vars = "OIDC_SECRET_KEY=k\nOIDC_CLIENT_ID=v\nOIDC_PUBLIC_URL=http://localhost\n";
    let folder = Folder::with(&[("wrangler.toml", TWO), (".dev.vars", dev_vars)]);
    let site = folder.read(None);
    assert_eq!(site.ignored, ["OIDC_PUBLIC_URL"]);
    assert!(site.variables().contains_key("OIDC_SECRET_KEY") && site.variables()["OIDC_CLIENT_ID"] == "v");
    // Where nothing is announced everything is taken; so is a file that is named.
    let unannounced = TWO.replace("[secrets]", "[other]");
    let folder = Folder::with(&[("wrangler.toml", &unannounced), (".dev.vars", dev_vars)]);
    assert!(folder.read(None).variables().contains_key("OIDC_PUBLIC_URL"));
    let folder = Folder::with(&[("wrangler.toml", TWO), ("secrets", dev_vars)]);
    let files = Files { secrets: Some(folder.0.join("secrets")), ..folder.files(None) };
    assert!(Site::read(&files).unwrap().variables().contains_key("OIDC_PUBLIC_URL"));
}

#[test]
fn bad_files() {
    let folder = Folder::with(&[("wrangler.toml", "a = 1\nb = [\n")]);
    let error = Site::read(&folder.files(None)).err().unwrap();
    assert!(error.problem.contains("is no TOML") && error.cure.unwrap().contains("line 2"));
    let folder = Folder::with(&[]);
    assert!(Site::read(&folder.files(None)).err().unwrap().problem.contains("can't be read"));
    let folder = Folder::with(&[("wrangler.toml", ""), ("secrets.json", r#"{"OIDC_CLIENT_ID": "j"}"#)]);
    let files = Files { secrets: Some(folder.0.join("secrets.json")), ..folder.files(None) };
    assert_eq!(Site::read(&files).unwrap().variables()["OIDC_CLIENT_ID"], "j");
}

#[test]
fn json_with_comments() {
    let text = r#"{
        // The site.
        "vars": { "OIDC_CLIENT_ID": "https://not-a-comment", },
        "kv_namespaces": [{ "binding": "OIDC_CREDENTIALS" },], /* the store */
    }"#;
    let site = Folder::with(&[("wrangler.jsonc", text)]).read(None);
    assert_eq!(site.variables()["OIDC_CLIENT_ID"], "https://not-a-comment");
    assert!(site.bindings().kv);
    let folder = Folder::with(&[("wrangler.jsonc", "{ \"vars\": }")]);
    assert!(Site::read(&folder.files(None)).is_err());
}

#[test]
fn what_an_environment_inherits_of_its_bindings() {
    let text = r#"
        [assets]
        directory = "site"
        binding = "ORIGIN"
        [[services]]
        binding = "OIDC_OTHER"
        [env.staging.vars]
        A = 1
    "#;
    let folder = Folder::with(&[("wrangler.toml", text)]);
    let site = folder.read(Some("staging"));
    assert!(site.bindings().origin);
    assert!(!site.variables().contains_key("OIDC_OTHER"));
    assert!(folder.read(None).variables().contains_key("OIDC_OTHER"));
    // What is no such binding is none, as the Worker sees it.
    let other = text.replace("[assets]", "[[r2_buckets]]").replace("directory", "bucket_name");
    assert!(!Folder::with(&[("wrangler.toml", &other)]).read(None).bindings().origin);
}

#[test]
fn without_dev_vars_the_env_files() {
    let files = [
        (".env", "OIDC_CLIENT_ID=env\nOIDC_SECRET_KEY=env\nOIDC_CLOCK_SKEW=1\n"),
        (".env.local", "OIDC_SECRET_KEY=local\nOIDC_CLOCK_SKEW=2\n"),
        (".env.staging", "OIDC_CLOCK_SKEW=3\n"),
        ("wrangler.toml", "[env.staging]\n"),
    ];
    let folder = Folder::with(&files);
    for (environment, skew) in [(None, "2"), (Some("staging"), "3")] {
        let variables = folder.read(environment).variables();
        let read = ["OIDC_CLIENT_ID", "OIDC_SECRET_KEY", "OIDC_CLOCK_SKEW"].map(|name| variables[name].clone());
        assert_eq!(read, ["env", "local", skew]);
    }
    fs::write(folder.0.join(".dev.vars"), "OIDC_CLOCK_SKEW=4\n").unwrap();
    let variables = folder.read(Some("staging")).variables();
    assert_eq!((variables.len(), &variables["OIDC_CLOCK_SKEW"]), (1, &Value::from("4")));
}
