//! Why there is no answer.

use std::time::Duration;

/// Why there is no answer, or none that can be read. No message has a secret, a body, a user's name or a query of an address.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is none.
    #[error("`{0}` is no address of a server: it begins with `https://` and has a host")]
    Address(String),
    /// What a request carries would be readable on its way.
    #[error("`{0}` is asked without encryption: an address that is not this machine's own begins with `https://`")]
    Plain(String),
    /// A header or a method cannot be written.
    #[error("a request to `{to}` cannot be written: {why}")]
    Request {
        /// Method and address.
        to: String,
        /// What is wrong.
        why: String,
    },
    /// Nobody is there, or nobody who may be trusted.
    #[error("`{to}` cannot be reached: {why}")]
    Unreachable {
        /// Method and address.
        to: String,
        /// What the machine said.
        why: String,
    },
    /// It took too long; whether it was done is not known.
    #[error("`{to}` has not answered within {}", seconds(*.after))]
    Timeout {
        /// Method and address.
        to: String,
        /// How long was waited.
        after: Duration,
    },
    /// The answer is longer than is read.
    #[error("the answer of `{to}` is longer than {limit} bytes")]
    TooLong {
        /// Method and address.
        to: String,
        /// How much is read.
        limit: u64,
    },
    /// The answer ended before it was complete; whether it was done is not known.
    #[error("the answer of `{to}` broke off: {why}")]
    Broken {
        /// Method and address.
        to: String,
        /// What the machine said.
        why: String,
    },
    /// JSON was asked for, and something else came.
    #[error("`{from}` answered with status {status} and a body that is no JSON")]
    NotJson {
        /// Method and address.
        from: String,
        /// The status.
        status: u16,
    },
}

fn seconds(time: Duration) -> String {
    if time.subsec_millis() == 0 { format!("{} s", time.as_secs()) } else { format!("{} ms", time.as_millis()) }
}

impl Error {
    /// Whether what was asked may have been done although no answer says so.
    pub fn may_be_done(&self) -> bool {
        matches!(self, Error::Timeout { .. } | Error::TooLong { .. } | Error::Broken { .. } | Error::NotJson { .. })
    }
}
