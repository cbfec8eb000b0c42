//! What the operator is told of a request: under which rule it came, and whom it was about.

use super::Gateway;
use crate::{
    error::{Error, Fault, LogLine},
    flow::identify,
    host::{Host, random},
    policy::Admitted,
    route::{self, Route},
    web::{path::RequestUrl, request::IncomingRequest},
};

impl Gateway {
    /// A refusal. What it takes to tell more is done here alone, off the way of those who pass.
    pub(super) fn tell(&self, host: &impl Host, request: &impl IncomingRequest, error: &Error) {
        self.tell_line(host, request, LogLine::error(error));
    }

    fn tell_line(&self, host: &impl Host, request: &impl IncomingRequest, line: LogLine) {
        let line = LogLine { rule: self.rule(request), ..line };
        host.log(&match identify::last_session(&self.site, request.cookies()) {
            Some(session) => self.site.about(line, &session.identity),
            None => line,
        });
    }

    /// A connection was closed because one side took too slowly what was sent to it: the visitor's, or else the origin's.
    pub fn tell_too_slow(&self, host: &impl Host, request: &impl IncomingRequest, is_visitor: bool) {
        let fault = if is_visitor { Fault::Visitor } else { Fault::Origin };
        self.tell_line(host, request, LogLine { fault: Some(fault), ..LogLine::event("live.too_slow") });
    }

    /// A sign-in has begun.
    pub(super) fn tell_start(&self, host: &impl Host, request: &impl IncomingRequest) {
        host.log(&LogLine { rule: self.rule(request), ..LogLine::event("sign_in.started") });
    }

    /// A request goes to the origin: told of the share that `OIDC_LOG` asks for, of none unless it does.
    pub(super) fn tell_admitted(&self, host: &impl Host, request: &impl IncomingRequest, admitted: &Admitted) {
        let share = self.site.config.log.admitted;
        if share <= 0.0 || !is_drawn(host, share) {
            return;
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float to int conversion saturates"
        )]
        let weight = Some((1.0 / share).round() as u32).filter(|weight| *weight > 1);
        let line = LogLine { rule: self.rule(request), weight, ..LogLine::event("request.admitted") };
        host.log(&match admitted.identity() {
            Some(identity) => self.site.about(line, identity),
            None => line,
        });
    }

    fn rule(&self, request: &impl IncomingRequest) -> Option<String> {
        let url = RequestUrl::parse(request.url()).ok()?;
        match route::route(&self.site.config, request.method(), url.path()) {
            Route::Rule(rule) => Some(rule.pattern.to_string()),
            Route::Own(_) | Route::Ambiguous => None,
        }
    }
}

fn is_drawn(host: &impl Host, share: f64) -> bool {
    let drawn = random::<4>(host).map(u32::from_le_bytes);
    drawn.is_ok_and(|drawn| f64::from(drawn) < share * f64::from(u32::MAX) || share >= 1.0)
}
