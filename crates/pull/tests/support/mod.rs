//! Files as a build reads them.

use specc_catalog::Catalog;
use specc_diag::Sources;
use specc_model::Options;

/// What files without errors mean.
pub fn lower(files: &[(String, String)], options: &Options) -> Catalog {
    let mut sources = Sources::new();
    let (mut trees, mut found) = (Vec::new(), Vec::new());
    for (name, text) in files {
        let file = sources.add(name.clone(), text.clone());
        let (tree, findings) = specc_syntax::parse(file, text);
        trees.push(tree);
        found.extend(findings);
    }
    let (model, findings) = specc_model::analyze(trees, &mut sources, options.clone());
    found.extend(findings);
    let (catalog, findings) = specc_lower::lower(&model);
    found.extend(findings);
    found.retain(|d| d.severity() == specc_diag::Severity::Error);
    assert!(found.is_empty(), "{found:#?}");
    catalog
}
