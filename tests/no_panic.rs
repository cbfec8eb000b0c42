//! Twenty thousand requests that nobody would send: none breaks the gateway, none makes anybody of nobody.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use serde_json::json;
use support::{Answer, FakeRequest, SESSION, World};

/// Knuth's linear congruential generator: the same numbers every time, on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[self.roll(from.len())]
    }

    /// Up to `most` of these in a row.
    fn some(&mut self, from: &[&str], most: usize) -> String {
        (0..self.roll(most + 1)).map(|_| self.pick(from)).collect()
    }

    /// A few characters taken out, put in, doubled or swapped.
    fn mutate(&mut self, text: &str) -> String {
        let mut chars: Vec<char> = text.chars().collect();
        for _ in 0..=self.roll(3) {
            let at = self.roll(chars.len() + 1);
            let odd = ['%', '\0', '\n', ';', '=', '/', '\\', '\u{e9}', '\u{10ffff}', '"', '&', 'A', '.', ' '];
            match self.roll(4) {
                0 => chars.insert(at, odd[self.roll(odd.len())]),
                1 if at < chars.len() => drop(chars.remove(at)),
                2 if at < chars.len() => chars[at] = odd[self.roll(odd.len())],
                3 => chars.truncate(at.max(1)),
                _ => chars.extend_from_within(at..),
            }
        }
        chars.into_iter().take(5000).collect()
    }
}

const METHODS: &[&str] =
    &["GET", "GET", "GET", "POST", "HEAD", "PUT", "OPTIONS", "get", "", "\u{e9}", "GET POST", "TRACE"];
const STARTS: &[&str] = &[
    "http://localhost:80",
    "https://",
    "",
    "https://a@site.example",
    "https://[::1]",
    "https://site.example:99999",
    "ftp://x",
    "https://SITE.example:443",
];
const PATHS: &[&str] = &[
    "/",
    "/oidc_callback",
    "/oidc_login",
    "/oidc_logout",
    "/oidc_signed_out",
    "/oidc_userinfo",
    "/oidc_health",
    "/a",
    "//",
    "/public",
    "/..",
    "/%2e",
    ";x",
    "%2f",
    "%",
    "%zz",
    "%00",
    "\\",
    "\u{e9}",
    "?",
    "#",
    "\t",
    "/%6fidc_login",
    "*",
    " ",
];
const NAMES: &[&str] =
    &["state", "code", "iss", "error", "next", "id_token", "error_description", "%73tate", "", "x", "access_token"];
const VALUES: &[&str] = &[
    "",
    "a",
    "https%3A%2F%2Fidp.example",
    "access_denied",
    "%00",
    "%ff",
    "/a",
    "//evil.example",
    "+",
    "<script>",
    "a&state=b",
    "\u{e9}",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "%",
    "=",
    "{}",
    "../..",
];
const HEADERS: &[&str] = &[
    "accept",
    "sec-fetch-mode",
    "sec-fetch-site",
    "origin",
    "referer",
    "x-forwarded-user",
    "x_forwarded_user",
    "host",
    "x-forwarded-host",
    "authorization",
    "dpop",
    "content-type",
    "x-requested-with",
    "cf-connecting-ip",
    "x-forwarded-assertion",
];
const HEADER_VALUES: &[&str] = &[
    "text/html",
    "navigate",
    "cors",
    "same-origin",
    "cross-site",
    "https://site.example",
    "https://evil.example",
    "",
    "null",
    "mallory",
    "XMLHttpRequest",
    "\u{e9}",
    "Bearer x",
    "DPoP ",
    "e30.e30.AAAA",
    "application/x-www-form-urlencoded",
];

fn parameters(dice: &mut Dice, state: &str) -> String {
    let count = dice.roll(6);
    let pairs: Vec<String> = (0..count)
        .map(|_| {
            let name = dice.pick(NAMES);
            let value = if dice.roll(4) == 0 { dice.mutate(state) } else { dice.some(VALUES, 2) };
            format!("{name}={value}")
        })
        .collect();
    pairs.join("&")
}

fn cookies(dice: &mut Dice, real: &[String]) -> String {
    let count = dice.roll(4);
    let pairs: Vec<String> = (0..count)
        .map(|_| match dice.roll(5) {
            0 => dice.some(&["a=b", "=", ";", "\"", "\u{e9}", "__Host-", "oidc_id_token"], 4),
            1 => format!("{SESSION}={}", dice.some(VALUES, 3)),
            2 => format!("{SESSION}={}", dice.roll(6)) + &dice.some(&["AQ", "-_", "="], 30),
            // One that was good: never again after this.
            _ => {
                let at = dice.roll(real.len());
                broken(dice, &real[at])
            }
        })
        .collect();
    pairs.join(dice.pick(&["; ", ";", ",", "; ; "]))
}

/// The cookie with another value or under another name.
fn broken(dice: &mut Dice, cookie: &str) -> String {
    let (name, value) = cookie.split_once('=').unwrap();
    loop {
        let changed = match dice.roll(3) {
            0 => format!("{name}={}", dice.mutate(value)),
            1 => format!("{}={value}", dice.mutate(name)),
            _ => dice.mutate(cookie),
        };
        // A mutation that leaves the whole of it standing is none.
        let is_still_good = changed.split([';', ',']).any(|piece| piece.trim().ends_with(value));
        if !is_still_good {
            return changed;
        }
    }
}

