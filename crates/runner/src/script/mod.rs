//! A migration file: what its header asks for, and its steps.

use specc_split::{Kind, NO_TRANSACTION, Piece, SplitError, classify, directives, split};

/// The statements of a file and how they are run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Whether the whole file is one transaction.
    pub transaction: bool,
    /// In their order.
    pub steps: Vec<Step>,
    /// What the header says is lost.
    pub loses: Vec<String>,
    /// The stamps of the files that it takes back, where it leads back from the middle of a change.
    pub takes_back: Vec<String>,
    /// Whether the file says how long it waits for locks.
    pub sets_lock_timeout: bool,
}

/// A step: what is run at once and journalled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// From 1.
    pub ordinal: u32,
    /// The statement, or all from `begin` to `commit` without these two.
    pub text: String,
    /// Its place in the file.
    pub start: usize,
    /// Its line in the file.
    pub line: usize,
    /// What it is.
    pub kind: Kind,
    /// The SHA-256 of its text.
    pub checksum: String,
    /// Its first words.
    pub label: String,
}

impl Step {
    fn new(ordinal: usize, text: &str, start: usize, line: usize, kind: Kind) -> Self {
        Self {
            ordinal: u32::try_from(ordinal).unwrap_or(u32::MAX),
            checksum: specc_catalog::checksum(text),
            label: label(text),
            text: text.to_owned(),
            start,
            line,
            kind,
        }
    }

    /// Whether it and its journal row can be one transaction, so that nothing is ever unknown of it.
    pub fn is_atomic(&self) -> bool {
        !self.kind.refuses_transaction() && !matches!(self.kind, Kind::Block | Kind::Setting)
    }
}

impl Script {
    /// Reads a file.
    ///
    /// # Errors
    /// As [`split`], and a transaction that begins or ends where none can.
    pub fn read(text: &str) -> Result<Self, SplitError> {
        let directives = directives(text);
        let pieces = split(text)?;
        let kinds: Vec<_> = pieces.iter().map(|piece| classify(piece.text)).collect();
        let transaction =
            !directives.iter().any(|d| d == NO_TRANSACTION) && !kinds.iter().any(Kind::refuses_transaction);
        let loses = directives.iter().filter_map(|d| d.strip_prefix("loses ")).map(|d| d.trim().to_owned()).collect();
        let takes_back = directives
            .iter()
            .filter_map(|d| d.strip_prefix(specc_catalog::TAKES_BACK))
            .flat_map(str::split_whitespace)
            .map(str::to_owned)
            .collect();
        let sets_lock_timeout = pieces
            .iter()
            .zip(&kinds)
            .any(|(piece, kind)| *kind == Kind::Setting && piece.text.to_ascii_lowercase().contains("lock_timeout"));
        let mut steps = Vec::with_capacity(pieces.len());
        let all: Vec<_> = pieces.iter().copied().zip(kinds).collect();
        let wrapped = match (all.first(), all.last()) {
            (Some((_, Kind::Begin)), Some((_, Kind::Commit))) => all.len() > 1,
            _ => false,
        };
        if transaction {
            let inside = if wrapped { &all[1..all.len() - 1] } else { &all };
            for (piece, kind) in inside {
                if matches!(kind, Kind::Begin | Kind::Commit | Kind::Rollback) {
                    return Err(stray(piece));
                }
                steps.push(Step::new(steps.len() + 1, piece.text, piece.start, piece.line, kind.clone()));
            }
        } else {
            groups(text, &all, &mut steps)?;
        }
        Ok(Self { transaction, steps, loses, takes_back, sets_lock_timeout })
    }
}

/// Steps of a file that is no transaction: what stands between `begin` and `commit` is one.
fn groups(text: &str, all: &[(Piece<'_>, Kind)], steps: &mut Vec<Step>) -> Result<(), SplitError> {
    let mut rest = all.iter();
    while let Some((piece, kind)) = rest.next() {
        match kind {
            Kind::Begin => {
                let mut inside: Vec<&Piece<'_>> = Vec::new();
                loop {
                    match rest.next() {
                        Some((_, Kind::Commit)) => break,
                        Some((piece, Kind::Begin | Kind::Rollback)) => return Err(stray(piece)),
                        Some((piece, kind)) if kind.refuses_transaction() => {
                            let message = format!("`{}` cannot run between `begin` and `commit`", label(piece.text));
                            return Err(SplitError { line: piece.line, message });
                        }
                        Some((piece, _)) => inside.push(piece),
                        None => {
                            let message = "the transaction that begins here has no `commit`".into();
                            return Err(SplitError { line: piece.line, message });
                        }
                    }
                }
                if let (Some(first), Some(last)) = (inside.first(), inside.last()) {
                    let body = &text[first.start..last.start + last.text.len()];
                    steps.push(Step::new(steps.len() + 1, body, first.start, first.line, Kind::Plain));
                }
            }
            Kind::Commit | Kind::Rollback => return Err(stray(piece)),
            _ => steps.push(Step::new(steps.len() + 1, piece.text, piece.start, piece.line, kind.clone())),
        }
    }
    Ok(())
}

fn stray(piece: &Piece<'_>) -> SplitError {
    SplitError {
        line: piece.line,
        message: format!(
            "`{}` begins or ends a transaction in the middle of a file that is run as one; take it out, or make two files, or \
             write `-- specc: {NO_TRANSACTION}` at the top to run the statements one by one",
            label(piece.text)
        ),
    }
}

/// The first words of a statement, on one line.
pub(crate) fn label(text: &str) -> String {
    const LONG: usize = 72;
    let mut label = String::new();
    for word in text.split_whitespace() {
        if !label.is_empty() {
            label.push(' ');
        }
        label.push_str(word);
        if label.chars().count() > LONG {
            // It is kept in databases of any encoding.
            return label.chars().take(LONG).chain("...".chars()).collect();
        }
    }
    label
}
