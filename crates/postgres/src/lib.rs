//! The one crate that talks to a database: private scratch clusters and the emulated platform.
//!
//! A [`Cluster`] is a Postgres server of this process alone. It lives in a folder of its own,
//! listens on a Unix socket in that folder, and is gone with its folder when it is dropped, when
//! the process ends, and when the process is killed. The kernel keeps it from other files, from
//! programs and from the network, where it can, and no role of it but ours is a superuser. A [`Database`] is one database on it, dropped
//! with its value.
//!
//! ```no_run
//! let db = specc_postgres::shared(18).platform_database().unwrap();
//! let mut owner = db.connect().unwrap();
//! # let _ = owner.batch_execute("select 1");
//! ```

#![allow(clippy::disallowed_methods, reason = "this crate starts servers and opens connections")]

mod address;
pub mod binaries;
pub mod cluster;
mod database;
mod error;
mod files;
mod grown;
mod guard;
mod place;
pub mod platform;
pub mod programs;
mod sandbox;
mod session;
mod watchdog;

pub use address::{Address, host_names, plain_host};
pub use binaries::Install;
pub use cluster::{Cluster, Options, shared, try_bare, try_shared};
pub use database::{Database, Template};
pub use error::{Error, LoadError};
pub use grown::Grown;
pub use guard::{Exceeded, Guard, Limits};
pub use postgres;
pub use sandbox::Confinement;
pub use session::{Notice, Session, as_user, as_user_commit, load_sql};
