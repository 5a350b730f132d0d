//! Text to catalog, as `specc build` does it.

use specc_catalog::{Catalog, Entry, Hints};
use specc_diag::{RenderOptions, Sources, has_errors, render};
use specc_migrate::{KeepError, keep_old};
use specc_model::{Options, Target};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What a spec means.
pub struct Given {
    pub catalog: Catalog,
    pub hints: Hints,
    /// Of the text and all that it was compiled for.
    pub key: u64,
}

impl Given {
    /// Keeps the old columns of those that get another type.
    ///
    /// # Errors
    /// Columns that cannot stay.
    pub fn keep(&mut self, last: &Catalog) -> Result<(), KeepError> {
        let kept = keep_old(&self.catalog, last, &self.hints)?.into_owned();
        if !kept.said.kept.is_empty() {
            self.key = !self.key;
        }
        self.catalog = kept;
        Ok(())
    }
}

/// Compiles.
///
/// # Errors
/// All that is wrong with the text.
pub fn compile(name: &str, text: &str, target: Target, derive: bool) -> Result<Given, String> {
    compile_after(name, text, target, derive, None)
}

/// Compiles what follows a state.
///
/// # Errors
/// All that is wrong with the text.
pub fn compile_after(
    name: &str,
    text: &str,
    target: Target,
    derive: bool,
    last: Option<&Catalog>,
) -> Result<Given, String> {
    let mut sources = Sources::new();
    let file = sources.add(name, text.to_owned());
    let (tree, mut found) = specc_syntax::parse(file, text);
    let options = Options { target, derive, last: last.cloned().map(std::sync::Arc::new), ..Options::default() };
    let (model, more) = specc_model::analyze(vec![tree], &mut sources, options);
    found.extend(more);
    let mut catalog = Catalog::new();
    if !has_errors(&found) {
        let (lowered, more) = specc_lower::lower(&model);
        catalog = lowered;
        found.extend(more);
    }
    if has_errors(&found) {
        let text = found.iter().map(|d| render(d, &sources, RenderOptions::default())).collect::<Vec<_>>();
        return Err(text.join("\n"));
    }
    for seed in specc_seed::generate(&model, "base") {
        catalog.insert(Entry::new(seed));
    }
    let mut key = DefaultHasher::new();
    (text, target == Target::Supabase, derive).hash(&mut key);
    let hints = specc_lower::hints(&model);
    catalog.said.clone_from(&hints);
    Ok(Given { catalog, hints, key: key.finish() })
}
