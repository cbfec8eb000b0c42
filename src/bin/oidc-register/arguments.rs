//! The command line, parsed: what comes out of it makes sense.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::PathBuf,
};

use edge_oidc::{
    oauth::client_auth::ClientAuthMethod, oidc::registration::is_bearer_token, secret::Secret,
    web::secure_url::SecureUrl,
};
use lexopt::{Arg, Parser, ValueExt as _};

use crate::shared::usage::UsageError;

pub(crate) const HELP: &str = "\
usage: oidc-register [OPTIONS] PROVIDER APPLICATION
       oidc-register --read | --update [APPLICATION] | --delete | --push [OPTIONS]

Registers a site as a client of an OpenID provider (OpenID Connect Dynamic Client
Registration, RFC 7591), and writes what signing in needs to a client_secrets.json
that this project (OIDC_CLIENT_SECRETS) and Flask-OIDC read.

  PROVIDER      the provider's issuer URL, such as https://idp.example
  APPLICATION   the site's URL; visitors come back to APPLICATION/oidc_callback

  --output-file FILE               where the file goes (client_secrets.json)
  --token-introspection-uri URL    goes into the file instead of what the provider says
  --initial-access-token TOKEN     for a provider that lets nobody register without one.
                                   TOKEN is seen by others in the list of processes:
                                   write @FILE, or set OIDC_INITIAL_ACCESS_TOKEN
  --client-name NAME               what visitors read at the provider
  --auth-method METHOD             client_secret_post (the default), client_secret_basic
                                   or none, for a client without a secret
  --post-logout-redirect-uri URI   where visitors may come back to when they have signed
                                   out: a URL, or a path of the site; may be repeated.
                                   /oidc_signed_out where the provider signs out at all
  --backchannel-logout             lets the provider tell the site when visitors sign out
  --push                           hands the secrets to \"wrangler secret bulk\"; alone, those
                                   of the file as it is

With the file of an earlier registration (RFC 7592):

  --read      prints the registration as the provider has it, without its secrets
  --update    changes it by the options above; with APPLICATION it moves to another URL
  --delete    ends it, and removes the file

  --debug     tells what is sent and received, without secrets
  --help      this text
  --version   the version

Exit codes: 0 done, 1 not done, 2 wrong arguments.
";

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Command {
    Help,
    Version,
    Register { provider: String, application: String },
    Read,
    Update { application: Option<String> },
    Delete,
    Push,
}

/// The whole command line.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) command: Command,
    pub(crate) output_file: PathBuf,
    pub(crate) introspection: Option<SecureUrl>,
    pub(crate) initial_access_token: Option<Secret<String>>,
    pub(crate) client: ClientOptions,
    /// Whether the secrets go to wrangler, too.
    pub(crate) push: bool,
    pub(crate) debug: bool,
}

/// What the client says about itself; `None` and empty: nothing was said.
#[derive(Debug, Default)]
pub(crate) struct ClientOptions {
    pub(crate) name: Option<String>,
    pub(crate) auth_method: Option<ClientAuthMethod>,
    /// URLs, or paths that begin with `/`.
    pub(crate) post_logout_redirect_uris: Vec<String>,
    pub(crate) backchannel_logout: bool,
}

impl ClientOptions {
    fn is_empty(&self) -> bool {
        self.name.is_none()
            && self.auth_method.is_none()
            && self.post_logout_redirect_uris.is_empty()
            && !self.backchannel_logout
    }
}

