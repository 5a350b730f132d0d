//! A change on a real Postgres: there, back, and what it said of itself.

use crate::changes::given::Given;
use crate::changes::tables::{self, Tables};
use specc_catalog::{Catalog, Hints, Object, from_json, to_json};
use specc_diff::{Difference, diff, lines};
use specc_introspect::introspect;
use specc_migrate::{
    Arena, ChangeOptions, Consent, Layout, Lost, MigrationError, MigrationInput, OutputFile, Plan, Record,
    migration_files, plan_change, plan_create,
};
use specc_model::Target;
use specc_postgres::{Database, Session, load_sql, shared};
use specc_sql::{Statement, Transaction, print};
use specc_verify::{Ledger, Watch, as_brought_back};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{LazyLock, Mutex};

/// What databases of each version have after a spec, by its text.
static KNOWN: LazyLock<Mutex<HashMap<(u32, u64), Catalog>>> = LazyLock::new(Mutex::default);

/// What is done.
pub struct Way<'a> {
    pub from: &'a Given,
    pub to: &'a Given,
    pub target: Target,
    pub major: u32,
    /// SQL that puts rows in place.
    pub rows: &'a str,
    pub data_loss: bool,
    pub offline: bool,
    pub dropped: &'a [String],
    /// Columns whose values are spelled in another way afterwards.
    pub spelled_anew: &'a [String],
    /// A query that gives what is wrong after the change.
    pub there: &'a str,
}

/// What came of it.
#[derive(Default)]
pub struct Outcome {
    pub up: String,
    pub down: String,
    pub summary: String,
    pub wrong: Vec<String>,
}

/// All statements that make a catalog.
pub fn script(catalog: &Catalog) -> Result<String, String> {
    let plan = plan_create(catalog).map_err(|cycle| cycle.to_string())?;
    let mut out = String::new();
    plan.statements().for_each(|statement| print(statement, &mut out));
    Ok(out)
}

pub fn read(session: &mut Session) -> Result<Catalog, String> {
    introspect(session, &specc_introspect::Options::default()).map(|found| found.catalog).map_err(|e| e.to_string())
}

/// What differs between two databases, the order of columns too, unless it was said that it would.
pub fn differences(got: &Catalog, wanted: &Catalog, said: &str) -> Vec<String> {
    let hints = Hints::default();
    let mut found: Vec<String> = lines(&diff(got, wanted, &hints)).iter().map(ToString::to_string).collect();
    for (id, entry) in wanted.iter() {
        let (Object::Table(a), Some(Object::Table(b))) = (&entry.object, got.get(id).map(|e| &e.object)) else {
            continue;
        };
        let order =
            |o: &specc_catalog::Table| o.columns.iter().map(|c| c.name.to_string()).collect::<Vec<_>>().join(", ");
        if order(a) != order(b)
            && ![".", ":"].iter().any(|end| said.contains(&format!("{}.{}{end}", id.schema, id.name)))
        {
            found.push(format!("{id}: its columns are in another order: {} / {}", order(b), order(a)));
        }
    }
    found
}

/// Finds maintained values that are not what the rows say.
fn miscounted(session: &mut Session, catalog: &Catalog, way: &str, wrong: &mut Vec<String>) -> Result<(), String> {
    for (id, entry) in catalog.iter() {
        for count in &entry.counts {
            let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
            let (schema, table, column) = (quoted(&id.schema), quoted(&id.name), quoted(&count.column));
            let query = format!(
                "select count(*) from {schema}.{table} where {table}.{column} is distinct from {}",
                count.value.text
            );
            let found: i64 = session.query_one(&query, &[]).map_err(|error| format!("{query}: {error}"))?.get(0);
            if found > 0 {
                wrong.push(format!("after {way}: {found} rows of {} have a wrong {}", id.name, count.column));
            }
        }
    }
    Ok(())
}

impl<'a> Way<'a> {
    /// Without rows, for a plain server, with consent to everything.
    pub fn empty(from: &'a Given, to: &'a Given, major: u32) -> Self {
        let (rows, dropped, spelled_anew) = ("", [].as_slice(), [].as_slice());
        Self {
            from,
            to,
            target: Target::Postgres,
            major,
            rows,
            data_loss: true,
            offline: false,
            dropped,
            spelled_anew,
            there: "",
        }
    }
}

