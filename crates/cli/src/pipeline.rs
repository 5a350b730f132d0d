//! The stages in their order: text, syntax tree, model, catalog.

use crate::config::Config;
use crate::memory;
use crate::project::Project;
use crate::report::Failure;
use rayon::prelude::*;
use specc_catalog::{Catalog, Entry, Hints, SpecText};
use specc_diag::{Acceptance, Accepted, Diagnostic, FileId, Severity, Sources};
use specc_model::Model;
use specc_syntax::ast::{Item, ItemKind, SpecFile};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a project's files mean.
pub struct Compilation {
    pub root: PathBuf,
    pub config: Config,
    pub sources: Sources,
    pub model: Model,
    pub catalog: Catalog,
    /// What the spec says of the way from the last migration.
    pub hints: Hints,
    pub warnings: Vec<Diagnostic>,
    /// Warnings that the spec accepts, with its reasons.
    pub accepted: Vec<Accepted>,
    /// What the spec accepts of what `specc prove` finds.
    pub proofs: Vec<Acceptance>,
    /// What the spec accepts of what `specc bench` finds.
    pub plans: Vec<Acceptance>,
    /// Stage and time, in order.
    pub timings: Vec<Lap>,
}

impl Compilation {
    /// What the spec says, with old columns that the last build keeps.
    pub fn with_kept(&self, last: Option<&Catalog>) -> Cow<'_, Catalog> {
        let still = |last: &Catalog| specc_migrate::still_kept(&self.catalog, last, &self.hints.since(&last.said));
        last.map_or(Cow::Borrowed(&self.catalog), still)
    }
}

/// How long a stage took, and how much memory there was at its end (in MB; on Linux only).
pub struct Lap {
    pub stage: &'static str,
    pub time: Duration,
    pub memory: Option<u64>,
}

/// Measures stages.
pub struct Clock(Instant);

impl Clock {
    /// Starts now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The stage since the last lap.
    pub fn lap(&mut self, stage: &'static str) -> Lap {
        let now = Instant::now();
        let time = now - self.0;
        self.0 = now;
        Lap { stage, time, memory: memory::of("VmRSS:") }
    }
}

/// The state after the last migration, where the spec says anything of the way from there. Who goes on from it looks
/// whether it is whole: here it says what there was, no more.
fn last_state<'t>(folder: &Path, mut texts: impl Iterator<Item = &'t str>) -> Option<Arc<Catalog>> {
    let text = crate::project::text(&folder.join("catalog.json")).ok()?;
    if !text.contains(FORMER) && !texts.any(|text| WAYS.iter().any(|word| text.contains(word))) {
        return None;
    }
    specc_catalog::from_json(&text).ok().map(Arc::new)
}

/// Words without which a spec says nothing of the way from the last state.
const WAYS: [&str; 3] = ["backfill", "from", "was"];

/// How a state says that something was called otherwise once.
const FORMER: &str = "\"former\":[";

/// Parses, resolves, checks and lowers. A file with errors does not hide the errors of another, but the catalog is made
/// only of a model without errors.
///
/// # Errors
/// All findings, if any is an error (or a warning, where those are denied).
pub fn compile(project: Project, deny_warnings: bool) -> Result<Compilation, Failure> {
    let out = project.root.clone();
    compile_onto(project, &out, deny_warnings)
}

