//! What there is to be named.

use smol_str::SmolStr;
use specc_catalog::{DataType, Qualified};

/// What looking something up comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup<T> {
    /// It is there.
    Found(T),
    /// It surely is not there.
    Missing,
    /// It may be there.
    Unknown,
}

impl<T> Lookup<T> {
    /// What was found.
    pub fn found(self) -> Option<T> {
        match self {
            Lookup::Found(found) => Some(found),
            Lookup::Missing | Lookup::Unknown => None,
        }
    }
}

/// A column of a relation or a field of a type; its type where that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: SmolStr,
    /// Its type.
    pub ty: Option<DataType>,
}

/// Who gives a column its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filled {
    /// Whoever writes the row.
    ByAnyone,
    /// Numbers, unless an insert says `overriding`.
    ByNumbers,
    /// An expression over the row.
    ByExpression,
}

/// A table, view or sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Its name.
    pub name: Qualified,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Whether these are all.
    pub complete: bool,
    /// The columns of its primary key; empty where it has none or that is not known.
    pub key: Vec<SmolStr>,
}

/// A function or procedure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routine {
    /// Its name.
    pub name: Qualified,
    /// The types of its input parameters, as in the catalog's id.
    pub signature: SmolStr,
    /// All its parameters.
    pub params: Vec<Parameter>,
    /// The type of what it gives, where that is known and is one.
    pub returns: Option<DataType>,
    /// The columns of what it gives, where it names them: `returns table`, `out`.
    pub columns: Vec<Column>,
    /// The word for what it gives as a value, where that is of no type that a column can have: `record`, `void`.
    pub pseudo: SmolStr,
    /// Whether nothing can be said of its columns: `record`, or a type that is not known.
    pub opaque: bool,
    /// It gives many rows.
    pub set: bool,
    /// It is a procedure; none where that is not known.
    pub procedure: Option<bool>,
}

impl Routine {
    /// A function of which only the name is known.
    pub fn any(name: Qualified) -> Self {
        let all = Parameter {
            name: SmolStr::default(),
            ty: None,
            any: SmolStr::default(),
            mode: "variadic".into(),
            default: true,
        };
        Self {
            name,
            signature: SmolStr::default(),
            params: vec![all],
            returns: None,
            columns: Vec::new(),
            pseudo: SmolStr::default(),
            opaque: true,
            set: false,
            procedure: None,
        }
    }
}

/// A parameter of a [`Routine`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, or empty.
    pub name: SmolStr,
    /// Its type, where that is known.
    pub ty: Option<DataType>,
    /// The word for many types that stands for its type; empty for one type.
    pub any: SmolStr,
    /// `in`, `out`, `inout`, `variadic`.
    pub mode: SmolStr,
    /// Whether it can be left out.
    pub default: bool,
}

impl Parameter {
    /// Whether a call gives it.
    pub fn is_input(&self) -> bool {
        self.mode != "out"
    }
}

/// What there is: a spec that is being read, or a catalog. Names are as the catalog has them.
pub trait Environment {
    /// Schemas in which a name without one is looked for, `pg_catalog` left out.
    fn path(&self) -> &[SmolStr];
    /// Whether there is a schema of this name.
    fn schema(&self, _name: &str) -> Lookup<()> {
        Lookup::Unknown
    }
    /// What to write instead of a schema that is not there.
    fn instead_of_schema(&self, _name: &str) -> Option<String> {
        None
    }
    /// The relation of this name.
    fn relation(&self, schema: &str, name: &str) -> Lookup<Relation>;
    /// The functions of this name; those that Postgres brings are [`Lookup::Unknown`].
    fn functions(&self, schema: &str, name: &str) -> Lookup<Vec<Routine>>;
    /// The type of this name; in `pg_catalog` a built-in one by any of its names.
    fn data_type(&self, schema: &str, name: &str) -> Lookup<DataType>;
    /// The text search configuration of this name; those that Postgres brings are [`Lookup::Unknown`].
    fn configuration(&self, schema: &str, name: &str) -> Lookup<Qualified>;
    /// Whether an index may have this name.
    fn is_index(&self, name: &str) -> bool;
    /// The labels of a type, where it is an enum.
    fn labels(&self, schema: &str, name: &str) -> Option<Vec<SmolStr>>;
    /// The fields of a type, where it is the row of a relation or composite.
    fn fields(&self, schema: &str, name: &str) -> Option<Vec<Column>>;
    /// What a domain is made of, where the type is one.
    fn domain(&self, _schema: &str, _name: &str) -> Option<DataType> {
        None
    }
    /// Other schemas that have a relation or function of this name.
    fn elsewhere(&self, name: &str) -> Vec<SmolStr>;
    /// Whether something that is not read may make an object of this name.
    fn makes(&self, _name: &str) -> bool {
        true
    }
    /// Who gives a column of a table its value.
    fn filled(&self, _schema: &str, _table: &str, _column: &str) -> Filled {
        Filled::ByAnyone
    }
    /// Whether there may be operators or casts that Postgres does not bring.
    fn may_have_operators(&self) -> bool {
        true
    }
    /// A name like this one, for a suggestion: of a relation, or of a function.
    fn similar(&self, name: &str, function: bool) -> Option<SmolStr>;
}
