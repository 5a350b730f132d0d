//! What a deployment does, step by step.

use super::target::{SECRETS, Secrets, Target};
use super::{Deployment, folder, preflight, smoke};
use crate::commands::database::{broken, failure, tell};
use crate::commands::{backup, drift};
use crate::config::Config;
use crate::report::{Failure, plural};
use specc_catalog::Hints;
use specc_deploy::{Backup, Ended, Looked, Plan, Record, State, Step, Verdict, envfile, report, worst};
use specc_diag::codes;
use specc_postgres::Session;
use specc_runner::{Event, Migrations, Options, Refused, Scope};
use specc_sql::quote;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// How many rows tables have; one that is not there has none.
fn counts<'t>(
    session: &mut Session,
    tables: impl Iterator<Item = &'t (String, String)>,
) -> Result<Vec<Option<i64>>, Failure> {
    let mut found = Vec::new();
    for (schema, name) in tables {
        let query = format!("select count(*) from {}", quote::qualified(schema, name));
        match session.query_one(&query, &[]) {
            Ok(row) => found.push(Some(row.get(0))),
            Err(error) if error.code().is_some_and(|code| code.code() == "42P01") => found.push(None),
            Err(error) => return Err(broken(error.into())),
        }
    }
    Ok(found)
}

impl Deployment<'_> {
    /// Dumps what is there.
    pub(super) fn backup(&mut self, plan: &Plan, target: &Target) -> Result<Option<String>, Failure> {
        if !plan.backup {
            return Ok(None);
        }
        let folder = &self.known.backups;
        let name = backup::file_name(target.place(), Scope::Whole);
        let file = folder.join(name);
        std::fs::create_dir_all(folder)
            .map_err(|error| Failure::broken(format!("cannot make {}: {error}", folder.display())))?;
        let manifest = backup::write(target.place(), &file, Scope::Whole, &[], None)?;
        self.record.rows =
            manifest.tables.iter().map(|table| (format!("{}.{}", table.schema, table.name), table.rows)).collect();
        // The project may be moved, with the backups that are in it.
        let root = std::path::absolute(&self.compilation.root).unwrap_or_default();
        let kept = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
        let says = format!("{kept}, {}", plural(manifest.tables.len(), "table"));
        self.record.backup = Some(Backup { file: kept, sha256: manifest.sha256, taken: manifest.taken });
        Ok(Some(says))
    }

    /// Runs the migrations, and adds the rows to begin with.
    pub(super) fn apply(&mut self, plan: &Plan, target: &Target) -> Result<Option<String>, Failure> {
        let seed = self.record.plan.seed.clone().filter(|_| !self.record.seeded);
        if plan.files.is_empty() && seed.is_none() {
            return Ok(None);
        }
        if let (Some(approved), Some(seed)) = (&seed, &self.known.seed)
            && specc_catalog::checksum(&seed.text) != approved.checksum
        {
            return Err(Failure::Refused(
                Some(codes::NOT_APPROVED),
                format!(
                    "{} is not what was approved\n  help: bring it back (git checkout), and run the same command again",
                    seed.path
                ),
            ));
        }
        let place = target.place();
        let approve = (!plan.run.is_empty()).then(|| plan.run.clone());
        let options = Options {
            lock_timeout: std::time::Duration::from_secs_f64(self.args.lock_timeout),
            lock_retries: self.args.lock_retries,
            ..preflight::options(&self.known, target, approve)
        };
        let found = plan.found.clone();
        // What was looked at is what is there still, or somebody was quicker.
        let mut before = |session: &mut Session| {
            let live = specc_introspect::introspect(session, &specc_introspect::Options::default());
            let live = live.map_err(|error| Refused::new(error.to_string()))?.catalog;
            if super::sum(&live) == found {
                return Ok(());
            }
            Err(Refused::new("the database was changed after the plan was made")
                .help("run the same command again: it looks anew"))
        };
        let connect = || place.connect();
        let began = AtomicBool::new(false);
        let watched = |event: Event| {
            began.fetch_or(matches!(event, Event::Begins { .. }), Ordering::Relaxed);
            tell(event);
        };
        let done = specc_runner::apply(&connect, self.migrations, &options, &mut before, &watched);
        self.refused = matches!(&done, Err(error) if error.is_finding()) && !began.load(Ordering::Relaxed);
        let done = done.map_err(failure)?;
        let mut says = plural(done.ran.len(), "migration");
        if let (Some(_), Some(seed)) = (&seed, &self.known.seed) {
            let mut session = place.connect().map_err(broken)?;
            specc_runner::seed(&mut session, &seed.path, &seed.text, &tell).map_err(failure)?;
            self.record.seeded = true;
            says += &format!(", rows of {}", seed.path);
        }
        Ok(Some(says))
    }

    /// Compares the database with the spec, and its rows with those before.
    pub(super) fn verify(&mut self, target: &Target) -> Result<Option<String>, Failure> {
        let place = target.place();
        let mut session = place.connect().map_err(broken)?;
        let (live, scratch, wanted) = drift::sides(self.compilation, &mut session)?;
        let found = scratch.read_again(&live.catalog, &wanted.catalog);
        let hints = Hints::default();
        let difference = specc_diff::diff(&wanted.catalog, &found, &hints);
        let catalog = match (difference.is_empty(), live.invalid_indexes.first()) {
            (true, None) => Looked::passed("catalog", format!("{} objects, as the spec says", wanted.catalog.len())),
            (true, Some(index)) => {
                Looked::failed("catalog", format!("{index} is invalid"), "`specc apply` builds it again")
            }
            (false, _) => {
                let lines: Vec<String> =
                    specc_diff::lines(&difference).iter().take(5).map(ToString::to_string).collect();
                let says = format!("{} objects are not as the spec says: {}", difference.len(), lines.join(", "));
                Looked::failed("catalog", says, "`specc drift` shows them")
            }
        };
        let report = specc_runner::status(&mut session, self.migrations, place.is_supabase()).map_err(failure)?;
        let history = match report.is_clean() {
            true => Looked::passed("history", format!("{} applied", plural(report.migrations.len(), "migration"))),
            false => Looked::failed("history", "not all migrations are applied", "`specc status` says which are not"),
        };
        let rows = self.rows(&mut session)?;
        let access = self.record.preflight.iter().find(|one| one.name == "access");
        // What is proven of the spec holds of a database that is as the spec says.
        let access = access.filter(|_| catalog.verdict == Verdict::Passed).cloned();
        self.record.verified.extend([catalog, history, rows]);
        self.record.verified.extend(access);
        self.judged("what is there is not what should be there")
    }

    /// Whether tables have fewer rows than before, of which the plan says nothing. A table with another name is looked for by
    /// that one.
    fn rows(&self, session: &mut Session) -> Result<Looked, Failure> {
        let records = said(&self.compilation.root, &self.compilation.config, &self.record.plan);
        let mut tables = Vec::new();
        for before in self.record.rows.keys() {
            let (mut name, mut lost) = (before.clone(), false);
            for record in &records {
                lost |= record.loses.iter().any(|one| one.table == name && one.column.is_none());
                name = record.after(&name);
            }
            let parts = name.split_once('.').map(|(schema, name)| (schema.to_owned(), name.to_owned()));
            if let (Some(parts), false) = (parts, lost) {
                tables.push((before.clone(), parts));
            }
        }
        tables.retain(|(_, (schema, _))| !matches!(schema.as_str(), "specc" | "supabase_migrations"));
        let now = counts(session, tables.iter().map(|(_, parts)| parts))?;
        let mut fewer = Vec::new();
        for ((before, _), after) in tables.iter().zip(&now) {
            let had = self.record.rows[before];
            if after.is_none_or(|after| after < had) && had > 0 {
                let after = after.map_or_else(|| "gone".to_owned(), |after| format!("{after} now"));
                fewer.push(format!("{before}: {had} before, {after}"));
            }
        }
        if fewer.is_empty() {
            let sum: i64 = now.iter().flatten().sum();
            let says = format!(
                "{} in {}, none fewer than before",
                plural(sum.unsigned_abs() as usize, "row"),
                plural(now.len(), "table")
            );
            return Ok(Looked::passed("rows", says));
        }
        let query = "select exists (select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() \
                     and backend_type = 'client backend')";
        let others: bool = session.query_one(query, &[]).map_err(|error| broken(error.into()))?.get(0);
        Ok(match others {
            true => Looked::warned("rows", fewer.join("; "), "others are connected: look whether they deleted them"),
            false => Looked::failed("rows", fewer.join("; "), "`specc rollback` brings them back"),
        })
    }

    /// Each role asks.
    pub(super) fn smoke(&mut self, target: &Target) -> Result<Option<String>, Failure> {
        let mut session = target.place().connect().map_err(broken)?;
        self.record.verified.extend(smoke::as_each_role(&mut session, self.compilation));
        self.judged("roles are not let in and kept out as the rules say")
    }

    fn judged(&self, wrong: &str) -> Result<Option<String>, Failure> {
        let bad: Vec<String> =
            self.record.verified.iter().filter(|one| one.verdict == Verdict::Failed).flat_map(Looked::lines).collect();
        if bad.is_empty() {
            return Ok(Some(plural(self.record.verified.len(), "check")));
        }
        Err(Failure::Refused(None, format!("{wrong}\n{}", bad.join("\n"))))
    }

    /// Writes the file with what programs need.
    pub(super) fn environment(&mut self, target: &Target) -> Result<Option<String>, Failure> {
        let Some(file) = &self.known.env_file else { return Ok(None) };
        if folder::would_be_committed(file) == Some(true) {
            return Err(Failure::Refused(
                None,
                format!(
                    "git does not ignore {}, which would hold passwords and keys: nothing was written",
                    file.display()
                ),
            ));
        }
        let secrets = Secrets::read(self.folder).unwrap_or_default();
        let variable = self.environment.variable().unwrap_or("DATABASE_URL").to_owned();
        let mut values = vec![(variable, target.url.clone())];
        let reference =
            self.record.created.as_ref().map(|made| made.reference.clone()).or(self.environment.project.clone());
        if let Some(reference) = reference {
            values.push(("SUPABASE_URL".to_owned(), format!("https://{reference}.supabase.co")));
        }
        let keys = [("SUPABASE_ANON_KEY", secrets.public), ("SUPABASE_SERVICE_ROLE_KEY", secrets.service)];
        values.extend(keys.into_iter().filter_map(|(name, key)| Some((name.to_owned(), key?))));
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let text = envfile::with(&text, &values)
            .map_err(|unfit| Failure::Refused(None, format!("{}: {unfit}", file.display())))?;
        folder::private(file, text.as_bytes())?;
        self.folder.remove(SECRETS);
        Ok(Some(format!("{}, {}", file.display(), plural(values.len(), "value"))))
    }

    /// Writes down what was done; the deployment is complete then.
    pub(super) fn report(&mut self) -> Result<Option<String>, Failure> {
        self.record.ended = Some(Ended::Complete);
        self.record.set(Step::Report, State::Done, super::now(), "report.md, report.json");
        if let Err(failure) = self.write_report() {
            self.record.ended = None;
            return Err(failure);
        }
        Ok(Some("report.md, report.json".to_owned()))
    }

    /// The report of what there is so far.
    pub(super) fn write_report(&self) -> Result<(), Failure> {
        self.folder.write("report.md", report::markdown(&self.record).as_bytes())?;
        let json = serde_json::to_string_pretty(&report::json(&self.record)).unwrap_or_default() + "\n";
        self.folder.write("report.json", json.as_bytes())
    }
}

