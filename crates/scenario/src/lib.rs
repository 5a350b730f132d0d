//! Scenarios of a spec as statements ([`script`]), and what comes of them on a server that somebody connects to ([`play`]).
//!
//! Nothing here opens a connection: a server is whatever runs SQL and says what Postgres said.

mod play;
mod script;

pub use play::{Outcome, Refused, Reply, Server, play};
pub use script::{Act, Ask, Script, Session, Step, script, scripts, whole};
