//! Names by Postgres's own convention: `events_pkey`, `events_organizer_id_fkey`, cut at 63 bytes as Postgres cuts them.

use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use sqlparser::ast;

/// The longest name that Postgres keeps.
pub(crate) const LIMIT: usize = 63;

/// `{first}_{second}_{label}`, the longer of the first two shortened until all of it fits.
pub fn object_name(first: &str, second: Option<&str>, label: &str) -> SmolStr {
    let overhead = label.len() + 1 + usize::from(second.is_some());
    let room = LIMIT.saturating_sub(overhead);
    let (mut one, mut two) = (first.len(), second.map_or(0, str::len));
    while one + two > room {
        if one > two { one -= 1 } else { two = two.saturating_sub(1) }
    }
    let mut out = String::with_capacity(LIMIT);
    out.push_str(clip(first, one));
    if let Some(second) = second {
        out.push('_');
        out.push_str(clip(second, two));
    }
    out.push('_');
    out.push_str(label);
    out.into()
}

/// The first `bytes` bytes, less where that would split a character.
fn clip(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Column names joined by `_`, no longer than a name can be.
pub(crate) fn columns<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for name in names {
        if !out.is_empty() {
            out.push('_');
        }
        out.push_str(clip(name, LIMIT));
        if out.len() > LIMIT {
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
        let mut name = object_name(table, columns, label);
        let mut pass = 0;
        while self.taken.contains(&name) {
            pass += 1;
            name = object_name(table, columns, &format!("{label}{pass}"));
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
    fn short_names_stay() {
        assert_eq!(object_name("events", Some("organizer_id"), "fkey"), "events_organizer_id_fkey");
        assert_eq!(object_name("events", None, "pkey"), "events_pkey");
    }

    #[test]
    fn the_longer_part_is_cut_first() {
        let (table, column) = ("t".repeat(50), "c".repeat(20));
        let name = object_name(&table, Some(&column), "idx");
        assert_eq!(name.len(), LIMIT);
        assert_eq!(name, format!("{}_{}_idx", "t".repeat(38), column));
        assert_eq!(object_name(&"é".repeat(40), None, "pkey").len(), 2 * 29 + 5);
    }

    #[test]
    fn a_number_follows_the_label() {
        let mut names = Names::default();
        assert_eq!(names.choose("t", None, "check"), "t_check");
        assert_eq!(names.choose("t", None, "check"), "t_check1");
        assert_eq!(names.choose("t", None, "check"), "t_check2");
    }
}
