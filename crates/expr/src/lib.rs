//! SQL expressions and queries as they stand in specs: parsed and walked with sqlparser. What is printed is made of what
//! the checker returns for them, never of these trees.
//!
//! On top of SQL come `viewer`, `claims.x`, relation paths (`event.organizer_id`) and `exists <path> (<condition>)`. The
//! first three parse as plain names; the last parses, with its spans, to a call of [`EXISTS_PATH`] with two arguments, the
//! path (a compound identifier) and the condition, and a third where it says `including deleted`. `sql $$ … $$` is an expression too, which is taken as it is.

mod as_is;
mod check;
mod dialect;
mod escapes;
mod exists;
mod forms;
pub mod lex;
mod literal;
mod marks;
mod mend;
mod parse;
mod place;
mod plpgsql;
mod references;
mod tables;
mod tree;
mod unicode;
mod worded;

pub use as_is::{as_is, as_is_text, is_beyond, same_sql, words};
pub use dialect::SpecDialect;
pub use exists::{bare_word, exists_path, is_exists_path};
pub use forms::{is_document, suffix};
pub use marks::{
    AddedColumns, RowOfStar, added_columns, is_element, is_form, is_overriding, is_rows_from, join_alias, returned_row,
    row_of_star, session_value, value_of_session,
};
pub use mend::LOCAL;
pub use parse::{
    MAX_BODY_TOKENS, MAX_DEPTH, MAX_EXPR_TOKENS, parse_expr, parse_query, parse_statements, read_query, read_statements,
};
pub use place::{expr_span, ident_span, idents_span, start_of};
pub use plpgsql::plpgsql_references;
pub use references::{Name, References, object_name, references};
pub use sqlparser;
pub use tree::{Look, Tree};
pub use worded::{is_named_type, is_worded};

/// The function that `exists path (condition)` parses to. Never printed.
pub const EXISTS_PATH: &str = "exists path";
