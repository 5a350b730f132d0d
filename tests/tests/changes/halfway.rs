//! A change of several files that stops at each of its steps: whatever stopped it, `--abandon` leads back to the objects and
//! rows of before, and the change can be run again to its end.

use crate::changes::run::{Way, declared, differences, load, read, script};
use crate::changes::tables::{self, Tables};
use specc_catalog::{from_json, to_json};
use specc_migrate::OutputFile;
use specc_model::Target;
use specc_postgres::{Database, Session};
use specc_runner::{Applied, Error, File, Migrations, Options, State};
use std::time::Duration;

/// What stops a file.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// Its last statement fails.
    Fails,
    /// The session ends when all but its end is done.
    Killed,
    /// The session ends after the first batch of rows.
    KilledBetweenBatches,
    /// The session ends while an index is built.
    KilledInBuild,
    /// Somebody else holds its tables.
    Locked,
    /// Its last statement fails, and somebody makes something beside it.
    Drift,
}

const FAULTS: [Fault; 6] =
    [Fault::Fails, Fault::Killed, Fault::KilledBetweenBatches, Fault::KilledInBuild, Fault::Locked, Fault::Drift];

const KILL: &str = "perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(1);";
const BUILD: &str = "index concurrently";

impl Fault {
    /// The file as it is run; none where this cannot stop it.
    fn text(self, text: &str) -> Option<String> {
        let outside = text.contains("-- specc: no-transaction\n");
        Some(match self {
            Fault::Fails | Fault::Drift => format!("{text}\nselect 1 / 0;\n"),
            Fault::Killed => format!("{text}\nselect pg_terminate_backend(pg_backend_pid()), pg_sleep(1);\n"),
            Fault::KilledBetweenBatches if text.contains("    commit;\n") => {
                text.replacen("    commit;\n", &format!("    commit; {KILL}\n"), 1)
            }
            Fault::KilledInBuild if text.contains(BUILD) && text.contains("create") => text.to_owned(),
            Fault::Locked
                if !outside && text.contains("lock_timeout = '3s'") && !text.contains("materialized view") =>
            {
                // What takes locks does so once.
                text.replace("lock_timeout = '3s'", "lock_timeout = '20ms'").replace("in 1..30 loop", "in 30..30 loop")
            }
            _ => return None,
        })
    }
}

const LOCK: &str = "do $$ declare r regclass; begin
  for r in select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where relkind in ('r', 'p') and n.nspname !~ '^(pg_|information_schema|specc|auth|storage|cron|net|vault|realtime|extensions|supabase)' loop
    execute format('lock table %s in access exclusive mode', r);
  end loop;
end $$";

/// Writers that a concurrent build waits for.
const WRITE: &str = "do $$ declare r regclass; begin
  for r in select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where relkind in ('r', 'm') and n.nspname !~ '^(pg_|information_schema|specc|auth|storage|cron|net|vault|realtime|extensions|supabase)' loop
    if (select relkind from pg_class where oid = r) = 'r' then
      execute format('lock table %s in row exclusive mode', r);
    end if;
  end loop;
end $$";

const BESIDE: &str = "create table public.drift_beside (x int primary key); insert into public.drift_beside values (1)";

struct Halfway<'a> {
    way: &'a Way<'a>,
    files: Vec<OutputFile>,
    db: Database,
}

