//! Literals that are made of others: arrays, ranges and lists of ranges.

use super::read_literal;
use crate::types::type_info;

/// Reads `value` as an array; what `one` says of an item is said of the whole.
pub(super) fn array(value: &str, name: &str, one: &mut dyn FnMut(&str) -> Result<(), String>) -> Result<(), String> {
    let text = value.trim();
    let written = || Err(format!("an array is written `'{{…}}'` or `array[…]`; for one element, `'{{{text}}}'`"));
    // `[0:1]={a,b}` says where it begins.
    let body = match text.split_once('=') {
        Some((bounds, rest)) if bounds.trim_start().starts_with('[') => rest.trim_start(),
        _ => text,
    };
    if !body.starts_with('{') || !body.ends_with('}') {
        return written();
    }
    let between = if name == "box" { ';' } else { ',' };
    let mut reader = Items { text: body, at: 0, between, depth: 0 };
    reader.list(one)?;
    if reader.at == body.len() { Ok(()) } else { Err("something stands behind the `}` of this array".to_owned()) }
}

struct Items<'t> {
    text: &'t str,
    at: usize,
    between: char,
    depth: usize,
}

impl Items<'_> {
    fn space(&mut self) {
        self.at += self.text[self.at..].len() - self.text[self.at..].trim_start().len();
    }

    fn next(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    /// From `{` to behind the `}` that closes it.
    fn list(&mut self, one: &mut dyn FnMut(&str) -> Result<(), String>) -> Result<(), String> {
        self.at += 1;
        self.depth += 1;
        self.space();
        if self.depth == 1 && self.next() == Some('}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.space();
            match self.next() {
                Some('{') if self.depth < 7 => self.list(one)?,
                Some('"') => {
                    let item = self.quoted().ok_or("a `\"` in this array is never closed")?;
                    one(&item)?;
                }
                _ => {
                    let item = self.plain();
                    if item.is_empty() {
                        return Err("an item of this array is missing; an empty one is `\"\"`".to_owned());
                    }
                    if !item.eq_ignore_ascii_case("null") {
                        one(&item)?;
                    }
                }
            }
            self.space();
            match self.next() {
                Some(c) if c == self.between => self.at += 1,
                Some('}') => {
                    self.at += 1;
                    self.depth -= 1;
                    return Ok(());
                }
                _ => return Err(format!("items of an array stand between `{}`", self.between)),
            }
        }
    }

    /// What stands between double quotes, without them and without escapes.
    fn quoted(&mut self) -> Option<String> {
        let mut item = String::new();
        let mut chars = self.text[self.at + 1..].char_indices();
        while let Some((n, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += n + 2;
                    return Some(item);
                }
                '\\' => item.push(chars.next()?.1),
                c => item.push(c),
            }
        }
        None
    }

    fn plain(&mut self) -> String {
        let mut item = String::new();
        let mut chars = self.text[self.at..].chars();
        let mut used = 0;
        while let Some(c) = chars.next() {
            if c == self.between || matches!(c, '{' | '}' | '"') {
                break;
            }
            used += c.len_utf8();
            match (c, c == '\\') {
                (_, true) => {
                    if let Some(c) = chars.next() {
                        used += c.len_utf8();
                        item.push(c);
                    }
                }
                (c, _) => item.push(c),
            }
        }
        self.at += used;
        item.trim_end().to_owned()
    }
}

/// Reads `text` as a range of this type.
pub(super) fn range(text: &str, name: &str) -> Result<(), String> {
    if text.eq_ignore_ascii_case("empty") {
        return Ok(());
    }
    let written = || Err("a range is written `'[from,to)'`".to_owned());
    let inner = text.strip_prefix(['[', '(']).and_then(|rest| rest.strip_suffix([']', ')']));
    let Some((low, high)) = inner.and_then(two_bounds) else { return written() };
    let Some(of) = type_info(name).and_then(|info| info.element).map(|element| element.name) else { return Ok(()) };
    for bound in [&low, &high].into_iter().flatten() {
        if let Err(help) = read_literal(bound, of, false) {
            return Err(format!("both bounds are values of `{of}`: {help}"));
        }
    }
    match (low, high) {
        (Some(low), Some(high)) if is_after(&low, &high, of) => Err("the lower bound comes first".to_owned()),
        _ => Ok(()),
    }
}

/// A bound of a range; none for one that is open.
type Bound = Option<String>;

/// The two bounds; none where they are not written so.
fn two_bounds(inner: &str) -> Option<(Bound, Bound)> {
    let mut bounds: Vec<Bound> = vec![None];
    let mut quoted = false;
    let mut chars = inner.chars().peekable();
    while let Some(c) = chars.next() {
        let last = bounds.len() - 1;
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                bounds[last].get_or_insert_default().push('"');
            }
            '"' => {
                quoted = !quoted;
                bounds[last].get_or_insert_default();
            }
            ',' if !quoted => bounds.push(None),
            '\\' => bounds[last].get_or_insert_default().push(chars.next()?),
            '(' | ')' | '[' | ']' if !quoted => return None,
            c => bounds[last].get_or_insert_default().push(c),
        }
    }
    match (<[Bound; 2]>::try_from(bounds), quoted) {
        (Ok([low, high]), false) => Some((low, high)),
        _ => None,
    }
}

/// Whether the first of two values is the later one, where both are written plainly.
fn is_after(low: &str, high: &str, of: &str) -> bool {
    let (low, high) = (low.trim(), high.trim());
    match of {
        "int" | "bigint" | "numeric" => match (low.parse::<f64>(), high.parse::<f64>()) {
            (Ok(low), Ok(high)) => low > high,
            _ => false,
        },
        "date" | "timestamp" | "timestamptz" => {
            // `2026-01-31 18:30` is in the order of its letters.
            let plain = |text: &str| {
                text.len() >= 10
                    && text.bytes().enumerate().all(|(at, b)| match at {
                        4 | 7 => b == b'-',
                        10 => b == b' ' || b == b'T',
                        13 | 16 => b == b':',
                        _ => b.is_ascii_digit(),
                    })
            };
            low.len() == high.len() && plain(low) && plain(high) && low.replace('T', " ") > high.replace('T', " ")
        }
        _ => false,
    }
}

/// Reads `text` as a list of ranges: `{[1,2),[5,6)}`.
pub(super) fn ranges(text: &str, name: &str) -> Result<(), String> {
    let written = || Err("a multirange is written `'{[from,to),[from,to)}'`".to_owned());
    let Some(inner) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else { return written() };
    if inner.trim().is_empty() {
        return Ok(());
    }
    let one = name.replace("multirange", "range");
    let (mut depth, mut quoted, mut start) = (0usize, false, 0);
    let mut parts = Vec::new();
    let mut escaped = false;
    for (at, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '[' | '(' => depth += 1,
            ']' | ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&inner[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if depth > 0 || quoted {
        return written();
    }
    parts.push(&inner[start..]);
    parts.into_iter().try_for_each(|part| range(part.trim(), &one))
}
