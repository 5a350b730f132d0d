//! What a transaction locks and which tables it rewrites, as the server tells it.

use specc_catalog::TableName;
use specc_postgres::Session;
use specc_postgres::postgres::{self, Statement};
use specc_sql::Lock;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Tables and views of the database, followed through their renames.
pub struct Watch {
    relations: Statement,
    locks: Statement,
    scans: Statement,
    /// How often each was read in full in this transaction.
    scanned: BTreeMap<u32, i64>,
    /// Those that were there at the start, by their number: where their rows lie, and what they are a part of.
    before: BTreeMap<u32, Relation>,
    /// Every name that any of them had.
    names: BTreeMap<TableName, u32>,
}

struct Relation {
    name: TableName,
    file: Option<u32>,
    parent: Option<u32>,
}

/// What was seen at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The strongest lock that the transaction holds on each table that was there before.
    pub locks: BTreeMap<u32, Lock>,
    /// Tables whose rows lie elsewhere than at the last look.
    pub rewritten: BTreeSet<u32>,
    /// Tables that were read in full since the last look.
    pub scanned: BTreeSet<u32>,
}

const RELATIONS: &str = "\
select c.oid, n.nspname::text, c.relname::text, pg_catalog.pg_relation_filenode(c.oid), \
  (select i.inhparent from pg_catalog.pg_inherits i where i.inhrelid = c.oid order by i.inhseqno limit 1) \
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
where c.relkind in ('r', 'p', 'm', 'v') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' \
  and not exists (select from pg_catalog.pg_depend d \
    where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e')";

const LOCKS: &str = "\
select relation, mode::text from pg_catalog.pg_locks \
where pid = pg_catalog.pg_backend_pid() and locktype = 'relation' and granted";

const SCANS: &str = "\
select relid, seq_scan from pg_catalog.pg_stat_xact_user_tables where seq_scan > 0";

impl Watch {
    /// Begins to watch: everything that is there now counts as there before.
    ///
    /// # Errors
    /// Where the server refuses a query.
    pub fn start(session: &mut Session) -> Result<Self, postgres::Error> {
        let relations = session.prepare(RELATIONS)?;
        let locks = session.prepare(LOCKS)?;
        let scans = session.prepare(SCANS)?;
        let (scanned, before, names) = Default::default();
        let mut watch = Self { relations, locks, scans, scanned, before, names };
        for (oid, relation) in watch.read(session)? {
            watch.names.insert(relation.name.clone(), oid);
            watch.before.insert(oid, relation);
        }
        Ok(watch)
    }

    fn read(&self, session: &mut Session) -> Result<Vec<(u32, Relation)>, postgres::Error> {
        let rows = session.query(&self.relations, &[])?;
        let relation = |row: &postgres::Row| {
            let name = TableName::new(row.get::<_, &str>(1), row.get::<_, &str>(2));
            (row.get::<_, u32>(0), Relation { name, file: row.get(3), parent: row.get(4) })
        };
        Ok(rows.iter().map(relation).collect())
    }

    /// What was read so far is none of what comes: to be called when the transaction has begun.
    ///
    /// # Errors
    /// Where the server refuses a query.
    pub fn begin(&mut self, session: &mut Session) -> Result<(), postgres::Error> {
        self.scanned = self.reads(session)?;
        Ok(())
    }

    fn reads(&self, session: &mut Session) -> Result<BTreeMap<u32, i64>, postgres::Error> {
        Ok(session.query(&self.scans, &[])?.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// What this transaction holds so far, and what was rewritten since the last look.
    ///
    /// # Errors
    /// Where the server refuses a query.
    pub fn look(&mut self, session: &mut Session) -> Result<Seen, postgres::Error> {
        let mut seen = Seen::default();
        for row in session.query(&self.locks, &[])? {
            let (oid, mode): (u32, &str) = (row.get(0), row.get(1));
            if let (true, Some(lock)) = (self.before.contains_key(&oid), lock(mode)) {
                let held = seen.locks.entry(oid).or_insert(lock);
                *held = lock.max(*held);
            }
        }
        let reads = self.reads(session)?;
        let more = reads.iter().filter(|(oid, reads)| self.scanned.get(oid).is_none_or(|before| before < reads));
        seen.scanned = more.map(|(oid, _)| *oid).collect();
        self.scanned = reads;
        for (oid, now) in self.read(session)? {
            let Some(before) = self.before.get_mut(&oid) else { continue };
            if now.file != before.file && before.file.is_some() {
                seen.rewritten.insert(oid);
            }
            if now.name != before.name {
                self.names.insert(now.name.clone(), oid);
            }
            *before = now;
        }
        Ok(seen)
    }

    /// The tables and views that it follows.
    pub(crate) fn all(&self) -> BTreeSet<u32> {
        self.before.keys().copied().collect()
    }

    /// Follows only these.
    pub(crate) fn keep(&mut self, these: &BTreeSet<u32>) {
        self.before.retain(|oid, _| these.contains(oid));
        self.names.retain(|_, oid| these.contains(oid));
    }

    /// How many tables and views it follows.
    pub(crate) fn len(&self) -> usize {
        self.before.len()
    }

    /// The table that was there before and has or had this name.
    pub fn find(&self, table: &TableName) -> Option<u32> {
        self.names.get(table).copied()
    }

    /// The table that is or was called `schema.name`.
    pub(crate) fn named(&self, words: &str) -> Option<TableName> {
        self.names.keys().find(|name| format!("{}.{}", name.schema, name.name) == words).cloned()
    }

    /// Its name now.
    pub fn name(&self, oid: u32) -> Option<&TableName> {
        self.before.get(&oid).map(|relation| &relation.name)
    }

    /// It and what it is a part of.
    fn lineage(&self, oid: u32) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(Some(oid), |oid| self.before.get(oid)?.parent)
    }
}

/// The lock that Postgres calls so.
fn lock(mode: &str) -> Option<Lock> {
    Some(match mode {
        "AccessShareLock" => Lock::AccessShare,
        "RowShareLock" => Lock::RowShare,
        "RowExclusiveLock" => Lock::RowExclusive,
        "ShareUpdateExclusiveLock" => Lock::ShareUpdateExclusive,
        "ShareLock" => Lock::Share,
        "ShareRowExclusiveLock" => Lock::ShareRowExclusive,
        "ExclusiveLock" => Lock::Exclusive,
        "AccessExclusiveLock" => Lock::AccessExclusive,
        _ => return None,
    })
}

/// What a transaction was said to lock and to rewrite.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    locks: BTreeMap<u32, Lock>,
    rewrites: BTreeSet<u32>,
    /// Tables that the next statement locks and does not read.
    unread: BTreeSet<u32>,
}

