//! What is sent.

use std::fmt;

use crate::Secret;

/// What a request asks to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words are HTTP's own")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }

    /// Whether doing it twice leaves what doing it once leaves.
    fn is_idempotent(self) -> bool {
        !matches!(self, Method::Post | Method::Patch)
    }
}

/// A request: built by its methods, sent by [`Client::send`](crate::Client::send).
#[derive(Clone)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String, Shown)>,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) repeatable: bool,
}

/// Whether a header may be shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    Yes,
    Never,
}

impl Request {
    /// A request without headers and body.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self { method, url: url.into(), headers: Vec::new(), body: None, repeatable: method.is_idempotent() }
    }

    /// A header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned(), Shown::Yes));
        self
    }

    /// A header whose value is shown nowhere.
    #[must_use]
    pub fn secret_header(mut self, name: &str, value: &Secret) -> Self {
        self.headers.push((name.to_owned(), value.expose().to_owned(), Shown::Never));
        self
    }

    /// What it carries that is shown nowhere.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        let hidden = self.headers.iter().filter(|(_, _, shown)| *shown == Shown::Never);
        // Of `Bearer …` the token is the secret.
        hidden.map(|(_, value, _)| Secret::new(value.strip_prefix("Bearer ").unwrap_or(value))).collect()
    }

    /// `Authorization: Bearer …`.
    #[must_use]
    pub fn bearer(self, token: &Secret) -> Self {
        self.secret_header("authorization", &Secret::new(format!("Bearer {}", token.expose())))
    }

    /// A body of JSON.
    #[must_use]
    pub fn json(self, value: &serde_json::Value) -> Self {
        self.body("application/json", value.to_string().into_bytes())
    }

    /// A body of any bytes.
    #[must_use]
    pub fn body(mut self, kind: &str, bytes: Vec<u8>) -> Self {
        self.headers.push(("content-type".to_owned(), kind.to_owned(), Shown::Yes));
        self.body = Some(bytes);
        self
    }

    /// Whether it may be sent twice, where the method does not say it: a `POST` that finds what it made before, or a `DELETE` of
    /// whatever comes first.
    #[must_use]
    pub fn repeatable(mut self, repeatable: bool) -> Self {
        self.repeatable = repeatable;
        self
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |value, shown| if shown == Shown::Yes { value } else { "…" };
        let headers: Vec<_> = self.headers.iter().map(|(n, v, s)| (n.as_str(), value(v.as_str(), *s))).collect();
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("to", &crate::target::shown(&self.url))
            .field("headers", &headers)
            .field("body", &self.body.as_ref().map(|body| format!("{} bytes", body.len())))
            .finish()
    }
}
