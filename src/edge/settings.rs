//! The settings, read once per isolate.

use std::{cell::RefCell, rc::Rc};

use serde::Deserialize;
use wasm_bindgen::JsValue;

use super::glue;
use crate::{
    config::{Bindings, Config, Variables},
    gateway::Gateway,
};

thread_local! {
    static KEPT: RefCell<Kept> = const { RefCell::new(Kept::NotRead) };
}

/// What is known of the settings in this isolate.
enum Kept {
    NotRead,
    Wrong,
    Good(Rc<Gateway>),
}

#[derive(Deserialize)]
struct Environment {
    variables: Variables,
    bindings: Bound,
}

#[derive(Deserialize)]
struct Bound {
    kv: bool,
    durable: bool,
    origin: bool,
}

/// The gateway that the settings describe; `None` when they are wrong, which the log has been told once.
pub(super) fn gateway(env: &JsValue) -> Option<Rc<Gateway>> {
    KEPT.with(|kept| {
        let mut kept = kept.try_borrow_mut().ok()?;
        if let Kept::NotRead = *kept {
            *kept = read(env).map_or(Kept::Wrong, |gateway| Kept::Good(Rc::new(gateway)));
        }
        match &*kept {
            Kept::Good(gateway) => Some(Rc::clone(gateway)),
            Kept::NotRead | Kept::Wrong => None,
        }
    })
}

fn read(env: &JsValue) -> Option<Gateway> {
    let Ok(environment) = serde_json::from_str::<Environment>(&glue::settings(env)) else {
        glue::log("error", "the environment can't be read");
        return None;
    };
    let Bound { kv, durable, origin } = environment.bindings;
    match Config::parse(&environment.variables, Bindings { kv, durable, origin }) {
        Ok(config) => Some(Gateway::new(config)),
        Err(errors) => {
            glue::log("error", &errors.to_string());
            None
        }
    }
}
