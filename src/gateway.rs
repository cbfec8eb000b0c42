//! The order of things: from a request to an answer of ours, or to a request for the origin.

use serde_json::json;

use crate::{
    config::{Config, PostLogout},
    error::{Error, LogLine},
    flow::{
        Site, account, claims,
        identify::{self, Identified},
        provider_logout, sign_in, sign_out, tries,
    },
    host::Host,
    oauth::authorization::ResponseMode,
    origin::{self, AnswerEdits, AnswerFacts, Forward},
    policy::{self, Access, Admitted, Verdict},
    route::{self, Endpoint, Route},
    session::cookies::CookieNames,
    visitor::Visitor,
    web::{
        cookie::SetCookie,
        form::{self, Parameters},
        pages::{self, Action},
        path::{RequestPath, RequestUrl},
        reply::Reply,
        request::{BodyError, CALLER, IncomingRequest, is_foreign, is_navigation},
        return_to::ReturnTo,
        secure_url::is_loopback_host,
    },
};

/// The longest form that an endpoint of ours reads, in bytes.
const MAX_FORM_BYTES: usize = 64 * 1024;

/// The guard in front of an origin. One serves every request of an isolate.
#[derive(Debug)]
pub struct Gateway {
    site: Site,
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Outcome {
    /// We answer it ourselves.
    Respond(Reply),
    /// The origin answers it.
    Forward(Forward),
}

impl Gateway {
    /// A gateway that does as `config` says.
    pub fn new(config: Config) -> Self {
        Self { site: Site::new(config) }
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.site.config
    }

    /// The names of our cookies.
    pub fn cookie_names(&self) -> &CookieNames {
        &self.site.cookie_names
    }

    /// From a request to its outcome. It never fails: a refusal is an answer too, and its cause goes to the log.
    pub async fn handle(&self, host: &impl Host, request: &impl IncomingRequest) -> Outcome {
        match self.judge(host, request).await {
            Ok(outcome) => outcome,
            Err(error) => Outcome::Respond(self.refuse(host, request, &error)),
        }
    }

    async fn judge(&self, host: &impl Host, request: &impl IncomingRequest) -> Result<Outcome, Error> {
        let url = RequestUrl::parse(request.url())?;
        self.check_host(&url)?;
        // 1. Ours, or under which rule?
        let rule = match route::route(&self.site.config, request.method(), url.path()) {
            Route::Own(endpoint) => return self.own(host, request, &url, endpoint).await.map(Outcome::Respond),
            Route::Ambiguous => return Err(Error::AmbiguousPath),
            Route::Rule(rule) => rule,
        };
        if let Some(next) = self.signed_out_elsewhere(&url) {
            return Ok(Outcome::Respond(next));
        }
        // 2. Who asks?
        let Identified { visitor, renewed } = match rule.access {
            Access::Public | Access::Deny => Identified::anonymous(),
            Access::Optional | Access::Login => identify::identify(&self.site, host, request.cookies()).await?,
        };
        // 3. May they?
        match policy::decide(rule, visitor) {
            // 4. Then it goes to the origin.
            Verdict::Admit(admitted) => Ok(Outcome::Forward(self.forward(&admitted, request, &url, renewed))),
            Verdict::Forbid => Err(Error::Forbidden),
            // Where our cookies don't reach, nobody can be signed in.
            Verdict::SignIn if !self.cookies_reach(&url) => Err(Error::Forbidden),
            Verdict::SignIn if is_navigation(request) => {
                self.start(host, request, &url, ReturnTo::from_request(&url)).await.map(Outcome::Respond)
            }
            Verdict::SignIn => Ok(Outcome::Respond(self.login_required(&url))),
        }
    }

    /// What of the origin's answer has to change.
    pub fn judge_answer(&self, facts: &AnswerFacts<'_>, forward: &Forward) -> AnswerEdits {
        origin::answer(facts, forward, &self.site.cookie_names)
    }

    /// The answer for a request that can't be served.
    pub fn refuse(&self, host: &impl Host, request: &impl IncomingRequest, error: &Error) -> Reply {
        host.log(&LogLine::error(error));
        let again = self.site.own_path("oidc_login");
        refusal(error, is_navigation(request), &again)
    }

    /// Back from the provider at a page of the site's own: a `next` that was sealed into `state` is followed.
    fn signed_out_elsewhere(&self, url: &RequestUrl<'_>) -> Option<Reply> {
        let PostLogout::Path(path) = &self.site.config.post_logout else { return None };
        (url.path().raw() == path).then(|| sign_out::followed(&self.site, url.query()?))?
    }

    fn cookies_reach(&self, url: &RequestUrl<'_>) -> bool {
        let base = self.site.config.routes.base.as_bytes();
        let path = url.path().decoded();
        path.starts_with(base) || base.strip_suffix(b"/") == Some(path)
    }

