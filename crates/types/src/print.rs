//! Types as text, in the layout that formatters of TypeScript give them: two spaces, at most eighty columns where it can be.

use std::fmt::Write as _;

/// How wide a line may be.
const WIDTH: usize = 80;

/// A type, as far as it is written here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ts {
    /// Written as it is.
    Word(String),
    /// A text that is the only value.
    Text(String),
    /// `T[]`
    List(Box<Ts>),
    /// `A | B`
    Union(Vec<Ts>),
    /// `A & B`
    Both(Box<Ts>, Box<Ts>),
    /// `Name<A, B>`
    Of(&'static str, Vec<Ts>),
    /// `[A, B]`
    Tuple(Vec<Ts>),
    /// `{ a: A }`; `tall`: on lines of its own whatever its width.
    Object { fields: Vec<Field>, tall: bool },
}

/// A property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// As it is written, with quotes if it needs them.
    pub key: String,
    pub optional: bool,
    pub ty: Ts,
}

impl Ts {
    pub(crate) fn word(text: impl Into<String>) -> Self {
        Ts::Word(text.into())
    }

    pub(crate) fn list(self) -> Self {
        Ts::List(Box::new(self))
    }

    /// The type or null.
    pub(crate) fn or_null(self) -> Self {
        match self {
            Ts::Union(mut all) => {
                all.push(Ts::word("null"));
                Ts::Union(all)
            }
            other => Ts::Union(vec![other, Ts::word("null")]),
        }
    }

    /// An object on lines of its own.
    pub(crate) fn tall(fields: Vec<Field>) -> Self {
        Ts::Object { fields, tall: true }
    }

    /// An object on one line, if it fits.
    pub(crate) fn flat(fields: Vec<Field>) -> Self {
        Ts::Object { fields, tall: false }
    }
}

impl Field {
    pub(crate) fn new(name: &str, ty: Ts) -> Self {
        Self { key: key(name), optional: false, ty }
    }

    pub(crate) fn optional(name: &str, optional: bool, ty: Ts) -> Self {
        Self { key: key(name), optional, ty }
    }
}

/// A property's name; in quotes unless it is an identifier.
pub(crate) fn key(name: &str) -> String {
    let begins = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '$') || is_letter(c);
    let plain = name.starts_with(begins) && name.chars().all(|c| begins(c) || c.is_ascii_digit());
    if plain { name.to_owned() } else { text(name) }
}

/// A property's name in an object that is a value: `__proto__` is no property there unless it is worked out.
pub fn member(name: &str) -> String {
    if name == "__proto__" { format!("[{}]", text(name)) } else { key(name) }
}

/// Letters outside of ASCII that surely may stand in an identifier.
fn is_letter(c: char) -> bool {
    matches!(c,
        '\u{c0}'..='\u{24f}' if !matches!(c, '×' | '÷'))
        || matches!(c, 'α'..='ω' | 'Α'..='Ρ' | 'Σ'..='Ω' | 'Ѐ'..='ҁ' | 'Ҋ'..='ԯ' | 'א'..='ת')
        || matches!(c, 'ぁ'..='ゖ' | 'ァ'..='ヺ' | '一'..='鿿' | '가'..='힣')
}

/// A text in quotes: double ones, unless single ones have to be escaped less often.
pub fn text(value: &str) -> String {
    let count = |quote: char| value.chars().filter(|c| *c == quote).count();
    quoted(value, if count('"') > count('\'') { '\'' } else { '"' })
}

/// A text as JSON has it.
pub fn json(value: &str) -> String {
    quoted(value, '"')
}

