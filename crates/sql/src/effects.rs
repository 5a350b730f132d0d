//! What a statement does to those who use the database meanwhile, and to data.
//!
//! The locks, rewrites and scans are what Postgres 15 to 18 was measured to do.

use crate::statement::{Named, Statement};
use smol_str::SmolStr;
use specc_catalog::{ColumnSetting, Object, Qualified, Rule, TableName};
use std::fmt;
use std::time::Duration;

/// A table lock, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // named as in SQL
pub enum Lock {
    AccessShare,
    RowShare,
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
}

impl Lock {
    /// As in Postgres's documentation.
    pub fn words(self) -> &'static str {
        match self {
            Lock::AccessShare => "access share",
            Lock::RowShare => "row share",
            Lock::RowExclusive => "row exclusive",
            Lock::ShareUpdateExclusive => "share update exclusive",
            Lock::Share => "share",
            Lock::ShareRowExclusive => "share row exclusive",
            Lock::Exclusive => "exclusive",
            Lock::AccessExclusive => "access exclusive",
        }
    }

    /// The lock of these words.
    pub fn from_words(words: &str) -> Option<Self> {
        use Lock::*;
        let all = [
            AccessShare,
            RowShare,
            RowExclusive,
            ShareUpdateExclusive,
            Share,
            ShareRowExclusive,
            Exclusive,
            AccessExclusive,
        ];
        all.into_iter().find(|lock| lock.words() == words)
    }

    /// Whether `select` waits for it.
    pub fn blocks_reads(self) -> bool {
        self == Lock::AccessExclusive
    }

    /// Whether `insert`, `update` and `delete` wait for it.
    pub fn blocks_writes(self) -> bool {
        self >= Lock::Share
    }
}

/// Whether it may share a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transaction {
    /// With others.
    Shared,
    /// In one, and what follows in another: a new enum label cannot be used before.
    Own,
    /// In none.
    Outside,
}

/// How long it may wait and run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For locks: while it waits, all who come later wait behind it.
    pub lock: Option<Duration>,
    /// In all; absent where the time depends on the data.
    pub statement: Option<Duration>,
}

/// Data that is gone afterwards.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// All rows of a table.
    Rows(TableName),
    /// All values of a column.
    Values {
        /// Of this table.
        table: TableName,
        /// The column.
        column: SmolStr,
    },
    /// What another type cannot hold of a column's values.
    Part {
        /// Of this table.
        table: TableName,
        /// The column.
        column: SmolStr,
        /// The type, as it is written.
        to: String,
        /// The query for the rows.
        rows: String,
    },
    /// An attribute in all values of a composite type.
    Attribute {
        /// The type.
        ty: Qualified,
        /// The attribute.
        attribute: SmolStr,
    },
    /// Where a sequence stood.
    Position(Qualified),
    /// The settings of a storage bucket.
    Bucket(SmolStr),
    /// Rows that a seed put there.
    Seeded {
        /// Into this table.
        table: TableName,
        /// So many.
        rows: usize,
    },
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Loss::Rows(table) => write!(f, "all rows of {}.{}", table.schema, table.name),
            Loss::Values { table, column } => write!(f, "all values of {}.{}.{column}", table.schema, table.name),
            Loss::Part { table, column, to, .. } => {
                write!(f, "what {to} cannot hold of the values of {}.{}.{column}", table.schema, table.name)
            }
            Loss::Attribute { ty, attribute } => {
                write!(f, "the attribute {attribute} in all values of {}.{}", ty.schema, ty.name)
            }
            Loss::Position(sequence) => write!(f, "where {}.{} stood", sequence.schema, sequence.name),
            Loss::Bucket(id) => write!(f, "the settings of the bucket {id}"),
            Loss::Seeded { table, .. } => write!(f, "the seeded rows of {}.{}", table.schema, table.name),
        }
    }
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effects<'a> {
    /// Locks on tables that others may be using.
    pub locks: Vec<(&'a TableName, Lock)>,
    /// Writes the whole table anew.
    pub rewrites: bool,
    /// Tables that are read in full.
    pub scans: Vec<&'a TableName>,
    /// What is lost.
    pub loses: Vec<Loss>,
    /// Its transaction.
    pub transaction: Transaction,
    /// Its time.
    pub timeouts: Timeouts,
}