/// Something that is not as it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// Another lock.
    Lock {
        /// On this table.
        table: TableName,
        /// As it was said.
        said: Option<Lock>,
        /// As it is.
        seen: Option<Lock>,
    },
    /// Read in full while others may not write, which was not said.
    Scan {
        /// This table.
        table: TableName,
    },
    /// Rewritten, or not.
    Rewrite {
        /// This table.
        table: TableName,
        /// Whether it was said.
        said: bool,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mismatch::Lock { table, said, seen } => {
                let words = |lock: &Option<Lock>| lock.map_or("no lock", Lock::words);
                write!(f, "{}.{}: said {}, is {}", table.schema, table.name, words(said), words(seen))
            }
            Mismatch::Scan { table } => {
                write!(f, "{}.{} is read in full under its lock, which was not expected", table.schema, table.name)
            }
            Mismatch::Rewrite { table, said: true } => {
                write!(f, "{}.{}: expected to be rewritten, is not", table.schema, table.name)
            }
            Mismatch::Rewrite { table, said: false } => {
                write!(f, "{}.{} is rewritten, which was not expected", table.schema, table.name)
            }
        }
    }
}

/// Weaker locks are those of ordinary reading and writing, which stop nobody but who changes the table.
const WEAKEST: Lock = Lock::ShareUpdateExclusive;

impl Ledger {
    /// Says a lock.
    pub fn lock(&mut self, watch: &Watch, table: &TableName, lock: Lock) {
        if let Some(oid) = watch.find(table) {
            let said = self.locks.entry(oid).or_insert(lock);
            *said = lock.max(*said);
        }
    }

    /// Says that the table is rewritten by the next statement.
    pub fn rewrite(&mut self, watch: &Watch, table: &TableName) {
        self.rewrites.extend(watch.find(table));
    }

    /// Takes what was seen as said: what a block of SQL locks, only its author knows.
    pub fn learn(&mut self, seen: &Seen) {
        seen.locks.iter().for_each(|(&table, &lock)| {
            let said = self.locks.entry(table).or_insert(lock);
            *said = lock.max(*said);
        });
        self.rewrites.clear();
        self.unread.clear();
    }

    /// Says that the next statement locks the table against those who write, and does not read it.
    pub(crate) fn no_scan(&mut self, watch: &Watch, table: &TableName) {
        self.unread.extend(watch.find(table));
    }

    /// Holds what was said of the transaction so far against what was seen after its last statement.
    pub fn check(&mut self, watch: &Watch, seen: &Seen) -> Vec<Mismatch> {
        let mut wrong = Vec::new();
        let tables: BTreeSet<u32> = self.locks.keys().chain(seen.locks.keys()).copied().collect();
        for oid in tables {
            let strong = |lock: Option<&Lock>| lock.copied().filter(|lock| *lock >= WEAKEST);
            let (said, is) = (strong(self.locks.get(&oid)), strong(seen.locks.get(&oid)));
            // What is said of a table holds for its parts.
            let inherited = || watch.lineage(oid).filter_map(|oid| strong(self.locks.get(&oid))).max();
            if said != is
                && !(is.is_some() && is <= inherited() && said <= is)
                && let Some(table) = watch.name(oid)
            {
                wrong.push(Mismatch::Lock { table: table.clone(), said, seen: is });
            }
        }
        for oid in self.unread.intersection(&seen.scanned) {
            if let Some(table) = watch.name(*oid) {
                wrong.push(Mismatch::Scan { table: table.clone() });
            }
        }
        self.unread.clear();
        for &oid in &seen.rewritten {
            if !watch.lineage(oid).any(|oid| self.rewrites.contains(&oid))
                && let Some(table) = watch.name(oid)
            {
                wrong.push(Mismatch::Rewrite { table: table.clone(), said: false });
            }
        }
        for &oid in &self.rewrites {
            // A table that is divided has no rows of its own.
            let has_rows = watch.before.get(&oid).is_some_and(|relation| relation.file.is_some());
            if has_rows
                && !seen.rewritten.contains(&oid)
                && let Some(table) = watch.name(oid)
            {
                wrong.push(Mismatch::Rewrite { table: table.clone(), said: true });
            }
        }
        self.rewrites.clear();
        wrong
    }
}
