//! The verdict alone, for a proxy that asks before it serves: nginx `auth_request`, Traefik `forwardAuth`, Caddy
//! `forward_auth`.
//!
//! Who asks need not be believed: the answer is about the cookie and the token that come along, so a visitor who asks
//! directly learns what holds for himself. What is asked about has to be the proxy's own word, and it overwrites what
//! the visitor has sent under the name that it uses. It does not know the names that others use; so where two of them
//! are there, they must say the same.

use super::{Gateway, Leave};
use crate::{
    error::Error,
    host::Host,
    origin::{self, HeaderEdit},
    policy::{Access, Challenge, Rule},
    route::{self, Route},
    web::{
        pages::{self, Action},
        path::{PathPattern, RequestUrl},
        reply::Reply,
        request::{BodyError, IncomingRequest, is_navigation},
        return_to::ReturnTo,
    },
};

/// In which the proxy says what was asked for: a target, or a whole URL.
const TARGETS: [&str; 3] = ["x-original-uri", "x-original-url", "x-forwarded-uri"];
/// In which it says how.
const METHODS: [&str; 2] = ["x-original-method", "x-forwarded-method"];

/// A visitor's request as a proxy tells of it.
struct Original<'r, R> {
    request: &'r R,
    method: String,
    url: String,
}

impl<R: IncomingRequest> Original<'_, R> {
    // Some proxies show the visitor our answer.
    fn is_for_a_person(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD") && is_navigation(self.request)
    }
}

impl<R: IncomingRequest> IncomingRequest for Original<'_, R> {
    fn method(&self) -> &str {
        &self.method
    }

    fn url(&self) -> &str {
        &self.url
    }

    fn cookies(&self) -> &str {
        self.request.cookies()
    }

    fn header_names(&self) -> impl Iterator<Item = &str> {
        self.request.header_names()
    }

    fn header(&self, name: &'static str) -> Option<String> {
        // Nobody is sent away from here: it is the proxy that gets the answer.
        if name == "accept" { None } else { self.request.header(name) }
    }

    async fn peek(&self, limit: usize) -> Result<Vec<u8>, BodyError> {
        self.request.peek(limit).await
    }

    fn client_certificate(&self) -> Option<[u8; 32]> {
        self.request.client_certificate()
    }

    async fn body(&self, limit: usize) -> Result<Vec<u8>, BodyError> {
        self.request.body(limit).await
    }
}

impl Gateway {
    /// 204 with the identity headers, 401 or 403.
    pub(super) async fn verdict(
        &self,
        host: &impl Host,
        request: &impl IncomingRequest,
        url: &RequestUrl<'_>,
    ) -> Result<Reply, Error> {
        let config = &self.site.config;
        let (target, method) = (word(request, &TARGETS)?, word(request, &METHODS)?);
        let Some(target) = target else {
            // About nothing in particular: is it anybody?
            let pattern = PathPattern::parse("/*").map_err(|_| Error::Internal)?;
            let original = Original { request, method: "GET".to_owned(), url: request.url().to_owned() };
            let access = if config.resource_server_only { Access::Token } else { Access::Login };
            return self.verdict_under(&Rule::plain(pattern, access), host, &original, url).await;
        };
        let whole = format!("{}{}", url.origin(), path_and_query(&target).ok_or(Error::UnclearOriginal)?);
        let original_url = RequestUrl::parse(&whole).map_err(|_| Error::UnclearOriginal)?;
        let methods = match method {
            Some(method) => vec![method],
            // Then they must all be under one rule.
            None => route::methods(config).map(str::to_owned).collect(),
        };
        let mut rules = methods.iter().map(|method| match route::route(config, method, original_url.path()) {
            Route::Rule(rule) => Some(rule),
            // Our own endpoints are nothing that a proxy serves.
            Route::Own(_) | Route::Ambiguous => None,
        });
        let rule = rules.next().flatten().ok_or(Error::UnclearOriginal)?;
        if !rules.all(|other| other.is_some_and(|other| core::ptr::eq(other, rule))) {
            return Err(Error::UnclearOriginal);
        }
        let method = methods.into_iter().next().unwrap_or_default();
        let original = Original { request, method, url: whole.clone() };
        self.verdict_under(rule, host, &original, &original_url).await
    }

    async fn verdict_under(
        &self,
        rule: &Rule,
        host: &impl Host,
        original: &Original<'_, impl IncomingRequest>,
        url: &RequestUrl<'_>,
    ) -> Result<Reply, Error> {
        let judged = self.judge_under(rule, host, original, url).await;
        let (leave, renewed) = judged.unwrap_or_else(|error| (Err(error), Vec::new()));
        let reply = match leave {
            Ok(Leave::Given(admitted)) => {
                let told = origin::identity(&admitted, &self.site.config).into_iter();
                told.fold(Reply::empty(204), |reply, edit| match edit {
                    HeaderEdit::Set(name, value) => reply.header(name.to_string(), &value),
                    HeaderEdit::Remove(_) => reply,
                })
            }
            Ok(Leave::Withheld(reply)) => self.withheld(reply, original, url),
            // Whoever may bring either is here for a page.
            Err(Error::Challenge(Challenge::Missing))
                if rule.access == Access::LoginOrToken && original.is_for_a_person() =>
            {
                self.withheld(self.login_required(url, "login_required"), original, url)
            }
            Err(error) if error.status() == 401 => {
                let refused = self.refuse(host, original, &error);
                // The challenge is that of the rule which was asked about.
                self.challenge(host, url, rule, &error).unwrap_or(refused)
            }
            Err(error) if renewed.is_empty() => return Err(error),
            Err(error) => self.refuse(host, original.request, &error),
        };
        Ok(renewed.into_iter().fold(reply, Reply::cookie))
    }

    fn withheld(&self, reply: Reply, original: &Original<'_, impl IncomingRequest>, url: &RequestUrl<'_>) -> Reply {
        // On a 401 no browser follows it, but a proxy may (nginx: `$upstream_http_location`).
        let href = self.login_url(Some(&ReturnTo::from_request(url)));
        let reply = if original.is_for_a_person() { sign_in_page(reply.status(), &href) } else { reply };
        if reply.status() == 401 { reply.header("Location", href) } else { reply }
    }
}

fn sign_in_page(status: u16, href: &str) -> Reply {
    let way_on = Action { href, label: "Sign in" };
    Reply::page(status, pages::problem("You are not signed in", "Sign in to go on.", "login_required", Some(way_on)))
}

/// A target as it is, or that of a whole URL. Whose URL it is makes no difference: rules are about paths.
fn path_and_query(target: &str) -> Option<&str> {
    let target = match target.split_once("://") {
        Some(("http" | "https", rest)) => rest.find('/').map_or(Some("/"), |slash| rest.get(slash..))?,
        _ => target,
    };
    target.starts_with('/').then_some(target)
}

/// What these headers say, if they say one thing.
fn word(request: &impl IncomingRequest, names: &[&'static str]) -> Result<Option<String>, Error> {
    let mut words = names.iter().filter_map(|name| request.header(name));
    let first = words.next();
    // One that came twice has got a comma and a space between, which neither a URL nor a method has.
    let is_one =
        words.all(|word| Some(&word) == first.as_ref()) && !first.as_ref().is_some_and(|word| word.contains(' '));
    if is_one { Ok(first) } else { Err(Error::UnclearOriginal) }
}
