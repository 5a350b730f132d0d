//! `specc deploy` and what takes it back.

mod create;
mod folder;
mod losses;
mod preflight;
pub mod rollback;
mod smoke;
mod steps;
mod target;

pub use create::management;

use crate::args::{Checkpoint as Asked, Deploy, Format, Promote};
use crate::commands::database::Place;
use crate::config::{Config, Environment};
use crate::pipeline::{self, Compilation};
use crate::project::Project;
use crate::report::{FINDINGS, Failure, data, note, say};
use folder::Folder;
use preflight::{Known, Seen};
use specc_catalog::{Catalog, Hints};
use specc_deploy::{Checkpoint, Looked, Plan, Record, State, Step, Verdict, report, worst};
use specc_diag::codes;
use specc_runner::Migrations;
use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use target::Target;

/// Brings an environment to what the project says.
pub fn run(args: &Deploy, format: Format) -> Result<ExitCode, Failure> {
    deploy(args, None, format)
}

/// Deploys what another environment has run and proven.
pub fn promote(args: &Promote, format: Format) -> Result<ExitCode, Failure> {
    deploy(&args.deploy, Some(&args.from), format)
}

/// A deployment that is at work.
pub struct Deployment<'a> {
    args: &'a Deploy,
    compilation: &'a Compilation,
    migrations: &'a Migrations,
    environment: &'a Environment,
    known: Known<'a>,
    folder: &'a Folder,
    record: Record,
    /// Whether the step at work was refused before anything of it was done.
    refused: bool,
}

/// Now, UTC.
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The SHA-256 of a catalog: of what exists, not of the words that a spec says it in.
fn sum(catalog: &Catalog) -> String {
    let mut bare = catalog.clone();
    (bare.spec, bare.said) = (Vec::new(), Hints::default());
    specc_catalog::checksum(specc_catalog::to_json(&bare))
}

fn deploy(args: &Deploy, from: Option<&str>, format: Format) -> Result<ExitCode, Failure> {
    if args.status {
        // How it stands is known whatever the spec says by now.
        let (root, config) = crate::project::settings(&args.place.project)?;
        config.environment(&args.environment)?;
        let folder = Folder::open(&root, &args.environment)?;
        let going_back = folder.last_change()?.map(|(_, record)| record).filter(|record| record.going_back().is_some());
        return status(going_back.or(folder.record()?).as_ref(), format);
    }
    if from == Some(args.environment.as_str()) {
        return Err(Failure::Refused(None, format!("`{}` cannot be promoted to itself", args.environment)));
    }
    let compilation = pipeline::compile(Project::open(&args.place.project)?, false)?;
    let (root, config) = (&compilation.root, &compilation.config);
    let environment = config.environment(&args.environment)?;
    let folder = Folder::open(root, &args.environment)?;
    if folder.last_change()?.is_some_and(|(_, record)| record.going_back().is_some()) {
        return Err(Failure::Refused(
            None,
            format!(
                "a rollback of `{0}` began, and whether it ended is not known: nothing is deployed over it\n  help: `specc rollback {0}` \
                 goes on with it",
                args.environment
            ),
        ));
    }
    let prior = folder.record()?;
    let prior = match prior {
        Some(record) if record.ended.is_some() => {
            if !args.plan {
                folder.put_aside(&record)?;
            }
            None
        }
        prior => prior,
    };
    let files = migrations(root, config)?;
    // A project that was to be made is made by whoever goes on.
    let creates = args.create || prior.as_ref().is_some_and(|record| record.plan.create.is_some());
    let known = known(args, &compilation, environment, (&files, creates), &folder)?;
    let applying = prior.as_ref().is_some_and(|record| record.state(Step::Apply).is_some());
    let made = prior.as_ref().is_some_and(|record| record.created.is_some() && record.is_done(Step::Provision));
    let mut looked = preflight::project(&known)?;
    let promoted = from.map(|from| steps::proven_there(root, config, from, &files)).transpose()?;
    looked.extend(promoted.into_iter().flatten());
    let (seen, target) = if creates && !made {
        let (more, plan) = create::preflight(args, &known, environment, prior.as_ref())?;
        (Seen { looked: more, plan, found: None, last: None }, None)
    } else {
        let target =
            Target::of(root, config, (&args.environment, environment), prior.as_ref().map(|record| (record, &folder)))?;
        looked.extend(create::account(args, environment));
        let mut seen = preflight::database(&known, &target, applying)?;
        seen.plan.create = prior.as_ref().and_then(|record| record.plan.create.clone());
        (seen, Some(target))
    };
    looked.extend(seen.looked);
    let mut plan = seen.plan;
    plan.promoted_from = from.map(str::to_owned);
    let hash = plan.hash();
    show(&looked, &plan, format);
    if args.plan {
        if format == Format::Json {
            data(&serde_json::json!({ "hash": hash, "plan": plan, "preflight": looked }).to_string());
        } else {
            say(&format!("hash {hash}"));
        }
        return Ok(if worst(&looked) == Verdict::Failed { ExitCode::from(FINDINGS) } else { ExitCode::SUCCESS });
    }
    let record = begin(prior, &plan, looked, &seen.last)?;
    let mut deployment = Deployment {
        args,
        compilation: &compilation,
        migrations: &files,
        environment,
        known,
        folder: &folder,
        record,
        refused: false,
    };
    let done = deployment.go_on(&plan, seen.found.as_ref(), target);
    deployment.end(done, format)
}