fn request(dice: &mut Dice, real: &[String], state: &str) -> FakeRequest {
    let start = if dice.roll(8) == 0 { dice.pick(STARTS) } else { "https://site.example" };
    let path = if dice.roll(4) == 0 { dice.some(PATHS, 3) } else { dice.pick(&PATHS[..10]).to_owned() };
    let mut url = format!("{start}{path}");
    if dice.roll(2) == 0 {
        url = format!("{url}?{}", parameters(dice, state));
    }
    if dice.roll(6) == 0 {
        url = dice.mutate(&url);
    }
    let mut request = FakeRequest { url, ..FakeRequest::new(dice.pick(METHODS), "/") };
    if dice.roll(2) == 0 {
        request = request.navigation();
    }
    for _ in 0..dice.roll(4) {
        request = request.header(dice.pick(HEADERS), &dice.some(HEADER_VALUES, 2));
    }
    if request.method == "POST" {
        request.body = parameters(dice, state).into_bytes();
        if dice.roll(8) == 0 {
            request.body.resize(dice.roll(70_000), 0xff);
        }
    }
    request.cookies(&cookies(dice, real))
}

fn assert_nobody(answer: &Answer, request: &FakeRequest) {
    if answer.is_forward() {
        assert!(answer.stamped().is_empty(), "{request:?}");
        return;
    }
    let sets_session = answer.set_cookies().iter().any(|line| {
        line.starts_with(SESSION) && !line.starts_with(&format!("{SESSION}_login.")) && !line.contains("Max-Age=0")
    });
    assert!(!sets_session, "{request:?}");
    assert!(!answer.body().contains("alice"), "{request:?}");
    if let Some(location) = answer.header("location") {
        let idp = location.starts_with("https://idp.example/");
        let here = location.starts_with('/') && !location.starts_with("//") && !location.starts_with("/\\");
        assert!(idp || here, "{location}: {request:?}");
    }
}

#[test]
fn nobody_stays_nobody() {
    let settings = json!({"OIDC_RULES": [
        {"path": "/public/*", "access": "public"}, {"path": "/a/*", "access": "optional"},
    ]});
    let form_post = json!({
        "OIDC_RESPONSE_MODE": "form_post", "OIDC_ORIGIN": null, "OIDC_RULES": [{"path": "/a", "access": "optional"}],
    });
    let tokens = json!({
        "OIDC_BEARER_LOCATIONS": "header form query", "OIDC_AUDIENCE": "me",
        "OIDC_RULES": [{"path": "/public/*", "access": "public"}, {"path": "/a/*", "access": "login_or_token"}],
    });
    for (seed, settings) in [(1, settings), (2, form_post), (3, tokens)] {
        let world = World::new(&settings);
        world.provider().introspects.set(seed == 3);
        let browser = world.browser();
        browser.sign_in("/");
        let waiting = browser.go_to_provider("/oidc_login");
        let state = waiting.form.as_ref().map_or(waiting.url.as_str(), String::as_str).to_owned();
        let state = state.split_once("state=").unwrap().1.to_owned();
        let real: Vec<String> =
            browser.cookies().into_iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        let mut dice = Dice(seed);
        let mut seen = [0; 6];
        for _ in 0..10_000 {
            let request = request(&mut dice, &real, &state);
            let answer = support::send(&world.gateway, &world.host, &request);
            assert_nobody(&answer, &request);
            seen[usize::from(answer.status() / 100)] += 1;
        }
        // The dice reach every kind of answer.
        let [forwarded, _, good, redirected, refused, failed] = seen;
        assert!(forwarded > 50 && good > 50 && redirected > 50 && refused > 500, "{seen:?}");
        assert_eq!(failed, 0, "{seen:?}");
        // And the real thing was real.
        let header = real.join("; ");
        assert_eq!(world.send(&FakeRequest::get("/").cookies(&header)).user(), Some("alice"));
        assert_eq!(browser.land(&waiting).status(), 302);
    }
}

/// After a panic the next call of WebAssembly makes a new instance, too late for text that it has been given: see
/// `ready` in `src/edge/guard.rs`.
#[test]
fn what_takes_text_is_called_in_an_instance_that_lives() {
    let read = |path: &str| std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (guard, entry) = (read("src/edge/guard.rs"), read("src/edge/entry.js"));
    let exported = guard.split("#[wasm_bindgen]").skip(1).filter_map(|item| {
        let signature = item.split('{').next()?.split_once("fn ")?.1;
        signature.split_once('(')
    });
    let taking_text: Vec<&str> = exported
        .filter(|(_, arguments)| arguments.contains("String") || arguments.contains("&str"))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(taking_text, ["decide", "judge", "refuse", "too_slow", "look"]);
    for name in taking_text {
        assert_eq!(entry.matches(&format!("wasm.{name}")).count(), 1, "{name}");
        assert!(entry.contains(&format!("alive(wasm.{name})")), "{name}");
    }
    let before_all = entry.matches("wasm.ready();").count();
    assert_eq!(before_all, 2, "before a function, and before the Durable Object");
}

/// The Worker that `tests/e2e/panics.test.mjs` asks to panic is none that can be deployed: see `src/edge/panics.rs`.
#[test]
fn no_build_for_production_panics_when_it_is_asked_to() {
    let read = |path: &str| std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let manifest = read("Cargo.toml");
    let features = manifest.split_once("\n[features]\n").unwrap().1.split("\n[").next().unwrap();
    let naming: Vec<&str> = features.lines().filter(|line| !line.starts_with('#') && line.contains("panics")).collect();
    assert_eq!(naming, [r#"panics = ["guard"]"#], "no other feature brings it along");
    let release = manifest.split_once("\n[profile.release]\n").unwrap().1.split("\n[").next().unwrap();
    assert!(!release.contains("debug-assertions"), "without them it does not compile");
    let switch = read("src/edge/panics.rs");
    assert!(switch.contains("#[cfg(not(debug_assertions))]\ncompile_error!("));
    let build = read("scripts/build.mjs");
    assert!(build.contains("'--release'") && build.contains("'--features', 'guard']"));
    assert_eq!(build.matches("'--features'").count(), 1);
}
