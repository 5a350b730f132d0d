//! `status = ANY (ARRAY['a'::text, 'b'::text])`, which is what Postgres keeps of `status in ('a', 'b')`.
//!
//! This is more than a nicer spelling: of `(status)::text = ANY ((ARRAY['a'::character varying])::text[])` Postgres
//! keeps something else when it reads it again, while the list that an author would write comes out the same each time.

use specc_catalog::DataType;
use std::borrow::Cow;

/// `sql` with its arrays of literals as lists, where `fits` says that the column has the type that the literals are cast
/// to. The cast of the column itself comes second: `(status)::text`.
pub(crate) fn written<'a>(sql: &'a str, fits: &dyn Fn(&str, &str, Option<&str>) -> bool) -> Cow<'a, str> {
    let mut out = String::new();
    let mut rest = 0;
    for (at, operator, word) in operators(sql) {
        if at < rest {
            continue;
        }
        let Some((start, column, cast)) = left(sql, rest, at) else { continue };
        let Some((end, values, of)) = array(sql, at + operator.len()) else { continue };
        if !fits(&column, of, cast) {
            continue;
        }
        out.push_str(&sql[rest..start]);
        out.push_str(&specc_sql::quote::ident(&column));
        out.push_str(word);
        out.push_str(&values.join(", "));
        out.push(')');
        rest = end;
    }
    if rest == 0 {
        return Cow::Borrowed(sql);
    }
    out.push_str(&sql[rest..]);
    Cow::Owned(out)
}

/// Whether a column of this type was compared with such literals by an author's list.
pub(crate) fn fits(ty: &DataType, of: &str, cast: Option<&str>) -> bool {
    if ty.dims > 0 {
        return false;
    }
    if !ty.schema.is_empty() {
        return cast.is_none() && of == specc_sql::quote::qualified(&ty.schema, &ty.name);
    }
    match ty.name.as_str() {
        "varchar" => cast == Some("text") && of == "character varying",
        name => cast.is_none() && matches!(name, "text" | "int") && of == specc_facts::server_spelling(name),
    }
}

/// Where ` = ANY (` and ` <> ALL (` stand, outside of strings and names, with what a list has in their place.
fn operators(sql: &str) -> Vec<(usize, &'static str, &'static str)> {
    let bytes = sql.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'\'' | b'"') => {
                let escapes = quote == b'\'' && at > 0 && matches!(bytes[at - 1], b'E' | b'e');
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += if escapes && bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            b' ' => {
                for (operator, word) in [(" = ANY (", " in ("), (" <> ALL (", " not in (")] {
                    if sql[at..].starts_with(operator) {
                        found.push((at, operator, word));
                    }
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The column that ends at `end`, where it starts, and what it is cast to.
fn left(sql: &str, from: usize, end: usize) -> Option<(usize, String, Option<&'static str>)> {
    let text = &sql[from..end];
    if let Some(inner) = text.strip_suffix(")::text") {
        let (start, name) = name(inner)?;
        return (start > 0 && inner.as_bytes()[start - 1] == b'(').then(|| (from + start - 1, name, Some("text")));
    }
    let (start, name) = name(text)?;
    // A name with a table's before it is more than a column.
    let alone = start == 0 || matches!(text.as_bytes()[start - 1], b'(' | b' ');
    alone.then_some((from + start, name, None))
}

/// The name that a text ends with, as Postgres stores it.
fn name(text: &str) -> Option<(usize, String)> {
    if let Some(inner) = text.strip_suffix('"') {
        let start = inner.rfind('"')?;
        // A doubled quote is too rare to be worth more.
        let plain = !inner[..start].ends_with('"');
        return plain.then(|| (start, inner[start + 1..].to_owned()));
    }
    let letters = text.bytes().rev().take_while(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_').count();
    let start = text.len() - letters;
    let first = text.as_bytes().get(start)?;
    let before = start.checked_sub(1).map(|at| text.as_bytes()[at]);
    let whole = !before.is_some_and(|b| b.is_ascii_alphanumeric() || b >= 0x80 || b == b'$');
    (letters > 0 && whole && !first.is_ascii_digit()).then(|| (start, text[start..].to_owned()))
}

/// `ARRAY['a'::text, 'b'::text])` or `(ARRAY['a'::character varying])::text[])`: where it ends, its values, and the one
/// type that they are cast to.
fn array(sql: &str, from: usize) -> Option<(usize, Vec<String>, &str)> {
    let text = &sql[from..];
    let (open, close) = if text.starts_with('(') { ("(ARRAY[", "])::text[])") } else { ("ARRAY[", "])") };
    let mut rest = text.strip_prefix(open)?;
    let (mut values, mut of) = (Vec::new(), None);
    loop {
        let (value, ty, after) = value(rest)?;
        if *of.get_or_insert(ty) != ty {
            return None;
        }
        values.push(value);
        if let Some(more) = after.strip_prefix(", ") {
            rest = more;
        } else {
            let end = after.strip_prefix(close)?;
            let cast = open.starts_with('(');
            // Only texts of a length are brought to text as a whole.
            return (values.len() > 1 && cast == (of == Some("character varying"))).then_some((
                from + text.len() - end.len(),
                values,
                of?,
            ));
        }
    }
}

/// `'a'::text` or `5`: the value, its type, and what comes after.
fn value(text: &str) -> Option<(String, &str, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 {
        return (digits < 10).then(|| (text[..digits].to_owned(), "integer", &text[digits..]));
    }
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'\'') {
        return None;
    }
    let mut at = 1;
    loop {
        match (bytes.get(at)?, bytes.get(at + 1)) {
            (b'\'', Some(b'\'')) => at += 2,
            (b'\'', _) => break,
            _ => at += 1,
        }
    }
    let after = text[at + 1..].strip_prefix("::")?;
    let end = after.find([',', ']'])?;
    Some((text[..=at].to_owned(), &after[..end], &after[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any(sql: &str) -> Cow<'_, str> {
        written(sql, &|_, _, _| true)
    }

    #[test]
    fn arrays_become_lists() {
        assert_eq!(any("(status = ANY (ARRAY['a'::text, 'it''s'::text]))"), "(status in ('a', 'it''s'))");
        assert_eq!(
            any("((\"St\")::text <> ALL ((ARRAY['a'::character varying, 'b'::character varying])::text[]))"),
            "(\"St\" not in ('a', 'b'))"
        );
        assert_eq!(any("((a = ANY (ARRAY[1, 2])) OR b)"), "((a in (1, 2)) OR b)");
    }

    #[test]
    fn what_is_not_sure_stays() {
        for same in [
            "(t.status = ANY (ARRAY['a'::text, 'b'::text]))",
            "(status = ANY (ARRAY['a'::text, 'b'::citext]))",
            "(status = ANY (ARRAY['a'::text]))",
            "(status = ANY (tags))",
            "(lower(status) = ANY (ARRAY['a'::text, 'b'::text]))",
            "(a = ' = ANY (ARRAY[1, 2])')",
            "((status)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text]))",
        ] {
            assert_eq!(any(same), same);
        }
        let sql = "(status = ANY (ARRAY['a'::text, 'b'::text]))";
        assert_eq!(written(sql, &|_, of, cast| fits(&DataType::builtin("citext"), of, cast)), sql);
    }
}