    // Cookies without `Secure`, and no sign-in at all, are for this very machine.
    fn check_host(&self, url: &RequestUrl<'_>) -> Result<(), Error> {
        let config = &self.site.config;
        let anywhere = config.cookie.secure && config.testing_profile.is_none();
        if anywhere || is_loopback_host(url.host()) { Ok(()) } else { Err(Error::LoopbackOnly) }
    }

    fn forward(
        &self,
        admitted: &Admitted,
        request: &impl IncomingRequest,
        url: &RequestUrl<'_>,
        renewed: Vec<SetCookie>,
    ) -> Forward {
        let Site { config, identity_headers, cookie_names, .. } = &self.site;
        let mut forward = origin::forward(admitted, request, url, config, (identity_headers, cookie_names));
        // A response that others may share sets no cookie.
        if forward.answer_is_private {
            forward.cookies = renewed;
            // The session has come back: what counted the tries has done its work.
            forward.cookies.extend(tries::forget(&self.site, request.cookies()));
        }
        forward
    }

    async fn start(
        &self,
        host: &impl Host,
        request: &impl IncomingRequest,
        url: &RequestUrl<'_>,
        return_to: ReturnTo,
    ) -> Result<Reply, Error> {
        if self.site.config.testing_profile.is_some() {
            return Ok(Reply::redirect(return_to.as_str()));
        }
        check_rate(host, request).await?;
        sign_in::start(&self.site, host, url, request.cookies(), return_to).await
    }

    fn login_required(&self, url: &RequestUrl<'_>) -> Reply {
        let login_url = self.login_url(Some(&ReturnTo::from_request(url)));
        Reply::json(401, &json!({ "error": "login_required", "login_url": login_url }))
    }

    /// Where to sign in, to come back to `next` unless that is an endpoint of ours.
    fn login_url(&self, next: Option<&ReturnTo>) -> String {
        let login = self.site.own_path("oidc_login");
        match next.filter(|next| !self.is_own(next)) {
            Some(next) => format!("{login}?next={}", form::encode(next.as_str())),
            None => login,
        }
    }

    fn is_own(&self, target: &ReturnTo) -> bool {
        let path = target.as_str().split('?').next().unwrap_or_default();
        RequestPath::parse(path)
            .is_ok_and(|path| route::own_endpoint(&self.site.config.routes, path.decoded()).is_some())
    }

    async fn own(
        &self,
        host: &impl Host,
        request: &impl IncomingRequest,
        url: &RequestUrl<'_>,
        endpoint: Endpoint,
    ) -> Result<Reply, Error> {
        check_method(request.method(), endpoint, self.response_mode())?;
        match endpoint {
            Endpoint::Health => Ok(Reply::json(200, &json!({ "status": "ok" }))),
            Endpoint::Login => {
                self.start(host, request, url, self.next(url.query()).unwrap_or_else(ReturnTo::root)).await
            }
            Endpoint::Callback => self.callback(host, request, url).await,
            Endpoint::Logout => self.logout(host, request, url).await,
            Endpoint::SignedOut => Ok(sign_out::signed_out(&self.site, url.query())),
            Endpoint::Account => self.account(host, request, url).await,
            Endpoint::Userinfo => self.userinfo(host, request, url).await,
            Endpoint::BackChannelLogout => {
                provider_logout::back_channel(&self.site, host, &read_form(request).await?).await
            }
            Endpoint::FrontChannelLogout => {
                check_rate(host, request).await?;
                provider_logout::front_channel(&self.site, host, url.query()).await
            }
            Endpoint::Reserved => Err(Error::NotFound),
        }
    }

    async fn callback(
        &self,
        host: &impl Host,
        request: &impl IncomingRequest,
        url: &RequestUrl<'_>,
    ) -> Result<Reply, Error> {
        check_rate(host, request).await?;
        let body;
        let parameters = if request.method() == "POST" {
            body = read_form(request).await?;
            body.as_str()
        } else {
            url.query().unwrap_or_default()
        };
        match sign_in::finish(&self.site, host, parameters, request.cookies()).await {
            Ok(reply) => {
                host.log(&LogLine::event("sign_in.finished"));
                Ok(reply)
            }
            Err(rejected) => {
                host.log(&LogLine::error(&rejected.error));
                // Whoever comes here is a person, whatever the headers say.
                let page = refusal(&rejected.error, true, &self.login_url(rejected.return_to.as_ref()));
                Ok(rejected.spent.into_iter().fold(page, Reply::cookie))
            }
        }
    }

    async fn logout(
        &self,
        host: &impl Host,
        request: &impl IncomingRequest,
        url: &RequestUrl<'_>,
    ) -> Result<Reply, Error> {
        let body;
        let parameters = if request.method() == "POST" {
            body = read_form(request).await?;
            Some(body.as_str())
        } else {
            url.query()
        };
        let next = self.next(parameters);
        let everywhere = request.method() == "POST" && asks_everywhere(parameters);
        if self.is_foreign(request, url) {
            return Ok(sign_out::confirm(&self.site, next.as_ref()));
        }
        sign_out::sign_out(&self.site, host, url, request.cookies(), (next, everywhere)).await
    }

