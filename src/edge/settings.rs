//! The settings, read once per isolate.

use std::{cell::RefCell, rc::Rc};

use serde_json::Value;
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

impl Kept {
    fn good(&self) -> Option<Rc<Gateway>> {
        match self {
            Self::Good(gateway) => Some(Rc::clone(gateway)),
            Self::NotRead | Self::Wrong => None,
        }
    }
}

/// The gateway that the settings describe; `None` when they are wrong, which the log has been told once.
pub(super) fn gateway(env: &JsValue) -> Option<Rc<Gateway>> {
    KEPT.with(|kept| {
        let mut kept = kept.try_borrow_mut().ok()?;
        if let Kept::NotRead = *kept {
            *kept = read(env).map_or(Kept::Wrong, |gateway| Kept::Good(Rc::new(gateway)));
        }
        kept.good()
    })
}

/// The gateway, where there is one already.
pub(super) fn known() -> Option<Rc<Gateway>> {
    KEPT.with(|kept| kept.try_borrow().ok()?.good())
}

fn read(env: &JsValue) -> Option<Gateway> {
    let Some((variables, bindings)) = environment(&glue::settings(env)) else {
        glue::log("error", "the environment can't be read");
        return None;
    };
    match Config::parse(&variables, bindings) {
        Ok(config) => Some(Gateway::new(config)),
        Err(errors) => {
            glue::log("error", &errors.to_string());
            None
        }
    }
}

fn environment(json: &str) -> Option<(Variables, Bindings)> {
    let mut parts: Variables = serde_json::from_slice(json.as_bytes()).ok()?;
    let bindings = parts.remove("bindings")?;
    let bound = |name: &str| bindings.get(name).and_then(Value::as_bool);
    let bindings = Bindings { kv: bound("kv")?, durable: bound("durable")?, origin: bound("origin")? };
    let Value::Object(variables) = parts.remove("variables")? else { return None };
    Some((variables.into_iter().collect(), bindings))
}
