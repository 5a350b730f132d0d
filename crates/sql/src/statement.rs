//! What can be done to a database, as data.

use crate::alter::Alter;
use crate::effects::Lock;
use specc_catalog::{
    Column, ColumnSetting, Constraint, Function, Index, Object, ObjectId, Privilege, Rls, Role, Seed, Sequence, Sql,
    SqlExpr, Table, TableName, View, sequence_of,
};

/// One thing to do. It borrows from the catalogs that it was planned from.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement<'a> {
    /// Makes an object as it is in the catalog; a table without constraints, a constraint by `alter table`.
    Create(&'a Object),
    /// Makes a table with some of its constraints in it.
    CreateTable {
        /// The table.
        table: &'a Table,
        /// Constraints that need nothing that is not there yet.
        constraints: Vec<&'a Constraint>,
        /// Columns whose default is set later.
        late_defaults: Vec<&'a str>,
    },
    /// Makes an index without blocking writes.
    CreateIndexConcurrently(&'a Index),
    /// `create or replace` of a function or view.
    Replace(&'a Object),
    /// Changes an object that stays.
    Alter(Alter<'a>),
    /// Drops an object, never with `cascade`.
    Drop(&'a Object),
    /// Drops what the same plan made and needs no more: nothing is lost by that.
    DropTemporary(&'a Object),
    /// Drops a table, and all that is a part of it.
    DropTable(&'a Table),
    /// Drops an index without blocking anyone.
    DropIndexConcurrently(&'a Index),
    /// Row level security from one state to another.
    SetRls {
        /// Of this table.
        table: &'a TableName,
        /// As it is.
        from: Rls,
        /// As it will be.
        to: Rls,
    },
    /// Sets or drops the default of a column.
    SetDefault {
        /// Of this table.
        table: &'a TableName,
        /// Of this column.
        column: &'a str,
        /// What it will be.
        default: Option<&'a SqlExpr>,
    },
    /// Storage or statistics of a column.
    SetColumn {
        /// Of this table.
        table: &'a TableName,
        /// As it will be.
        column: &'a Column,
        /// What of it.
        setting: ColumnSetting,
    },
    /// What a logical replica learns of an old row; absent: the key.
    SetReplicaIdentity {
        /// Of this table.
        table: &'a TableName,
        /// `full`, `nothing`.
        identity: Option<&'a str>,
    },
    /// Ties a sequence to its column, so that it goes with it.
    OwnSequence(&'a Sequence),
    /// Unties it.
    DisownSequence(&'a Sequence),
    /// Checks the rows that were there before the constraint.
    Validate(&'a Constraint),
    /// `comment on`; absent: takes it away.
    Comment {
        /// On what.
        on: Named<'a>,
        /// The words.
        text: Option<&'a str>,
    },
    /// `comment on column`.
    CommentColumn {
        /// Of this table.
        table: &'a TableName,
        /// Of this column.
        column: &'a str,
        /// The words.
        text: Option<&'a str>,
    },
    /// Gives an object to a role.
    SetOwner {
        /// The object.
        of: &'a Object,
        /// Whose it will be; none: the role's that runs it.
        owner: Option<&'a str>,
        /// The role is allowed to create in the schema for as long as it takes: Postgres asks for that.
        lend: bool,
    },
    /// Makes the role that runs it a member of another, unless it has its rights already.
    Join(&'a Role),
    /// Gives access.
    Grant(Access<'a>),
    /// Takes access.
    Revoke(Access<'a>),
    /// Inserts seed rows, or makes those that are there as the seed says.
    InsertSeed {
        /// The rows.
        seed: &'a Seed,
        /// The table, if it is known: types without equality are compared as text.
        table: Option<&'a Table>,
    },
    /// Moves the sequence of a column past the highest value.
    AdvanceSequence {
        /// Of this table.
        table: &'a TableName,
        /// Of this column.
        column: &'a str,
    },
    /// Deletes seed rows by their key.
    DeleteSeed(&'a Seed),
    /// Takes locks that later statements of its transaction need: all of them or none, again and again until all are free.
    TakeLocks(Vec<TakenLock<'a>>),
    /// Runs the `up` of a block.
    RunSql(&'a Sql),
    /// Runs the `down` of a block.
    RunDown(&'a Sql),
}

/// A lock that is taken before it is needed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TakenLock<'a> {
    /// The table or view, as it is called where the lock is taken.
    pub on: &'a TableName,
    /// Which lock; a view takes the strongest only.
    pub lock: Lock,
    /// What it is.
    pub relation: Relation,
}

/// What can be locked, by the statement that does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
    /// A table.
    Table,
    /// A table of somebody else, which who runs this may not be allowed to lock by itself.
    Foreign,
}

/// An object that is at hand, or only its name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Named<'a> {
    /// At hand.
    Object(&'a Object),
    /// Belongs to the platform.
    Id(&'a ObjectId),
    /// The sequence of an identity column of this table.
    Identity(&'a TableName, &'a str),
}

impl Named<'_> {
    /// Its id.
    pub fn id(&self) -> ObjectId {
        match self {
            Named::Object(object) => object.id(),
            Named::Id(id) => (*id).clone(),
            Named::Identity(table, column) => sequence_of(table, column),
        }
    }

    /// The function, if it is one and at hand.
    pub fn function(&self) -> Option<&Function> {
        match self {
            Named::Object(Object::Function(function)) => Some(function),
            _ => None,
        }
    }
}

/// Who may do what with an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Access<'a> {
    /// The object.
    pub on: Named<'a>,
    /// What.
    pub privileges: Privileges<'a>,
    /// Who.
    pub roles: Vec<&'a str>,
}

/// `all`, or some.
#[derive(Clone, Debug, PartialEq)]
pub enum Privileges<'a> {
    /// All that there are.
    All,
    /// These.
    Some(&'a [Privilege]),
}

impl<'a> Statement<'a> {
    /// The object that it makes, changes or takes, where that is one.
    pub fn object(&self) -> Option<&'a Object> {
        match self {
            Statement::Create(object)
            | Statement::Replace(object)
            | Statement::Drop(object)
            | Statement::DropTemporary(object) => Some(object),
            Statement::Comment { on: Named::Object(object), .. } | Statement::SetOwner { of: object, .. } => {
                Some(object)
            }
            Statement::Grant(access) | Statement::Revoke(access) => match access.on {
                Named::Object(object) => Some(object),
                Named::Id(_) | Named::Identity(..) => None,
            },
            _ => None,
        }
    }

    /// The materialized view that it makes and fills.
    pub fn fills(&self) -> Option<&'a View> {
        match self {
            Statement::Create(Object::View(view)) if view.materialized && !view.no_data => Some(view),
            _ => None,
        }
    }

    /// Whether it is a block of SQL: what that does, only its author knows.
    pub fn is_block(&self) -> bool {
        matches!(self, Statement::RunSql(_) | Statement::RunDown(_))
    }

    /// The table that it is about, where that is one.
    pub fn table(&self) -> Option<&'a TableName> {
        match self {
            Statement::CreateTable { table, .. } => Some(&table.table),
            Statement::DropTable(table) => Some(&table.table),
            Statement::Alter(change) => change.table(),
            Statement::CreateIndexConcurrently(index) | Statement::DropIndexConcurrently(index) => Some(&index.table),
            Statement::SetRls { table, .. }
            | Statement::SetDefault { table, .. }
            | Statement::SetColumn { table, .. }
            | Statement::SetReplicaIdentity { table, .. }
            | Statement::CommentColumn { table, .. }
            | Statement::AdvanceSequence { table, .. } => Some(table),
            Statement::Validate(constraint) => Some(&constraint.table),
            Statement::InsertSeed { seed, .. } | Statement::DeleteSeed(seed) => Some(&seed.table),
            Statement::OwnSequence(_)
            | Statement::DisownSequence(_)
            | Statement::Join(_)
            | Statement::TakeLocks(_)
            | Statement::RunSql(_)
            | Statement::RunDown(_) => None,
            _ => self.object().and_then(|object| match object {
                Object::Table(table) => Some(&table.table),
                other => other.table(),
            }),
        }
    }
}
