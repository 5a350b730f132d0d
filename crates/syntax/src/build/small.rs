//! Names, types, expressions and the other small parts.

use super::Cx;
use crate::ast::*;
use crate::grammar::{Pair, Rule};
use smol_str::SmolStr;
use specc_diag::Span;

impl Cx<'_> {
    pub(crate) fn at(&self, pair: &Pair<'_>) -> At {
        let span = pair.as_span();
        self.at_range(span.start() + self.base, span.end() + self.base)
    }

    pub(crate) fn at_range(&self, start: usize, end: usize) -> At {
        At(Span::new(self.file, start, end))
    }

    pub(super) fn name(&self, pair: &Pair<'_>) -> Name {
        Name { text: unquote(pair.as_str()), at: self.at(pair) }
    }

    /// The one name in a pair such as `was old`.
    pub(super) fn inner_name(&self, pair: Pair<'_>) -> Option<Name> {
        pair.into_inner().find(|p| matches!(p.as_rule(), Rule::name | Rule::sname)).map(|p| self.name(&p))
    }

    /// What something was called, in another schema if it says so.
    pub(super) fn moved(&self, pair: Pair<'_>) -> Option<QName> {
        let inner = pair.into_inner().next()?;
        Some(match inner.as_rule() {
            Rule::qname => self.qname(&inner),
            _ => QName { schema: None, name: self.name(&inner) },
        })
    }

    pub(super) fn names(&self, pair: Pair<'_>) -> Vec<Name> {
        pair.into_inner().map(|p| self.name(&p)).collect()
    }

    /// The text of the pair as a name, whatever it is: `on`, `gist`, `no action`.
    pub(super) fn word(&self, pair: &Pair<'_>) -> Name {
        Name { text: words(pair.as_str()), at: self.at(pair) }
    }

    pub(super) fn qname(&self, pair: &Pair<'_>) -> QName {
        let start = pair.as_span().start() + self.base;
        let parts = split_dots(pair.as_str());
        let name = |(from, part): &(usize, &str)| Name {
            text: unquote(part),
            at: self.at_range(start + from, start + from + part.len()),
        };
        match parts.as_slice() {
            [schema, rest, ..] => QName { schema: Some(name(schema)), name: name(rest) },
            [one] => QName { schema: None, name: name(one) },
            [] => QName { schema: None, name: self.name(pair) },
        }
    }

    /// The one qualified name in a pair such as `collate "C"`.
    pub(super) fn inner_qname(&self, pair: Pair<'_>) -> Option<QName> {
        pair.into_inner().find(|p| p.as_rule() == Rule::qname).map(|p| self.qname(&p))
    }

    pub(super) fn qnames(&self, pair: Pair<'_>) -> Vec<QName> {
        pair.into_inner().map(|p| self.qname(&p)).collect()
    }

    pub(super) fn str(&self, pair: &Pair<'_>) -> StrLit {
        StrLit { value: unquote(pair.as_str()), at: self.at(pair) }
    }

    pub(super) fn inner_str(&self, pair: Pair<'_>) -> Option<StrLit> {
        pair.into_inner().find(|p| p.as_rule() == Rule::str).map(|p| self.str(&p))
    }

    /// The expression in a pair, trimmed.
    pub(super) fn expr(&self, pair: &Pair<'_>) -> RawExpr {
        let start = pair.as_span().start() + self.base;
        self.expr_in(pair.as_str(), start)
    }

    /// The expression inside the pair's brackets.
    pub(super) fn bracketed(&self, pair: &Pair<'_>) -> RawExpr {
        let text = pair.as_str();
        let start = pair.as_span().start() + self.base;
        match text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
            Some(inner) => self.expr_in(inner, start + 1),
            None => self.expr_in(text, start),
        }
    }

    /// What stands between the pair's braces.
    pub(super) fn braced(&self, pair: &Pair<'_>) -> RawExpr {
        let text = pair.as_str();
        let start = pair.as_span().start() + self.base;
        match text.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
            Some(inner) => self.expr_in(inner, start + 1),
            None => self.expr_in(text, start),
        }
    }

    /// The first expression among the pair's children.
    pub(super) fn inner_expr(&self, pair: Pair<'_>) -> Option<RawExpr> {
        pair.into_inner().find_map(|p| match p.as_rule() {
            Rule::x_round => Some(self.bracketed(&p)),
            Rule::x_line
            | Rule::x_flow
            | Rule::x_default
            | Rule::x_check
            | Rule::x_where
            | Rule::x_policy
            | Rule::x_promise
            | Rule::x_limit
            | Rule::x_inside => Some(self.expr(&p)),
            _ => None,
        })
    }

    /// The text at `start`, trimmed. Comments in it are spaces, so every offset in it holds.
    fn expr_in(&self, text: &str, start: usize) -> RawExpr {
        let trimmed = text.trim_ascii_start();
        let start = start + text.len() - trimmed.len();
        let trimmed = trimmed.trim_ascii_end();
        let at = self.at_range(start, start + trimmed.len());
        let deep = self.scan.deep.partition_point(|(from, _)| *from < start);
        if self.scan.deep.get(deep).is_some_and(|(from, _)| *from < start + trimmed.len()) {
            // whole: without what is left out it would be wrong in another way
            return RawExpr { text: self.scan.original[start..start + trimmed.len()].into(), at };
        }
        if trimmed.contains("__") || trimmed.contains("$$") {
            return RawExpr { text: self.verbatim(trimmed, start).into(), at };
        }
        RawExpr { text: trimmed.into(), at }
    }

    /// Puts back what the scan hid inside an expression.
    fn verbatim(&self, text: &str, start: usize) -> String {
        let mut bytes = text.as_bytes().to_vec();
        let ranges = &self.scan.verbatim;
        let first = ranges.partition_point(|(from, _)| *from < start);
        for &(from, to) in ranges[first..].iter().take_while(|(_, to)| *to <= start + text.len()) {
            bytes[from - start..to - start].copy_from_slice(&self.scan.original.as_bytes()[from..to]);
        }
        // the ranges start and end at ASCII characters, so this stays UTF-8
        String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
    }

    /// The text under the pair as written.
    pub(super) fn written(&self, pair: &Pair<'_>) -> &str {
        let span = pair.as_span();
        self.scan.original.get(span.start() + self.base..span.end() + self.base).unwrap_or("")
    }

    pub(super) fn body(&self, pair: &Pair<'_>) -> SqlBody {
        let text = self.written(pair);
        let start = pair.as_span().start() + self.base;
        let tag = text.get(1..).and_then(|t| t.find('$').map(|n| &t[..n])).unwrap_or("");
        let delimiter = tag.len() + 2;
        let inner = text.get(delimiter..text.len().saturating_sub(delimiter)).unwrap_or("");
        SqlBody {
            text: unix(inner),
            tag: tag.into(),
            at: self.at_range(start + delimiter, start + delimiter + inner.len()),
        }
    }

    pub(super) fn type_ref(&mut self, pair: Pair<'_>) -> TypeRef {
        let at = self.at(&pair);
        let mut name = None;
        let (mut args, mut dims, mut nullable) = (Vec::new(), 0u8, false);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::type_name if part.as_str().contains(' ') && !part.as_str().contains('"') => {
                    name = Some(QName { schema: None, name: self.word(&part) });
                }
                Rule::type_name => name = Some(self.qname(&part)),
                Rule::num => args.extend(self.number::<i64>(&part)),
                Rule::type_zone => {
                    if let Some(name) = &mut name {
                        let zone = format!("{} {}", name.name.text, words(part.as_str())).to_lowercase();
                        name.name = Name { text: zone.into(), at: At(name.name.at.0.to(self.at(&part).0)) };
                    }
                }
                Rule::dim => dims = dims.saturating_add(1),
                Rule::opt => nullable = true,
                _ => {}
            }
        }
        let name = name.unwrap_or(QName { schema: None, name: Name { text: SmolStr::default(), at } });
        TypeRef { name, args, dims, nullable, at }
    }

    /// A whole number, reported where it is none or too large.
    pub(super) fn number<T: std::str::FromStr>(&mut self, pair: &Pair<'_>) -> Option<T> {
        let digits: String = pair.as_str().chars().filter(|c| *c != '_').collect();
        match digits.parse() {
            Ok(number) => Some(number),
            Err(_) => {
                let at = self.at(pair).0;
                self.findings.push(
                    specc_diag::Diagnostic::new(
                        specc_diag::codes::SYNTAX,
                        at,
                        format!("`{}` is not a number that fits here", pair.as_str()),
                    )
                    .help("write a whole number in range"),
                );
                None
            }
        }
    }

    /// `fillfactor = 70`, `increment 5`, `cycle`
    pub(super) fn setting(&self, pair: Pair<'_>) -> Setting {
        let at = self.at(&pair);
        let mut inner = pair.into_inner();
        let name = inner.next().map_or(Name { text: SmolStr::default(), at }, |p| self.word(&p));
        let (value, quoted) = match inner.next() {
            Some(p) if p.as_rule() == Rule::str => (unquote(p.as_str()), true),
            Some(p) => (p.as_str().into(), false),
            None => ("true".into(), false),
        };
        Setting { name, value, quoted, at }
    }

    pub(super) fn settings(&self, pair: Pair<'_>) -> Vec<Setting> {
        pair.into_inner().map(|p| self.setting(p)).collect()
    }

    pub(super) fn element(&self, pair: Pair<'_>) -> IndexElement {
        let at = self.at(&pair);
        let mut out = IndexElement {
            expr: RawExpr { text: SmolStr::default(), at },
            is_column: false,
            collate: None,
            opclass: None,
            desc: false,
            nulls_first: None,
            at,
        };
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::x_element => {
                    out.expr = self.bracketed(&part);
                    out.is_column = !part.as_str().starts_with('(') && split_dots(part.as_str()).len() == 1 && {
                        let text = part.as_str();
                        text.starts_with('"') && text.ends_with('"') || !text.contains('(')
                    };
                }
                Rule::collate => out.collate = self.inner_qname(part),
                Rule::opclass => out.opclass = Some(self.qname(&part)),
                Rule::desc => out.desc = true,
                Rule::nulls_first => out.nulls_first = Some(true),
                Rule::nulls_last => out.nulls_first = Some(false),
                _ => {}
            }
        }
        out
    }
}

/// Undoes the quotes of `"a ""b"""` and `'it''s'`.
pub(crate) fn unquote(text: &str) -> SmolStr {
    for (quote, twice) in [("\"", "\"\""), ("'", "''")] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|t| t.strip_suffix(quote)) {
            return if inner.contains(quote) { inner.replace(twice, quote).into() } else { inner.into() };
        }
    }
    text.into()
}

/// With plain line ends.
pub(crate) fn unix(text: &str) -> SmolStr {
    if !text.contains('\r') {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match line.strip_suffix('\n') {
            Some(line) => out.extend([line.trim_end_matches('\r'), "\n"]),
            None => out.push_str(line),
        }
    }
    out.into()
}

/// Words joined by one space, lowercase.
pub(crate) fn words(text: &str) -> SmolStr {
    if text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
        return text.into();
    }
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ").to_lowercase().into()
}

/// The parts of `a.b."c.d"` with their offsets.
pub(crate) fn split_dots(text: &str) -> Vec<(usize, &str)> {
    if !text.contains('.') {
        return vec![(0, text)];
    }
    let (mut parts, mut from, mut quoted) = (Vec::new(), 0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'.' if !quoted => {
                parts.push((from, &text[from..at]));
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push((from, &text[from..]));
    parts
}