/// All rows but those of the journal.
fn rows_of(session: &mut Session) -> Tables {
    let mut all = tables::read(session);
    all.retain(|name, _| !name.starts_with("specc."));
    all
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

impl Halfway<'_> {
    fn files(&self, is: impl Fn(&str) -> bool) -> Vec<File> {
        let files = self.files.iter().filter(|file| is(&file.path));
        files.map(|file| File { path: file.path.clone(), text: file.contents.clone() }).collect()
    }

    /// As `specc apply` reads them; the file at a place with another text.
    fn migrations(&self, other: Option<(usize, String)>) -> Migrations {
        let is_up = |path: &str| path.ends_with(".sql") && path.contains("migrations/");
        let mut ups = self.files(is_up);
        ups.sort_by(|a, b| name(&a.path).cmp(name(&b.path)));
        if let Some((at, text)) = other {
            ups[at].text = text;
        }
        let downs = self.files(|path| path.contains("/down/"));
        Migrations::new(ups, downs).expect("migrations").with_abandons(self.files(|path| path.contains("/abandon/")))
    }

    fn apply(&self, all: &Migrations, options: Options) -> Result<Applied, Error> {
        let options = Options {
            supabase: self.way.target == Target::Supabase,
            allow_data_loss: true,
            lock_retries: 0,
            wait: Duration::from_secs(20),
            ..options
        };
        specc_runner::apply(&|| self.db.connect(), all, &options, &mut |_| Ok(()), &|_| {})
    }

    /// Stops the change at a file, and gives the files as they are by then; none where it cannot be stopped so.
    fn stop(&self, at: usize, fault: Fault) -> Result<Option<Migrations>, String> {
        let all = self.migrations(None);
        let Some(text) = fault.text(&all.all[at].up.text) else { return Ok(None) };
        if at > 0 {
            let before = Options { to: Some(all.all[at - 1].stamp.clone()), ..Options::default() };
            self.apply(&all, before).map_err(|error| format!("files before: {error}"))?;
        }
        let faulty = self.migrations(Some((at, text)));
        let only = Options { to: Some(all.all[at].stamp.clone()), ..Options::default() };
        let mut other = self.db.connect_superuser().map_err(|error| error.to_string())?;
        let failed = match fault {
            Fault::Locked => {
                load(&mut other, "lock", &format!("begin; {LOCK}"))?;
                let failed = self.apply(&faulty, only).is_err();
                load(&mut other, "unlock", "rollback")?;
                failed
            }
            Fault::KilledInBuild => {
                load(&mut other, "write", &format!("begin; {WRITE}"))?;
                let failed = std::thread::scope(|scope| {
                    let run = scope.spawn(|| self.apply(&faulty, only).is_err());
                    let mut killer = self.db.connect_superuser().expect("a session");
                    while !run.is_finished() {
                        let query = "select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' \
                                     and query ~* 'create (unique )?index concurrently' and datname = current_database()";
                        if !killer.query(query, &[]).expect("a look").is_empty() {
                            break;
                        }
                        std::thread::sleep(Duration::from_millis(5));
                    }
                    run.join().expect("the run")
                });
                load(&mut other, "end", "rollback")?;
                failed
            }
            Fault::Drift => {
                let failed = self.apply(&faulty, only).is_err();
                load(&mut other, "drift", BESIDE)?;
                failed
            }
            _ => self.apply(&faulty, only).is_err(),
        };
        // On a view nobody writes, so nothing held the build up; where there are no rows, there is no batch.
        let may_pass = matches!(fault, Fault::KilledInBuild | Fault::KilledBetweenBatches) && at + 1 < all.all.len();
        match failed {
            true => Ok(Some(all)),
            false if may_pass => Ok(Some(faulty)),
            false => Err("that did not stop it".into()),
        }
    }

    /// Stops the change at each file in each way, and takes it back.
    fn go(&self, session: &mut Session) -> Result<Vec<String>, String> {
        let mut wrong = Vec::new();
        self.apply(&Migrations::default(), Options::default()).map_err(|error| error.to_string())?;
        let (before, rows) = (read(session)?, rows_of(session));
        let all = self.migrations(None);
        for at in 0..all.all.len() {
            for fault in FAULTS {
                let said = |what: String| format!("{} stopped by {fault:?}: {what}", all.all[at].title());
                let Some(now) = self.stop(at, fault).map_err(said)? else { continue };
                let back = self.apply(&now, Options { abandon: true, ..Options::default() });
                back.map_err(|error| said(format!("{error}")))?;
                if fault == Fault::Drift {
                    load(session, "drift", "drop table public.drift_beside")?;
                }
                let lost: Vec<String> = all.all[..at]
                    .iter()
                    .filter_map(|migration| migration.abandon.as_ref())
                    .flat_map(|file| file.text.lines())
                    .filter(|line| line.starts_with("-- specc: loses"))
                    .map(str::to_owned)
                    .collect();
                let found = differences(&read(session)?, &before, &lost.join("\n"));
                let is_said = |table: &str, _: &str, column: Option<&str>| declared(&lost, table, column);
                let gone = tables::lost(&rows, &rows_of(session), false, is_said);
                let report = specc_runner::status(session, &all, self.way.target == Target::Supabase);
                let report = report.map_err(|error| error.to_string())?;
                let left = report.migrations.iter().filter(|entry| entry.state != State::Pending);
                wrong.extend(left.map(|entry| said(format!("{} is {:?}", entry.stamp, entry.state))));
                wrong.extend(found.into_iter().chain(gone).map(said));
                if !wrong.is_empty() {
                    return Ok(wrong);
                }
            }
        }
        self.apply(&all, Options::default()).map_err(|error| format!("in the end: {error}"))?;
        Ok(wrong)
    }
}

/// What is wrong; none where the change has fewer than two files.
pub fn check(way: &Way<'_>) -> Result<Option<Vec<String>>, String> {
    let previous = from_json(&to_json(&way.from.catalog)).expect("what is stored can be read");
    let Ok(files) = way.files(&previous, way.consent()) else { return Ok(None) };
    if files.iter().filter(|file| file.path.contains("migrations/")).count() < 2 {
        return Ok(None);
    }
    let (db, mut session) = way.database()?;
    load(&mut session, "the spec before", &script(&way.from.catalog)?)?;
    load(&mut session, "rows.sql", way.rows)?;
    let halfway = Halfway { way, files, db };
    let found = halfway.go(&mut session);
    drop((session, halfway));
    way.drop_roles()?;
    found.map(Some)
}
