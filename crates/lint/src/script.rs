//! A file: its statements, which of them share a transaction, and what its comments allow.

use crate::cursor::{Cursor, Place};
use crate::read::Inner;
use crate::statement::What;
use crate::{psql, read};
use specc_split::{Kind, NO_TRANSACTION, SplitError, classify, directives, split};

/// A file as it will run.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) statements: Vec<Statement>,
    /// Lines that only psql understands.
    pub(crate) skipped: Vec<usize>,
    /// Why it could not be taken apart.
    pub(crate) error: Option<SplitError>,
    allowed: Vec<Allowed>,
    /// The first byte of each line.
    lines: Vec<usize>,
}

/// A statement of a file.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) what: What,
    pub(crate) place: Place,
    /// Statements of one transaction share a number.
    pub(crate) tx: u32,
    /// Whether others are in its transaction, or could be.
    pub(crate) in_transaction: bool,
    /// Whether the server refuses it in a transaction.
    pub(crate) refuses: bool,
    /// Whether it begins, ends or is in a transaction that the file itself began.
    pub(crate) own: bool,
    /// Whether it is a part of the statement before it.
    pub(crate) inner: bool,
}

/// `-- specc: allow L001, L002 reason`
#[derive(Debug)]
struct Allowed {
    line: usize,
    codes: Vec<String>,
    /// Whether it says why.
    reason: bool,
}

/// What a comment says of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allowance {
    /// Nothing.
    None,
    /// It allows it, and says why.
    Given,
    /// It allows it, and does not say why.
    Unreasoned,
}

impl Script {
    /// Reads a file; `tx` is the last transaction before it.
    pub(crate) fn read(text: &str, tx: &mut u32) -> Self {
        let blanked = psql::without(text);
        let (text, skipped) = blanked.as_ref().map_or((text, &[][..]), |(text, lines)| (text, lines));
        let (pieces, error) = match split(text) {
            Ok(pieces) => (pieces, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let kinds: Vec<_> = pieces.iter().map(|piece| classify(piece.text)).collect();
        let marked = directives(text).iter().any(|d| d == NO_TRANSACTION);
        let begins = kinds.contains(&Kind::Begin);
        // what stands alone needs no transaction, and tools make none for it
        let local = |piece: &specc_split::Piece<'_>| {
            Cursor::new(text, piece.start, piece.start + piece.text.len()).take("set local")
        };
        let alone = kinds.iter().filter(|kind| **kind != Kind::Setting).count() < 2 && !pieces.iter().any(local);
        let mut whole = !marked && !begins && !alone;
        *tx += 1;
        let mut grouped = false;
        let mut statements = Vec::with_capacity(pieces.len());
        for (piece, kind) in pieces.iter().zip(kinds) {
            if !whole && !grouped {
                *tx += 1;
            }
            let ends = matches!(kind, Kind::Commit | Kind::Rollback);
            let own = grouped || kind == Kind::Begin;
            let chains = ends && chains(piece.text);
            grouped = (own && !ends) || chains;
            let calls = piece.text.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("call"));
            let place = (piece.start, piece.start + piece.text.len());
            let (what, parts) = match read::inner(text, place.0, place.1) {
                Some(parts) => (What::Harmless, parts),
                None => (read::read(text, place.0, place.1), Vec::new()),
            };
            let in_transaction = whole || grouped;
            let statement = Statement {
                what,
                place,
                tx: *tx,
                in_transaction,
                refuses: kind.refuses_transaction() && !calls,
                own,
                inner: false,
            };
            statements.push(statement.clone());
            statements.extend(parts.into_iter().map(|part| inner(text, &statement, part)));
            if ends {
                // a transaction that the file did not begin is that of whoever runs it
                whole = false;
                *tx += u32::from(chains);
            }
        }
        let lines =
            std::iter::once(0).chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1));
        Self { statements, skipped: skipped.to_vec(), error, allowed: allowed(text), lines: lines.collect() }
    }

    /// How many statements the file has.
    pub(crate) fn count(&self) -> usize {
        self.statements.iter().filter(|statement| !statement.inner).count()
    }

    fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// The first byte of a line, counted from 1.
    pub(crate) fn line_start(&self, line: usize) -> usize {
        self.lines.get(line.saturating_sub(1)).copied().unwrap_or_default()
    }

    /// Whether the comments above the line of a finding, or above its statement, allow it.
    pub(crate) fn allowance(&self, text: &str, code: &str, at: usize) -> Allowance {
        if self.allowed.is_empty() {
            return Allowance::None;
        }
        let statement = self.statements[..self.statements.partition_point(|s| s.place.0 <= at)]
            .last()
            .map(|s| self.line(s.place.0));
        let mut best = Allowance::None;
        for line in [Some(self.line(at)), statement].into_iter().flatten() {
            let mut above = line;
            while above > 0 && self.is_comment(text, above - 1) {
                above -= 1;
                let given = self.allowed.iter().find(|a| a.line == above && a.codes.iter().any(|c| c == code));
                match given {
                    Some(allowed) if allowed.reason => return Allowance::Given,
                    Some(_) => best = Allowance::Unreasoned,
                    None => {}
                }
            }
        }
        best
    }

    fn is_comment(&self, text: &str, line: usize) -> bool {
        let end = self.lines.get(line + 1).copied().unwrap_or(text.len());
        text.get(self.lines[line]..end).is_some_and(|line| line.trim_start().starts_with("--"))
    }
}

/// A part of a block, which runs in the block's transaction.
fn inner(text: &str, block: &Statement, part: Inner) -> Statement {
    let (what, place, refuses) = match part {
        Inner::Hidden(place) => (What::Block, place, false),
        Inner::Sql((start, end)) => {
            let refuses = text.get(start..end).is_some_and(|text| classify(text).refuses_transaction());
            (read::read(text, start, end), (start, end), refuses)
        }
    };
    Statement { what, place, in_transaction: true, refuses, inner: true, ..*block }
}

/// Whether the end of a transaction begins the next one.
fn chains(text: &str) -> bool {
    let words: Vec<_> = text.split_whitespace().map(str::to_lowercase).collect();
    words.ends_with(&["and".into(), "chain".into()])
}

fn allowed(text: &str) -> Vec<Allowed> {
    let mut all = Vec::new();
    for (line, written) in text.lines().enumerate() {
        let Some(rest) = written.trim().strip_prefix("--").map(|r| r.trim_start_matches('-').trim_start()) else {
            continue;
        };
        let Some(rest) = rest.strip_prefix("specc:").and_then(|r| r.trim_start().strip_prefix("allow ")) else {
            continue;
        };
        let mut codes = Vec::new();
        let mut reason = false;
        for word in rest.split([' ', ',']).filter(|word| !word.is_empty()) {
            match is_code(word) && !reason {
                true => codes.push(word.to_ascii_uppercase()),
                false => reason = true,
            }
        }
        all.push(Allowed { line, codes, reason });
    }
    all
}

fn is_code(word: &str) -> bool {
    word.len() == 4 && word.starts_with(['L', 'l']) && word[1..].bytes().all(|b| b.is_ascii_digit())
}
