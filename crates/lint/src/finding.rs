//! What was found.

use crate::rule::Rule;
use specc_diag::{Label, Severity, Shown, Span};

/// A place and what is to be said about it.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule that found it.
    pub rule: &'static Rule,
    /// How bad it is.
    pub level: Severity,
    /// What is wrong.
    pub message: String,
    /// Places; the first is the primary one.
    pub labels: Vec<Label>,
    /// What to write instead.
    pub help: Option<String>,
    why: String,
    title: &'static str,
}

impl Finding {
    pub(crate) fn new(rule: &'static Rule, at: Span, message: String) -> Self {
        let labels = vec![Label { span: at, text: String::new() }];
        Self { rule, level: rule.level, message, labels, help: None, why: rule.why(), title: rule.title() }
    }

    /// Where it is.
    pub fn span(&self) -> Span {
        self.labels.first().map(|label| label.span).unwrap_or_default()
    }

    /// As [`specc_diag::draw`] takes it.
    pub fn shown(&self) -> Shown<'_> {
        Shown {
            code: self.rule.code,
            severity: self.level,
            title: self.title,
            message: &self.message,
            labels: &self.labels,
            help: self.help.as_deref(),
            example: &[],
            why: &self.why,
        }
    }

    pub(crate) fn help(&mut self, text: impl Into<String>) -> &mut Self {
        self.help = Some(text.into());
        self
    }

    pub(crate) fn also(&mut self, span: Span, text: impl Into<String>) -> &mut Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }
}

/// A level as it is written.
pub(crate) fn word(level: Severity) -> &'static str {
    match level {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Advice => "advice",
    }
}
