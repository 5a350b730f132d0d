//! Texts that `execute` runs, where they stand there: a literal, or `format` with one. They are read as a statement whose places
//! are those of the literal; what is put in when it runs is a hole, of which nothing is said.

use super::reader::Reader;
use crate::Problem;
use crate::scope::Output;
use crate::walk::Walk;
use specc_split::{Token, TokenKind};

/// A statement in a text.
#[derive(Debug, Default)]
pub(crate) struct Made {
    /// Where it begins in the whole.
    start: usize,
    /// As long as what is written.
    pub(crate) text: String,
    /// Places in the whole of which only the one who runs it knows.
    holes: Vec<(usize, usize)>,
    /// Anything may stand in a hole, not only a name or a value.
    loose: bool,
    /// Its quotes are written twice.
    escaped: bool,
    /// How many values it takes.
    values: usize,
    /// What `format` refuses, and its place.
    refused: Option<(usize, usize)>,
}

/// What reading a made text is told.
#[derive(Debug, Default)]
pub(crate) struct Dynamic {
    holes: Vec<(usize, usize)>,
    loose: bool,
    escaped: bool,
}

impl Dynamic {
    /// Whether something may be said of a place.
    pub(crate) fn is_told(&self, text: &str, (start, end): (usize, usize), problem: Problem) -> bool {
        let looked_for = matches!(
            problem,
            Problem::UnknownRelation | Problem::UnknownFunction | Problem::UnknownType | Problem::UnknownSchema
        );
        let by_schema =
            text.get(start..end).is_some_and(|name| name.contains('.')) || problem == Problem::UnknownSchema;
        !self.is_hole((start, end)) && (!self.loose || looked_for && by_schema)
    }

    /// Whether a name is at its place for sure.
    pub(crate) fn is_named(&self, place: (usize, usize), is_label: bool) -> bool {
        !(self.is_hole(place) || self.escaped && is_label)
    }

    fn is_hole(&self, (start, end): (usize, usize)) -> bool {
        self.holes.iter().any(|(from, to)| *from < end && start < *to)
    }
}

/// The statement that a literal is, with holes where `format` puts values in; none where quotes stand in a way that keeps no
/// places.
pub(crate) fn made(text: &str, token: &Token, format: bool) -> Option<Made> {
    let written = &text[token.start..token.end];
    if token.kind != TokenKind::Text {
        return None;
    }
    let mut made = Made::default();
    let (from, to) = match written.as_bytes() {
        [b'\'', .., b'\''] => (1, written.len() - 1),
        [b'e' | b'E', b'\'', .., b'\''] => (2, written.len() - 1),
        [b'$', ..] => {
            let tag = written[1..].find('$')? + 2;
            (written.len() >= 2 * tag).then_some((tag, written.len() - tag))?
        }
        _ => return None,
    };
    let (inner, quotes, escapes) = (&written[from..to], written.starts_with('\''), from == 2);
    made.start = token.start + from;
    let mut literal = false;
    let mut at = 0;
    while let Some(c) = inner[at..].chars().next() {
        let rest = &inner[at..];
        let quote = (quotes || escapes) && rest.starts_with("''") || escapes && rest.starts_with("\\'");
        let length = match c {
            '\'' | '\\' if quote => {
                made.escaped = true;
                let again = rest[2..].starts_with("''") || escapes && rest[2..].starts_with("\\'");
                // A quote in a literal of the statement.
                if literal && again {
                    return None;
                }
                made.text.push_str(if literal { "' " } else { " '" });
                literal = !literal;
                2
            }
            '\\' if escapes && !literal && (rest.starts_with("\\n") || rest.starts_with("\\t")) => {
                made.text.push_str("  ");
                2
            }
            '\\' if escapes => return None,
            '\'' => {
                literal = !literal;
                made.text.push('\'');
                1
            }
            '%' if format => made.placeholder(rest, literal)?,
            c => {
                made.text.push(c);
                c.len_utf8()
            }
        };
        at += length;
    }
    Some(made)
}

