//! Somebody who reads, somebody who writes, and somebody who writes across references while a migration runs: how long they had
//! to wait, and whether one of them was taken back because two waited for each other.

#![expect(clippy::disallowed_methods, reason = "stalls are measured while a migration runs")]

use specc_catalog::{Catalog, Object, Rule, Table, TableName};
use specc_postgres::Session;
use specc_postgres::postgres::error::SqlState;
use specc_sql::quote::{ident, qualified};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The longest that one statement took.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Stall {
    /// In milliseconds.
    pub ms: u64,
    /// On this table.
    pub table: String,
}

/// What somebody saw.
#[derive(Default)]
pub(crate) struct Seen {
    /// The longest wait.
    pub longest: Stall,
    /// What was taken back, in words, each once.
    pub taken_back: BTreeSet<String>,
}

/// All at work.
pub(crate) struct Traffic {
    stop: Arc<AtomicBool>,
    reader: JoinHandle<Seen>,
    writers: [JoinHandle<Seen>; 2],
}

/// A transaction, and the tables that it is about.
struct Work {
    on: String,
    statements: Vec<String>,
}

impl Traffic {
    /// Begins, on the tables of the catalog; nothing where it has none.
    pub fn start(catalog: &Catalog, reader: Session, writers: [Session; 2]) -> Option<Self> {
        let (mut reads, mut writes, mut across) = (Vec::new(), Vec::new(), Vec::new());
        for (_, entry) in catalog.iter() {
            match &entry.object {
                Object::Table(table) => {
                    let on = shown(&table.table);
                    let name = qualified(&table.table.schema, &table.table.name);
                    reads.push(Work { on: on.clone(), statements: vec![format!("select * from {name} limit 1")] });
                    writes.extend(update(table).map(|update| Work { on, statements: undone([update]) }));
                }
                // Kept rows are read in their own right; whoever reads another view waits for its tables.
                Object::View(view) if view.materialized && !view.no_data => {
                    let name = qualified(&view.view.schema, &view.view.name);
                    reads.push(Work {
                        on: shown(&view.view),
                        statements: vec![format!("select * from {name} limit 1")],
                    });
                }
                Object::Constraint(constraint) => {
                    let Rule::ForeignKey(key) = &constraint.rule else { continue };
                    let find = |name: &TableName| match catalog.get(&name.id()).map(|entry| &entry.object) {
                        Some(Object::Table(table)) => update(table),
                        _ => None,
                    };
                    let (Some(child), Some(parent)) = (find(&constraint.table), find(&key.target)) else { continue };
                    let (below, above) = (shown(&constraint.table), shown(&key.target));
                    // Whoever inserts locks the child first, whoever deletes the parent.
                    across.push(Work {
                        on: format!("{below}, then {above}"),
                        statements: undone([child.clone(), parent.clone()]),
                    });
                    across.push(Work { on: format!("{above}, then {below}"), statements: undone([parent, child]) });
                }
                _ => {}
            }
        }
        if reads.is_empty() {
            return None;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let run = |mut session: Session, work: Vec<Work>| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                // Nothing stays: what triggers would do is not wanted either.
                let _ = session.batch_execute("set session_replication_role = replica; set statement_timeout = '60s'");
                busy(&mut session, &work, &stop)
            })
        };
        let [writer, crosser] = writers;
        let (reader, writers) = (run(reader, reads), [run(writer, writes), run(crosser, across)]);
        Some(Self { stop, reader, writers })
    }

    /// Ends, and says what the reader and the writers saw.
    pub fn end(self) -> (Seen, Seen) {
        self.stop.store(true, Ordering::Relaxed);
        let reader = self.reader.join().unwrap_or_default();
        let mut both = Seen::default();
        for writer in self.writers {
            let seen = writer.join().unwrap_or_default();
            both.taken_back.extend(seen.taken_back);
            if seen.longest.ms > both.longest.ms {
                both.longest = seen.longest;
            }
        }
        (reader, both)
    }
}

fn shown(table: &TableName) -> String {
    format!("{}.{}", table.schema, table.name)
}

/// Writes a row as it is.
fn update(table: &Table) -> Option<String> {
    let column = table.columns.iter().find(|c| c.generated.is_none() && c.identity.is_none())?;
    let (name, column) = (qualified(&table.table.schema, &table.table.name), ident(&column.name));
    Some(format!("update {name} set {column} = {column} where ctid = any (array(select ctid from {name} limit 1))"))
}

fn undone<const N: usize>(statements: [String; N]) -> Vec<String> {
    let mut all = vec!["begin".to_owned()];
    all.extend(statements);
    all.push("rollback".into());
    all
}

fn busy(session: &mut Session, work: &[Work], stop: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    for Work { on, statements } in work.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        for statement in statements {
            let start = Instant::now();
            let result = session.batch_execute(statement);
            let ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
            if ms > seen.longest.ms {
                seen.longest = Stall { ms, table: on.clone() };
            }
            if let Err(error) = result {
                // What else there is to say is of what is gone by now.
                if error.code() == Some(&SqlState::T_R_DEADLOCK_DETECTED) {
                    seen.taken_back.insert(on.clone());
                }
                let _ = session.batch_execute("rollback");
                break;
            }
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    seen
}
