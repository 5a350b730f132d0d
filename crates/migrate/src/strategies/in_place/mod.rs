//! Statements that change an object where it is.

mod grants;
mod names;
mod rows;
pub(crate) mod table;
mod types;
