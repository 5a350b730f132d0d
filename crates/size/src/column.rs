//! What a column holds: what the spec says, or else what its type, its keys and its references tell.

use crate::distribution::{Skew, harmonic, part};
use crate::statistics::TARGET;
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{DataType, Qualified};
use specc_facts::Family;
use specc_model::{Base, Entity, EntityId, Field, FieldIx, Model, Relation, SizedColumn};

/// A column and how its values are distributed. Values have ranks from 1, the most frequent first: those of `shares` come
/// before all others.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: SmolStr,
    /// Its type.
    pub ty: DataType,
    /// The part of the rows in which it is null.
    pub nulls: f64,
    /// How many values there are, those of `shares` among them.
    pub distinct: u64,
    /// No two rows have the same.
    pub unique: bool,
    /// Bytes of a value, on average, its header among them.
    pub width: u32,
    /// With the order in which rows come, from -1 to 1; none: none but what few values give.
    pub correlation: Option<f64>,
    /// What they are.
    pub values: Values,
    /// How often those come that have no share of their own.
    pub skew: Skew,
    /// Values whose part is said.
    pub shares: Vec<Share>,
    /// How many of the most common values `ANALYZE` keeps.
    pub target: u64,
    /// How many values it is told that there are, over the whole table, as `n_distinct` has it.
    pub told: Option<f64>,
}

/// A value and its part of all rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// As Postgres reads it.
    pub value: SmolStr,
    /// From 0 to 1.
    pub part: f64,
}

/// What the values of a column are.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Whole numbers from 1.
    Counted,
    /// Those of a column of another table, or of this one.
    Of {
        /// The table.
        table: Qualified,
        /// Its column.
        column: SmolStr,
    },
    /// These.
    Listed(Vec<SmolStr>),
    /// Evenly between two values, which are SQL without names.
    Between {
        /// The lowest.
        low: SmolStr,
        /// The highest.
        high: SmolStr,
    },
    /// Without order or pattern: uuids and the like.
    Random,
    /// Texts.
    Words,
    /// Documents, vectors and what else is not compared.
    Opaque,
}

impl Column {
    /// The parts of all rows that have the values of `count` ranks from `first`, which is at least 1.
    pub fn frequencies(&self, first: u64, count: u64) -> impl Iterator<Item = f64> + '_ {
        let frequency = self.by_rank();
        (first..first.saturating_add(count)).map(frequency)
    }

    /// The part of all rows that have the value of a rank, from 1.
    pub(crate) fn by_rank(&self) -> impl Fn(u64) -> f64 + '_ {
        let named = self.shares.len() as u64;
        let others = self.distinct.saturating_sub(named);
        let said: f64 = self.shares.iter().map(|share| share.part).sum();
        let rest = (1.0 - self.nulls - said).max(0.0);
        let sum = match self.skew {
            Skew::Zipf(power) => harmonic(others, power),
            Skew::Uniform => 0.0,
        };
        move |rank| match rank.checked_sub(named + 1) {
            Some(other) => rest * part(self.skew, other + 1, others, sum),
            None => self.shares.get(rank as usize - 1).map_or(0.0, |share| share.part),
        }
    }

    /// The same of a part of a table that is divided, of whose statistics nothing is set.
    pub fn of_part(&self) -> Self {
        Self { target: TARGET, told: None, ..self.clone() }
    }

    /// The value of a rank where it can be told without asking anybody: a share, a label, a number.
    pub fn value(&self, rank: u64) -> Option<SmolStr> {
        let at = usize::try_from(rank.checked_sub(1)?).ok()?;
        if let Some(share) = self.shares.get(at) {
            return Some(share.value.clone());
        }
        match &self.values {
            Values::Listed(values) => {
                let others = values.iter().filter(|value| !self.shares.iter().any(|share| share.value == **value));
                others.clone().nth(at - self.shares.len()).cloned()
            }
            Values::Counted => Some(rank.to_string().into()),
            _ => None,
        }
    }
}

/// Rows in a hundred in which something is null that may be.
const USUAL_NULLS: f64 = 0.1;
/// In which a row is deleted where such rows stay.
const USUAL_DELETED: f64 = 0.05;
/// Days of a date of which nothing is said.
const USUAL_DAYS: u64 = 730;
/// Values of a number of which nothing is said.
const USUAL_NUMBERS: u64 = 1_000;

