//! A fast pass over the bytes before the grammar: it collects the comments, finds what is not closed and what cannot
//! stand in a spec, and repairs a copy of the text so that the grammar still sees the rest. The copy has the length of
//! the original, so every offset holds.

use crate::ast::{At, Comment};
use smol_str::SmolStr;
use specc_diag::{Diagnostic, FileId, MOST_SHOWN, Span, codes};

/// Brackets (and `case … end`) may stand in each other this deep; the grammar recurses as deep.
pub(crate) const DEPTH: usize = 100;

/// The grammar reads about this much at once, which keeps its queue of tokens in the cache.
const CHUNK: usize = 16 * 1024;

/// What kind of comment it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `/// …` on a line of its own.
    Doc,
    /// `// …`
    Line,
    /// `/* … */`
    Block,
    /// `-- …` inside brackets
    Sql,
    /// `accept W0605 'why'`
    Accept,
}

/// A comment as found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub start: usize,
    pub end: usize,
    pub kind: Kind,
}

/// What the pass found.
pub(crate) struct Scan<'a> {
    /// As written.
    pub original: &'a str,
    /// What the grammar reads: of the same length, see the top of `dbspec.pest`.
    pub text: String,
    /// Comments in order.
    pub comments: Vec<Found>,
    /// Ranges that the grammar's text shows otherwise but that belong to the expression around them.
    pub verbatim: Vec<(usize, usize)>,
    /// Ranges nested too deeply, which the grammar's text leaves out.
    pub deep: Vec<(usize, usize)>,
    /// Where the text can be cut between items; the first is 0, the last its end.
    pub cuts: Vec<usize>,
    /// What is wrong.
    pub findings: Vec<Diagnostic>,
    /// How many more findings there would be.
    pub left_out: usize,
}

/// Where and how the text is not closed.
struct Open {
    at: usize,
    len: usize,
    /// Multi-line strings before, as (opener, end of the opener's line).
    before: Vec<usize>,
    message: &'static str,
    help: &'static str,
}

/// What one run gives.
#[derive(Default)]
struct Run {
    /// What the grammar will read.
    shown: Vec<u8>,
    verbatim: Vec<(usize, usize)>,
    /// SQL comments where only a spec's comments can stand.
    dashes: Vec<usize>,
    comments: Vec<Found>,
    cuts: Vec<usize>,
    /// Opening brackets without a closing one.
    lost: Vec<(usize, u8)>,
    /// Ranges nested too deeply.
    deep: Vec<(usize, usize)>,
    /// Characters that cannot stand where they are.
    bad: Vec<(usize, char)>,
}

/// Scans `text`.
pub(crate) fn scan(file: FileId, text: &str) -> Scan<'_> {
    let mut repaired = std::borrow::Cow::Borrowed(text.as_bytes());
    let mut findings = Vec::new();
    if let Some((finding, ranges)) = crate::merge::unfinished(file, text) {
        findings.push(finding);
        ranges.into_iter().for_each(|(start, end)| blank(repaired.to_mut(), start, end));
    }
    let mut tries = 0;
    let mut run = loop {
        match run(&repaired) {
            Ok(run) => break run,
            Err(open) => {
                let at = if tries < 20 { culprit(&repaired, &open) } else { open.at };
                let len = if at == open.at { open.len } else { 1 };
                findings.push(
                    Diagnostic::new(codes::UNCLOSED, Span::new(file, at, at + len), open.message)
                        .label("opened here")
                        .help(open.help),
                );
                // after many tries the rest is given up
                let end = if tries < 20 { at + len } else { text.len() };
                blank(repaired.to_mut(), at, end);
                tries += 1;
            }
        }
    };
    let shown = &mut run.shown;
    let mut left_out = 0;
    let mut say = |finding: &dyn Fn() -> Diagnostic| {
        if findings.len() < MOST_SHOWN { findings.push(finding()) } else { left_out += 1 }
    };
    for &(at, byte) in &run.lost {
        let (open, close) = if byte == b'(' { ("(", ")") } else { ("[", "]") };
        say(&|| {
            Diagnostic::new(codes::UNCLOSED, Span::new(file, at, at + 1), format!("`{open}` is never closed"))
                .label("opened here")
                .help(format!("add the closing `{close}`"))
        });
        blank(shown, at, at + 1);
    }
    for &(start, end) in &run.deep {
        say(&|| {
            Diagnostic::new(
                codes::TOO_DEEP,
                Span::new(file, start, start + 1),
                format!("more than {DEPTH} brackets or `case`s inside each other"),
            )
            .help("split the expression, for instance into a `predicate` or a function")
        });
        blank(shown, start, end);
    }
    for &(at, c) in &run.bad {
        blank(shown, at, at + c.len_utf8());
        say(&|| bad_character(file, at, c));
    }
    for &at in &run.dashes {
        blank(shown, at, line_end(text.as_bytes(), at));
        say(&|| {
            Diagnostic::new(codes::SYNTAX, Span::new(file, at, at + 2), "`--` does not start a comment here")
                .help("write comments as `// why`")
        });
    }
    // only whole characters were replaced, so this is UTF-8
    let shown = String::from_utf8(run.shown).unwrap_or_else(|_| " ".repeat(text.len()));
    let (comments, verbatim, deep) = (run.comments, run.verbatim, run.deep);
    Scan { original: text, text: shown, comments, verbatim, deep, cuts: run.cuts, findings, left_out }
}

