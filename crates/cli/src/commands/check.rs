//! `specc check`

use crate::args::{Check, Format};
use crate::pipeline;
use crate::project::Project;
use crate::report::{self, Failure, plural};
use std::process::ExitCode;

/// Parses, resolves, types, checks and lowers; writes nothing.
pub fn run(args: &Check, format: Format) -> Result<ExitCode, Failure> {
    let project = Project::open(&args.place.project)?;
    let files = project.files.len();
    let compilation = pipeline::compile(project, args.deny_warnings)?;
    report::diagnostics(&compilation.warnings, &compilation.accepted, &compilation.sources, format);
    if format == Format::Text {
        let entities = compilation.model.entities.iter().filter(|e| !e.external).count();
        let count = if entities == 1 { "1 entity".into() } else { format!("{entities} entities") };
        eprintln!("{} checked: {count} in {}", compilation.config.name, plural(files, "file"));
    }
    Ok(ExitCode::SUCCESS)
}
