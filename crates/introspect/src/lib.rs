//! A live Postgres to a [`Catalog`], in a handful of queries.
//!
//! [`introspect`] reads one state of the database in one read-only transaction: about one query for each kind of object,
//! however many objects there are. What it gives is what lowering a spec gives: the same types, with expressions as
//! Postgres itself spells them while nothing is on the search path. Two databases that mean the same give equal
//! catalogs, whatever the order in which they were made, and on any version from 15 on (as far as the servers spell
//! expressions alike).
//!
//! What no typed object can say becomes a `sql` block, named for what it makes. What belongs to an extension is left out;
//! what belongs to the platform is too, by the rules in `owner.rs`, and is said in [`Introspected::left_out`] with the few
//! things that are not read (what is made by programs in C, and what holds passwords). The database itself (its owner, its
//! settings, its encoding) and the rows of tables are no part of a catalog.

mod access;
mod acl;
mod blocks;
mod comments;
mod constraints;
mod defaults;
mod depends;
mod expressions;
mod finish;
mod functions;
mod indexes;
mod kinds;
mod misc;
mod names;
mod options;
mod owner;
mod owners;
mod publications;
mod reader;
mod relations;
mod roles;
mod rolled;
mod sequences;
mod tables;
mod text;
mod triggers;
mod types;
mod usertypes;
mod views;

use reader::CatalogReader;
use smol_str::SmolStr;
use specc_catalog::{Catalog, ObjectId};
use specc_postgres::postgres::{self, Client, IsolationLevel};

/// What to read, where the database alone does not tell.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Schemas that are someone else's, beside those that are so by ownership: what a project says is external.
    pub external: Vec<SmolStr>,
    /// Roles that the project has, whether or not something in the database names them.
    pub roles: Vec<SmolStr>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Introspected {
    /// Every object that is the project's own.
    pub catalog: Catalog,
    /// Indexes that do not serve queries, as a concurrent build leaves them that was broken off. They are not in the
    /// catalog.
    pub invalid_indexes: Vec<ObjectId>,
    /// What is there and not in the catalog, with the reason; not what every database has, or an extension brings.
    pub left_out: Vec<LeftOut>,
    /// The database is one of Supabase's, or of an emulation of it.
    pub supabase: bool,
    /// The server's version, as a number: `180003`.
    pub server_version: u32,
}

/// Something that is not in the catalog.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// What.
    pub what: SmolStr,
    /// Why.
    pub why: SmolStr,
}

/// Why a database could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused a query, or the connection broke.
    #[error("{}", said(.0))]
    Postgres(#[from] postgres::Error),
    /// The server is older than any that specc knows.
    #[error(
        "the server is Postgres {0}, and specc reads 15 and newer; upgrade it, or read a newer copy of the database"
    )]
    TooOld(u32),
}

fn said(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("cannot read the database's catalog: {} ({})", db.message(), db.code().code()),
        None => format!("cannot read the database's catalog: {error}"),
    }
}

/// How often a read is tried again when an object went while it was read.
const TRIES: usize = 3;

/// Reads the catalog of the database that `client` is connected to.
///
/// # Errors
/// Where the server refuses a query or is too old, or the connection breaks.
pub fn introspect(client: &mut Client, options: &Options) -> Result<Introspected, Error> {
    let mut tries = 1;
    loop {
        match read(client, options) {
            // Postgres spells expressions with what it has now, not with what the transaction saw.
            Err(Error::Postgres(error)) if tries < TRIES && error.code().is_some_and(|c| c.code() == "XX000") => {
                tries += 1;
            }
            result => return result,
        }
    }
}

/// So that Postgres qualifies every name, and spells constants in one way.
const SETTINGS: &str = "set local search_path to ''; set local quote_all_identifiers to off; \
    set local datestyle to 'ISO, YMD'; set local intervalstyle to 'postgres'; set local timezone to 'UTC'; \
    set local extra_float_digits to 1; set local bytea_output to 'hex'; set local lc_monetary to 'C'; \
    set local xmloption to 'content'; set local jit to off; set local statement_timeout to 0";

fn read(client: &mut Client, options: &Options) -> Result<Introspected, Error> {
    let mut transaction =
        client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start()?;
    transaction.batch_execute(SETTINGS)?;
    let mut reader = CatalogReader::new(transaction, options)?;
    owners::read(&mut reader)?;
    types::read(&mut reader)?;
    comments::read(&mut reader)?;
    relations::read(&mut reader)?;
    usertypes::read(&mut reader)?;
    sequences::read(&mut reader)?;
    tables::read(&mut reader)?;
    views::read(&mut reader)?;
    indexes::read(&mut reader)?;
    constraints::read(&mut reader)?;
    functions::read(&mut reader)?;
    triggers::read(&mut reader)?;
    access::read(&mut reader)?;
    publications::read(&mut reader)?;
    misc::read(&mut reader)?;
    kinds::read(&mut reader)?;
    defaults::read(&mut reader)?;
    depends::read(&mut reader)?;
    roles::read(&mut reader)?;
    finish::finish(reader)
}
