//! Histories of migrations that tools keep in the database, against their folders.

use crate::check::{BASE, Check, How, Section, Seen, Severity};
use crate::look::{Look, Refusal, Row};
use crate::subject::Tool;
use crate::verdict::shown;
use serde_json::json;
use std::collections::BTreeSet;

const HISTORY: Check = Check { section: Section::Schema, ..BASE };

/// The checks.
pub const ALL: &[Check] = &[
    Check {
        name: "migration_half_applied",
        severity: Severity::Error,
        asks: "migrations that failed or stopped half way (specc, Prisma)",
        says: "the migration `{object}` of {tool} began and did not end: {detail}",
        why: "some of what it makes is there and some is not, and no later one is applied",
        mend: "{way}",
        how: How::Asked(half),
        ..HISTORY
    },
    Check {
        name: "migration_unknown",
        asks: "migrations that were applied and are not in the folder (specc, Prisma, Drizzle, Supabase)",
        says: "the migration `{object}` of {tool} was applied, and is not in the folder",
        why: "nobody can make this database again from the repository",
        mend: "get its file back from the branch that it was applied from",
        how: How::Asked(unknown),
        ..HISTORY
    },
    Check {
        name: "migration_pending",
        asks: "migrations that are in the folder and were not applied (specc, Prisma, Drizzle, Supabase)",
        says: "the migration `{object}` of {tool} was not applied",
        why: "the program that goes live expects what it makes",
        mend: "{way}",
        how: How::Asked(pending),
        ..HISTORY
    },
    Check {
        name: "migration_changed",
        severity: Severity::Error,
        asks: "migrations whose file is not what was applied (specc, Prisma, Drizzle)",
        says: "the file of the migration `{object}` of {tool} is not what was applied",
        why: "a database made from the folder is another one than this",
        mend: "get the file back as it was, and put the change into a new migration",
        how: How::Asked(changed),
        ..HISTORY
    },
];

struct Applied {
    name: String,
    sum: Option<String>,
    /// Why it is not whole.
    half: Option<String>,
}

struct History {
    tool: Tool,
    applied: Vec<Applied>,
}

impl Tool {
    fn word(self) -> &'static str {
        match self {
            Tool::Prisma => "Prisma",
            Tool::Drizzle => "Drizzle",
            Tool::Supabase => "Supabase",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Tool::Prisma => "prisma/migrations",
            Tool::Drizzle => "drizzle",
            Tool::Supabase => "supabase/migrations",
        }
    }

    fn apply(self) -> &'static str {
        match self {
            Tool::Prisma => "prisma migrate deploy",
            Tool::Drizzle => "drizzle-kit migrate",
            Tool::Supabase => "supabase db push",
        }
    }
}

/// The histories that are there.
fn histories(look: &mut Look<'_, '_>) -> Result<Vec<History>, Refusal> {
    let tables = look.ask(
        "select c.oid::regclass::text as table, c.relname as name
         from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where c.relkind = 'r' and (c.relname in ('_prisma_migrations', '__drizzle_migrations')
           or n.nspname = 'supabase_migrations' and c.relname = 'schema_migrations') order by 1",
    )?;
    let mut all = Vec::new();
    for found in &tables {
        let text = |column: &str| found.get(column).map(shown).unwrap_or_default();
        let (table, name) = (text("table"), text("name"));
        let (tool, sql) = match name.as_str() {
            "_prisma_migrations" => (
                Tool::Prisma,
                format!(
                    "select migration_name as name, checksum as sum,
                            case when finished_at is null then 'after ' || applied_steps_count || ' steps' end as half
                     from {table} where rolled_back_at is null order by started_at"
                ),
            ),
            "__drizzle_migrations" => (
                Tool::Drizzle,
                format!("select 'number ' || id as name, hash as sum, null as half from {table} order by created_at"),
            ),
            _ => (Tool::Supabase, format!("select version as name, null as sum, null as half from {table} order by 1")),
        };
        let rows = look.run(sql)?;
        let one = |row: &Row| {
            let text = |column: &str| row.get(column).filter(|value| !value.is_null()).map(shown);
            Applied { name: text("name").unwrap_or_default(), sum: text("sum"), half: text("half") }
        };
        all.push(History { tool, applied: rows.iter().map(one).collect() });
    }
    Ok(all)
}

fn row(object: &str, tool: &str, detail: &str, way: &str) -> Row {
    let mut row = Row::new();
    for (column, value) in [("object", object), ("tool", tool), ("detail", detail), ("way", way)] {
        row.insert(column.into(), json!(value));
    }
    row
}

