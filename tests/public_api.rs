//! What the library promises to the code around it stands in `tests/public_api.txt`: a change of it is seen, and meant.
//!
//! `PUBLIC_API=write cargo test --test public_api` writes the file anew. What its lines promise: `docs/stability.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

use quote::ToTokens;
use syn::{Fields, File, ImplItem, Item, Signature, TraitItem, Type, UseTree, Visibility};

/// Where the public parts stand, and the feature that brings them; the first that fits a file counts.
const PARTS: [(&str, &str); 9] = [
    ("src/edge/library/axum", "axum"),
    ("src/edge/library", "edge"),
    ("src/embed", ""),
    ("src/store/mod.rs", ""),
    ("src/store/contract.rs", ""),
    ("src/store/key.rs", ""),
    ("src/visitor.rs", ""),
    ("src/oauth/mod.rs", ""),
    ("src/oauth/access_token.rs", ""),
];

/// The files whose `pub use` says what is public, and whose own public items are.
const DOORS: [&str; 6] = [
    "src/lib.rs",
    "src/embed/mod.rs",
    "src/store/mod.rs",
    "src/store/contract.rs",
    "src/edge/library/axum/mod.rs",
    "src/edge/library.rs",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn parsed(path: &Path) -> File {
    syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap()
}

fn rust_files(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            rust_files(&entry.unwrap().path(), found);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
        found.push(path.to_owned());
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Tokens as one would write them.
fn text(tokens: impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (spaced, plain) in [
        (" :: ", "::"),
        (":: ", "::"),
        (" < ", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        (" ,", ","),
        (" :", ":"),
        ("& ", "&"),
        ("[ ", "["),
        (" ]", "]"),
        ("' ", "'"),
        ("- >", "->"),
        ("->", " -> "),
        ("  ", " "),
        (",)", ")"),
        (",>", ">"),
    ] {
        text = text.replace(spaced, plain);
    }
    text
}

/// The names at the end of a `pub use`.
fn names(tree: &UseTree, into: &mut BTreeSet<String>) {
    match tree {
        UseTree::Path(path) => names(&path.tree, into),
        UseTree::Name(name) => drop(into.insert(name.ident.to_string())),
        UseTree::Rename(rename) => drop(into.insert(rename.ident.to_string())),
        UseTree::Group(group) => group.items.iter().for_each(|tree| names(tree, into)),
        UseTree::Glob(_) => panic!("say the names"),
    }
}

/// What the doors name.
fn public_names() -> BTreeSet<String> {
    let mut public = BTreeSet::new();
    for item in DOORS.iter().flat_map(|door| parsed(&root().join(door)).items) {
        match item {
            Item::Use(exported) if is_public(&exported.vis) => names(&exported.tree, &mut public),
            Item::Struct(item) if is_public(&item.vis) => drop(public.insert(item.ident.to_string())),
            Item::Enum(item) if is_public(&item.vis) => drop(public.insert(item.ident.to_string())),
            Item::Trait(item) if is_public(&item.vis) => drop(public.insert(item.ident.to_string())),
            Item::Fn(item) if is_public(&item.vis) => drop(public.insert(item.sig.ident.to_string())),
            Item::Const(item) if is_public(&item.vis) => drop(public.insert(item.ident.to_string())),
            _ => {}
        }
    }
    public
}

struct Lines<'p> {
    public: &'p BTreeSet<String>,
    lines: BTreeSet<String>,
}

impl Lines<'_> {
    fn is_named(&self, name: &impl ToString) -> bool {
        self.public.contains(&name.to_string())
    }

    fn say(&mut self, line: String) {
        self.lines.insert(line);
    }

    fn function(&mut self, owner: &str, signature: &Signature) {
        let (keyword, signature) = (if signature.asyncness.is_some() { "async " } else { "" }, text(signature));
        let rest = signature.split_once("fn ").unwrap().1;
        self.say(format!("{keyword}fn {owner}{rest}"));
    }

    fn derived(&mut self, name: &str, attributes: &[syn::Attribute]) {
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("derive")) {
            let derived =
                attribute.parse_args_with(syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated);
            derived.unwrap().iter().for_each(|of| self.say(format!("impl {} for {name}", text(of))));
        }
    }

    fn fields(&mut self, owner: &str, fields: &Fields) {
        for field in fields.iter().filter(|field| is_public(&field.vis)) {
            let name = field.ident.as_ref().map_or("0".to_owned(), ToString::to_string);
            self.say(format!("field {owner}.{name}: {}", text(&field.ty)));
        }
    }

    fn item(&mut self, item: Item) {
        match item {
            Item::Struct(item) if is_public(&item.vis) && self.is_named(&item.ident) => {
                let name = item.ident.to_string();
                self.say(format!("struct {name}{}", text(&item.generics)));
                self.derived(&name, &item.attrs);
                self.fields(&name, &item.fields);
            }
            Item::Enum(item) if is_public(&item.vis) && self.is_named(&item.ident) => {
                let name = item.ident.to_string();
                self.say(format!("enum {name}{}", text(&item.generics)));
                self.derived(&name, &item.attrs);
                item.variants.iter().for_each(|variant| {
                    self.say(format!("variant {name}::{}{}", variant.ident, text(&variant.fields)));
                });
            }
            Item::Trait(item) if is_public(&item.vis) && self.is_named(&item.ident) => {
                self.say(format!("trait {}", item.ident));
                for part in &item.items {
                    match part {
                        TraitItem::Fn(function) => {
                            self.function(&format!("{}::", item.ident), &function.sig);
                            let is = if function.default.is_some() { "given" } else { "to be written" };
                            self.say(format!("{is} {}::{}", item.ident, function.sig.ident));
                        }
                        TraitItem::Const(constant) => {
                            self.say(format!("const {}::{}: {}", item.ident, constant.ident, text(&constant.ty)));
                        }
                        other => panic!("say what {} is", text(other)),
                    }
                }
            }
            Item::Type(item) if is_public(&item.vis) && self.is_named(&item.ident) => {
                self.say(format!("type {} = {}", item.ident, text(&item.ty)));
            }
            Item::Const(item) if is_public(&item.vis) && self.is_named(&item.ident) => {
                self.say(format!("const {}: {}", item.ident, text(&item.ty)));
            }
            Item::Fn(item) if is_public(&item.vis) && self.is_named(&item.sig.ident) => self.function("", &item.sig),
            Item::Impl(item) => self.implementation(&item),
            _ => {}
        }
    }

    fn implementation(&mut self, item: &syn::ItemImpl) {
        let Type::Path(of) = &*item.self_ty else { return };
        if item.attrs.iter().any(|attribute| text(&attribute.meta) == "doc(hidden)") {
            return;
        }
        let owner = of.path.segments.last().unwrap().ident.to_string();
        // `impl From<Answer> for worker::Error` is ours as well.
        let of_ours = item.trait_.as_ref().and_then(|(_, of, _)| {
            let of = text(of);
            Some(self.is_named(&of.strip_prefix("From<")?.strip_suffix('>')?))
        });
        if !self.is_named(&owner) && of_ours != Some(true) {
            return;
        }
        if let Some((_, of, _)) = &item.trait_ {
            let (generics, ends) = (text(&item.generics), text(&item.self_ty));
            self.say(format!("impl{generics} {} for {ends}", text(of)));
            return;
        }
        for part in &item.items {
            match part {
                ImplItem::Fn(function) if is_public(&function.vis) => {
                    self.function(&format!("{owner}::"), &function.sig);
                }
                ImplItem::Const(constant) if is_public(&constant.vis) => {
                    self.say(format!("const {owner}::{}: {}", constant.ident, text(&constant.ty)));
                }
                _ => {}
            }
        }
    }
}

