//! The pages that a visitor may see. Templates are checked when we are compiled, and escape whatever is put in.
//!
//! Nothing is loaded. The one style sheet is inline, allowed by [`STYLE_HASH`]; so is the one script, which a page has
//! that holds a file.

use askama::Template;

use super::entries::Entries;

/// The hash of the inline style sheet as a `Content-Security-Policy` source.
pub const STYLE_HASH: &str = "sha256-tGsLPQdlzapo+VtD64BIfI6maj8ar4x3cC8vnWGoT+Y=";

/// The same of the script.
pub const SCRIPT_HASH: &str = "sha256-3QyTm+RQxpETOvxPDLSq+qSBzla7QauM9vqqXo49lKw=";

/// The one way on that a page offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action<'a> {
    /// Where it leads. Escaped for HTML; that it is a path of ours or an `http(s)` URL is the caller's promise.
    pub href: &'a str,
    /// What the button says.
    pub label: &'a str,
}

/// What happened, one sentence, one way on. `code` is the one under which the log has the cause.
pub fn problem(title: &str, sentence: &str, code: &str, action: Option<Action<'_>>) -> String {
    render(&Note { title, sentence, code, action, new_tab: false })
}

/// "You are signed out", and a link back in: `sign_in`.
pub fn signed_out(sign_in: &str) -> String {
    render(&SignedOut { sign_in })
}

/// Asks whether to sign out: a form that posts `next` to `action`. For [`super::reply::Reply::form_page`].
pub fn confirm_sign_out(action: &str, next: Option<&str>) -> String {
    render(&ConfirmSignOut { action, next })
}

/// From when to when a session lasts, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// When it began.
    pub since: String,
    /// When it ends at the latest.
    pub until: String,
}

/// Who is signed in and how long, and where else, if that is known; forms that post to `sign_out`. For
/// [`super::reply::Reply::form_page`].
pub fn account(who: &str, here: Option<&Span>, others: Option<&[Span]>, sign_out: &str) -> String {
    render(&Account { who, here, others, sign_out })
}

/// Asks whether to send `entries`, which `who` has entered for `target`: a form that posts them to `action`. For
/// [`super::reply::Reply::form_page`], or for [`super::reply::Reply::script_page`] if they need one.
pub fn unsent(who: &str, target: &str, action: &str, entries: &Entries) -> String {
    render(&Unsent { who, target, action, entries })
}

/// Says that a form has not been sent, and that the browser has it still; a link that signs in: `sign_in`.
pub fn not_kept(sign_in: &str) -> String {
    render(&Note {
        title: "You are no longer signed in",
        sentence: "What you entered has not been sent, and your browser still has it. Sign in in a new tab, come \
                   back to this one and reload it: your browser asks whether to send it again.",
        code: "",
        action: Some(Action { href: sign_in, label: "Sign in, in a new tab" }),
        new_tab: true,
    })
}

/// Says that the other tab can go on.
pub fn signed_in() -> String {
    let sentence = "Close this tab, go back to the other one and reload it there.";
    problem("You are signed in", sentence, "", None)
}

/// Says only that sign-in is misconfigured: the report is the operator's, in the log.
pub fn misconfigured() -> String {
    render(&Misconfigured)
}

#[derive(Template)]
#[template(path = "note.html")]
struct Note<'a> {
    title: &'a str,
    sentence: &'a str,
    code: &'a str,
    action: Option<Action<'a>>,
    new_tab: bool,
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOut<'a> {
    sign_in: &'a str,
}

#[derive(Template)]
#[template(path = "confirm_sign_out.html")]
struct ConfirmSignOut<'a> {
    action: &'a str,
    next: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "account.html")]
struct Account<'a> {
    who: &'a str,
    here: Option<&'a Span>,
    others: Option<&'a [Span]>,
    sign_out: &'a str,
}

#[derive(Template)]
#[template(path = "unsent.html")]
struct Unsent<'a> {
    who: &'a str,
    target: &'a str,
    action: &'a str,
    entries: &'a Entries,
}

#[derive(Template)]
#[template(path = "misconfigured.html")]
struct Misconfigured;

/// Writing to a `String` can't fail, and our templates call nothing else that can.
fn render(page: &impl Template) -> String {
    page.render().unwrap_or_default()
}

#[cfg(test)]
mod tests;
