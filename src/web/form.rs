//! Parameters as `application/x-www-form-urlencoded` (RFC 6749 Appendix B): sent, and received.

use core::fmt;

use url::form_urlencoded;

use super::percent;

/// Parameters to be sent, in the order in which they were added.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Without any parameter yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter.
    pub fn push(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    /// This form and one more parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.push(name, value);
        self
    }

    /// Adds all parameters of another one.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Whether a parameter of this name was added.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(other, _)| other == name)
    }

    /// All of them, as `(name, value)`, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The body of a POST.
    pub fn to_body(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }

    /// `url` with the parameters added to its query, behind those it has. Its fragment is dropped.
    // RFC 6749 §3.1: an endpoint's query is retained, a fragment is not allowed.
    pub fn append_to(&self, url: &str) -> String {
        let url = url.split_once('#').map_or(url, |(before, _)| before);
        let query = self.to_body();
        let separator = match url.split_once('?') {
            _ if query.is_empty() => "",
            None => "?",
            Some((_, present)) if present.is_empty() || present.ends_with('&') => "",
            Some(_) => "&",
        };
        format!("{url}{separator}{query}")
    }
}

impl fmt::Debug for Form {
    /// The names alone: a value may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// One component, encoded: for `client_secret_basic` (RFC 6749 §2.3.1).
pub fn encode(value: &str) -> String {
    form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// Every value that a parameter has in a query or a body which is not ours; omitted ones (RFC 6749 §3.1) left out.
pub fn values(encoded: &str, name: &str) -> Vec<Result<String, FormError>> {
    let named = encoded.split('&').filter(|piece| is_named(piece, name)).filter_map(|piece| piece.split_once('='));
    named.filter(|(_, value)| !value.is_empty()).map(|(_, value)| decode(value)).collect()
}

/// The same without that parameter, and otherwise byte for byte.
pub fn without(encoded: &str, name: &str) -> String {
    let kept: Vec<&str> = encoded.split('&').filter(|piece| !is_named(piece, name)).collect();
    kept.join("&")
}

fn is_named(piece: &str, name: &str) -> bool {
    let written = piece.split('=').next().unwrap_or_default();
    percent::decode(written.as_bytes()).as_ref() == name.as_bytes()
}

/// Parameters received: each at most once, each with a value.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// More than this is no answer of a provider and no form of ours.
    pub const MAX: usize = 64;

    /// Reads a query (without its `?`) or a body.
    ///
    /// A parameter without a value counts as omitted, but not when a second one of its name is there: which of the
    /// two somebody else would believe is anybody's guess. No parameter may repeat, known to us or not.
    // RFC 6749 §3.1
    pub fn parse(encoded: &str) -> Result<Self, FormError> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for pair in pairs(encoded) {
            if parameters.len() >= Self::MAX {
                return Err(FormError::TooMany);
            }
            let (name, value) = pair?;
            if parameters.iter().any(|(other, _)| *other == name) {
                return Err(FormError::Repeated);
            }
            parameters.push((name, value));
        }
        parameters.retain(|(_, value)| !value.is_empty());
        Ok(Self(parameters))
    }

    /// The value of a parameter; never empty.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// All of them, as `(name, value)`, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Parameters {
    /// The number alone: a value may be a code, and names are chosen by whoever sent them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parameters").field("len", &self.0.len()).finish_non_exhaustive()
    }
}

/// Why parameters were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormError {
    /// One of them is there twice.
    Repeated,
    /// A name or a value is not UTF-8 once it is decoded.
    NotUtf8,
    /// There are more than [`Parameters::MAX`].
    TooMany,
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repeated => f.write_str("expected each parameter once, got one repeated"),
            Self::NotUtf8 => f.write_str("expected parameters in UTF-8, got other bytes"),
            Self::TooMany => write!(f, "expected at most {} parameters, got more", Parameters::MAX),
        }
    }
}

impl core::error::Error for FormError {}

/// The fields of a form. `None`: it is none, or not as browsers write it.
pub fn fields(body: &str) -> Option<Form> {
    let form = Form(pairs(body).collect::<Result<_, _>>().ok()?);
    (form.to_body() == body).then_some(form)
}

fn pairs(encoded: &str) -> impl Iterator<Item = Result<(String, String), FormError>> {
    let pieces = encoded.split('&').filter(|piece| !piece.is_empty());
    pieces.map(|piece| {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        Ok((decode(name)?, decode(value)?))
    })
}

fn decode(component: &str) -> Result<String, FormError> {
    let spaced = component.replace('+', " ");
    String::from_utf8(percent::decode(spaced.as_bytes()).into_owned()).map_err(|_| FormError::NotUtf8)
}

#[cfg(test)]
mod tests;
