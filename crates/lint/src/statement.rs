//! Statements as the rules see them: only what a rule asks for, each with its place.

use crate::cursor::Place;
use crate::name::Name;
use specc_catalog::DataType;

/// What a statement does.
#[derive(Clone, Debug)]
pub(crate) enum What {
    CreateTable(Box<CreateTable>),
    AlterTable(AlterTable),
    CreateIndex(CreateIndex),
    Drop(Drop),
    Truncate {
        tables: Vec<Name>,
        cascade: Option<Place>,
    },
    Rows(Rows),
    Policy(Policy),
    DropPolicy {
        name: String,
        table: Name,
    },
    Function {
        name: Name,
        arguments: String,
        definer: Option<Place>,
        pinned: bool,
    },
    /// `alter function … set search_path`, `security definer` …
    AlterFunction {
        name: Name,
        definer: Option<bool>,
        pinned: Option<bool>,
    },
    View(View),
    /// `alter view … set (…)`: whether `security_invoker` is among them, and on.
    AlterView {
        name: Name,
        invoker: Option<bool>,
    },
    Grant(Grant),
    /// `revoke all on table … from …`
    Close {
        tables: Vec<Name>,
        roles: Vec<String>,
    },
    CreateEnum {
        name: Name,
    },
    CreateDomain {
        name: Name,
        constrained: bool,
    },
    AlterDomain {
        name: Name,
        scans: bool,
    },
    AddValue {
        name: Name,
        value: String,
    },
    RenameValue {
        name: Name,
    },
    Reindex {
        concurrently: bool,
        table: Option<Name>,
    },
    Cluster {
        table: Option<Name>,
    },
    Vacuum {
        full: bool,
    },
    Refresh {
        view: Name,
        concurrently: bool,
    },
    Trigger {
        table: Option<Name>,
    },
    Lock {
        tables: Vec<Name>,
    },
    /// `set`, `set local`, `reset`, `set_config`: what is set, in lower case, and to what.
    Set {
        name: String,
        value: Vec<String>,
    },
    Begin,
    Commit,
    Block,
    /// Known, and of no interest.
    Harmless,
    Unknown,
}

#[derive(Clone, Debug)]
pub(crate) struct CreateTable {
    pub(crate) name: Name,
    pub(crate) temporary: bool,
    pub(crate) columns: Vec<Column>,
    pub(crate) constraints: Vec<Constraint>,
    pub(crate) partitioned: bool,
    /// The parent, and whether it is the default partition.
    pub(crate) partition_of: Option<(Name, bool)>,
    /// Made from a query, or like another table: its columns are not all known.
    pub(crate) open: bool,
    /// The tables of the query that fills it, where one does.
    pub(crate) filled: Option<Vec<Name>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) ty: Option<DataType>,
    pub(crate) ty_place: Place,
    pub(crate) collation: Option<String>,
    pub(crate) not_null: bool,
    pub(crate) default: Option<(String, Place)>,
    /// Generated, stored or not.
    pub(crate) generated: bool,
    pub(crate) stored: Option<Place>,
    pub(crate) identity: Option<Place>,
    pub(crate) constraints: Vec<Constraint>,
}

impl Column {
    /// `serial` and its like.
    pub(crate) fn is_serial(&self) -> bool {
        self.ty.as_ref().is_some_and(|ty| ty.schema.is_empty() && specc_facts::serial_type(&ty.name).is_some())
    }