/// The comments that are not documentation of something.
pub(crate) fn comments(file: FileId, scan: &Scan<'_>, used: &[bool]) -> Vec<Comment> {
    let kept = scan.comments.iter().zip(used).filter(|(_, used)| !**used);
    kept.map(|(c, _)| {
        let raw = &scan.original[c.start..c.end];
        // documentation of nothing is a comment
        let is_doc =
            c.kind == Kind::Doc || (c.kind == Kind::Line && raw.starts_with("///") && !raw.starts_with("////"));
        let text = if is_doc { SmolStr::from(format!("//{}", &raw[3..])) } else { clean(raw) };
        Comment { text, at: At(Span::new(file, c.start, c.end)) }
    })
    .collect()
}

/// Without carriage returns.
fn clean(raw: &str) -> SmolStr {
    if raw.contains('\r') { raw.replace('\r', "").into() } else { raw.into() }
}

fn bad_character(file: FileId, at: usize, c: char) -> Diagnostic {
    let span = Span::new(file, at, at + c.len_utf8());
    let code = format!("U+{:04X}", c as u32);
    match c {
        '\u{2018}' | '\u{2019}' | '\u{201C}' | '\u{201D}' | '\u{00B4}' => {
            Diagnostic::new(codes::BAD_CHARACTER, span, format!("`{c}` is a typographic quote"))
                .help("write `'` around texts and `\"` around names")
        }
        c if c.is_whitespace() => Diagnostic::new(codes::BAD_CHARACTER, span, format!("invisible character {code}"))
            .help("write a plain space; this one probably came with pasted text"),
        c if c.is_control() || c == '\u{FEFF}' => {
            Diagnostic::new(codes::BAD_CHARACTER, span, format!("control character {code}")).help("delete it")
        }
        c => Diagnostic::new(codes::BAD_CHARACTER, span, format!("`{c}` ({code}) cannot stand outside quotes"))
            .help("put a name with such a character in double quotes"),
    }
}

