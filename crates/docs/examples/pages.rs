//! Writes the docs of a spec folder: `cargo run -p specc-docs --example pages -- SPECS OUT`.

#![allow(clippy::disallowed_methods, clippy::print_stderr)]

use specc_diag::Sources;
use specc_model::{Options, analyze};
use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(specs), Some(out)) = (args.next(), args.next()) else {
        eprintln!("usage: pages SPECS OUT");
        std::process::exit(2);
    };
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&specs)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|ext| ext == "dbspec"));
    paths.sort();
    let mut sources = Sources::new();
    let mut files = Vec::new();
    for path in &paths {
        let text = std::fs::read_to_string(path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let id = sources.add(name, text.clone());
        let (file, diagnostics) = specc_syntax::parse(id, &text);
        diagnostics.iter().for_each(|d| eprintln!("{}", d.message));
        files.push(file);
    }
    let (model, diagnostics) = analyze(files, &mut sources, Options::default());
    diagnostics.iter().for_each(|d| eprintln!("{}", d.message));
    let (catalog, diagnostics) = specc_lower::lower(&model);
    diagnostics.iter().for_each(|d| eprintln!("{}", d.message));
    let project = Path::new(&specs).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let options = specc_docs::Options { project: project.into(), ..Default::default() };
    for file in specc_docs::generate(&model, &catalog, &options) {
        let path = Path::new(&out).join(&file.path);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        std::fs::write(path, file.contents)?;
    }
    Ok(())
}
