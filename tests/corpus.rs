//! The properties of the fuzz targets without a fuzzer: over their corpora, over the vectors, and over a few thousand
//! inputs made of those.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::print_stderr, clippy::unwrap_used)]

mod properties;
#[path = "../src/web/vectors.rs"]
#[allow(dead_code, reason = "shared with the unit tests, which use all of it")]
mod vectors;

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
};

use properties::{Check, TARGETS};
use serde_json::Value;

const MAX_FILES: usize = 40;
const MAX_FILE_BYTES: usize = 2048;
/// Inputs made for each target.
const MUTATIONS: usize = 1000;

/// A check that says which input it fails for.
fn checked(target: &str, check: Check, input: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| check(input))).unwrap_or_else(|panic| {
        eprintln!("{target} fails for b\"{}\"", input.escape_ascii());
        resume_unwind(panic)
    })
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The names in a folder, in order.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn corpus_of(target: &str) -> Vec<Vec<u8>> {
    let folder = root("fuzz/corpus").join(target);
    names_in(&folder).iter().map(|name| fs::read(folder.join(name)).unwrap()).collect()
}

/// The vectors that a target reads.
fn vectors_of(target: &str) -> Vec<Vec<u8>> {
    fn first<const N: usize>(text: &str) -> Vec<String> {
        vectors::rows::<N>(text, 1).into_iter().filter_map(|row| row.into_iter().next()).collect()
    }
    let return_to =
        || [include_str!("vectors/return_to.txt"), include_str!("vectors/return_to_good.txt")].map(first::<1>);
    let paths =
        || [include_str!("vectors/paths_accepted.txt"), include_str!("vectors/paths_refused.txt")].map(first::<2>);
    let texts = match target {
        "return_to" | "path" => [return_to(), paths()].concat().concat(),
        "cookie_header" => first::<3>(include_str!("vectors/cookie_headers.txt")),
        "jws" => members(include_str!("vectors/jws.json"), "/token"),
        "jwk_set" => members(&format!("[{}]", include_str!("vectors/jwks.json")), "/jwks"),
        _ => Vec::new(),
    };
    texts.into_iter().map(String::into_bytes).collect()
}

fn members(list: &str, pointer: &str) -> Vec<String> {
    let list: Value = serde_json::from_str(list).unwrap();
    let found = list.as_array().unwrap().iter().filter_map(|entry| entry.pointer(pointer));
    let texts: Vec<String> =
        found.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect();
    assert!(!texts.is_empty(), "no {pointer}");
    texts
}

#[test]
fn every_target_has_its_program_and_its_corpus() {
    let mut expected: Vec<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    expected.sort();
    assert_eq!(names_in(&root("fuzz/corpus")), expected);
    let programs = names_in(&root("fuzz/fuzz_targets"));
    assert_eq!(programs, expected.iter().map(|name| format!("{name}.rs")).collect::<Vec<_>>());
    let manifest = fs::read_to_string(root("fuzz/Cargo.toml")).unwrap();
    let readme = fs::read_to_string(root("fuzz/README.md")).unwrap();
    for name in expected {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name} is not in fuzz/Cargo.toml");
        assert!(readme.contains(&format!("| `{name}` |")), "{name} is not in fuzz/README.md");
        let program = fs::read_to_string(root("fuzz/fuzz_targets").join(format!("{name}.rs"))).unwrap();
        assert!(program.contains(&format!("properties::{name}::check(")), "{name} checks something else");
    }
}

#[test]
fn the_corpora_hold() {
    for (target, check) in TARGETS {
        let corpus = corpus_of(target);
        assert!((1..=MAX_FILES).contains(&corpus.len()), "{target} has {} files", corpus.len());
        assert!(corpus.iter().all(|input| input.len() <= MAX_FILE_BYTES), "a file of {target} is too large");
        let accepted = corpus.iter().filter(|input| checked(target, check, input)).count();
        assert!(accepted >= 3, "only {accepted} files of {target} are accepted");
        assert!(accepted < corpus.len(), "nothing of {target} is refused");
    }
}

#[test]
fn the_vectors_hold() {
    let mut inputs = 0;
    for (target, check) in TARGETS {
        for input in vectors_of(target) {
            checked(target, check, &input);
            inputs += 1;
        }
    }
    assert!(inputs > 800, "{inputs}");
}

#[test]
fn mutations_hold() {
    for (number, (target, check)) in (1..).zip(TARGETS) {
        let seeds = [corpus_of(target), vectors_of(target)].concat();
        let mut chance = Chance(number);
        let accepted = (0..MUTATIONS).filter(|_| checked(target, check, &mutated(&seeds, &mut chance))).count();
        // Were all of them refused, nothing would have been tried but the door.
        assert!(accepted > 0, "none of {target} is accepted");
    }
}

/// A seed with one to four changes.
fn mutated(seeds: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    // What parsers turn on.
    const PIECES: [&str; 24] = [
        "\"", "\\", "{", "}", "[", "]", ",", ":", ";", "=", "&", "%2e", "%2f", "%00", "/", "//", "..", "\t", "\n",
        "\0", "null", "é", ".", "-1",
    ];
    let mut input = chance.one_of(seeds).clone();
    for _ in 0..=chance.below(4) {
        let at = chance.below(input.len() + 1);
        match chance.below(7) {
            0 => input.truncate(at),
            1 => input.splice(at..at, chance.one_of(&PIECES).bytes()).for_each(drop),
            2 => input.insert(at, u8::try_from(chance.below(256)).unwrap()),
            3 if at < input.len() => input[at] ^= 1 << chance.below(8),
            4 if at < input.len() => drop(input.remove(at)),
            // A piece of another one, or of itself.
            5 => {
                let other = chance.one_of(seeds);
                let start = chance.below(other.len() + 1);
                let end = other.len().min(start + chance.below(32));
                input.splice(at..at, other[start..end].iter().copied()).for_each(drop);
            }
            6 => {
                let end = input.len().min(at + chance.below(16));
                input.drain(at..end);
            }
            _ => {}
        }
    }
    input
}

/// The same numbers every time: a linear congruential generator (Knuth's MMIX).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn one_of<'i, T>(&mut self, items: &'i [T]) -> &'i T {
        &items[self.below(items.len())]
    }
}