pub(crate) fn column(
    model: &Model,
    env: Option<&str>,
    entity: Option<EntityId>,
    rows: u64,
    column: &specc_catalog::Column,
) -> Column {
    let found = entity.map(|id| model.entity(id)).and_then(|e| Some((e, e.field(&column.name)?)));
    let said = found.and_then(|(entity, at)| model.sized_column(env, entity.id, at));
    let said = said.as_ref();
    let field = found.map(|(entity, at)| &entity.fields[at]);
    let unique = found.is_some_and(|(entity, at)| is_unique(entity, at));
    let hides = field.and_then(|f| f.mixin.as_ref()).is_some_and(|mixin| mixin == "soft_delete");
    let usual_nulls = match column.nullable {
        true if hides => 1.0 - USUAL_DELETED,
        true => USUAL_NULLS,
        false => 0.0,
    };
    let nulls = said.and_then(|said| said.nulls).unwrap_or(usual_nulls);
    let referred = found.and_then(|(entity, at)| referred(model, entity, at));
    let values = values(model, field, referred, column, unique, said);
    let skew = said.and_then(|said| said.skew).unwrap_or_else(|| counted_skew(model, env, entity, field));
    let shares: Vec<Share> = said
        .map(|said| said.shares.iter().map(|(value, part)| Share { value: value.clone(), part: *part }).collect())
        .unwrap_or_default();
    let there = ((rows as f64) * (1.0 - nulls)).round() as u64;
    let usual = match (&values, family(column)) {
        _ if unique => there,
        (Values::Listed(list), _) => list.len() as u64,
        (Values::Of { .. }, _) => referred.map_or(there, |(relation, _)| model.rows_of(env, relation.to)),
        // Two years of days.
        (_, Family::Moment) if column.ty.name == "date" => USUAL_DAYS,
        (_, Family::Integer | Family::Decimal | Family::Float) => USUAL_NUMBERS,
        _ => there,
    };
    // A value that nobody has is none; those with a share are there.
    let most = if unique { there } else { there.min(usual) };
    let distinct =
        said.and_then(|said| said.distinct).unwrap_or(most).min(there).min(held(column)).max(shares.len() as u64);
    let distinct = distinct.max(1);
    let set = column.statistics.as_deref();
    let grows = matches!(values, Values::Counted) && unique || is_stamp(field);
    Column {
        name: column.name.clone(),
        ty: column.ty.clone(),
        nulls,
        distinct,
        unique,
        width: said
            .and_then(|said| said.width)
            .map_or_else(|| usual_width(model, column), |bytes| bytes + header(column)),
        correlation: said.and_then(|said| said.correlation).or(grows.then_some(1.0)),
        values,
        skew,
        shares,
        target: set.and_then(|set| set.target).map_or(TARGET, u64::from),
        told: set.and_then(|set| set.inherited.or(set.distinct)),
    }
}

/// How many numbers a column has that are counted from 1.
fn held(column: &specc_catalog::Column) -> u64 {
    let bytes = specc_facts::fixed_length(&column.ty.name).filter(|_| family(column) == Family::Integer);
    bytes.map_or(u64::MAX, |(bytes, _)| u64::MAX >> (65 - 8 * bytes.min(8)))
}

/// The reference that a column is, or else one that it is a part of, and its place in that.
fn referred<'m>(model: &'m Model, entity: &Entity, field: FieldIx) -> Option<(&'m Relation, usize)> {
    if let Some(relation) = entity.fields[field].relation {
        return Some((model.relation(relation), 0));
    }
    let mut outgoing = entity.outgoing.iter().map(|id| model.relation(*id));
    outgoing.find_map(|relation| Some((relation, relation.fields.iter().position(|own| *own == field)?)))
}

/// Alone in a key or in what is unique.
fn is_unique(entity: &Entity, at: FieldIx) -> bool {
    entity.unique_sets().any(|set| set.filter.is_none() && set.fields.as_deref() == Some(&[at]))
}

/// How rows are shared out among those that a size counts by.
fn counted_skew(model: &Model, env: Option<&str>, entity: Option<EntityId>, field: Option<&Field>) -> Skew {
    let count = entity.and_then(|id| model.size_of(env, id)).map(|size| size.count);
    match (count, field.and_then(|field| field.relation)) {
        (Some(specc_model::Count::Per { relation, skew, .. }), Some(own)) if relation == own => skew,
        _ => Skew::Uniform,
    }
}

/// The time at which the row came.
fn is_stamp(field: Option<&Field>) -> bool {
    let Some(default) = field.and_then(|field| field.default.as_ref()) else { return false };
    matches!(
        &*default.text.to_lowercase(),
        "now()" | "current_timestamp" | "clock_timestamp()" | "transaction_timestamp()"
    )
}

