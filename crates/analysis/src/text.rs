//! Places in a text: from lines and columns, in which the parser counts, to bytes.

use smol_str::SmolStr;
use specc_expr::sqlparser::ast::Ident;
use specc_expr::sqlparser::tokenizer::{Location, Span};

/// A part of a text that is read on its own.
#[derive(Debug)]
pub(crate) struct Part<'t> {
    /// What the parser reads.
    text: &'t str,
    /// Where `text` begins in the whole; less than none for what was put before it.
    offset: isize,
    /// Where each line begins.
    lines: Vec<usize>,
    ascii: bool,
}

impl<'t> Part<'t> {
    /// `text` stands at byte `start` of the whole; its first `before` bytes were put there to make it readable.
    pub(crate) fn new(text: &'t str, start: usize, before: usize) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
        let lines = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Self { text, offset: start as isize - before as isize, lines, ascii: text.is_ascii() }
    }

    fn byte(&self, at: Location) -> Option<usize> {
        let line = *self.lines.get((at.line as usize).checked_sub(1)?)?;
        let column = (at.column as usize).checked_sub(1)?;
        let byte = if self.ascii {
            line + column
        } else {
            let rest = &self.text[line..];
            line + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at)
        };
        (byte <= self.text.len()).then_some(byte)
    }

    /// First byte and end in the whole of what has this area.
    pub(crate) fn place(&self, area: Span) -> Option<(usize, usize)> {
        let (start, end) = (self.byte(area.start)?, self.byte(area.end)?);
        let shift = |at: usize| usize::try_from(at as isize + self.offset).ok();
        Some((shift(start)?, shift(end)?)).filter(|(start, end)| start <= end)
    }
}

/// An identifier as the catalog has it.
pub(crate) fn folded(ident: &Ident) -> SmolStr {
    if ident.quote_style.is_some() { ident.value.as_str().into() } else { ident.value.to_lowercase().into() }
}
