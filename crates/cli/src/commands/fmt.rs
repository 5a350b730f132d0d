//! `specc fmt`

use crate::args::Fmt;
use crate::output::{self, File};
use crate::project::Project;
use crate::report::{FINDINGS, Failure, data};
use specc_diag::Sources;
use std::path::Path;
use std::process::ExitCode;

/// Rewrites spec files in the canonical layout. Files with errors are left as they are.
pub fn run(args: &Fmt) -> Result<ExitCode, Failure> {
    let paths = if args.files.is_empty() { Project::open(&args.place.project)?.files } else { args.files.clone() };
    let mut sources = Sources::new();
    let mut findings = Vec::new();
    let mut changed = Vec::new();
    for path in &paths {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::broken(format!("cannot read {}: {error}", path.display())))?;
        let id = sources.add(path.display().to_string(), text.as_str());
        match specc_syntax::fmt(&text) {
            Ok(contents) if contents != text => changed.push(File { path: path.clone(), contents }),
            Ok(_) => {}
            Err(errors) => findings.extend(errors.into_iter().map(|mut error| {
                error.labels.iter_mut().for_each(|l| l.span.file = id);
                error
            })),
        }
    }
    if !findings.is_empty() {
        return Err(Failure::Findings(findings, sources));
    }
    changed.iter().for_each(|file| data(&file.path.display().to_string()));
    if args.check {
        return Ok(ExitCode::from(if changed.is_empty() { 0 } else { FINDINGS }));
    }
    output::write(Path::new(""), &changed)?;
    Ok(ExitCode::SUCCESS)
}
