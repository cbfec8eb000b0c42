//! The gateway called from inside: what code that is written around this library asks of it.
//!
//! [`before_request`] does what the guard does before it forwards a request, by the same code: our own endpoints are
//! answered, the rules of the operator hold. Where it would forward, it gives a [`Visit`] instead, which is asked who is
//! there and what they may, and an [`AfterRequest`], through which the answer goes back. The names are Flask-OIDC's.
//!
//! Nothing here knows the platform. What a Worker uses is `Oidc`, which the feature `edge` adds.

mod answer;
mod gates;
mod knowledge;
mod passage;
mod tokens;
mod visit;

use std::rc::Rc;

pub use answer::{AfterRequest, Answer};
pub use passage::{BadHeader, Passage};
pub use visit::Visit;
// What is known of somebody, in the types that say so.
pub use crate::{
    oauth::{AccessToken, RefreshToken, access_token::Caller},
    visitor::Identity,
};

use crate::{
    error::Error,
    flow::sign_in::Finished,
    gateway::{Gateway, Judged, Leave},
    host::Host,
    policy::{Access, Rule},
    visitor::Visitor,
    web::{path::RequestUrl, reply::Reply, request::IncomingRequest},
};
use visit::Begun;

/// What comes of a request before the code around the library has seen it.
#[derive(Debug)]
#[must_use = "a request that has been answered must not be answered otherwise"]
pub enum Before<H, R> {
    /// It is answered: an endpoint of ours, or somebody whom a rule does not let pass. Return this.
    Respond(Reply),
    /// It is the code's to answer.
    Visit(Visit<H, R>, AfterRequest<H, R>),
}

/// What the guard does before it forwards a request.
pub async fn before_request<H: Host, R: IncomingRequest>(gateway: Rc<Gateway>, host: H, request: R) -> Before<H, R> {
    match judge(&gateway, &host, &request).await {
        Ok(Ok(begun)) => {
            let visit = Visit::new(gateway, host, request, begun);
            Before::Visit(visit.clone(), AfterRequest::of(visit))
        }
        Ok(Err(reply)) => Before::Respond(reply),
        Err(error) => Before::Respond(gateway.refuse(&host, &request, &error)),
    }
}

async fn judge(
    gateway: &Gateway,
    host: &impl Host,
    request: &impl IncomingRequest,
) -> Result<Result<Begun, Reply>, Error> {
    let url = RequestUrl::parse(request.url())?;
    Ok(match gateway.judge(host, request, &url).await? {
        Judged::Respond(reply) => Err(reply),
        Judged::Admit(admitted, renewed) => {
            let cookies = gateway.cookies_back(&admitted, request, renewed);
            Ok(Begun { admitted, cookies, session: None, custom: None })
        }
        Judged::SignedIn(Finished { session, cookies, custom: Some(custom), .. }) => {
            let visitor = Visitor::Known(session.identity.clone());
            let rule = Rule::everywhere(Access::Optional);
            match gateway.decide(host, request, &url, &rule, visitor).await? {
                Leave::Given(admitted) => Ok(Begun { admitted, cookies, session: Some(session), custom: Some(custom) }),
                Leave::Withheld(reply) => Err(reply),
            }
        }
        Judged::SignedIn(finished) => Err(finished.reply()),
    })
}
