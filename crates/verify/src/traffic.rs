//! Somebody who reads and somebody who writes while a migration runs, and how long they had to wait.

#![expect(clippy::disallowed_methods, reason = "stalls are measured while a migration runs")]

use specc_catalog::{Catalog, Object};
use specc_postgres::Session;
use specc_sql::quote::{ident, qualified};
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

/// Both at work.
pub(crate) struct Traffic {
    stop: Arc<AtomicBool>,
    reader: JoinHandle<Stall>,
    writer: JoinHandle<Stall>,
}

impl Traffic {
    /// Begins, on the tables of the catalog; nothing where it has none.
    pub fn start(catalog: &Catalog, reader: Session, writer: Session) -> Option<Self> {
        let (mut reads, mut writes) = (Vec::new(), Vec::new());
        for (_, entry) in catalog.iter() {
            let Object::Table(table) = &entry.object else { continue };
            let Some(column) = table.columns.iter().find(|c| c.generated.is_none() && c.identity.is_none()) else {
                continue;
            };
            let name = qualified(&table.table.schema, &table.table.name);
            let shown = format!("{}.{}", table.table.schema, table.table.name);
            reads.push((shown.clone(), format!("select * from {name} limit 1")));
            let column = ident(&column.name);
            let update = format!(
                "begin; update {name} set {column} = {column} where ctid = any (array(select ctid from {name} limit 1)); rollback"
            );
            writes.push((shown, update));
        }
        if reads.is_empty() {
            return None;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let run = |mut session: Session, work: Vec<(String, String)>| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                // Nothing stays: what triggers would do is not wanted either.
                let _ = session.batch_execute("set session_replication_role = replica; set statement_timeout = '60s'");
                busy(&mut session, &work, &stop)
            })
        };
        let (reader, writer) = (run(reader, reads), run(writer, writes));
        Some(Self { stop, reader, writer })
    }

    /// Ends, and says how long the longest wait was.
    pub fn end(self) -> (Stall, Stall) {
        self.stop.store(true, Ordering::Relaxed);
        (self.reader.join().unwrap_or_default(), self.writer.join().unwrap_or_default())
    }
}

fn busy(session: &mut Session, work: &[(String, String)], stop: &AtomicBool) -> Stall {
    let mut longest = Stall::default();
    for (table, statement) in work.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let start = Instant::now();
        if session.batch_execute(statement).is_err() {
            // What is gone by now, or stood in the way of somebody else.
            let _ = session.batch_execute("rollback");
        }
        let ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        if ms > longest.ms {
            longest = Stall { ms, table: table.clone() };
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    longest
}
