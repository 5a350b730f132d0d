//! Real schemas and what random edits make of them: the change is planned, run on the schema, and compared by `pg_dump` with the
//! database that the edits made; then it goes back.
//!
//! `cargo run -p specc-tests --example edits -- [--version 15] [--pairs 25] [--seed 1] [--only SEED] [--show] FILE.sql …`
//!
//! An edit is a statement of SQL on a copy of the database. What the change was planned from is read from both; the online way is
//! taken where there is one, else that for an unused database. Of a pair that fails, edits are left out as long as it does.

#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::unwrap_used)]

mod edit;

use edit::Edits;
use specc_catalog::{Catalog, Hints, Kind};
use specc_diff::diff;
use specc_introspect::introspect;
use specc_migrate::{Arena, ChangeError, ChangeOptions, Note, Plan, plan_change, reversed};
use specc_postgres::{Address, Cluster, Database, Session, Template, load_sql};
use specc_sql::{Transaction, print};
use specc_tests::Dice;
use std::collections::BTreeSet;

/// A database to try edits on, as a superuser: what somebody dumped may hold what only one makes.
struct Copy {
    db: Database,
    session: Session,
}

impl Copy {
    fn of(template: &Template) -> Self {
        let db = template.create().unwrap();
        let mut session = db.connect_superuser().unwrap();
        // An edit may leave bodies that name what is gone.
        session.batch_execute("set check_function_bodies = off").unwrap();
        Self { db, session }
    }

    fn read(&mut self) -> Catalog {
        introspect(&mut self.session, &specc_introspect::Options::default()).unwrap().catalog
    }

    fn dump(&self) -> BTreeSet<String> {
        let mut session = self.db.connect_superuser().unwrap();
        let address = Address::resolve(Some(&self.db.url("supabase_admin")), |_| None).unwrap();
        specc_verify::dumped(&mut session, &address, &[]).unwrap()
    }

    fn run(&mut self, plan: &Plan<'_>, show: bool) -> Result<(), String> {
        for stage in &plan.stages {
            let mut texts: Vec<String> = Vec::new();
            for statement in stage.statements() {
                let mut text = String::new();
                print(statement, &mut text);
                texts.push(text);
            }
            if show {
                println!("-- {:?}\n{}", stage.purpose, texts.concat());
            }
            if stage.transaction != Transaction::Outside {
                texts.insert(0, "begin".into());
                texts.push("commit".into());
            }
            for text in &texts {
                if let Err(error) = self.session.batch_execute(text) {
                    let said = error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string);
                    let _ = self.session.batch_execute("rollback");
                    return Err(format!("{said}\n    {}", text.trim()));
                }
            }
        }
        Ok(())
    }
}

/// What only one of two has.
fn unlike<'t>(got: &'t BTreeSet<String>, wanted: &'t BTreeSet<String>) -> Result<(), String> {
    let more = got.difference(wanted).map(|text| format!("\n+ {text}"));
    let less = wanted.difference(got).map(|text| format!("\n- {text}"));
    let all: String = less.chain(more).collect();
    if all.is_empty() { Ok(()) } else { Err(all) }
}

fn compared(got: &Catalog, wanted: &Catalog) -> Result<(), String> {
    let hints = Hints::default();
    let found = diff(got, wanted, &hints);
    if found.is_empty() {
        return Ok(());
    }
    Err(specc_diff::lines(&found).iter().map(|line| format!("\n  {line}")).collect())
}

/// What came of a pair.
enum Went {
    Online,
    Offline,
    /// It is said that there is no way, before anything is changed.
    Refused(String),
}