/// What the runner says of the project's own migrations, where it is one of these states.
fn own(look: &Look<'_, '_>, seen: &mut Seen, states: &[&str], way: &str) {
    match look.subject.spec.as_ref().map(|spec| &spec.migrations) {
        Some(Ok(all)) => {
            let such = all.iter().filter(|migration| states.contains(&migration.state.as_str()));
            seen.rows.extend(such.map(|one| row(&one.name, "specc", &one.detail, way)));
        }
        Some(Err(why)) => seen.unseen.push(format!("migrations of specc: {why}")),
        None => {}
    }
}

fn half(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    let mut seen = Seen::default();
    own(look, &mut seen, &["interrupted", "reverting"], "specc apply (it says what to do), or specc apply --abandon");
    for history in histories(look)? {
        for applied in &history.applied {
            if let Some(detail) = &applied.half {
                let way =
                    format!("prisma migrate resolve --rolled-back {}, after what it made was taken back", applied.name);
                seen.rows.push(row(&applied.name, history.tool.word(), detail, &way));
            }
        }
    }
    Ok(seen)
}

/// The folder of a history; where there is none, that is said.
fn folder<'l>(look: &Look<'l, '_>, seen: &mut Seen, tool: Tool) -> Option<&'l [(String, String)]> {
    let found = look.subject.folders.iter().find(|folder| folder.tool == tool);
    if found.is_none() {
        let (word, place) = (tool.word(), tool.folder());
        seen.unseen.push(format!(
            "there is a history of {word} and no folder `{place}` to compare it with: run it in the \
             repository, with `--project` where that is elsewhere"
        ));
    }
    found.map(|folder| folder.migrations.as_slice())
}

fn unknown(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    let mut seen = Seen::default();
    own(look, &mut seen, &["missing"], "");
    for history in histories(look)? {
        let Some(files) = folder(look, &mut seen, history.tool) else { continue };
        let names: BTreeSet<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        let sums: BTreeSet<&str> = files.iter().map(|(_, sum)| sum.as_str()).collect();
        // Drizzle knows a migration by its text alone: one whose place has a file was changed, and is said to be.
        let is_there = |(at, applied): (usize, &Applied)| match history.tool {
            Tool::Drizzle => applied.sum.as_deref().is_some_and(|sum| sums.contains(sum)) || at < files.len(),
            Tool::Prisma | Tool::Supabase => names.contains(applied.name.as_str()),
        };
        let strange = history.applied.iter().enumerate().filter(|one| !is_there(*one));
        seen.rows.extend(strange.map(|(_, applied)| row(&applied.name, history.tool.word(), "", "")));
    }
    Ok(seen)
}

fn pending(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    let mut seen = Seen::default();
    own(look, &mut seen, &["pending", "out of order"], "specc apply");
    let histories = histories(look)?;
    for folder in &look.subject.folders {
        let history = histories.iter().find(|history| history.tool == folder.tool);
        let applied = history.map(|history| history.applied.as_slice()).unwrap_or_default();
        let names: BTreeSet<&str> = applied.iter().map(|applied| applied.name.as_str()).collect();
        let sums: BTreeSet<&str> = applied.iter().filter_map(|applied| applied.sum.as_deref()).collect();
        let is_there = |(at, (name, sum)): (usize, &(String, String))| match folder.tool {
            Tool::Drizzle => sums.contains(sum.as_str()) || at < applied.len(),
            Tool::Prisma | Tool::Supabase => names.contains(name.as_str()),
        };
        let waiting = folder.migrations.iter().enumerate().filter(|one| !is_there(*one));
        seen.rows.extend(waiting.map(|(_, (name, _))| row(name, folder.tool.word(), "", folder.tool.apply())));
    }
    Ok(seen)
}

fn changed(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    let mut seen = Seen::default();
    own(look, &mut seen, &["edited"], "");
    for history in histories(look)? {
        if history.tool == Tool::Supabase {
            // It keeps no sums.
            continue;
        }
        let Some(files) = folder(look, &mut seen, history.tool) else { continue };
        for (at, applied) in history.applied.iter().enumerate() {
            let file = match history.tool {
                Tool::Drizzle => files.get(at),
                Tool::Prisma | Tool::Supabase => files.iter().find(|(name, _)| *name == applied.name),
            };
            if let (Some((name, sum)), Some(was)) = (file, &applied.sum)
                && sum != was
            {
                seen.rows.push(row(name, history.tool.word(), "", ""));
            }
        }
    }
    Ok(seen)
}
