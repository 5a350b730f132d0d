//! SQL expressions and queries as they stand in specs: parsed, walked and printed with sqlparser.
//!
//! On top of SQL come `viewer`, `claims.x`, relation paths (`event.organizer_id`) and `exists <path> (<condition>)`. The
//! first three parse as plain names; the last is rewritten, token by token and so with its spans, to a call of
//! [`EXISTS_PATH`] with two arguments, the path (a compound identifier) and the condition.

/// The function that `exists path (condition)` parses to. Never printed.
pub const EXISTS_PATH: &str = "exists path";
