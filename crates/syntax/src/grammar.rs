//! The parser that pest makes of `grammar/dbspec.pest`.

#![allow(missing_docs)]

/// The parser; its rules are [`Rule`].
#[derive(pest_derive::Parser)]
#[grammar = "../../grammar/dbspec.pest"]
pub struct Grammar;

/// A piece that the grammar found.
pub type Pair<'i> = pest::iterators::Pair<'i, Rule>;
