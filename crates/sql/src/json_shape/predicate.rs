//! Predicates over SQL/JSON paths, in the words of Postgres: written, and read back.

/// A predicate, as Postgres keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Predicate {
    Or(Box<Predicate>, Box<Predicate>),
    And(Box<Predicate>, Box<Predicate>),
    Not(Box<Predicate>),
    Exists(String),
    /// Whether any of what a path leads to is so.
    Any(String, Box<Predicate>),
    /// A path and what something that it leads to is equal to, as written.
    Is(String, String),
    /// A path and what something that it leads to is not equal to.
    Differs(String, String),
}

use Predicate::{And, Any, Differs, Exists, Is, Not, Or};

impl Predicate {
    fn rank(&self) -> u8 {
        match self {
            Or(..) => 0,
            And(..) => 1,
            _ => 2,
        }
    }

    pub(super) fn print(&self, out: &mut String, brackets: bool) {
        match self {
            Or(a, b) | And(a, b) => {
                out.push_str(if brackets { "(" } else { "" });
                a.print(out, a.rank() <= self.rank());
                out.push_str(if self.rank() == 0 { " || " } else { " && " });
                b.print(out, b.rank() <= self.rank());
                out.push_str(if brackets { ")" } else { "" });
            }
            Not(inner) => {
                out.push_str("!(");
                inner.print(out, false);
                out.push(')');
            }
            Exists(path) => out.push_str(&format!("exists ({path})")),
            Any(path, filter) => {
                out.push_str(&format!("exists ({path}?("));
                filter.print(out, false);
                out.push_str("))");
            }
            // A comparison binds closer than all that it stands in.
            Is(path, value) => out.push_str(&format!("{path} == {value}")),
            Differs(path, value) => out.push_str(&format!("{path} != {value}")),
        }
    }
}

/// A text as a path has it.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The inverse; none for what is not one such text.
pub(super) fn unquoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut out = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return None,
            '\\' => match chars.next()? {
                'b' => out.push('\u{8}'),
                'f' => out.push('\u{c}'),
                'n' => out.push('\n'),
                'r' => out.push('\r'),
                't' => out.push('\t'),
                'u' => {
                    let digits: String = chars.by_ref().take(4).collect();
                    out.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
                }
                other => out.push(other),
            },
            c => out.push(c),
        }
    }
    Some(out)
}

/// How deep a predicate may be that is read.
const DEEP: usize = 100;

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

/// A predicate that is all of a text.
pub(super) fn read(text: &str) -> Option<Predicate> {
    Reader { text, at: 0 }.whole()
}

impl Reader<'_> {
    fn whole(mut self) -> Option<Predicate> {
        let found = self.or(0)?;
        (self.at == self.text.len()).then_some(found)
    }

    fn takes(&mut self, word: &str) -> bool {
        let is = self.text[self.at..].starts_with(word);
        self.at += if is { word.len() } else { 0 };
        is
    }

    fn or(&mut self, depth: usize) -> Option<Predicate> {
        let mut found = self.and(depth)?;
        while self.takes(" || ") {
            found = Or(Box::new(found), Box::new(self.and(depth)?));
        }
        Some(found)
    }

    fn and(&mut self, depth: usize) -> Option<Predicate> {
        let mut found = self.one(depth)?;
        while self.takes(" && ") {
            found = And(Box::new(found), Box::new(self.one(depth)?));
        }
        Some(found)
    }

    fn one(&mut self, depth: usize) -> Option<Predicate> {
        if depth > DEEP {
            return None;
        }
        if self.takes("!(") {
            let inner = self.or(depth + 1)?;
            return self.takes(")").then(|| Not(Box::new(inner)));
        }
        if self.takes("exists (") {
            let path = self.path()?;
            if self.takes("?(") {
                let filter = self.or(depth + 1)?;
                return self.takes("))").then(|| Any(path, Box::new(filter)));
            }
            return self.takes(")").then_some(Exists(path));
        }
        if self.takes("(") {
            let inner = self.or(depth + 1)?;
            return self.takes(")").then_some(inner);
        }
        let mut path = self.path()?;
        for method in [".type()", ".floor()"] {
            if self.takes(method) {
                path.push_str(method);
            }
        }
        let equal = self.takes(" == ");
        if !equal && !self.takes(" != ") {
            return None;
        }
        let start = self.at;
        let value = if self.text[start..].starts_with('"') { self.string()? } else { self.path()? };
        Some(if equal { Is(path, value) } else { Differs(path, value) })
    }

    /// `$."a"."b"`
    fn path(&mut self) -> Option<String> {
        let start = self.at;
        if !self.takes("$") && !self.takes("@") {
            return None;
        }
        while self.text[self.at..].starts_with(".\"") {
            self.at += 1;
            self.string()?;
        }
        while self.takes("[*]") {}
        Some(self.text[start..self.at].to_owned())
    }

    /// A text with its quotes.
    fn string(&mut self) -> Option<String> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        self.at += 1;
        loop {
            match bytes.get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        self.text.get(start..self.at).map(str::to_owned)
    }
}
