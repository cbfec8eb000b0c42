//! The order of things: from a request to an answer of ours, or to a request for the origin.

mod forward_auth;
mod own;
mod refusal;
mod tokens;
mod told;
mod unsent;

use core::time::Duration;

use serde_json::json;

use crate::{
    config::{Config, PostLogout},
    error::Error,
    flow::{
        Site, access, assertion, check_rate,
        identify::{self, Identified},
        live,
        sign_in::{self, Finished, Wanted},
        sign_out, tries,
        unsent::{Kept, not_kept},
    },
    host::Host,
    oauth::bearer::Challenge,
    origin::{self, AnswerEdits, AnswerFacts, Forward},
    policy::{self, Access, Admitted, Rule, StepUp, Verdict},
    route::{self, Route},
    session::cookies::CookieNames,
    visitor::Visitor,
    web::{
        cookie::SetCookie,
        form,
        path::RequestUrl,
        reply::Reply,
        request::{IncomingRequest, is_ahead, is_for_a_person, is_navigation},
        return_to::ReturnTo,
        secure_url::is_loopback_host,
    },
};

pub use refusal::misconfigured;

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

/// What is decided about a request, and not yet done.
#[derive(Debug)]
pub(crate) enum Judged {
    /// We answer it ourselves.
    Respond(Reply),
    /// A sign-in has come to its end.
    SignedIn(Finished),
    /// It may pass, and these cookies go back with the answer.
    Admit(Admitted, Vec<SetCookie>),
}

/// What a rule says to a visitor.
#[derive(Debug)]
pub(crate) enum Leave {
    /// Pass.
    Given(Admitted),
    /// Not so, and this is the answer.
    Withheld(Reply),
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

    /// The settings and what follows from them, for code around the library.
    pub(crate) fn site(&self) -> &Site {
        &self.site
    }

    /// The names of our cookies.
    pub fn cookie_names(&self) -> &CookieNames {
        &self.site.cookie_names
    }

    /// From a request to its outcome. It never fails: a refusal is an answer too, and its cause goes to the log.
    pub async fn handle(&self, host: &impl Host, request: &impl IncomingRequest) -> Outcome {
        match self.outcome(host, request).await {
            Ok(outcome) => outcome,
            Err(error) => Outcome::Respond(self.refuse(host, request, &error)),
        }
    }

    async fn outcome(&self, host: &impl Host, request: &impl IncomingRequest) -> Result<Outcome, Error> {
        let url = RequestUrl::parse(request.url())?;
        Ok(match self.judge(host, request, &url).await? {
            Judged::Respond(reply) => Outcome::Respond(reply),
            Judged::SignedIn(finished) => Outcome::Respond(finished.reply()),
            // 4. Then it goes to the origin.
            Judged::Admit(admitted, renewed) => {
                self.tell_admitted(host, request, &admitted);
                Outcome::Forward(self.pass_on(&admitted, host, request, &url, renewed).await?)
            }
        })
    }

    pub(crate) async fn judge(
        &self,
        host: &impl Host,
        request: &impl IncomingRequest,
        url: &RequestUrl<'_>,
    ) -> Result<Judged, Error> {
        self.check_host(url)?;
        // 1. Ours, or under which rule?
        let rule = match route::route(&self.site.config, request.method(), url.path()) {
            Route::Own(endpoint) => return self.own(host, request, url, endpoint).await,
            Route::Ambiguous => return Err(Error::AmbiguousPath),
            Route::Rule(rule) => rule,
        };
        if let Some(next) = self.signed_out_elsewhere(url) {
            return Ok(Judged::Respond(next));
        }
        let (leave, renewed) = self.judge_under(rule, host, request, url).await?;
        let reply = match leave {
            Ok(Leave::Given(admitted)) => return Ok(Judged::Admit(admitted, renewed)),
            Ok(Leave::Withheld(reply)) => reply,
            Err(error) if renewed.is_empty() => return Err(error),
            Err(error) => self.refuse(host, request, &error),
        };
        Ok(Judged::Respond(renewed.into_iter().fold(reply, Reply::cookie)))
    }

