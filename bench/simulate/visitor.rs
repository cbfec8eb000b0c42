//! Visitors: they come, sign in, read pages that ask for several things at once, and come back.

use core::cell::RefCell;
use std::{collections::BTreeMap, rc::Rc};

use edge_oidc::gateway::Outcome;

use super::{
    clock::Millis,
    figures::Why,
    host::{LOCATIONS, World},
    support::{FakeRequest, logout, provider::ISSUER},
};

const SECOND: Millis = 1_000;
const MINUTE: Millis = 60 * SECOND;
pub(crate) const HOUR: Millis = 60 * MINUTE;
/// What a page asks for at once, beside itself.
const AT_ONCE: usize = 3;
/// One visit in so many is to an app that stays open, about so long, and asks so often.
const APPS: u64 = 8;
const APP_LASTS: Millis = HOUR;
const APP_ASKS_EACH: Millis = 15 * SECOND;
/// The tokens that a visitor had when the provider went down are over by then.
const AFTERMATH: Millis = HOUR + 2 * MINUTE;
/// How often somebody asks who should not come in any more, and for how long at most.
const ASKS_EACH: Millis = 500;
const GIVES_UP_AFTER: Millis = 20 * MINUTE;

/// One visitor's browser, and what becomes of its session.
pub(crate) struct Visitor {
    world: Rc<World>,
    name: String,
    home: usize,
    jar: RefCell<BTreeMap<String, String>>,
    /// The provider's name of the session.
    sid: RefCell<Option<String>>,
}

impl Visitor {
    pub(crate) fn new(world: &Rc<World>, number: u64) -> Rc<Self> {
        let home = world.chance.index(LOCATIONS);
        let world = Rc::clone(world);
        let (jar, sid) = Default::default();
        Rc::new(Self { world, name: format!("visitor{number}"), home, jar, sid })
    }

    /// One to three visits, more of them in the afternoon than at night.
    pub(crate) async fn day(self: Rc<Self>) {
        let chance = &self.world.chance;
        let mut visits: Vec<Millis> = (0..=chance.below(3)).map(|_| self.some_moment()).collect();
        visits.sort_unstable();
        for begins in visits {
            self.wait_until(begins).await;
            // Somebody on the way comes out at another place.
            let location = if chance.one_in(8) { chance.index(LOCATIONS) } else { self.home };
            if chance.one_in(APPS) {
                self.app(location).await;
                continue;
            }
            for _ in 0..2 + chance.about(10) {
                self.page(location).await;
                self.world.clock.sleep(3 * SECOND + chance.about(40 * SECOND)).await;
            }
        }
    }

    /// A page that stays open and asks for several things at once again and again: whoever finds the tokens due is not alone.
    async fn app(self: &Rc<Self>, location: usize) {
        let clock = &self.world.clock;
        let closes = clock.now() + self.world.chance.about(APP_LASTS);
        self.page(location).await;
        while clock.now() < closes {
            clock.sleep(APP_ASKS_EACH).await;
            self.at_once(location);
        }
    }

    /// Signs in, is signed out by the provider a while later, and somebody goes on asking with the cookies somewhere else.
    pub(crate) async fn end(self: Rc<Self>) {
        let (clock, chance) = (&self.world.clock, &self.world.chance);
        clock.sleep(self.some_moment()).await;
        self.page(self.home).await;
        let elsewhere = (self.home + 1 + chance.index(LOCATIONS - 1)) % LOCATIONS;
        let provider_calls_at = chance.index(LOCATIONS);
        let ends_at = clock.now() + 2 * MINUTE + chance.below(6 * MINUTE);
        while clock.now() < ends_at {
            assert!(self.passes(elsewhere).await, "{} was signed out without cause", self.name);
            clock.sleep(ASKS_EACH).await;
        }
        let sid = self.sid.borrow().clone().unwrap_or_default();
        let token = self.world.provider.logout_token(&sid, self.world.seconds());
        let ended = clock.now();
        let confirmed = self.world.ask(provider_calls_at, &logout::post(&token)).await;
        assert!(
            matches!(confirmed, Outcome::Respond(reply) if reply.status() == 200),
            "a logout that was not recorded"
        );
        let mut last = ended;
        while clock.now() < ended + GIVES_UP_AFTER {
            let asked = clock.now();
            if !self.passes(elsewhere).await {
                break;
            }
            last = asked;
            clock.sleep(ASKS_EACH).await;
        }
        self.world.figures.delay(last - ended);
    }

