//! Small pieces of Markdown and English.

use specc_model::{Base, Model, Qualified, RuleAction, Type};
use std::borrow::Cow;
use std::fmt::Write;

/// `text` on one line: every run of white space becomes a space.
pub fn line(text: &str) -> Cow<'_, str> {
    let is_broken = |pair: &[u8]| pair == b"  " || matches!(pair[0], b'\n' | b'\t' | b'\r');
    let bytes = text.as_bytes();
    if bytes.windows(2).any(is_broken) || bytes.last().is_some_and(|last| is_broken(&[*last])) {
        let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Cow::Owned(if text.contains('\n') { joined.replace("( ", "(").replace(" )", ")") } else { joined })
    } else {
        Cow::Borrowed(text)
    }
}

/// `text` as inline code, on one line.
pub fn code(text: &str) -> String {
    let text = line(text);
    if text.is_empty() {
        return String::new();
    }
    if !text.contains('`') {
        return ["`", &text, "`"].concat();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let ticks = "`".repeat(longest + 1);
    format!("{ticks} {text} {ticks}")
}

/// A name as plain Markdown, on one line: nothing in it is taken for markup.
pub fn plain(name: &str) -> Cow<'_, str> {
    let is_markup = |c: char| matches!(c, '\\' | '`' | '*' | '[' | ']' | '<' | '&' | '|' | '~' | '#' | '$');
    let name = line(name);
    // Between letters it is none.
    let inner = |at: usize| {
        let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let (before, after) = (name[..at].trim_end_matches('_'), name[at..].trim_start_matches('_'));
        is_letter(before.chars().next_back()) && is_letter(after.chars().next())
    };
    let is_marked = |(at, c): (usize, char)| is_markup(c) || c == '_' && !inner(at);
    if !name.char_indices().any(is_marked) {
        return name;
    }
    let mut out = String::with_capacity(name.len() + 8);
    for (at, c) in name.char_indices() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            _ if is_marked((at, c)) => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// What an author wrote as Markdown, without what could do more than show text: no HTML, and links only to the web, to mail
/// and to other pages.
pub fn prose(text: &str) -> Cow<'_, str> {
    if !text.contains(['<', '`', ']', '~']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find(['<', '`', ']', '~', '\\']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let next = rest[1..].chars().next();
        let took = match (&rest[..1], next) {
            ("<", _) => {
                out.push_str("&lt;");
                1
            }
            // Three begin a block of code, which goes on to the end of the page.
            ("~", _) => {
                out.push_str(if rest.starts_with("~~~") { "\\~" } else { "~" });
                1
            }
            ("\\", Some(c)) if c != '<' => {
                out.extend(['\\', c]);
                1 + c.len_utf8()
            }
            ("\\", _) => 1,
            // In a table, a pipe ends the span.
            ("`", _) => match code_span(rest).filter(|length| !rest[..*length].contains('|')) {
                Some(length) => {
                    out.push_str(&rest[..length]);
                    length
                }
                None => {
                    let ticks = rest.len() - rest.trim_start_matches('`').len();
                    out.push_str(&"\\`".repeat(ticks));
                    ticks
                }
            },
            (_, Some(':')) => {
                out.push_str("\\]");
                1
            }
            (_, Some('(')) if !is_harmless(&rest[2..]) => {
                out.push_str("\\]");
                1
            }
            _ => {
                out.push(']');
                1
            }
        };
        rest = &rest[took..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// [`prose`] on one line: a title of several lines begins nothing else.
pub fn title(text: &str) -> String {
    prose(&line(text)).into_owned()
}

/// The length of the code span that the text begins with, on one line.
fn code_span(text: &str) -> Option<usize> {
    let ticks = text.len() - text.trim_start_matches('`').len();
    let mut from = ticks;
    while let Some(at) = text[from..].find('`') {
        let start = from + at;
        let run = text[start..].len() - text[start..].trim_start_matches('`').len();
        if text[ticks..start].contains('\n') {
            return None;
        }
        if run == ticks {
            return Some(start + run);
        }
        from = start + run;
    }
    None
}

/// Whether the target of a link, which the text begins with, is a page, an address on the web or a mail address.
fn is_harmless(target: &str) -> bool {
    let target = target.split([')', ' ', '\n', '\t']).next().unwrap_or_default();
    let known = ["http://", "https://", "mailto:"];
    known.iter().any(|scheme| target.starts_with(scheme))
        || (!target.is_empty() && !target.contains([':', '&', '\\', '<', '%']))
}

/// Markdown for a cell of a table: on one line, with its pipes escaped.
pub fn cell(markdown: &str) -> Cow<'_, str> {
    let text = line(markdown);
    if text.contains('|') { text.replace('|', "\\|").into() } else { text }
}

/// Adds a row of a table.
pub fn row<S: AsRef<str>>(out: &mut String, cells: impl IntoIterator<Item = S>) {
    out.push('|');
    for text in cells {
        let text = cell(text.as_ref());
        if !text.is_empty() {
            out.push(' ');
        }
        out.push_str(&text);
        out.push_str(" |");
    }
    out.push('\n');
}

/// Adds the head of a table.
pub fn head<S: AsRef<str>>(out: &mut String, names: &[S]) {
    row(out, names);
    out.push('|');
    names.iter().for_each(|_| out.push_str("---|"));
    out.push('\n');
}

/// `3 rows`, `1 row`, `0 entities`
pub fn count(n: usize, one: &str, many: &str) -> String {
    let digits = n.to_string();
    let mut number = String::new();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            number.push(',');
        }
        number.push(digit);
    }
    format!("{number} {}", if n == 1 { one } else { many })
}

/// `a`, `a and b`, `a, b and c`
pub fn and<S: AsRef<str>>(items: &[S]) -> String {
    join(items, "and")
}

/// Joined by commas, and by `word` before the last.
pub fn join<S: AsRef<str>>(items: &[S], word: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(AsRef::as_ref).collect();
            format!("{} {word} {}", most.join(", "), last.as_ref())
        }
    }
}

