//! What a spec means: names resolved, mixins expanded, relations graphed, expressions typed, everything checked.

mod analyze;
pub mod effective;
pub mod formula;
mod graph;
pub mod index;
pub mod known;
mod past;
mod reads;
pub mod scope;
mod sized;
mod types;
pub mod typing;

pub use analyze::library::{PLATFORM, STD, mixin_names, shipped};
pub use analyze::seeds::FAKE;
pub use analyze::{analyze, condition, group, let_through, rolling_block, rolling_function};
pub use graph::RelationGraph;
pub use past::{former_fields, former_names};
pub use sized::UNSAID_ROWS;
pub use types::*;