impl Way<'_> {
    pub fn database(&self) -> Result<(Database, Session), String> {
        let cluster = shared(self.major);
        let made = match self.target {
            Target::Supabase => cluster.platform_database(),
            Target::Postgres | Target::Citus => cluster.empty_database(),
        };
        let db = made.map_err(|error| error.to_string())?;
        let session = db.connect().map_err(|error| error.to_string())?;
        Ok((db, session))
    }

    /// Roles belong to the whole cluster: they go with the case.
    pub fn drop_roles(&self) -> Result<(), String> {
        let mut roles: Vec<_> = [self.from, self.to]
            .iter()
            .flat_map(|side| side.catalog.iter())
            .filter(|(_, entry)| matches!(entry.object, Object::Role(_)))
            .map(|(id, _)| id.name.as_str())
            .collect();
        if roles.is_empty() {
            return Ok(());
        }
        roles.sort_unstable();
        roles.dedup();
        let db = shared(self.major).empty_database().map_err(|error| error.to_string())?;
        let mut above = db.connect_superuser().map_err(|error| error.to_string())?;
        let all: String = roles.iter().map(|role| format!("drop role if exists \"{role}\";")).collect();
        load_sql(&mut above, &all).map(|_| ()).map_err(|error| error.to_string())
    }

    /// What a new database has after the spec. Many cases begin or end alike: those of one text are made once.
    fn fresh(&self, with_rows: bool) -> Result<(Catalog, Tables), String> {
        let known = KNOWN.lock().unwrap().get(&(self.major, self.to.key)).cloned();
        if let (Some(catalog), false) = (known, with_rows) {
            return Ok((catalog, Tables::new()));
        }
        let (db, mut session) = self.database()?;
        load(&mut session, "the spec after", &script(&self.to.catalog)?)?;
        let (catalog, rows) = (read(&mut session)?, tables::read(&mut session));
        drop((session, db));
        self.drop_roles()?;
        KNOWN.lock().unwrap().insert((self.major, self.to.key), catalog.clone());
        Ok((catalog, rows))
    }

    /// What the database has after the spec before.
    fn first(&self, session: &mut Session) -> Result<Catalog, String> {
        if let Some(known) = KNOWN.lock().unwrap().get(&(self.major, self.from.key)) {
            return Ok(known.clone());
        }
        let catalog = read(session)?;
        KNOWN.lock().unwrap().insert((self.major, self.from.key), catalog.clone());
        Ok(catalog)
    }

    pub fn consent(&self) -> Consent<'_> {
        Consent { data_loss: self.data_loss, offline: self.offline, dropped: self.dropped }
    }

    /// The files, as `specc build` writes them.
    pub fn files(&self, previous: &Catalog, consent: Consent<'_>) -> Result<Vec<OutputFile>, MigrationError> {
        let layout = match self.target {
            Target::Supabase => Layout::supabase(),
            Target::Postgres | Target::Citus => Layout::postgres(),
        };
        migration_files(&MigrationInput {
            project: "case",
            name: "change",
            catalog: &self.to.catalog,
            previous: Some(previous),
            stamp: "20260102000000".parse().expect("a stamp"),
            layout: &layout,
            recorded: &[],
            hints: &self.to.hints,
            access: None,
            consent,
        })
    }

    /// The scripts there and back, without running them.
    ///
    /// # Errors
    /// Why there are none.
    pub fn scripts(&self) -> Result<(Vec<String>, Vec<String>), String> {
        let files = self.files(&self.from.catalog, self.consent()).map_err(|error| error.to_string())?;
        let of = |end: &dyn Fn(&str) -> bool| {
            files.iter().filter(|file| end(&file.path)).map(|file| file.contents.clone()).collect()
        };
        let ups = of(&|path| path.ends_with(".sql") && path.contains("migrations/"));
        Ok((ups, of(&|path| path.ends_with(".down.sql"))))
    }

    /// Goes there and back.
    ///
    /// # Errors
    /// What stopped it.
    pub fn go(&self) -> Result<Outcome, String> {
        let mut out = Outcome::default();
        let previous = from_json(&to_json(&self.from.catalog)).expect("what is stored can be read");
        let difference = diff(&previous, &self.to.catalog, &self.to.hints.since(&previous.said));
        summarize(&mut out.summary, &difference);
        let files = match self.files(&previous, self.consent()) {
            Ok(files) => files,
            Err(error) => {
                let _ = writeln!(out.summary, "refused: {error}");
                return Ok(out);
            }
        };
        if files.is_empty() {
            return Ok(out);
        }
        let arena = Arena::new();
        let options = ChangeOptions { offline: self.offline, one: false };
        let plan = plan_change(&difference, &self.to.hints, &arena, options).map_err(|error| error.to_string())?;
        let losses: Vec<String> = plan.losses().iter().map(|loss| loss.to_string()).collect();
        losses.iter().for_each(|loss| out.summary += &format!("loses {loss}\n"));
        plan.notes.iter().for_each(|note| out.summary += &format!("note: {note}\n"));
        plan.warnings.iter().for_each(|warning| out.summary += &format!("beware: {warning}\n"));
        let unasked = self.files(&previous, Consent { data_loss: false, ..self.consent() });
        if matches!(unasked, Err(MigrationError::Loss(_))) == losses.is_empty() {
            out.wrong.push("what is lost is not what consent is asked for".into());
        }
        let (mut ups, mut downs) = (Vec::new(), Vec::new());
        for file in &files {
            let name = file.path.rsplit('/').next().unwrap_or_default();
            match name {
                _ if file.path.contains("/abandon/") => {}
                _ if name.ends_with(".down.sql") => downs.push((name, file.contents.as_str())),
                _ if name.ends_with(".sql") => ups.push((name, file.contents.as_str())),
                _ => {}
            }
        }
        let records: Vec<Record> = files
            .iter()
            .filter(|file| file.path.contains("/plans/"))
            .map(|file| Record::read(&file.contents).expect("a record"))
            .collect();
        downs.reverse();
        let text =
            |files: &[(&str, &str)]| files.iter().map(|(n, t)| format!("-- {n}\n{t}")).collect::<Vec<_>>().join("\n");
        (out.up, out.down) = (text(&ups), text(&downs));
        out.wrong.extend(as_planned(&plan, &ups));
        self.replan(&mut out.wrong);

        let (db, mut session) = self.database()?;
        load(&mut session, "the spec before", &script(&self.from.catalog)?)?;
        load(&mut session, "rows.sql", self.rows)?;
        let (before, rows_before) = (self.first(&mut session)?, tables::read(&mut session));
        run(&mut session, &plan, &mut out.wrong)?;
        miscounted(&mut session, &self.to.catalog, "up", &mut out.wrong)?;
        let (there, rows_there) = (read(&mut session)?, tables::read(&mut session));
        if !self.there.is_empty() {
            let found = session.query(self.there, &[]).map_err(|error| format!("there.sql: {error:?}"))?;
            out.wrong.extend(found.iter().map(|row| format!("there.sql: {}", row.get::<_, String>(0))));
        }
        for (name, text) in &downs {
            load(&mut session, name, &format!("begin;\n{text}\ncommit;"))?;
        }
        miscounted(&mut session, &previous, "down", &mut out.wrong)?;
        let (back, rows_back) = (read(&mut session)?, tables::read(&mut session));
        drop((session, db));
        self.drop_roles()?;

        let (fresh, rows_fresh) = self.fresh(!difference.rows.is_empty())?;
        let notes = plan.notes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        out.wrong.extend(differences(&there, &fresh, &notes).into_iter().map(|what| format!("after up: {what}")));
        // What stays was said.
        let stays = |what: &String| {
            let mut all = records.iter().flat_map(|record| &record.back_leaves);
            all.any(|name| {
                ["extension", "role"].iter().any(|kind| *what == format!("- {kind} {name}"))
                    || what.starts_with(&format!("~ enum {name}"))
            })
        };
        let said = |of: fn(&Record) -> &Vec<Lost>| records.iter().flat_map(of).cloned().collect();
        let expected = as_brought_back(&before, &back, &said(|r| &r.back_columns), &said(|r| &r.back_rules));
        let wrong = differences(&back, &expected, &out.down).into_iter().filter(|what| !stays(what));
        out.wrong.extend(wrong.map(|what| format!("after down: {what}")));
        let seeded = |name: &str| {
            difference.rows.iter().any(|r| format!("{}.{}", r.seed.table.schema, r.seed.table.name) == name)
        };
        let filled = |name: &str, column: &str| {
            self.to.hints.backfills.iter().any(|(t, c, _)| c == column && format!("{}.{}", t.schema, t.name) == name)
        };
        // What moved stands elsewhere: the case's own rows, in the end, and the way back show it.
        let hints = &self.to.hints;
        let moved = |name: &str, column: Option<&str>| {
            let is = |table: &specc_catalog::TableName| format!("{}.{}", table.schema, table.name) == name;
            let called = |value: &str| {
                let value = value.replace('"', "");
                column.is_some_and(|column| value == column || value.ends_with(&format!(".{column}")))
            };
            hints.backfills.iter().any(|(table, _, value)| is(table) && called(&value.text))
                || hints.froms.iter().flat_map(|from| &from.branches).any(|branch| {
                    is(&branch.table) && (column.is_none() || branch.values.iter().any(|value| called(value)))
                })
        };
        let gone = |now: &str, column: Option<&str>| {
            let mut all = self.to.catalog.iter().filter_map(|(id, entry)| match &entry.object {
                Object::Table(table) if format!("{}.{}", id.schema, id.name) == now => Some(table),
                _ => None,
            });
            all.next().is_none_or(|table| column.is_some_and(|own| !table.columns.iter().any(|c| c.name == own)))
        };
        // A value that triggers kept is held against what it counts.
        let counted = |table: &str, column: &str| {
            let counts = previous.iter().map(|(id, entry)| (format!("{}.{}", id.schema, id.name), &entry.counts));
            counts.into_iter().any(|(name, counts)| name == table && counts.iter().any(|count| count.column == column))
        };
        let up_says = |was: &str, now: &str, column: Option<&str>| {
            column.is_some_and(|column| self.spelled_anew.contains(&format!("{was}.{column}")))
                || declared(&losses, was, column)
                || declared(&losses, now, column)
                || column.is_none() && seeded(now)
                || moved(was, column) && gone(now, column)
                || column.is_some_and(|column| filled(now, column) || counted(was, column))
        };
        let lost = tables::lost(&rows_before, &rows_there, true, up_says);
        out.wrong.extend(lost.into_iter().map(|what| format!("after up: {what}")));
        let given = |name: &str, column: &str| {
            let of = difference.rows.iter().map(|r| &r.seed);
            of.filter(|seed| format!("{}.{}", seed.table.schema, seed.table.name) == name)
                .any(|seed| seed.columns.iter().any(|other| other == column))
        };
        out.wrong.extend(seeds(&rows_there, &rows_fresh, seeded, given));
        let unwrapped = out.down.replace("\n--         ", " ");
        let said: Vec<String> = unwrapped.lines().filter(|line| line.starts_with("--")).map(str::to_owned).collect();
        let down_says = |was: &str, _: &str, column: Option<&str>| {
            declared(&said, was, column) || column.is_some_and(|column| counted(was, column))
        };
        let lost = tables::lost(&rows_before, &rows_back, false, down_says);
        out.wrong.extend(lost.into_iter().map(|what| format!("after down: {what}")));
        Ok(out)
    }

    /// What was stored is what is: nothing is left to do.
    fn replan(&self, wrong: &mut Vec<String>) {
        let stored = from_json(&to_json(&self.to.catalog)).expect("what is stored can be read");
        for hints in [&self.to.hints.since(&stored.said), &Hints::default()] {
            let left = diff(&stored, &self.to.catalog, hints);
            if !left.is_empty() {
                wrong.push(format!(
                    "a second plan is not empty: {:?}",
                    lines(&left).iter().map(ToString::to_string).collect::<Vec<_>>()
                ));
            }
        }
    }
}