fn quoted(value: &str, quote: char) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push(quote);
    for c in value.chars() {
        match c {
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            // The last two end a line in older readers.
            c if c < ' ' || matches!(c, '\u{7f}' | '\u{2028}' | '\u{2029}') => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// The type on one line; none where it cannot be.
fn line(ty: &Ts) -> Option<String> {
    let all =
        |list: &[Ts], between: &str| list.iter().map(line).collect::<Option<Vec<_>>>().map(|lines| lines.join(between));
    Some(match ty {
        Ts::Word(word) => word.clone(),
        Ts::Text(value) => text(value),
        Ts::List(inner) => match &**inner {
            Ts::Union(_) | Ts::Both(..) => format!("({})[]", line(inner)?),
            _ => format!("{}[]", line(inner)?),
        },
        Ts::Union(list) => all(list, " | ")?,
        Ts::Both(a, b) => format!("{} & {}", line(a)?, line(b)?),
        Ts::Of(name, args) => format!("{name}<{}>", all(args, ", ")?),
        Ts::Tuple(items) => format!("[{}]", all(items, ", ")?),
        Ts::Object { fields, .. } if fields.is_empty() => "{}".to_owned(),
        Ts::Object { tall: true, .. } => return None,
        Ts::Object { fields, .. } => {
            let field = |field: &Field| Some(format!("{}: {}", named(field), line(&field.ty)?));
            format!("{{ {} }}", fields.iter().map(field).collect::<Option<Vec<_>>>()?.join("; "))
        }
    })
}

fn named(field: &Field) -> String {
    format!("{}{}", field.key, if field.optional { "?" } else { "" })
}

fn indent(out: &mut String, depth: usize) {
    out.extend(std::iter::repeat_n("  ", depth));
}

fn column(out: &str) -> usize {
    let last = out.rfind('\n').map_or(0, |at| at + 1);
    out[last..].chars().count()
}

/// Writes a type behind what stands in the line already; `depth` is the line's indentation, `after` what follows it there.
pub(crate) fn write(out: &mut String, ty: &Ts, depth: usize, after: usize) {
    if let Some(line) = line(ty)
        && column(out) + line.chars().count() + after <= WIDTH
    {
        return out.push_str(&line);
    }
    match ty {
        Ts::Word(word) => out.push_str(word),
        Ts::Text(value) => out.push_str(&text(value)),
        Ts::List(inner) => {
            let several = matches!(**inner, Ts::Union(_) | Ts::Both(..));
            out.push_str(if several { "(" } else { "" });
            write(out, inner, depth, after + 2);
            out.push_str(if several { ")[]" } else { "[]" });
        }
        Ts::Union(list) => {
            // An object or null hugs the object.
            if let [object @ Ts::Object { .. }, Ts::Word(null)] = &list[..] {
                write(out, object, depth, after + 3 + null.len());
                out.push_str(" | ");
                return out.push_str(null);
            }
            for one in list {
                out.push('\n');
                indent(out, depth + 1);
                out.push_str("| ");
                write(out, one, depth + 2, after);
            }
        }
        Ts::Both(a, b) => {
            match &**a {
                Ts::Object { fields, .. } => write(out, &Ts::tall(fields.clone()), depth, after),
                other => write(out, other, depth, after),
            }
            out.push_str(" & ");
            write(out, b, depth, after);
        }
        Ts::Of(name, args) => {
            out.push_str(name);
            out.push('<');
            each(out, args, depth, ",", false);
            out.push('>');
        }
        Ts::Tuple(items) => {
            out.push('[');
            each(out, items, depth, ",", true);
            out.push(']');
        }
        Ts::Object { fields, .. } => {
            out.push('{');
            for field in fields {
                out.push('\n');
                indent(out, depth + 1);
                property(out, field, depth + 1, 0);
            }
            out.push('\n');
            indent(out, depth);
            out.push('}');
        }
    }
}

fn each(out: &mut String, items: &[Ts], depth: usize, between: &str, last: bool) {
    for (at, item) in items.iter().enumerate() {
        out.push('\n');
        indent(out, depth + 1);
        write(out, item, depth + 1, 1);
        if last || at + 1 < items.len() {
            out.push_str(between);
        }
    }
    out.push('\n');
    indent(out, depth);
}

/// Writes a property, whose line is indented already; `after` is the width of what follows it there.
pub(crate) fn property(out: &mut String, field: &Field, depth: usize, after: usize) {
    out.push_str(&named(field));
    out.push(':');
    let before = out.len();
    out.push(' ');
    write(out, &field.ty, depth, after);
    // A union of several lines begins on the next one.
    if out[before..].starts_with(" \n") {
        out.remove(before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_identifier_stands_in_quotes() {
        assert_eq!(key("plain_1"), "plain_1");
        assert_eq!(key("1st"), "\"1st\"");
        assert_eq!(key("ünï_日本1"), "ünï_日本1");
        assert_eq!(key("²"), "\"²\"");
        assert_eq!(key("with \"quote\"\n"), "'with \"quote\"\\n'");
        assert_eq!(text("it's \"odd\""), "'it\\'s \"odd\"'");
        assert_eq!(key(""), "\"\"");
        assert_eq!(text("\u{2028}\u{1}"), "\"\\u2028\\u0001\"");
    }

    #[test]
    fn what_is_too_wide_is_on_several_lines() {
        let labels = ["a very long label", "another very long label", "a third very long label", "and a fourth"];
        let union = Ts::Union(labels.iter().map(|label| Ts::Text((*label).to_owned())).collect());
        let mut out = String::from("  ");
        property(&mut out, &Field::new("state", union), 1, 0);
        let lines: Vec<_> = out.lines().collect();
        assert_eq!(lines[0], "  state:");
        assert_eq!(lines[1], "    | \"a very long label\"");
        assert_eq!(lines.len(), 5);
    }
}
