//! What to say about text that the grammar does not understand.

use crate::ast::Item;
use crate::build::Cx;
use crate::grammar::{Pair, Rule};
use crate::scan::Scan;
use specc_diag::{Diagnostic, Span, codes};

/// The block that an entry stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Member,
    Enum,
    Domain,
    Composite,
    Sequence,
    Workflow,
    View,
    Webhook,
    Policy,
    Bucket,
    Realtime,
    Seed,
    SeedRow,
}

/// Drops what follows from an error of the scan on the same lines.
pub(crate) fn without_echoes(_scan: &Scan<'_>, findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    findings
}

pub(crate) fn whole_file(cx: &mut Cx<'_>, error: &pest::error::Error<Rule>) {
    let at = match error.location {
        pest::error::InputLocation::Pos(at) => at,
        pest::error::InputLocation::Span((at, _)) => at,
    };
    cx.findings.push(Diagnostic::new(
        codes::SYNTAX,
        Span::new(cx.file, at, at + 1),
        "unexpected text",
    ));
}

pub(crate) fn broken_item(cx: &mut Cx<'_>, pair: &Pair<'_>) -> Option<Item> {
    let at = cx.at(pair).0;
    cx.findings.push(Diagnostic::new(
        codes::SYNTAX,
        at,
        format!("broken item `{}`", pair.as_str()),
    ));
    None
}

pub(crate) fn entry(cx: &mut Cx<'_>, pair: &Pair<'_>, place: Place, opener: usize) {
    let at = cx.at(pair).0;
    if pair.as_rule() == Rule::unclosed {
        let open = Span::new(cx.file, opener, opener + 1);
        cx.findings.push(Diagnostic::new(
            codes::UNCLOSED,
            open,
            "block is never closed",
        ));
    } else {
        cx.findings.push(Diagnostic::new(
            codes::SYNTAX,
            at,
            format!("broken {place:?} `{}`", pair.as_str()),
        ));
    }
}

pub(crate) fn junk(cx: &mut Cx<'_>, pair: &Pair<'_>, _is_ref: bool) {
    let at = cx.at(pair).0;
    cx.findings.push(Diagnostic::new(
        codes::SYNTAX,
        at,
        format!("junk `{}`", pair.as_str()),
    ));
}

pub(crate) fn two_target_columns(cx: &mut Cx<'_>, at: Span) {
    cx.findings.push(Diagnostic::new(
        codes::SYNTAX,
        at,
        "a reference points to one column",
    ));
}

pub(crate) fn two_conditions(cx: &mut Cx<'_>, at: Span) {
    cx.findings.push(Diagnostic::new(
        codes::SYNTAX,
        at,
        "a rule has one condition",
    ));
}
