//! A visitor's browser: it keeps cookies as it is told to, and goes where it is sent.

use std::cell::RefCell;

use edge_oidc::gateway::Gateway;

use super::{Answer, Callback, FakeHost, FakeRequest, SITE, send};

pub(crate) struct Browser<'w> {
    gateway: &'w Gateway,
    host: &'w FakeHost,
    jar: RefCell<Vec<Cookie>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cookie {
    pub(crate) name: String,
    pub(crate) value: String,
    path: String,
    ends_at: i64,
    /// `SameSite=None`: it is sent with forms of other sites too.
    crosses: bool,
}

impl<'w> Browser<'w> {
    pub(crate) fn new(gateway: &'w Gateway, host: &'w FakeHost) -> Self {
        Self { gateway, host, jar: RefCell::default() }
    }

    /// Sends a request with the cookies of this browser, and keeps those of the answer.
    pub(crate) fn send(&self, request: FakeRequest) -> Answer {
        self.send_to(self.gateway, request)
    }

    /// The same, to another isolate.
    pub(crate) fn send_to(&self, gateway: &Gateway, request: FakeRequest) -> Answer {
        // RFC 6265bis §5.8.3: what another site's form sends here, it sends without `Lax` cookies.
        let is_cross = request.headers.contains(&("sec-fetch-site".to_owned(), "cross-site".to_owned()));
        let cookies = self.cookies_of(&request.url, |cookie| cookie.crosses || !is_cross || request.method == "GET");
        let request = FakeRequest { cookies, ..request };
        let answer = send(gateway, self.host, &request);
        for line in answer.set_cookies() {
            self.keep(&line);
        }
        answer
    }

    /// Another browser with the same cookies.
    pub(crate) fn copy(&self) -> Self {
        Self { gateway: self.gateway, host: self.host, jar: self.jar.clone() }
    }

    /// A person opens a page.
    pub(crate) fn visit(&self, target: &str) -> Answer {
        self.send(FakeRequest::page(target))
    }

    /// A script asks.
    pub(crate) fn fetch(&self, target: &str) -> Answer {
        self.send(FakeRequest::get(target).header("sec-fetch-mode", "cors").header("sec-fetch-site", "same-origin"))
    }

    /// To a page that needs a session, to the provider and back: the answer to the callback.
    pub(crate) fn sign_in(&self, target: &str) -> Answer {
        let callback = self.go_to_provider(target);
        self.land(&callback)
    }

    /// To a page that needs a session, and to the provider; the way back is yet to be gone.
    pub(crate) fn go_to_provider(&self, target: &str) -> Callback {
        let answer = self.visit(target);
        assert_eq!(answer.status(), 302, "{target}: {}", answer.body());
        self.host.provider.authorize(answer.location())
    }

    /// The way back.
    pub(crate) fn land(&self, callback: &Callback) -> Answer {
        match &callback.form {
            None => self.send(FakeRequest::page(&callback.url).header("sec-fetch-site", "cross-site")),
            Some(form) => {
                let post = FakeRequest::post(&callback.url, form).navigation();
                self.send(post.header("sec-fetch-site", "cross-site").header("origin", "https://idp.example"))
            }
        }
    }

    /// A browser that forgets nothing, whatever `Max-Age` said.
    pub(crate) fn keep_for_ever(&self) {
        for cookie in self.jar.borrow_mut().iter_mut() {
            cookie.ends_at = i64::MAX;
        }
    }

    pub(crate) fn cookies(&self) -> Vec<Cookie> {
        self.jar.borrow().clone()
    }

    pub(crate) fn set_cookie(&self, name: &str, value: &str) {
        self.keep(&format!("{name}={value}; Path=/; Max-Age=100000"));
    }

    pub(crate) fn forget(&self, name: &str) {
        self.jar.borrow_mut().retain(|cookie| cookie.name != name);
    }

    pub(crate) fn login_cookies(&self) -> usize {
        self.jar.borrow().iter().filter(|cookie| cookie.name.contains("_login.")).count()
    }

    /// The first piece of the session.
    pub(crate) fn session(&self) -> Option<String> {
        let name = &self.gateway.config().cookie.name;
        self.jar.borrow().iter().find(|cookie| cookie.name == *name).map(|cookie| cookie.value.clone())
    }

    /// The `Cookie` header for a URL.
    pub(crate) fn cookies_for(&self, url: &str) -> String {
        self.cookies_of(url, |_| true)
    }

    fn cookies_of(&self, url: &str, may_go: impl Fn(&Cookie) -> bool) -> String {
        let path = url.strip_prefix(SITE).unwrap_or("/").split(['?', '#']).next().unwrap();
        // RFC 6265 §5.1.4
        let matches = |own: &str| {
            path == own || path.strip_prefix(own).is_some_and(|rest| own.ends_with('/') || rest.starts_with('/'))
        };
        let jar = self.jar.borrow();
        let sent =
            jar.iter().filter(|cookie| matches(&cookie.path) && self.host.unix() < cookie.ends_at && may_go(cookie));
        sent.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect::<Vec<_>>().join("; ")
    }

    pub(crate) fn keep(&self, line: &str) {
        let mut parts = line.split("; ");
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        // RFC 6265bis §5.7 and browsers' habit
        assert!(name.len() + value.len() <= 4096, "a browser drops {name}");
        let attribute = |wanted: &str| line.split("; ").find_map(|part| part.strip_prefix(wanted));
        let path = attribute("Path=").unwrap_or("/");
        let max_age: i64 = attribute("Max-Age=").unwrap().parse().unwrap();
        let mut jar = self.jar.borrow_mut();
        jar.retain(|cookie| cookie.name != name || cookie.path != path);
        if max_age > 0 {
            let ends_at = self.host.unix() + max_age;
            let crosses = line.contains("; SameSite=None");
            jar.push(Cookie {
                name: name.to_owned(),
                value: value.to_owned(),
                path: path.to_owned(),
                ends_at,
                crosses,
            });
        }
    }
}
