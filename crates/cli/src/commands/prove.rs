//! `specc prove`

use super::trying::Place;
use super::widening::against;
use crate::args::{Asked, Format, Prove};
use crate::pipeline::{self, Compilation};
use crate::project::Project;
use crate::report::{self, FINDINGS, Failure, data, plural, say};
use serde_json::json;
use specc_diag::{Diagnostic, SarifResult, SarifRule, Shown, Sources, Span, position};
use specc_model::Model;
use specc_prove::{Case, Finding, Verdict};
use specc_trial::Verified;
use std::process::ExitCode;

/// Decides what should hold of access, and reports what does not, unless the spec accepts it.
pub fn run(args: &Prove, asked: Asked) -> Result<ExitCode, Failure> {
    if matches!(asked, Asked::Github | Asked::Junit | Asked::Markdown | Asked::Html) {
        return Err(Failure::broken("`specc prove` writes text, json and sarif"));
    }
    let format = asked.format().unwrap_or(Format::Text);
    let project = match args.sql.is_some() || args.connection.is_given() {
        true => super::pull::in_memory(args.sql.as_deref(), args.target, &args.connection)?,
        false => Project::open(&args.place.project)?,
    };
    let compilation = pipeline::compile(project, false)?;
    let prove = if args.strict { specc_prove::prove_strictly } else { specc_prove::prove };
    let mut findings = prove(&compilation.model);
    let replayed = if args.run { replayed(args, &compilation, &findings)? } else { Vec::new() };
    let refused = replayed.iter().flatten().filter(|replayed| matches!(replayed, Replayed::Refused(..))).count();
    let compared = match &args.against {
        Some(what) => Some(specc_prove::compare(&against(what, &args.place.project)?, &compilation.model)),
        None => None,
    };
    findings.extend(compared.iter().flat_map(|compared| compared.findings()));
    // The tables of both states have the ids of the later one.
    let model = compared.as_ref().map_or(&compilation.model, |compared| &compared.model);
    let mut open: Vec<Diagnostic> = findings
        .iter()
        .enumerate()
        .filter_map(|(at, finding)| diagnostic(finding, model, replayed.get(at).and_then(Option::as_ref)))
        .collect();
    // What is not asked is neither found nor to be accepted.
    let mut proofs = compilation.proofs;
    proofs.retain(|proof| args.strict || !specc_prove::STRICT.contains(&proof.code));
    let accepted = specc_diag::accept(&mut open, proofs);
    let sources = &compilation.sources;
    let mut asides = specc_prove::asides(&compilation.model);
    asides.retain(|aside| !aside.asked);
    let place = |span: Span| format!("{}:{}", sources.file(span.file).name, position(sources, span).0);
    if asked == Asked::Sarif {
        data(&as_sarif(&open, sources).to_string());
    } else if format == Format::Json {
        let all: Vec<_> = open.iter().map(|finding| specc_diag::render_json(finding, sources)).collect();
        let accepted = report::accepted_json(&accepted, sources);
        let asides: Vec<_> =
            asides.iter().map(|aside| json!({ "text": aside.text, "place": place(aside.span) })).collect();
        data(&json!({ "diagnostics": all, "accepted": accepted, "not_asked": asides, "verdicts": verdicts(&findings, &replayed) }).to_string());
    } else {
        let shown = findings.iter().filter(|finding| args.all || !matches!(finding.verdict, Verdict::Proven { .. }));
        for finding in shown.filter(|finding| args.all || !is_open(finding)) {
            say(&format!("{} {}: {}", word(&finding.verdict), finding.code.name(), finding.claim));
            if matches!(finding.verdict, Verdict::TooLarge) {
                say(&format!("    {}: {}", place(finding.span), specc_prove::TOO_LARGE));
            }
            if let Verdict::OutOfFragment { because } = &finding.verdict {
                for span in because {
                    say(&format!("    {}: `{}`", place(*span), sources.text(*span)));
                }
            }
        }
        for line in compared.iter().flat_map(|compared| &compared.left_out) {
            say(&format!("NOT COMPARED {line}"));
        }
        // One that is accepted or said elsewhere is no finding, and what Postgres says of it counts all the same.
        for (finding, replayed) in findings.iter().zip(&replayed) {
            if let Some(replayed) = replayed {
                say(&format!("{} {} {}: {}", replayed.word(), finding.code.name(), finding.entity, replayed.words()));
            }
        }
        for aside in &asides {
            say(&format!("NOT ASKED {}: {}", place(aside.span), aside.text));
        }
        report::diagnostics(&open, &accepted, sources, format);
    }
    let count = |is: fn(&Verdict) -> bool| findings.iter().filter(|finding| is(&finding.verdict)).count();
    let too_large = match count(|verdict| matches!(verdict, Verdict::TooLarge)) {
        0 => String::new(),
        large => format!(", {large} too large"),
    };
    eprintln!(
        "{} properties: {} proven, {} checked, {} with a counterexample ({} accepted), {} out of fragment{too_large}",
        findings.len(),
        count(|verdict| matches!(verdict, Verdict::Proven { .. })),
        count(|verdict| matches!(verdict, Verdict::Checked { .. })),
        count(|verdict| matches!(verdict, Verdict::Counterexample(_))),
        accepted.len(),
        count(|verdict| matches!(verdict, Verdict::OutOfFragment { .. })),
    );
    if refused > 0 {
        return Err(Failure::Refused(
            None,
            format!("Postgres refuses {}: the model of access is wrong there", plural(refused, "counterexample")),
        ));
    }
    Ok(if open.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

/// What is found of access, and nobody accepts; and how many properties there are.
pub fn open(compilation: &Compilation) -> (Vec<Diagnostic>, usize) {
    let findings = specc_prove::prove(&compilation.model);
    let mut open: Vec<Diagnostic> =
        findings.iter().filter_map(|finding| diagnostic(finding, &compilation.model, None)).collect();
    let mut proofs = compilation.proofs.clone();
    proofs.retain(|proof| !specc_prove::STRICT.contains(&proof.code));
    specc_diag::accept(&mut open, proofs);
    (open, findings.len())
}

/// For tools of code review: each open finding at its rule.
fn as_sarif(open: &[Diagnostic], sources: &Sources) -> serde_json::Value {
    let mut codes: Vec<_> = open.iter().map(|found| found.code).collect();
    codes.sort();
    codes.dedup();
    let rules: Vec<SarifRule> = codes.into_iter().map(Into::into).collect();
    let results: Vec<SarifResult> = open.iter().map(|found| (&Shown::from(found)).into()).collect();
    specc_diag::sarif("specc prove", env!("CARGO_PKG_VERSION"), &rules, &results, sources)
}

/// What a server says of a counterexample.
enum Replayed {
    /// It is as the model says. The server.
    Allowed(String),
    /// It is not. The server, and what it said.
    Refused(String, String),
    /// It could not be tried, and why.
    NotRun(String),
}

impl Replayed {
    fn word(&self) -> &'static str {
        match self {
            Replayed::Allowed(_) => "REPLAYED",
            Replayed::Refused(..) => "REFUSED",
            Replayed::NotRun(_) => "NOT RUN",
        }
    }

    fn words(&self) -> String {
        match self {
            Replayed::Allowed(server) => format!("replayed on {server}: allowed"),
            Replayed::Refused(server, got) => format!("{server} refuses it: {got}"),
            Replayed::NotRun(why) => format!("not replayed: {why}"),
        }
    }
}

/// Each counterexample on a real server; none for what is no counterexample.
fn replayed(args: &Prove, compilation: &Compilation, findings: &[Finding]) -> Result<Vec<Option<Replayed>>, Failure> {
    let model = &compilation.model;
    let case = |finding: &Finding| match &finding.verdict {
        Verdict::Counterexample(case) => Some(case.clone()),
        _ => None,
    };
    let cases: Vec<Option<Option<Case>>> = findings.iter().map(case).collect();
    if cases.iter().flatten().flatten().next().is_none() {
        let none = |case: &Option<Case>| case.is_none().then(|| Replayed::NotRun("it is about no database".to_owned()));
        return Ok(cases.iter().map(|case| case.as_ref().and_then(none)).collect());
    }
    let place = Place::open(compilation, &args.scratch)?;
    let server = place.name();
    place.within(compilation, |ground, samples| {
        let mut all = Vec::new();
        for case in cases {
            let Some(case) = case else {
                all.push(None);
                continue;
            };
            let Some(case) = case else {
                all.push(Some(Replayed::NotRun("it is about no database".to_owned())));
                continue;
            };
            all.push(Some(match specc_trial::replay(model, &case, samples) {
                Err(why) => Replayed::NotRun(why),
                Ok(run) => match ground.run(&run)? {
                    Err(why) => Replayed::NotRun(format!("Postgres does not take its rows: {why}")),
                    Ok(outcome) => match specc_trial::allowed(&outcome.got) {
                        Verified::Allowed => Replayed::Allowed(server.clone()),
                        Verified::Refused(got) => Replayed::Refused(server.clone(), got),
                        Verified::NotSeen(why) => Replayed::NotRun(why),
                    },
                },
            }));
        }
        Ok(all)
    })
}

fn is_open(finding: &Finding) -> bool {
    matches!(finding.verdict, Verdict::Counterexample(_))
}

fn verdicts(findings: &[Finding], replayed: &[Option<Replayed>]) -> Vec<serde_json::Value> {
    let one = |(at, finding): (usize, &Finding)| {
        let mut said = verdict(finding);
        if let Some(Some(replayed)) = replayed.get(at) {
            said["replayed"] = json!({ "allowed": matches!(replayed, Replayed::Allowed(_)), "text": replayed.words() });
        }
        said
    };
    findings.iter().enumerate().map(one).collect()
}

/// A verdict as JSON.
fn verdict(finding: &Finding) -> serde_json::Value {
    let (verdict, rows) = match &finding.verdict {
        Verdict::Proven { rows } => ("proven", Some(*rows)),
        Verdict::Checked { rows } => ("checked", Some(*rows)),
        Verdict::Counterexample(_) => ("counterexample", None),
        Verdict::OutOfFragment { .. } => ("out_of_fragment", None),
        Verdict::TooLarge => ("too_large", None),
    };
    json!({ "code": finding.code, "entity": finding.entity, "claim": finding.claim, "verdict": verdict, "rows": rows })
}

fn word(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Proven { rows } => format!("PROVEN ({rows} rows of a table decide)"),
        Verdict::Checked { rows } => format!("CHECKED to {rows} rows of a table"),
        Verdict::Counterexample(_) => "COUNTEREXAMPLE".to_owned(),
        Verdict::OutOfFragment { .. } => "OUT OF FRAGMENT".to_owned(),
        Verdict::TooLarge => "TOO LARGE".to_owned(),
    }
}

/// A counterexample as a finding at its rule.
fn diagnostic(finding: &Finding, model: &Model, replayed: Option<&Replayed>) -> Option<Diagnostic> {
    let Verdict::Counterexample(case) = &finding.verdict else { return None };
    let mut lines = case.as_ref().map(|case| case.lines(model)).unwrap_or_default();
    lines.extend(replayed.map(Replayed::words));
    let found = Diagnostic::new(finding.code, finding.span, finding.wrong.clone()).example(lines);
    let by = case.as_ref().and_then(|case| case.by.as_ref());
    Some(match by {
        Some((_, span)) => found.also(*span, "this rule lets it through"),
        None => found,
    })
}