fn there_and_back(template: &Template, seeds: &[u64], show: bool) -> Result<Went, String> {
    let mut ours = Copy::of(template);
    let mut theirs = Copy::of(template);
    let from = ours.read();
    let before = ours.dump();
    let mut edits = Edits::default();
    for seed in seeds {
        let catalog = theirs.read();
        edits.one(&mut Dice::new(*seed), &catalog, &mut theirs.session);
    }
    if show {
        edits.done.iter().for_each(|text| println!("{text};"));
    }
    let told = |what: &str, error: String| format!("{what}: {error}\n  {}", edits.done.join(";\n  "));
    let to = theirs.read();
    let after = theirs.dump();
    let change = diff(&from, &to, &edits.hints);
    let arena = Arena::new();
    let plan = |options| plan_change(&change, &edits.hints, &arena, options);
    let online = plan(ChangeOptions::default());
    let is_online = !matches!(online, Err(ChangeError::Stalls(_)));
    let up = if is_online { online } else { plan(ChangeOptions { offline: true, one: false }) };
    let up = match up {
        Ok(up) => up,
        Err(error @ (ChangeError::Impossible(_) | ChangeError::NoCast(_))) => {
            return Ok(Went::Refused(error.to_string()));
        }
        Err(error) => return Err(told("no way", error.to_string())),
    };
    ours.run(&up, show).map_err(|error| told("up", error))?;
    unlike(&ours.dump(), &after).map_err(|error| told("up, by pg_dump", error))?;
    compared(&ours.read(), &to).map_err(|error| told("up", error))?;
    let hints = reversed(&change);
    let back = diff(&to, &from, &hints);
    let arena = Arena::new();
    let down = plan_change(&back, &hints, &arena, ChangeOptions { offline: true, one: true });
    let down = down.map_err(|error| told("no way back", error.to_string()))?;
    ours.run(&down, show).map_err(|error| told("down", error))?;
    // What it says that it does not bring back.
    if down.notes.iter().any(|note| matches!(note, Note::TakesNull { .. })) {
        return Ok(if is_online { Went::Online } else { Went::Offline });
    }
    let mut back = ours.read();
    // It may have been there before.
    back.retain(|id, _| from.contains(id) || id.kind != Kind::Extension);
    unlike(&ours.dump(), &before).map_err(|error| told("down, by pg_dump", error))?;
    compared(&back, &from).map_err(|error| told("down", error))?;
    Ok(if is_online { Went::Online } else { Went::Offline })
}

/// The same with as few edits as still go wrong.
fn shrunk(template: &Template, mut seeds: Vec<u64>, mut said: String) -> String {
    let mut at = 0;
    while at < seeds.len() && seeds.len() > 1 {
        let seed = seeds.remove(at);
        match there_and_back(template, &seeds, false) {
            Err(error) => said = error,
            Ok(_) => {
                seeds.insert(at, seed);
                at += 1;
            }
        }
    }
    said
}

fn template(cluster: &Cluster, text: &str, is_platform: bool) -> Template {
    let db = if is_platform { cluster.platform_database() } else { cluster.empty_database() }.unwrap();
    let mut session = db.connect_superuser().unwrap();
    session.batch_execute(&format!("alter database {} owner to current_user", db.name())).unwrap();
    // Words to `psql`, not to the server.
    let text: String = text.lines().filter(|line| !line.starts_with('\\')).flat_map(|line| [line, "\n"]).collect();
    load_sql(&mut session, &text).unwrap_or_else(|error| panic!("{error}"));
    drop(session);
    db.into_template().unwrap()
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mut version, mut pairs, mut first, mut only, mut show, mut files) = (15, 25, 1, None, false, Vec::new());
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|text| text.parse::<u64>().ok()).expect("a number");
        match argument.as_str() {
            "--version" => version = number(),
            "--pairs" => pairs = number(),
            "--seed" => first = number(),
            "--only" => only = Some(number()),
            "--show" => show = true,
            _ => files.push(argument),
        }
    }
    let cluster = Cluster::start(u32::try_from(version).unwrap()).unwrap_or_else(|error| panic!("{error}"));
    let (mut online, mut offline, mut refused, mut failed) = (0, 0, 0, 0);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        let is_platform = text.contains("auth.uid()");
        let template = template(&cluster, &text, is_platform);
        for seed in first..first + pairs {
            if only.is_some_and(|only| only != seed) {
                continue;
            }
            let mut dice = Dice::new(seed);
            let seeds: Vec<u64> = (0..1 + dice.below(8)).map(|_| dice.number()).collect();
            match there_and_back(&template, &seeds, show) {
                Ok(Went::Online) => online += 1,
                Ok(Went::Offline) => offline += 1,
                Ok(Went::Refused(why)) => {
                    refused += 1;
                    println!("REFUSED {file} {seed}: {why}");
                }
                Err(error) => {
                    failed += 1;
                    println!("FAILS {file} {seed}: {}", shrunk(&template, seeds, error));
                }
            }
        }
    }
    println!("{} equal both ways, {online} of them online; {refused} refused; {failed} failed", online + offline);
}
