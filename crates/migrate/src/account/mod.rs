//! What a plan does to data, locks and access, as data.

mod access;
mod objects;
mod renaming;

pub(crate) use access::{AS_BEFORE, closed, is_access, opened};
pub use access::{changes as access_changes, touches as touches_access};
pub(crate) use objects::Counts;
pub use renaming::Renaming;
pub(crate) use renaming::{called_before, renamings};

use crate::schedule::{Plan, Purpose, Stage};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use specc_catalog::{Catalog, Object, Table, TableName};
use specc_diff::Difference;
use specc_sql::{Alter, Lock, Loss, Statement, Transaction, print};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What a reader should know of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A column is made again, or moves: it becomes the last one.
    LastColumn {
        /// Of this table.
        table: TableName,
        /// The column.
        column: SmolStr,
    },
    /// Columns get a new type by way of new columns, which stand after the others.
    LastColumns {
        /// Of this table.
        table: TableName,
        /// The columns.
        columns: Vec<SmolStr>,
    },
    /// The old column stays beside the one that takes its place.
    Keeps {
        /// Of this table.
        table: TableName,
        /// The column.
        column: SmolStr,
        /// What the old one is called from now on.
        old: SmolStr,
    },
    /// A required column comes back with a value that says nothing.
    Neutral {
        /// Of this table.
        table: TableName,
        /// The column.
        column: SmolStr,
        /// The value, as SQL.
        value: String,
    },
    /// A required column comes back without values, and takes null: no value that says nothing fits its rules.
    TakesNull {
        /// Of this table.
        table: TableName,
        /// The column.
        column: SmolStr,
    },
    /// An extension is not dropped: it may have been there before.
    StaysExtension(SmolStr),
    /// A role is not dropped: it belongs to all databases of the server, and may have been there before.
    StaysRole(SmolStr),
    /// A block without `down` is not taken back.
    StaysBlock(SmolStr),
    /// Labels of an enum stay, since types are made of it whose values cannot be made again: the enum, the labels.
    StaysLabels(SmolStr, Vec<SmolStr>),
    /// Rows with one label of an enum get another one.
    Merges {
        /// Of this table.
        table: TableName,
        /// The column.
        column: SmolStr,
        /// The label that goes.
        was: SmolStr,
        /// The one that takes over.
        now: SmolStr,
    },
}

impl Note {
    /// The table whose columns stand in another order afterwards.
    pub fn reordered(&self) -> Option<&TableName> {
        match self {
            Note::LastColumn { table, .. } | Note::LastColumns { table, .. } => Some(table),
            _ => None,
        }
    }

    /// Whether it is about something that the way back leaves.
    pub(crate) fn stays(&self) -> bool {
        matches!(self, Note::StaysExtension(_) | Note::StaysRole(_) | Note::StaysBlock(_) | Note::StaysLabels(..))
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::LastColumn { table, column } => write!(f, "{}.{column} becomes the last column", name(table)),
            Note::LastColumns { table, columns } => {
                write!(f, "{}: {} in the end after the other columns", name(table), columns.join(", "))
            }
            Note::Keeps { table, column, old } => write!(
                f,
                "{}.{old} holds what {column} was before; a trigger writes to it what is written to {column}, until a build \
                 without `--keep-old` drops it",
                name(table)
            ),
            Note::Neutral { table, column, value } => {
                write!(f, "{}.{column} is {value} in rows that are there by then", name(table))
            }
            Note::TakesNull { table, column } => write!(
                f,
                "{}.{column} comes back without values and takes null, since a constraint or unique index is over it: fill \
                 it, then set it not null",
                name(table)
            ),
            Note::StaysExtension(extension) => {
                write!(f, "extension {extension}: other objects of the database may use it")
            }
            Note::StaysRole(role) => write!(f, "role {role}: it may have been there before, for other databases too"),
            Note::StaysLabels(ty, labels) => {
                write!(f, "labels of enum {ty}: {}, since columns have types that are made of it", labels.join(", "))
            }
            Note::Merges { table, column, was, now } => {
                write!(f, "rows with `{was}` in {}.{column} hold `{now}` afterwards", name(table))
            }
            Note::StaysBlock(block) => write!(f, "sql block {block}: it has no `down`"),
        }
    }
}

/// What may go wrong with rows that nobody here can see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A new column takes no null and has no value for the rows that are there.
    Required {
        /// Of this table.
        table: TableName,
        /// The column.
        column: SmolStr,
    },
    /// Values that another type may not take, or not as they are.
    Converts {
        /// Of this table.
        table: TableName,
        /// The column.
        column: SmolStr,
        /// The type that it gets.
        to: String,
        /// Some values stop it.
        refuses: bool,
        /// The query for the rows that hold another value afterwards, where some may.
        rows: Option<String>,
    },
}