fn blank(bytes: &mut [u8], start: usize, end: usize) {
    let end = end.min(bytes.len());
    for byte in &mut bytes[start..end] {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

/// An unclosed string swallows everything up to the next quote, so the one that is found open at the end is rarely the
/// one to blame: that is the first which runs into a line that looks like a new entry.
fn culprit(bytes: &[u8], open: &Open) -> usize {
    for &at in &open.before {
        let Some(line) = bytes[at..].iter().position(|b| *b == b'\n').map(|n| &bytes[at + n + 1..]) else {
            break;
        };
        let line = &line[..line.iter().position(|b| *b == b'\n').unwrap_or(line.len())];
        let line = line.trim_ascii_start();
        let word = line.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
        let after = line[word..].trim_ascii_start();
        let entry = word > 0 && (after.starts_with(b":") || after.starts_with(b"->") || after.ends_with(b"{"));
        if line.starts_with(b"}") || line.starts_with(b"//") || entry {
            return at;
        }
    }
    open.at
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

fn find(bytes: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    let first = *what.first()?;
    let mut at = from;
    while let Some(n) = bytes.get(at..)?.iter().position(|b| *b == first) {
        at += n;
        if bytes[at..].starts_with(what) {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// One run over the text.
fn run(bytes: &[u8]) -> Result<Run, Open> {
    let mut out = Run { shown: bytes.to_vec(), ..Run::default() };
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        blank(&mut out.shown, 0, 3);
    }
    out.cuts.push(0);
    let mut last_cut = 0;
    // inside `query … { }`, whose text is somebody else's
    let mut kept = false;
    let mut stack: Vec<(usize, u8)> = Vec::new();
    let (mut cases, mut braces) = (0usize, 0usize);
    let mut deep_from: Option<(usize, usize)> = None;
    let mut deep_case = false;
    let mut multiline = Vec::new();
    let mut at = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        at += 1;
        match byte {
            b' ' => {}
            b'\n' => {
                kept &= !stack.is_empty();
                if stack.is_empty() && at - last_cut > CHUNK && starts_item(&bytes[at..]) {
                    last_cut = at;
                    out.cuts.push(at);
                }
            }
            b'\t' | b'\r' => out.shown[start] = b' ',
            b'/' if bytes.get(at) == Some(&b'/') => {
                let line = line_end(bytes, at);
                at = line;
                let end = start + bytes[start..line].trim_ascii_end().len();
                let doc = bytes[start..end].starts_with(b"///") && bytes.get(start + 3) != Some(&b'/');
                let kind = if doc && own_line(bytes, start) { Kind::Doc } else { Kind::Line };
                out.comments.push(Found { start, end, kind });
                out.shown[start..line].fill(b' ');
            }
            b'/' if bytes.get(at) == Some(&b'*') => {
                let end = find(bytes, at + 1, b"*/").ok_or(Open {
                    at: start,
                    len: 2,
                    before: Vec::new(),
                    message: "comment is never closed",
                    help: "add `*/`, or write `//` comments",
                })?;
                at = end + 2;
                out.comments.push(Found { start, end: at, kind: Kind::Block });
                blank(&mut out.shown, start, at);
            }
            b'-' if bytes.get(at) == Some(&b'-') => {
                at = line_end(bytes, at);
                if kept {
                    blank(&mut out.shown, start, at);
                } else if stack.last().is_some_and(|(_, b)| *b != b'{') {
                    let end = start + bytes[start..at].trim_ascii_end().len();
                    out.comments.push(Found { start, end, kind: Kind::Sql });
                    blank(&mut out.shown, start, at);
                } else {
                    out.dashes.push(start);
                }
            }
            b'\'' => {
                let mut escaped = false;
                let escapes =
                    start > 0 && matches!(bytes[start - 1], b'e' | b'E') && (start < 2 || !is_word(bytes[start - 2]));
                loop {
                    match bytes.get(at) {
                        Some(b'\\') if escapes => {
                            // `\'` must not end the text
                            if bytes.get(at + 1).is_some_and(u8::is_ascii) {
                                out.shown[at..at + 2].fill(b'_');
                                escaped = true;
                            }
                            at += 2;
                        }
                        Some(b'\'') if bytes.get(at + 1) == Some(&b'\'') => at += 2,
                        Some(b'\'') => break,
                        Some(_) => at += 1,
                        None => {
                            return Err(Open {
                                at: start,
                                len: 1,
                                before: multiline,
                                message: "text is never closed",
                                help: "add the closing `'`; a quote inside a text is written twice: `''`",
                            });
                        }
                    }
                }
                at += 1;
                if escaped {
                    out.verbatim.push((start, at));
                }
                if bytes[start..at].contains(&b'\n') {
                    multiline.push(start);
                }
            }
            b'"' => {
                let ends = bytes[at..].iter().position(|b| matches!(b, b'"' | b'\n'));
                let end = ends.map(|n| at + n).filter(|end| bytes[*end] == b'"').ok_or(Open {
                    at: start,
                    len: 1,
                    before: Vec::new(),
                    message: "quoted name is never closed",
                    help: "add the closing `\"`; texts stand in single quotes",
                })?;
                at = end + 1;
            }
            b'$' if start > 0 && bytes[start - 1] >= 0x80 => {}
            b'$' => {
                let tag = bytes[at..].iter().take_while(|b| is_word(**b) && **b != b'$').count();
                let digit = bytes.get(at).is_some_and(u8::is_ascii_digit);
                if bytes.get(at + tag) == Some(&b'$') && !digit {
                    let delimiter = &bytes[start..at + tag + 1];
                    let end = find(bytes, at + tag + 1, delimiter).ok_or(Open {
                        at: start,
                        len: delimiter.len(),
                        before: Vec::new(),
                        message: "SQL body is never closed",
                        help: "end the body with the same `$$` (or `$tag$`) that opened it",
                    })?;
                    let body = end + delimiter.len();
                    out.shown[start..body].fill(b'_');
                    out.shown[start..start + 2].fill(b'$');
                    out.shown[body - 2..body].fill(b'$');
                    out.verbatim.push((start, body));
                    at = body;
                } else {
                    at += tag;
                }
            }
            b'(' | b'[' | b'{' => {
                if byte == b'{' {
                    cases = 0;
                    braces += 1;
                }
                stack.push((start, byte));
                if stack.len() + cases > DEPTH && deep_from.is_none() {
                    deep_from = Some((start, stack.len()));
                }
            }
            b')' | b']' | b'}' => {
                let opener = match byte {
                    b')' => b'(',
                    b']' => b'[',
                    _ => b'{',
                };
                if byte == b'}' {
                    cases = 0;
                }
                // A brace closes over forgotten brackets, a bracket never over a brace, and what is too deep is not looked at.
                let found = match byte {
                    b'}' => (braces > 0).then(|| stack.iter().rposition(|(_, b)| *b == opener)).flatten(),
                    _ => {
                        let near = stack.iter().rev().take(2 * DEPTH).take_while(|(_, b)| *b != b'{');
                        near.map(|(_, b)| *b).position(|b| b == opener).map(|back| stack.len() - 1 - back)
                    }
                };
                if let Some(found) = found {
                    braces -= usize::from(byte == b'}');
                    out.lost.extend(stack.drain(found + 1..));
                    stack.truncate(found);
                }
                if deep_from.is_some_and(|(_, depth)| stack.len() < depth) {
                    // what is too deep ends with its own bracket, or before the one around it
                    let end = if std::mem::take(&mut deep_case) { start } else { at };
                    out.deep.extend(deep_from.take().map(|(from, _)| (from, end)));
                }
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                while bytes.get(at).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'$') {
                    at += 1;
                }
                if stack.is_empty() && &bytes[start..at] == b"query" {
                    kept = true;
                }
                if &bytes[start..at] == b"accept"
                    && !kept
                    && stack.last().is_none_or(|(_, b)| *b == b'{')
                    && let Some(end) = acceptance(bytes, at)
                {
                    at = end;
                    out.comments.push(Found { start, end, kind: Kind::Accept });
                    blank(&mut out.shown, start, end);
                } else if matches!(byte, b'c' | b'C' | b'e' | b'E') {
                    let word = &bytes[start..at];
                    if word.eq_ignore_ascii_case(b"case") {
                        cases += 1;
                        if stack.len() + cases > DEPTH && deep_from.is_none() {
                            deep_from = Some((start, stack.len()));
                            deep_case = true;
                        }
                    } else if word.eq_ignore_ascii_case(b"end") {
                        cases = cases.saturating_sub(1);
                    }
                }
            }
            0x80.. => {
                let len = if byte >= 0xF0 {
                    4
                } else if byte >= 0xE0 {
                    3
                } else {
                    2
                };
                let end = (start + len).min(bytes.len());
                if let Some(c) = std::str::from_utf8(&bytes[start..end]).ok().and_then(|s| s.chars().next())
                    && !pest::unicode::XID_CONTINUE(c)
                {
                    out.bad.push((start, c));
                }
                at = end;
            }
            0..0x20 | 0x7F => out.bad.push((start, byte as char)),
            _ => {}
        }
    }
    out.deep.extend(deep_from.map(|(from, _)| (from, bytes.len())));
    out.lost.extend(stack.into_iter().filter(|(_, b)| *b != b'{'));
    out.cuts.push(bytes.len());
    if bytes.contains(&0) {
        out.bad.retain(|(_, c)| *c != '\0');
        out.bad.extend(bytes.iter().enumerate().filter(|(_, b)| **b == 0).map(|(at, _)| (at, '\0')));
    }
    Ok(out)
}

/// Where the code and the reason after `accept` end, if they follow on its line.
fn acceptance(bytes: &[u8], from: usize) -> Option<usize> {
    let blanks = |at: usize| bytes[at..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let word = from + blanks(from);
    let code = bytes[word..].iter().take_while(|b| b.is_ascii_alphanumeric()).count();
    let quote = word + code + blanks(word + code);
    if word == from || code == 0 || quote == word + code || bytes.get(quote) != Some(&b'\'') {
        return None;
    }
    let mut at = quote + 1;
    loop {
        at += bytes[at..].iter().position(|b| matches!(b, b'\'' | b'\n'))? + 1;
        if bytes[at - 1] == b'\n' {
            return None;
        }
        if bytes.get(at) != Some(&b'\'') {
            return Some(at);
        }
        at += 1;
    }
}

/// Whether a line starts an item for certain.
fn starts_item(line: &[u8]) -> bool {
    const WORDS: [&[u8]; 9] =
        [b"entity", b"enum", b"policy on", b"view", b"function", b"mixin", b"seed", b"predicate", b"grant"];
    WORDS.iter().any(|w| line.strip_prefix(*w).is_some_and(|rest| rest.first() == Some(&b' ')))
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    bytes[from..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |n| from + n)
}

fn own_line(bytes: &[u8], at: usize) -> bool {
    bytes[..at]
        .iter()
        .rev()
        .take_while(|b| **b != b'\n')
        .all(|b| matches!(b, b' ' | b'\t' | b'\xEF' | b'\xBB' | b'\xBF'))
}
