//! `specc init`

use crate::args::Init;
use crate::git::Repository;
use crate::output::{self, File};
use crate::project::{self, CONFIG};
use crate::report::Failure;
use std::path::Path;
use std::process::ExitCode;

/// The starter project: the same files as `specs/starter`, which CI builds.
const STARTER: &[(&str, &str)] = &[
    ("specc.toml", include_str!("../../../../specs/starter/specc.toml")),
    ("people.dbspec", include_str!("../../../../specs/starter/people.dbspec")),
    ("projects.dbspec", include_str!("../../../../specs/starter/projects.dbspec")),
    ("promises.dbspec", include_str!("../../../../specs/starter/promises.dbspec")),
    ("scenarios.dbspec", include_str!("../../../../specs/starter/scenarios.dbspec")),
    ("seed.dbspec", include_str!("../../../../specs/starter/seed.dbspec")),
];

/// Writes the starter project; tells git how to merge a project's own files.
pub fn run(args: &Init) -> Result<ExitCode, Failure> {
    let config = args.dir.join(CONFIG);
    if args.merge_driver {
        if !config.exists() {
            starter(args, &config)?;
        }
        return merge_driver(&args.dir);
    }
    starter(args, &config)?;
    eprintln!("created a project in {}; next: specc build --project {}", args.dir.display(), args.dir.display());
    Ok(ExitCode::SUCCESS)
}

/// Every clone says for itself which program merges; which files it merges stands in the repository.
fn merge_driver(dir: &Path) -> Result<ExitCode, Failure> {
    let (root, config) = project::settings(dir)?;
    let repository = Repository::of(&root)?;
    repository.configure("merge.specc.name", "specc's own files")?;
    repository.configure("merge.specc.driver", "specc merge-file %O %A %B %P")?;
    let path = root.join(".gitattributes");
    let before = match project::text(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Failure::broken(format!("cannot read {}: {error}", path.display()))),
    };
    let mut text = before.clone();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for folder in [config.state(), config.docs(), config.seeds()] {
        // A pattern that begins with a slash is one of this folder only.
        let line = format!("/{}/** merge=specc", project::slashes(&folder).replace(' ', "?"));
        if !text.lines().any(|known| known == line) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    if text != before {
        output::replace(&path, &text)?;
    }
    eprintln!(
        "git merges specc's own files with `specc merge-file`; commit {}, and run this in each clone",
        path.display()
    );
    Ok(ExitCode::SUCCESS)
}

fn starter(args: &Init, config: &Path) -> Result<(), Failure> {
    if config.exists() {
        return Err(Failure::broken(format!("{} is there already", config.display())));
    }
    let name = name(&args.dir);
    let files: Vec<_> = STARTER
        .iter()
        .map(|(path, text)| {
            let contents = if *path == CONFIG { named(text, name.as_deref()) } else { text.to_string() };
            File { path: path.into(), contents }
        })
        .collect();
    for file in &files {
        let path = args.dir.join(&file.path);
        if path.exists() {
            return Err(Failure::broken(format!("{} is there already", path.display())));
        }
    }
    output::write(&args.dir, files)
}

/// The name of the folder, which the project takes.
fn name(dir: &Path) -> Option<String> {
    let full = std::path::absolute(dir).ok()?;
    let name = full.file_name()?.to_str()?;
    (!name.chars().any(char::is_control) && !name.trim().is_empty()).then(|| name.to_owned())
}

/// The settings with this name in the place of the starter's.
fn named(text: &str, name: Option<&str>) -> String {
    let line = |name: &str| format!("name = {}", toml::Value::from(name));
    name.map_or_else(|| text.to_owned(), |name| text.replacen(&line("starter"), &line(name), 1))
}
