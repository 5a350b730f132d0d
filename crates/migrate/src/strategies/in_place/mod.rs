//! Statements that change an object where it is.

mod aside;
pub(crate) mod backfill;
pub(crate) mod comes_back;
pub(crate) mod counted;
mod grants;
mod names;
pub(crate) mod neutral;
mod rows;
pub(crate) mod table;
mod turns;
mod types;
mod unheld;
