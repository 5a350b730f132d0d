//! Where databases for a proof come from: a private server, or one that the user names.

use crate::scratch::{Scratch, ScratchError};
use specc_postgres::{Address, Database, Guard, Limits, Session, platform};
use specc_sql::quote::ident;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A server on which databases can be made.
pub enum Server {
    /// Of this process alone.
    Private(Scratch),
    /// Somebody's, on which databases of ours come and go. The flag: with the emulated platform in them.
    Named(Box<Address>, bool),
}

/// A database that goes with its value.
pub(crate) enum ScratchDatabase {
    Private(Database),
    Named(Address, Address, String),
}

static NUMBER: AtomicUsize = AtomicUsize::new(0);

fn said(error: &dyn std::fmt::Display) -> ScratchError {
    ScratchError::Postgres(error.to_string())
}

/// The databases that this process makes on somebody's server.
fn prefix() -> String {
    format!("specc_verify_{}_", std::process::id())
}

impl Server {
    /// Ends what is done on our databases when it takes more than this, as long as the returned value lives. How large the
    /// files of somebody's server are is not ours to say.
    pub fn limit(&self, limits: Limits) -> Guard {
        const END: &str = "select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity \
            where pg_catalog.starts_with(datname, $1) and pid <> pg_catalog.pg_backend_pid()";
        match self {
            Server::Private(scratch) => scratch.limit(limits),
            Server::Named(address, _) => {
                let address = Address::clone(address);
                let end = move || {
                    if let Ok(mut above) = address.connect() {
                        let _ = above.execute(END, &[&prefix()]);
                    }
                };
                Guard::start(limits, || 0, Vec::new, end)
            }
        }
    }

    /// The role that runs the spec's statements where it is a superuser of somebody's server.
    ///
    /// # Errors
    /// Where the server cannot be asked.
    pub fn superuser(&self) -> Result<Option<String>, ScratchError> {
        const WHO: &str = "select rolname::text from pg_catalog.pg_roles where rolname = current_user and rolsuper";
        let Server::Named(address, _) = self else { return Ok(None) };
        let mut session = address.connect().map_err(|error| said(&error))?;
        let row = session.query_opt(WHO, &[]).map_err(|error| said(&error))?;
        Ok(row.map(|row| row.get(0)))
    }

    /// Whether it is our own, and the kernel keeps it from all else.
    pub(crate) fn is_confined(&self) -> bool {
        matches!(self, Server::Private(scratch) if scratch.lacks().is_none())
    }

    /// A new database.
    pub(crate) fn database(&self) -> Result<ScratchDatabase, ScratchError> {
        match self {
            Server::Private(scratch) => scratch.database().map(|(database, _)| ScratchDatabase::Private(database)),
            Server::Named(address, with_platform) => {
                let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                let name = format!("{}{number}", prefix());
                let mut above = address.connect().map_err(|error| said(&error))?;
                above.batch_execute(&format!("create database {}", ident(&name))).map_err(|error| said(&error))?;
                let database = ScratchDatabase::Named(address.with_database(&name), Address::clone(address), name);
                if *with_platform {
                    let mut session = database.connect(false)?;
                    let roles = session
                        .query_opt("select from pg_catalog.pg_roles where rolname = $1", &[&platform::SUPERUSER])
                        .map_err(|error| said(&error))?;
                    if roles.is_none() {
                        session.batch_execute(platform::ROLES_SQL).map_err(|error| said(&error))?;
                    }
                    session.batch_execute(platform::SCHEMA_SQL).map_err(|error| said(&error))?;
                }
                Ok(database)
            }
        }
    }
}

impl ScratchDatabase {
    /// The database, where its server is our own.
    pub fn own(&self) -> Option<&Database> {
        match self {
            ScratchDatabase::Private(database) => Some(database),
            ScratchDatabase::Named(..) => None,
        }
    }

    /// A session of the owner, or of who may make and read any rows. Neither is a superuser: both run what the spec says.
    pub fn connect(&self, above: bool) -> Result<Session, ScratchError> {
        let made = match self {
            ScratchDatabase::Private(database) if above => database.connect_filler(),
            ScratchDatabase::Private(database) => database.connect(),
            ScratchDatabase::Named(address, ..) => address.connect(),
        };
        made.map_err(|error| said(&error))
    }

    /// How another program reaches it, as who may read everything.
    pub fn address(&self) -> Result<Address, ScratchError> {
        match self {
            ScratchDatabase::Private(database) => {
                Ok(Address::resolve(Some(&database.url(platform::FILLER)), |_| None)?)
            }
            ScratchDatabase::Named(address, ..) => Ok(Address::clone(address)),
        }
    }
}

impl Drop for ScratchDatabase {
    fn drop(&mut self) {
        if let ScratchDatabase::Named(_, server, name) = self
            && let Ok(mut session) = server.connect()
        {
            let _ = session.batch_execute(&format!("drop database if exists {} with (force)", ident(name)));
        }
    }
}
