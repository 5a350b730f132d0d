//! `specc smoke`

use super::database::broken;
use super::trying::Place;
use crate::args::{Asked, Smoke};
use crate::pipeline::{self, Compilation};
use crate::project::{self, Project};
use crate::report::{FINDINGS, Failure, data, plural, say};
use serde_json::json;
use specc_catalog::Catalog;
use specc_http::{Client, Options, Secret};
use specc_model::{Entity, Model};
use specc_postgres::{Session, postgres};
use specc_smoke::{Asker, Asking, Budget, Courier, Door, IsWanted, Kept, Playbill, Report, Stories, Surface, came};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Makes the requests, and reports what comes out otherwise.
pub fn run(args: &Smoke, format: Asked) -> Result<ExitCode, Failure> {
    if matches!(format, Asked::Github | Asked::Markdown | Asked::Html | Asked::Sarif) {
        return Err(super::not_written("smoke", "text, json and junit"));
    }
    let start = Instant::now();
    let compilation = pipeline::compile(Project::open(&args.place.project)?, false)?;
    let around = specc_lower::external(&compilation.model);
    let surface = surface(&compilation, &around, &args.exposed, &args.anon);
    let mut report = Report::new(&args.anon);
    let mut bill = Playbill::default();
    let place = match (&args.api_url, args.connection.is_given()) {
        (Some(url), _) => over_http(args, url, (&surface, &compilation), &mut report, &mut bill)?,
        (None, true) => in_use(args, &compilation, &surface, &mut report)?,
        (None, false) => on_scratch(args, &compilation, &surface, &mut report)?,
    };
    // On a scratch server the matrix says it, case by case.
    if args.api_url.is_some() || args.connection.is_given() {
        report.skipped.extend(surface.unshown().into_iter().filter(|one| is_wanted(args, &one.entity)));
    }
    let seconds = start.elapsed().as_secs_f64();
    let failed = report.failures().count() + bill.failures().count();
    match format {
        Asked::Json => {
            let mut said = report.json(seconds);
            said["stories"] = bill.json();
            said["failed"] = failed.into();
            data(&said.to_string());
        }
        Asked::Junit => {
            let mut cases = report.cases();
            cases.extend(bill.cases());
            data(specc_diag::junit("specc smoke", &cases, seconds).trim_end());
        }
        _ => {
            tell(args, &report, &compilation);
            tell_stories(args, &bill);
        }
    }
    eprintln!(
        "{}: {}{place}, {failed} failed, {} not asked, {seconds:.1} s",
        match (failed, report.blind.len()) {
            (0, 0) => "answered",
            (0, _) => "not seen",
            _ => "failed",
        },
        plural(report.tried.len() + bill.played.iter().filter(|one| !one.skipped).count(), "request"),
        report.skipped.len() + bill.played.iter().filter(|one| one.skipped).count(),
    );
    if report.tried.is_empty() && bill.played.is_empty() {
        // The report is there, and says why of each.
        eprintln!("there is nothing to ask: no request could be made");
        return Ok(ExitCode::from(FINDINGS));
    }
    if !report.blind.is_empty() {
        eprintln!(
            "{} not seen: whoever connects is bound by the rules herself, and so nothing of them was compared\n  help: connect as the \
             owner of the tables, or as a role that passes row level security",
            plural(report.blind.len(), "table")
        );
    }
    Ok(if failed == 0 && report.blind.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

/// What clients reach: of these schemas, or of those that the platform's settings expose.
pub fn surface<'c>(compilation: &'c Compilation, around: &'c Catalog, exposed: &[String], anon: &str) -> Surface<'c> {
    let mut exposed = exposed.to_vec();
    if exposed.is_empty() {
        exposed = super::audit::exposed(&compilation.root).unwrap_or_else(|| vec!["public".to_owned()]);
    }
    let exposed = exposed.iter().map(|name| name.as_str().into()).collect();
    Surface::new(&compilation.model, &compilation.catalog, around, exposed, anon.to_owned())
}

/// Whether whoever is connected may ask as a role.
pub fn may_ask(session: &mut Session, role: &str) -> Result<bool, postgres::Error> {
    // From Postgres 16 on a member may be one that cannot become the role.
    let query = "select coalesce((select pg_catalog.pg_has_role(oid,
                   case when pg_catalog.current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end)
                 from pg_catalog.pg_roles where rolname = $1), false)";
    session.query_one(query, &[&role])?.try_get(0)
}

