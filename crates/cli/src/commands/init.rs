//! `specc init`

use crate::args::Init;
use crate::output::{self, File};
use crate::project::CONFIG;
use crate::report::Failure;
use std::process::ExitCode;

/// The starter project: the same files as `specs/starter`, which CI builds.
const STARTER: &[(&str, &str)] = &[
    ("specc.toml", include_str!("../../../../specs/starter/specc.toml")),
    ("people.dbspec", include_str!("../../../../specs/starter/people.dbspec")),
    ("projects.dbspec", include_str!("../../../../specs/starter/projects.dbspec")),
    ("seed.dbspec", include_str!("../../../../specs/starter/seed.dbspec")),
];

/// Writes the starter project.
pub fn run(args: &Init) -> Result<ExitCode, Failure> {
    let config = args.dir.join(CONFIG);
    if config.exists() {
        return Err(Failure::broken(format!("{} is there already", config.display())));
    }
    let files: Vec<_> =
        STARTER.iter().map(|(path, text)| File { path: path.into(), contents: text.to_string() }).collect();
    for file in &files {
        let path = args.dir.join(&file.path);
        if path.exists() {
            return Err(Failure::broken(format!("{} is there already", path.display())));
        }
    }
    output::write(&args.dir, files)?;
    eprintln!("created a project in {}; next: specc build --project {}", args.dir.display(), args.dir.display());
    Ok(ExitCode::SUCCESS)
}