/// What the build said beside the files of a plan.
pub fn said(root: &Path, config: &Config, plan: &Plan) -> Vec<specc_migrate::Record> {
    let folder = root.join(config.state()).join("plans");
    let read = |title: &str| {
        let text = crate::project::text(&folder.join(format!("{title}.json"))).ok()?;
        specc_migrate::Record::read(&text).ok()
    };
    plan.files.iter().filter_map(|file| read(&file.title)).collect()
}

/// Whether another environment has run these files and proven them.
pub fn proven_there(root: &Path, config: &Config, from: &str, migrations: &Migrations) -> Result<Vec<Looked>, Failure> {
    let environment = config.environment(from)?;
    let not = |why: String, way: String| {
        Failure::Refused(
            Some(codes::NOT_PROVEN_THERE),
            format!("`{from}` has not run and proven this: {why}\n  help: {way}"),
        )
    };
    let deploy = format!("`specc deploy {from}`");
    let Some(record) = folder::record_of(root, from)? else {
        return Err(not("nothing was deployed there from here".to_owned(), deploy));
    };
    if record.ended != Some(Ended::Complete) || worst(&record.verified) == Verdict::Failed || record.verified.is_empty()
    {
        let how = record.ended.map_or("its deployment did not end", |ended| ended.words());
        return Err(not(how.to_owned(), deploy));
    }
    // What its database says now counts, not what a file says of it.
    let target = Target::of(root, config, (from, environment), None::<(&Record, &folder::Folder)>)?;
    let mut session = target.place().connect().map_err(broken)?;
    let report = specc_runner::status(&mut session, migrations, target.place().is_supabase()).map_err(failure)?;
    let open: Vec<String> = report
        .migrations
        .iter()
        .filter(|entry| entry.state != specc_runner::State::Applied)
        .map(|entry| format!("{}_{} is {} there", entry.stamp, entry.name, entry.state.words()))
        .collect();
    if let Some(first) = open.first() {
        return Err(not(first.clone(), deploy));
    }
    let wanted = crate::pipeline::compile(crate::project::Project::open(root)?, false)?;
    let sum = super::sum(&wanted.catalog);
    if record.plan.wanted != sum {
        return Err(not("the spec is another than when it was deployed there".to_owned(), deploy));
    }
    Ok(vec![Looked::passed(
        "promotion",
        format!("`{from}` has the same {}, verified {}", plural(report.migrations.len(), "migration"), record.began),
    )])
}