/// For what waits for a lock that others may hold.
const LOCK: Duration = Duration::from_secs(3);
/// For what is done in the system's own tables.
const SHORT: Duration = Duration::from_secs(30);

impl<'a> Statement<'a> {
    /// What it does. `is_new` tells of a table whether the same run made it: nobody else can see such a table, and it
    /// has no rows yet.
    pub fn effects(&self, is_new: impl Fn(&TableName) -> bool) -> Effects<'a> {
        let mut locks = Vec::new();
        let mut scans = Vec::new();
        self.each_lock(|table, lock, scan| {
            if !is_new(table) {
                locks.push((table, lock));
                if scan {
                    scans.push(table);
                }
            }
        });
        let transaction = self.transaction();
        let outside = transaction == Transaction::Outside;
        let data = matches!(
            self,
            Statement::InsertSeed { .. } | Statement::DeleteSeed(_) | Statement::RunSql(_) | Statement::RunDown(_)
        );
        let statement = (scans.is_empty() && !outside && !data).then_some(SHORT);
        let lock = (!locks.is_empty() && !outside).then_some(LOCK);
        Effects {
            loses: self.loses(),
            transaction,
            timeouts: Timeouts { lock, statement },
            rewrites: self.rewrites() && !locks.is_empty(),
            locks,
            scans,
        }
    }

    /// Whether it writes a table's rows anew.
    pub fn rewrites(&self) -> bool {
        matches!(self, Statement::Alter(change) if change.rewrites())
    }

    /// Whether it may share a transaction.
    pub fn transaction(&self) -> Transaction {
        match self {
            Statement::CreateIndexConcurrently(_) | Statement::DropIndexConcurrently(_) => Transaction::Outside,
            Statement::Alter(change) => change.transaction(),
            _ => Transaction::Shared,
        }
    }

    /// Names each table that it locks, how, and whether it reads it in full.
    pub fn each_lock(&self, mut f: impl FnMut(&'a TableName, Lock, bool)) {
        use Lock::{AccessExclusive, AccessShare, RowExclusive, Share, ShareRowExclusive, ShareUpdateExclusive};
        match self {
            Statement::CreateTable { table, constraints, .. } => {
                if let Some((parent, _)) = &table.partition_of {
                    f(parent, AccessExclusive, false);
                }
                for constraint in constraints {
                    if let Rule::ForeignKey(key) = &constraint.rule {
                        f(&key.target, ShareRowExclusive, false);
                    }
                }
            }
            Statement::Create(object) => match object {
                Object::Table(o) => {
                    if let Some((parent, _)) = &o.partition_of {
                        f(parent, AccessExclusive, false);
                    }
                }
                Object::Constraint(o) => match &o.rule {
                    Rule::ForeignKey(key) => {
                        f(&o.table, ShareRowExclusive, !o.not_valid);
                        if key.target != o.table {
                            f(&key.target, ShareRowExclusive, !o.not_valid);
                        }
                    }
                    _ => f(&o.table, AccessExclusive, !o.not_valid),
                },
                Object::Index(o) => f(&o.table, Share, true),
                Object::Trigger(o) => f(&o.table, ShareRowExclusive, false),
                Object::Policy(o) => f(&o.table, AccessExclusive, false),
                Object::PublicationTable(o) => f(&o.table, ShareUpdateExclusive, false),
                _ => {}
            },
            Statement::Alter(change) => change.each_lock(f),
            Statement::CreateIndexConcurrently(index) => f(&index.table, ShareUpdateExclusive, true),
            Statement::DropIndexConcurrently(index) => f(&index.table, ShareUpdateExclusive, false),
            Statement::DropTable(o) => {
                f(&o.table, AccessExclusive, false);
                if let Some((parent, _)) = &o.partition_of {
                    f(parent, AccessExclusive, false);
                }
            }
            Statement::Replace(Object::View(view)) => f(&view.view, AccessExclusive, false),
            Statement::Replace(_) => {}
            Statement::Drop(object) | Statement::DropTemporary(object) => match object {
                Object::Table(o) => {
                    f(&o.table, AccessExclusive, false);
                    if let Some((parent, _)) = &o.partition_of {
                        f(parent, AccessExclusive, false);
                    }
                }
                Object::View(o) => f(&o.view, AccessExclusive, false),
                Object::Constraint(o) => {
                    f(&o.table, AccessExclusive, false);
                    if let Rule::ForeignKey(key) = &o.rule {
                        f(&key.target, AccessExclusive, false);
                    }
                }
                Object::PublicationTable(o) => f(&o.table, ShareUpdateExclusive, false),
                Object::Seed(o) => f(&o.table, RowExclusive, false),
                other => {
                    if let Some(table) = other.table() {
                        f(table, AccessExclusive, false);
                    }
                }
            },
            Statement::SetRls { table, .. }
            | Statement::SetDefault { table, .. }
            | Statement::SetColumn { table, setting: ColumnSetting::Storage, .. }
            | Statement::SetReplicaIdentity { table, .. } => f(table, AccessExclusive, false),
            Statement::SetColumn { table, .. } => f(table, ShareUpdateExclusive, false),
            Statement::Validate(constraint) => {
                f(&constraint.table, ShareUpdateExclusive, true);
                if let Rule::ForeignKey(key) = &constraint.rule {
                    f(&key.target, Lock::RowShare, true);
                }
            }
            Statement::SetOwner { of, .. } => match of {
                Object::Table(o) => f(&o.table, AccessExclusive, false),
                Object::View(o) => f(&o.view, AccessExclusive, false),
                _ => {}
            },
            Statement::CommentColumn { table, .. } => f(table, ShareUpdateExclusive, false),
            // Of what a table has, only the thing itself is locked.
            Statement::Comment { on, .. } => match on {
                Named::Object(Object::Table(o)) => f(&o.table, ShareUpdateExclusive, false),
                Named::Object(Object::View(o)) => f(&o.view, ShareUpdateExclusive, false),
                _ => {}
            },
            // From 18 on.
            Statement::Grant(_) | Statement::Revoke(_) => {
                if let Some(table) = self.table() {
                    f(table, AccessShare, false);
                }
            }
            Statement::InsertSeed { seed, .. } | Statement::DeleteSeed(seed) => f(&seed.table, RowExclusive, false),
            Statement::AdvanceSequence { table, .. } => f(table, AccessShare, true),
            Statement::TakeLocks(locks) => locks.iter().for_each(|taken| f(taken.on, taken.lock, false)),
            Statement::OwnSequence(_)
            | Statement::DisownSequence(_)
            | Statement::Join(_)
            | Statement::RunSql(_)
            | Statement::RunDown(_) => {}
        }
    }

    /// What is lost.
    pub fn loses(&self) -> Vec<Loss> {
        let one = match self {
            Statement::Alter(change) => return change.loses(),
            Statement::DropTable(o) => Loss::Rows(o.table.clone()),
            Statement::Drop(Object::Table(o)) => Loss::Rows(o.table.clone()),
            Statement::Drop(Object::Sequence(o)) => Loss::Position(Qualified::new(o.schema.clone(), o.name.clone())),
            Statement::Drop(Object::Bucket(o)) => Loss::Bucket(o.id.clone()),
            Statement::DeleteSeed(o) => Loss::Seeded { table: o.table.clone(), rows: o.rows.len() },
            _ => return Vec::new(),
        };
        vec![one]
    }
}
