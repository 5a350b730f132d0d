//! Types while an expression is checked, and how one becomes another.

use crate::types::*;
use specc_facts::{Context, Spelled, TypeInfo, Volatility};

/// The type of a part of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ty {
    /// Cannot be known here: everything is accepted.
    Opaque,
    /// A literal `'…'`, or null: it takes the type that its place wants.
    Literal,
    /// Known.
    Known(Type),
}

impl Ty {
    pub(crate) fn builtin(name: &str) -> Self {
        Ty::Known(builtin(name))
    }

    pub(crate) fn is_opaque(&self) -> bool {
        *self == Ty::Opaque
    }

    /// The type for a model; what is not known there is [`Base::Unknown`].
    pub(crate) fn into_type(self) -> Type {
        match self {
            Ty::Known(ty) => ty,
            Ty::Opaque | Ty::Literal => Type { base: Base::Unknown, args: Vec::new(), dims: 0 },
        }
    }

    pub(crate) fn of(ty: &Type) -> Self {
        if ty.base == Base::Unknown { Ty::Opaque } else { Ty::Known(ty.clone()) }
    }
}

/// A built-in type, by the name that the model has for it.
pub(crate) fn builtin(name: &str) -> Type {
    Type { base: Base::Builtin(name.into()), args: Vec::new(), dims: 0 }
}

/// A type of the tables, as the model has it; `None` for those that are not one type.
pub(crate) fn from_table(spelled: Spelled) -> Option<Type> {
    let info = specc_facts::type_info(spelled.name)?;
    let mut ty = builtin(spelled.name);
    if info.extension != "-" {
        ty.base = Base::Named(Qualified { schema: Default::default(), name: info.name.into() });
    }
    ty.dims = u8::from(spelled.array);
    Some(ty)
}

/// What a type is to Postgres, without domains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Table(Spelled),
    Enum(EnumId, bool),
    /// A composite type or a row.
    Record(bool),
    /// Of an extension that is not in the tables.
    Other,
}

impl Key {
    pub(crate) fn is_array(self) -> bool {
        match self {
            Key::Table(s) => s.array,
            Key::Enum(_, array) | Key::Record(array) => array,
            Key::Other => false,
        }
    }

    /// What an array is made of.
    pub(crate) fn element(self) -> Option<Key> {
        match self {
            Key::Table(s) if s.array => Some(Key::Table(Spelled { array: false, ..s })),
            Key::Enum(id, true) => Some(Key::Enum(id, false)),
            Key::Record(true) => Some(Key::Record(false)),
            _ => None,
        }
    }

    pub(crate) fn info(self) -> Option<&'static TypeInfo> {
        match self {
            Key::Table(s) if !s.array => specc_facts::type_info(s.name),
            _ => None,
        }
    }

    pub(crate) fn category(self) -> u8 {
        match self {
            key if key.is_array() => b'A',
            Key::Table(s) => specc_facts::type_info(s.name).map_or(b'U', |i| i.category),
            Key::Enum(..) => b'E',
            Key::Record(_) => b'C',
            Key::Other => b'U',
        }
    }

    pub(crate) fn preferred(self) -> bool {
        self.info().is_some_and(|i| i.preferred)
    }

    fn is_text(self) -> bool {
        self.info().is_some_and(|i| i.category == b'S')
    }
}

/// What `ty` is to Postgres. An array of arrays is an array.
pub(crate) fn key(model: &Model, ty: &Type) -> Key {
    let mut array = ty.dims > 0;
    let mut base = &ty.base;
    for _ in 0..32 {
        let Base::Domain(id) = base else { break };
        let Some(domain) = model.domains.get(id.0 as usize) else { return Key::Other };
        array |= domain.base.dims > 0;
        base = &domain.base.base;
    }
    match base {
        Base::Builtin(name) => table_key(name, array),
        Base::Named(name) => table_key(&name.name, array),
        Base::Enum(id) => Key::Enum(*id, array),
        Base::Composite(_) | Base::Row(_) => Key::Record(array),
        Base::Domain(_) | Base::Unknown => Key::Other,
    }
}

fn table_key(name: &str, array: bool) -> Key {
    // Which fields an interval has is an argument of its type.
    let name = if name.starts_with("interval ") { "interval" } else { name };
    match specc_facts::type_info(name) {
        Some(info) => Key::Table(Spelled { name: info.name, array }),
        None => Key::Other,
    }
}

