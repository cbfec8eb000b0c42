//! The settings, read once per isolate.

use std::{cell::RefCell, rc::Rc};

use serde::Deserialize;
use worker::{Env, console_error};

use super::glue;
use crate::{
    config::{Bindings, Config, Variables},
    gateway::Gateway,
};

thread_local! {
    /// `Some(None)`: the settings have been read, and they are not good.
    static GATEWAY: RefCell<Option<Option<Rc<Gateway>>>> = const { RefCell::new(None) };
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
pub(super) fn gateway(env: &Env) -> Option<Rc<Gateway>> {
    GATEWAY.with(|kept| {
        if let Some(known) = kept.try_borrow().ok()?.as_ref() {
            return known.clone();
        }
        let gateway = read(env);
        if let Ok(mut kept) = kept.try_borrow_mut() {
            *kept = Some(gateway.clone());
        }
        gateway
    })
}

fn read(env: &Env) -> Option<Rc<Gateway>> {
    let Ok(environment) = serde_json::from_str::<Environment>(&glue::settings(env)) else {
        console_error!("the environment can't be read");
        return None;
    };
    let Bound { kv, durable, origin } = environment.bindings;
    match Config::parse(&environment.variables, Bindings { kv, durable, origin }) {
        Ok(config) => Some(Rc::new(Gateway::new(config))),
        Err(errors) => {
            console_error!("{errors}");
            None
        }
    }
}
