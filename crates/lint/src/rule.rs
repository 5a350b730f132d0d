//! A rule and its page.

use crate::Options;
use crate::cursor::Place;
use crate::finding::Finding;
use crate::script::Statement;
use crate::state::State;
use specc_diag::{Severity, Span};

/// A rule: what it looks at, and the file whose comment says why.
#[derive(Debug)]
pub struct Rule {
    /// `L001`; never used for something else.
    pub code: &'static str,
    /// How bad its findings are.
    pub level: Severity,
    /// Whether it is asked for only when all rules are.
    pub optional: bool,
    pub(crate) source: &'static str,
    pub(crate) check: Check,
}

/// When a rule looks.
#[derive(Debug)]
pub(crate) enum Check {
    /// At each statement, before it is followed.
    Each(fn(&Scene<'_>, &mut Out)),
    /// At what there is in the end.
    End(fn(&State, &Options, &mut Out)),
}

/// A statement and what is known when it begins.
pub(crate) struct Scene<'a> {
    pub(crate) state: &'a State,
    pub(crate) statement: &'a Statement,
    /// Those of the same file that come later.
    pub(crate) later: &'a [Statement],
    pub(crate) text: &'a str,
}

impl Scene<'_> {
    pub(crate) fn span(&self, place: Place) -> Span {
        self.state.span(place)
    }
}

/// Takes the findings of a rule.
pub(crate) struct Out {
    pub(crate) rule: &'static Rule,
    pub(crate) findings: Vec<Finding>,
}

impl Out {
    /// A finding at a place.
    pub(crate) fn say(&mut self, at: Span, message: impl Into<String>) -> &mut Finding {
        let at_end = self.findings.len();
        self.findings.push(Finding::new(self.rule, at, message.into()));
        &mut self.findings[at_end]
    }
}

impl Rule {
    fn comment(&self) -> impl Iterator<Item = &'static str> {
        let lines = self.source.lines().map_while(|line| line.strip_prefix("//!"));
        lines.map(|line| line.strip_prefix(' ').unwrap_or(line))
    }

    /// What it finds, in a few words.
    pub fn title(&self) -> &'static str {
        self.comment().next().unwrap_or_default()
    }

    /// Why that matters, without a final period.
    pub fn why(&self) -> String {
        let lines = self.comment().skip_while(|line| !line.starts_with("Why: ")).take_while(|line| !line.is_empty());
        let text = lines.collect::<Vec<_>>().join(" ");
        text.trim_start_matches("Why: ").trim_end_matches('.').to_string()
    }

    /// All that there is to say about it.
    pub fn page(&self) -> String {
        let body: Vec<&str> = self.comment().skip(1).collect();
        let when = if self.optional { ", only with `--all`" } else { "" };
        let level = crate::finding::word(self.level);
        format!(
            "{}: {}\n\nLevel: {level}{when}.\n\n{}\n\nTo keep it, say why on the line above: `-- specc: allow {} the reason`.",
            self.code,
            self.title(),
            body.join("\n").trim(),
            self.code
        )
    }
}