/// Parses the arguments (without the program's name); `token` is `OIDC_INITIAL_ACCESS_TOKEN`.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    token: Option<OsString>,
) -> Result<Arguments, UsageError> {
    let mut seen = Seen::default();
    let mut parser = Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("help") | Arg::Short('h') => return Ok(seen.bare(Command::Help)),
            Arg::Long("version") | Arg::Short('V') => return Ok(seen.bare(Command::Version)),
            Arg::Long("read") => seen.set_mode(Mode::Read)?,
            Arg::Long("update") => seen.set_mode(Mode::Update)?,
            Arg::Long("delete") => seen.set_mode(Mode::Delete)?,
            Arg::Long("push") => seen.push = true,
            Arg::Long("debug") => seen.debug = true,
            Arg::Long("output-file") => seen.output_file = Some(file(parser.value()?)?),
            Arg::Long("token-introspection-uri") => seen.introspection = Some(url(&parser.value()?.string()?)?),
            Arg::Long("initial-access-token") => seen.token = Some(token_argument(&parser.value()?)?),
            Arg::Long("client-name") => seen.client.name = Some(parser.value()?.string()?),
            Arg::Long("auth-method") => seen.client.auth_method = Some(auth_method(&parser.value()?.string()?)?),
            Arg::Long("post-logout-redirect-uri") => {
                seen.client.post_logout_redirect_uris.push(url_or_path(parser.value()?.string()?)?);
            }
            Arg::Long("backchannel-logout") => seen.client.backchannel_logout = true,
            Arg::Value(value) => seen.positional.push(value.string()?),
            Arg::Long(_) | Arg::Short(_) => return Err(argument.unexpected().into()),
        }
    }
    seen.finish(token)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Read,
    Update,
    Delete,
}

#[derive(Default)]
struct Seen {
    mode: Option<Mode>,
    positional: Vec<String>,
    output_file: Option<PathBuf>,
    introspection: Option<SecureUrl>,
    token: Option<Secret<String>>,
    client: ClientOptions,
    push: bool,
    debug: bool,
}

impl Seen {
    fn set_mode(&mut self, mode: Mode) -> Result<(), UsageError> {
        match self.mode.replace(mode) {
            Some(other) if other != mode => {
                Err(wrong("only one of --read, --update and --delete can be done at a time"))
            }
            _ => Ok(()),
        }
    }

    fn finish(mut self, token: Option<OsString>) -> Result<Arguments, UsageError> {
        let mut positional = core::mem::take(&mut self.positional).into_iter();
        let command = match (self.mode, positional.next(), positional.next(), positional.next()) {
            (None, Some(provider), Some(application), None) => Command::Register { provider, application },
            (None, None, ..) if self.push => Command::Push,
            (None, None, ..) => return Err(wrong("the following arguments are required: PROVIDER, APPLICATION")),
            (None, Some(_), None, _) => return Err(wrong("the following arguments are required: APPLICATION")),
            (Some(Mode::Read), None, ..) => Command::Read,
            (Some(Mode::Delete), None, ..) => Command::Delete,
            (Some(Mode::Update), application, None, _) => Command::Update { application },
            _ => return Err(wrong("too many arguments: PROVIDER and APPLICATION are for a new registration")),
        };
        let registers = matches!(command, Command::Register { .. });
        let changes = registers || matches!(command, Command::Update { .. });
        if !changes && (!self.client.is_empty() || self.introspection.is_some()) {
            return Err(wrong("options that describe the client go with a registration or with --update"));
        }
        if !registers && self.token.is_some() {
            return Err(wrong(
                "--initial-access-token is for a new registration; the file has the token of an old one",
            ));
        }
        if self.push && matches!(command, Command::Read | Command::Delete) {
            return Err(wrong("--push goes with a registration, with --update, or alone"));
        }
        if registers && self.token.is_none() {
            self.token = token.filter(|token| !token.is_empty()).map(|token| bearer(&token)).transpose()?;
        }
        Ok(self.bare(command))
    }

    fn bare(self, command: Command) -> Arguments {
        Arguments {
            command,
            output_file: self.output_file.unwrap_or_else(|| PathBuf::from("client_secrets.json")),
            introspection: self.introspection,
            initial_access_token: self.token,
            client: self.client,
            push: self.push,
            debug: self.debug,
        }
    }
}

fn wrong(text: &str) -> UsageError {
    UsageError(text.to_owned())
}

fn file(name: OsString) -> Result<PathBuf, UsageError> {
    let path = PathBuf::from(name);
    if path.file_name().is_some() { Ok(path) } else { Err(wrong("--output-file: expected the name of a file")) }
}

fn url(text: &str) -> Result<SecureUrl, UsageError> {
    SecureUrl::parse(text).map_err(|error| UsageError(format!("--token-introspection-uri: {error}")))
}

