//! Diagnostics as text for a person and as JSON for a program.

use crate::excerpt::{Excerpt, shortened, tame};
use crate::{Diagnostic, Label, Severity, Sources, Span};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};
use std::fmt;

/// How text is drawn.
#[derive(Clone, Copy, Debug)]
pub struct RenderOptions {
    /// Colours and underlines for a terminal.
    pub color: bool,
    /// Columns to wrap at.
    pub width: usize,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self { color: false, width: 100 }
    }
}

/// What is drawn of a finding, whoever found it.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// Its code.
    pub code: &'a str,
    /// How bad it is.
    pub severity: Severity,
    /// What the code is about.
    pub title: &'a str,
    /// What is wrong.
    pub message: &'a str,
    /// Places; the first is the primary one.
    pub labels: &'a [Label],
    /// What to write instead.
    pub help: Option<&'a str>,
    /// A case in which it goes wrong, line by line.
    pub example: &'a [String],
    /// Why it matters.
    pub why: &'a str,
}

impl<'a> From<&'a Diagnostic> for Shown<'a> {
    fn from(diagnostic: &'a Diagnostic) -> Self {
        Self {
            code: diagnostic.code.name(),
            severity: diagnostic.severity(),
            title: diagnostic.code.title(),
            message: &diagnostic.message,
            labels: &diagnostic.labels,
            help: diagnostic.help.as_deref(),
            example: &diagnostic.example,
            why: diagnostic.code.why(),
        }
    }
}

struct Report<'a> {
    shown: &'a Shown<'a>,
    message: String,
    labels: Vec<LabeledSpan>,
    source: Excerpt,
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report<'_> {}

impl miette::Diagnostic for Report<'_> {
    fn code<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        Some(Box::new(self.shown.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.shown.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Advice => miette::Severity::Advice,
        })
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

/// One finding as text, with the lines of the source that it is about.
pub fn render(diagnostic: &Diagnostic, sources: &Sources, options: RenderOptions) -> String {
    draw(&diagnostic.into(), sources, options)
}

/// As [`render`], for whoever has findings of its own. Without a place there are no lines of the source.
pub fn draw(shown: &Shown<'_>, sources: &Sources, options: RenderOptions) -> String {
    let Some(at) = shown.labels.first().map(|l| l.span.file) else {
        return format!("{}: {}\n", shown.code, tame(shown.message));
    };
    let file = sources.file(at);
    let theme = if options.color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(options.width).with_links(false);
    let (here, elsewhere): (Vec<_>, Vec<_>) = shown.labels.iter().partition(|l| l.span.file == at);
    let spans: Vec<_> = here.iter().map(|l| (l.span.start as usize, l.span.end as usize)).collect();
    let (source, spans) = Excerpt::new(file, &spans);
    let labels = here
        .iter()
        .zip(spans)
        .map(|(l, (start, end))| LabeledSpan::new((!l.text.is_empty()).then(|| tame(&l.text)), start, end - start))
        .collect();
    let report = Report { shown, message: tame(shown.message), labels, source };
    let mut out = String::new();
    if handler.render_report(&mut out, &report).is_err() {
        out = format!("{}: {}\n", shown.code, report.message);
    }
    let mut note = |head: &str, text: &str| {
        let (on, off) = if options.color { ("\x1b[36m", "\x1b[0m") } else { ("", "") };
        out.push_str(&format!(
            "{on}{head:>6}{}{off} {}\n",
            if head.is_empty() { ' ' } else { ':' },
            wrap(&tame(text), options.width.saturating_sub(8))
        ));
    };
    // Places in other files cannot be drawn into this one: they are named below it.
    for label in elsewhere {
        let (line, column) = position(sources, label.span);
        note("also", &format!("{}:{line}:{column} {}", sources.file(label.span.file).name, label.text));
    }
    if let Some(help) = shown.help {
        note("help", help);
    }
    for (at, line) in shown.example.iter().enumerate() {
        note(if at == 0 { "case" } else { "" }, line);
    }
    note("why", shown.why);
    out
}

