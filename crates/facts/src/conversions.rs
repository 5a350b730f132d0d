//! What a change of a column's type does to its values.

use crate::casts::{Context, cast};
use crate::names::LONGEST_NAME;
use crate::table::{Spelled, lines, unmarked};
use crate::types::{Family, TypeInfo, family, limited_without_length, type_info};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::LazyLock;

/// What becomes of values that go to another type as `alter column type` takes them there. Neither: every value stays equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conversion {
    /// Some values are changed in silence.
    pub lossy: bool,
    /// Some values raise an error.
    pub failing: bool,
}

impl Conversion {
    /// Every value stays equal.
    pub const EXACT: Self = Self { lossy: false, failing: false };
    /// Nothing is known of it.
    pub const ANY: Self = Self { lossy: true, failing: true };
    const LOSSY: Self = Self { lossy: true, failing: false };
    const FAILING: Self = Self { lossy: false, failing: true };

    /// One after the other.
    pub fn and(self, other: Self) -> Self {
        Self { lossy: self.lossy || other.lossy, failing: self.failing || other.failing }
    }
}

/// By source and target, without limits, where Postgres takes one to the other without being told how.
static CONVERSIONS: LazyLock<FxHashMap<(Spelled, Spelled), Conversion>> = LazyLock::new(|| {
    let mut all: FxHashMap<(Spelled, Spelled), Conversion> = FxHashMap::default();
    for (_, source, words) in lines(include_str!("../data/conversions.txt")) {
        for word in words {
            let Some((how, target)) = unmarked(word).split_once(':') else { continue };
            // Where the versions differ, what either does may happen.
            let both = all.entry((Spelled::of(source), Spelled::of(target))).or_default();
            *both = both.and(Conversion { lossy: how.contains('l'), failing: how.contains('f') });
        }
    }
    all
});

/// Whether the type is one of those between which the servers were asked.
fn is_tried(ty: Spelled) -> bool {
    static TRIED: LazyLock<FxHashSet<Spelled>> = LazyLock::new(|| CONVERSIONS.keys().map(|pair| pair.0).collect());
    TRIED.contains(&ty)
}

/// A type without dimensions: canonical name, and what stands in its parentheses.
#[derive(Clone, Copy, Debug)]
pub struct Limited<'a> {
    /// The name.
    pub name: &'a str,
    /// Length, precision and scale.
    pub args: &'a [i64],
}

impl Limited<'_> {
    /// The type without its limit.
    fn bare(&self) -> Option<&'static TypeInfo> {
        type_info(if family(self.name) == Family::Interval { "interval" } else { self.name })
    }

    /// Its first limit.
    fn limit(&self) -> Option<i64> {
        self.args.first().copied().or(limited_without_length(self.name).then_some(1))
    }

    fn scale(&self) -> i64 {
        self.args.get(1).copied().unwrap_or(0)
    }
}

/// What becomes of the values, or none where Postgres refuses `alter column type` unless it is told how.
pub fn conversion(from: Limited<'_>, to: Limited<'_>) -> Option<Conversion> {
    let (a, b) = match (from.bare(), to.bare()) {
        (Some(a), Some(b)) => (a, b),
        _ if from.name == to.name => {
            return Some(if from.args == to.args { Conversion::EXACT } else { Conversion::ANY });
        }
        _ => return Some(Conversion::ANY),
    };
    let spelled = |info: &TypeInfo| Spelled { name: info.name, array: false };
    let base = if a.name == b.name {
        Conversion::EXACT
    } else if let Some(known) = CONVERSIONS.get(&(spelled(a), spelled(b))) {
        within(from, a, b, *known)
    } else if is_tried(spelled(a)) && is_tried(spelled(b)) {
        return None;
    } else {
        let text = b.category == b'S';
        let cast = cast(spelled(a), spelled(b)).filter(|cast| cast.everywhere && cast.context != Context::Explicit);
        match cast {
            Some(cast) if cast.binary => Conversion::EXACT,
            None if !text => return None,
            _ => Conversion::ANY,
        }
    };
    Some(base.and(limit(from, a, to, b)))
}

/// What becomes of arrays and composite values that are written out, at any length.
pub fn from_long_text(to: Limited<'_>) -> Conversion {
    match to.limit() {
        _ if to.name == "name" => Conversion::LOSSY,
        Some(_) => Conversion::FAILING,
        None => Conversion::EXACT,
    }
}

/// What becomes of labels.
pub fn from_labels<'l>(labels: impl IntoIterator<Item = &'l str>, to: Limited<'_>) -> Conversion {
    let Some(most) = to.limit() else { return Conversion::EXACT };
    let long = labels.into_iter().filter(|label| label.chars().count() as i64 > most);
    // Blanks at the end are cut.
    long.fold(Conversion::EXACT, |all, label| all.and(Conversion { lossy: label.ends_with(' '), failing: true }))
}

