//! What SQL names. An expression, a query or the body of a function is resolved against an [`Environment`], which knows
//! what relations, functions and types there are. The result is an [`Analysis`]: each name with its place in the text and
//! what it refers to, and what surely is wrong.
//!
//! What may be right is not reported. Where something cannot be known (an extension, a table that the body itself makes,
//! a record, dynamic SQL), it is accepted, and where a text cannot be read, its [`Analysis`] says so.

mod built_in;
mod by_order;
mod calls;
pub mod catalog;
pub mod checks;
mod conflict;
mod convert;
mod dml;
mod environment;
mod expr;
mod find;
mod from;
mod grouping;
mod labels;
mod locked;
mod made;
mod meet;
mod merge;
mod named;
mod order;
mod places;
mod plpgsql;
mod query;
mod scope;
pub mod shape;
mod strings;
mod text;
mod types;
mod walk;

pub use by_order::Stars;
pub use environment::{Column, Environment, Filled, Lookup, Parameter, Relation, Routine};
pub use plpgsql::{Body, Gives, Language, Rows, body};
pub use walk::{Row, expression, query};

use smol_str::SmolStr;
use specc_catalog::{DataType, Qualified};

/// What a text of SQL names.
#[derive(Clone, Debug, Default)]
pub struct Analysis {
    /// In the order of their places, each place once for each target.
    pub references: Vec<Reference>,
    /// The types of the variables of a body in PL/pgSQL, which Postgres looks up when the function is made.
    pub declared: Vec<Target>,
    /// What is surely wrong, in the order of places.
    pub findings: Vec<Finding>,
    /// The columns of a query; `None` where they cannot be known.
    pub columns: Option<Vec<(SmolStr, Option<DataType>)>>,
    /// What a body gives back: the last statement of one in SQL, each `return query` of one in PL/pgSQL.
    pub given: Vec<Given>,
    /// The columns that statements give values to: in `set`, or in a row of a trigger.
    pub written: Vec<Target>,
    /// What statements do to rows of which relations.
    pub changed: Vec<(Change, Qualified)>,
    /// Columns of rows that statements make or change, each with where the value stands that it is given.
    pub stored: Vec<(Target, (usize, usize))>,
    /// The variables of a body that are given values, each with where the value stands.
    pub held: Vec<(SmolStr, (usize, usize))>,
    /// After what Postgres calls something for good: what gives a column of a query the name that nobody gave it, and columns
    /// that `using` or `natural` make one.
    pub carried: Vec<(Target, Carried)>,
    /// Where names mean a parameter of the body, in the order of places.
    pub parameters: Vec<(usize, usize, SmolStr)>,
    /// Where values and columns meet by their order alone: the place, and a relation whose columns come in the order that
    /// they have in the database. What a body gives back is in `given`.
    pub by_order: Vec<((usize, usize), Qualified)>,
    /// What `on conflict` says of keys.
    pub conflicts: Vec<Conflict>,
    /// What a body of PL/pgSQL returns that does nothing else.
    pub only: Option<Returned>,
    /// A body of PL/pgSQL throws an error somewhere.
    pub raises: bool,
    /// The SQLSTATEs of those errors, as far as they are written there.
    pub codes: Vec<SmolStr>,
    /// A statement changes rows, locks them, or takes a number of a sequence.
    pub acts: bool,
    /// Has SQL that is put together when it runs.
    pub dynamic: bool,
    /// A part could not be read: names in it are looked for word by word, and may be more than are meant.
    pub unread: bool,
}

impl Analysis {
    pub(crate) fn finish(mut self) -> Self {
        self.references.sort();
        self.references.dedup();
        self.by_order.sort();
        self.by_order.dedup();
        self.parameters.sort();
        self.parameters.dedup();
        self.written.sort();
        self.written.dedup();
        self.changed.sort();
        self.changed.dedup();
        self.codes.sort();
        self.codes.dedup();
        self.findings.sort_by(|a, b| (a.start, a.end, &a.message).cmp(&(b.start, b.end, &b.message)));
        self.findings.dedup();
        self
    }
}

/// What a statement does to rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It makes them.
    Insert,
    /// It changes them.
    Update,
    /// It takes them away, one by one or all.
    Delete,
}

/// Where a name is that Postgres keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// It is a column of the outermost query.
    Outermost,
    /// It is that of a query of one call, which reads no rows: nothing can speak of it.
    Call,
    /// Within a query.
    Inner,
}

/// What stands behind `return`, or `return query`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Returned {
    /// Its first byte.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// It is a query, and no value.
    pub query: bool,
}

/// A name in a text and what it refers to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The first byte of the name, with its schema where that is written.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// What it refers to.
    pub target: Target,
}

/// What a name can refer to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A table, view or sequence; in a string where a `regclass` is wanted, too.
    Relation(Qualified),
    /// A column of a relation.
    Column(Qualified, SmolStr),
    /// All columns of a relation: `*`, or the row as a whole.
    Columns(Qualified),
    /// A function by its signature.
    Function(Qualified, SmolStr),
    /// A type.
    Type(Qualified),
    /// A label of an enum, as a literal with its quotes.
    Label(Qualified, SmolStr),
    /// A collation.
    Collation(Qualified),
    /// A text search configuration, in a string.
    Configuration(Qualified),
}

/// Rows that a body gives back.
#[derive(Clone, Debug)]
pub struct Given {
    /// The first byte of the statement.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// Its columns; `None` where they cannot be known.
    pub columns: Option<Vec<(SmolStr, Option<DataType>)>>,
    /// What is among them by `*`.
    pub stars: Stars,
}

/// An `insert … on conflict` that names a key.
#[derive(Clone, Debug)]
pub struct Conflict {
    /// The first byte of what it names.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// The table.
    pub relation: Qualified,
    /// What it names.
    pub target: ConflictTarget,
}

/// How `on conflict` names a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConflictTarget {
    /// By its columns, and whether a condition follows.
    Columns(Vec<SmolStr>, bool),
    /// By its name.
    Constraint(SmolStr),
}

/// Something wrong in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The first byte of what is wrong.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// Its kind.
    pub problem: Problem,
    /// In words.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// The kinds of [`Finding`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // named as what is said
pub enum Problem {
    UnknownRelation,
    UnknownColumn,
    UnknownFunction,
    UnknownType,
    UnknownLabel,
    UnknownVariable,
    Ambiguous,
    WrongArguments,
    WrongCount,
    Ungrouped,
    /// An `on conflict` that names no key.
    Conflict,
    /// `order by` beside `distinct`.
    Order,
    /// PL/pgSQL that cannot be read.
    Syntax,
    /// A `return` that does not fit the function, or rows that go nowhere.
    WrongReturn,
    /// An error that is handled or raised by a name or a code that is none.
    UnknownCondition,
    /// A variable that is declared twice.
    Twice,
    /// Both sides of a comparison are the same column of the same row.
    SameColumn,
    /// What cannot stand in this place.
    NotHere,
    /// Types that nothing takes together.
    Types,
    /// A value for a column that Postgres fills.
    Computed,
    /// A setting that is not there, or a value that it does not take.
    Setting,
    /// A word of Postgres's own in a literal or in quotes that is none.
    UnknownWord,
    /// A column of a view that no column can be.
    Unkept,
    UnknownSchema,
    /// A key by which nothing is found in a row.
    RowKey,
    /// A character that no text can hold.
    Character,
}
