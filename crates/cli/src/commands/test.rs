//! `specc test`

use super::tested::{as_json, as_sarif, as_score, spoken, tell};
use super::trying::Place;
use super::why;
use crate::args::{Asked, Test};
use crate::output::{self, Folder, Own, Stage};
use crate::pipeline::{self, Compilation};
use crate::project::Project;
use crate::report::{FINDINGS, Failure, data, plural, say};
use specc_catalog::MARK;
use specc_model::{Entity, Model};
use specc_prove::Samples;
use specc_scenario::{Outcome as Played, Script};
use specc_trial::{Asked as Answers, Report, Score, Suite, Tested, Verdict};
use specc_verify::ScratchError;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// What makes a suite of what the spec says beside rules: who answers says what conditions of the author's are for a row.
type Make = fn(&Model, &Samples, &dyn Fn(&Entity) -> bool, &mut dyn Answers) -> Suite;

/// All of them.
const PROMISES: [Make; 4] = [specc_trial::constraints, specc_trial::workflows, specc_trial::kept, specc_trial::limits];

/// Tries what the rules say, and reports what comes out otherwise.
pub fn run(args: &Test, format: Asked) -> Result<ExitCode, Failure> {
    if matches!(format, Asked::Github | Asked::Markdown | Asked::Html) {
        return Err(super::not_written("test", "text, json, sarif and junit"));
    }
    let start = Instant::now();
    let compilation = pipeline::compile(Project::open(&args.place.project)?, false)?;
    let model = &compilation.model;
    let only = |entity: &Entity| {
        let name = format!("{}.{}", entity.name.schema, entity.name.name);
        args.filter.as_ref().is_none_or(|wanted| name.contains(wanted.as_str()))
    };
    let place = Place::open(&compilation, &args.scratch)?;
    let (matrix, mutants) = match args.mutants {
        true => specc_trial::mutants(model, &only),
        false => (specc_prove::matrix(model, &[], &only), Vec::new()),
    };
    let privileges = specc_trial::privileges(model, &only);
    let made = start.elapsed().as_secs_f64();
    let (report, files) = place.within(&compilation, |ground, samples| {
        let mut report = Report::default();
        // Each suite in its turn: what makes one is a function from the model to runs.
        let mut suites = vec![specc_trial::access(model, &matrix, samples)];
        suites.extend(PROMISES.iter().map(|make| make(model, samples, &only, ground)));
        let mut tried = Vec::new();
        for suite in suites {
            let results: Result<Vec<_>, _> = suite.runs.iter().map(|run| ground.run(run)).collect();
            let results = results?;
            report.add(&suite, &results);
            for race in &suite.races {
                let wrong = ground.race(race)?;
                report.add_race(race, wrong.as_deref());
            }
            tried.push((suite, results));
        }
        for script in specc_scenario::whole(model).iter().filter(|_| args.filter.is_none()) {
            let outcomes = specc_scenario::play(script, ground)
                .map_err(|refused| ScratchError::Postgres(format!("{}: {}", script.text, refused.message)))?;
            report.databases += 1;
            report.tested.extend(outcomes.iter().map(|outcome| played(script, outcome, &compilation)));
        }
        let there = ground.privileges(&privileges)?;
        report.add_privileges(&privileges, &there);
        let privileges: Vec<_> = privileges.iter().zip(there).collect();
        let files = args.pgtap.as_ref().map(|_| specc_trial::pgtap(model, MARK, &tried, &privileges));
        Ok((report, files.unwrap_or_default()))
    })?;
    if let Some(folder) = &args.pgtap {
        write(folder, &files, args.filter.is_none())?;
    }
    let seconds = start.elapsed().as_secs_f64();
    let failed = report.failures().count();
    let score = args.mutants.then(|| Score::of(&mutants, &report.killed));
    match format {
        Asked::Json => {
            let mut said = as_json(&report, &compilation, seconds);
            if let Some(score) = &score {
                said["mutants"] = as_score(score, &mutants, &compilation);
            }
            data(&said.to_string());
        }
        Asked::Sarif => data(&as_sarif(&report, &compilation).to_string()),
        Asked::Junit => data(specc_diag::junit("specc test", &report.cases(), seconds).trim_end()),
        _ => {
            tell(args, &report, &compilation);
            if let Some(score) = &score {
                for (word, places) in [("LIVES", &score.live), ("BEYOND", &score.beyond), ("NOT DECIDED", &score.open)]
                {
                    for mutant in places.iter().map(|at| &mutants[*at]) {
                        say(&format!("{word} {}", spoken(mutant, &compilation)));
                    }
                }
                for promised in report.unseen() {
                    let at = why::place(&compilation.sources, promised.span);
                    say(&format!("NOT SEEN {at}: {}: {}", promised.entity, promised.what));
                }
            }
        }
    }
    if let Some(score) = &score {
        eprintln!("{}", score.words());
        let (all, unseen) = (report.promises.len(), report.unseen().count());
        eprintln!("dropped: {} of {} are seen", all - unseen, plural(all, "promise"));
    }
    eprintln!(
        "{}: {} in {} databases on {}, {failed} failed, {} not run, {seconds:.1} s ({made:.1} s to make them)",
        if failed == 0 { "tested" } else { "failed" },
        plural(report.tested.len(), "test"),
        report.databases,
        place.name(),
        report.skipped.len(),
    );
    if report.tested.is_empty() {
        return Err(Failure::Refused(
            None,
            "there is nothing to test: no entity has rules that can be tried".to_owned(),
        ));
    }
    if report.databases == 0 && !report.skipped.is_empty() {
        return Err(Failure::Refused(None, "none of the databases could be made, so no rule was tried".to_owned()));
    }
    let live = score.is_some_and(|score| !score.live.is_empty());
    Ok(if failed == 0 && !live { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

/// Writes files of ours into a folder, and takes away those of ours that nobody makes any more where that is known: of files of
/// tests, since migrations say that they are ours too.
fn write(folder: &Path, files: &[(String, String)], all: bool) -> Result<(), Failure> {
    let taken = Folder::take(folder, Own::whole())?;
    let stale = if all { output::marked_in(folder)? } else { Vec::new() };
    let stale = stale.into_iter().filter_map(|path| Some(PathBuf::from(path.file_name()?)));
    let stale = stale.filter(|path| path.to_string_lossy().ends_with(specc_trial::TEST_FILE));
    let is_new = |path: &PathBuf| files.iter().all(|(name, _)| Path::new(name) != path);
    let stale: Vec<PathBuf> = stale.filter(is_new).filter(|path| folder.join(path).is_file()).collect();
    let stage = Stage::new(&taken);
    files.iter().try_for_each(|(name, text)| stage.add(name.into(), text))?;
    stage.finish(&stale)?;
    eprintln!("{} in {}", plural(files.len(), "file"), folder.display());
    Ok(())
}

/// A step of a scenario.
fn played(script: &Script, outcome: &Played, compilation: &Compilation) -> Tested {
    let who = outcome.who.as_deref().unwrap_or("given");
    let step = compilation.sources.text(outcome.span).split_whitespace().collect::<Vec<_>>().join(" ");
    Tested {
        suite: "scenarios",
        entity: script.text.to_string(),
        what: format!("{who}: {step}"),
        lines: Vec::new(),
        statement: outcome.statement.clone(),
        load: String::new(),
        expected: outcome.expected.clone(),
        got: outcome.wrong.clone().unwrap_or_else(|| outcome.expected.clone()),
        verdict: if outcome.wrong.is_none() { Verdict::Passed } else { Verdict::Failed },
        rules: vec![outcome.span],
        aims: Vec::new(),
    }
}
