//! Checks as typed formulas over the columns of one row, for those who say them in another language.
//!
//! A check is a list of conditions that all have to hold (none of them may be false). Each is read by itself, so that one that
//! another language cannot say does not hide the others.

mod null;
mod read;

pub use null::Truths;

use smol_str::SmolStr;
use specc_catalog::DataType;
use specc_facts::Family;

/// What sort of values a part of a check has, as far as comparing them goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // named after the types
pub enum Sort {
    Text,
    /// `char(n)`: blanks at the end do not count.
    Padded,
    Integer,
    Decimal,
    Float,
    Boolean,
    Date,
    Timestamp,
    Timestamptz,
    Time,
    Uuid,
    Enum,
    Json,
    Array,
    /// Anything else: only whether it is null is known.
    Other,
}

impl Sort {
    /// The sort of a type that is no domain.
    pub fn of(ty: &DataType, is_enum: bool) -> Self {
        if ty.dims > 0 {
            return Sort::Array;
        }
        if is_enum {
            return Sort::Enum;
        }
        if !ty.schema.is_empty() {
            return Sort::Other;
        }
        match (specc_facts::family(&ty.name), ty.name.as_str()) {
            (Family::Text, "text" | "varchar") => Sort::Text,
            (Family::Text, "char" | "bpchar") => Sort::Padded,
            (Family::Integer, _) => Sort::Integer,
            (Family::Decimal, _) => Sort::Decimal,
            (Family::Float, _) => Sort::Float,
            (Family::Boolean, _) => Sort::Boolean,
            (Family::Moment, "date") => Sort::Date,
            (Family::Moment, "timestamp") => Sort::Timestamp,
            (Family::Moment, "timestamptz") => Sort::Timestamptz,
            (Family::Time, "time") => Sort::Time,
            (Family::Uuid, _) => Sort::Uuid,
            (Family::Json, _) => Sort::Json,
            _ => Sort::Other,
        }
    }

    /// Whether it is a number.
    pub fn is_number(self) -> bool {
        matches!(self, Sort::Integer | Sort::Decimal | Sort::Float)
    }

    /// Whether its order is the same wherever it is asked for.
    fn is_ordered(self) -> bool {
        self.is_number()
            || matches!(self, Sort::Date | Sort::Timestamp | Sort::Timestamptz | Sort::Time | Sort::Uuid | Sort::Enum)
    }
}

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Formula {
    /// Each of them.
    All(Vec<Formula>),
    /// At least one of them.
    Any(Vec<Formula>),
    /// The contrary.
    Not(Box<Formula>),
    /// A truth value that is written.
    Constant(bool),
    /// The column is null.
    IsNull(SmolStr),
    /// The condition is true, and neither false nor null.
    IsTrue(Box<Formula>),
    /// The boolean column's own value.
    Holds(SmolStr),
    /// Both values are of this sort.
    Compare(Sort, Value, Comparison, Value),
    /// The value is one of these.
    OneOf(Sort, Value, Vec<Value>),
    /// A regular expression of Postgres; `folded`: letters are equal to their other case.
    Matches {
        /// The text that is looked at.
        value: Value,
        /// The expression, as Postgres reads it.
        pattern: SmolStr,
        /// Whether case counts.
        folded: bool,
    },
    /// `like`, with the backslash before what stands for itself.
    Like(Value, SmolStr),
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Comparison {
    Eq,
    NotEq,
    Lt,
    LtEq,
    Gt,
    GtEq,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// That of a column.
    Column(SmolStr),
    /// A text in quotes, of whatever sort.
    Text(SmolStr),
    /// A number, as it is written.
    Number(SmolStr),
    /// `length()`: characters.
    Length(Box<Value>),
    /// `octet_length()`: bytes.
    Octets(Box<Value>),
    /// Without the blanks at its beginning, at its end, or both.
    Trimmed(Box<Value>, bool, bool),
    /// `cardinality()`: the items of an array of any dimensions.
    Items(SmolStr),
    /// `jsonb_typeof()`.
    JsonType(SmolStr),
}

/// A condition of a check that is no [`Formula`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beyond {
    /// It, as messages show it; it is not to be run.
    pub sql: String,
    /// Why.
    pub why: String,
    /// Of `column like other::text || '/%'`: the column, and the columns and texts that its pattern is put together from.
    pub composed: Option<(SmolStr, Vec<Value>)>,
}

/// The conditions of a check, of which none may be false; `sort` gives the sort of a column.
pub fn conditions(check: &str, sort: &dyn Fn(&str) -> Sort) -> Vec<Result<Formula, Beyond>> {
    read::conditions(check, sort)
}

impl Formula {
    /// The columns that it reads, sorted.
    pub fn columns(&self) -> Vec<SmolStr> {
        let mut all = Vec::new();
        self.each(&mut |column| all.push(column.clone()));
        all.sort();
        all.dedup();
        all
    }

    fn each(&self, see: &mut dyn FnMut(&SmolStr)) {
        match self {
            Formula::All(list) | Formula::Any(list) => list.iter().for_each(|one| one.each(see)),
            Formula::Not(one) | Formula::IsTrue(one) => one.each(see),
            Formula::Constant(_) => {}
            Formula::IsNull(column) | Formula::Holds(column) => see(column),
            Formula::Compare(_, a, _, b) => {
                a.each(see);
                b.each(see);
            }
            Formula::OneOf(_, value, list) => {
                value.each(see);
                list.iter().for_each(|one| one.each(see));
            }
            Formula::Matches { value, .. } | Formula::Like(value, _) => value.each(see),
        }
    }
}

impl Value {
    fn each(&self, see: &mut dyn FnMut(&SmolStr)) {
        match self {
            Value::Column(name) | Value::Items(name) | Value::JsonType(name) => see(name),
            Value::Text(_) | Value::Number(_) => {}
            Value::Length(inner) | Value::Octets(inner) | Value::Trimmed(inner, ..) => inner.each(see),
        }
    }
}
