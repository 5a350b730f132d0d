//! Plans of declared queries over tables that have the declared sizes, and no rows.
//!
//! A database of the spec is made on a server of our own. The planner is told what `ANALYZE` would find ([`mod@told`]), and sees
//! tables and indexes as large as they will be ([`mod@pages`]), since their files are long and have nothing in them. Then each query is
//! explained as the role that asks, under row level security ([`mod@explain`]); what comes out is held against its budgets
//! ([`mod@gate`]).

pub mod explain;
pub mod gate;
pub mod idle;
pub mod measure;
pub mod pages;
pub mod pin;
pub mod plan;
pub mod told;

pub use explain::{Planned, Session, plan_all};
pub use gate::{Breach, breaches};
pub use idle::idle;
pub use plan::{Node, read};

use specc_catalog::Catalog;
use specc_postgres::Database;
use specc_size::Sizes;
use specc_verify::{Scratch, ScratchError};

/// A database without rows, in which the planner sees those that are declared.
///
/// # Errors
/// Where the spec cannot be made, or the server breaks.
pub fn stage(scratch: &Scratch, catalog: &Catalog, sizes: &Sizes) -> Result<Database, ScratchError> {
    let first = scratch.made(catalog)?;
    let tables = told::tell(&first, catalog, sizes)?;
    pages::say(&first, &tables)?;
    // What made the first one has read pages that are to be others: the server keeps those of a copy apart.
    let database = first.duplicate()?;
    pages::grow(&first, &database, &tables)?;
    Ok(database)
}

/// What is asked takes milliseconds; what a function of the author's does meanwhile may take longer.
const PATIENCE: &str = "10s";

/// A session of the owner, who waits for nothing for ever.
fn owner(database: &Database) -> Result<specc_postgres::Session, ScratchError> {
    let mut owner = database.connect()?;
    owner.batch_execute(&format!("set statement_timeout = '{PATIENCE}'")).map_err(|error| said(&error))?;
    Ok(owner)
}

/// What an expression of the author's gives; none where it gives nothing, and an error where it takes too long.
fn asked<T>(
    found: Result<T, specc_postgres::postgres::Error>,
    what: impl FnOnce() -> String,
) -> Result<Option<T>, ScratchError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.code() == Some(&specc_postgres::postgres::error::SqlState::QUERY_CANCELED) => {
            Err(ScratchError::Postgres(format!("{} takes more than {PATIENCE}", what())))
        }
        Err(_) => Ok(None),
    }
}

fn said(error: &specc_postgres::postgres::Error) -> ScratchError {
    let text = error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned());
    ScratchError::Postgres(text)
}
