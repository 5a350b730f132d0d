//! What is in sight: rows of a query, `with` queries, variables.

use crate::Stars;
use crate::environment::Column;
use smol_str::SmolStr;
use specc_catalog::{DataType, Qualified};

/// A type, where it is known.
pub(crate) type Ty = Option<DataType>;

/// A column in sight.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub name: SmolStr,
    pub ty: Ty,
    /// The column that it is, by its relation and its name there; none for one that a query computes.
    pub of: Option<(Qualified, SmolStr)>,
}

/// A row in sight.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// What it is called here.
    pub name: SmolStr,
    /// Its schema, where `schema.table.column` may be written.
    pub schema: Option<SmolStr>,
    /// The relation that it is a row of.
    pub relation: Option<Qualified>,
    /// Whether `name` is the relation's own name.
    pub own_name: bool,
    pub columns: Vec<Seen>,
    /// Whether these are all.
    pub complete: bool,
    /// Rows that only a name before the column reaches (`excluded`, `new`).
    pub named_only: bool,
    /// The type of the row as a whole, where it is of no relation.
    pub row: Ty,
    /// Of a query: the relations whose columns it has by `*`.
    pub stars: Stars,
}

impl Source {
    /// Of which nothing is known.
    pub(crate) fn open(name: SmolStr) -> Self {
        Self {
            name,
            schema: None,
            relation: None,
            own_name: false,
            columns: Vec::new(),
            complete: false,
            named_only: false,
            row: None,
            stars: Stars::default(),
        }
    }

    /// Adds what `*` stands for here.
    pub(crate) fn give_stars(&self, stars: &mut Stars) {
        match &self.relation {
            Some(relation) if self.stars.of.is_empty() => stars.of.push(relation.clone()),
            _ => stars.of.extend(self.stars.of.iter().cloned()),
        }
        stars.beside |= self.stars.beside;
    }

    pub(crate) fn column(&self, name: &str) -> Option<&Seen> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// Rows that came into sight together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Level {
    pub sources: Vec<Source>,
    /// Columns that `using` made one.
    pub merged: Vec<SmolStr>,
    /// `natural`: which columns are one is not followed.
    pub natural: bool,
    /// The windows that the query names; none where it is no query.
    pub windows: Option<Vec<SmolStr>>,
}

/// What a query gives.
#[derive(Clone, Debug, Default)]
pub(crate) struct Output {
    pub columns: Vec<(SmolStr, Ty)>,
    /// Whether these are all.
    pub complete: bool,
    /// What is among them by `*`.
    pub stars: Stars,
}

impl Output {
    pub(crate) fn open() -> Self {
        Self::default()
    }
}

/// What a variable holds.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// A value.
    Type(Ty),
    /// A row of one of these relations.
    Rows(Vec<Qualified>),
    /// Whatever is put into it: the place of the record in [`crate::walk::Walk::records`].
    Record(usize),
    /// A cursor with a query: the names of its parameters, and what the query gives.
    Cursor(Vec<SmolStr>, Output),
    /// Nothing is known.
    Open,
}

/// What a name means in PL/pgSQL that is a variable, and a column too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// Postgres refuses it where it runs.
    #[default]
    Error,
    /// The variable.
    Variable,
    /// The column.
    Column,
}

/// Variables that came into sight together, under a label.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    pub label: SmolStr,
    pub variables: Vec<(SmolStr, Shape)>,
    /// Those among them that keep their first value.
    pub constants: Vec<SmolStr>,
    /// It is a loop's.
    pub is_loop: bool,
}

/// What is known of a record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    /// Something that cannot be known is put into it.
    pub open: bool,
    /// Fields of everything that is put into it.
    pub fields: Vec<SmolStr>,
    /// Fields that are read: place and name.
    pub uses: Vec<(usize, usize, SmolStr)>,
}

/// The type of a row that is of no relation and of no composite type.
pub(crate) fn record() -> Ty {
    Some(DataType::builtin("record"))
}

/// Whether it is a row, or a list of them, that has no type of its own.
pub(crate) fn is_record(ty: &Ty) -> bool {
    ty.as_ref().is_some_and(|ty| ty.schema.is_empty() && ty.name == "record")
}

pub(crate) fn seen(relation: &Qualified, columns: &[Column]) -> Vec<Seen> {
    let of = |column: &Column| Some((relation.clone(), column.name.clone()));
    columns.iter().map(|c| Seen { name: c.name.clone(), ty: c.ty.clone(), of: of(c) }).collect()
}
