//! `specc merge-file`: what git asks for each of specc's own files that both sides of a merge changed.

use super::stored::{self, CONFLICT};
use crate::args::MergeFile;
use crate::output;
use crate::report::{FINDINGS, Failure};
use specc_catalog::{Catalog, MARK};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

/// Merges into the file of this side. What cannot be merged holds both sides, so that no build goes on from it.
pub fn run(args: &MergeFile) -> Result<ExitCode, Failure> {
    let [base, ours, theirs] = [&args.base, &args.ours, &args.theirs].map(|path| read(path));
    let (base, ours, theirs) = (base?, ours?, theirs?);
    let name = args.path.file_name().unwrap_or_default().to_string_lossy();
    let merged = match &*name {
        "catalog.json" => catalogs([&base, &ours, &theirs]),
        "checksums.toml" => lists([&base, &ours, &theirs]),
        // The next build writes it anew, from the merged spec.
        _ if ours.contains(MARK) || theirs.contains(MARK) => return Ok(ExitCode::SUCCESS),
        _ => Err(vec![format!("{} is not one of specc's own files", args.path.display())]),
    };
    let (text, code) = match merged {
        Ok(text) => (text, ExitCode::SUCCESS),
        Err(clashes) => {
            let list: String = clashes.iter().map(|clash| format!("\n  {clash}")).collect();
            let shown = args.path.display();
            eprintln!(
                "{shown}: the sides cannot both be kept:{list}\n  help: merge the .dbspec files, then run `specc rebase`: it \
                 plans this branch's migrations anew on top of the other's"
            );
            (format!("{CONFLICT}ours\n{ours}=======\n{theirs}>>>>>>> theirs\n"), ExitCode::from(FINDINGS))
        }
    };
    output::replace(&args.ours, &text)?;
    Ok(code)
}

fn read(path: &Path) -> Result<String, Failure> {
    let read = std::fs::read_to_string(path);
    read.map_err(|error| Failure::broken(format!("cannot read {}: {error}", path.display())))
}

fn catalogs(texts: [&str; 3]) -> Result<String, Vec<String>> {
    let read = |text: &str| match text {
        // Neither side had it before.
        "" => Ok(Catalog::new()),
        _ => specc_catalog::from_json(text).map_err(|error| vec![error.to_string()]),
    };
    let [base, ours, theirs] = texts.map(read);
    let merged = specc_catalog::merge(&base?, &ours?, &theirs?);
    let merged = merged.map_err(|clashes| clashes.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    Ok(specc_catalog::to_sealed_json(&merged))
}

/// Files of both sides; a file that both changed, each in its way, is a clash.
fn lists(texts: [&str; 3]) -> Result<String, Vec<String>> {
    let read = |text: &str| match text {
        "" => Ok(BTreeMap::new()),
        _ => stored::checksums(text).map(|list| list.into_iter().collect()).map_err(|error| vec![error]),
    };
    let [base, ours, theirs] = texts.map(read);
    let (base, ours, theirs): (BTreeMap<String, String>, _, _) = (base?, ours?, theirs?);
    let mut clashes = Vec::new();
    let mut merged = Vec::new();
    let new = theirs.keys().filter(|path| !ours.contains_key(*path));
    for path in ours.keys().chain(new) {
        let (was, our, their) = (base.get(path), ours.get(path), theirs.get(path));
        match (our == was, their == was || our == their) {
            (_, true) => merged.extend(our.map(|sum| (path.clone(), sum.clone()))),
            (true, false) => merged.extend(their.map(|sum| (path.clone(), sum.clone()))),
            (false, false) => clashes.push(format!("both have {path}, and not the same")),
        }
    }
    if clashes.is_empty() { Ok(specc_migrate::checksums(merged.iter())) } else { Err(clashes) }
}