/// The record of this deployment: of one that began to change something, continued where what is left is a part of what was
/// approved; else a new one.
fn begin(prior: Option<Record>, plan: &Plan, looked: Vec<Looked>, last: &Option<String>) -> Result<Record, Failure> {
    let at = now();
    let failed = worst(&looked) == Verdict::Failed;
    let mut record = match prior {
        Some(prior) if prior.has_changed_something() => {
            if !prior.plan.covers(plan) {
                return Err(Failure::Refused(
                    Some(codes::NOT_APPROVED),
                    "a deployment stopped half-way, and what is left is not what was approved then: files, settings or the spec were \
                     changed since\n  help: bring back what was approved (git checkout) and run the same command again, or take back \
                     what was done with `specc rollback`"
                        .to_owned(),
                ));
            }
            note("going on with the deployment that stopped");
            prior
        }
        // The approval of a plan is good for that plan, whenever it was given.
        Some(prior) if prior.approved.as_ref() == Some(&plan.hash()) => {
            Record { approved: prior.approved, passed: prior.passed, ..Record::new(plan.clone(), at.clone()) }
        }
        _ => Record::new(plan.clone(), at.clone()),
    };
    let continued = record.has_changed_something();
    // What was seen before anything was changed is what the report is about, unless that had failed.
    if failed || !continued || worst(&record.preflight) == Verdict::Failed {
        record.preflight = looked;
    }
    let says = if failed { "something must not be as it is" } else { "" };
    record.set(Step::Preflight, if failed { State::Failed } else { State::Done }, at.clone(), says);
    if !continued {
        record.before.clone_from(last);
        record.set(Step::Plan, State::Done, at, plan.hash());
    }
    Ok(record)
}

fn show(looked: &[Looked], plan: &Plan, format: Format) {
    if format == Format::Json {
        return;
    }
    looked.iter().flat_map(Looked::lines).for_each(|line| say(&line));
    say("");
    plan.lines().iter().for_each(|line| say(line));
}

/// The files of the project, whatever the database.
fn migrations(root: &Path, config: &Config) -> Result<Migrations, Failure> {
    let nowhere = specc_postgres::Address::resolve(Some("postgresql://localhost/postgres"), |_| None);
    let address = nowhere.map_err(crate::commands::database::broken)?;
    Place { root: root.to_path_buf(), config: config.clone(), address, environment: None }.migrations()
}