    /// Who is signed in, for the person who is; nobody else is shown the page.
    async fn account(
        &self,
        host: &impl Host,
        request: &impl IncomingRequest,
        url: &RequestUrl<'_>,
    ) -> Result<Reply, Error> {
        let identified = identify::identify(&self.site, host, request.cookies()).await?;
        match identified.visitor {
            Visitor::Known(identity) => {
                let session = identify::last_session(&self.site, request.cookies());
                let page = account::page(&self.site, &identity, session.as_ref());
                Ok(identified.renewed.into_iter().fold(page, Reply::cookie))
            }
            Visitor::Anonymous if is_navigation(request) => {
                self.start(host, request, url, ReturnTo::from_request(url)).await
            }
            Visitor::Anonymous => Ok(self.login_required(url)),
        }
    }

    async fn userinfo(
        &self,
        host: &impl Host,
        request: &impl IncomingRequest,
        url: &RequestUrl<'_>,
    ) -> Result<Reply, Error> {
        if self.is_foreign(request, url) {
            return Err(Error::Foreign);
        }
        let Identified { visitor, renewed } = identify::identify(&self.site, host, request.cookies()).await?;
        let reply = match visitor {
            Visitor::Known(identity) => {
                let all = claims::all(&self.site, host, request.cookies()).await;
                Reply::json(200, &json!(all.as_ref().unwrap_or_else(|| identity.claims())))
            }
            Visitor::Anonymous => self.login_required(url),
        };
        Ok(renewed.into_iter().fold(reply, Reply::cookie))
    }

    fn response_mode(&self) -> ResponseMode {
        self.site.config.providers.first().map_or(ResponseMode::Query, |provider| provider.response_mode)
    }

    fn is_foreign(&self, request: &impl IncomingRequest, url: &RequestUrl<'_>) -> bool {
        let public = self.site.public_origin(url);
        is_foreign(request, &[public.as_str(), url.origin()])
    }

    /// Where a link asks to go on to: a page of this site that is not one of ours.
    fn next(&self, parameters: Option<&str>) -> Option<ReturnTo> {
        let parameters = Parameters::parse(parameters?).ok()?;
        ReturnTo::parse(parameters.value("next")?).filter(|next| !self.is_own(next))
    }
}

/// The answer that every path of a misconfigured Worker gives.
pub fn misconfigured() -> Reply {
    Reply::page(500, pages::misconfigured())
}

fn refusal(error: &Error, as_page: bool, start_again: &str) -> Reply {
    if matches!(error, Error::LoopbackOnly) {
        return misconfigured();
    }
    let reply = if as_page { problem_page(error, start_again) } else { problem_json(error) };
    match error {
        Error::Method(allowed) => reply.header("Allow", allowed),
        // The longest period of the platform's rate limit.
        Error::TooManyRequests => reply.header("Retry-After", "60"),
        Error::StoreUnavailable | Error::RefreshUnavailable => reply.header("Retry-After", "10"),
        _ => reply,
    }
}

fn problem_page(error: &Error, start_again: &str) -> Reply {
    let text = error.public_text();
    let action = text.start_again.then_some(Action { href: start_again, label: "Start again" });
    Reply::page(error.status(), pages::problem(text.title, &text.sentence, error.code(), action))
}

fn problem_json(error: &Error) -> Reply {
    let text = error.public_text();
    Reply::json(error.status(), &json!({ "error": error.code(), "error_description": text.sentence }))
}

// HEAD changes nothing, so it does not end a sign-in or a session (RFC 9110 §9.2.1).
fn check_method(method: &str, endpoint: Endpoint, response_mode: ResponseMode) -> Result<(), Error> {
    let allowed = match endpoint {
        Endpoint::Logout => "GET, POST",
        Endpoint::BackChannelLogout => "POST",
        Endpoint::Callback if response_mode == ResponseMode::FormPost => "GET, POST",
        Endpoint::Callback | Endpoint::FrontChannelLogout => "GET",
        _ => "GET, HEAD",
    };
    if allowed.split(", ").any(|name| name == method) { Ok(()) } else { Err(Error::Method(allowed)) }
}

// By the address that the platform saw; a caller can't choose it.
async fn check_rate(host: &impl Host, request: &impl IncomingRequest) -> Result<(), Error> {
    let caller = request.header(CALLER).unwrap_or_default();
    if host.allows(&caller).await { Ok(()) } else { Err(Error::TooManyRequests) }
}

fn asks_everywhere(form: Option<&str>) -> bool {
    let form = form.and_then(|form| Parameters::parse(form).ok());
    form.is_some_and(|form| form.value("everywhere") == Some("1"))
}

async fn read_form(request: &impl IncomingRequest) -> Result<String, Error> {
    request.body(MAX_FORM_BYTES).await.map_err(|error| match error {
        BodyError::TooLarge => Error::FormTooLarge,
        BodyError::Unreadable => Error::FormUnreadable,
    })
}
