//! Statements as the rules see them: only what a rule asks for, each with its place.

use crate::cursor::Place;
use crate::name::Name;
use specc_catalog::DataType;
use specc_sql::Lock;

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
    /// At least one.
    Rows(Vec<Rows>),
    Policy(Policy),
    DropPolicy {
        name: String,
        table: Name,
    },
    Function {
        name: Name,
        arguments: String,
        definer: Option<Place>,
        pinned: Pin,
    },
    /// `alter function … set search_path`, `security definer` …
    AlterFunction {
        name: Name,
        definer: Option<bool>,
        pinned: Option<Pin>,
    },
    View(View),
    Grant(Grant),
    /// `revoke all on table … from …`
    Close {
        tables: Vec<Name>,
        /// All tables of these schemas.
        all_in: Vec<String>,
        roles: Vec<String>,
    },
    CreateSchema {
        name: String,
    },
    RenameSchema {
        name: String,
        place: Place,
    },
    CreateEnum {
        name: Name,
    },
    CreateDomain {
        name: Name,
        base: Option<DataType>,
        constrained: bool,
    },
    AlterDomain {
        name: Name,
        scans: bool,
    },
    /// `alter type … cascade`: what is done to the tables of the type.
    AlterType(AlterTable),
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
        index: Option<Name>,
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
        with_data: bool,
    },
    /// What changes the triggers and rules of a table.
    Trigger(Trigger),
    Lock {
        tables: Vec<Name>,
        lock: Lock,
    },
    /// `set`, `set local`, `reset`, `set_config`
    Set(Setting),
    ResetAll,
    Begin,
    Commit,
    Rollback,
    /// What runs SQL that is not read.
    Block,
    /// Known, and of no interest.
    Harmless,
    Unknown,
}

/// What a function says of the schemas in which names are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pin {
    /// Nothing, or schemas behind the temporary one.
    None,
    /// None at all: only what is of Postgres or temporary has a name without its schema.
    Empty,
    /// The temporary one is the last.
    Full,
}

/// What is set, in lower case, and to what: to nothing is to its default.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) name: String,
    pub(crate) value: Vec<String>,
    /// Up to the end of the transaction.
    pub(crate) local: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Trigger {
    pub(crate) table: Name,
    pub(crate) name: Option<String>,
    /// What a new one calls.
    pub(crate) function: Option<Name>,
    pub(crate) dropped: bool,
    pub(crate) lock: Lock,
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
    pub(crate) foreign: bool,
    /// The type whose attributes are its columns.
    pub(crate) of: Option<Name>,
}

impl CreateTable {
    /// Without columns.
    pub(crate) fn new(name: Name) -> Self {
        Self {
            name,
            temporary: false,
            columns: Vec::new(),
            constraints: Vec::new(),
            partitioned: false,
            partition_of: None,
            open: false,
            filled: None,
            foreign: false,
            of: None,
        }
    }
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
        /// The index that is there already.
        using_index: Option<Name>,
    },
    Primary {
        columns: Vec<String>,
        /// The index that is there already.
        using_index: Option<Name>,
    },
    Exclude,
    NotNull {
        column: String,
    },
}

impl Kind {
    /// The columns of a key or a reference.
    pub(crate) fn columns_mut(&mut self) -> Option<&mut Vec<String>> {
        match self {
            Kind::Foreign { columns, .. } | Kind::Unique { columns, .. } | Kind::Primary { columns, .. } => {
                Some(columns)
            }
            Kind::Check { .. } | Kind::Exclude | Kind::NotNull { .. } => None,
        }
    }
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
        using: Using,
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
    /// `alter constraint … enforced`
    Enforce {
        name: String,
    },
    /// What `set (…)` or `reset (…)` makes of `security_invoker`, which only views have.
    Invoker(bool),
    /// Takes no more than share update exclusive.
    Light,
    /// Rewrites all rows: another access method or tablespace, another stored expression.
    Rewrite(&'static str),
    /// Short, under access exclusive.
    Short,
    Unknown,
}

/// The expression of a change of type.
#[derive(Clone, Debug)]
pub(crate) enum Using {
    /// The column itself, as each of these types in turn.
    Casts(Vec<DataType>),
    /// It gives another value, as far as can be seen.
    Computes,
}

#[derive(Clone, Debug)]
pub(crate) struct CreateIndex {
    pub(crate) name: Option<String>,
    pub(crate) table: Name,
    /// Absent where one of them is an expression.
    pub(crate) columns: Option<Vec<String>>,
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
    Database,
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
    pub(crate) asks: Asks,
    /// The tables of the query that the rows come from, where they do.
    pub(crate) from_query: Option<Vec<Name>>,
}

/// What a condition asks of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// Every row is meant.
    Nothing,
    /// That this column is null.
    Null(String),
    /// That this column is not null.
    NotNull(String),
    Something {
        /// It has an `=`, which may be a key.
        compares: bool,
    },
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
