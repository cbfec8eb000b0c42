//! Callers with access tokens, where the code asks for one.

use std::rc::Rc;

use super::{Answer, Visit};
use crate::{
    error::Error,
    flow::access_token,
    gateway::Leave,
    host::Host,
    oauth::{
        AccessToken, Scopes,
        access_token::Caller,
        bearer::{Challenge, Location, Presented, Scheme},
    },
    policy::{Access, Rule},
    visitor::Visitor,
    web::{path::RequestUrl, request::IncomingRequest},
};

impl<H: Host, R: IncomingRequest> Visit<H, R> {
    /// The one who has brought an access token with all of these scopes. Without `require_token`, one who brings none is
    /// `None`; a token that is not good is refused either way.
    ///
    /// # Errors
    ///
    /// The answer to return: 401 or 403 with a challenge (RFC 6750 §3), 400 for two tokens, 503 when the provider can't be
    /// asked. Whoever wants to say it otherwise looks at the answer and gives another one: that is Flask-OIDC's
    /// `render_errors=False`.
    pub async fn accept_token(
        &self,
        require_token: bool,
        scopes_required: &[&str],
    ) -> Result<Option<Rc<Caller>>, Answer> {
        if require_token {
            return self.require_token(scopes_required).await.map(Some);
        }
        self.brought(&token_rule(scopes_required)).await
    }

    pub(crate) async fn require_token(&self, scopes: &[&str]) -> Result<Rc<Caller>, Answer> {
        let rule = token_rule(scopes);
        let missing = || self.challenged(&rule, &Error::Challenge(Challenge::Missing));
        self.brought(&rule).await?.ok_or_else(missing)
    }

    /// Who has brought a token, if that is good for the rule.
    async fn brought(&self, rule: &Rule) -> Result<Option<Rc<Caller>>, Answer> {
        match self.judged_once().await {
            Ok(Some((caller, location))) => self.with_scopes(rule, caller, location).await.map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(self.challenged(rule, &error)),
        }
    }

    /// Who has brought a token, and where it stood: found out once in a request, whoever asks. A second look would find
    /// the proof of its possession used (RFC 9449 §11.1).
    async fn judged_once(&self) -> Result<Option<(Rc<Caller>, Location)>, Error> {
        if let Some(known) = self.bearer() {
            return Ok(Some(known));
        }
        let url = RequestUrl::parse(self.request().url())?;
        let found = access_token::caller(self.site(), self.host(), self.request(), &url).await?;
        if let Some(brought) = &found {
            self.remember_bearer(brought);
        }
        Ok(found)
    }

    /// The one whom this access token is about, wherever the code has it from, if it has all of these scopes.
    ///
    /// # Errors
    ///
    /// As those of [`Visit::accept_token`].
    pub async fn validate_token(&self, token: &str, scopes_required: &[&str]) -> Result<Rc<Caller>, Answer> {
        let rule = token_rule(scopes_required);
        let url = self.url()?;
        let untrusted = AccessToken::new(token.to_owned());
        let presented = Presented { untrusted, scheme: Scheme::Bearer, location: Location::Header };
        match access_token::of(self.site(), self.host(), (self.request(), &url), &presented).await {
            Ok(caller) => self.with_scopes(&rule, caller, Location::Header).await,
            Err(error) => Err(self.challenged(&rule, &error)),
        }
    }

    async fn with_scopes(&self, rule: &Rule, caller: Rc<Caller>, location: Location) -> Result<Rc<Caller>, Answer> {
        let url = self.url()?;
        let visitor = Visitor::Bearer(Rc::clone(&caller), location);
        match self.gateway().decide(self.host(), self.request(), &url, rule, visitor).await {
            Ok(Leave::Given(_)) => {
                self.accept(&caller);
                Ok(caller)
            }
            Ok(Leave::Withheld(reply)) => Err(self.answer(reply)),
            Err(error) => Err(self.challenged(rule, &error)),
        }
    }

    fn challenged(&self, rule: &Rule, error: &Error) -> Answer {
        let Ok(url) = self.url() else { return self.refused(error) };
        let refused = self.refused(error);
        self.gateway().challenge(self.host(), &url, rule, error).map_or(refused, |reply| self.answer(reply))
    }
}

/// Scopes that no token can have are asked for all the same: nobody has them.
fn token_rule(scopes: &[&str]) -> Rule {
    match Scopes::parse(scopes.iter().copied()) {
        Some(scopes) => Rule { scopes, ..Rule::everywhere(Access::Token) },
        None => Rule::everywhere(Access::Deny),
    }
}