    /// What a rule says to whoever asks, and the cookies that go back whatever it says: a session that was renewed is
    /// its visitor's.
    async fn judge_under(
        &self,
        rule: &Rule,
        host: &impl Host,
        request: &impl IncomingRequest,
        url: &RequestUrl<'_>,
    ) -> Result<(Result<Leave, Error>, Vec<SetCookie>), Error> {
        // 2. Who asks?
        let Identified { visitor, renewed } = match rule.access {
            Access::Public | Access::Deny => Identified::anonymous(),
            Access::Optional | Access::Login => identify::identify(&self.site, host, request.cookies()).await?,
            Access::Token | Access::LoginOrToken => self.identify_caller(host, request, url, rule).await?,
        };
        // 3. May they?
        Ok((self.decide(host, request, url, rule, visitor).await, renewed))
    }

    /// What `rule` says to this visitor, and what to answer one whom it does not let pass.
    pub(crate) async fn decide(
        &self,
        host: &impl Host,
        request: &impl IncomingRequest,
        url: &RequestUrl<'_>,
        rule: &Rule,
        visitor: Visitor,
    ) -> Result<Leave, Error> {
        match policy::decide(rule, visitor, host.now()) {
            Verdict::Admit(admitted) => Ok(Leave::Given(admitted)),
            Verdict::Forbid => Err(Error::Forbidden),
            Verdict::Challenge(challenge) => Err(Error::Challenge(challenge)),
            Verdict::SignIn => {
                let problem = (!rule.takes_tokens()).then_some("login_required");
                self.ask_to_sign_in(host, request, url, (rule.step_up.clone(), problem)).await
            }
            // RFC 9470 §3 for the word.
            Verdict::StepUp(step_up) => {
                self.ask_to_sign_in(host, request, url, (step_up, Some("insufficient_user_authentication"))).await
            }
        }
    }

    /// To the provider and back, or the news that this has to be done.
    async fn ask_to_sign_in(
        &self,
        host: &impl Host,
        request: &impl IncomingRequest,
        url: &RequestUrl<'_>,
        (step_up, problem): (StepUp, Option<&str>),
    ) -> Result<Leave, Error> {
        let is_page = is_navigation(request);
        // Without a problem of its own it is that there is no token.
        let refused = || match problem {
            Some(problem) => Ok(Leave::Withheld(self.login_required(url, problem))),
            None => Err(Error::Challenge(Challenge::Missing)),
        };
        // Where our cookies don't reach, nobody can be signed in; a testing profile can't sign in once more.
        if !route::cookies_reach(&self.site.config.routes, url.path()) || self.site.config.testing_profile.is_some() {
            return if is_page || problem.is_some() { Err(Error::Forbidden) } else { refused() };
        }
        let mut wanted = Wanted { step_up, ..Wanted::of(ReturnTo::from_request(url)) };
        if !is_page {
            match self.keep_unsent(host, request, url).await? {
                Some(Kept::ToReturnTo(page)) => wanted.return_to = page,
                // In another tab any sign-in would do.
                Some(Kept::ByTheBrowser) if wanted.step_up.asks_nothing() => {
                    return Ok(Leave::Withheld(not_kept(&self.site)));
                }
                _ => return refused(),
            }
        }
        self.start(host, request, url, wanted).await.map(Leave::Withheld)
    }

    /// How long a connection that was opened with these cookies may go on before it is looked at again; `None`: it is
    /// to be closed.
    pub async fn look(&self, host: &impl Host, cookies: &str) -> Option<Duration> {
        live::look(&self.site, host, cookies).await
    }

    /// What has to change of the origin's answer, when it is private or not and gets these cookies of our own.
    pub fn judge_answer(&self, facts: &AnswerFacts<'_>, is_private: bool, own: &[String]) -> AnswerEdits {
        origin::answer(facts, is_private, own, &self.site.cookie_names)
    }

    /// The answer for a request that can't be served.
    pub fn refuse(&self, host: &impl Host, request: &impl IncomingRequest, error: &Error) -> Reply {
        // That a client asks first what it has to bring is how it should be.
        if !matches!(error, Error::Challenge(Challenge::Missing)) {
            self.tell(host, request, error);
        }
        if let Some(reply) = self.challenged(host, request, error) {
            return reply;
        }
        let again = self.site.own_path("oidc_login");
        refusal::refusal(error, is_for_a_person(request), &again)
    }