/// Whether Postgres takes a `from` where a `to` is wanted; true where that cannot be known.
pub(crate) fn coerces(from: Key, to: Key, context: Context) -> bool {
    if from == to || from == Key::Other || to == Key::Other {
        return true;
    }
    // By way of text: to text where it is stored, from text where a cast is written.
    let through_text =
        (context >= Context::Assignment && to.is_text()) || (context == Context::Explicit && from.is_text());
    if through_text {
        return true;
    }
    if let (Key::Table(a), Key::Table(b)) = (from, to)
        && let Some(cast) = specc_facts::cast(a, b)
    {
        return cast.context <= context;
    }
    match (from.element(), to.element()) {
        (Some(a), Some(b)) => coerces(a, b, context),
        _ => matches!((from, to), (Key::Record(false), Key::Record(false))),
    }
}

/// How volatile the cast is.
pub(crate) fn cast_volatility(from: Key, to: Key) -> Volatility {
    if from == to {
        return Volatility::Immutable;
    }
    if let (Key::Table(a), Key::Table(b)) = (from, to)
        && let Some(cast) = specc_facts::cast(a, b)
    {
        return cast.volatility;
    }
    match (from, to) {
        (from, to) if to.is_text() && (from.is_array() || matches!(from, Key::Enum(..))) => Volatility::Stable,
        (from, to) if from.is_text() && (to.is_array() || matches!(to, Key::Enum(..))) => Volatility::Stable,
        (from, to) if from.is_array() && to.is_array() => match (from.element(), to.element()) {
            (Some(a), Some(b)) => cast_volatility(a, b),
            _ => Volatility::Immutable,
        },
        (from, to) => match (from.info(), to.info()) {
            (Some(f), Some(_)) if to.is_text() => f.output,
            (Some(_), Some(t)) if from.is_text() => t.input,
            _ => Volatility::Immutable,
        },
    }
}

/// The type that `types` have in common, by Postgres's rules for `case`, `coalesce`, arrays and `union`: `Err` names two
/// that have none.
pub(crate) fn common(model: &Model, types: &[Ty]) -> Result<Ty, (usize, usize)> {
    if types.contains(&Ty::Opaque) {
        return Ok(Ty::Opaque);
    }
    let known: Vec<(usize, &Type)> =
        types.iter().enumerate().filter_map(|(i, t)| if let Ty::Known(t) = t { Some((i, t)) } else { None }).collect();
    let Some(&(mut at, mut best)) = known.first() else { return Ok(Ty::Literal) };
    if known.iter().all(|(_, t)| t.base == best.base && t.dims == best.dims) {
        let same = known.iter().all(|(_, t)| t.args == best.args);
        return Ok(Ty::Known(if same { best.clone() } else { Type { args: Vec::new(), ..best.clone() } }));
    }
    for &(i, next) in &known[1..] {
        let (a, b) = (key(model, best), key(model, next));
        if a == Key::Other || b == Key::Other {
            return Ok(Ty::Opaque);
        }
        if a == b {
            continue;
        }
        if a.category() != b.category() {
            return Err((at, i));
        }
        let forth = coerces(a, b, Context::Implicit);
        if !a.preferred() && forth && !coerces(b, a, Context::Implicit) {
            (at, best) = (i, next);
        } else if !forth && !coerces(b, a, Context::Implicit) {
            return Err((at, i));
        }
    }
    let goal = key(model, best);
    if let Some((i, _)) = known.iter().find(|(_, t)| !coerces(key(model, t), goal, Context::Implicit)) {
        return Err((at, *i));
    }
    let mut found = best.clone();
    found.args.clear();
    Ok(Ty::Known(found))
}

/// The type in the author's words.
pub(crate) fn describe(model: &Model, ty: &Type) -> String {
    let spell = |name: &Qualified| {
        if name.schema.is_empty() || name.schema == model.options.default_schema {
            name.name.to_string()
        } else {
            format!("{}.{}", name.schema, name.name)
        }
    };
    let mut text = match &ty.base {
        Base::Builtin(name) => name.to_string(),
        Base::Enum(id) => spell(&model.enums[id.0 as usize].name),
        Base::Domain(id) => spell(&model.domains[id.0 as usize].name),
        Base::Composite(id) => spell(&model.composites[id.0 as usize].name),
        Base::Row(id) => format!("a row of {}", spell(&model.entity(*id).name)),
        Base::Named(name) => name.name.to_string(),
        Base::Unknown => "unknown".to_owned(),
    };
    if !ty.args.is_empty() {
        let args: Vec<String> = ty.args.iter().map(i64::to_string).collect();
        text.push_str(&format!("({})", args.join(", ")));
    }
    if ty.dims > 0 {
        text.push_str("[]");
    }
    text
}
