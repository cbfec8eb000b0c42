//! The endpoints that are ours: whatever stands at their paths never reaches the origin.

use serde_json::json;

use super::{Gateway, Judged, refusal::refusal, tokens};
use crate::{
    error::{Error, LogLine},
    flow::{
        MAX_FORM_BYTES, account, assertion, check_rate, claims,
        identify::{self, Identified},
        provider_logout,
        sign_in::{self, Wanted},
        sign_out,
    },
    host::Host,
    oauth::authorization::ResponseMode,
    route::{self, Endpoint},
    visitor::Visitor,
    web::{
        form::Parameters,
        path::{RequestPath, RequestUrl},
        reply::Reply,
        request::{IncomingRequest, is_ahead, is_embedded, is_foreign, is_navigation, text},
        return_to::ReturnTo,
    },
};

impl Gateway {
    pub(super) async fn own(
        &self,
        host: &impl Host,
        request: &impl IncomingRequest,
        url: &RequestUrl<'_>,
        endpoint: Endpoint,
    ) -> Result<Judged, Error> {
        check_method(request.method(), endpoint, self.response_mode())?;
        match endpoint {
            Endpoint::Callback => self.callback(host, request, url).await,
            _ => self.respond(host, request, url, endpoint).await.map(Judged::Respond),
        }
    }

    async fn respond(
        &self,
        host: &impl Host,
        request: &impl IncomingRequest,
        url: &RequestUrl<'_>,
        endpoint: Endpoint,
    ) -> Result<Reply, Error> {
        match endpoint {
            Endpoint::Health => Ok(Reply::json(200, &json!({ "status": "ok" }))),
            Endpoint::Login => {
                let next = self.next(url.query()).unwrap_or_else(ReturnTo::root);
                let step_up = route::step_up(&self.site.config, &next);
                self.start(host, request, url, Wanted { step_up, ..Wanted::of(next) }).await
            }
            Endpoint::Logout => self.logout(host, request, url).await,
            Endpoint::SignedOut => Ok(sign_out::signed_out(&self.site, url.query())),
            Endpoint::Account => self.account(host, request, url).await,
            Endpoint::Userinfo => self.userinfo(host, request, url).await,
            Endpoint::Resume => self.resume(host, request, url).await,
            Endpoint::BackChannelLogout => {
                provider_logout::back_channel(&self.site, host, &read_form(request).await?).await
            }
            Endpoint::FrontChannelLogout => {
                check_rate(host, request).await?;
                provider_logout::front_channel(&self.site, host, url.query(), request.cookies()).await
            }
            Endpoint::Jwks => assertion::jwks(&self.site),
            Endpoint::ResourceMetadata if request.method() == "OPTIONS" => Ok(tokens::preflight()),
            Endpoint::ResourceMetadata => Ok(self.resource_metadata(url)),
            Endpoint::Auth => self.verdict(host, request, url).await,
            Endpoint::Callback | Endpoint::Reserved => Err(Error::NotFound),
        }
    }

