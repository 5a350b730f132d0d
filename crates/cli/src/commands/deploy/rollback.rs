//! `specc rollback`: takes a deployment back, by the down scripts where those lose nothing that a backup has, else by the backup.

use super::folder::Folder;
use super::target::Target;
use super::{asked, create, losses, now};
use crate::args::{self, Format, Rollback};
use crate::commands::backup::beside;
use crate::commands::database::{broken, failure, tell};
use crate::project;
use crate::report::{FINDINGS, Failure, data, note, plural, say};
use specc_catalog::{Hints, checksum};
use specc_deploy::{Ended, Record, Step, TakingBack, Verdict, Way};
use specc_diag::codes;
use specc_runner::{Entry, Manifest, Migrations, Options, RestoreOptions, State};
use std::path::{Path, PathBuf};
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

/// A deployment, and where it is taken back.
struct Case<'a> {
    root: &'a Path,
    folder: &'a Folder,
    target: &'a Target,
    migrations: &'a Migrations,
    production: bool,
    by: Option<Way>,
}

/// Takes the last deployment back.
pub fn run(args: &Rollback, format: Format) -> Result<ExitCode, Failure> {
    let (root, config) = project::settings(&args.place.project)?;
    let environment = config.environment(&args.environment)?;
    let folder = Folder::open(&root, &args.environment)?;
    let Some((name, mut record)) = folder.last_change()? else {
        if folder.record()?.is_none() {
            return Err(Failure::Refused(None, format!("nothing was deployed to `{}` from here", args.environment)));
        }
        say("nothing to take back: the database was not changed");
        return Ok(ExitCode::SUCCESS);
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
    let address = target.place().address.to_string();
    // A project that was made has another address than the plan says.
    if record.created.is_none() && address != record.plan.target {
        return Err(Failure::Refused(
            None,
            format!(
                "the deployment was to {}, and `{}` leads to {address} now: nothing was looked at or changed\n  help: let its variable \
                 lead there",
                record.plan.target, args.environment
            ),
        ));
    }
    let is_production = environment.is_production(&args.environment);
    if let (Some(why), false) = (says_production(&target)?, is_production) {
        return Err(refused(format!(
            "the database is production ({why}), and `{0}` is not: nothing was changed\n  help: look which database the URL leads to; if it \
             is right, write `production = true` under [environments.{0}]",
            args.environment
        )));
    }
    let case = Case {
        root: &root,
        folder: &folder,
        target: &target,
        migrations: &target.place().migrations()?,
        production: is_production,
        by: args.by.map(|by| match by {
            args::Way::Down => Way::Down,
            args::Way::Restore => Way::Restore,
        }),
    };
    let begun = record.going_back().cloned();
    let back = match &begun {
        Some(begun) if begun.way == Way::Restore => Some(case.again(&record, begun)?),
        _ => case.back(&record)?,
    };
    let ended = match (&back, &begun) {
        (None, None) => {
            say("nothing to take back: the database has nothing of the deployment");
            return Ok(ExitCode::SUCCESS);
        }
        // Only its last word was missing.
        (None, Some(begun)) => begun.way.ended(),
        (Some(back), _) => {
            let hash = back.hash(&record, begun.as_ref());
            if !approved(args, &case, (back, &record, &hash), format)? {
                return Ok(ExitCode::from(FINDINGS));
            }
            case.act((&name, &mut record), back, hash)?
        }
    };
    let (same, words) = is_as_before(&folder, &record, &target)?;
    record.ended = Some(ended);
    let state = if same { specc_deploy::State::Done } else { specc_deploy::State::Failed };
    record.set(Step::Report, state, now(), format!("{}; {words}", ended.words()));
    folder.write(&name, record.to_json().as_bytes())?;
    folder.write("report.md", specc_deploy::report::markdown(&record).as_bytes())?;
    if format == Format::Json {
        data(&specc_deploy::report::json(&record).to_string());
    }
    note(&format!("{}: {}; {words}", args.environment, ended.words()));
    made.iter().for_each(|line| note(line));
    Ok(if same { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

/// Why the database counts as production by what it says of itself.
fn says_production(target: &Target) -> Result<Option<String>, Failure> {
    let mut session = target.place().connect().map_err(broken)?;
    Ok(specc_runner::production(&mut session).map_err(failure)?.map(|production| production.0))
}

/// Whether it is approved: by its hash, or by who sits at a terminal. Nothing is written before.
fn approved(
    args: &Rollback,
    case: &Case<'_>,
    (back, record, hash): (&Back, &Record, &str),
    format: Format,
) -> Result<bool, Failure> {
    if format == Format::Text {
        show(back, record, hash);
    }
    match &args.approve {
        Some(given) if given.trim().to_lowercase() != hash => {
            return Err(Failure::Refused(
                Some(codes::NOT_APPROVED),
                format!(
                    "what would be taken back has the hash {hash}, which is not the one that was approved\n  help: nothing was changed"
                ),
            ));
        }
        Some(_) => return Ok(true),
        None if asked(&format!("Take it back and lose what is said ({})? Type `yes`: ", &hash[..12])) => {
            return Ok(true);
        }
        None => {}
    }
    if format == Format::Json {
        data(&serde_json::json!({ "by": back.way, "why": back.why, "files": back.files, "loses": back.loses, "hash": hash }).to_string());
    }
    let by = match case.by {
        None => "",
        Some(Way::Down) => " --by down",
        Some(Way::Restore) => " --by restore",
    };
    note(&format!("nothing was changed; to take it back: `specc rollback {}{by} --approve {hash}`", args.environment));
    Ok(false)
}

impl Back {
    /// By what it is approved; the approval of a rollback that began is good for what is left of it.
    fn hash(&self, record: &Record, begun: Option<&TakingBack>) -> String {
        let is_left = |begun: &&TakingBack| {
            let known = |(all, some): (&[String], &[String])| some.iter().all(|one| all.contains(one));
            begun.way == self.way && known((&begun.files, &self.files)) && known((&begun.loses, &self.loses))
        };
        if let Some(begun) = begun.filter(is_left) {
            return begun.hash.clone();
        }
        let all = serde_json::json!({
            "deployment": record.plan.hash(), "began": record.began, "way": self.way, "files": self.files, "loses": self.loses,
            "run": self.run, "backup": record.backup.as_ref().map(|backup| &backup.sha256),
        });
        checksum(all.to_string())
    }
}

fn show(back: &Back, record: &Record, hash: &str) {
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

/// What verify found gone of which the plan says nothing.
fn missed(record: &Record) -> Option<&str> {
    let rows = record.verified.iter().find(|one| one.name == "rows" && one.verdict == Verdict::Failed);
    rows.map(|rows| rows.says.as_str())
}

fn refused(message: String) -> Failure {
    Failure::Refused(None, message)
}

impl Case<'_> {
    fn options(&self) -> Result<Options, Failure> {
        let place = self.target.place();
        Ok(Options {
            edited: place.recorded(self.migrations)?,
            allow_production: self.production,
            production: place.production(),
            supabase: place.is_supabase(),
            specc: env!("CARGO_PKG_VERSION").into(),
            ..Options::default()
        })
    }

    /// Where the backup is, if it was taken and is there.
    fn backup(&self, record: &Record) -> Option<PathBuf> {
        let file = self.root.join(&record.backup.as_ref()?.file);
        file.is_file().then_some(file)
    }

    /// What the database says of the migrations.
    fn entries(&self) -> Result<Vec<Entry>, Failure> {
        let place = self.target.place();
        let mut session = place.connect().map_err(broken)?;
        Ok(specc_runner::status(&mut session, self.migrations, place.is_supabase()).map_err(failure)?.migrations)
    }

    /// Goes on with a restore that began: there may be nothing, or a part, and only the backup leads back.
    fn again(&self, record: &Record, begun: &TakingBack) -> Result<Back, Failure> {
        if self.by == Some(Way::Down) {
            return Err(refused(
                "a rollback by the backup began, and the down scripts do not lead on from there\n  help: leave out `--by down`".to_owned(),
            ));
        }
        if self.backup(record).is_none() {
            return Err(missing(record, "a rollback by it began"));
        }
        Ok(Back {
            way: Way::Restore,
            why: format!("the rollback by the backup that began {} did not end", begun.began),
            files: Vec::new(),
            loses: begun.loses.clone(),
            abandon: false,
            run: String::new(),
        })
    }

    /// What would be done; none where the database has nothing of the deployment.
    fn back(&self, record: &Record) -> Result<Option<Back>, Failure> {
        let (place, migrations) = (self.target.place(), self.migrations);
        let own = |stamp: &str| record.plan.files.iter().any(|file| file.stamp == stamp);
        let entries = self.entries()?;
        let applied: Vec<&Entry> = entries
            .iter()
            .filter(|entry| matches!(entry.state, State::Applied | State::Edited | State::Missing) && own(&entry.stamp))
            .collect();
        let half = entries
            .iter()
            .any(|entry| matches!(entry.state, State::Interrupted | State::Reverting) && own(&entry.stamp));
        if applied.is_empty() && !half {
            return Ok(None);
        }
        let connect = || place.connect();
        let options = self.options()?;
        let edited = migrations
            .all
            .iter()
            .filter(|one| own(&one.stamp))
            .find_map(|one| one.down.iter().chain(&one.abandon).find(|file| options.edited.contains(&file.path)));
        let dry = Options { dry_run: true, allow_data_loss: true, ..options };
        // The way back in files: what is half done, then what is complete.
        let abandon = half.then(|| {
            let asked = Options { abandon: true, ..dry.clone() };
            specc_runner::apply(&connect, migrations, &asked, &mut |_| Ok(()), &|_| {})
        });
        let stamp = record.before.clone().unwrap_or_else(|| "0".to_owned());
        let downs = match &abandon {
            _ if edited.is_some() => None,
            Some(Err(_)) => None,
            // What is complete is known only when what is half done is gone.
            Some(Ok(_)) => Some(specc_runner::Applied::default()),
            None => {
                let asked = Options { down_to: Some(stamp), ..dry };
                specc_runner::apply(&connect, migrations, &asked, &mut |_| Ok(()), &|_| {}).ok()
            }
        };
        let mut session = place.connect().map_err(broken)?;
        session.batch_execute("set lock_timeout to '5s'").map_err(|error| broken(error.into()))?;
        let newer = losses::newer(&mut session, record)?;
        let missed = missed(record).map(|rows| format!("rows of which its plan says nothing ({rows})"));
        let lost: Vec<String> = record.plan.losses().map(str::to_owned).chain(missed).collect();
        let gone = record.backup.as_ref().filter(|_| self.backup(record).is_none());
        let can_restore = self.backup(record).is_some();
        if let (Some(file), true) =
            (edited, self.by != Some(Way::Restore) && !(can_restore && !lost.is_empty() && self.by.is_none()))
        {
            return Err(refused(format!(
                "{} was edited after `specc build` wrote it: what it does is not what was reviewed, and nothing was changed\n  help: \
                 restore it (git checkout){}",
                file.path,
                if can_restore { ", or take the backup: `--by restore`" } else { "" }
            )));
        }
        let way = match (self.by, downs.is_some(), can_restore) {
            (Some(Way::Down), true, _) => Way::Down,
            (Some(Way::Restore), _, true) => Way::Restore,
            (None, true, true) if lost.is_empty() => Way::Down,
            (None, true, false) if lost.is_empty() || gone.is_none() => Way::Down,
            (None, true, false) => {
                return Err(missing(record, &format!("the deployment lost {}", lost.join(", "))));
            }
            (None, _, true) => Way::Restore,
            (Some(Way::Restore), _, false) | (None, false, false) if gone.is_some() => {
                return Err(missing(record, "only it leads back as asked"));
            }
            (Some(Way::Restore), _, false) | (None, false, false) => {
                return Err(refused(
                    "there is no backup of before the deployment, and the down scripts do not lead back\n  help: `specc status` says \
                     how the database stands"
                        .to_owned(),
                ));
            }
            (Some(Way::Down), false, _) => {
                return Err(refused("the down scripts do not lead back from here: try `--by restore`".to_owned()));
            }
        };
        let mut why = match (way, self.by, lost.first()) {
            (_, Some(_), _) => "as asked".to_owned(),
            (Way::Down, None, _) => "what came since stays, as far as it has a place".to_owned(),
            (Way::Restore, None, Some(lost)) => format!("the deployment lost {lost}, which only the backup has"),
            (Way::Restore, None, None) => "the down scripts do not lead back from here".to_owned(),
        };
        if let Some(backup) = gone {
            why += &format!("; the backup {} is not there", backup.file);
        }
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
                    all.extend(applied.iter().flat_map(|entry| losses::declared(migrations, &entry.stamp)));
                }
                all.extend(losses::made_since(&mut session, self.target, record, self.folder)?);
                all.extend(lost.iter().map(|lost| format!("for good what the deployment lost: {lost}")));
                all.dedup();
                all
            }
            Way::Restore => newer,
        };
        let run = format!("{}{}", abandoned.plan, down.plan);
        Ok(Some(Back { way, why, files: if way == Way::Down { files } else { Vec::new() }, loses, abandon: half, run }))
    }

    /// Does it. That it began is written down before: whatever ends it, the same command goes on.
    fn act(&self, (name, record): (&str, &mut Record), back: &Back, hash: String) -> Result<Ended, Failure> {
        let first = record.going_back().is_none();
        let was = record.ended.take();
        let before = self.entries()?;
        record.back = Some(TakingBack {
            way: back.way,
            began: now(),
            hash,
            files: back.files.clone(),
            loses: back.loses.clone(),
        });
        self.folder.write(name, record.to_json().as_bytes())?;
        let done = match back.way {
            Way::Down => self.down(record, back),
            Way::Restore => self.restore(record),
        };
        if done.is_err() {
            if first && self.entries().is_ok_and(|after| after == before) {
                // It was refused before anything was done.
                (record.back, record.ended) = (None, was);
                self.folder.write(name, record.to_json().as_bytes())?;
            } else {
                note(&format!(
                    "the database was, or may have been, changed; `specc rollback {}` goes on from there",
                    record.plan.environment
                ));
            }
        }
        done.map(|()| back.way.ended())
    }

    fn down(&self, record: &Record, back: &Back) -> Result<(), Failure> {
        let place = self.target.place();
        let connect = || place.connect();
        let options = Options { allow_data_loss: true, ..self.options()? };
        let approve = (!back.run.is_empty()).then(|| back.run.clone());
        if back.abandon {
            let asked = Options { abandon: true, approve: approve.clone(), ..options.clone() };
            specc_runner::apply(&connect, self.migrations, &asked, &mut |_| Ok(()), &tell).map_err(failure)?;
        }
        let stamp = record.before.clone().unwrap_or_else(|| "0".to_owned());
        let asked = Options { down_to: Some(stamp), approve: if back.abandon { None } else { approve }, ..options };
        specc_runner::apply(&connect, self.migrations, &asked, &mut |_| Ok(()), &tell).map_err(failure)?;
        Ok(())
    }

    fn restore(&self, record: &Record) -> Result<(), Failure> {
        let place = self.target.place();
        let backup = record.backup.as_ref().ok_or_else(|| Failure::broken("there is no backup".to_owned()))?;
        let file = &self.root.join(&backup.file);
        let text = std::fs::read_to_string(beside(file))
            .map_err(|error| Failure::broken(format!("cannot read {}: {error}", beside(file).display())))?;
        let manifest = Manifest::from_json(&text).map_err(failure)?;
        if manifest.sha256 != backup.sha256 {
            return Err(refused(format!("{} is not the backup of this deployment: nothing was changed", backup.file)));
        }
        let options = RestoreOptions {
            clean: true,
            allow_production: self.production,
            production: place.production(),
            no_owner: false,
            wait: Duration::from_secs(60),
        };
        let mut session = place.connect().map_err(broken)?;
        specc_runner::restore(&mut session, &place.address, file, &manifest, &options, &tell).map_err(failure)?;
        Ok(())
    }
}

/// The backup was taken, and is not where it was.
fn missing(record: &Record, why: &str) -> Failure {
    let file = record.backup.as_ref().map_or("", |backup| backup.file.as_str());
    refused(format!(
        "the backup {file} is not there, and {why}: nothing was changed\n  help: bring it back with the file `.json` beside it; \
         `--by down` takes back what the down scripts can, and what was lost stays lost"
    ))
}

/// Whether the catalog is what it was, as far as that is known, and in words.
fn is_as_before(folder: &Folder, record: &Record, target: &Target) -> Result<(bool, String), Failure> {
    let Some(before) = folder.before(record) else {
        return Ok((true, "what was there before is not known".to_owned()));
    };
    let mut session = target.place().connect().map_err(broken)?;
    let live = specc_introspect::introspect(&mut session, &specc_introspect::Options::default());
    let live = live.map_err(|error| Failure::broken(error.to_string()))?.catalog;
    let hints = Hints::default();
    let difference = specc_diff::diff(&before, &live, &hints);
    if difference.is_empty() {
        return Ok((true, "the catalog is what it was before".to_owned()));
    }
    let lines: Vec<String> = specc_diff::lines(&difference).iter().take(20).map(|line| format!("\n  {line}")).collect();
    Ok((false, format!("{} objects are not as they were before{}", difference.len(), lines.concat())))
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
