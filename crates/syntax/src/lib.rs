//! The .dbspec grammar, syntax tree, parser and formatter.

pub mod ast;