/// The text of a doc comment as one paragraph, with a period at its end.
pub fn sentence(doc: &str) -> String {
    let text = line(doc.trim());
    let text = prose(&text);
    let mut out = String::with_capacity(text.len() + 1);
    let mut chars = text.chars();
    if let Some(first) = chars.next() {
        out.extend(first.to_uppercase());
        out.push_str(chars.as_str());
        if !out.ends_with(['.', '!', '?', ':', '`']) {
            out.push('.');
        }
    }
    out
}

/// `name`, with its schema where that is not the default one.
pub fn short(model: &Model, name: &Qualified) -> String {
    if name.schema.is_empty() || name.schema == model.options.default_schema {
        name.name.to_string()
    } else {
        format!("{}.{}", name.schema, name.name)
    }
}

/// `numeric(12,2)`, `text[]`, `event_status`
pub fn ty(model: &Model, ty: &Type) -> String {
    let mut out = match &ty.base {
        Base::Builtin(name) => name.to_string(),
        Base::Enum(id) => short(model, &model.enums[id.0 as usize].name),
        Base::Domain(id) => short(model, &model.domains[id.0 as usize].name),
        Base::Composite(id) => short(model, &model.composites[id.0 as usize].name),
        Base::Row(id) => short(model, &model.entity(*id).name),
        Base::Named(name) => short(model, name),
        Base::Unknown => "unknown".to_owned(),
    };
    if !ty.args.is_empty() {
        let args: Vec<String> = ty.args.iter().map(i64::to_string).collect();
        let _ = write!(out, "({})", args.join(","));
    }
    (0..ty.dims).for_each(|_| out.push_str("[]"));
    out
}

/// What an action is called in plain words.
pub fn verb(action: RuleAction) -> &'static str {
    match action {
        RuleAction::Select => "read",
        RuleAction::Insert => "add",
        RuleAction::Update => "change",
        RuleAction::Delete => "delete",
    }
}

/// `text` cut to so many characters.
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some(_) => {
            let kept: String = text.chars().take(most - 1).collect();
            Cow::Owned(format!("{}…", kept.trim_end()))
        }
        None => Cow::Borrowed(text),
    }
}

/// Letters, digits and `_` only, and no digit first: safe as a name in Mermaid and in a path.
pub fn word(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => out.push(c),
            _ if out.ends_with('_') => {}
            _ => out.push('_'),
        }
    }
    let out = out.trim_end_matches('_');
    match out.chars().next() {
        Some('0'..='9') => format!("n{out}"),
        Some(_) => out.to_owned(),
        None => "unnamed".to_owned(),
    }
}

/// A name for a file: as it is where it is plain.
pub fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') { c } else { '-' };
    let out: String = name.chars().map(plain).collect();
    if out.trim_matches(['.', '-']).is_empty() { "unnamed".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_stays_in_its_table() {
        assert_eq!(cell("`a || b`\nand more"), "`a \\|\\| b` and more");
        assert_eq!(code("a `b` c"), "`` a `b` c ``");
        let mut out = String::new();
        row(&mut out, ["a", "", "c|d"]);
        assert_eq!(out, "| a | | c\\|d |\n");
    }

    #[test]
    fn a_title_stays_a_title() {
        assert_eq!(prose("~~~ a ~~b~~"), "\\~~~ a ~~b~~");
        assert_eq!(title("one\n# two\n```mermaid\n<b>"), "one # two \\`\\`\\`mermaid &lt;b>");
    }

    #[test]
    fn a_name_is_no_markup() {
        assert_eq!(plain("a_b__c"), "a_b__c");
        assert_eq!(plain("__x_y_ *z*"), "\\_\\_x_y\\_ \\*z\\*");
    }

    #[test]
    fn words_read_as_english() {
        assert_eq!(count(1, "row", "rows"), "1 row");
        assert_eq!(count(12_345, "row", "rows"), "12,345 rows");
        assert_eq!(and(&["a", "b", "c"]), "a, b and c");
        assert_eq!(sentence("not visible\n yet"), "Not visible yet.");
        assert_eq!(word("numeric(12,2)"), "numeric_12_2");
        assert_eq!(word("3 d"), "n3_d");
        assert_eq!(cut("abcdef", 4), "abc…");
    }
}
