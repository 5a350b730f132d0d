//! What a plan does to data, locks and access, as data.

mod access;
mod called;
mod lines;
mod objects;
mod record;
mod renaming;
mod stirred;

pub use access::AS_BEFORE;
pub use access::{changes as access_changes, touches as touches_access};
pub(crate) use access::{closed, is_access, opened};
pub(crate) use objects::Counts;
pub use record::{Lost, Prediction, Record};
pub use renaming::Renaming;
pub(crate) use renaming::{called_before, column_before, renamings};

use self::called::Called;
use crate::schedule::{Plan, Purpose, Stage};
use smol_str::SmolStr;
use specc_catalog::{Catalog, DataType, Kind, Object, Table, TableName};
use specc_diff::Difference;
use specc_sql::{Alter, Lock, Loss, Statement, Transaction};
use std::borrow::Cow;
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
    /// A required column of a key comes back with a value of its own in each row, which nobody gave it.
    MadeUp {
        /// Of this table.
        table: TableName,
        /// The column.
        column: SmolStr,
    },
    /// A required column comes back without values, and takes null: no value that says nothing fits.
    TakesNull {
        /// Of this table.
        table: TableName,
        /// The column.
        column: SmolStr,
        /// What no value fits.
        why: Empty,
    },
    /// A constraint or unique index over columns that come back without their values, to which rows cannot be held.
    Unheld {
        /// Of this table.
        table: TableName,
        /// What it is called.
        rule: SmolStr,
        /// A constraint or an index.
        kind: Kind,
        /// It holds for new rows; else it does not come back.
        checks_new: bool,
    },
    /// An extension is not dropped: it may have been there before.
    StaysExtension(SmolStr),
    /// A role is not dropped: it belongs to all databases of the server, and may have been there before.
    StaysRole(SmolStr),
    /// A block without `down` is not taken back.
    StaysBlock(SmolStr),
    /// Filling rows fires triggers that were there before, where whoever applies may not say that they rest.
    Fires {
        /// Of this table.
        table: TableName,
        /// The triggers.
        triggers: Vec<SmolStr>,
    },
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

/// Why a required column comes back without values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Empty {
    /// A constraint or unique index is over it.
    Rule,
    /// It is computed from a column that comes back without values.
    Computed,
    /// Its domain refuses some values.
    Domain,
    /// Its domain refuses null and some values: it comes back with the type below that.
    Below(DataType),
    /// No value of its type says nothing.
    Type,
}

impl Note {
    /// Columns that stand after the others, under the names that the way back leads to.
    pub(crate) fn before(&self, difference: &Difference<'_>) -> Option<Self> {
        let Note::LastColumns { table, columns } = self else { return None };
        let id = table.id();
        let columns = columns.iter().map(|column| column_before(&difference.renamed, &id, column)).collect();
        Some(Note::LastColumns { table: called_before(&difference.renamed, &id), columns })
    }

    /// The table whose columns stand in another order afterwards.
    pub fn reordered(&self) -> Option<&TableName> {
        match self {
            Note::LastColumn { table, .. } | Note::LastColumns { table, .. } => Some(table),
            _ => None,
        }
    }

    /// A column that is not as strict as it was.
    fn weaker_column(&self) -> Option<Lost> {
        match self {
            Note::TakesNull { table, column, .. } => Some(Lost { table: name(table), column: Some(column.clone()) }),
            _ => None,
        }
    }