    pub(crate) fn has(&self, wanted: impl Fn(&Kind) -> bool) -> Option<&Constraint> {
        self.constraints.iter().find(|c| wanted(&c.kind))
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Constraint {
    pub(crate) name: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) not_valid: bool,
    pub(crate) place: Place,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// The columns that it proves to be not null.
    Check {
        proves: Vec<String>,
    },
    Foreign {
        columns: Vec<String>,
        target: Name,
    },
    Unique {
        columns: Vec<String>,
        using_index: bool,
    },
    Primary {
        columns: Vec<String>,
        using_index: bool,
    },
    Exclude,
    NotNull {
        column: String,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct AlterTable {
    pub(crate) table: Name,
    pub(crate) actions: Vec<(Action, Place)>,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    AddColumn(Box<Column>),
    DropColumn {
        column: String,
        cascade: Option<Place>,
    },
    AddConstraint(Constraint),
    DropConstraint {
        name: String,
        cascade: Option<Place>,
    },
    Validate {
        name: String,
    },
    SetType {
        column: String,
        ty: Option<DataType>,
        collation: Option<String>,
        using: bool,
    },
    SetNotNull {
        column: String,
    },
    DropNotNull {
        column: String,
    },
    RenameColumn {
        from: String,
        to: String,
    },
    RenameTable {
        to: String,
    },
    RenameConstraint {
        from: String,
        to: String,
    },
    SetSchema {
        to: String,
    },
    SetLogged(bool),
    Rls(bool),
    Attach {
        partition: Name,
        default: bool,
    },
    Detach {
        concurrently: bool,
    },
    Trigger,
    /// Takes no more than share update exclusive.
    Light,
    /// Rewrites all rows: another access method or tablespace, another stored expression.
    Rewrite(&'static str),
    /// Short, under access exclusive.
    Short,
    Unknown,
}

#[derive(Clone, Debug)]
pub(crate) struct CreateIndex {
    pub(crate) name: Option<String>,
    pub(crate) table: Name,
    pub(crate) concurrently: Option<Place>,
    pub(crate) if_not_exists: Option<Place>,
    pub(crate) only: bool,
    /// `create index`, as far as it says how.
    pub(crate) head: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dropped {
    Table,
    Index,
    Schema,
    /// All that a role owns.
    Owned,
    Type,
    View,
    MaterializedView,
    Function,
    Other,
}

#[derive(Clone, Debug)]
pub(crate) struct Drop {
    pub(crate) kind: Dropped,
    pub(crate) names: Vec<Name>,
    pub(crate) concurrently: Option<Place>,
    pub(crate) cascade: Option<Place>,
}

/// `update`, `delete`, `insert`, `merge`
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    pub(crate) kind: Change,
    pub(crate) table: Name,
    /// What `where` asks; absent where there is none.
    pub(crate) condition: Option<String>,
    /// The one column that `where` asks to be null, where that is all it asks.
    pub(crate) only_null: Option<String>,
    /// The tables of the query that the rows come from, where they do.
    pub(crate) from_query: Option<Vec<Name>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Update,
    Delete,
    Insert,
    Merge,
}

#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) name: String,
    pub(crate) table: Name,
    /// `alter policy`
    pub(crate) altered: bool,
    pub(crate) restrictive: bool,
    /// `all` where none is named.
    pub(crate) command: String,
    pub(crate) roles: Vec<String>,
    pub(crate) using: Option<Condition>,
    pub(crate) check: Option<Condition>,
}

/// An expression of a policy.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) place: Place,
    pub(crate) always: bool,
    /// Calls of the session's functions that run once for each row.
    pub(crate) per_row: Vec<(String, Place)>,
    /// Every name in it.
    pub(crate) words: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) name: Name,
    pub(crate) replace: bool,
    pub(crate) materialized: bool,
    pub(crate) temporary: bool,
    pub(crate) has_options: bool,
    pub(crate) invoker: bool,
    /// The tables of the query that fills a materialized view.
    pub(crate) filled: Option<Vec<Name>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) privileges: Vec<(String, Place)>,
    /// Tables that are named.
    pub(crate) tables: Vec<Name>,
    /// All tables of these schemas, or of those to come.
    pub(crate) all_in: Vec<String>,
    /// Tables to come: `alter default privileges`.
    pub(crate) to_come: bool,
    pub(crate) roles: Vec<String>,
}