fn url_or_path(text: String) -> Result<String, UsageError> {
    let is_path = text.starts_with('/') && !text.starts_with("//");
    let checked =
        if is_path { SecureUrl::parse(&format!("https://site.example{text}")) } else { SecureUrl::parse(&text) };
    match checked {
        Ok(_) => Ok(text),
        Err(error) => Err(UsageError(format!("--post-logout-redirect-uri: {error}, or a path of the site"))),
    }
}

fn auth_method(name: &str) -> Result<ClientAuthMethod, UsageError> {
    ClientAuthMethod::parse(name)
        .ok_or_else(|| wrong("--auth-method: expected client_secret_post, client_secret_basic or none"))
}

fn token_argument(value: &OsStr) -> Result<Secret<String>, UsageError> {
    let Some(name) = value.to_str().and_then(|text| text.strip_prefix('@')) else { return bearer(value) };
    let text = fs::read_to_string(name)
        .map_err(|error| UsageError(format!("--initial-access-token: {name} can't be read: {}", error.kind())))?;
    bearer(OsStr::new(text.trim_ascii()))
}

fn bearer(value: &OsStr) -> Result<Secret<String>, UsageError> {
    match value.to_str() {
        Some(text) if is_bearer_token(text) => Ok(Secret::new(text.to_owned())),
        _ => Err(wrong("the initial access token: expected visible ASCII characters without spaces")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command_of(line: &str) -> Result<Arguments, String> {
        parse(line.split_whitespace().map(OsString::from), Some("from-env".into())).map_err(|error| error.to_string())
    }

    #[test]
    fn good_lines() {
        for (line, expected) in [
            ("https://a https://b", "Register"),
            ("--debug https://a --push https://b", "Register"),
            ("--read", "Read"),
            ("--read --read --output-file x", "Read"),
            ("--update", "Update"),
            ("--update https://b --client-name n --push", "Update"),
            ("--delete --debug", "Delete"),
            ("--push", "Push"),
            ("--nonsense --help", "invalid option"),
            ("--help --nonsense", "Help"),
            ("--version", "Version"),
        ] {
            let shown = match command_of(line) {
                Ok(arguments) => format!("{:?}", arguments.command),
                Err(error) => error,
            };
            assert!(shown.contains(expected), "{line}: {shown}");
        }
    }

    #[test]
    fn bad_lines() {
        for (line, expected) in [
            ("", "required: PROVIDER, APPLICATION"),
            ("https://a", "required: APPLICATION"),
            ("a b c", "too many"),
            ("--read a", "too many"),
            ("--delete a", "too many"),
            ("--update a b", "too many"),
            ("--push a", "required: APPLICATION"),
            ("--read --delete", "only one of"),
            ("--read --client-name n", "describe the client"),
            ("--delete --backchannel-logout", "describe the client"),
            ("--push --token-introspection-uri https://a", "describe the client"),
            ("--read --push", "--push goes with"),
            ("--update --initial-access-token t", "new registration"),
            ("a b --auth-method private_key_jwt", "expected client_secret_post"),
            ("a b --token-introspection-uri http://a", "expected https://"),
            ("a b --post-logout-redirect-uri //a", "or a path of the site"),
            ("a b --post-logout-redirect-uri http://a", "or a path of the site"),
            ("a b --initial-access-token @/nonexistent", "can't be read"),
            ("a b --output-file", "output-file"),
            ("a b --output-file=..", "the name of a file"),
            ("a b --debug=yes", "debug"),
            ("a b --tokens", "--tokens"),
            ("a b -x", "-x"),
        ] {
            let error = command_of(line).unwrap_err();
            assert!(error.contains(expected), "{line}: {error}");
        }
    }

    #[test]
    fn the_initial_access_token() {
        let token = |line| command_of(line).unwrap().initial_access_token.map(|token| token.expose().clone());
        assert_eq!(token("a b").as_deref(), Some("from-env"));
        assert_eq!(token("a b --initial-access-token=given").as_deref(), Some("given"));
        assert_eq!(token("--read"), None);
        let lines = ["a", "b", "--initial-access-token", "two words"].map(OsString::from);
        let error = parse(lines, None).unwrap_err();
        assert!(!error.to_string().contains("words"), "{error}");
        assert!(parse(["a", "b"].map(OsString::from), Some("".into())).unwrap().initial_access_token.is_none());
    }
}
