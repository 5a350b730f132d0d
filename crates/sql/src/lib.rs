//! Typed statements and the one printer that writes SQL.

pub mod quote;
