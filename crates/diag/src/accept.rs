//! Warnings that the author has judged: `accept W0605 'admins only, 40 rows'` beside what the warning is about.

use crate::{Code, Diagnostic, Severity, Span, codes, sort};
use serde::Serialize;
use smol_str::SmolStr;

/// What the author wrote. Two are equal that say the same, wherever they stand.
#[derive(Clone, Debug, Eq)]
pub struct Acceptance {
    /// The warning.
    pub code: Code,
    /// Why it is as it should be.
    pub reason: SmolStr,
    /// The declaration that it stands at; warnings in it are accepted.
    pub about: Span,
    /// Where it is written.
    pub at: Span,
}

impl PartialEq for Acceptance {
    fn eq(&self, other: &Self) -> bool {
        (self.code, &self.reason) == (other.code, &other.reason)
    }
}

/// A warning that is not reported, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Accepted {
    /// The warning.
    pub finding: Diagnostic,
    /// The author's reason.
    pub reason: SmolStr,
}

/// Takes the warnings out of `findings` that `acceptances` accept, in the order of their places. An acceptance takes those
/// of its code within its declaration, unless one further inside does; one that takes none is a warning itself. Findings
/// must be those of all stages.
pub fn accept(findings: &mut Vec<Diagnostic>, mut acceptances: Vec<Acceptance>) -> Vec<Accepted> {
    // declarations lie in each other or apart, so those around a place are a stack
    acceptances.sort_by_key(|a| (a.about.file, a.about.start, std::cmp::Reverse(a.about.end), a.at));
    let mut used = vec![false; acceptances.len()];
    let mut around: Vec<usize> = Vec::new();
    let mut next = 0;
    let (mut accepted, mut kept) = (Vec::new(), Vec::new());
    sort(findings);
    for finding in findings.drain(..) {
        let place = finding.span();
        while let Some(one) =
            acceptances.get(next).filter(|a| (a.about.file, a.about.start) <= (place.file, place.start))
        {
            around.retain(|outer| acceptances[*outer].about.contains(one.about));
            around.push(next);
            next += 1;
        }
        around.retain(|outer| acceptances[*outer].about.contains(place));
        let takes = |n: &&usize| acceptances[**n].code == finding.code && finding.severity() == Severity::Warning;
        match around.iter().rev().find(takes) {
            Some(n) => {
                used[*n] = true;
                accepted.push(Accepted { finding, reason: acceptances[*n].reason.clone() });
            }
            None => kept.push(finding),
        }
    }
    *findings = kept;
    for (acceptance, _) in acceptances.iter().zip(used).filter(|(_, used)| !used) {
        let message = format!("`accept {}` accepts nothing", acceptance.code.name());
        let help = "remove it, or write it after what the warning points to, on the same line";
        findings.push(Diagnostic::new(codes::ACCEPTS_NOTHING, acceptance.at, message).help(help));
    }
    sort(findings);
    accepted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FileId;

    fn span(start: usize, end: usize) -> Span {
        Span::new(FileId(0), start, end)
    }

    #[test]
    fn the_innermost_takes_it_and_what_takes_nothing_is_said() {
        let one = |reason: &str, about: Span, at: usize| Acceptance {
            code: codes::PER_ROW_POLICY,
            reason: reason.into(),
            about,
            at: span(at, at + 1),
        };
        let acceptances =
            vec![one("all", span(0, 100), 1), one("inner", span(20, 40), 21), one("other", span(50, 60), 51)];
        let warning = |at: usize| Diagnostic::new(codes::PER_ROW_POLICY, span(at, at + 2), format!("at {at}"));
        let mut findings = vec![
            warning(70),
            warning(25),
            warning(110),
            Diagnostic::new(codes::CLOSED_ENTITY, span(22, 23), "another code"),
            Diagnostic::new(codes::SYNTAX, span(24, 25), "an error"),
        ];
        let accepted = accept(&mut findings, acceptances);
        let taken: Vec<_> = accepted.iter().map(|a| (a.finding.message.as_str(), a.reason.as_str())).collect();
        assert_eq!(taken, [("at 25", "inner"), ("at 70", "all")]);
        let left: Vec<_> = findings.iter().map(|d| d.message.as_str()).collect();
        assert_eq!(left, ["another code", "an error", "`accept W0605` accepts nothing", "at 110"]);
    }
}
