//! A Worker around the library, without the platform: its requests, its answers, and a visitor's browser.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use edge_oidc::{
    embed::{Answer, Before, before_request},
    gateway::Gateway,
    origin::AnswerFacts,
    web::reply::Reply,
};
use serde_json::Value;

use crate::support::{Browser, Endpoint, FakeHost, FakeRequest, block_on, config};

pub(crate) type Visit<'w> = edge_oidc::embed::Visit<&'w FakeHost, FakeRequest>;

/// What the code answers: a text, or what the library told it to return.
pub(crate) type Said = Result<String, Answer>;

pub(crate) struct Around {
    pub(crate) gateway: Rc<Gateway>,
    pub(crate) host: FakeHost,
    /// What the code's own answers carry.
    pub(crate) cache_control: Cell<&'static str>,
    pub(crate) set_cookies: RefCell<Vec<String>>,
}

/// What the visitor gets.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) reply: Option<Reply>,
    pub(crate) body: String,
    pub(crate) cookies: Vec<String>,
    pub(crate) cache_control: Option<String>,
    /// Whether the code has been asked.
    pub(crate) by_code: bool,
}

impl Got {
    pub(crate) fn status(&self) -> u16 {
        self.reply.as_ref().map_or(200, Reply::status)
    }

    pub(crate) fn location(&self) -> &str {
        self.reply.as_ref().and_then(|reply| reply.header_value("location")).unwrap_or_else(|| panic!("{self:?}"))
    }
}

impl Around {
    pub(crate) fn new(settings: &Value) -> Self {
        Self {
            gateway: Rc::new(Gateway::new(config(settings).deciding_by_code())),
            host: FakeHost::new(),
            cache_control: Cell::new(""),
            set_cookies: RefCell::default(),
        }
    }

    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser::new(&self.gateway, &self.host)
    }

    /// Sends a request with the browser's cookies; `code` answers what the library leaves to it.
    pub(crate) fn send<'w>(
        &'w self,
        browser: &Browser<'_>,
        request: FakeRequest,
        code: impl AsyncFnOnce(Visit<'w>) -> Said,
    ) -> Got {
        let request = FakeRequest { cookies: browser.cookies_for(&request.url), ..request };
        let got = block_on(self.serve(request, code));
        for line in &got.cookies {
            browser.keep(line);
        }
        got
    }

    async fn serve<'w>(&'w self, request: FakeRequest, code: impl AsyncFnOnce(Visit<'w>) -> Said) -> Got {
        let (visit, after) = match before_request(Rc::clone(&self.gateway), &self.host, request).await {
            Before::Respond(reply) => {
                let cookies = reply.cookies().iter().map(ToString::to_string).collect();
                let body = reply.body().to_owned();
                return Got { reply: Some(reply), body, cookies, cache_control: None, by_code: false };
            }
            Before::Visit(visit, after) => (visit, after),
        };
        let (reply, body) = match code(visit).await {
            Ok(text) => (None, text),
            Err(answer) => (Some(answer.reply().clone()), answer.reply().body().to_owned()),
        };
        assert!(reply.as_ref().is_none_or(|reply| reply.cookies().is_empty()), "cookies go back in one way");
        let set_cookies = self.set_cookies.borrow().clone();
        let facts = AnswerFacts { cache_control: self.cache_control.get(), set_cookies: &set_cookies };
        let edits = after.edits(&facts);
        let cookies = edits.set_cookies.unwrap_or(set_cookies);
        Got { reply, body, cookies, cache_control: edits.cache_control, by_code: true }
    }

    /// A person opens a page.
    pub(crate) fn visit<'w>(
        &'w self,
        browser: &Browser<'_>,
        target: &str,
        code: impl AsyncFnOnce(Visit<'w>) -> Said,
    ) -> Got {
        self.send(browser, FakeRequest::page(target), code)
    }

    /// A browser in which Alice is signed in.
    pub(crate) fn alice(&self) -> Browser<'_> {
        let browser = self.browser();
        let to_provider = self.visit(&browser, "/private", private);
        let callback = self.host.provider.authorize(to_provider.location());
        let back = self.visit(&browser, &callback.url, nothing);
        assert_eq!((back.location(), back.by_code), ("/private", false));
        self.host.take_counts();
        browser
    }

    /// What the store was asked for.
    pub(crate) fn reads(&self) -> usize {
        self.host.take_counts().reads
    }

    /// How often the provider was asked there.
    pub(crate) fn calls(&self, endpoint: Endpoint) -> usize {
        self.host.take_counts().of(endpoint)
    }
}

/// A page for those who are signed in.
pub(crate) async fn private(visit: Visit<'_>) -> Said {
    Ok(visit.require_login().await?.subject().to_owned())
}

/// Code that is never asked.
pub(crate) async fn nothing(_: Visit<'_>) -> Said {
    panic!("the library answers this itself")
}
