//! Names that nobody gave: by Postgres's own convention, and each once in a table.

use crate::formula::{Formula, Node, Part};
use crate::types::{EntityId, Model};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_catalog::{LONGEST_NAME, clip, conventional_name};

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
    /// How often a name was asked for: all numbers up to that are taken.
    asked: FxHashMap<SmolStr, usize>,
}

impl Names {
    /// Takes a name that the author gave.
    pub(crate) fn reserve(&mut self, name: &SmolStr) {
        self.taken.insert(name.clone());
    }

    /// The conventional name; a number follows the label where it is taken.
    pub(crate) fn choose(&mut self, table: &str, columns: Option<&str>, label: &str) -> SmolStr {
        let mut name = conventional_name(table, columns, label);
        if self.taken.contains(&name) {
            let pass = self.asked.entry(name.clone()).or_default();
            while self.taken.contains(&name) {
                *pass += 1;
                name = conventional_name(table, columns, &format!("{label}{pass}"));
            }
        }
        self.taken.insert(name.clone());
        name
    }
}

/// What Postgres calls an index column over an expression of `entity`: the function's name, the column's, or `expr`.
pub(crate) fn of_expression(model: &Model, entity: EntityId, formula: &Formula) -> SmolStr {
    let column = |field: usize| model.entity(entity).fields[field].name.clone();
    figure(&column, formula, 8).unwrap_or_else(|| "expr".into())
}

/// The same for a view, whose columns are names of SQL.
pub(crate) fn of_view_expression(formula: &Formula) -> SmolStr {
    figure(&|_| SmolStr::default(), formula, 8).unwrap_or_else(|| "expr".into())
}

fn figure(column: &dyn Fn(usize) -> SmolStr, formula: &Formula, depth: u8) -> Option<SmolStr> {
    let depth = depth.checked_sub(1)?;
    Some(match &formula.node {
        Node::Column(_, field) => column(*field),
        Node::Name(parts) => parts.last()?.clone(),
        Node::Call(call) => call.function.name.clone(),
        Node::Nested(inner) => return figure(column, inner, depth),
        Node::Cast(cast) => {
            return figure(column, &cast.of, depth).or_else(|| {
                let name = &cast.to.sql;
                Some(name.split(['(', '[']).next().unwrap_or(name).trim().into())
            });
        }
        Node::Form(form) => {
            let word = match form.parts.first()? {
                Part::Words(words) => words.trim().trim_end_matches('('),
                // `name collate "C"`
                Part::Operand(inner, _) if form.is_collation() => return figure(column, inner, depth),
                _ => return None,
            };
            match word {
                "case" => return form.otherwise().and_then(|e| figure(column, e, depth)).or(Some("case".into())),
                "trim" => "btrim".into(),
                "substring" | "substr" => "substring".into(),
                "position" => "position".into(),
                word if word.starts_with("extract(") => "extract".into(),
                word if word.starts_with("trim(") => "btrim".into(),
                _ => return None,
            }
        }
        _ => return None,
    })
}

/// How an author would have to write `name`: quoted where a bare word would mean something else.
pub(crate) fn quoted(name: &str) -> SmolStr {
    match specc_sql::quote::ident(name) {
        std::borrow::Cow::Borrowed(plain) if crate::scope::is_word(plain) => format!("\"{plain}\"").into(),
        name => name.into(),
    }
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