/// All that is promised, a line each.
fn listed() -> String {
    let public = public_names();
    let mut files = Vec::new();
    for (part, _) in PARTS {
        rust_files(&root().join(part), &mut files);
    }
    let mut by_feature: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for file in files.iter().collect::<BTreeSet<_>>() {
        let (_, feature) = PARTS.iter().find(|(part, _)| file.starts_with(root().join(part))).unwrap();
        let mut lines = Lines { public: &public, lines: BTreeSet::new() };
        parsed(file).items.into_iter().for_each(|item| lines.item(item));
        by_feature.entry(feature).or_default().extend(lines.lines);
    }
    let mut listed = vec![["Named:", &public.iter().map(String::as_str).collect::<Vec<_>>().join(" ")].join(" ")];
    for (feature, lines) in by_feature {
        let when = if feature.is_empty() { "Always" } else { feature };
        listed.push(format!("\n{when}:"));
        listed.extend(lines);
    }
    listed.join("\n") + "\n"
}

#[test]
fn the_public_api_is_the_one_that_is_listed() {
    let file = root().join("tests/public_api.txt");
    let listed = listed();
    if env::var("PUBLIC_API").is_ok_and(|word| word == "write") {
        fs::write(&file, &listed).unwrap();
    }
    let known = fs::read_to_string(&file).unwrap_or_default();
    let of = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let (now, before) = (of(&listed), of(&known));
    let lines = |sign: &str, lines: BTreeSet<&String>| {
        lines.iter().flat_map(|line| [sign, line.as_str(), "\n"]).collect::<String>()
    };
    let changes = lines("- ", before.difference(&now).collect()) + &lines("+ ", now.difference(&before).collect());
    assert!(
        listed == known,
        "the public API has changed; if it is meant to, say so in CHANGELOG.md and run \
         `PUBLIC_API=write cargo test --test public_api`\n{changes}"
    );
}

#[test]
fn what_is_promised_of_versions_is_what_the_manifest_says() {
    let page = fs::read_to_string(root().join("docs/stability.md")).unwrap();
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    for (key, said) in [("rust-version", "Rust"), ("worker", "worker"), ("axum", "axum")] {
        let line = manifest.lines().find(|line| line.starts_with(&format!("{key} = ")) && line.contains('.')).unwrap();
        let version = line.split('"').find(|part| part.starts_with(|c: char| c.is_ascii_digit())).unwrap();
        let named = version.split('.').take(2).collect::<Vec<_>>().join(".");
        assert!(page.contains(&format!("{said} {named}")), "docs/stability.md does not say {said} {named}");
    }
}
