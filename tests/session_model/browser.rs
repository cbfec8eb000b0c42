//! A browser, what somebody does with it, and what must be true of every answer that it gets.

use core::cell::{Cell, RefCell};
use std::{collections::BTreeMap, rc::Rc};

use edge_oidc::{gateway::Outcome, origin::HeaderEdit, web::reply::Reply};

use super::{
    clock::Millis,
    support::{FakeRequest, logout},
    world::World,
};

const SECOND: Millis = 1000;
/// A location of KV keeps what it has read for a minute, and a write is on its way for a second.
const KV_LAG: Millis = 61 * SECOND;

/// What is known of a session from outside.
#[derive(Clone, Debug)]
struct Known {
    began: Millis,
    sid: String,
    /// When somebody asked under it last and was told the cookie's new moments.
    seen: Millis,
    /// Since when it is over, and whether by a mark that a late refresh does not take away.
    ended: Option<(Millis, bool)>,
    /// Whether somebody is about to end it.
    ending: bool,
}

pub(crate) struct Browser {
    world: Rc<World>,
    name: String,
    jar: RefCell<BTreeMap<String, String>>,
    known: RefCell<Option<Known>>,
    under_way: Cell<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Got {
    Served,
    Refused,
    Unavailable,
}

impl Browser {
    pub(crate) fn new(world: &Rc<World>, name: &str) -> Rc<Self> {
        let (jar, known, under_way) = Default::default();
        Rc::new(Self { world: Rc::clone(world), name: name.to_owned(), jar, known, under_way })
    }

    /// Somebody uses it for a while.
    pub(crate) async fn live(self: Rc<Self>, steps: u32) {
        let world = &self.world;
        for _ in 0..steps {
            let is_in = self.known.borrow().as_ref().is_some_and(|known| known.ended.is_none());
            // What comes late for the old session would take the place of the new one, as in any browser.
            if !is_in && self.settled().await && !self.sign_in().await {
                self.rest(30 * SECOND).await;
                continue;
            }
            match world.chance.below(24) {
                0 => self.sign_out("").await,
                1 => self.sign_out("everywhere=1").await,
                2 => self.ended_by_provider().await,
                3 if self.settled().await => drop(self.sign_in().await),
                number => {
                    let target = ["/", "/", "/shared", "/staff"][world.chance.index(4)];
                    for _ in 0..=number % 4 {
                        world.clock.spawn(Rc::clone(&self).get(target, world.chance.one_in(8)));
                        self.rest(world.chance.below(3) * 40).await;
                    }
                }
            }
            self.pause().await;
        }
        self.settled().await;
    }

    async fn rest(&self, span: Millis) {
        self.world.clock.sleep(span).await;
    }

    async fn pause(&self) {
        let life = u64::try_from(self.world.provider.life).unwrap() * SECOND;
        let chance = &self.world.chance;
        let spans = [0, 50, SECOND, 12 * SECOND, 70 * SECOND, life / 2, life - 40 * SECOND, life, 2 * life];
        let span = spans[chance.index(spans.len())];
        self.rest(span + chance.below(30 * SECOND.min(span + 1))).await;
    }

    async fn settled(&self) -> bool {
        while self.under_way.get() > 0 {
            self.rest(SECOND).await;
        }
        true
    }

    fn isolate(&self) -> usize {
        self.world.chance.index(self.world.plan.isolates)
    }

