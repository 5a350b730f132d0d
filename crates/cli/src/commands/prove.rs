//! `specc prove`

use super::widening::against;
use crate::args::{Format, Prove};
use crate::pipeline;
use crate::project::Project;
use crate::report::{self, FINDINGS, Failure, data};
use serde_json::json;
use specc_diag::{Diagnostic, Span, position};
use specc_model::Model;
use specc_prove::{Finding, Verdict};
use std::process::ExitCode;

/// Decides what should hold of access, and reports what does not, unless the spec accepts it.
pub fn run(args: &Prove, format: Format) -> Result<ExitCode, Failure> {
    let project = match args.sql.is_some() || args.connection.database_url.is_some() {
        true => super::pull::in_memory(args.sql.as_deref(), args.target, &args.connection)?,
        false => Project::open(&args.place.project)?,
    };
    let compilation = pipeline::compile(project, false)?;
    let prove = if args.strict { specc_prove::prove_strictly } else { specc_prove::prove };
    let mut findings = prove(&compilation.model);
    let compared = match &args.against {
        Some(what) => Some(specc_prove::compare(&against(what, &args.place.project)?, &compilation.model)),
        None => None,
    };
    findings.extend(compared.iter().flat_map(|compared| compared.findings()));
    // The tables of both states have the ids of the later one.
    let model = compared.as_ref().map_or(&compilation.model, |compared| &compared.model);
    let mut open: Vec<Diagnostic> = findings.iter().filter_map(|finding| diagnostic(finding, model)).collect();
    // What is not asked is neither found nor to be accepted.
    let mut proofs = compilation.proofs;
    proofs.retain(|proof| args.strict || !specc_prove::STRICT.contains(&proof.code));
    let accepted = specc_diag::accept(&mut open, proofs);
    let sources = &compilation.sources;
    let mut asides = specc_prove::asides(&compilation.model);
    asides.retain(|aside| !aside.asked);
    let place = |span: Span| format!("{}:{}", sources.file(span.file).name, position(sources, span).0);
    if format == Format::Json {
        let all: Vec<_> = open.iter().map(|finding| specc_diag::render_json(finding, sources)).collect();
        let accepted = report::accepted_json(&accepted, sources);
        let asides: Vec<_> =
            asides.iter().map(|aside| json!({ "text": aside.text, "place": place(aside.span) })).collect();
        data(&json!({ "diagnostics": all, "accepted": accepted, "not_asked": asides, "verdicts": findings.iter().map(verdict).collect::<Vec<_>>() }).to_string());
    } else {
        let shown = findings.iter().filter(|finding| args.all || !matches!(finding.verdict, Verdict::Proven { .. }));
        for finding in shown.filter(|finding| args.all || !is_open(finding)) {
            data(&format!("{} {}: {}", word(&finding.verdict), finding.code.name(), finding.claim));
            if let Verdict::OutOfFragment { because } = &finding.verdict {
                for span in because {
                    data(&format!("    {}: `{}`", place(*span), sources.text(*span)));
                }
            }
        }
        for line in compared.iter().flat_map(|compared| &compared.left_out) {
            data(&format!("NOT COMPARED {line}"));
        }
        for aside in &asides {
            data(&format!("NOT ASKED {}: {}", place(aside.span), aside.text));
        }
        report::diagnostics(&open, &accepted, sources, format);
    }
    let count = |is: fn(&Verdict) -> bool| findings.iter().filter(|finding| is(&finding.verdict)).count();
    eprintln!(
        "{} properties: {} proven, {} checked, {} with a counterexample ({} accepted), {} out of fragment",
        findings.len(),
        count(|verdict| matches!(verdict, Verdict::Proven { .. })),
        count(|verdict| matches!(verdict, Verdict::Checked { .. })),
        count(|verdict| matches!(verdict, Verdict::Counterexample(_))),
        accepted.len(),
        count(|verdict| matches!(verdict, Verdict::OutOfFragment { .. })),
    );
    Ok(if open.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

fn is_open(finding: &Finding) -> bool {
    matches!(finding.verdict, Verdict::Counterexample(_))
}

/// A verdict as JSON.
fn verdict(finding: &Finding) -> serde_json::Value {
    let (verdict, rows) = match &finding.verdict {
        Verdict::Proven { rows } => ("proven", Some(*rows)),
        Verdict::Checked { rows } => ("checked", Some(*rows)),
        Verdict::Counterexample(_) => ("counterexample", None),
        Verdict::OutOfFragment { .. } => ("out_of_fragment", None),
    };
    json!({ "code": finding.code, "entity": finding.entity, "claim": finding.claim, "verdict": verdict, "rows": rows })
}

fn word(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Proven { rows } => format!("PROVEN ({rows} rows of a table decide)"),
        Verdict::Checked { rows } => format!("CHECKED to {rows} rows of a table"),
        Verdict::Counterexample(_) => "COUNTEREXAMPLE".to_owned(),
        Verdict::OutOfFragment { .. } => "OUT OF FRAGMENT".to_owned(),
    }
}

/// A counterexample as a finding at its rule.
fn diagnostic(finding: &Finding, model: &Model) -> Option<Diagnostic> {
    let Verdict::Counterexample(case) = &finding.verdict else { return None };
    let lines = case.as_ref().map(|case| case.lines(model)).unwrap_or_default();
    let found = Diagnostic::new(finding.code, finding.span, finding.wrong.clone()).example(lines);
    let by = case.as_ref().and_then(|case| case.by.as_ref());
    Some(match by {
        Some((_, span)) => found.also(*span, "this rule lets it through"),
        None => found,
    })
}
