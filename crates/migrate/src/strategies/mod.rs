//! How an object gets from one state to the other: a file a recipe, each with its steps.

pub(crate) mod casts;
pub(crate) mod convert;
pub(crate) mod enum_swap;
pub(crate) mod filled_table;
pub(crate) mod in_place;
pub(crate) mod key_swap;
pub(crate) mod moved_table;
pub(crate) mod partition_beside;
pub(crate) mod partition_bounds;
pub(crate) mod partition_move;
pub(crate) mod recreate;
mod rows_from;
pub(crate) mod shadow_column;
pub(crate) mod shadow_view;