    fn cookies(&self) -> String {
        self.jar.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep(&self, cookies: &[String]) {
        for cookie in cookies {
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if rest.contains("; Max-Age=0;") {
                self.jar.borrow_mut().remove(name);
            } else {
                self.jar.borrow_mut().insert(name.to_owned(), value.to_owned());
            }
        }
    }

    async fn send(&self, request: FakeRequest) -> Outcome {
        let outcome = self.world.ask(self.isolate(), &request.cookies(&self.cookies())).await;
        self.rest(self.world.chance.below(80)).await;
        outcome
    }

    /// Whether it came to a session.
    async fn sign_in(&self) -> bool {
        let Outcome::Respond(start) = self.send(FakeRequest::page("/oidc_login")).await else { panic!("forwarded") };
        self.keep(&lines(start.cookies()));
        let Some(location) = start.header_value("location") else { return self.excused(&start) };
        let (callback, sid) = self.world.provider.authorize(location, &self.name);
        let began = self.world.clock.now();
        let Outcome::Respond(reply) = self.send(FakeRequest::page(&callback)).await else { panic!("forwarded") };
        self.keep(&lines(reply.cookies()));
        if reply.header_value("location").is_none() {
            return self.excused(&reply);
        }
        if let Some(old) = &*self.known.borrow() {
            self.world.provider.ended.borrow_mut().insert(old.sid.clone());
        }
        *self.known.borrow_mut() = Some(Known { began, sid, seen: began, ended: None, ending: false });
        true
    }

    fn excused(&self, reply: &Reply) -> bool {
        let now = self.world.clock.now();
        assert!(self.world.provider_troubled(now), "{}: {} {}", self.here(), reply.status(), reply.body());
        false
    }

    async fn sign_out(&self, form: &str) {
        let post = FakeRequest::post("/oidc_logout", form).header("origin", "https://site.example");
        self.ending(true);
        let Outcome::Respond(reply) = self.send(post).await else { panic!("forwarded") };
        self.keep(&lines(reply.cookies()));
        if reply.status() == 302 {
            self.is_over(!form.is_empty());
        }
        self.ending(false);
        // Elsewhere, KV may not tell whether a sign-in of the same second came before it or after.
        self.rest(2 * SECOND).await;
    }

    async fn ended_by_provider(&self) {
        let Some(sid) = self.known.borrow().as_ref().map(|known| known.sid.clone()) else { return };
        let token = self.world.provider.logout_token(&sid, self.world.seconds());
        let isolate = self.isolate();
        self.ending(true);
        if let Outcome::Respond(reply) = self.world.ask(isolate, &logout::post(&token)).await
            && reply.status() == 200
        {
            self.is_over(true);
        }
        self.ending(false);
    }

    fn ending(&self, ending: bool) {
        if let Some(known) = &mut *self.known.borrow_mut() {
            known.ending = ending;
            self.world.provider.ended.borrow_mut().insert(known.sid.clone());
        }
    }

    fn is_over(&self, lastingly: bool) {
        if let Some(known) = &mut *self.known.borrow_mut() {
            known.ended = Some((self.world.clock.now(), lastingly));
        }
    }

    async fn get(self: Rc<Self>, target: &'static str, answer_gets_lost: bool) {
        let Some(known) = self.known.borrow().clone() else { return };
        self.under_way.set(self.under_way.get() + 1);
        let sent = self.world.clock.now();
        let outcome = self.send(FakeRequest::get(target)).await;
        let (got, cookies) = match &outcome {
            Outcome::Forward(forward) => {
                let token = forward.edits.iter().find_map(|edit| match edit {
                    HeaderEdit::Set(name, value) if &**name == "Authorization" => Some(&**value),
                    _ => None,
                });
                self.check_token(target, token, &known, sent);
                (Got::Served, forward.cookies.as_slice())
            }
            Outcome::Respond(reply) => {
                let got = match reply.status() {
                    403 => Got::Served,
                    503 => Got::Unavailable,
                    401 => Got::Refused,
                    status => panic!("{}: {status} {}", self.here(), reply.body()),
                };
                (got, reply.cookies())
            }
        };
        self.world.happened(&format!("{} sent {sent} {target} {got:?}, {} cookies", self.name, cookies.len()));
        assert!(target != "/shared" || cookies.is_empty(), "{}: others may share it", self.here());
        self.check(got, &known, sent);
        if !answer_gets_lost {
            self.keep(&lines(cookies));
            self.note(got, target, &known, sent);
        }
        self.under_way.set(self.under_way.get() - 1);
    }

    fn note(&self, got: Got, target: &str, asked: &Known, sent: Millis) {
        let mut known = self.known.borrow_mut();
        let Some(known) = known.as_mut().filter(|known| known.began == asked.began) else { return };
        if got == Got::Served && target == "/" {
            known.seen = known.seen.max(sent);
        }
        if got == Got::Refused {
            known.ended = known.ended.or(Some((self.world.clock.now(), true)));
        }
    }

    fn setting(&self, name: &str) -> Option<Millis> {
        self.world.plan.settings[name].as_u64().map(|seconds| seconds * SECOND)
    }

    fn check(&self, got: Got, known: &Known, sent: Millis) {
        let (world, now) = (&self.world, self.world.clock.now());
        let ttl = self.setting("OIDC_ID_TOKEN_COOKIE_TTL").unwrap_or(Millis::MAX / 2);
        let idle = self.setting("OIDC_SESSION_IDLE_TTL").unwrap_or(Millis::MAX / 2);
        // It is counted from some moment of the sign-in, which takes a while.
        let certainly_over = sent > known.began + ttl + 60 * SECOND;
        let perhaps_over =
            now + SECOND > known.began + ttl || now > known.seen + idle / 10 * 9 - 35 * SECOND.min(idle / 2);
        match got {
            Got::Served => {
                assert!(!certainly_over, "{}: served after its time {known:?}", self.here());
                let known = self.latest(known);
                let lag = if world.plan.durable { 0 } else { KV_LAG };
                let interval = self.setting("OIDC_SESSION_CHECK_INTERVAL").unwrap();
                if let Some((ended, lastingly)) = known.ended
                    && (lastingly || world.plan.durable)
                    && !world.store_troubled(ended.saturating_sub(60 * SECOND))
                {
                    assert!(
                        sent <= ended + interval + lag + 2 * SECOND,
                        "{}: served, sent {sent}, {known:?}",
                        self.here()
                    );
                }
            }
            Got::Refused => {
                let known = self.latest(known);
                let lost = self.lost_elsewhere(&known);
                let is_over = known.ending || known.ended.is_some() || perhaps_over || lost;
                assert!(is_over, "{}: refused, sent {sent}, {known:?}", self.here());
            }
            Got::Unavailable => {
                let slow = world.provider.slowest > 3000;
                assert!(slow || world.store_troubled(sent) || world.provider_troubled(sent), "{}: 503", self.here());
            }
        }
    }

    /// What one isolate could not store, another does not know.
    fn lost_elsewhere(&self, known: &Known) -> bool {
        self.world.plan.isolates > 1 && self.world.store_troubled(known.began.saturating_sub(30 * SECOND))
    }

    /// What has become of a session meanwhile: it may have been ended, or replaced.
    fn latest(&self, asked: &Known) -> Known {
        match &*self.known.borrow() {
            Some(known) if known.began == asked.began => known.clone(),
            _ => Known { ended: asked.ended.or(Some((self.world.clock.now(), true))), ..asked.clone() },
        }
    }

    fn check_token(&self, target: &str, token: Option<&str>, known: &Known, sent: Millis) {
        if self.world.plan.settings["OIDC_PASS_ACCESS_TOKEN"] != true || target == "/shared" {
            return;
        }
        let Some(token) = token else {
            let troubled =
                self.lost_elsewhere(known) || self.world.store_troubled(sent) || self.world.provider_troubled(sent);
            let known = self.latest(known);
            let excused = troubled
                || known.ending
                || known.ended.is_some()
                || self.world.provider.slowest > 3000
                || !self.world.plan.durable;
            assert!(excused, "{}: no token", self.here());
            return;
        };
        let ends_at: i64 = token.rsplit('.').next().unwrap().parse().unwrap();
        assert!(
            ends_at - self.world.seconds() >= 29,
            "{}: sent {sent}: {token} at {}",
            self.here(),
            self.world.seconds()
        );
    }

    fn here(&self) -> String {
        format!("{} {}", self.world.told(), self.name)
    }
}

fn lines(cookies: &[edge_oidc::web::cookie::SetCookie]) -> Vec<String> {
    cookies.iter().map(ToString::to_string).collect()
}
