//! `Guard`: the stock guard with a function of the operator's own.

use core::fmt;

use worker::{Env, Response};

use super::{AfterRequest, AsRequest, Misconfigured, Visit, asked::forwarded, inside::Inside};
use crate::{
    edge::respond::respond,
    embed::{self, Passage},
    store::{Store, shared::SharedStore},
};

/// The stock guard with a function of the operator's own, which is asked about each request that may pass.
///
/// ```no_run
/// use edge_oidc::Guard;
/// use worker::{Context, Env, Request, Response, Result, event};
///
/// #[event(fetch)]
/// async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
///     Guard::from_env(&env)?
///         .serve(&request, async |visit, passage| {
///             let team = if visit.user_loggedin() { "staff" } else { "guest" };
///             passage.set_header("X-Team", team)?;
///             Ok(())
///         })
///         .await
/// }
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Guard(Inside);

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}

impl Guard {
    /// The guard by the settings of the environment, which are read once in an isolate.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`].
    pub fn from_env(env: &Env) -> Result<Self, Misconfigured> {
        Inside::new(env, None, false).map(Self)
    }

    /// The same with a store of your own.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`].
    pub fn with_store(env: &Env, store: impl Store + 'static) -> Result<Self, Misconfigured> {
        Inside::new(env, Some(SharedStore::new(store)), false).map(Self)
    }

    /// Does what the guard does, and asks `hook` about each request that may pass before it goes to the origin. The hook
    /// changes what the origin is told, or returns another answer with `?`.
    ///
    /// # Errors
    ///
    /// Those of `hook`, and that the runtime refuses to build a response. An [`Answer`](crate::Answer) is none: it is
    /// returned.
    pub async fn serve(
        &self,
        request: &impl AsRequest,
        hook: impl AsyncFnOnce(Visit, &mut Passage) -> worker::Result<()>,
    ) -> worker::Result<Response> {
        let request = request.raw();
        let (visit, after) = match self.0.before(Clone::clone(&request)).await {
            embed::Before::Respond(reply) => return Ok(respond(&reply)?.into()),
            embed::Before::Visit(visit, after) => (visit, after),
        };
        let mut passage = visit.passage();
        if let Err(error) = hook(visit.clone(), &mut passage).await {
            return AfterRequest::of(&self.0, after).settle(Err(error));
        }
        match after.pass_on(passage).await {
            Ok(forward) => Ok(forwarded(&self.0, &request, &forward).await?.into()),
            Err(answer) => answer.into_response(),
        }
    }
}
