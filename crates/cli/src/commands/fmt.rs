//! `specc fmt`

use crate::args::Fmt;
use crate::output;
use crate::project::Project;
use crate::report::{FINDINGS, Failure, data};
use specc_diag::Sources;
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
            Ok(contents) if contents != text => changed.push((path, contents)),
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
    changed.iter().for_each(|(path, _)| data(&path.display().to_string()));
    if args.check {
        return Ok(ExitCode::from(if changed.is_empty() { 0 } else { FINDINGS }));
    }
    changed.iter().try_for_each(|(path, contents)| output::replace(path, contents))?;
    Ok(ExitCode::SUCCESS)
}
