//! Words that stand in literals and in quotes, and mean something of Postgres's own: fields of a moment, time zones,
//! collations, and what searches texts.

use crate::table::unmarked;
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::LazyLock;

/// What a field of a moment is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldUse {
    /// `extract`, `date_part`
    Extract,
    /// `date_trunc`
    Truncate,
}

static FIELDS: LazyLock<FxHashMap<&'static str, &'static str>> =
    LazyLock::new(|| include_str!("../data/fields.txt").lines().filter_map(|line| line.split_once(' ')).collect());

/// Whether a field of this name is there for a type, of which nothing may be known. What one version takes is taken.
pub fn is_field(name: &str, ty: Option<&str>, of: FieldUse) -> bool {
    let letter = if of == FieldUse::Extract { "x" } else { "t" };
    // A day is cut as a moment, a time as an interval.
    let ty = match (ty, of) {
        (Some("date"), FieldUse::Truncate) => Some("timestamptz"),
        (Some("time"), FieldUse::Truncate) => Some("interval"),
        _ => ty,
    };
    let known = ty.is_none_or(|ty| matches!(ty, "date" | "timestamp" | "timestamptz" | "time" | "timetz" | "interval"));
    let Some(words) = FIELDS.get(&*name.to_ascii_lowercase()) else { return !known };
    words.split(' ').map(unmarked).any(|word| {
        word.split_once(':').is_some_and(|(kind, of)| kind == letter && (!known || ty.is_none_or(|ty| ty == of)))
    })
}

/// The names of fields that are written in full.
pub fn field_names() -> impl Iterator<Item = &'static str> {
    let mut names: Vec<&'static str> = FIELDS.keys().copied().filter(|name| name.len() > 2).collect();
    names.sort_unstable();
    names.into_iter()
}

/// A place with a time of its own that is written like this one, where this one is no such place. A system may know
/// places that are newer than the table: only what is almost one of the table is refused.
pub fn zone_meant(written: &str) -> Option<&'static str> {
    static ZONES: LazyLock<Vec<&'static str>> =
        LazyLock::new(|| include_str!("../data/zones.txt").lines().map(unmarked_name).collect());
    if !written.contains('/') || ZONES.iter().any(|zone| zone.eq_ignore_ascii_case(written)) {
        return None;
    }
    let same = |zone: &&&str| {
        zone.len().abs_diff(written.len()) <= 1 && one_apart(&zone.to_ascii_lowercase(), &written.to_ascii_lowercase())
    };
    ZONES.iter().find(same).copied()
}

fn unmarked_name(line: &'static str) -> &'static str {
    line.split(' ').next().unwrap_or_default()
}

/// Whether one letter more, less or another makes one of the other.
fn one_apart(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[same..], &b[same..]);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    a.len() - end <= 1 && b.len() - end <= 1
}

/// Which argument of a function that gets so many names a time zone.
pub fn zone_argument(function: &str, count: usize) -> Option<usize> {
    match (function, count) {
        ("timezone", 2) => Some(0),
        ("date_trunc" | "date_add" | "date_subtract", 3) => Some(2),
        ("generate_series", 4) => Some(3),
        ("make_timestamptz", 7) => Some(6),
        _ => None,
    }
}

/// Whether a collation of this name may be there: Postgres has it, or a library of the system may bring it.
pub fn may_be_collation(name: &str) -> bool {
    let own = include_str!("../data/collations.txt").lines().any(|line| unmarked_name(line) == name);
    // `de_DE`, `en_US.utf8`, `sr_RS@latin`, `de-x-icu`, and the few languages without a country.
    own || name.contains(['_', '.', '@', '-']) || matches!(name, "eo" | "ia" | "tok" | "posix")
}

/// What searches texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Searching {
    /// A configuration, such as `english`.
    Configuration,
    /// A dictionary, such as `english_stem`.
    Dictionary,
    /// A parser: `default`.
    Parser,
}

/// Whether Postgres brings this one.
pub fn searches(what: Searching, name: &str) -> bool {
    static ALL: LazyLock<FxHashSet<(&'static str, &'static str)>> = LazyLock::new(|| {
        let lines = include_str!("../data/search.txt").lines();
        lines.flat_map(|line| line.split(' ').skip(1).map(|kind| (unmarked_name(line), unmarked(kind)))).collect()
    });
    ALL.contains(&(name, letter(what)))
}

/// The names of those that Postgres brings.
pub fn searching(what: Searching) -> impl Iterator<Item = &'static str> {
    let lines = include_str!("../data/search.txt").lines();
    let is = move |line: &&'static str| line.split(' ').skip(1).any(|kind| unmarked(kind) == letter(what));
    lines.filter(is).map(unmarked_name)
}

fn letter(what: Searching) -> &'static str {
    match what {
        Searching::Configuration => "c",
        Searching::Dictionary => "d",
        Searching::Parser => "p",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_zones_and_names() {
        assert!(is_field("YEAR", Some("timestamptz"), FieldUse::Extract) && is_field("dow", None, FieldUse::Extract));
        assert!(!is_field("yeer", None, FieldUse::Extract) && !is_field("dow", None, FieldUse::Truncate));
        assert!(
            !is_field("hour", Some("date"), FieldUse::Extract) && is_field("hour", Some("date"), FieldUse::Truncate)
        );
        assert!(is_field("anything", Some("text"), FieldUse::Extract));
        assert_eq!(zone_meant("Europe/Berlinn"), Some("Europe/Berlin"));
        assert_eq!(zone_meant("America/New York"), Some("America/New_York"));
        for name in ["europe/berlin", "UTC", "America/Atlantis", "XXX3", "+02"] {
            assert_eq!(zone_meant(name), None, "{name}");
        }
        assert!(may_be_collation("C") && may_be_collation("en_US.utf8") && !may_be_collation("xx"));
        assert!(searches(Searching::Configuration, "english") && !searches(Searching::Configuration, "englich"));
        assert!(searches(Searching::Dictionary, "simple") && searches(Searching::Parser, "default"));
    }
}
