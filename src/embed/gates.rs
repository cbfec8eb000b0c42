//! Who may: each question is a rule, and the answer the guard's.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Answer, Visit};
use crate::{
    claim_path::ClaimPath,
    error::Error,
    flow::{sign_in::Wanted, sign_out},
    gateway::Leave,
    host::Host,
    policy::{Access, ClaimRule, Rule},
    visitor::{Identity, Visitor},
    web::{request::IncomingRequest, return_to::ReturnTo},
};

impl<H: Host, R: IncomingRequest> Visit<H, R> {
    /// The one who is signed in.
    ///
    /// # Errors
    ///
    /// The answer to return when nobody is: a navigation goes to the provider and comes back here, anything else is told
    /// 401 with the URL where to sign in. With `OIDC_RESOURCE_SERVER_ONLY` nobody can sign in: asking is a mistake of the
    /// code's, 500, and the log says so (`sign_in.nobody_can`).
    pub async fn require_login(&self) -> Result<&Identity, Answer> {
        self.somebody_can_sign_in()?;
        match self.user() {
            Some(identity) => Ok(identity),
            None => Err(self.ask_to_sign_in().await),
        }
    }

    /// The one who is signed in and has one of these values in that claim, or as that claim: `require("groups",
    /// ["admins"])`. A dotted name walks into objects. Claims that are not in the cookie are looked up in the store.
    ///
    /// # Errors
    ///
    /// The answer to return: that of [`Visit::require_login`], or 403.
    pub async fn require<V: Into<Value>>(
        &self,
        claim: &str,
        any_of: impl IntoIterator<Item = V>,
    ) -> Result<&Identity, Answer> {
        let Some(path) = ClaimPath::parse(claim) else { return Err(self.refused(&Error::Forbidden)) };
        self.require_claim(ClaimRule { path, any_of: any_of.into_iter().map(Into::into).collect() }).await
    }

    /// The one who is signed in and has this role at that client of Keycloak's (`resource_access`), by verified claims.
    ///
    /// # Errors
    ///
    /// The answer to return: that of [`Visit::require_login`], or 403.
    pub async fn require_keycloak_role(&self, client: &str, role: &str) -> Result<&Identity, Answer> {
        let path = ClaimPath::exact(&["resource_access", client, "roles"]);
        self.require_claim(ClaimRule { path, any_of: vec![role.into()] }).await
    }

    async fn require_claim(&self, claim: ClaimRule) -> Result<&Identity, Answer> {
        let identity = self.require_login().await?;
        let known = if claim.path.find(identity.claims()).is_some() {
            identity.clone()
        } else {
            Identity::new(self.all_claims(identity).await?)
        };
        let rule = Rule { claims: vec![claim], ..Rule::everywhere(Access::Login) };
        self.ask(&rule, Visitor::Known(known)).await.map(|()| identity)
    }

    async fn ask_to_sign_in(&self) -> Answer {
        match self.ask(&Rule::everywhere(Access::Login), Visitor::Anonymous).await {
            Err(answer) => answer,
            Ok(()) => self.refused(&Error::Forbidden),
        }
    }

    async fn ask(&self, rule: &Rule, visitor: Visitor) -> Result<(), Answer> {
        let url = self.url()?;
        match self.gateway().decide(self.host(), self.request(), &url, rule, visitor).await {
            Ok(Leave::Given(_)) => Ok(()),
            Ok(Leave::Withheld(reply)) => Err(self.answer(reply)),
            Err(error) => Err(self.refused(&error)),
        }
    }

    /// To the provider, to sign in, whatever has been asked for.
    ///
    /// The visitor comes back to `destination`, a path of this site (anything else means the front page), or to this
    /// request's own. With `customstate` the way back ends at `OIDC_CALLBACK_ROUTE`, where [`Visit::custom_callback`]
    /// gives it to the code; `()` is none. It travels sealed in a cookie, with room for some 2 KB of JSON.
    pub async fn redirect_to_auth_server(&self, destination: Option<&str>, customstate: impl Serialize) -> Answer {
        match self.start(destination, customstate).await {
            Ok(answer) | Err(answer) => answer,
        }
    }

    async fn start(&self, destination: Option<&str>, customstate: impl Serialize) -> Result<Answer, Answer> {
        self.somebody_can_sign_in()?;
        let url = self.url()?;
        let return_to = match destination {
            Some(destination) => self.page(destination).unwrap_or_else(ReturnTo::root),
            None => ReturnTo::from_request(&url),
        };
        let custom = serde_json::to_value(customstate).map_err(|_| self.refused(&Error::CustomStateUnreadable))?;
        let wanted = Wanted { custom: Some(custom).filter(|custom| !custom.is_null()), ..Wanted::of(return_to) };
        let started = self.gateway().start(self.host(), self.request(), &url, wanted).await;
        started.map(|reply| self.answer(reply)).map_err(|error| self.refused(&error))
    }

    /// What [`Visit::redirect_to_auth_server`] was given, when this request is the way back of that sign-in, which is done:
    /// the visitor is signed in. `None` for every other request.
    ///
    /// The address bar still shows the provider's response: best answer with a redirect.
    ///
    /// # Errors
    ///
    /// The answer to return when it is not a `T`.
    pub fn custom_callback<T: DeserializeOwned>(&self) -> Result<Option<T>, Answer> {
        let custom = self.begun().custom.clone().map(serde_json::from_value).transpose();
        custom.map_err(|_| self.refused(&Error::CustomStateUnreadable))
    }

    /// Signs out: here, then at the provider, and from there on to `next`, a path of this site, or to
    /// `OIDC_POST_LOGOUT_REDIRECT_URI`. Return the answer: it leads to the provider.
    ///
    /// Another site's link must not end a session: call it for a POST, or link to `OIDC_LOGOUT_ROUTE`, which asks first.
    pub async fn logout(&self, next: Option<&str>) -> Answer {
        let url = match self.somebody_can_sign_in().and_then(|()| self.url()) {
            Ok(url) => url,
            Err(answer) => return answer,
        };
        let next = next.and_then(|next| self.page(next));
        let cookies = self.request().cookies();
        let signed_out = sign_out::sign_out(self.site(), self.host(), &url, cookies, (next, false)).await;
        self.end();
        match signed_out {
            Ok(reply) => self.answer(reply),
            Err(error) => self.refused(&error),
        }
    }

    /// Signs out here alone, as Flask-OIDC's `logout` did: at the provider the visitor stays signed in, and comes back
    /// without being asked. The code answers as it likes.
    pub async fn logout_here(&self) {
        let removals = sign_out::here(self.site(), self.host(), self.request().cookies()).await;
        self.end();
        self.set_cookies(removals);
    }

    /// Fails where the settings say that nobody signs in: to find nobody there would hide the mistake.
    pub(super) fn somebody_can_sign_in(&self) -> Result<(), Answer> {
        if self.site().config.resource_server_only { Err(self.refused(&Error::NobodySignsIn)) } else { Ok(()) }
    }

    /// A page of the site's, not one of ours.
    fn page(&self, target: &str) -> Option<ReturnTo> {
        ReturnTo::from_link(target).filter(|page| !self.gateway().is_own(page))
    }
}