impl Warning {
    /// Whether it says what becomes of values, there and back.
    pub(crate) fn is_of_values(&self) -> bool {
        matches!(self, Warning::Converts { .. })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::Required { table, column } => write!(
                f,
                "`{}.{column}` is required and has no value for rows that are there already: on a table with rows the \
                 migration stops there, and nothing is changed; give it a default, or write `backfill (…)`",
                name(table)
            ),
            Warning::Converts { table, column, to, refuses, rows } => {
                let column = format!("{}.{column}", name(table));
                if *refuses {
                    write!(
                        f,
                        "values of `{column}` that cannot become `{to}` are counted first: if there are any, nothing is changed"
                    )?;
                }
                if let Some(rows) = rows {
                    f.write_str(if *refuses { "; " } else { "" })?;
                    write!(f, "what `{to}` cannot hold of the values of `{column}` is lost in the rows of: {rows}")?;
                }
                Ok(())
            }
        }
    }
}

/// A lock on a table that others may be using.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held<'d> {
    /// The table.
    pub table: &'d TableName,
    /// The strongest lock on it.
    pub lock: Lock,
    /// Whether it is held while rows are read or written, not for a moment only.
    pub long: bool,
}

/// What a stage does.
#[derive(Clone, Debug, Default)]
pub struct Account<'d> {
    /// What is lost.
    pub losses: Vec<Loss>,
    /// Tables that are written anew.
    pub rewrites: BTreeSet<&'d TableName>,
    /// Tables whose rows are filled in batches.
    pub backfills: BTreeSet<&'d TableName>,
    /// Tables whose rows go to another one; whether in batches, and whether all of them.
    pub moves: BTreeSet<(&'d TableName, bool, bool)>,
    /// Whether seed rows are made as the spec says where they are there already.
    pub seeds_update: bool,
    /// Whether seed rows that are there already are left alone.
    pub seeds_keep: bool,
    /// Whether blocks of the author run.
    pub runs_blocks: bool,
    /// Whether such a block may lock tables that others are using: what it locks, only it says.
    pub blocks_lock: bool,
    /// Who waits, the longest and strongest first.
    pub locks: Vec<Held<'d>>,
    /// What is given to which role.
    pub owners: BTreeMap<&'d str, Vec<String>>,
}

impl<'d> Account<'d> {
    /// Of one stage of a plan.
    pub fn of(plan: &Plan<'d>, stage: &Stage<'d>) -> Self {
        let mut account = Self::default();
        let mut held: BTreeMap<&'d TableName, (Lock, bool)> = BTreeMap::new();
        // What is done to one table stands together.
        let mut last: Option<(&'d TableName, bool)> = None;
        let mut is_in_use = |table: &'d TableName| match last {
            Some((known, in_use)) if std::ptr::eq(known, table) => in_use,
            _ => last.insert((table, plan.is_in_use(table))).1,
        };
        for statement in stage.statements() {
            account.losses.extend(statement.loses());
            let table = statement.table();
            let in_use = table.is_some_and(&mut is_in_use);
            let rewrites = matches!(statement, Statement::Alter(_)) && statement.effects(|_| false).rewrites;
            match statement {
                Statement::Alter(Alter::Backfill { table, .. }) if in_use => {
                    account.backfills.insert(table);
                }
                Statement::Alter(Alter::FillTable(o)) => {
                    account.moves.insert((&o.source.table, !o.at_once, o.only.is_none()));
                }
                Statement::InsertSeed { seed, .. } if seed.update => account.seeds_update = true,
                Statement::InsertSeed { .. } => account.seeds_keep = true,
                Statement::SetOwner { of, owner: Some(owner), .. } => {
                    account.owners.entry(owner).or_default().push(of.id().to_string());
                }
                Statement::RunSql(_) | Statement::RunDown(_) => {
                    account.runs_blocks = true;
                    account.blocks_lock = matches!(stage.purpose, Purpose::Phase(_));
                }
                _ => {}
            }
            if let Some(table) = table.filter(|_| rewrites && in_use) {
                account.rewrites.insert(table);
            }
            // While a view is filled, all that the transaction holds is held.
            if statement.fills().is_some() {
                held.values_mut().for_each(|(lock, long)| *long |= lock.blocks_writes());
            }
            let on_new = table.is_some_and(|table| plan.is_bare(table));
            statement.each_lock(|table, lock, scan| {
                if is_in_use(table) {
                    let held = held.entry(table).or_insert((lock, false));
                    held.0 = held.0.max(lock);
                    held.1 |= (scan && !on_new || rewrites) && lock.blocks_writes();
                }
            });
        }
        held.retain(|_, (lock, _)| *lock > Lock::AccessShare);
        account.locks = held.into_iter().map(|(table, (lock, long))| Held { table, lock, long }).collect();
        account.locks.sort_by(|a, b| (b.long, b.lock, a.table).cmp(&(a.long, a.lock, b.table)));
        account
    }

