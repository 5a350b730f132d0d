//! Reading the file: its headings, and the lines that answer.

use super::QUESTIONS;
use specc_diag::{FileId, Span};

/// A piece of the text, and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word<'t> {
    pub text: &'t str,
    pub span: Span,
}

/// A line that answers.
#[derive(Clone, Debug)]
pub(crate) struct Answer<'t> {
    /// Before the colon.
    pub subject: Word<'t>,
    /// What stands after it, by its commas.
    pub parts: Vec<Word<'t>>,
    /// All of it.
    pub whole: Word<'t>,
}

/// The answers under each question, and its heading, where it is there.
pub(crate) struct Section<'t> {
    pub heading: Option<Span>,
    pub answers: Vec<Answer<'t>>,
    /// Somebody said that there is nothing to say.
    pub none: bool,
}

fn word(file: FileId, text: &str, start: usize, end: usize) -> Word<'_> {
    let part = &text[start..end];
    let from = start + (part.len() - part.trim_start().len());
    let to = from + part.trim().len();
    Word { text: &text[from..to], span: Span::new(file, from, to) }
}

/// All of a file.
pub(crate) struct Answers<'t> {
    /// In the order of the questions.
    pub sections: Vec<Section<'t>>,
    /// Headings that are no question, with lines that answer.
    pub strange: Vec<Word<'t>>,
}

/// Reads a file. A line that answers begins as an item of a list does in Markdown.
pub(crate) fn read(file: FileId, text: &str) -> Answers<'_> {
    let mut sections: Vec<Section<'_>> =
        QUESTIONS.iter().map(|_| Section { heading: None, answers: Vec::new(), none: false }).collect();
    let mut strange: Vec<Word<'_>> = Vec::new();
    let mut unknown = None;
    let (mut at, mut now, mut fenced) = (0, None, false);
    for line in text.split_inclusive('\n') {
        let (start, bare) = (at, line.trim_end());
        at += line.len();
        if bare.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        if let Some(title) = bare.strip_prefix("## ") {
            unknown = Some(word(file, text, start + 3, start + bare.len()));
            now = QUESTIONS.iter().position(|question| question.title.eq_ignore_ascii_case(title.trim()));
            if let Some(section) = now.and_then(|now| sections.get_mut(now)) {
                section.heading = Some(Span::new(file, start, start + bare.len()));
            }
            continue;
        }
        let indent = bare.len() - bare.trim_start().len();
        let Some(said) = bare.trim_start().strip_prefix(['-', '*', '+']).filter(|said| said.starts_with(' ')) else {
            continue;
        };
        if said.trim().is_empty() {
            continue;
        }
        let Some(section) = now.and_then(|now| sections.get_mut(now)) else {
            strange.extend(unknown.take());
            continue;
        };
        let (from, end) = (start + indent + 1, start + bare.len());
        let whole = word(file, text, from, end);
        if whole.text.eq_ignore_ascii_case("none") {
            section.none = true;
            continue;
        }
        let colon = text[from..end].find(':').map_or(end, |colon| from + colon);
        let subject = word(file, text, from, colon);
        let (mut parts, mut begin) = (Vec::new(), (colon + 1).min(end));
        while begin < end {
            let comma = text[begin..end].find(',').map_or(end, |comma| begin + comma);
            parts.push(word(file, text, begin, comma));
            begin = comma + 1;
        }
        parts.retain(|part| !part.text.is_empty());
        section.answers.push(Answer { subject, parts, whole });
    }
    Answers { sections, strange }
}
