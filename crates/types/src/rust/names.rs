//! Names of the catalog as names of Rust: words that Rust keeps, what is no name at all, and what becomes the same.

use rustc_hash::{FxHashMap, FxHashSet};

/// Words that Rust keeps for itself; `r#` makes a name of them.
const KEPT: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Those of which even `r#` makes no name.
const NEVER: &[&str] = &["self", "super", "crate", "_", ""];

/// Types that the file itself uses.
const USED: &[&str] = &["Self", "Option", "Some", "None", "Ok", "Err", "Result", "Vec", "String", "Box", "Bytes"];

/// Names that are given out once each.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: FxHashSet<String>,
    /// The last number behind a name that was asked for more than once.
    numbers: FxHashMap<String, usize>,
}

impl Names {
    /// For types: without those that the file uses.
    pub(super) fn of_types() -> Self {
        Self { taken: USED.iter().map(|name| (*name).to_owned()).collect(), numbers: FxHashMap::default() }
    }

    /// The name, or that with the first number that makes it another.
    pub(super) fn take(&mut self, name: String) -> String {
        if self.taken.insert(name.clone()) {
            return name;
        }
        let between = if name.starts_with(char::is_uppercase) { "" } else { "_" };
        let number = self.numbers.entry(name.clone()).or_insert(1);
        loop {
            *number += 1;
            let found = format!("{name}{between}{number}");
            if self.taken.insert(found.clone()) {
                return found;
            }
        }
    }

    /// Whether nobody has it yet.
    pub(super) fn is_free(&self, name: &str) -> bool {
        !self.taken.contains(name)
    }
}

/// The words of a name, in lower case: `OrderItems`, `order items` and `order_items` have the same.
fn words(name: &str) -> Vec<String> {
    let (mut all, mut word) = (Vec::new(), String::new());
    let mut before = ' ';
    for c in name.chars() {
        // Letters outside of ASCII may be no part of a name in some version of Unicode.
        let is_part = c.is_ascii_alphanumeric();
        if (!is_part || c.is_ascii_uppercase() && before.is_ascii_lowercase()) && !word.is_empty() {
            all.push(std::mem::take(&mut word));
        }
        if is_part {
            word.push(c.to_ascii_lowercase());
        }
        before = c;
    }
    if !word.is_empty() {
        all.push(word);
    }
    all
}

/// A name for a type, or for a variant.
pub(super) fn pascal(name: &str, otherwise: &str) -> String {
    let capital = |word: String| word[..1].to_ascii_uppercase() + &word[1..];
    let found: String = words(name).into_iter().map(capital).collect();
    match found.chars().next() {
        None => otherwise.to_owned(),
        Some(first) if first.is_ascii_digit() => format!("{otherwise}{found}"),
        Some(_) if found == "Self" => "SelfValue".to_owned(),
        Some(_) => found,
    }
}

/// A name for a field or module, without what makes a name of a kept word.
pub(super) fn snake(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_name = name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit());
    let found = if is_name { name.to_owned() } else { words(name).join("_") };
    match found.chars().next() {
        Some(first) if first.is_ascii_digit() => format!("n{found}"),
        _ if NEVER.contains(&found.as_str()) => {
            format!("{}_", if found == "_" || found.is_empty() { "field" } else { &found })
        }
        _ => found,
    }
}

/// A field or module as it is written.
pub(super) fn written(name: &str) -> String {
    if KEPT.contains(&name) { format!("r#{name}") } else { name.to_owned() }
}

/// Whether a character turns the direction of a line, so that it shows otherwise than it is read.
pub(super) fn turns(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text as a literal.
pub(super) fn literal(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || turns(c) => {
                out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::{Names, literal, pascal, snake, written};

    #[test]
    fn every_name_becomes_one() {
        for (name, ty, field) in [
            ("order_items", "OrderItems", "order_items"),
            ("OrderItems", "OrderItems", "order_items"),
            ("type", "Type", "r#type"),
            ("self", "SelfValue", "self_"),
            ("Self", "SelfValue", "self_"),
            ("crate", "Crate", "crate_"),
            ("1st place", "T1stPlace", "n1st_place"),
            ("日本", "T", "field_"),
            ("", "T", "field_"),
            ("_", "T", "field_"),
            ("a-b", "AB", "a_b"),
            ("__x", "X", "__x"),
            ("gen", "Gen", "r#gen"),
        ] {
            assert_eq!((pascal(name, "T").as_str(), written(&snake(name)).as_str()), (ty, field), "{name}");
        }
        let mut names = Names::of_types();
        assert_eq!(
            ["Option", "Row", "Row", "a", "a"].map(|name| names.take(name.to_owned())),
            ["Option2", "Row", "Row2", "a", "a_2"]
        );
        assert_eq!(literal("a\"\\\n\u{1}é"), "\"a\\\"\\\\\\n\\u{1}é\"");
    }
}