/// What is known of a conversion, where the limit of the type before leaves less to go wrong.
fn within(from: Limited<'_>, a: &TypeInfo, b: &TypeInfo, known: Conversion) -> Conversion {
    let (kind, scale) = (family(b.name), from.scale());
    match (a.name, from.limit()) {
        ("numeric", Some(_)) if kind == Family::Integer => Conversion { lossy: scale > 0, ..known },
        // As many digits as every such number has.
        ("numeric", Some(precision)) if kind == Family::Float => {
            let (digits, exponent) = if b.name == "real" { (6, 37) } else { (15, 307) };
            Conversion { lossy: precision > digits, failing: scale > exponent || precision - scale > exponent }
        }
        ("numeric", Some(_)) if kind == Family::Money => Conversion { lossy: scale > 2, ..known },
        // The last moment is rounded to one that only this type takes.
        ("timestamp" | "timestamptz", Some(digits)) if digits < 6 && matches!(b.name, "timestamp" | "timestamptz") => {
            known.and(Conversion::FAILING)
        }
        _ => match longest_text(from, a) {
            // A name is as long in bytes.
            Some(length) if b.name == "name" && length * widest(a) <= LONGEST_NAME as i64 => Conversion::EXACT,
            _ => known,
        },
    }
}

/// How many bytes a character takes at most.
fn widest(info: &TypeInfo) -> i64 {
    if family(info.name) == Family::Text { 4 } else { 1 }
}

/// How many characters a value has at most when it is written out.
fn longest_text(from: Limited<'_>, info: &TypeInfo) -> Option<i64> {
    if family(info.name) == Family::Text {
        return from.limit();
    }
    Some(match info.name {
        "numeric" => from.limit()? + from.scale().abs() + 3,
        "real" => 15,
        "double precision" => 24,
        "date" => 16,
        "time" => 15,
        "timetz" => 24,
        "timestamp" => 32,
        "timestamptz" => 41,
        "money" => 40,
        "inet" | "cidr" => 43,
        "interval" => match unit(from, info) {
            1 => 16,
            2 => 24,
            3 => 41,
            4..=SECOND => 59,
            digits => 60 + digits - SECOND,
        },
        "boolean" => 5,
        "smallint" => 6,
        "oid" | "xid" | "cid" => 10,
        "int" => 11,
        "macaddr" => 17,
        "bigint" | "xid8" => 20,
        "macaddr8" => 23,
        "uuid" => 36,
        "bit" | "varbit" => from.limit()?,
        _ => return None,
    })
}

/// What the limit of a type does to values that come from another one.
fn limit(from: Limited<'_>, a: &TypeInfo, to: Limited<'_>, b: &TypeInfo) -> Conversion {
    let Some(most) = to.limit() else { return finest(from, a, to, b) };
    let same = a.name == b.name;
    match (b.name, family(b.name)) {
        ("numeric", _) => {
            let (whole, scale) = match (family(a.name), a.name, from.limit()) {
                (Family::Integer, "smallint", _) => (5, 0),
                (Family::Integer, "int", _) => (10, 0),
                (Family::Integer, ..) => (19, 0),
                (Family::Money, ..) => (17, 2),
                (_, "numeric", Some(precision)) => (precision - from.scale(), from.scale()),
                _ => return Conversion::ANY,
            };
            // A number that is rounded may get a digit more.
            let rounded = i64::from(to.scale() < scale);
            Conversion { lossy: to.scale() < scale, failing: whole + rounded > most - to.scale() }
        }
        (_, Family::Text) => {
            if longest_text(from, a).is_some_and(|length| length <= most) {
                return Conversion::EXACT;
            }
            // Blanks at the end are cut, where they are not nothing anyway.
            let blanks = family(a.name) == Family::Text && a.name != "char" || matches!(a.name, "json" | "xml");
            Conversion { lossy: blanks, failing: true }
        }
        ("bit", _) if same && from.limit() == Some(most) => Conversion::EXACT,
        ("varbit", _) if from.limit().is_some_and(|length| length <= most) => Conversion::EXACT,
        (_, Family::Bits) => Conversion::FAILING,
        (_, Family::Moment | Family::Time | Family::Interval) => finest(from, a, to, b),
        _ if same && from.args == to.args => Conversion::EXACT,
        _ => Conversion::FAILING,
    }
}

/// What a limit to whole units or fewer digits of seconds does to a time: it rounds.
fn finest(from: Limited<'_>, a: &TypeInfo, to: Limited<'_>, b: &TypeInfo) -> Conversion {
    let (old, new) = (unit(from, a), unit(to, b));
    match family(b.name) {
        // What is rounded at the ends of what it holds has no place in it.
        Family::Interval if new < old && new >= SECOND && a.name == b.name => Conversion::ANY,
        Family::Moment | Family::Time | Family::Interval if new < old => Conversion::LOSSY,
        _ => Conversion::EXACT,
    }
}

/// Whole seconds.
const SECOND: i64 = 6;

/// The finest that a type tells apart: years, months, days, hours, minutes, seconds, and then each digit of them.
fn unit(of: Limited<'_>, info: &TypeInfo) -> i64 {
    let fields = of.name.strip_prefix("interval ").unwrap_or_default();
    let last = fields.rsplit(' ').next().unwrap_or_default();
    match last {
        _ if info.name == "date" => 3,
        "year" => 1,
        "month" => 2,
        "day" => 3,
        "hour" => 4,
        "minute" => 5,
        _ => SECOND + of.args.first().copied().unwrap_or(6),
    }
}
