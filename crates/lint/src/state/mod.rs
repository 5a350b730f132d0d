//! What the statements so far have made: tables without rows, checks that prove something, policies. What is not known
//! was there before, has rows, and is in use.

mod domain;
mod follow;
mod implied;
mod names;
mod session;

use crate::cursor::Place;
use crate::name::{Key, Name};
use crate::statement::{Constraint, Pin};
use session::Session;
use specc_catalog::DataType;
use specc_diag::{FileId, Span};
use std::collections::BTreeMap;

/// Everything that is known.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) session: Session,
    pub(crate) file: FileId,
    /// Files that run as one share a batch.
    pub(crate) batch: u32,
    pub(crate) tx: u32,
    pub(crate) tables: BTreeMap<Key, Table>,
    pub(crate) indexes: BTreeMap<Key, Index>,
    pub(crate) views: BTreeMap<Key, View>,
    pub(crate) functions: Vec<Function>,
    pub(crate) domains: BTreeMap<Key, Domain>,
    /// The schemas that these files make, with the batch of each.
    pub(crate) schemas: BTreeMap<String, u32>,
    pub(crate) triggers: Vec<Trigger>,
    /// Types, and the transaction that made each.
    pub(crate) types: BTreeMap<Key, u32>,
    pub(crate) labels: Vec<Label>,
    /// Where the transaction began that the file itself began and did not end yet.
    pub(crate) open: Option<Span>,
    /// Whether it was said that it does not.
    pub(crate) lock_timeout_missed: bool,
    /// The strongest lock that the transaction holds on a table in use.
    pub(crate) held: Option<Held>,
}

/// A label that is added to an enum.
#[derive(Debug)]
pub(crate) struct Label {
    pub(crate) ty: Name,
    pub(crate) value: String,
    pub(crate) at: Span,
    pub(crate) tx: u32,
}

#[derive(Debug)]
pub(crate) struct Domain {
    pub(crate) base: Option<DataType>,
    pub(crate) constrained: bool,
    pub(crate) batch: u32,
}

#[derive(Debug)]
pub(crate) struct Trigger {
    pub(crate) table: Name,
    pub(crate) name: Option<String>,
    pub(crate) function: Key,
}

/// A lock that the transaction holds.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) table: Name,
    pub(crate) lock: specc_sql::Lock,
    pub(crate) at: Span,
}

/// A table.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) name: Name,
    pub(crate) schema: String,
    /// Where it was made, and in which batch.
    pub(crate) made: Option<(Span, u32)>,
    pub(crate) temporary: bool,
    pub(crate) partitioned: bool,
    pub(crate) materialized: bool,
    pub(crate) default_partition: bool,
    pub(crate) foreign: bool,
    /// These files put rows into it.
    pub(crate) filled: bool,
    /// The type whose attributes are its columns.
    pub(crate) of: Option<Key>,
    pub(crate) columns: BTreeMap<String, Known>,
    pub(crate) constraints: BTreeMap<String, Bound>,
    pub(crate) rls: Option<(bool, Span)>,
    pub(crate) policies: BTreeMap<String, Rule>,
    /// All was revoked from the roles of the API: it is meant for none of them.
    pub(crate) closed: bool,
}

/// A column, as far as it is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    pub(crate) ty: Option<DataType>,
    pub(crate) collation: Option<String>,
    pub(crate) not_null: bool,
    /// The batch that added it.
    pub(crate) added: Option<u32>,
}

/// A constraint, as far as it is known.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) constraint: Constraint,
    pub(crate) valid: bool,
    pub(crate) tx: u32,
    pub(crate) at: Span,
}

/// A policy.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) restrictive: bool,
    /// Absent where it is not known.
    pub(crate) command: Option<String>,
    pub(crate) roles: Vec<String>,
    pub(crate) words: Vec<String>,
    pub(crate) at: Span,
}

/// An index.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    pub(crate) table: Name,
    pub(crate) columns: Option<Vec<String>>,
}

/// A view.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) name: Name,
    pub(crate) schema: String,
    pub(crate) invoker: bool,
    pub(crate) has_options: bool,
    /// Options were lost, which was said.
    pub(crate) lost: bool,
    pub(crate) batch: u32,
    pub(crate) at: Span,
}

/// A function that runs as its owner.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) name: Name,
    pub(crate) key: Key,
    /// As written: functions may share a name.
    pub(crate) arguments: String,
    pub(crate) definer: bool,
    pub(crate) pinned: Pin,
    pub(crate) at: Span,
}

impl State {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The schema of names without one.
    pub(crate) fn path(&self) -> &str {
        &self.session.now.path
    }

    /// A place of the file that is being read.
    pub(crate) fn span(&self, place: Place) -> Span {
        Span::new(self.file, place.0, place.1)
    }

    /// What is known of a table.
    pub(crate) fn table(&self, name: &Name) -> Option<&Table> {
        self.tables.get(&name.key(self.path()))
    }

    /// Whether a table may have rows and users.
    pub(crate) fn is_live(&self, name: &Name) -> bool {
        let own = |batch: u32| batch == self.batch;
        match (self.table(name), self.views.get(&name.key(self.path()))) {
            (Some(table), _) => !table.temporary && table.made.is_none_or(|(_, batch)| !own(batch)),
            (None, view) => view.is_none_or(|view| !own(view.batch)),
        }
    }

    /// What is known of a column.
    pub(crate) fn column(&self, table: &Name, column: &str) -> Option<&Known> {
        self.table(table)?.columns.get(column)
    }

    /// Begins a file.
    pub(crate) fn enter(&mut self, file: FileId, batch: u32) {
        self.file = file;
        self.batch = batch;
        self.session = Session::default();
        self.open = None;
        self.lock_timeout_missed = false;
        self.held = None;
    }

    /// Begins a statement of this transaction.
    pub(crate) fn begin(&mut self, tx: u32) {
        if self.tx != tx {
            self.held = None;
            self.session.begin();
        }
        self.tx = tx;
    }
}