fn known<'a>(
    args: &'a Deploy,
    compilation: &'a Compilation,
    environment: &Environment,
    (migrations, creates): (&'a Migrations, bool),
    folder: &Folder,
) -> Result<Known<'a>, Failure> {
    let default = || creates.then(|| PathBuf::from(format!(".env.{}", args.environment)));
    let env_file = environment.env_file.clone().or_else(default).map(|file| compilation.root.join(file));
    let nowhere = specc_postgres::Address::resolve(Some("postgresql://localhost/postgres"), |_| None);
    let address = nowhere.map_err(crate::commands::database::broken)?;
    let place =
        Place { root: compilation.root.clone(), config: compilation.config.clone(), address, environment: None };
    Ok(Known {
        compilation,
        migrations,
        environment: &args.environment,
        production: environment.is_production(&args.environment),
        backups: std::path::absolute(args.backups.clone().unwrap_or_else(|| folder.file("backups")))
            .map_err(|error| Failure::broken(format!("the folder of the backups is not known: {error}")))?,
        env_file,
        disk: environment.disk(&args.environment)?,
        seed: environment.seed.as_ref().map(|seed| place.seed(seed)).transpose()?,
    })
}

/// Says how the last deployment stands.
fn status(record: Option<&Record>, format: Format) -> Result<ExitCode, Failure> {
    match (record, format) {
        (None, Format::Json) => data("null"),
        (None, Format::Text) => say("nothing was deployed from here"),
        (Some(record), Format::Json) => data(&report::json(record).to_string()),
        (Some(record), Format::Text) => {
            record.lines().iter().for_each(|line| say(line));
            if record.ended.is_none() {
                say(&next(record));
            }
        }
    }
    Ok(if record.is_some_and(|record| record.ended.is_none()) { ExitCode::from(FINDINGS) } else { ExitCode::SUCCESS })
}

/// The ways on from a deployment that did not end.
fn next(record: &Record) -> String {
    let name = &record.plan.environment;
    if record.going_back().is_some() {
        return format!("the database was, or may have been, changed; `specc rollback {name}` goes on from there");
    }
    let changed = match (record.state(Step::Provision), record.state(Step::Apply)) {
        (_, Some(State::Begun | State::Done | State::Failed)) => "the database was, or may have been, changed",
        (Some(State::Begun | State::Failed), _) => {
            "a project was, or may have been, made; its database was not changed"
        }
        (Some(State::Done), _) => "a project was made; its database was not changed",
        _ => return format!("nothing was changed; `specc deploy {name}` begins anew"),
    };
    format!("{changed}; `specc deploy {name}` goes on from there, `specc rollback {name}` takes it back")
}