impl Made {
    /// `%I`, `%2$L`, `%-10s`, `%%`: what stands for it in the statement; gives its length.
    fn placeholder(&mut self, rest: &str, literal: bool) -> Option<usize> {
        if rest.starts_with("%%") {
            self.text.push_str(if literal { "%%" } else { "% " });
            return Some(2);
        }
        let place = self.start + self.text.len();
        let digits = |from: usize| rest[from..].bytes().take_while(u8::is_ascii_digit).count();
        let mut at = 1 + digits(1);
        let mut number = None;
        if rest[at..].starts_with('$') {
            number = rest[1..at].parse::<usize>().ok();
            at += 1;
        } else {
            at = 1;
        }
        at += usize::from(rest[at..].starts_with('-'));
        at += digits(at);
        // The width may be a value itself.
        if rest[at..].starts_with('*') {
            return None;
        }
        let kind = rest[at..].chars().next();
        let length = at + kind.map_or(0, char::len_utf8);
        self.values = number.map_or(self.values + 1, |number| self.values.max(number));
        self.holes.push((place, place + length));
        let filled = match kind {
            _ if literal => "x".repeat(length),
            Some('L') => format!("''{}", " ".repeat(length - 2)),
            Some('I') => "_".repeat(length),
            Some('s') => {
                self.loose = true;
                "_".repeat(length)
            }
            _ => {
                self.refused.get_or_insert((place, place + length));
                "_".repeat(length)
            }
        };
        self.loose |= kind == Some('s') && !literal;
        self.text.push_str(&filled);
        Some(length)
    }
}

impl Walk<'_> {
    /// Reads a made text as a statement, which sees no variables.
    fn read_made(&mut self, made: Made) -> Output {
        let Made { start, text, holes, loose, escaped, .. } = made;
        let frames = std::mem::take(&mut self.frames);
        let numbered = std::mem::take(&mut self.numbered);
        let around = (self.all_numbered, self.procedural);
        (self.all_numbered, self.procedural) = (false, false);
        let whole = holes.is_empty() && !escaped;
        let before = self.dynamic.replace(Dynamic { holes, loose, escaped });
        let output = self.read_parsed(&text, start).unwrap_or_else(|_| {
            if whole {
                self.words(start, start + text.len());
            } else {
                self.out.dynamic = true;
            }
            Output::open()
        });
        self.dynamic = before;
        (self.all_numbered, self.procedural) = around;
        self.frames = frames;
        self.numbered = numbered;
        if loose { Output::open() } else { output }
    }
}

impl Reader<'_, '_> {
    /// Reads what stands up to a token as a text that is run: a literal, or `format` with one; none where it is neither.
    pub(super) fn run_text(&mut self, end: usize) -> Option<Output> {
        let at = self.at;
        if end == at + 1 {
            let made = made(self.text, &self.tokens[at], false)?;
            self.at = end;
            return Some(self.walk.read_made(made));
        }
        let open = at + 1;
        let closes = end.checked_sub(1).filter(|last| self.symbol_at(*last, b')'))?;
        if !self.is("format") || !self.symbol_at(open, b'(') {
            return None;
        }
        let made = made(self.text, self.tokens.get(open + 1)?, true)?;
        let (mut depth, mut values) = (0usize, 0);
        for at in open + 2..closes {
            match self.tokens[at].kind {
                TokenKind::Symbol(b'(' | b'[') => depth += 1,
                TokenKind::Symbol(b')' | b']') => depth = depth.checked_sub(1)?,
                TokenKind::Symbol(b',') if depth == 0 => values += 1,
                _ => {}
            }
        }
        let variadic = (open..closes).any(|at| self.is_at(at, "variadic"));
        let written = open + 2 == closes || self.symbol_at(open + 2, b',');
        if !written {
            return None;
        }
        // The values are read where they stand.
        self.expression_to(end);
        self.at = end;
        if let Some(place) = made.refused {
            let message = format!("`format` does not know `{}`", &self.text[place.0..place.1]);
            let help = "write `%I` for a name, `%L` for a literal, `%s` for a text, `%%` for a percent sign";
            self.walk.report(place, Problem::WrongArguments, message, Some(help.into()));
            return Some(Output::open());
        }
        if made.values > values && !variadic {
            let message = format!("`format` takes {} values here, and gets {values}", made.values);
            self.refused(open + 1, Problem::WrongCount, message, "give each place a value");
            return Some(Output::open());
        }
        Some(self.walk.read_made(made))
    }
}
