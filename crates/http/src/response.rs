//! What came back.

use std::fmt;
use std::time::Duration;

use crate::{Error, Secret};

/// An answer of a server, whatever its status.
#[derive(Clone)]
pub struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) took: Duration,
    pub(crate) tries: u32,
    pub(crate) from: String,
    /// What the request carried and nobody is shown.
    pub(crate) secrets: Vec<Secret>,
}

impl Response {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether the status says that it was done.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of a name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The bytes of the body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as a text; what is none is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A part of the answer as it may be shown: a server that gives back what it was sent gives back keys and tokens.
    pub fn shown(&self, text: &str) -> String {
        Secret::hidden(text, &self.secrets)
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<serde_json::Value, Error> {
        serde_json::from_slice(&self.body).map_err(|_| Error::NotJson { from: self.from.clone(), status: self.status })
    }

    /// How long the last try took, from the first byte that was sent to the last one that came.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// How often it was sent.
    pub fn tries(&self) -> u32 {
        self.tries
    }
}

/// Keys and passwords come in bodies, so none is shown.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("from", &self.from)
            .field("status", &self.status)
            .field("body", &format!("{} bytes", self.body.len()))
            .field("tries", &self.tries)
            .finish()
    }
}