impl Deployment<'_> {
    /// Saves what is known, before and after each step.
    fn save(&self) -> Result<(), Failure> {
        self.folder.save(&self.record)
    }

    /// Does a step, unless it is done, and keeps how it went.
    fn step(
        &mut self,
        step: Step,
        act: impl FnOnce(&mut Self) -> Result<Option<String>, Failure>,
    ) -> Result<(), Failure> {
        if self.record.is_done(step) {
            return Ok(());
        }
        let again = matches!(self.record.state(step), Some(State::Begun | State::Failed));
        self.record.set(step, State::Begun, now(), "");
        self.save()?;
        self.refused = false;
        note(&format!("step {}", step.word()));
        let done = act(self);
        match &done {
            Ok(Some(says)) => self.record.set(step, State::Done, now(), says.clone()),
            Ok(None) => self.record.set(step, State::Skipped, now(), "nothing to do"),
            Err(failure) => {
                // An attempt before this one may have done something.
                let state = if self.refused && !again { State::Refused } else { State::Failed };
                self.record.set(step, state, now(), failure.words());
            }
        }
        let saved = self.save();
        done.and(saved)
    }

    /// All steps that are left.
    fn go_on(
        &mut self,
        plan: &Plan,
        found: Option<&Catalog>,
        target: Option<Target>,
    ) -> Result<Option<Checkpoint>, Failure> {
        self.save()?;
        let continued = self.record.has_changed_something();
        if worst(&self.record.preflight) == Verdict::Failed {
            let more = if continued { "nothing more" } else { "nothing" };
            return Err(Failure::Refused(None, format!("the preflight failed; {more} was changed")));
        }
        // Nothing is approved where nothing is done.
        let idle = plan.is_idle() && !continued;
        if !continued && !idle && !self.approved(plan)? {
            return Ok(Some(Checkpoint::Design));
        }
        if let (Some(found), false) = (found, continued) {
            self.folder.keep_before(&mut self.record, found)?;
        }
        let (target, plan) = match target {
            Some(target) => (target, plan.clone()),
            None => self.provision()?,
        };
        self.step(Step::Backup, |this| this.backup(&plan, &target))?;
        self.step(Step::Apply, |this| this.apply(&plan, &target))?;
        if !idle && !self.passed(Checkpoint::Provisioning)? {
            return Ok(Some(Checkpoint::Provisioning));
        }
        self.record.verified.clear();
        // Whoever goes on after a stop wants to know how it is now.
        self.record.steps.retain(|entry| !matches!(entry.step, Step::Verify | Step::Smoke));
        self.step(Step::Verify, |this| this.verify(&target))?;
        self.step(Step::Smoke, |this| this.smoke(&target))?;
        if !idle && !self.passed(Checkpoint::Testing)? {
            return Ok(Some(Checkpoint::Testing));
        }
        self.step(Step::Environment, |this| this.environment(&target))?;
        self.step(Step::Report, Self::report)?;
        Ok(None)
    }

    /// Whether the plan is approved: by its hash, or by who sits at a terminal.
    fn approved(&mut self, plan: &Plan) -> Result<bool, Failure> {
        let hash = plan.hash();
        if self.record.approved.as_ref() == Some(&hash) {
            return Ok(true);
        }
        if let Some(given) = self.args.approve.as_ref().map(|given| given.trim().to_lowercase()) {
            if given != hash {
                self.save()?;
                return Err(Failure::Refused(
                    Some(codes::NOT_APPROVED),
                    format!(
                        "what would be done has the hash {hash}, which is not the one that was approved\n  help: `specc deploy {} --plan` \
                         shows what would be done and its hash; nothing was changed",
                        self.args.environment
                    ),
                ));
            }
        } else if !asked(&format!("Approve this plan ({})? Type `yes` to go on: ", &hash[..12])) {
            return Ok(false);
        }
        self.record.approved = Some(hash);
        self.record.pass(Checkpoint::Design);
        self.save()?;
        Ok(true)
    }

    /// Whether a checkpoint is passed.
    fn passed(&mut self, checkpoint: Checkpoint) -> Result<bool, Failure> {
        let until = self.args.yes_until.map(|until| match until {
            Asked::Design => Checkpoint::Design,
            Asked::Provisioning => Checkpoint::Provisioning,
            Asked::Testing => Checkpoint::Testing,
        });
        let passed = self.record.passed.contains(&checkpoint)
            || until.is_some_and(|until| checkpoint <= until)
            || asked(&format!("Checkpoint `{}`: look at it. Type `yes` to go on: ", checkpoint.word()));
        if passed {
            self.record.pass(checkpoint);
            self.save()?;
        }
        Ok(passed)
    }

    /// Says how it ended, and what to do where it did not.
    fn end(mut self, done: Result<Option<Checkpoint>, Failure>, format: Format) -> Result<ExitCode, Failure> {
        let name = self.args.environment.clone();
        match done {
            Ok(None) => {
                if format == Format::Json {
                    data(&report::json(&self.record).to_string());
                }
                note(&format!("deployed to {name}: {}", self.folder.file("report.md").display()));
                Ok(ExitCode::SUCCESS)
            }
            Ok(Some(checkpoint)) => {
                let hash = self.record.plan.hash();
                let way = match checkpoint {
                    Checkpoint::Design => format!("nothing was changed; to go on: --approve {hash}"),
                    other => format!(
                        "to go on: `specc deploy {name} --yes-until {}`, to go back: `specc rollback {name}`",
                        other.word()
                    ),
                };
                if format == Format::Json {
                    data(&report::json(&self.record).to_string());
                }
                note(&format!("stopped at the checkpoint `{}`: {way}", checkpoint.word()));
                Ok(ExitCode::from(FINDINGS))
            }
            Err(failure) => {
                let _ = self.write_report();
                self.delete_if_wanted();
                let words = if self.record.ended.is_some() { String::new() } else { next(&self.record) };
                note(&words);
                Err(failure)
            }
        }
    }
}

/// Whether somebody at a terminal says yes. Where there is no terminal, nobody does.
fn asked(question: &str) -> bool {
    if !std::io::stdin().is_terminal() {
        return false;
    }
    eprint!("{question}");
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let _ = std::io::stdin().lock().read_line(&mut answer);
    answer.trim().eq_ignore_ascii_case("yes")
}