    /// Back from the provider at a page of the site's own: a `next` that was sealed into `state` is followed.
    fn signed_out_elsewhere(&self, url: &RequestUrl<'_>) -> Option<Reply> {
        let PostLogout::Path(path) = &self.site.config.post_logout else { return None };
        (url.path().raw() == path).then(|| sign_out::followed(&self.site, url.query()?))?
    }

    // Cookies without `Secure`, and no sign-in at all, are for this very machine.
    fn check_host(&self, url: &RequestUrl<'_>) -> Result<(), Error> {
        let config = &self.site.config;
        let anywhere = config.cookie.secure && config.testing_profile.is_none();
        if anywhere || is_loopback_host(url.host()) { Ok(()) } else { Err(Error::LoopbackOnly) }
    }

    pub(crate) async fn pass_on(
        &self,
        admitted: &Admitted,
        host: &impl Host,
        request: &impl IncomingRequest,
        url: &RequestUrl<'_>,
        renewed: Vec<SetCookie>,
    ) -> Result<Forward, Error> {
        // RFC 9110 §9.3.8: the origin would show the client what it is told, tokens and signatures included.
        if request.method() == "TRACE" {
            return Err(Error::Method("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
        }
        let mut forward = self.forward(admitted, request, url, renewed);
        if self.site.config.pass_access_token && admitted.caller().is_none() {
            let cookies = admitted.identity().filter(|_| admitted.is_told()).map_or("", |_| request.cookies());
            let token = access::token(&self.site, host, cookies).await?;
            forward.edits.push(origin::authorization(token.as_ref()));
        }
        if self.site.config.assertion.is_some() {
            let asked = (request.method(), url);
            assertion::attach(&self.site, host, asked, admitted.claims().filter(|_| admitted.is_told()), &mut forward)
                .await?;
        }
        Ok(forward)
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
        forward.cookies = self.cookies_back(admitted, request, renewed);
        forward
    }

    /// The cookies that go back with the answer to one who was admitted.
    pub(crate) fn cookies_back(
        &self,
        admitted: &Admitted,
        request: &impl IncomingRequest,
        renewed: Vec<SetCookie>,
    ) -> Vec<SetCookie> {
        // A response that others may share sets no cookie.
        if !admitted.answer_is_private() {
            return Vec::new();
        }
        // The session has come back: what counted the tries has done its work.
        renewed.into_iter().chain(tries::forget(&self.site, request.cookies())).collect()
    }

    pub(crate) async fn start(
        &self,
        host: &impl Host,
        request: &impl IncomingRequest,
        url: &RequestUrl<'_>,
        wanted: Wanted,
    ) -> Result<Reply, Error> {
        if self.site.config.testing_profile.is_some() {
            return Ok(Reply::redirect(wanted.return_to.as_str()));
        }
        // Links that are looked at ahead would crowd out the sign-ins that somebody has begun.
        if is_ahead(request) {
            return Ok(self.login_required(url, "login_required"));
        }
        if let Some(there) = self.over_tls(request, url) {
            return Ok(Reply::redirect(there));
        }
        check_rate(host, request).await?;
        let reply = sign_in::start(&self.site, host, url, request.cookies(), wanted).await?;
        self.tell_start(host, request);
        Ok(reply)
    }

    // Over plain HTTP a browser keeps none of our cookies (RFC 6265bis §5.7), and no sign-in would come to its end. The
    // platform says so of the visitor's own connection; where the settings say what visitors use, that counts.
    fn over_tls(&self, request: &impl IncomingRequest, url: &RequestUrl<'_>) -> Option<String> {
        let Config { public_origin: None, redirect_uri: None, .. } = &self.site.config else { return None };
        let is_plain = !url.is_secure() && request.header("cf-visitor").is_some_and(|says| says.contains("\"http\""));
        is_plain.then(|| ["https://", url.host(), url.target()].concat())
    }

    fn login_required(&self, url: &RequestUrl<'_>, problem: &str) -> Reply {
        let login_url = self.login_url(Some(&ReturnTo::from_request(url)));
        Reply::json(401, &json!({ "error": problem, "login_url": login_url }))
    }

    /// Where to sign in, to come back to `next` unless that is an endpoint of ours.
    fn login_url(&self, next: Option<&ReturnTo>) -> String {
        let login = self.site.own_path("oidc_login");
        match next.filter(|next| !self.is_own(next)) {
            Some(next) => format!("{login}?next={}", form::encode(next.as_str())),
            None => login,
        }
    }
}
