//! Typed statements and the one printer that writes SQL.
//!
//! A [`Statement`] says what is done as data and borrows the objects it is done to. What it costs
//! ([`Statement::effects`]) follows from that data. [`print`] writes it; no other code writes SQL.

mod alter;
mod alter_effects;
mod convert;
mod effects;
mod fill_table;
mod json_shape;
pub mod layout;
mod print;
pub mod quote;
mod read_type;
mod refuse;
mod statement;
mod volatility;

pub use alter::{Alter, TypeChange, key_index, type_change};
pub use convert::Convert;
pub use effects::{Effects, Lock, Loss, Timeouts, Transaction};
pub use fill_table::{Assign, FillTable, InsertFrom};
pub use json_shape::{Json, Key as JsonKey, check as shape_check, read as read_shape};
pub use print::{BY_INDEX, has_equality, print, push_partition_by, push_routine, push_type};
pub use read_type::{WrittenType, read_type};
pub use refuse::{Misfit, Refuse};
pub use statement::{Access, Named, Privileges, Relation, Statement, TakenLock};
pub use volatility::volatility;
