//! What every store must do, natively: the statements of `tests/stores.json`, which `tests/e2e/stores.test.mjs` runs in
//! workerd. The memory is the Worker's own; the other two are models, with the Worker's own turns and lists. All of them
//! keep the contract that implementers test theirs by.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

#[path = "stores/own.rs"]
mod own;
mod support;

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use edge_oidc::{
    gateway::Gateway,
    store::{contract, memory::Memory, shared::SharedStore},
};
use own::{Fault, Own};
use serde::Deserialize;
use serde_json::json;
use support::{Browser, FakeHost, FakeRequest, block_on, gateway};

const STATEMENTS: &str = include_str!("stores.json");
const STORES: [&str; 3] = ["memory", "kv", "durable"];

#[derive(Deserialize)]
struct Statement {
    says: String,
    stores: Option<Vec<String>>,
    steps: Vec<String>,
}

struct Run<'w> {
    host: &'w FakeHost,
    isolates: &'w [Gateway],
    visitors: RefCell<BTreeMap<String, Browser<'w>>>,
}

impl Run<'_> {
    fn step(&self, step: &str) {
        match *step.split(' ').collect::<Vec<_>>() {
            ["sign", "in", name] => self.sign_in(name, "alice"),
            ["sign", "in", name, "as", account] => self.sign_in(name, account),
            ["sign", "out", name] => {
                let page = FakeRequest::page("/oidc_logout").header("sec-fetch-site", "same-origin");
                assert_eq!(self.visitors.borrow()[name].send(page).status(), 302);
            }
            ["everywhere", name] => {
                let form = FakeRequest::post("/oidc_logout", "everywhere=1").header("origin", "https://site.example");
                assert_eq!(self.visitors.borrow()[name].send(form).status(), 302);
            }
            ["copy", from, to] => {
                let copy = self.visitors.borrow()[from].copy();
                self.visitors.borrow_mut().insert(to.to_owned(), copy);
            }
            ["store", behaviour] => self.store(behaviour),
            ["pass", what] => self.host.pass(match what {
                "check" => 60,
                "grace" => 600,
                "due" => 3580,
                _ => 3600,
            }),
            ["ask", name, isolate, status] => {
                let asked = self.ask(&self.visitors.borrow()[name], isolate.parse().unwrap());
                assert_eq!(asked.to_string(), status, "{step}");
            }
            ["crowd", name, count] => {
                for index in 0..count.parse().unwrap() {
                    assert_eq!(self.ask(&self.visitors.borrow()[name].copy(), index % 2), 200, "{step}");
                }
            }
            ["refreshes", count] => {
                let done = self.host.events().iter().filter(|event| **event == "refresh.finished").count();
                assert_eq!(done.to_string(), count, "{step}");
            }
            _ => panic!("no step: {step}"),
        }
    }

    fn sign_in(&self, name: &str, account: &str) {
        self.host.provider.account.borrow_mut()["sub"] = json!(account);
        self.host.provider.userinfo.borrow_mut()["sub"] = json!(account);
        let browser = Browser::new(&self.isolates[0], self.host);
        browser.sign_in("/");
        assert_eq!(browser.visit("/").user(), Some(account));
        self.visitors.borrow_mut().insert(name.to_owned(), browser);
    }

    fn ask(&self, visitor: &Browser<'_>, isolate: usize) -> u16 {
        let request = FakeRequest::get("/").header("sec-fetch-mode", "cors").header("sec-fetch-site", "same-origin");
        match visitor.send_to(&self.isolates[isolate % self.isolates.len()], request).status() {
            0 => 200,
            status => status,
        }
    }

    fn store(&self, behaviour: &str) {
        if behaviour == "empty" {
            self.host.store.borrow_mut().clear();
            if let Some(memory) = self.host.memory.borrow_mut().as_mut() {
                *memory = Rc::new(Memory::new());
            }
        }
        let behind = (behaviour == "behind").then(|| self.host.store.borrow().clone());
        *self.host.behind.borrow_mut() = behind;
        self.host.faults.load.set(behaviour == "failing");
        self.host.faults.save.set(["failing", "throttled"].contains(&behaviour));
    }
}

fn host_with(store: &str) -> FakeHost {
    let host = FakeHost::new();
    host.turns.set(store == "durable");
    *host.memory.borrow_mut() = (store == "memory").then(|| Rc::new(Memory::new()));
    host
}

fn run(store: &str, statement: &Statement) {
    let host = host_with(store);
    let settings = json!({"OIDC_CLOCK_SKEW": 0});
    let count = if store == "memory" { 1 } else { 2 };
    let isolates: Vec<Gateway> = (0..count).map(|_| gateway(&settings)).collect();
    let run = Run { host: &host, isolates: &isolates, visitors: RefCell::default() };
    statement.steps.iter().for_each(|step| run.step(step));
}

#[test]
fn every_statement_holds_for_every_store_it_is_about() {
    let statements: Vec<Statement> = serde_json::from_str(STATEMENTS).unwrap();
    let mut failed = Vec::new();
    for statement in &statements {
        for store in STORES {
            let is_about = statement.stores.as_ref().is_none_or(|stores| stores.iter().any(|named| named == store));
            let outcome =
                is_about.then(|| std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(store, statement))));
            if let Some(Err(panic)) = outcome {
                let why = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                failed.push(format!("{store}: {}: {why}", statement.says));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn every_store_keeps_the_contract() {
    for store in STORES {
        let host = host_with(store);
        for run in ["first", "second"] {
            assert_eq!(block_on(contract::check(&&host, run)), Ok(()), "{store}");
        }
        host.faults.load.set(true);
        assert!(block_on(contract::check(&&host, "third")).is_err(), "{store} that is down");
    }
    assert_eq!(block_on(contract::check(&Own::with(Fault::None), "run")), Ok(()));
    let shared = SharedStore::new(Own::with(Fault::None));
    assert_eq!(block_on(contract::check(&shared.clone(), "run")), Ok(()));
    let again = block_on(contract::check(&shared, "run")).unwrap_err();
    assert_eq!(again.statements(), ["a claim tells what stands there, and of nothing too"], "the same store in both");
}

#[test]
fn the_contract_finds_what_is_wrong_with_a_store() {
    for (fault, statement) in [
        (Fault::Forgets, "what was saved is there"),
        (Fault::KeepsTheFirst, "takes the place"),
        (Fault::MixesKeys, "each key has its own value"),
        (Fault::KnowsTextAlone, "whatever its bytes"),
        (Fault::CutsOff, "64 KiB"),
        (Fault::MakesThingsUp, "never saved"),
        (Fault::FailsToLoad, "a claim tells"),
        (Fault::FailsToSave, "a renewed entry"),
        (Fault::DoublesMembers, "a list has"),
        (Fault::NeverLeaves, "a list has"),
        (Fault::MixesLists, "a list has"),
    ] {
        for told in [
            block_on(contract::check(&Own::with(fault), "run")),
            block_on(contract::check(&SharedStore::new(Own::with(fault)), "run")),
        ] {
            let told = told.expect_err(&format!("{fault:?}"));
            assert!(told.to_string().contains(statement), "{fault:?}: {told}");
        }
    }
}
