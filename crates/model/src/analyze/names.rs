//! Names that nobody gave: by Postgres's own convention, and each once in a table.

use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use specc_catalog::{LONGEST_NAME, clip, conventional_name};
use sqlparser::ast;

/// Column names joined by `_`, no longer than a name can be.
pub(crate) fn columns<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for name in names {
        if !out.is_empty() {
            out.push('_');
        }
        out.push_str(clip(name, LONGEST_NAME));
        if out.len() > LONGEST_NAME {
            break;
        }
    }
    out
}

/// The names of a table's constraints and indexes.
#[derive(Debug, Default)]
pub(crate) struct Names {
    taken: FxHashSet<SmolStr>,
}

impl Names {
    /// Takes a name that the author gave.
    pub(crate) fn reserve(&mut self, name: &SmolStr) {
        self.taken.insert(name.clone());
    }

    /// The conventional name; a number follows the label where it is taken.
    pub(crate) fn choose(&mut self, table: &str, columns: Option<&str>, label: &str) -> SmolStr {
        let mut name = conventional_name(table, columns, label);
        let mut pass = 0;
        while self.taken.contains(&name) {
            pass += 1;
            name = conventional_name(table, columns, &format!("{label}{pass}"));
        }
        self.taken.insert(name.clone());
        name
    }
}

/// What Postgres calls an index column over an expression: the function's name, the column's, or `expr`.
pub(crate) fn of_expression(expr: &ast::Expr) -> SmolStr {
    figure(expr, 8).unwrap_or_else(|| "expr".into())
}

fn figure(expr: &ast::Expr, depth: u8) -> Option<SmolStr> {
    let depth = depth.checked_sub(1)?;
    Some(match expr {
        ast::Expr::Identifier(name) => name.value.as_str().into(),
        ast::Expr::CompoundIdentifier(names) => names.last()?.value.as_str().into(),
        ast::Expr::Function(call) => call.name.0.last()?.as_ident()?.value.to_lowercase().into(),
        ast::Expr::Nested(inner) => return figure(inner, depth),
        ast::Expr::Collate { expr, .. } => return figure(expr, depth),
        ast::Expr::Cast { expr, data_type, .. } => {
            return figure(expr, depth).or_else(|| {
                let name = data_type.to_string().to_lowercase();
                Some(name.split(['(', '[']).next().unwrap_or(&name).trim().into())
            });
        }
        ast::Expr::Case { else_result, .. } => {
            return else_result.as_deref().and_then(|e| figure(e, depth)).or(Some("case".into()));
        }
        ast::Expr::Extract { .. } => "extract".into(),
        ast::Expr::Substring { .. } => "substring".into(),
        ast::Expr::Trim { .. } => "btrim".into(),
        ast::Expr::Position { .. } => "position".into(),
        _ => return None,
    })
}

/// How an author would have to write `name`: quoted where a bare word would mean something else.
pub(crate) fn quoted(name: &str) -> SmolStr {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain { name.into() } else { format!("\"{}\"", name.replace('"', "\"\"")).into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_follows_the_label() {
        let mut names = Names::default();
        assert_eq!(names.choose("t", None, "check"), "t_check");
        assert_eq!(names.choose("t", None, "check"), "t_check1");
        assert_eq!(names.choose("t", None, "check"), "t_check2");
    }
}
