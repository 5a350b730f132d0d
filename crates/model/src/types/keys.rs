//! Keys, constraints, indexes, search and partitions.

use super::{Entity, EntityId, ExprRef, FieldIx, Meta, Qualified, Rls};
use smol_str::SmolStr;
use specc_diag::Span;
use specc_syntax::ast;

#[derive(Clone, Debug)]
pub struct Key {
    /// As given or by convention (`events_pkey`).
    pub name: SmolStr,
    pub doc: Option<SmolStr>,
    pub fields: Vec<FieldIx>,
    pub include: Vec<FieldIx>,
    pub deferrable: bool,
    pub initially_deferred: bool,
    pub span: Span,
}

/// A unique constraint over columns, or with `filter` or an expression a unique index.
#[derive(Clone, Debug)]
pub struct Unique {
    pub name: SmolStr,
    pub doc: Option<SmolStr>,
    pub elements: Vec<Element>,
    pub include: Vec<FieldIx>,
    pub filter: Option<ExprRef>,
    pub nulls_not_distinct: bool,
    pub deferrable: bool,
    pub initially_deferred: bool,
    pub span: Span,
}

impl Unique {
    /// It cannot be a constraint.
    pub fn is_index(&self) -> bool {
        self.filter.is_some() || self.elements.iter().any(|e| matches!(e.on, On::Expr(_)) || e.is_special())
    }
}

/// What no two rows have alike: a key, a unique constraint or a unique index.
#[derive(Clone, Debug)]
pub struct UniqueSet<'m> {
    pub name: &'m SmolStr,
    /// None where it has expressions.
    pub fields: Option<Vec<FieldIx>>,
    /// Only for rows of which this holds.
    pub filter: Option<&'m ExprRef>,
    pub deferrable: bool,
    /// Whether it is the key or a constraint, and no mere index.
    pub is_constraint: bool,
}

impl Entity {
    /// What is unique: the key first, then constraints, then indexes.
    pub fn unique_sets(&self) -> impl Iterator<Item = UniqueSet<'_>> {
        let fields = |elements: &[Element]| elements.iter().map(Element::field).collect();
        let key = self.key.iter().map(|key| UniqueSet {
            name: &key.name,
            fields: Some(key.fields.clone()),
            filter: None,
            deferrable: key.deferrable,
            is_constraint: true,
        });
        let uniques = self.uniques.iter().map(move |unique| UniqueSet {
            name: &unique.name,
            fields: fields(&unique.elements),
            filter: unique.filter.as_ref(),
            deferrable: unique.deferrable,
            is_constraint: !unique.is_index(),
        });
        let indexes = self.indexes.iter().filter(|index| index.unique).map(move |index| UniqueSet {
            name: &index.name,
            fields: fields(&index.elements),
            filter: index.filter.as_ref(),
            deferrable: false,
            is_constraint: false,
        });
        key.chain(uniques).chain(indexes)
    }
}

/// An element of an index, unique, exclusion or partition key.
#[derive(Clone, Debug)]
pub struct Element {
    pub on: On,
    pub collation: Option<Qualified>,
    pub opclass: Option<Qualified>,
    pub desc: bool,
    pub nulls_first: Option<bool>,
    pub span: Span,
}

impl Element {
    /// The field, unless it is an expression.
    pub fn field(&self) -> Option<FieldIx> {
        match self.on {
            On::Field(field) => Some(field),
            On::Expr(_) => None,
        }
    }

    /// Has something that only an index can have.
    pub fn is_special(&self) -> bool {
        self.collation.is_some() || self.opclass.is_some() || self.desc || self.nulls_first.is_some()
    }
}

#[derive(Clone, Debug)]
pub enum On {
    Field(FieldIx),
    Expr(ExprRef),
}

#[derive(Clone, Debug)]
pub struct Check {
    pub name: SmolStr,
    pub doc: Option<SmolStr>,
    pub expr: ExprRef,
    pub no_inherit: bool,
    pub not_valid: bool,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Exclude {
    pub name: SmolStr,
    pub doc: Option<SmolStr>,
    pub method: SmolStr,
    pub elements: Vec<(Element, SmolStr)>,
    pub filter: Option<ExprRef>,
    pub deferrable: bool,
    pub initially_deferred: bool,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Index {
    pub meta: Meta,
    pub name: SmolStr,
    pub unique: bool,
    pub method: SmolStr,
    pub elements: Vec<Element>,
    pub include: Vec<FieldIx>,
    pub filter: Option<ExprRef>,
    pub options: Vec<ast::Setting>,
    pub nulls_not_distinct: bool,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Search {
    /// The generated column (also among the entity's fields, with `generated` set by the model).
    pub field: FieldIx,
    /// Field and weight `A` to `D`.
    pub fields: Vec<(FieldIx, Option<char>)>,
    pub config: SmolStr,
    /// Of its GIN index.
    pub index_name: SmolStr,
}

#[derive(Clone, Debug)]
pub struct PartitionBy {
    pub method: SmolStr,
    pub elements: Vec<Element>,
    /// How partitions are made by the calendar.
    pub rolls: Option<Rolls>,
    pub span: Span,
}

/// Where the rows of a table are.
#[derive(Clone, Debug)]
pub struct Placement {
    pub home: Home,
    /// Nobody said so: it follows from what refers to what.
    pub derived: bool,
    pub span: Span,
}

/// The sorts of tables that Citus knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// On one of the servers, by the value of a column; beside the rows of another entity with the same value.
    By { field: FieldIx, with: Option<EntityId> },
    /// On every server.
    Reference,
    /// On the server that is asked.
    Local,
}

/// Partitions that are made, and taken away, by the calendar.
#[derive(Clone, Debug)]
pub struct Rolls {
    /// What divides.
    pub field: FieldIx,
    pub every: Every,
    /// For how long they stay: a number of units.
    pub keep: Option<(u32, Every)>,
    /// What becomes of older ones.
    pub then: Then,
    /// How many are made before they are needed.
    pub ahead: u32,
    pub span: Span,
}

/// A unit of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Every {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Every {
    pub const ALL: [Every; 5] = [Every::Day, Every::Week, Every::Month, Every::Quarter, Every::Year];

    /// The word in the language, which is the one of Postgres's `date_trunc`.
    pub fn word(self) -> &'static str {
        match self {
            Every::Day => "day",
            Every::Week => "week",
            Every::Month => "month",
            Every::Quarter => "quarter",
            Every::Year => "year",
        }
    }

    /// So many of them, as an interval.
    pub fn interval(self, number: u32) -> String {
        match self {
            Every::Quarter => format!("{} months", u64::from(number) * 3),
            other => format!("{number} {}s", other.word()),
        }
    }

    /// The least number of days that it has.
    pub fn days(self) -> u32 {
        match self {
            Every::Day => 1,
            Every::Week => 7,
            Every::Month => 28,
            Every::Quarter => 90,
            Every::Year => 365,
        }
    }
}

/// What becomes of a partition that is too old.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// It stands alone, where it is.
    Detach,
    /// It stands alone, in another schema.
    Archive(SmolStr),
    /// It goes, with its rows.
    Drop,
}

#[derive(Clone, Debug)]
pub struct Partition {
    pub name: Qualified,
    pub doc: Option<SmolStr>,
    pub bounds: Bounds,
    /// Where it is not as the entity's.
    pub rls: Option<Rls>,
    /// Instead of the entity's, where there are any.
    pub options: Vec<ast::Setting>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum Bounds {
    Range { from: Vec<ExprRef>, to: Vec<ExprRef> },
    List(Vec<ExprRef>),
    Hash { modulus: u32, remainder: u32 },
    Default,
}