    /// Whether somebody may have to wait for it, or it for them.
    pub fn waits(&self) -> bool {
        self.blocks_lock || self.locks.iter().any(|held| held.lock.blocks_writes())
    }
}

/// How long a statement may wait for a lock: meanwhile all who come later wait behind it.
pub(crate) const SET_LOCK_TIMEOUT: &str = "set lock_timeout = '3s'";
/// After the last one.
pub(crate) const RESET_LOCK_TIMEOUT: &str = "reset lock_timeout";

/// Whether the stage's statements stand between these two.
pub(crate) fn limits_locks(account: &Account<'_>, stage: &Stage<'_>) -> bool {
    account.waits() && stage.transaction != Transaction::Outside
}

/// What a build hands on beside a migration, for those who prove or run it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What the migration loses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loses: Vec<Lost>,
    /// Its statements, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statements: Vec<Prediction>,
    /// It is a part of a first migration: nobody uses yet what is there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub first: bool,
    /// Tables whose columns stand in another order after the change than the spec says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reorders: Vec<String>,
    /// What the way back loses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub back_loses: Vec<Lost>,
    /// Tables whose columns stand in another order after the way back than before the change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub back_reorders: Vec<String>,
    /// Extensions that the way back leaves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub back_leaves: Vec<SmolStr>,
    /// What is called otherwise after the change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renames: Vec<Renaming>,
}

impl Record {
    /// Of a stage, and of what takes it back.
    pub(crate) fn new(plan: &Plan<'_>, stage: &Stage<'_>, back: &Plan<'_>, gone: &[Gone]) -> Self {
        let leaves = back.notes.iter().filter_map(|note| match note {
            Note::StaysExtension(name) | Note::StaysRole(name) | Note::StaysLabels(name, _) => Some(name.clone()),
            _ => None,
        });
        // What an earlier file made is there for all to use.
        let made: BTreeSet<&TableName> = stage.statements().filter_map(Plan::makes).map(|(name, _)| name).collect();
        let in_use = |table: &TableName| plan.is_in_use(table) || !made.contains(table);
        let mut statements: Vec<_> = stage
            .statements()
            .map(|statement| Prediction::of(in_use, |table| !in_use(table) && plan.is_bare(table), statement))
            .collect();
        if limits_locks(&Account::of(plan, stage), stage) {
            statements.insert(0, Prediction::setting(SET_LOCK_TIMEOUT));
            statements.push(Prediction::setting(RESET_LOCK_TIMEOUT));
        }
        // What the change put there was not there before: the rest has to be as it was.
        let back_losses = back.losses();
        let back_loses = back_losses.iter().filter(|loss| !matches!(loss, Loss::Seeded { .. }));
        let moved = back.notes.iter().filter_map(Note::reordered);
        Self {
            loses: stage.statements().flat_map(Statement::loses).filter_map(|loss| Lost::of(&loss)).collect(),
            statements,
            first: matches!(stage.purpose, Purpose::Part(_) | Purpose::All),
            reorders: plan.notes.iter().filter_map(Note::reordered).map(name).collect(),
            back_loses: back_loses.filter_map(Lost::of).chain(gone.iter().filter_map(Gone::lost)).collect(),
            back_reorders: moved.map(name).collect(),
            back_leaves: leaves.collect(),
            renames: Vec::new(),
        }
    }

    /// As a file.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads the file.
    ///
    /// # Errors
    /// A file of another kind.
    pub fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }
}

/// Tables whose columns the spec has in another order than a change leaves them in: those that stay do not move, and new ones
/// stand after them.
pub(crate) fn moved(from: &Catalog, to: &Catalog) -> Vec<String> {
    let is_moved = |was: &Table, is: &Table| {
        let names = |table: &Table| table.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
        let (was, is) = (names(was), names(is));
        let (old, new): (BTreeSet<&SmolStr>, BTreeSet<&SmolStr>) = (was.iter().collect(), is.iter().collect());
        let stay = was.iter().filter(|name| new.contains(name));
        !stay.chain(is.iter().filter(|name| !old.contains(name))).eq(&is)
    };
    let tables = to.iter().filter_map(|(id, entry)| match (&entry.object, from.get(id).map(|entry| &entry.object)) {
        (Object::Table(is), Some(Object::Table(was))) if is_moved(was, is) => Some(name(&is.table)),
        _ => None,
    });
    tables.collect()
}

