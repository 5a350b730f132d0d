//! Typed statements and the one printer that writes SQL.
