//! `specc flows`

use crate::args::{Asked, Flows, Format};
use crate::output;
use crate::pipeline;
use crate::project::Project;
use crate::report::{self, FINDINGS, Failure, data, plural};
use smol_str::SmolStr;
use specc_diag::{Diagnostic, SarifResult, SarifRule, Severity, Shown, Sources, codes, position};
use specc_flows::Report;
use std::path::Path;
use std::process::ExitCode;

/// Folders with what programs made or brought.
pub const MADE: [&str; 7] = ["node_modules", "dist", "build", "out", "coverage", "vendor", "bower_components"];

/// Sets front-end code against what its roles may do.
pub fn run(args: &Flows, format: Asked) -> Result<ExitCode, Failure> {
    let compilation = pipeline::compile(Project::open(&args.place.project)?, false)?;
    let roles = roles(&compilation.model, &args.role)?;
    let mut unread = Vec::new();
    let sources = sources(&args.dir, &mut unread)?;
    let around = specc_lower::external(&compilation.model);
    let mut found = specc_flows::scan(&sources, &compilation.catalog, &around, &roles);
    found.findings.append(&mut unread);
    specc_diag::sort(&mut found.findings);
    let shown: Vec<Shown<'_>> = found.findings.iter().map(Shown::from).collect();
    let name = &compilation.config.name;
    match format {
        Asked::Text => {
            let map = specc_flows::markdown(&found, &sources, name);
            match &args.out {
                Some(file) => output::write_one(file, &map)?,
                None => data(map.trim_end()),
            }
            say(&found, &sources);
        }
        Asked::Json => {
            let mut all = specc_flows::json(&found, &sources);
            let findings: Vec<_> = found.findings.iter().map(|d| specc_diag::render_json(d, &sources)).collect();
            all["diagnostics"] = findings.into();
            match &args.out {
                Some(file) => output::write_one(file, &format!("{all:#}\n"))?,
                None => data(&all.to_string()),
            }
        }
        Asked::Sarif => {
            let results: Vec<SarifResult> = shown.iter().map(Into::into).collect();
            let sarif = specc_diag::sarif("specc flows", env!("CARGO_PKG_VERSION"), &kinds(), &results, &sources);
            data(&sarif.to_string());
        }
        Asked::Github => data(specc_diag::github(&shown, &sources).trim_end()),
        Asked::Junit | Asked::Markdown | Asked::Html => {
            return Err(super::not_written("flows", "text, json, sarif and github"));
        }
    }
    let is_bad = specc_diag::has_errors(&found.findings) || args.deny_warnings && !found.findings.is_empty();
    Ok(if is_bad { ExitCode::from(FINDINGS) } else { ExitCode::SUCCESS })
}

/// The roles as which a client asks that does not say as whom.
fn roles(model: &specc_model::Model, asked: &[String]) -> Result<Vec<SmolStr>, Failure> {
    if asked.is_empty() {
        return Ok(vec!["anon".into(), "authenticated".into()]);
    }
    let known = specc_model::effective::known_roles(model);
    if let Some(role) = asked.iter().find(|role| !known.iter().any(|known| known == role.as_str())) {
        let near = specc_diag::nearest(role, known.iter().map(SmolStr::as_str));
        let help = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(Failure::broken(format!("--role: nothing is said of a role `{role}`{help}")));
    }
    Ok(asked.iter().map(SmolStr::from).collect())
}

fn kinds() -> Vec<SarifRule> {
    let all = [codes::FLOW_UNREAD, codes::FLOW_UNSENT, codes::FLOW_UNKNOWN, codes::FLOW_REFUSED, codes::FLOW_UNCLEAR];
    all.map(Into::into).into()
}

/// The code in a folder, by path. What is no text or too long is noted, never left out in silence.
fn sources(dir: &Path, unread: &mut Vec<Diagnostic>) -> Result<Sources, Failure> {
    let is_made = |entry: &walkdir::DirEntry| {
        let name = entry.file_name().to_string_lossy();
        let hidden = name.starts_with('.') && !matches!(&*name, "." | "..");
        entry.depth() > 0 && entry.file_type().is_dir() && (hidden || MADE.contains(&&*name))
    };
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(dir).sort_by_file_name().into_iter().filter_entry(|entry| !is_made(entry)) {
        let entry = entry.map_err(|error| Failure::broken(error.to_string()))?;
        let name = entry.file_name().to_string_lossy();
        let is_code = name.rsplit_once('.').is_some_and(|(_, end)| specc_flows::EXTENSIONS.contains(&end));
        if entry.file_type().is_file() && is_code && !name.ends_with(".d.ts") {
            files.push(entry.into_path());
        }
    }
    if files.is_empty() {
        return Err(Failure::broken(format!("there is no code of a front end in {}", dir.display())));
    }
    let mut sources = Sources::new();
    for path in files {
        let bytes = std::fs::read(&path).map_err(|error| Failure::broken(format!("{}: {error}", path.display())))?;
        let (text, why) = match (bytes.len() > specc_flows::LONGEST, String::from_utf8(bytes)) {
            (true, _) => (String::new(), Some("this file is not looked into: it is longer than 2 MB")),
            (false, Err(_)) => (String::new(), Some("this file is not looked into: it is not UTF-8")),
            (false, Ok(text)) => (text, None),
        };
        let id = sources.add(path.to_string_lossy().replace('\\', "/"), text);
        unread.extend(why.map(|why| Diagnostic::new(codes::FLOW_UNREAD, specc_diag::Span::new(id, 0, 0), why)));
    }
    Ok(sources)
}

fn say(found: &Report, sources: &Sources) {
    report::diagnostics(&found.findings, &[], sources, Format::Text);
    for (span, what) in found.open.iter().take(specc_diag::MOST_SHOWN) {
        let (line, column) = position(sources, *span);
        eprintln!("not looked into: {}:{line}:{column}: {what}", sources.file(span.file).name);
    }
    if let Some(more) = found.open.len().checked_sub(specc_diag::MOST_SHOWN).filter(|more| *more > 0) {
        eprintln!("not looked into: {} more", plural(more, "place"));
    }
    let errors = found.findings.iter().filter(|finding| finding.severity() == Severity::Error).count();
    eprintln!(
        "{} in {}, {}, {} not looked into",
        plural(found.flows.len(), "flow"),
        plural(sources.iter().count(), "file"),
        plural(errors, "error"),
        plural(found.open.len(), "place")
    );
}
