//! Forms whose visitor has to sign in first.

use super::{Gateway, check_rate, refusal::refusal};
use crate::{
    error::Error,
    flow::{
        MAX_FORM_BYTES,
        identify::{self, Identified},
        sign_in::Wanted,
        unsent::{self, Kept},
    },
    host::Host,
    visitor::Visitor,
    web::{
        form::Parameters,
        pages,
        path::RequestUrl,
        reply::Reply,
        request::{IncomingRequest, is_own_form},
        return_to::ReturnTo,
    },
};

impl Gateway {
    /// A form that somebody has sent whose session has ended: it waits for them. `None` for everything else.
    pub(super) async fn keep_unsent(
        &self,
        host: &impl Host,
        request: &impl IncomingRequest,
        url: &RequestUrl<'_>,
    ) -> Result<Option<Kept>, Error> {
        let session = is_own_form(request).then(|| identify::last_session(&self.site, request.cookies())).flatten();
        let Some(session) = session else { return Ok(None) };
        check_rate(host, request).await?;
        unsent::keep(&self.site, host, request, url, &session.identity).await.map(Some)
    }

    /// Back from the provider with a form that waits, or to say so in the other tab.
    pub(super) async fn resume(
        &self,
        host: &impl Host,
        request: &impl IncomingRequest,
        url: &RequestUrl<'_>,
    ) -> Result<Reply, Error> {
        self.try_resume(host, request, url).await.or_else(|error| {
            self.tell(host, request, &error);
            // Whoever comes here is a person, whatever the headers say.
            Ok(refusal(&error, true, url.target()))
        })
    }

    async fn try_resume(
        &self,
        host: &impl Host,
        request: &impl IncomingRequest,
        url: &RequestUrl<'_>,
    ) -> Result<Reply, Error> {
        let posted = request.method() == "POST";
        if posted && self.is_foreign(request, url) {
            return Err(Error::Foreign);
        }
        let Identified { visitor, renewed } = identify::identify(&self.site, host, request.cookies()).await?;
        let Visitor::Known(identity) = visitor else {
            return self.start(host, request, url, Wanted::of(ReturnTo::from_request(url))).await;
        };
        let query = Parameters::parse(url.query().unwrap_or_default()).unwrap_or_default();
        let reply = match query.value("unsent") {
            None => Reply::page(200, pages::signed_in()),
            Some(name) => {
                let content_type = request.header("content-type").unwrap_or_default();
                // The browser has chosen another boundary, which may be longer.
                let sent = if posted { Some((content_type, request.body(2 * MAX_FORM_BYTES).await?)) } else { None };
                unsent::resume(&self.site, host, name, &identity, sent).await?
            }
        };
        Ok(renewed.into_iter().fold(reply, Reply::cookie))
    }
}
