//! A router of axum's: extractors tell its handlers who is there, and the layer sets the cookies of whatever they answer.

use axum::{
    Router,
    body::Body,
    extract::FromRequestParts,
    http::{Response, request::Parts},
    routing::{get, post},
};
use edge_oidc::{
    Answer, Oidc,
    axum::{AccessToken, Scopes, User, Visit},
};
use tower_service::Service as _;
use worker::{Context, Env, HttpRequest, Result, event};

#[event(fetch)]
async fn fetch(request: HttpRequest, env: Env, _context: Context) -> Result<Response<Body>> {
    let oidc = Oidc::from_env(&env)?;
    // A part of the site may have a layer of its own.
    let staff = Router::new().route("/page", get(staff)).layer(oidc.layer());
    // Inside of another one it does nothing: a request is judged once.
    let inner = Router::new().route("/api", get(api)).layer(oidc.layer());
    let mut router = Router::new()
        .route("/", get(index))
        .route("/login", get(login))
        .route("/notes", post(note))
        .route("/token", get(token))
        .route("/api", get(api))
        .route("/api/notes", post(note_by))
        .route("/api/open", get(open))
        .route("/logout", get(logout))
        .nest("/inner", inner)
        // It stands around what is there already: so it comes last.
        .layer(oidc.layer())
        .nest("/staff", staff)
        // A mistake, to be seen: the layer does not stand around this one. It answers 500, and the log says why.
        .route("/outside", get(login));
    Ok(router.call(request).await?)
}

async fn index(user: Option<User>) -> String {
    match user {
        Some(user) => format!("Welcome {}", user.text("email").unwrap_or("stranger")),
        None => "Not logged in".to_owned(),
    }
}

async fn login(user: User) -> String {
    format!("Hello, {}!", user.subject())
}

/// Who sends something is known, and what they send is the handler's.
async fn note(user: User, body: String) -> String {
    format!("{} notes: {body}", user.subject())
}

/// What waits for the platform is not `Send`, as axum wants it: this makes it so.
#[worker::send]
async fn token(_user: User, visit: Visit) -> std::result::Result<String, Answer> {
    let Some(token) = visit.access_token().await? else { return Ok("no access token".to_owned()) };
    let info = visit.user_getinfo_by(&token, &["groups"]).await?;
    Ok(info.get("groups").map_or("no groups".to_owned(), ToString::to_string))
}

/// Those in a group, as an extractor of one's own.
struct Staff(User);

impl<S: Send + Sync> FromRequestParts<S> for Staff {
    type Rejection = Answer;

    #[worker::send]
    async fn from_request_parts(parts: &mut Parts, state: &S) -> std::result::Result<Self, Answer> {
        let user = User::from_request_parts(parts, state).await?;
        Visit::from_request_parts(parts, state).await?.require("groups", ["staff"]).await?;
        Ok(Self(user))
    }
}

async fn staff(Staff(user): Staff) -> String {
    format!("{} is staff", user.subject())
}

#[worker::send]
async fn logout(visit: Visit) -> Answer {
    visit.logout(Some("/")).await
}

/// The scopes that callers of the API need.
struct Api;

impl Scopes for Api {
    const SCOPES: &'static [&'static str] = &["openid"];
}

async fn api(caller: AccessToken<Api>) -> String {
    format!("hello {}", caller.subject().unwrap_or("nobody"))
}

async fn note_by(caller: AccessToken<Api>, body: String) -> String {
    format!("{} notes: {body}", caller.subject().unwrap_or("nobody"))
}

/// For everybody; who brings a token is greeted by name.
async fn open(caller: Option<AccessToken>) -> String {
    let name = caller.as_ref().and_then(|caller| caller.subject());
    format!("hello {}", name.unwrap_or("whoever you are"))
}