    /// A rule that is not as strict as it was.
    fn weaker_rule(&self) -> Option<Lost> {
        match self {
            Note::Unheld { table, rule, .. } => Some(Lost { table: name(table), column: Some(rule.clone()) }),
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
            Note::MadeUp { table, column } => write!(
                f,
                "{}.{column} is made up in rows that are there by then, since it is of the key: give them their own values",
                name(table)
            ),
            Note::TakesNull { table, column, why } => {
                let (as_type, why, what) = match why {
                    Empty::Rule => ("", "a constraint or unique index is over it", "fill it, then set it not null"),
                    Empty::Computed => {
                        ("", "it is computed from such a column", "fill that one, then set both not null")
                    }
                    Empty::Domain => ("", "its domain refuses some values", "fill it, then set it not null"),
                    Empty::Below(base) => (
                        &*format!(" as {base}"),
                        "its domain refuses null and some values",
                        "fill it, then give it its domain",
                    ),
                    Empty::Type => ("", "no value of its type says nothing", "fill it, then set it not null"),
                };
                let name = name(table);
                write!(f, "{name}.{column} comes back{as_type} without values and takes null, since {why}: {what}")
            }
            Note::Unheld { table, rule, kind, checks_new } => {
                let (kind, name) = (kind.word(), name(table));
                let why = "values that it is over are not there";
                match checks_new {
                    true => write!(
                        f,
                        "{kind} {rule} of {name} comes back not valid, since {why}: fill them, then validate it"
                    ),
                    false => {
                        write!(f, "{kind} {rule} of {name} does not come back, since {why}: fill them, then make it")
                    }
                }
            }
            Note::Fires { table, triggers } => write!(
                f,
                "filling {} may fire {} unless the role that applies may set session_replication_role, as `postgres` of \
                 Supabase may",
                name(table),
                triggers.join(", ")
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
    /// The table, as it is called when the file begins.
    pub table: Cow<'d, TableName>,
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
        let mut held: BTreeMap<Cow<'d, TableName>, (Lock, bool)> = BTreeMap::new();
        let mut called = Called::new(plan, stage);
        // What is done to one table stands together.
        let mut last: Option<(&'d TableName, bool)> = None;
        let mut is_in_use = |table: &'d TableName| match last {
            Some((known, in_use)) if std::ptr::eq(known, table) => in_use,
            _ => last.insert((table, plan.is_in_use(table))).1,
        };
        for statement in stage.statements() {
            account.losses.extend(statement.loses());
            let table = statement.table();
            let in_use = plan.touches_others() && table.is_some_and(&mut is_in_use);
            let rewrites = statement.rewrites();
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
                _ if statement.is_block() => {
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
            if plan.touches_others() {
                let on_new = table.is_some_and(|table| plan.is_bare(table));
                statement.each_lock(|table, lock, scan| {
                    if called.is_in_use(table).unwrap_or_else(|| is_in_use(table)) {
                        let held = held.entry(called.before(table)).or_insert((lock, false));
                        held.0 = held.0.max(lock);
                        held.1 |= (scan && !on_new || rewrites) && lock.blocks_writes();
                    }
                });
            }
            called.step(plan, statement);
        }
        held.retain(|_, (lock, _)| *lock > Lock::AccessShare);
        account.locks = held.into_iter().map(|(table, (lock, long))| Held { table, lock, long }).collect();
        account.locks.sort_by(|a, b| (b.long, b.lock, &a.table).cmp(&(a.long, a.lock, &b.table)));
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
    stay.filter_map(Note::reordered).map(|table| name(&called_before(&difference.renamed, &table.id()))).collect()
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

    /// Under the names that the way back leads to.
    pub fn before(&self, difference: &Difference<'_>) -> Self {
        let mut gone = self.clone();
        let (table, column) = match &mut gone {
            Gone::Lost(Loss::Rows(table) | Loss::Seeded { table, .. }) => (table, None),
            Gone::Lost(Loss::Values { table, column } | Loss::Part { table, column, .. })
            | Gone::Nulls(table, column)
            | Gone::Was(table, column) => (table, Some(column)),
            Gone::Lost(_) => return gone,
        };
        let id = table.id();
        if let Some(column) = column {
            *column = column_before(&difference.renamed, &id, column);
        }
        *table = called_before(&difference.renamed, &id);
        gone
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

/// `schema.table`
pub(crate) fn name(table: &TableName) -> String {
    format!("{}.{}", table.schema, table.name)
}