/// Tables whose columns a change moves for good, as they were called before it.
pub(crate) fn stay_moved(plan: &Plan<'_>, difference: &Difference<'_>) -> Vec<String> {
    let stay = plan.notes.iter().filter(|note| matches!(note, Note::LastColumns { .. }));
    stay.filter_map(Note::reordered).map(|table| name(&called_before(difference, &table.id()))).collect()
}

/// What the way there took, so that the way back does not bring it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Gone {
    /// It was lost.
    Lost(Loss),
    /// Which rows had no value in a column: they have one now.
    Nulls(TableName, SmolStr),
    /// What the values of a column were before they became others, as the author wrote it.
    Was(TableName, SmolStr),
}

impl Gone {
    fn lost(&self) -> Option<Lost> {
        match self {
            Gone::Lost(loss) => Lost::of(loss),
            Gone::Nulls(table, column) | Gone::Was(table, column) => {
                Some(Lost { table: name(table), column: Some(column.clone()) })
            }
        }
    }
}

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Gone::Lost(loss) => loss.fmt(f),
            Gone::Was(table, column) => write!(f, "what the values of {}.{column} were", name(table)),
            Gone::Nulls(table, column) => write!(f, "the nulls of {}.{column}", name(table)),
        }
    }
}

/// A table whose rows, a column whose values, or a sequence whose position are not there afterwards.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lost {
    /// The table, or the sequence.
    pub table: String,
    /// The column; absent: rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<SmolStr>,
}

impl Lost {
    fn of(loss: &Loss) -> Option<Self> {
        match loss {
            Loss::Rows(table) | Loss::Seeded { table, .. } => Some(Self { table: name(table), column: None }),
            Loss::Values { table, column } | Loss::Part { table, column, .. } => {
                Some(Self { table: name(table), column: Some(column.clone()) })
            }
            // Its row is made anew.
            Loss::Bucket(_) => Some(Self { table: "storage.buckets".to_owned(), column: None }),
            Loss::Position(sequence) => {
                Some(Self { table: format!("{}.{}", sequence.schema, sequence.name), column: None })
            }
            _ => None,
        }
    }

    /// The tables and columns that an author's `-- specc: loses …` names, `public.items` and `public.items.name`.
    pub fn declared(text: &str) -> impl Iterator<Item = Self> {
        text.split([' ', ',', ';']).filter_map(|word| {
            let mut parts = word.splitn(3, '.');
            let (schema, table, column) = (parts.next()?, parts.next()?, parts.next());
            Some(Self { table: format!("{schema}.{table}"), column: column.map(SmolStr::new) })
        })
    }
}

/// What a statement is predicted to do to tables that others may be using.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prediction {
    /// Its text.
    pub sql: String,
    /// The strongest lock on each table, in Postgres's words.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub locks: BTreeMap<String, SmolStr>,
    /// Whether rows are written anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rewrites: bool,
    /// Tables that are read in full.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scans: Vec<String>,
    /// It fills a materialized view.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fills: bool,
    /// It is a block of SQL: what it locks, only its author knows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub block: bool,
}

impl Prediction {
    fn setting(sql: &str) -> Self {
        Self { sql: sql.to_owned(), ..Self::default() }
    }

    fn of(
        is_in_use: impl Fn(&TableName) -> bool,
        is_bare: impl Fn(&TableName) -> bool,
        statement: &Statement<'_>,
    ) -> Self {
        let mut sql = String::new();
        print(statement, &mut sql);
        sql.truncate(sql.trim_end().len());
        let mut strongest: BTreeMap<String, Lock> = BTreeMap::new();
        let mut scans = Vec::new();
        let in_use = statement.table().is_some_and(&is_in_use);
        let on_new = statement.table().is_some_and(is_bare);
        statement.each_lock(|table, lock, scan| {
            if is_in_use(table) {
                let held = strongest.entry(name(table)).or_insert(lock);
                *held = (*held).max(lock);
                if scan && !on_new {
                    scans.push(name(table));
                }
            }
        });
        let locks = strongest.into_iter().map(|(table, lock)| (table, SmolStr::new_static(lock.words()))).collect();
        Self {
            sql,
            locks,
            rewrites: in_use && statement.effects(|_| false).rewrites,
            scans,
            fills: statement.fills().is_some(),
            block: matches!(statement, Statement::RunSql(_) | Statement::RunDown(_)),
        }
    }
}

/// `schema.table`
pub(crate) fn name(table: &TableName) -> String {
    format!("{}.{}", table.schema, table.name)
}
