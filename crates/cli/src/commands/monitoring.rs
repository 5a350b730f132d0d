//! `specc monitoring`

use crate::args::{Format, Monitoring};
use crate::output::{Folder, Own, Stage};
use crate::pipeline;
use crate::project::{self, Project};
use crate::report::{FINDINGS, Failure, data, plural, say};
use std::process::ExitCode;

/// Where it is written unless somebody says otherwise.
pub const FOLDER: &str = "monitoring";

/// Writes what watches the database, or says whether a folder has it.
pub fn run(args: &Monitoring, format: Format) -> Result<ExitCode, Failure> {
    let compilation = pipeline::compile(Project::open(&args.place.project)?, false)?;
    let folder = args.out.clone().unwrap_or_else(|| compilation.root.join(FOLDER));
    let files = specc_monitor::files(&compilation.model, &compilation.catalog, &compilation.config.name);
    if args.check {
        let differs = |(name, text): &&(String, String)| project::text(&folder.join(name)).ok().as_ref() != Some(text);
        let stale: Vec<&str> = files.iter().filter(differs).map(|(name, _)| name.as_str()).collect();
        match format {
            Format::Json => data(&serde_json::json!({ "differs": stale }).to_string()),
            Format::Text => {
                stale.iter().for_each(|name| say(&format!("{}: not what the spec says", folder.join(name).display())))
            }
        }
        return Ok(if stale.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) });
    }
    let taken = Folder::take(&folder, Own::whole())?;
    let stage = Stage::new(&taken);
    files.iter().try_for_each(|(name, text)| stage.add(name.into(), text))?;
    let written = stage.finish(&[])?;
    match format {
        Format::Json => {
            data(&serde_json::json!({ "written": written.changed, "unchanged": written.unchanged }).to_string())
        }
        Format::Text => eprintln!(
            "{} written, {} as before, in {}",
            plural(written.changed.len(), "file"),
            written.unchanged,
            folder.display()
        ),
    }
    Ok(ExitCode::SUCCESS)
}
