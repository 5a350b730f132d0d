//! `specc bench`

use crate::args::{Bench, Format};
use crate::output::{self, Folder, Own, Stage};
use crate::pipeline::{self, Compilation};
use crate::project::{self, Project};
use crate::report::{self, FINDINGS, Failure, data, plural, say};
use serde_json::{Value, json};
use specc_catalog::MARK;
use specc_diag::{Diagnostic, Severity, codes};
use specc_model::Target;
use specc_plans::pin::{changed, pinned};
use specc_plans::{Breach, Node, Planned, breaches, idle, plan_all, stage};
use specc_size::Sizes;
use specc_verify::ScratchError;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

/// Where plans are written down, in the folder of specc's own files.
const FOLDER: &str = "queries";

/// Plans the declared queries, and reports what they do that they may not.
pub fn run(args: &Bench, format: Format) -> Result<ExitCode, Failure> {
    let start = Instant::now();
    let mut compilation = pipeline::compile(Project::open(&args.place.project)?, false)?;
    if let Some(filter) = &args.filter {
        compilation.model.queries.retain(|query| query.name.contains(filter.as_str()));
    }
    if compilation.model.queries.is_empty() {
        let message = "there is nothing to plan: no query is declared\n  help: `query upcoming as anon within 50 ms p95 { select … }`";
        return Err(Failure::Refused(None, message.to_owned()));
    }
    environment(&compilation, args.env.as_deref())?;
    let broken = |error: ScratchError| Failure::broken(error.to_string());
    let platform = compilation.model.options.target == Target::Supabase;
    if !args.plan {
        return super::bench_measured::run(&compilation, args, format);
    }
    // A private server, and never another: what is done to its files ends it for anything else.
    let scratch = super::scratch(args.postgres, platform).map_err(broken)?;
    let sizes = Sizes::of(&compilation.model, &compilation.catalog, args.env.as_deref());
    let database = scratch.within(|| stage(&scratch, &compilation.catalog, &sizes)).map_err(broken)?;
    let planned = scratch.within(|| plan_all(&database, &compilation.model, &sizes)).map_err(broken)?;
    let folder = compilation.root.join(compilation.config.state()).join(FOLDER);
    let files = files(&planned, &sizes, scratch.major());
    let mut findings: Vec<Diagnostic> = planned
        .iter()
        .flat_map(|one| {
            breaches(one, &compilation.model, &sizes).iter().map(|breach| found(one, breach)).collect::<Vec<_>>()
        })
        .collect();
    if args.pin {
        write(&folder, &files, args.filter.is_none())?;
    } else {
        findings.extend(others(&folder, &files, &planned, &compilation));
    }
    if args.filter.is_none() {
        findings.extend(unused(&compilation, &planned, &sizes));
    }
    specc_diag::sort(&mut findings);
    let plans = if args.filter.is_none() { std::mem::take(&mut compilation.plans) } else { Vec::new() };
    let accepted = specc_diag::accept(&mut findings, plans);
    let failed = findings.iter().any(|finding| finding.severity() == Severity::Error);
    let seconds = start.elapsed().as_secs_f64();
    match format {
        Format::Json => {
            let queries: Vec<Value> = planned.iter().map(as_json).collect();
            let diagnostics: Vec<Value> =
                findings.iter().map(|finding| specc_diag::render_json(finding, &compilation.sources)).collect();
            let all = json!({
                "postgres": scratch.major(), "queries": queries, "diagnostics": diagnostics, "accepted": report::accepted_json(&accepted, &compilation.sources), "seconds": seconds,
            });
            data(&all.to_string());
        }
        Format::Text => {
            planned.iter().for_each(|one| tell(one));
            report::diagnostics(&findings, &accepted, &compilation.sources, format);
        }
    }
    eprintln!(
        "{}: {} on {} without rows, Postgres {}, {seconds:.1} s",
        if failed { "failed" } else { "planned" },
        plural(planned.len(), "query"),
        plural(sizes.tables.len(), "table"),
        scratch.major(),
    );
    Ok(if failed { ExitCode::from(FINDINGS) } else { ExitCode::SUCCESS })
}

/// Refuses an environment that nobody knows: it would have the sizes of all.
fn environment(compilation: &Compilation, name: Option<&str>) -> Result<(), Failure> {
    let Some(name) = name else { return Ok(()) };
    let known = compilation.model.environments();
    if known.iter().any(|known| *known == name) {
        return Ok(());
    }
    let near = specc_diag::nearest(name, known.iter().map(|known| known.as_str()));
    let list: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    let help = match (near, list.is_empty()) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, false) => format!("there is {}", list.join(", ")),
        (None, true) => "leave `--env` away: the spec has sizes for all alike".to_owned(),
    };
    Err(Failure::broken(format!("--env: there is no environment `{name}`\n  help: {help}")))
}

/// The files of plans that there are.
fn files(planned: &[Planned<'_>], sizes: &Sizes, major: u32) -> Vec<(String, String)> {
    let file = |one: &Planned<'_>| {
        let plan = one.plan.as_ref().ok()?;
        Some((format!("{}.plan", one.query.name), pinned(one.query, plan, sizes, major, MARK)))
    };
    planned.iter().filter_map(file).collect()
}

