//! What is in sight of an expression.

use super::Column;
use smol_str::SmolStr;
use specc_catalog::Qualified;
use specc_expr::sqlparser::ast::Expr;
use std::collections::BTreeSet;

/// A row that `from` brings into sight.
#[derive(Clone, Debug, Default)]
pub(super) struct Source {
    pub name: SmolStr,
    pub schema: Option<SmolStr>,
    /// The relation that it is a row of.
    pub relation: Option<Qualified>,
    pub columns: Vec<Column>,
    /// Nothing is known of its columns.
    pub open: bool,
    /// An outer join may leave it empty.
    pub outer: bool,
    /// It is not empty where the query gives a row: a condition says so.
    pub real: bool,
}

/// A column that may be named without its row, and that `*` gives: its source and its place there, or what a join makes of two.
#[derive(Clone, Debug)]
pub(super) enum Star {
    Of(usize, usize),
    Merged(Column),
    /// All columns of a source of which nothing is known.
    Open,
}

/// The rows of one query.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope<'o> {
    pub sources: Vec<Source>,
    pub star: Vec<Star>,
    /// Columns that a condition of a join keeps from being null, as long as their row is there.
    pub joined: BTreeSet<(usize, usize)>,
    /// The same of joins whose rows no other join leaves empty: a row without them is not given at all.
    pub held: BTreeSet<(usize, usize)>,
    /// Columns that the condition of the query keeps from being null.
    pub proven: BTreeSet<(usize, usize)>,
    /// Rows of the query around this one.
    pub outer: Option<&'o Scope<'o>>,
}

/// A column that was found by its name.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub column: Column,
    /// Source and place, of the query itself.
    pub at: Option<(usize, usize)>,
}

/// `with` queries in sight, the innermost last.
pub(super) type Withs = Vec<(SmolStr, Vec<Column>)>;

impl Scope<'_> {
    /// The column at this place as the query gives it.
    pub fn column(&self, source: usize, at: usize) -> Option<Column> {
        let row = self.sources.get(source)?;
        let mut column = row.columns.get(at)?.clone();
        let place = (source, at);
        column.required &= !row.outer;
        column.certain = self.proven.contains(&place)
            || (!row.outer || row.real) && (column.certain || self.joined.contains(&place));
        Some(column)
    }

    pub fn starred(&self, star: &Star) -> Option<Column> {
        match star {
            Star::Of(source, at) => self.column(*source, *at),
            Star::Merged(column) => Some(column.clone()),
            Star::Open => None,
        }
    }

    /// The column that an expression is, of this query or one around it.
    pub fn find(&self, expr: &Expr) -> Option<Found> {
        let names: Vec<SmolStr> = match expr {
            Expr::Identifier(ident) => vec![crate::text::folded(ident)],
            Expr::CompoundIdentifier(parts) => parts.iter().map(crate::text::folded).collect(),
            Expr::Nested(inner) => return self.find(inner),
            _ => return None,
        };
        self.named(&names)
    }

    fn named(&self, names: &[SmolStr]) -> Option<Found> {
        if let Some(found) = self.own(names) {
            return Some(found);
        }
        // A column of a row outside is one and the same for all rows here.
        let found = self.outer?.named(names)?;
        Some(Found { column: Column { required: false, ..found.column }, at: None })
    }

    fn own(&self, names: &[SmolStr]) -> Option<Found> {
        let (schema, row, name) = match names {
            [name] => {
                for star in &self.star {
                    match star {
                        Star::Of(source, at) if self.sources[*source].columns[*at].name == *name => {
                            return Some(Found { column: self.column(*source, *at)?, at: Some((*source, *at)) });
                        }
                        Star::Merged(column) if column.name == *name => {
                            return Some(Found { column: column.clone(), at: None });
                        }
                        _ => {}
                    }
                }
                return None;
            }
            [row, name] => (None, row, name),
            [schema, row, name] => (Some(schema), row, name),
            _ => return None,
        };
        let fits = |source: &&Source| source.name == *row && (schema.is_none() || source.schema.as_ref() == schema);
        let source = self.sources.iter().position(|source| fits(&source))?;
        let at = self.sources[source].columns.iter().position(|column| column.name == *name)?;
        Some(Found { column: self.column(source, at)?, at: Some((source, at)) })
    }

    /// The row of this name, which stands for its whole.
    pub fn row(&self, name: &str) -> Option<&Source> {
        let own = self.sources.iter().find(|source| source.name == name);
        own.or_else(|| self.outer.and_then(|outer| outer.row(name)))
    }
}