/// `text` in lines of at most `width` characters, those after the first indented.
fn wrap(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            out.push_str("\n        ");
            used = 0;
        } else if !out.is_empty() {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += length;
    }
    out
}

/// One finding as a JSON object: code, severity, title, message, why, help, and labels with line and column from 1.
pub fn render_json(diagnostic: &Diagnostic, sources: &Sources) -> serde_json::Value {
    draw_json(&diagnostic.into(), sources)
}

/// As [`render_json`], for whoever has findings of its own.
pub fn draw_json(shown: &Shown<'_>, sources: &Sources) -> serde_json::Value {
    let labels: Vec<_> = shown
        .labels
        .iter()
        .map(|l| {
            let (line, column) = position(sources, l.span);
            serde_json::json!({
                "file": sources.file(l.span.file).name, "line": line, "column": column,
                "start": l.span.start, "end": l.span.end, "text": shortened(&l.text),
            })
        })
        .collect();
    let mut found = serde_json::json!({
        "code": shown.code, "severity": shown.severity, "title": shown.title,
        "message": shortened(shown.message), "why": shown.why, "help": shown.help.map(shortened), "labels": labels,
    });
    if !shown.example.is_empty() {
        found["example"] = shown.example.iter().map(|line| shortened(line)).collect();
    }
    found
}

/// Line and column of the start of `span`, both from 1, the column in characters.
pub fn position(sources: &Sources, span: Span) -> (usize, usize) {
    let file = sources.file(span.file);
    let (line, start) = file.line_at(span.start as usize);
    let before = file.text.get(start..span.start as usize).unwrap_or("");
    (line + 1, before.chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes;

    fn drawn(text: &str, start: usize, end: usize, message: &str) -> String {
        let mut sources = Sources::new();
        let id = sources.add("a.dbspec", text);
        let found = Diagnostic::new(codes::SYNTAX, Span::new(id, start, end), message);
        render(&found, &sources, RenderOptions::default())
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = format!("{}wrong{}\nnext", "a ".repeat(5_000), " b".repeat(5_000));
        let said = drawn(&text, 10_000, 10_005, "this");
        assert!(said.contains("wrong"), "{said}");
        assert!(said.contains("a.dbspec:1:10001"), "{said}");
        assert!(said.lines().all(|l| l.chars().count() < 220), "{said}");
        let rows: Vec<&str> = said.lines().collect();
        let source = rows.iter().position(|l| l.contains("wrong")).expect("the line");
        let column = |line: &str, what: &str| line.find(what).map(|at| line[..at].chars().count());
        assert_eq!(column(rows[source], "wrong"), column(rows[source + 1], "──"), "{said}");
    }

    #[test]
    fn what_moves_the_cursor_is_not_printed() {
        let said = drawn("a \u{202e}b\u{1b}[31m c\r\nd", 2, 5, "`\u{1b}[2J` is `\u{202e}`");
        assert!(!said.contains(['\u{1b}', '\u{202e}', '\r']), "{said:?}");
    }

    #[test]
    fn long_names_are_shortened_in_what_is_said() {
        let said = drawn("x", 0, 1, &format!("`{}` is long", "n".repeat(10_000)));
        assert!(said.len() < 1_000 && said.contains("nnn…` is long"), "{said}");
    }

    #[test]
    fn places_far_apart_are_both_shown() {
        let text = format!("first\n{}last\n", "between\n".repeat(100_000));
        let mut sources = Sources::new();
        let id = sources.add("a.dbspec", text.as_str());
        let at = text.len() - 5;
        let found =
            Diagnostic::new(codes::SYNTAX, Span::new(id, at, at + 4), "twice").also(Span::new(id, 0, 5), "here");
        let said = render(&found, &sources, RenderOptions::default());
        assert!(said.contains("1 │ first") && said.contains("100002 │ last"), "{said}");
        assert!(said.lines().count() < 24, "{said}");
    }

    #[test]
    fn a_span_over_many_lines_is_cut() {
        let text = "line\n".repeat(1_000);
        let said = drawn(&text, 0, text.len(), "all");
        assert!(said.lines().count() < 24, "{said}");
    }
}
