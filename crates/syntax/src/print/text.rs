//! Names, types, expressions and lists as text.

use super::Printer;
use crate::ast::*;

/// A name, quoted where it has to be.
pub(super) fn name(name: &Name) -> String {
    word(&name.text)
}

/// A name that must not be read as one of `not`.
pub(super) fn name_but(name: &Name, not: &[&str]) -> String {
    if not.contains(&name.text.as_str()) { quote(&name.text) } else { word(&name.text) }
}

pub(super) fn word(text: &str) -> String {
    if is_word(text) { text.to_owned() } else { quote(text) }
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Whether `text` reads as a name without quotes: `events`, `$param`.
pub(super) fn is_word(text: &str) -> bool {
    let (rest, dollars) = match text.strip_prefix('$') {
        Some(rest) => (rest, false),
        None => (text, true),
    };
    let mut chars = rest.chars();
    let first = chars.next().is_some_and(|c| c == '_' || pest::unicode::XID_START(c));
    first && chars.all(|c| pest::unicode::XID_CONTINUE(c) || (dollars && c == '$'))
}

/// A label or a rule's name: a word or a text in single quotes.
pub(super) fn label(name: &Name) -> String {
    if is_word(&name.text) { name.text.to_string() } else { string(&name.text) }
}

pub(super) fn string(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

pub(super) fn qname(q: &QName) -> String {
    qname_but(q, &[])
}

pub(super) fn qname_but(q: &QName, not: &[&str]) -> String {
    match &q.schema {
        Some(schema) => format!("{}.{}", name(schema), name(&q.name)),
        None => name_but(&q.name, not),
    }
}

pub(super) fn names(list: &[Name]) -> String {
    join(list, name)
}

pub(super) fn qnames(list: &[QName]) -> String {
    join(list, qname)
}

pub(super) fn join<T>(list: &[T], show: impl FnMut(&T) -> String) -> String {
    list.iter().map(show).collect::<Vec<_>>().join(", ")
}

/// A name at the start of a line, where `and` and `or` would go on with the expression of the line before.
pub(super) fn line_start(text: String, quote: char) -> String {
    let (first, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    if ["and", "or"].iter().any(|w| first.eq_ignore_ascii_case(w)) {
        format!("{quote}{first}{quote}{rest}")
    } else {
        text
    }
}

/// `(a, b)`
pub(super) fn columns(list: &[Name]) -> String {
    format!("({})", names(list))
}

pub(super) fn type_ref(ty: &TypeRef) -> String {
    type_ref_but(ty, &[])
}

pub(super) fn type_ref_but(ty: &TypeRef, not: &[&str]) -> String {
    let args = match ty.args.as_slice() {
        [] => String::new(),
        args => format!("({})", join(args, ToString::to_string)),
    };
    let plain = ty.name.schema.is_none().then_some(ty.name.name.text.as_str()).filter(|t| is_several_words(t));
    let mut out = match plain.map(|t| (t, t.split_once(' '))) {
        // the arguments of `timestamp(3) with time zone` stand in the middle
        Some((_, Some((first, rest)))) if rest.ends_with("time zone") => format!("{first}{args} {rest}"),
        Some((all, _)) => format!("{all}{args}"),
        None => qname_but(&ty.name, not) + &args,
    };
    out.push_str(&"[]".repeat(ty.dims as usize));
    if ty.nullable {
        out.push('?');
    }
    out
}

/// A built-in type of several words, which is written without quotes.
fn is_several_words(text: &str) -> bool {
    text.contains(' ') && specc_facts::canonical_type(text).is_some()
}

pub(super) fn setting(s: &Setting) -> String {
    let value = if s.quoted { string(&s.value) } else { s.value.to_string() };
    format!("{} = {value}", s.name.text)
}

/// `start 10`, `cycle`
pub(super) fn counting(s: &Setting) -> String {
    match (s.quoted, s.value.as_str()) {
        (true, value) => format!("{} {}", s.name.text, string(value)),
        (false, "true") => s.name.text.to_string(),
        (false, value) => format!("{} {value}", s.name.text),
    }
}

pub(super) fn settings(list: &[Setting]) -> String {
    format!("with ({})", join(list, setting))
}

/// `$$ … $$`, with a tag where the text needs one.
pub(super) fn body(body: &SqlBody) -> String {
    let mut tag = body.tag.to_string();
    while body.text.contains(&format!("${tag}$")) || (body.text.ends_with('$') && tag.is_empty()) {
        tag.push_str("body");
    }
    format!("${tag}${}${tag}$", body.text)
}

pub(super) fn action(a: &PolicyAction) -> String {
    match a.columns.as_slice() {
        [] => a.action.text.to_string(),
        list => format!("{} {}", a.action.text, columns(list)),
    }
}

/// ` was old`, with the space, or nothing.
pub(super) fn was(old: &Option<Name>) -> String {
    old.as_ref().map_or(String::new(), |old| format!(" was {}", name(old)))
}

/// ` was old` or ` was payments.old`, with the space, or nothing.
pub(super) fn moved(old: &Option<QName>) -> String {
    old.as_ref().map_or(String::new(), |old| format!(" was {}", qname(old)))
}

pub(super) fn collate(collation: &Option<QName>) -> String {
    collation.as_ref().map_or(String::new(), |c| format!(" collate {}", collation_name(c)))
}

/// `"C"` is how everybody writes it.
pub(super) fn collation_name(c: &QName) -> String {
    if c.schema.is_none() && c.name.text.chars().any(char::is_uppercase) { quote(&c.name.text) } else { qname(c) }
}

impl Printer<'_> {
    pub(super) fn exprs(&mut self, list: &[RawExpr]) -> String {
        join(list, |e| self.expr(e))
    }

    /// `(expr)`
    pub(super) fn in_brackets(&mut self, expr: &RawExpr) -> String {
        let text = self.expr(expr);
        // a line comment must not swallow the bracket
        let ends_in_comment = text.rsplit('\n').next().is_some_and(|l| l.contains("//") || l.contains("--"));
        if ends_in_comment { format!("({text}\n)") } else { format!("({text})") }
    }

    pub(super) fn element(&mut self, e: &IndexElement) -> String {
        let text = self.expr(&e.expr);
        let mut out = if e.is_column {
            if text.starts_with('"') { text } else { word(&text) }
        } else if is_call(&text) {
            text
        } else {
            format!("({text})")
        };
        out.push_str(&collate(&e.collate));
        if let Some(class) = &e.opclass {
            let not = ["asc", "desc", "nulls", "with", "collate", "else", "promote"];
            out.push(' ');
            out.push_str(&qname_but(class, &not));
        }
        if e.desc {
            out.push_str(" desc");
        }
        match e.nulls_first {
            Some(true) => out.push_str(" nulls first"),
            Some(false) => out.push_str(" nulls last"),
            None => {}
        }
        out
    }

    pub(super) fn elements(&mut self, list: &[IndexElement]) -> String {
        join(list, |e| self.element(e))
    }
}

/// Whether the text is one call of a function: `lower(email)`.
fn is_call(text: &str) -> bool {
    let Some(open) = text.find('(') else { return false };
    let head = text[..open].trim_end();
    if head.is_empty()
        || !head
            .split('.')
            .all(|part| is_word(part) || (part.len() > 2 && part.starts_with('"') && part.ends_with('"')))
    {
        return false;
    }
    let (mut depth, mut quote) = (0usize, None);
    for (at, byte) in text.bytes().enumerate().skip(open) {
        match (quote, byte) {
            (Some(q), b) if q == b => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(' | b'[') => depth += 1,
            (None, b')' | b']') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1 == text.len();
                }
            }
            _ => {}
        }
    }
    false
}
