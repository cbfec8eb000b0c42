//! A request as plain data.

use edge_oidc::web::request::{BodyError, IncomingRequest};

use super::SITE;

#[derive(Clone, Debug)]
pub(crate) struct FakeRequest {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) cookies: String,
    /// Names in lower case, as the platform gives them.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) certificate: Option<[u8; 32]>,
}

impl FakeRequest {
    /// `target` is a path with its query on the usual site, or a whole URL.
    pub(crate) fn new(method: &str, target: &str) -> Self {
        let url = if target.starts_with("http") { target.to_owned() } else { format!("{SITE}{target}") };
        let (cookies, headers, body) = (String::new(), Vec::new(), Vec::new());
        Self { method: method.to_owned(), url, cookies, headers, body, certificate: None }
    }

    /// A script or a tool asks.
    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// A person asks, by a link of the site or by the address bar.
    pub(crate) fn page(target: &str) -> Self {
        Self::new("GET", target).navigation()
    }

    pub(crate) fn post(target: &str, form: &str) -> Self {
        let request = Self::new("POST", target).header("content-type", "application/x-www-form-urlencoded");
        Self { body: form.as_bytes().to_vec(), ..request }
    }

    #[must_use]
    pub(crate) fn navigation(self) -> Self {
        self.header("accept", "text/html,application/xhtml+xml,*/*;q=0.8").header("sec-fetch-mode", "navigate")
    }

    #[must_use]
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub(crate) fn cookies(self, cookies: &str) -> Self {
        Self { cookies: cookies.to_owned(), ..self }
    }
}

impl IncomingRequest for FakeRequest {
    fn method(&self) -> &str {
        &self.method
    }

    fn url(&self) -> &str {
        &self.url
    }

    fn cookies(&self) -> &str {
        &self.cookies
    }

    fn header_names(&self) -> impl Iterator<Item = &str> {
        let cookie = (!self.cookies.is_empty()).then_some("cookie");
        self.headers.iter().map(|(name, _)| name.as_str()).chain(cookie)
    }

    fn header(&self, name: &'static str) -> Option<String> {
        let values: Vec<&str> =
            self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    async fn body(&self, limit: usize) -> Result<Vec<u8>, BodyError> {
        if self.body.len() > limit { Err(BodyError::TooLarge) } else { Ok(self.body.clone()) }
    }

    async fn peek(&self, limit: usize) -> Result<Vec<u8>, BodyError> {
        self.body(limit).await
    }

    fn client_certificate(&self) -> Option<[u8; 32]> {
        self.certificate
    }
}
