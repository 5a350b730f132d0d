//! Requests over HTTP: what leaves, what comes back, and what is tried again.
//!
//! A [`Client`] sends a [`Request`] and gives the [`Response`], whatever its status. Nothing is sent in the clear except to
//! this machine itself; no redirection is followed, since what a request carries is meant for one server; an answer has a
//! bound and a time. A request is sent again where that cannot do a thing twice: its method says so, or the server said that
//! it had no time for it (429). A [`Secret`] is in no message and in no `Debug`, nor is a body.
//!
//! ```no_run
//! use specc_http::{Client, Method, Options, Request, Secret};
//!
//! let client = Client::new(Options::default());
//! let token = Secret::new("sbp_…");
//! let answer = client.send(&Request::new(Method::Get, "https://api.supabase.com/v1/projects").bearer(&token))?;
//! if answer.is_success() {
//!     let projects = answer.json()?;
//!     # let _ = projects;
//! }
//! # Ok::<(), specc_http::Error>(())
//! ```

#![allow(clippy::disallowed_methods, reason = "this crate waits for servers, and measures how long")]

mod client;
mod error;
mod request;
mod response;
mod secret;
mod target;

pub use client::{Client, Options};
pub use error::Error;
pub use request::{Method, Request};
pub use response::Response;
pub use secret::Secret;