/// Whether one of these texts names the table or the column as lost.
pub fn declared(texts: &[String], table: &str, column: Option<&str>) -> bool {
    let wanted = match column {
        None => format!("rows of {table}"),
        Some(column) => format!("{table}.{column}"),
    };
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
    texts.iter().any(|text| text.match_indices(&wanted).any(|(at, _)| ends(&text[at + wanted.len()..])))
}

/// The lines of `specc diff`.
fn summarize(out: &mut String, difference: &Difference<'_>) {
    for line in lines(difference) {
        let _ = writeln!(out, "{line}");
    }
    for change in &difference.rows {
        let (sign, table) = (if change.put { '+' } else { '-' }, &change.seed.table);
        let _ = writeln!(out, "{sign} {} seed rows of {}.{}", change.seed.rows.len(), table.schema, table.name);
    }
}

/// The files have the statements of the plan, in their order and nothing besides.
fn as_planned(plan: &Plan<'_>, ups: &[(&str, &str)]) -> Vec<String> {
    if plan.stages.len() != ups.len() {
        return vec![format!("{} stages are {} files", plan.stages.len(), ups.len())];
    }
    let mut wrong = Vec::new();
    for (stage, (name, text)) in plan.stages.iter().zip(ups) {
        let outside = stage.transaction == Transaction::Outside;
        if outside != text.contains("-- specc: no-transaction\n") {
            wrong.push(format!("{name} says the wrong thing of its transaction"));
        }
        let mut rest = *text;
        for statement in stage.statements() {
            let printed = printed(statement);
            match rest.find(printed.trim()) {
                Some(at) => rest = &rest[at + printed.trim().len()..],
                None => wrong.push(format!("{name} lacks: {printed}")),
            }
        }
    }
    wrong
}

