//! `specc rollback`: takes a deployment back, by the down scripts where those lose nothing that a backup has, else by the backup.

use super::folder::Folder;
use super::target::Target;
use super::{asked, create, now};
use crate::args::{Format, Rollback, Way};
use crate::commands::backup::beside;
use crate::commands::database::{broken, failure, tell};
use crate::project;
use crate::report::{FINDINGS, Failure, data, note, plural, say};
use specc_catalog::{Hints, Object, checksum};
use specc_deploy::{Ended, Record, Step};
use specc_diag::codes;
use specc_postgres::Session;
use specc_runner::{Manifest, Migrations, Options, RestoreOptions, State};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// How a deployment would be taken back.
struct Back {
    way: Way,
    /// Why this way.
    why: String,
    /// Files that go back, the last one first.
    files: Vec<String>,
    /// What is not there afterwards.
    loses: Vec<String>,
    /// Whether a change that is half done is taken back first.
    abandon: bool,
    /// The runner's own hash of what would run first.
    run: String,
}

/// Takes the last deployment back.
pub fn run(args: &Rollback, format: Format) -> Result<ExitCode, Failure> {
    let (root, config) = project::settings(&args.place.project)?;
    let environment = config.environment(&args.environment)?;
    let folder = Folder::open(&root, &args.environment)?;
    let Some((name, mut record)) = folder.last_change()? else {
        return Err(Failure::Refused(None, format!("nothing was deployed to `{}` from here", args.environment)));
    };
    if let Some(ended @ (Ended::TakenBack | Ended::Restored | Ended::Deleted)) = record.ended {
        say(&format!("nothing to take back: {}", ended.words()));
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(reference) = &args.delete_project {
        return delete(args, (&folder, &name), record, reference);
    }
    let made = record.created.as_ref().map(|made| {
        format!(
            "the project {0} stays; `specc rollback {1} --delete-project {0}` deletes it with all that is in it",
            made.reference, args.environment
        )
    });
    if record.state(Step::Apply).is_none() {
        say("nothing to take back: the database was not changed");
        made.iter().for_each(|line| say(line));
        return Ok(ExitCode::SUCCESS);
    }
    let target = Target::of(&root, &config, (&args.environment, environment), Some((&record, &folder)))?;
    let migrations = target.place().migrations()?;
    let production = environment.is_production(&args.environment);
    let Some(back) = back(&target, &record, &migrations, production, (args.by, &folder))? else {
        say("nothing to take back: the database has nothing of the deployment");
        record.ended = Some(Ended::TakenBack);
        folder.write(&name, record.to_json().as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    };
    let hash = back.hash(&record);
    show(&back, &record, &hash, format);
    match &args.approve {
        Some(given) if given.trim().to_lowercase() != hash => {
            return Err(Failure::Refused(
                Some(codes::NOT_APPROVED),
                format!(
                    "what would be taken back has the hash {hash}, which is not the one that was approved\n  help: nothing was changed"
                ),
            ));
        }
        Some(_) => {}
        None if asked(&format!("Take it back and lose what is said ({})? Type `yes`: ", &hash[..12])) => {}
        None => {
            note(&format!(
                "nothing was changed; to take it back: `specc rollback {} --approve {hash}`",
                args.environment
            ));
            return Ok(ExitCode::from(FINDINGS));
        }
    }
    let ended = match back.way {
        Way::Down => down(&target, &record, &migrations, &back, production)?,
        Way::Restore => restore(&target, &record, production)?,
    };
    let same = is_as_before(&folder, &target)?;
    record.ended = Some(ended);
    record.set(Step::Report, specc_deploy::State::Done, now(), format!("{}; {same}", ended.words()));
    folder.write(&name, record.to_json().as_bytes())?;
    folder.write("report.md", specc_deploy::report::markdown(&record).as_bytes())?;
    if format == Format::Json {
        data(&specc_deploy::report::json(&record).to_string());
    }
    note(&format!("{}: {}; {same}", args.environment, ended.words()));
    made.iter().for_each(|line| note(line));
    Ok(ExitCode::SUCCESS)
}

impl Back {
    /// By what it is approved.
    fn hash(&self, record: &Record) -> String {
        let way = if self.way == Way::Down { "down" } else { "restore" };
        let all = serde_json::json!({
            "deployment": record.plan.hash(), "began": record.began, "way": way, "files": self.files, "loses": self.loses,
            "run": self.run, "backup": record.backup.as_ref().map(|backup| &backup.sha256),
        });
        checksum(all.to_string())
    }
}

fn show(back: &Back, record: &Record, hash: &str, format: Format) {
    if format == Format::Json {
        data(&serde_json::json!({ "by": if back.way == Way::Down { "down" } else { "restore" }, "why": back.why, "files": back.files, "loses": back.loses, "hash": hash }).to_string());
        return;
    }
    match (back.way, &record.backup) {
        (Way::Down, _) => {
            say(&format!("takes back {} by their down scripts: {}", plural(back.files.len(), "file"), back.why))
        }
        (Way::Restore, Some(backup)) => say(&format!("restores {}, taken {}: {}", backup.file, backup.taken, back.why)),
        (Way::Restore, None) => {}
    }
    back.files.iter().for_each(|file| say(&format!("  {file}")));
    if back.loses.is_empty() {
        say("nothing is lost");
    }
    back.loses.iter().for_each(|loss| say(&format!("  loses {loss}")));
    say(&format!("hash {hash}"));
}

fn options(target: &Target, production: bool) -> Options {
    let place = target.place();
    Options {
        allow_production: production,
        production: place.production(),
        supabase: place.is_supabase(),
        specc: env!("CARGO_PKG_VERSION").into(),
        ..Options::default()
    }
}

/// What would be done; none where the database has nothing of the deployment.
fn back(
    target: &Target,
    record: &Record,
    migrations: &Migrations,
    production: bool,
    (by, folder): (Option<Way>, &Folder),
) -> Result<Option<Back>, Failure> {
    let place = target.place();
    let mut session = place.connect().map_err(broken)?;
    let report = specc_runner::status(&mut session, migrations, place.is_supabase()).map_err(failure)?;
    let own = |stamp: &str| record.plan.files.iter().any(|file| file.stamp == stamp);
    let applied: Vec<&specc_runner::Entry> = report
        .migrations
        .iter()
        .filter(|entry| matches!(entry.state, State::Applied | State::Edited | State::Missing) && own(&entry.stamp))
        .collect();
    let half = report
        .migrations
        .iter()
        .any(|entry| matches!(entry.state, State::Interrupted | State::Reverting) && own(&entry.stamp));
    if applied.is_empty() && !half {
        return Ok(None);
    }
    let connect = || place.connect();
    let dry = Options { dry_run: true, allow_data_loss: true, ..options(target, production) };
    // The way back in files: what is half done, then what is complete.
    let abandon = half.then(|| {
        let asked = Options { abandon: true, ..dry.clone() };
        specc_runner::apply(&connect, migrations, &asked, &mut |_| Ok(()), &|_| {})
    });
    let stamp = record.before.clone().unwrap_or_else(|| "0".to_owned());
    let downs = match &abandon {
        Some(Err(_)) => None,
        // What is complete is known only when what is half done is gone.
        Some(Ok(_)) => Some(specc_runner::Applied::default()),
        None => {
            let asked = Options { down_to: Some(stamp), ..dry };
            specc_runner::apply(&connect, migrations, &asked, &mut |_| Ok(()), &|_| {}).ok()
        }
    };
    let newer = newer(&mut session, record)?;
    let up_lost: Vec<&str> = record.plan.losses().collect();
    let can_down = downs.is_some();
    let can_restore = record.backup.as_ref().is_some_and(|backup| Path::new(&backup.file).is_file());
    let way = match (by, can_down, can_restore) {
        (Some(Way::Down), true, _) => Way::Down,
        (Some(Way::Restore), _, true) => Way::Restore,
        (None, true, true) if up_lost.is_empty() => Way::Down,
        (None, true, false) => Way::Down,
        (None, _, true) => Way::Restore,
        (Some(Way::Restore), _, false) | (None, false, false) => {
            return Err(Failure::Refused(
                None,
                "there is no backup of before the deployment, and the down scripts do not lead back\n  help: `specc status` says how \
                 the database stands"
                    .to_owned(),
            ));
        }
        (Some(Way::Down), false, _) => {
            return Err(Failure::Refused(
                None,
                "the down scripts do not lead back from here: try `--by restore`".to_owned(),
            ));
        }
    };
    let why = match (way, by, up_lost.first()) {
        (_, Some(_), _) => "as asked".to_owned(),
        (Way::Down, None, _) => "what came since stays, as far as it has a place".to_owned(),
        (Way::Restore, None, Some(lost)) => format!("the deployment lost {lost}, which only the backup has"),
        (Way::Restore, None, None) => "the down scripts do not lead back from here".to_owned(),
    };
    let abandoned = abandon.and_then(Result::ok).unwrap_or_default();
    let down = downs.unwrap_or_default();
    let ran = || abandoned.ran.iter().chain(&down.ran);
    let mut files: Vec<String> = ran().map(|ran| format!("{}_{}", ran.stamp, ran.name)).collect();
    if half && way == Way::Down {
        let rest = applied.iter().rev().map(|entry| format!("{}_{}", entry.stamp, entry.name));
        let rest: Vec<String> = rest.filter(|name| !files.contains(name)).collect();
        files.extend(rest);
    }
    let loses = match way {
        Way::Down => {
            let mut all: Vec<String> = ran().flat_map(|ran| ran.loses.clone()).collect();
            if half {
                // Each of them says it in its own script.
                all.extend(applied.iter().flat_map(|entry| declared(migrations, &entry.stamp)));
            }
            all.extend(made_since(&mut session, target, record, folder)?);
            all.extend(up_lost.iter().map(|lost| format!("for good what the deployment lost: {lost}")));
            all.dedup();
            all
        }
        Way::Restore => newer,
    };
    let run = format!("{}{}", abandoned.plan, down.plan);
    Ok(Some(Back { way, why, files: if way == Way::Down { files } else { Vec::new() }, loses, abandon: half, run }))
}

/// What is in tables and columns that the deployment made: it goes with them.
fn made_since(
    session: &mut Session,
    target: &Target,
    record: &Record,
    folder: &Folder,
) -> Result<Vec<String>, Failure> {
    let before = folder.text("before.json").and_then(|text| specc_catalog::from_json(&text).ok()).unwrap_or_default();
    let live = specc_introspect::introspect(session, &specc_introspect::Options::default());
    let live = live.map_err(|error| Failure::broken(error.to_string()))?.catalog;
    let place = target.place();
    let said = super::steps::said(&place.root, &place.config, &record.plan);
    let mut found = Vec::new();
    for (id, entry) in live.iter() {
        let Object::Table(table) = &entry.object else { continue };
        let renamed = said.iter().flat_map(|said| &said.renames).find(|renaming| renaming.now == table.table);
        let was = renamed.map_or(&table.table, |renaming| &renaming.was);
        let known = match before.get(&was.id()).map(|entry| &entry.object) {
            Some(Object::Table(known)) => Some(known),
            _ => None,
        };
        let name = specc_sql::quote::qualified(&table.table.schema, &table.table.name);
        let mut count = |what: String| -> Result<i64, Failure> {
            Ok(session
                .query_one(&format!("select {what} from {name}"), &[])
                .map_err(|error| broken(error.into()))?
                .get(0))
        };
        match known {
            None => {
                let rows = count("count(*)".to_owned())?;
                if rows > 0 {
                    found.push(format!(
                        "{} of {}, a table that the deployment made",
                        plural(rows.unsigned_abs() as usize, "row"),
                        id.name
                    ));
                }
            }
            Some(known) => {
                let is_known = |name: &str| {
                    let name = renamed.and_then(|renaming| renaming.columns.get(name)).map_or(name, |was| was.as_str());
                    known.columns.iter().any(|column| column.name == name)
                };
                for column in table.columns.iter().filter(|column| !is_known(&column.name)) {
                    let values = count(format!("count({})", specc_sql::quote::ident(&column.name)))?;
                    if values > 0 {
                        let values = plural(values.unsigned_abs() as usize, "value");
                        found.push(format!(
                            "{values} of {}.{}, a column that the deployment made",
                            id.name, column.name
                        ));
                    }
                }
            }
        }
    }
    Ok(found)
}

/// What the down script of a migration says that it loses.
fn declared(migrations: &Migrations, stamp: &str) -> Vec<String> {
    let down = migrations.all.iter().find(|one| one.stamp == stamp).and_then(|one| one.down.as_ref());
    down.and_then(|down| specc_runner::Script::read(&down.text).ok()).map(|script| script.loses).unwrap_or_default()
}

/// What came after the backup, as far as numbers of rows say it.
fn newer(session: &mut Session, record: &Record) -> Result<Vec<String>, Failure> {
    let Some(backup) = &record.backup else { return Ok(Vec::new()) };
    let mut found = vec![format!("all that was written since {}", backup.taken)];
    let query = "select format('%s.%s', n.nspname, c.relname), n.nspname::text, c.relname::text from pg_class c \
                 join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' and c.relpersistence <> 't' \
                 and n.nspname not in ('pg_catalog', 'information_schema', 'specc', 'supabase_migrations') \
                 and has_table_privilege(c.oid, 'select') and pg_has_role(c.relowner, 'usage') order by 1";
    for row in session.query(query, &[]).map_err(|error| broken(error.into()))? {
        let (name, schema, table): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        let count = format!("select count(*) from {}", specc_sql::quote::qualified(&schema, &table));
        let now: i64 = session.query_one(&count, &[]).map_err(|error| broken(error.into()))?.get(0);
        let before = record.rows.get(&name).copied().unwrap_or(0);
        if now > before {
            found.push(format!(
                "{} of {name}, which has {now} now and had {before}",
                plural((now - before).unsigned_abs() as usize, "row")
            ));
        }
    }
    Ok(found)
}

fn down(
    target: &Target,
    record: &Record,
    migrations: &Migrations,
    back: &Back,
    production: bool,
) -> Result<Ended, Failure> {
    let place = target.place();
    let connect = || place.connect();
    let options = Options { allow_data_loss: true, ..options(target, production) };
    let approve = (!back.run.is_empty()).then(|| back.run.clone());
    if back.abandon {
        let asked = Options { abandon: true, approve: approve.clone(), ..options.clone() };
        specc_runner::apply(&connect, migrations, &asked, &mut |_| Ok(()), &tell).map_err(failure)?;
    }
    let stamp = record.before.clone().unwrap_or_else(|| "0".to_owned());
    let asked = Options { down_to: Some(stamp), approve: if back.abandon { None } else { approve }, ..options };
    specc_runner::apply(&connect, migrations, &asked, &mut |_| Ok(()), &tell).map_err(failure)?;
    Ok(Ended::TakenBack)
}

fn restore(target: &Target, record: &Record, production: bool) -> Result<Ended, Failure> {
    let place = target.place();
    let backup = record.backup.as_ref().ok_or_else(|| Failure::broken("there is no backup".to_owned()))?;
    let file = Path::new(&backup.file);
    let text = std::fs::read_to_string(beside(file))
        .map_err(|error| Failure::broken(format!("cannot read {}: {error}", beside(file).display())))?;
    let manifest = Manifest::from_json(&text).map_err(failure)?;
    if manifest.sha256 != backup.sha256 {
        return Err(Failure::Refused(
            None,
            format!("{} is not the backup of this deployment: nothing was changed", backup.file),
        ));
    }
    let options = RestoreOptions {
        clean: true,
        allow_production: production,
        production: place.production(),
        no_owner: false,
        wait: Duration::from_secs(60),
    };
    let mut session = place.connect().map_err(broken)?;
    specc_runner::restore(&mut session, &place.address, file, &manifest, &options, &tell).map_err(failure)?;
    Ok(Ended::Restored)
}

/// Whether the catalog is what it was, in words.
fn is_as_before(folder: &Folder, target: &Target) -> Result<String, Failure> {
    let Some(before) = folder.text("before.json").and_then(|text| specc_catalog::from_json(&text).ok()) else {
        return Ok("what was there before is not known".to_owned());
    };
    let mut session = target.place().connect().map_err(broken)?;
    let live = specc_introspect::introspect(&mut session, &specc_introspect::Options::default());
    let live = live.map_err(|error| Failure::broken(error.to_string()))?.catalog;
    let hints = Hints::default();
    let difference = specc_diff::diff(&before, &live, &hints);
    if difference.is_empty() {
        return Ok("the catalog is what it was before".to_owned());
    }
    let lines: Vec<String> = specc_diff::lines(&difference).iter().take(20).map(|line| format!("\n  {line}")).collect();
    Ok(format!("{} objects are not as they were before{}", difference.len(), lines.concat()))
}

/// Deletes the project that the deployment made.
fn delete(
    args: &Rollback,
    (folder, name): (&Folder, &str),
    mut record: Record,
    reference: &str,
) -> Result<ExitCode, Failure> {
    match &record.created {
        Some(made) if made.reference == reference => {}
        Some(made) => {
            return Err(Failure::Refused(
                None,
                format!("the deployment made the project {}, not {reference}: nothing was deleted", made.reference),
            ));
        }
        None => return Err(Failure::Refused(None, "the deployment made no project: nothing was deleted".to_owned())),
    }
    let management = create::management(&args.api).ok_or_else(|| {
        Failure::broken("there is no token of the Management API in SUPABASE_ACCESS_TOKEN".to_owned())
    })?;
    management.delete(reference).map_err(|error| Failure::broken(error.to_string()))?;
    record.ended = Some(Ended::Deleted);
    folder.remove(super::target::SECRETS);
    folder.write(name, record.to_json().as_bytes())?;
    note(&format!("deleted the project {reference}"));
    Ok(ExitCode::SUCCESS)
}
