//! What a spec means: names resolved, mixins expanded, relations graphed, expressions typed, everything checked.

pub mod index;
pub mod scope;
mod types;

pub use types::*;