    async fn callback(
        &self,
        host: &impl Host,
        request: &impl IncomingRequest,
        url: &RequestUrl<'_>,
    ) -> Result<Judged, Error> {
        check_rate(host, request).await?;
        let parameters = match request.method() {
            "POST" => read_form(request).await,
            _ => Ok(url.query().unwrap_or_default().to_owned()),
        };
        let finished = match parameters {
            Ok(parameters) => sign_in::finish(&self.site, host, &parameters, request.cookies()).await,
            Err(unread) => Err(unread.into()),
        };
        match finished {
            Ok(finished) => {
                host.log(&self.site.about(LogLine::event("sign_in.finished"), &finished.session.identity));
                Ok(Judged::SignedIn(finished))
            }
            Err(rejected) => {
                host.log(&LogLine::error(&rejected.error));
                // Whoever comes here is a person, whatever the headers say.
                let page = refusal(&rejected.error, true, &self.login_url(rejected.return_to.as_ref()));
                Ok(Judged::Respond(rejected.spent.into_iter().fold(page, Reply::cookie)))
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
        let is_form = request.method() == "POST";
        let parameters = if is_form {
            body = read_form(request).await?;
            Some(body.as_str())
        } else {
            url.query()
        };
        let next = self.next(parameters).or_else(|| self.next(url.query()));
        let everywhere = is_form && asks_everywhere(parameters);
        if self.is_foreign(request, url) {
            return Ok(sign_out::confirm(&self.site, next.as_ref()));
        }
        if !is_form && (is_ahead(request) || is_embedded(request)) {
            return Err(Error::Foreign);
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
                let page = account::page(&self.site, host, &identity, session.as_ref()).await;
                Ok(identified.renewed.into_iter().fold(page, Reply::cookie))
            }
            _ if is_navigation(request) => {
                self.start(host, request, url, Wanted::of(ReturnTo::from_request(url))).await
            }
            _ => Ok(self.login_required(url, "login_required")),
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
        let Identified { visitor, renewed, .. } = identify::identify(&self.site, host, request.cookies()).await?;
        let reply = match visitor {
            Visitor::Known(identity) => {
                let all = claims::all(&self.site, host, request.cookies()).await;
                Reply::json(200, &json!(all.as_ref().unwrap_or_else(|| identity.claims())))
            }
            _ => self.login_required(url, "login_required"),
        };
        Ok(renewed.into_iter().fold(reply, Reply::cookie))
    }

    /// Whether it is an endpoint of ours, where nobody goes after a sign-in; but for the one that is there for that.
    pub(crate) fn is_own(&self, target: &ReturnTo) -> bool {
        let path = RequestPath::parse(target.as_str().split('?').next().unwrap_or_default());
        let endpoint = path.ok().and_then(|path| route::own_endpoint(&self.site.config, path.decoded()));
        endpoint.is_some_and(|endpoint| endpoint != Endpoint::Resume)
    }

    fn response_mode(&self) -> ResponseMode {
        self.site.config.providers.first().map_or(ResponseMode::Query, |provider| provider.response_mode)
    }

    pub(super) fn is_foreign(&self, request: &impl IncomingRequest, url: &RequestUrl<'_>) -> bool {
        let public = self.site.public_origin(url);
        is_foreign(request, &[public.as_str(), url.origin()])
    }

    /// Where a link asks to go on to: a page of this site that is not one of ours.
    fn next(&self, parameters: Option<&str>) -> Option<ReturnTo> {
        let parameters = Parameters::parse(parameters?).ok()?;
        ReturnTo::from_link(parameters.value("next")?).filter(|next| !self.is_own(next))
    }
}

// HEAD changes nothing, so it does not end a sign-in or a session (RFC 9110 §9.2.1).
fn check_method(method: &str, endpoint: Endpoint, response_mode: ResponseMode) -> Result<(), Error> {
    let allowed = match endpoint {
        Endpoint::Logout => "GET, POST",
        Endpoint::ResourceMetadata => "GET, HEAD, OPTIONS",
        Endpoint::Resume => "GET, HEAD, POST",
        Endpoint::BackChannelLogout => "POST",
        Endpoint::Callback if response_mode == ResponseMode::FormPost => "GET, POST",
        Endpoint::Callback | Endpoint::FrontChannelLogout => "GET",
        _ => "GET, HEAD",
    };
    if allowed.split(", ").any(|name| name == method) { Ok(()) } else { Err(Error::Method(allowed)) }
}

fn asks_everywhere(form: Option<&str>) -> bool {
    let form = form.and_then(|form| Parameters::parse(form).ok());
    form.is_some_and(|form| form.value("everywhere") == Some("1"))
}

pub(super) async fn read_form(request: &impl IncomingRequest) -> Result<String, Error> {
    Ok(request.body(MAX_FORM_BYTES).await.and_then(text)?)
}