/// The same, where the last state lies in another folder than the project's.
///
/// # Errors
/// As [`compile`].
pub fn compile_onto(project: Project, out: &Path, deny_warnings: bool) -> Result<Compilation, Failure> {
    let Project { root, config, mut sources, files } = project;
    let mut clock = Clock::start();
    let mut timings = Vec::new();
    // The first source is specc.toml.
    let ids: Vec<_> = (1..=files.len()).map(|n| FileId(n as u32)).collect();
    let parsed: Vec<_> = ids.par_iter().map(|id| specc_syntax::parse(*id, &sources.file(*id).text)).collect();
    let mut findings = Vec::new();
    let mut trees = Vec::with_capacity(parsed.len());
    for (tree, mut found) in parsed {
        trees.push(tree);
        findings.append(&mut found);
    }
    let acceptances = trees.iter_mut().flat_map(|tree| std::mem::take(&mut tree.accepts));
    let (proofs, acceptances): (Vec<_>, Vec<_>) =
        acceptances.partition(|acceptance: &Acceptance| acceptance.code.is_of_proofs());
    let (plans, acceptances) =
        acceptances.into_iter().partition(|acceptance: &Acceptance| acceptance.code.is_of_plans());
    timings.push(clock.lap("parse"));
    let spec = spec(&sources, &trees);
    let broken = specc_diag::has_errors(&findings);
    let last = last_state(&out.join(config.state()), ids.iter().map(|id| &*sources.file(*id).text));
    let options = specc_model::Options { last, ..config.options() };
    let (model, mut found) = specc_model::analyze(trees, &mut sources, options);
    if broken {
        // What a broken line declares is missing from the model: complaints about missing names may be false.
        found.retain(|d| !d.code.may_follow_from_broken_text());
    }
    findings.append(&mut found);
    memory::give_back();
    timings.push(clock.lap("check"));
    if specc_diag::has_errors(&findings) {
        return Err(Failure::Findings(findings, sources));
    }
    let (mut catalog, mut found) = specc_lower::lower(&model);
    findings.append(&mut found);
    // Rows of every environment belong to the schema: they are objects like any other.
    for seed in specc_seed::generate(&model, "base") {
        catalog.insert(Entry::new(seed));
    }
    timings.push(clock.lap("lower"));
    if specc_diag::has_errors(&findings) {
        return Err(Failure::Findings(findings, sources));
    }
    let accepted = specc_diag::accept(&mut findings, acceptances);
    if deny_warnings && !findings.is_empty() {
        return Err(Failure::Findings(findings, sources));
    }
    let hints = specc_lower::hints(&model);
    catalog.said.clone_from(&hints);
    catalog.spec = spec;
    Ok(Compilation {
        root,
        config,
        sources,
        model,
        catalog,
        hints,
        warnings: findings,
        accepted,
        proofs,
        plans,
        timings,
    })
}

/// Rows of seeds, and what is tried on them: they decide nothing about what else there is, and may be many.
fn is_of_rows(item: &Item) -> bool {
    matches!(item.kind, ItemKind::Seed(_) | ItemKind::Scenario(_))
}

/// The settings and the files of a spec as they are kept with the state that it makes, without files that are all rows.
fn spec(sources: &Sources, trees: &[SpecFile]) -> Vec<SpecText> {
    let is_rows = |tree: &SpecFile| !tree.items.is_empty() && tree.items.iter().all(is_of_rows);
    let kept = std::iter::once(FileId(0)).chain(trees.iter().filter(|tree| !is_rows(tree)).map(|tree| tree.file.0));
    kept.map(|id| (sources.file(id).name.clone(), sources.file(id).text.clone())).collect()
}

/// What the files of a spec mean that was kept with the state that it made.
///
/// # Errors
/// Why it is not known.
pub fn kept(spec: &[SpecText]) -> Result<Model, String> {
    let Some(((_, toml), files)) = spec.split_first() else {
        return Err("the state was written without the rules that made it".into());
    };
    let files = files.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
    let unreadable = || "its rules are none that this version reads".to_owned();
    let Project { config, mut sources, files, .. } = Project::of(toml.to_string(), files).map_err(|_| unreadable())?;
    let parsed = (1..=files.len()).map(|n| FileId(n as u32));
    let parsed = parsed.map(|id| specc_syntax::parse(id, &sources.file(id).text));
    let (mut trees, findings): (Vec<_>, Vec<_>) = parsed.unzip();
    // What is left of rows may name some that were not kept.
    trees.iter_mut().for_each(|tree| tree.items.retain(|item| !is_of_rows(item)));
    let (model, found) = specc_model::analyze(trees, &mut sources, config.options());
    match findings.iter().flatten().chain(&found).any(|finding| finding.severity() == Severity::Error) {
        true => Err(unreadable()),
        false => Ok(model),
    }
}