pub fn printed(statement: &Statement<'_>) -> String {
    let mut out = String::new();
    print(statement, &mut out);
    out
}

pub fn load(session: &mut Session, name: &str, text: &str) -> Result<(), String> {
    load_sql(session, text).map(|_| ()).map_err(|error| format!("{name}: {error}\n{text}"))
}

/// Runs the shortest way from a catalog to what a spec says.
pub fn change(session: &mut Session, from: &Catalog, to: &Given) -> Result<(), String> {
    let difference = diff(from, &to.catalog, &to.hints);
    let arena = Arena::new();
    let options = ChangeOptions { offline: true, one: false };
    let plan = plan_change(&difference, &to.hints, &arena, options).map_err(|error| error.to_string())?;
    plan.statements().try_for_each(|statement| load(session, "a branch", &printed(statement)))
}

/// Runs a plan as its files are run, and looks after each statement what it locked and wrote anew.
fn run(session: &mut Session, plan: &Plan<'_>, wrong: &mut Vec<String>) -> Result<(), String> {
    let said = |error: specc_postgres::postgres::Error| error.to_string();
    let mut watch = Watch::start(session).map_err(said)?;
    for stage in &plan.stages {
        let outside = stage.transaction == Transaction::Outside;
        let mut ledger = Ledger::default();
        if !outside {
            load(session, "begin", "begin; set local lock_timeout = '2718ms'")?;
        }
        for statement in stage.statements() {
            let text = printed(statement);
            load(session, "up", &text)?;
            let waits: String = session.query_one("show lock_timeout", &[]).map_err(said)?.get(0);
            if !outside && waits != "2718ms" {
                wrong.push(format!("what follows waits {waits} for its locks, after: {}", text.trim()));
            }
            let seen = watch.look(session).map_err(said)?;
            // What runs in no transaction has let go of its locks by now.
            if outside {
                continue;
            }
            let effects = statement.effects(|table| watch.find(table).is_none());
            for (table, lock) in &effects.locks {
                ledger.lock(&watch, table, *lock);
            }
            if let (true, Some(table)) = (effects.rewrites, statement.table()) {
                ledger.rewrite(&watch, table);
            }
            if matches!(statement, Statement::RunSql(_) | Statement::RunDown(_)) {
                ledger.learn(&seen);
                continue;
            }
            let found = ledger.check(&watch, &seen);
            wrong.extend(found.iter().map(|what| format!("{what}, after: {}", text.trim())));
        }
        if !outside {
            load(session, "commit", "commit")?;
        }
    }
    Ok(())
}

/// Every row that a new database has is there, as far as the seeds say what is in it.
fn seeds(
    there: &Tables,
    fresh: &Tables,
    seeded: impl Fn(&str) -> bool,
    given: impl Fn(&str, &str) -> bool,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, wanted) in fresh.iter().filter(|(name, _)| seeded(name)) {
        let Some(got) = there.get(name) else {
            wrong.push(format!("after up: {name} is not there"));
            continue;
        };
        let at: Vec<Option<usize>> =
            wanted.columns.iter().map(|c| got.columns.iter().position(|o| o.name == c.name)).collect();
        for row in &wanted.rows {
            let is = |other: &Vec<Option<String>>| {
                let mut cells = row.iter().zip(&at).zip(&wanted.columns);
                cells
                    .all(|((value, at), column)| !given(name, &column.name) || at.is_some_and(|at| other[at] == *value))
            };
            if !got.rows.iter().any(is) {
                wrong.push(format!("after up: {name} lacks the seed row {row:?}"));
            }
        }
    }
    wrong
}