fn family(column: &specc_catalog::Column) -> Family {
    if column.ty.dims > 0 || !column.ty.schema.is_empty() {
        Family::Other
    } else {
        specc_facts::family(&column.ty.name)
    }
}

fn values(
    model: &Model,
    field: Option<&Field>,
    referred: Option<(&Relation, usize)>,
    column: &specc_catalog::Column,
    unique: bool,
    said: Option<&SizedColumn>,
) -> Values {
    if let Some((low, high)) = said.and_then(|said| said.between.as_ref()) {
        return Values::Between { low: low.text.clone(), high: high.text.clone() };
    }
    if let Some((relation, at)) = referred {
        let to = model.entity(relation.to);
        let table = Qualified::new(to.name.schema.clone(), to.name.name.clone());
        return Values::Of { table, column: to.fields[relation.to_fields[at]].name.clone() };
    }
    if column.ty.dims > 0 {
        return Values::Opaque;
    }
    if let Some(Base::Enum(id)) = field.map(|field| &field.ty.base) {
        return Values::Listed(model.enums[id.0 as usize].labels.iter().map(|label| label.name.clone()).collect());
    }
    match (family(column), &*column.ty.name) {
        (Family::Boolean, _) => Values::Listed(vec!["true".into(), "false".into()]),
        (Family::Integer, _) if unique || column.identity.is_some() => Values::Counted,
        (Family::Integer | Family::Decimal | Family::Float, _) => {
            let most = usual_most(&column.ty.args);
            let count =
                said.and_then(|said| said.distinct).filter(|count| column.ty.args.is_empty() && *count > USUAL_NUMBERS);
            Values::Between { low: "0".into(), high: count.map_or(most, |count| format_smolstr!("{count}")) }
        }
        (Family::Uuid, _) => Values::Random,
        (Family::Moment, _) => {
            let (low, high) = if is_stamp(field) { ("2 years", "0") } else { ("1 year", "1 year") };
            let text = |sign: char, span: &str| match span {
                "0" => format!("now()::{}", column.ty.name),
                span => format!("(now() {sign} interval '{span}')::{}", column.ty.name),
            };
            Values::Between { low: text('-', low).into(), high: text('+', high).into() }
        }
        (Family::Text, _) => Values::Words,
        _ => Values::Opaque,
    }
}

/// The highest of numbers of which nothing is said: a thousand, or what has room in so many digits.
fn usual_most(digits: &[i64]) -> SmolStr {
    let room = digits.first().map_or(4, |all| all - digits.get(1).copied().unwrap_or(0));
    match room {
        ..1 => "0".into(),
        1..4 => (10i64.pow(room as u32) - 1).to_string().into(),
        _ => "1000".into(),
    }
}

/// Bytes before a value of no fixed length.
fn header(column: &specc_catalog::Column) -> u32 {
    let fixed = column.ty.dims == 0 && fixed_width(&column.ty.name).is_some();
    u32::from(!fixed)
}

/// Bytes of a type that has a fixed number of them.
pub(crate) fn fixed_width(name: &str) -> Option<u32> {
    specc_facts::fixed_length(name).map(|(length, _)| length)
}

/// Beyond this a value is stored beside the table, and a pointer stays.
pub const TOASTED: u32 = 2_000;
/// What stays of it.
pub const POINTER: u32 = 18;

fn usual_width(model: &Model, column: &specc_catalog::Column) -> u32 {
    let ty = &column.ty;
    if ty.dims > 0 {
        return 48;
    }
    if !ty.schema.is_empty() {
        let is_enum = model.enums.iter().any(|e| e.name.schema == ty.schema && e.name.name == ty.name);
        return if is_enum { 4 } else { named_width(&ty.name, &ty.args) };
    }
    match specc_facts::family(&ty.name) {
        Family::Text => ty.args.first().map_or(24, |most| (*most as u32 / 2).clamp(1, 24)) + 1,
        Family::Decimal => 8,
        Family::Json => 160,
        Family::Bytes => 128,
        Family::Search => 240,
        _ => fixed_width(&ty.name).unwrap_or_else(|| named_width(&ty.name, &ty.args)),
    }
}

/// Types of extensions.
fn named_width(name: &str, args: &[i64]) -> u32 {
    let length = args.first().copied().unwrap_or(256).max(0) as u32;
    match name {
        "vector" => 8 + 4 * length,
        "halfvec" => 8 + 2 * length,
        _ => 32,
    }
}