fn write(folder: &Path, files: &[(String, String)], all: bool) -> Result<(), Failure> {
    let taken = Folder::take(folder, Own::whole())?;
    let stale = if all { output::marked_in(folder)? } else { Vec::new() };
    let stale = stale.into_iter().filter_map(|path| Some(std::path::PathBuf::from(path.file_name()?)));
    let stale = stale.filter(|path| files.iter().all(|(name, _)| Path::new(name) != path));
    let stale: Vec<_> = stale.filter(|path| path.extension().is_some_and(|end| end == "plan")).collect();
    let stage = Stage::new(&taken);
    files.iter().try_for_each(|(name, text)| stage.add(name.into(), text))?;
    stage.finish(&stale)?;
    eprintln!("{} in {}", plural(files.len(), "plan"), folder.display());
    Ok(())
}

/// Plans that are others than those that are written down.
fn others(
    folder: &Path,
    files: &[(String, String)],
    planned: &[Planned<'_>],
    compilation: &Compilation,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, now) in files {
        let Ok(before) = project::text(&folder.join(name)) else { continue };
        let query = planned.iter().map(|one| one.query).find(|query| *name == format!("{}.plan", query.name));
        let (Some(why), Some(query)) = (changed(&before, now, &compilation.catalog), query) else { continue };
        let message = format!("the plan of `{}` is another than the one in `{FOLDER}/{name}`: {why}", query.name);
        let help = "look at both; `specc bench --plan --pin` writes the new one down";
        found.push(Diagnostic::new(codes::PLAN_CHANGED, query.meta.span, message).help(help));
    }
    found
}

/// What a plan does that its query does not allow.
fn found(one: &Planned<'_>, breach: &Breach) -> Diagnostic {
    let query = one.query;
    let (name, span) = (&query.name, query.meta.span);
    match breach {
        Breach::Refused(why) => {
            let message = format!("Postgres does not plan `{name}` for `{}`: {why}", query.role);
            let help = "open to the role what it reads, or name the role that asks";
            Diagnostic::new(codes::QUERY_REFUSED, span, message).help(help)
        }
        Breach::Whole { table, rows, forbidden, filter } => {
            let said = if *forbidden { ", and says that it does not" } else { "" };
            let message = format!("`{name}` reads all {rows} rows of `{table}`{said}");
            let by = filter.as_ref().map_or(String::new(), |filter| format!(", by which it finds `{filter}`"));
            let help = format!("add an index to `{table}`{by}; or write `reads all of {table}` where that is meant");
            Diagnostic::new(codes::WHOLE_TABLE, span, message).help(help)
        }
        Breach::Rows { expected, allowed } => {
            let message = format!("`{name}` reads about {expected} rows, and may read {allowed}");
            let help = "narrow it, add an index for what it asks, or allow more: `rows …`";
            Diagnostic::new(codes::TOO_MANY_ROWS, span, message).help(help)
        }
    }
}

/// Indexes that nothing declared needs.
fn unused(compilation: &Compilation, planned: &[Planned<'_>], sizes: &Sizes) -> Vec<Diagnostic> {
    let model = &compilation.model;
    let said = |schema: &str, name: &str| sizes.table(schema, name).is_some_and(|table| table.said);
    let mut found = Vec::new();
    for index in idle(&compilation.catalog, planned, &said) {
        let named = specc_model::Qualified { schema: index.table.schema.clone(), name: index.table.name.clone() };
        let Some(entity) = model.index.entities.get(&named).map(|id| model.entity(*id)) else { continue };
        let own = entity.indexes.iter().find(|own| own.name == index.name);
        let span = own.map_or(entity.meta.span, |own| own.span);
        let message = format!("no declared query uses `{}`, and no reference or rule needs it", index.name);
        let help = match index.method.as_str() {
            "btree" => "remove it, or declare the query that it is for",
            _ => {
                "remove it, or declare the query that it is for; under row level security an index is searched only with \
                 operators that are leakproof, as `@@` and `@>` are not: a function that runs as its owner can ask with them"
            }
        };
        found.push(Diagnostic::new(codes::IDLE_INDEX, span, message).help(help));
    }
    found
}

fn tell(one: &Planned<'_>) {
    let query = one.query;
    match &one.plan {
        Ok(plan) => {
            say(&format!("{} as {}: cost {:.0}", query.name, query.role, plan.cost));
            plan.shape().lines().for_each(|line| say(&format!("  {line}")));
        }
        Err(_) => say(&format!("{} as {}: not planned", query.name, query.role)),
    }
}

fn as_json(one: &Planned<'_>) -> Value {
    let plan = one.plan.as_ref().ok();
    json!({
        "name": one.query.name, "role": one.query.role, "cost": plan.map(|plan| plan.cost), "rows": plan.map(|plan| plan.rows),
        "shape": plan.map(Node::shape), "refused": one.plan.as_ref().err(),
    })
}