    /// Whether a request of a script is let pass.
    async fn passes(&self, location: usize) -> bool {
        let outcome = self.world.ask(location, &FakeRequest::get("/data").cookies(&self.cookies())).await;
        self.keep(&outcome);
        matches!(outcome, Outcome::Forward(_))
    }

    /// A page, and what it asks for.
    async fn page(self: &Rc<Self>, location: usize) {
        loop {
            let outcome = self.world.ask(location, &FakeRequest::page("/page").cookies(&self.cookies())).await;
            self.keep(&outcome);
            match outcome {
                Outcome::Forward(_) => break,
                Outcome::Respond(reply) => match reply.header_value("location") {
                    Some(to) if to.starts_with(ISSUER) => self.sign_in(location, to).await,
                    // It says that something can't be reached: a person tries again.
                    _ => {
                        self.world.figures.status(reply.status());
                        self.patience().await;
                    }
                },
            }
        }
        self.at_once(location);
    }

    fn at_once(self: &Rc<Self>, location: usize) {
        for _ in 0..AT_ONCE {
            let visitor = Rc::clone(self);
            self.world.clock.spawn(async move {
                let request = FakeRequest::get("/data").cookies(&visitor.cookies());
                let outcome = visitor.world.ask(location, &request).await;
                visitor.keep(&outcome);
                if let Outcome::Respond(reply) = outcome {
                    visitor.world.figures.status(reply.status());
                }
            });
        }
    }

    /// At the provider, and back; when it is down, another try later.
    async fn sign_in(&self, location: usize, to: &str) {
        let (clock, chance) = (&self.world.clock, &self.world.chance);
        let why = self.why();
        clock.sleep(SECOND + chance.about(8 * SECOND)).await;
        if self.world.provider.is_down(clock.now()) {
            return self.patience().await;
        }
        let (callback, sid) = self.world.provider.authorize(to, &self.name);
        let landed = self.world.ask(location, &FakeRequest::page(&callback).cookies(&self.cookies())).await;
        self.keep(&landed);
        match landed {
            Outcome::Respond(reply) if reply.status() == 302 => {
                *self.sid.borrow_mut() = Some(sid);
                self.world.figures.sign_in(why, clock.now());
            }
            Outcome::Respond(reply) => self.world.figures.status(reply.status()),
            Outcome::Forward(_) => {}
        }
    }

    async fn patience(&self) {
        self.world.clock.sleep(20 * SECOND + self.world.chance.about(MINUTE)).await;
    }

    fn why(&self) -> Why {
        let now = self.world.clock.now();
        let suffered = |down: &core::ops::Range<Millis>| (down.start..down.end + AFTERMATH).contains(&now);
        match () {
            () if self.sid.borrow().is_none() => Why::First,
            () if !self.world.provider.gives_refresh_tokens.get() => Why::Over,
            () if self.world.provider.down.borrow().iter().any(suffered) => Why::Outage,
            () => Why::Lost,
        }
    }

    fn some_moment(&self) -> Millis {
        let chance = &self.world.chance;
        loop {
            let moment = chance.below(24 * HOUR);
            // Least at two in the night, most at two in the afternoon: a tenth and all of it.
            let away = (moment / HOUR).abs_diff(14);
            let share = 100 - 90 * away.min(24 - away) / 12;
            if chance.below(100) < share {
                return moment;
            }
        }
    }

    async fn wait_until(&self, moment: Millis) {
        self.world.clock.sleep(moment.saturating_sub(self.world.clock.now())).await;
    }

    fn cookies(&self) -> String {
        let jar = self.jar.borrow();
        jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep(&self, outcome: &Outcome) {
        let set = match outcome {
            Outcome::Respond(reply) => reply.cookies(),
            Outcome::Forward(forward) => forward.cookies.as_slice(),
        };
        for line in set.iter().map(ToString::to_string) {
            let pair = line.split(';').next().unwrap_or_default();
            let Some((name, value)) = pair.split_once('=') else { continue };
            if value.is_empty() || line.contains("Max-Age=0;") {
                self.jar.borrow_mut().remove(name);
            } else {
                self.jar.borrow_mut().insert(name.to_owned(), value.to_owned());
            }
        }
    }
}
