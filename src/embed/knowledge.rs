//! What is known of the one who is signed in, and their tokens.

use std::rc::Rc;

use serde_json::Value;

use super::{Answer, Visit, visit::Told};
use crate::{
    claim_path::ClaimPath,
    flow::{claims, identify},
    host::Host,
    json::Object,
    oauth::{AccessToken, RefreshToken},
    session::Credentials,
    visitor::Identity,
    web::request::IncomingRequest,
};

impl<H: Host, R: IncomingRequest> Visit<H, R> {
    /// One claim of the one who is signed in; `None` when neither the ID token nor userinfo has it.
    ///
    /// # Errors
    ///
    /// The answer to return when nobody is signed in, or the store can't be asked.
    pub async fn user_getfield(&self, name: &str) -> Result<Option<Value>, Answer> {
        Ok(self.user_getinfo(&[name]).await?.remove(name))
    }

    /// These claims of the one who is signed in, as far as they are known; a dotted name walks into objects.
    ///
    /// Those that the cookie carries cost nothing. Others are looked up in the store, once in a request: the ID token's
    /// first, then userinfo's, which was asked at sign-in.
    ///
    /// # Errors
    ///
    /// The answer to return when nobody is signed in, or the store can't be asked.
    pub async fn user_getinfo(&self, names: &[&str]) -> Result<Object, Answer> {
        let identity = self.require_login().await?;
        let (found, all_found) = pick(identity.claims(), names);
        if all_found {
            return Ok(found);
        }
        Ok(pick(&self.all_claims(identity).await?, names).0)
    }

    /// These claims of whoever the access token is about, by userinfo alone; the provider is asked each time.
    ///
    /// # Errors
    ///
    /// The answer to return when the provider has none to give.
    pub async fn user_getinfo_by(&self, token: &AccessToken, names: &[&str]) -> Result<Object, Answer> {
        let claims = claims::by_token(self.site(), self.host(), token).await;
        claims.map(|claims| pick(&claims, names).0).map_err(|error| self.refused(&error))
    }

    /// Every claim that the ID token vouched for when it was verified, with those of userinfo beside them. `None` when
    /// nobody is signed in, or the store has nothing of the session (yet).
    ///
    /// # Errors
    ///
    /// The answer to return when the store can't be asked.
    pub async fn id_token(&self) -> Result<Option<Object>, Answer> {
        Ok(self.credentials().await?.map(|credentials| credentials.claims.clone()))
    }

    /// The access token of the session, for the provider's APIs. `None` when nobody is signed in, when the store has
    /// nothing of the session (yet), or when the token is over. It is renewed in time with `OIDC_PASS_ACCESS_TOKEN = true`
    /// alone; otherwise tokens are renewed when the ID token ends, which may be later.
    ///
    /// # Errors
    ///
    /// The answer to return when the store can't be asked.
    pub async fn access_token(&self) -> Result<Option<AccessToken>, Answer> {
        let now = self.host().now();
        let is_good = |credentials: &Rc<Credentials>| credentials.access_token_expires_at.is_none_or(|end| now < end);
        let credentials = self.credentials().await?.filter(is_good);
        Ok(credentials.map(|credentials| credentials.access_token.clone()))
    }

    /// The refresh token of the session, if the provider gave one. Whoever uses it takes it away from the session: a
    /// provider may give another one then, and the old one is good for nothing.
    ///
    /// # Errors
    ///
    /// The answer to return when the store can't be asked.
    pub async fn refresh_token(&self) -> Result<Option<RefreshToken>, Answer> {
        Ok(self.credentials().await?.and_then(|credentials| credentials.refresh_token.clone()))
    }

    /// All that is known: the store's, or the cookie's when the store has nothing (yet).
    pub(super) async fn all_claims(&self, identity: &Identity) -> Result<Object, Answer> {
        Ok(self.id_token().await?.unwrap_or_else(|| identity.claims().clone()))
    }

    async fn credentials(&self) -> Result<Option<Rc<Credentials>>, Answer> {
        self.somebody_can_sign_in()?;
        if let Told::Once(known) = self.told() {
            return Ok(known);
        }
        let credentials = self.load().await?.map(Rc::new);
        self.remember(credentials.clone());
        Ok(credentials)
    }

    async fn load(&self) -> Result<Option<Credentials>, Answer> {
        if !self.user_loggedin() {
            return Ok(None);
        }
        let (site, host) = (self.site(), self.host());
        let of_cookies = || identify::last_session(site, self.request().cookies());
        let Some(session) = self.begun().session.clone().or_else(of_cookies) else { return Ok(None) };
        claims::credentials(site, host, &session).await.map_err(|error| self.refused(&error))
    }
}

/// The claims of these names, and whether all are there.
fn pick(claims: &Object, names: &[&str]) -> (Object, bool) {
    let mut found = Object::new();
    for name in names {
        if let Some(value) = ClaimPath::parse(name).as_ref().and_then(|path| path.find(claims)) {
            found.insert((*name).to_owned(), value.clone());
        }
    }
    let all_found = found.len() == names.len();
    (found, all_found)
}
