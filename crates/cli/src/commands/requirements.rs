//! `specc plan`

use crate::args::{Format, PlanAsked};
use crate::pipeline;
use crate::project::{self, Project};
use crate::report::{self, FINDINGS, Failure, data, note, plural};
use specc_deploy::requirements;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

/// Writes the questions where they are not there, and checks the answers where they are.
pub fn run(args: &PlanAsked, format: Format) -> Result<ExitCode, Failure> {
    let file = &args.requirements;
    let text = match project::text(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // There may be no spec yet: that is what the questions are for.
            let (_, config) = project::settings(&args.place.project)?;
            let cannot = |error: std::io::Error| Failure::broken(format!("cannot write {}: {error}", file.display()));
            let mut made = std::fs::File::create_new(file).map_err(cannot)?;
            made.write_all(requirements::questions(&config.name).as_bytes()).map_err(cannot)?;
            note(&format!("wrote {}: answer it, then run the same command again", file.display()));
            return Ok(ExitCode::SUCCESS);
        }
        Err(error) => return Err(Failure::broken(format!("cannot read {}: {error}", file.display()))),
    };
    let mut compilation = pipeline::compile(Project::open(&args.place.project)?, false)?;
    let id = compilation.sources.add(project::slashes(file), text.as_str());
    let checked = requirements::check(id, &text, &compilation.model, &compilation.catalog);
    let mut findings = checked.findings;
    specc_diag::sort(&mut findings);
    let unmet = findings.len();
    if format == Format::Json {
        let all: Vec<_> = findings.iter().map(|one| specc_diag::render_json(one, &compilation.sources)).collect();
        data(&serde_json::json!({ "asked": checked.asked, "diagnostics": all }).to_string());
    } else {
        report::diagnostics(&findings, &[], &compilation.sources, format);
    }
    note(&format!("{} in {}, {unmet} not met or not answered", plural(checked.asked, "thing"), file.display()));
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}
