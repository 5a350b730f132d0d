//! Diagnostics as text for a person and as JSON for a program.

use crate::{Diagnostic, Severity, Sources, Span};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
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

struct Report<'a> {
    diagnostic: &'a Diagnostic,
    source: NamedSource<String>,
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Report<'_> {}

impl miette::Diagnostic for Report<'_> {
    fn code<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        Some(Box::new(self.diagnostic.code.name()))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity() {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        let why = self.diagnostic.code.info().why;
        Some(match &self.diagnostic.help {
            Some(help) => Box::new(format!("{help}\nwhy: {why}")),
            None => Box::new(format!("why: {why}")),
        })
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let file = self.diagnostic.span().file;
        let here = self.diagnostic.labels.iter().filter(move |l| l.span.file == file);
        Some(Box::new(here.map(|l| {
            let text = (!l.text.is_empty()).then(|| l.text.clone());
            LabeledSpan::new(text, l.span.start as usize, (l.span.end - l.span.start) as usize)
        })))
    }
}

/// One finding as text, with the lines of the source that it is about.
pub fn render(diagnostic: &Diagnostic, sources: &Sources, options: RenderOptions) -> String {
    let file = sources.file(diagnostic.span().file);
    let theme = if options.color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(options.width).with_links(false);
    let report = Report { diagnostic, source: NamedSource::new(&file.name, file.text.to_string()) };
    let mut out = String::new();
    if handler.render_report(&mut out, &report).is_err() {
        out = format!("{}: {}\n", diagnostic.code.name(), diagnostic.message);
    }
    // Places in other files cannot be drawn into this one: they are named below it.
    for label in diagnostic.labels.iter().filter(|l| l.span.file != diagnostic.span().file) {
        let (line, column) = position(sources, label.span);
        let name = &sources.file(label.span.file).name;
        out.push_str(&format!("  also: {name}:{line}:{column} {}\n", label.text));
    }
    out
}

/// One finding as a JSON object: code, severity, title, message, why, help, and labels with line and column from 1.
pub fn render_json(diagnostic: &Diagnostic, sources: &Sources) -> serde_json::Value {
    let labels: Vec<_> = diagnostic
        .labels
        .iter()
        .map(|l| {
            let (line, column) = position(sources, l.span);
            serde_json::json!({
                "file": sources.file(l.span.file).name, "line": line, "column": column,
                "start": l.span.start, "end": l.span.end, "text": l.text,
            })
        })
        .collect();
    let info = diagnostic.code.info();
    serde_json::json!({
        "code": info.name, "severity": diagnostic.severity(), "title": info.title,
        "message": diagnostic.message, "why": info.why, "help": diagnostic.help, "labels": labels,
    })
}

/// Line and column of the start of `span`, both from 1, the column in characters.
pub fn position(sources: &Sources, span: Span) -> (usize, usize) {
    let text = &sources.file(span.file).text;
    let before = text.get(..span.start as usize).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
