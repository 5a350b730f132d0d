//! The package beside the docs: guides, runbooks and the API, where the settings name a folder for it.

use crate::pipeline::Compilation;
use crate::project;
use crate::report::Failure;
use specc_diag::codes;
use specc_docs::{DocFile, Package};
use std::path::{Component, Path};

/// What the docs are made with besides the model and its catalog.
pub fn options(compilation: &Compilation) -> specc_docs::Options {
    let accepted = compilation.accepted.iter().map(|accepted| {
        let (line, _) = specc_diag::position(&compilation.sources, accepted.finding.span());
        specc_docs::AcceptedWarning {
            code: accepted.finding.code.name(),
            title: accepted.finding.code.title(),
            message: accepted.finding.message.clone(),
            place: format!("{}:{line}", compilation.sources.file(accepted.finding.span().file).name),
            reason: accepted.reason.clone(),
        }
    });
    specc_docs::Options {
        project: compilation.config.name.as_str().into(),
        accepted: accepted.collect(),
        around: specc_lower::external(&compilation.model),
    }
}

/// The files of the package that is to lie in `folder`, beside docs in another one; `migrations` are name and first comment of
/// each, in the order in which they run.
///
/// # Errors
/// Objects that need each other.
pub fn files(
    compilation: &Compilation,
    folder: &Path,
    docs: &Path,
    migrations: Vec<(String, String)>,
) -> Result<Vec<DocFile>, Failure> {
    let schema = specc_migrate::schema_file(&compilation.config.name, &compilation.catalog)
        .map_err(|cycle| Failure::Refused(Some(codes::DEPENDENCY_CYCLE), cycle.to_string()))?;
    let package = Package { to_docs: way(folder, docs), migrations, schema: Some(schema) };
    Ok(specc_docs::package(&compilation.model, &compilation.catalog, &options(compilation), &package))
}

/// Name and first comment of each migration that is in a folder.
///
/// # Errors
/// A folder or file that cannot be read.
pub fn migrations(folder: &Path) -> Result<Vec<(String, String)>, Failure> {
    let mut found = Vec::new();
    for path in project::listed(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".sql") {
            let text =
                project::bytes(&path).map_err(|error| Failure::broken(format!("{}: {error}", path.display())))?;
            found.push((name, comment(&String::from_utf8_lossy(&text))));
        }
    }
    found.sort();
    Ok(found)
}

/// The comment that a file begins with.
pub fn comment(text: &str) -> String {
    text.lines().take_while(|line| line.starts_with("--")).fold(String::new(), |all, line| all + line + "\n")
}

/// The way from one folder to another, both below the same one: `../`.
fn way(from: &Path, to: &Path) -> String {
    let names = |path: &Path| -> Vec<String> {
        let normal = |part: Component<'_>| match part {
            Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
            _ => None,
        };
        path.components().filter_map(normal).collect()
    };
    let (from, to) = (names(from), names(to));
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let mut out = "../".repeat(from.len() - same);
    to[same..].iter().for_each(|name| {
        out.push_str(name);
        out.push('/');
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_leads_from_folder_to_folder() {
        let is = |from: &str, to: &str| way(Path::new(from), Path::new(to));
        assert_eq!(is("docs/guides", "docs"), "../");
        assert_eq!(is("guides", "docs"), "../docs/");
        assert_eq!(is("a/b/c", "a/d"), "../../d/");
        assert_eq!(is("docs", "docs/pages"), "pages/");
    }
}