/// Asks a database as these, and changes nothing of it.
pub fn ask(
    session: &mut Session,
    surface: &Surface<'_>,
    (askers, is_wanted): (&[Asker], IsWanted<'_>),
    budget: Budget,
    report: &mut Report,
) -> Result<(), postgres::Error> {
    let mut courier = Courier::new(&surface.anon, &search(surface.model));
    specc_smoke::live(surface, (session, &mut courier), (askers, is_wanted), budget, report)
}

/// Who asks as a role, and as nobody or with a key.
pub fn asker(model: &Model, role: &str, viewer: Option<&str>) -> Asker {
    Asker { role: role.into(), viewer: viewer.map(str::to_owned), settings: settings(model, role, viewer) }
}

/// Where names are looked for besides the schema of a request.
fn search(model: &Model) -> Vec<String> {
    let mut all = vec![model.options.default_schema.to_string()];
    if model.options.target == specc_model::Target::Supabase {
        all.push("extensions".to_owned());
    }
    all
}

fn is_wanted(args: &Smoke, name: &str) -> bool {
    args.filter.as_ref().is_none_or(|wanted| name.contains(wanted.as_str()))
}

/// The settings by which a session says as whom it asks.
fn settings(model: &Model, role: &str, viewer: Option<&str>) -> Vec<String> {
    let mut claims = json!({ "role": role });
    if let Some(viewer) = viewer {
        claims["sub"] = viewer.into();
    }
    specc_trial::settings(model, &claims, viewer)
}

/// On a private server, in the databases in which each condition of the rules decides.
fn on_scratch(
    args: &Smoke,
    compilation: &Compilation,
    surface: &Surface<'_>,
    report: &mut Report,
) -> Result<String, Failure> {
    let model = &compilation.model;
    let only = |entity: &Entity| is_wanted(args, &format!("{}.{}", entity.name.schema, entity.name.name));
    let matrix = specc_prove::matrix(model, &[], &only);
    let place = Place::open(compilation, &args.scratch)?;
    place.within(compilation, |ground, samples| {
        let nobody = |role: &str| settings(model, role, None);
        let asked =
            Asking { samples, nobody: &nobody, is_wanted: &|name| is_wanted(args, name), search: search(model) };
        specc_smoke::staged(surface, &matrix, &asked, report, &mut |run, quiet, act| ground.within(run, quiet, act))
    })?;
    Ok(format!(" in {} databases on {}", report.databases, place.name()))
}

/// On a database in use.
fn in_use(
    args: &Smoke,
    compilation: &Compilation,
    surface: &Surface<'_>,
    report: &mut Report,
) -> Result<String, Failure> {
    let address = super::database::address(&args.connection, &compilation.root)?;
    let mut session = address.connect().map_err(broken)?;
    let failed = |error: postgres::Error| Failure::broken(error.to_string());
    let limits = format!(
        "set lock_timeout = '2s'; set idle_in_transaction_session_timeout = '60s'; set statement_timeout = {}",
        (args.scratch.timeout.min(60.0) * 1000.0).ceil()
    );
    session.batch_execute(&limits).map_err(failed)?;
    let model = surface.model;
    let mut askers = Vec::new();
    for role in surface.roles() {
        let can = may_ask(&mut session, role).map_err(failed)?;
        if !can {
            return Err(Failure::Refused(
                None,
                format!(
                    "whoever connects cannot ask as `{role}`: the role is not there, or not given to her\n  help: connect as the owner \
                     of the tables, or as the role by which the API connects"
                ),
            ));
        }
        let signs_in = *role != args.anon && !specc_model::effective::bypasses(model, role);
        let viewers = args.viewers.iter().filter(|_| signs_in).map(|viewer| Some(viewer.clone()));
        askers.extend(std::iter::once(None).chain(viewers).map(|viewer| asker(model, role, viewer.as_deref())));
    }
    let budget = Budget { rows: args.rows, writes: args.write };
    let wanted = |name: &str| is_wanted(args, name);
    ask(&mut session, surface, (&askers, &wanted), budget, report).map_err(failed)?;
    Ok(" on the database".to_owned())
}

/// Over HTTP: one row of everything, as who has not signed in and, where there is a token, as who has; then the stories.
fn over_http(
    args: &Smoke,
    url: &str,
    (surface, compilation): (&Surface<'_>, &Compilation),
    report: &mut Report,
    bill: &mut Playbill,
) -> Result<String, Failure> {
    let secret = |name: &str| {
        let value = std::env::var(name).ok().filter(|value| !value.is_empty());
        value.map(Secret::new).ok_or_else(|| {
            Failure::broken(format!(
                "the environment has no `{name}`: a key is taken from there, so that none stands in a command"
            ))
        })
    };
    let door = Door { url: url.to_owned(), key: secret(&args.key_env)?, client: Client::new(Options::default()) };
    let all = stories(args, compilation)?;
    let mut kept = Kept::default();
    let stamp = jiff::Timestamp::now().as_nanosecond();
    kept.keep("run", format!("{stamp:x}").into());
    for name in all.iter().flat_map(Kept::asked) {
        if let Ok(value) = std::env::var(&name) {
            kept.keep(&format!("env:{name}"), value.into());
        }
    }
    let asker = |role: &str| Asker { role: role.into(), viewer: None, settings: Vec::new() };
    let mut askers = vec![(asker(&args.anon), None)];
    if let Some(name) = &args.token_env {
        askers.push((asker("authenticated"), Some(secret(name)?)));
    }
    let wanted = |name: &str| is_wanted(args, name);
    specc_smoke::reads(&door, surface, (&askers, &wanted), report)
        .map_err(|error| Failure::broken(error.to_string()))?;
    for stories in &all {
        bill.played.extend(specc_smoke::play(&door, stories, &kept).played);
    }
    Ok(" over HTTP".to_owned())
}

/// The files of stories that are asked for, or those of the project.
fn stories(args: &Smoke, compilation: &Compilation) -> Result<Vec<Stories>, Failure> {
    let mut paths = args.stories.clone();
    let folder = compilation.root.join("smoke");
    if paths.is_empty() && folder.is_dir() {
        let found = project::listed(&folder)?.into_iter();
        paths = found.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
        paths.sort();
    }
    let read = |path: &PathBuf| {
        let named = |why: String| Failure::broken(format!("{}: {why}", path.display()));
        let text = project::text(path).map_err(|error| named(error.to_string()))?;
        specc_smoke::read_stories(&text).map_err(named)
    };
    paths.iter().map(read).collect()
}

/// What went wrong in stories, or all of them.
fn tell_stories(args: &Smoke, bill: &Playbill) {
    let mut story = "";
    for one in &bill.played {
        if one.story != story && (args.all || bill.failures().any(|failed| failed.story == one.story)) {
            say(&format!("story {}", one.story));
        }
        story = &one.story;
        match (&one.wrong, one.skipped) {
            (Some(why), true) => say(&format!("    NOT SENT {}: {why}", one.request)),
            (Some(why), false) => say(&format!("    FAILED {}: {why}", one.request)),
            (None, _) if args.all => say(&format!("    ok {}: {}", one.request, one.expected)),
            (None, _) => {}
        }
    }
    if let Some(spread) = bill.spread() {
        let ms = |micros: u64| micros as f64 / 1000.0;
        say(&format!(
            "{:<8} {:>8} {:>9.2} {:>9.2} {:>9.2}",
            "stories",
            spread.requests,
            ms(spread.p50),
            ms(spread.p95),
            ms(spread.p99)
        ));
    }
}

/// For a person: what failed, or all, and how long it took.
fn tell(args: &Smoke, report: &Report, compilation: &Compilation) {
    for one in report.tried.iter().filter(|one| args.all || one.verdict == specc_trial::Verdict::Failed) {
        let exchange = &one.exchange;
        let word = if one.verdict == specc_trial::Verdict::Failed { "FAILED" } else { "ok" };
        say(&format!("{word} {}: {} as {}", exchange.entity, exchange.request.line(), exchange.request.role));
        if word == "ok" {
            say(&format!("    {}", came(&one.reply)));
            continue;
        }
        exchange.lines.iter().for_each(|line| say(&format!("    {line}")));
        if !exchange.request.prefer.is_empty() {
            say(&format!("    Prefer: {}", exchange.request.prefer.join(",")));
        }
        if let Some(body) = &exchange.request.body {
            say(&format!("    {body}"));
        }
        say(&format!("    expected: {}", exchange.expected(&report.anon)));
        say(&format!("    got:      {}", came(&one.reply)));
        for rule in &exchange.rules {
            let name = compilation.sources.text(*rule);
            say(&format!("    rule:     {} `{name}`", super::why::place(&compilation.sources, *rule)));
        }
        say(&format!("    statement: {}", exchange.request.prepared.sql));
    }
    for one in &report.skipped {
        let at =
            one.span.map(|span| format!(" ({})", super::why::place(&compilation.sources, span))).unwrap_or_default();
        say(&format!("NOT ASKED {}: {}: {}{at}", one.entity, one.what, one.why));
    }
    say(&format!("{:<8} {:>8} {:>9} {:>9} {:>9}", "", "requests", "p50 ms", "p95 ms", "p99 ms"));
    let ms = |micros: u64| format!("{:.2}", micros as f64 / 1000.0);
    for (word, spread) in report.spreads() {
        let (p50, p95, p99) = (ms(spread.p50), ms(spread.p95), ms(spread.p99));
        say(&format!(
            "{:<8} {:>8} {p50:>9} {p95:>9} {p99:>9}",
            if word == "*" { "all" } else { word },
            spread.requests
        ));
    }
}
