//! Hazards in SQL migrations, whoever wrote them: what locks, rewrites, loses, fails, or opens.
//!
//! Each rule is a file of [`rules`](RULES), whose comment is its page. Statements are read from their tokens, not from a
//! syntax tree: a clause that no parser knows then hides nothing else, and every place is exact. What a statement does is
//! judged by what the statements before it made ([`state`]): a table that the same file creates has no rows and no users.

mod cursor;
mod finding;
mod locks;
mod name;
mod output;
mod psql;
mod read;
mod rule;
mod rules;
mod script;
mod state;
mod statement;

pub use finding::Finding;
pub use output::{github, json, sarif, table, text};
pub use rule::Rule;
pub use rules::RULES;

use rule::{Check, Out, Scene};
use script::{Allowance, Script, Statement};
use specc_diag::{FileId, Severity, Sources};
use state::State;

/// What to look for.
#[derive(Clone, Debug)]
pub struct Options {
    /// Also what is a matter of habit.
    pub all: bool,
    /// Schemas whose tables clients reach directly.
    pub exposed: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { all: false, exposed: vec!["public".into()] }
    }
}

/// What was found, with the texts that it points into.
#[derive(Debug, Default)]
pub struct Report {
    /// In the order of their places.
    pub findings: Vec<Finding>,
    /// The files.
    pub sources: Sources,
    /// How many statements were looked at.
    pub statements: usize,
}

impl Report {
    /// Whether anything is worse than advice.
    pub fn is_bad(&self) -> bool {
        self.findings.iter().any(|finding| finding.level != Severity::Advice)
    }
}

/// The rule with this code.
pub fn rule(code: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.code.eq_ignore_ascii_case(code))
}

/// Looks at files, name and text, in the order in which they run.
pub fn lint(files: &[(String, String)], options: &Options) -> Report {
    let mut report = Report::default();
    let mut state = State::new();
    let (mut tx, mut batch) = (0, 0);
    let mut scripts = Vec::with_capacity(files.len());
    for (n, (name, text)) in files.iter().enumerate() {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let id = report.sources.add(name.as_str(), text);
        let before = n.checked_sub(1).and_then(|before| files.get(before));
        if !before.is_some_and(|before| go_together(before, &files[n])) {
            batch += 1;
        }
        state.enter(id, batch);
        let script = Script::read(text, &mut tx);
        report.statements += script.count();
        file(&mut state, &script, text, id, options, &mut report.findings);
        scripts.push(script);
    }
    for rule in RULES {
        if let Check::End(check) = &rule.check {
            let mut out = Out { rule, findings: Vec::new() };
            check(&state, options, &mut out);
            report.findings.append(&mut out.findings);
        }
    }
    silence(&mut report, &scripts, options);
    report
}

fn file(state: &mut State, script: &Script, text: &str, id: FileId, options: &Options, findings: &mut Vec<Finding>) {
    findings.extend(rules::not_understood::unread(id, script));
    for (n, statement) in script.statements.iter().enumerate() {
        state.begin(statement.tx);
        let implied = state.implied(&statement.what).into_iter().map(|what| Statement { what, ..statement.clone() });
        for statement in std::iter::once(statement.clone()).chain(implied) {
            let scene = Scene { state, statement: &statement, later: &script.statements[n + 1..], text };
            for rule in RULES.iter().filter(|rule| options.all || !rule.optional) {
                if let Check::Each(check) = &rule.check {
                    let mut out = Out { rule, findings: Vec::new() };
                    check(&scene, &mut out);
                    findings.append(&mut out.findings);
                }
            }
            let at = state.span(statement.place);
            state.follow(&statement, at);
        }
    }
}

/// Drops what comments allow, and sorts the rest.
fn silence(report: &mut Report, scripts: &[Script], options: &Options) {
    let sources = &report.sources;
    report.findings.retain_mut(|finding| {
        let at = finding.span();
        let Some(script) = scripts.get(at.file.0 as usize) else { return true };
        let allowance = script.allowance(&sources.file(at.file).text, finding.rule.code, at.start as usize);
        if allowance == Allowance::Unreasoned {
            finding.help("the comment that allows this gives no reason: write why after the code");
        }
        allowance != Allowance::Given && (options.all || !finding.rule.optional)
    });
    report.findings.sort_by(|a, b| (a.span(), a.rule.code, &a.message).cmp(&(b.span(), b.rule.code, &b.message)));
    report.findings.dedup_by(|a, b| a.span() == b.span() && a.rule.code == b.rule.code && a.message == b.message);
}

/// Whether two files are one change that specc wrote in one go: their stamps are a second apart. What the first makes has no
/// users when the second runs.
fn go_together(before: &(String, String), after: &(String, String)) -> bool {
    let by_specc = |text: &str| text.lines().take(3).any(|line| line.contains(specc_catalog::MARK));
    let seconds = |name: &str| {
        let stamp = name.rsplit('/').next()?.get(..14)?;
        let part = |from: usize, to: usize| stamp.get(from..to)?.parse::<u64>().ok();
        Some(part(0, 8)? * 86_400 + part(8, 10)? * 3_600 + part(10, 12)? * 60 + part(12, 14)?)
    };
    by_specc(&before.1)
        && by_specc(&after.1)
        && seconds(&before.0).zip(seconds(&after.0)).is_some_and(|(a, b)| a + 1 == b)
}
