//! Comparisons within one row of a query, where the author meant the row around it: a name without its table is one of the
//! innermost row that has such a column.

use super::expr::{Checker, Source};
use super::names::{folded, shown};
use crate::scope::is_word;
use smol_str::SmolStr;
use specc_diag::codes;
use specc_expr::{Look, Tree};
use sqlparser::ast::{Expr as Ast, Ident, Query};
use std::ops::ControlFlow;

/// A column of a query's row, as a name in it leads there.
struct Read {
    /// Which rows came into view together, and which of them it is.
    row: (usize, usize),
    column: SmolStr,
    /// No table stands before it.
    bare: bool,
    /// Nothing else stands around it.
    alone: bool,
}

impl Checker<'_> {
    /// Says where two sides of an equality read one row of a query, and one of them would be a column of the row that
    /// the expression is about, were it not hidden.
    pub(super) fn same_row(&mut self, ast: &Ast, left: &Ast, right: &Ast) {
        if self.levels.is_empty() {
            return;
        }
        let (a, b) = (self.reads(left), self.reads(right));
        let pairs = a.iter().flat_map(|x| b.iter().map(move |y| (x, y))).filter(|(x, y)| x.row == y.row);
        for (x, y) in pairs {
            let hidden = [x, y].map(|read| read.bare && self.hidden(&read.column).is_some());
            let same = x.column == y.column;
            let from = &self.levels[x.row.0].from[x.row.1];
            // In `exists path (…)` every name is one of its row.
            let named = !shown(from).is_empty();
            let told = match hidden {
                _ if same && x.alone && y.alone => true,
                [true, false] | [false, true] => named,
                _ => false,
            };
            if !told {
                continue;
            }
            let column = if hidden[0] { &x.column } else { &y.column };
            let other = if hidden[0] { &y.column } else { &x.column };
            let message = match same {
                true => format!("both sides are `{column}` of the same row"),
                false => format!("`{column}` is a column of `{}` here, as `{other}` is", shown(from)),
            };
            let help = match self.hidden(column) {
                Some(row) if same => format!("write `{row}.{column}` for the column of the row that the rule is about"),
                Some(row) => format!(
                    "write `{row}.{column}` for the column of the row that the rule is about, or `{}.{column}`",
                    shown(from)
                ),
                None if self.scope.rows.is_empty() => {
                    format!("name the table before `{column}` on both sides, or remove the comparison")
                }
                None => format!("write `this.{column}` for the column of the row that the rule is about"),
            };
            return self.report(codes::SAME_ROW, ast, message, Some(help));
        }
    }

    /// How the row is called that the expression is about and that has such a column.
    fn hidden(&self, column: &str) -> Option<SmolStr> {
        let (alias, _) = self.scope.rows.iter().find(|(_, entity)| self.model.field(*entity, column).is_some())?;
        Some(if alias.is_empty() { "this".into() } else { alias.clone() })
    }

    /// The columns of rows of queries that `side` reads, outside of queries of its own.
    fn reads(&self, side: &Ast) -> Vec<Read> {
        let mut names = Names { found: Vec::new(), depth: 0 };
        side.walk(&mut names);
        let alone = matches!(side, Ast::Identifier(_) | Ast::CompoundIdentifier(_));
        names.found.iter().filter_map(|idents| self.read(idents, alone)).collect()
    }

    fn read(&self, idents: &[Ident], alone: bool) -> Option<Read> {
        let is_word = idents[0].quote_style.is_none() && is_word(&idents[0].value);
        if is_word || idents.len() == 1 && self.scope.parameter(&[&idents[0].value]).is_some() {
            return None;
        }
        for (at, level) in self.levels.iter().enumerate().rev() {
            let sources = level.from.iter().enumerate();
            if let [name] = idents {
                for (n, from) in sources {
                    let has = match &from.source {
                        Source::Entity(id) => self.model.field(*id, &name.value).is_some(),
                        Source::Columns(columns, _) => columns.iter().any(|(column, _)| *column == folded(name)),
                        Source::Opaque => return None,
                    };
                    if has {
                        return Some(Read { row: (at, n), column: name.value.as_str().into(), bare: true, alone });
                    }
                }
                continue;
            }
            for (n, from) in sources {
                let called = shown(from);
                let column = match idents {
                    [table, column] if *called == *folded(table) => column,
                    [schema, table, column]
                        if from.table.as_ref().is_some_and(|t| t.schema == schema.value && t.name == table.value) =>
                    {
                        column
                    }
                    _ => continue,
                };
                return Some(Read { row: (at, n), column: column.value.as_str().into(), bare: false, alone });
            }
        }
        None
    }
}

/// The names in an expression, outside of its queries.
struct Names {
    found: Vec<Vec<Ident>>,
    depth: usize,
}

impl Look for Names {
    fn query(&mut self, _: &Query) {
        self.depth += 1;
    }

    fn query_ends(&mut self, _: &Query) {
        self.depth -= 1;
    }

    fn expr(&mut self, ast: &Ast) -> ControlFlow<()> {
        match ast {
            Ast::Identifier(ident) if self.depth == 0 => self.found.push(vec![ident.clone()]),
            Ast::CompoundIdentifier(idents) if self.depth == 0 => self.found.push(idents.clone()),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
