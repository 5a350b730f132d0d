//! Types: names, families, equality, lengths.

use crate::functions::Volatility;
use crate::names::beyond;
use crate::table::{Spelled, lines, type_name, unmarked};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::LazyLock;

/// What `=` says about two values of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Equality {
    /// There is no `=`.
    None,
    /// Some measure of them is equal: areas, lengths, numbers of points.
    Measure,
    /// They are the same value, which may be written in several ways.
    Value,
    /// They are the same in every way.
    Identity,
}

/// What is known of a type.
#[derive(Clone, Copy, Debug)]
pub struct TypeInfo {
    /// The canonical name.
    pub name: &'static str,
    /// `-` for Postgres itself.
    pub extension: &'static str,
    /// Postgres's letter: `N` numbers, `S` text, `D` dates …
    pub category: u8,
    /// Others of the category tend to become this one.
    pub preferred: bool,
    /// How volatile reading it from text is.
    pub input: Volatility,
    /// How volatile writing it to text is.
    pub output: Volatility,
    /// What `=` says.
    pub equality: Equality,
    /// Whether it has an order.
    pub ordered: bool,
    /// Whether it can be hashed.
    pub hashed: bool,
    /// `p` in line and plain, `m` main, `x` extended, `e` external.
    pub storage: u8,
    /// Whether it has a collation.
    pub collatable: bool,
    /// Whether it takes a length, precision or dimension.
    pub length: bool,
    /// Whether it has parts by number or name.
    pub subscripts: bool,
    /// What a range is made of.
    pub element: Option<Spelled>,
}

impl TypeInfo {
    /// Whether it is one range.
    pub fn is_range(&self) -> bool {
        self.category == b'R' && !self.is_multirange()
    }

    /// How values are kept unless another way is asked for.
    pub fn usual_storage(&self) -> &'static str {
        match self.storage {
            b'm' => "main",
            b'e' => "external",
            b'p' => "plain",
            _ => "extended",
        }
    }

    /// Whether it is several ranges.
    pub fn is_multirange(&self) -> bool {
        self.category == b'R' && self.name.ends_with("multirange")
    }

    /// The type of the bounds of a range or multirange.
    pub fn bounds(&self) -> Option<&'static str> {
        let name = Some(self.name).filter(|_| self.category == b'R')?;
        match name.strip_suffix("multirange").or_else(|| name.strip_suffix("range"))? {
            "num" => Some("numeric"),
            "ts" => Some("timestamp"),
            "tstz" => Some("timestamptz"),
            name => type_info(name).map(|info| info.name),
        }
    }
}

static TYPES: LazyLock<FxHashMap<&'static str, TypeInfo>> = LazyLock::new(|| {
    let mut types = FxHashMap::default();
    for (extension, name, words) in lines(include_str!("../data/types.txt")) {
        for word in words {
            let mut parts = unmarked(word).split(',');
            let (Some(category), Some(io), Some(rest)) = (parts.next(), parts.next(), parts.next()) else { continue };
            let (io, rest) = (io.as_bytes(), rest.as_bytes());
            let info = TypeInfo {
                name: type_name(name),
                extension,
                category: category.as_bytes()[0],
                preferred: category.len() > 1,
                input: Volatility::of(io[0]),
                output: Volatility::of(io[1]),
                equality: match rest[0] {
                    b'-' => Equality::None,
                    b'm' => Equality::Measure,
                    b'i' => Equality::Identity,
                    _ => Equality::Value,
                },
                ordered: rest[1] == b'o',
                hashed: rest[2] == b'h',
                storage: rest[3],
                collatable: rest[4] == b'c',
                length: rest[5] == b'l',
                subscripts: rest[6] == b's',
                element: parts.next().map(Spelled::of),
            };
            // Of what the versions tell apart, the older one counts, which can less.
            types.insert(info.name, info);
        }
    }
    types
});

/// What is known of the type with this canonical name; of a `char` without a length also as `bpchar`.
pub fn type_info(name: &str) -> Option<&'static TypeInfo> {
    TYPES.get(if name == "bpchar" { "char" } else { name })
}

/// Whether `=` tells values of a type apart, and does not only measure them. An unknown type is taken to do so.
pub fn tells_apart(name: &str) -> bool {
    type_info(name).is_none_or(|info| !matches!(info.equality, Equality::None | Equality::Measure))
}

/// Spellings that only the grammar has.
const GRAMMAR: [(&str, &str); 11] = [
    ("dec", "numeric"),
    ("decimal", "numeric"),
    ("float", "double precision"),
    ("char varying", "varchar"),
    ("national character", "char"),
    ("national char", "char"),
    ("nchar", "char"),
    ("national character varying", "varchar"),
    ("national char varying", "varchar"),
    ("nchar varying", "varchar"),
    // A type of its own, to us: no length means no limit.
    ("bpchar", "bpchar"),
];

/// The fields that an `interval` can be limited to.
pub const INTERVAL_FIELDS: [&str; 13] = [
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
    "year to month",
    "day to hour",
    "day to minute",
    "day to second",
    "hour to minute",
    "hour to second",
    "minute to second",
];

static INTERVALS: LazyLock<[String; 13]> = LazyLock::new(|| INTERVAL_FIELDS.map(|field| format!("interval {field}")));

static SPELLINGS: LazyLock<FxHashMap<String, &'static str>> = LazyLock::new(|| {
    let mut all: FxHashMap<String, &'static str> = FxHashMap::default();
    for line in include_str!("../data/spellings.txt").lines() {
        let mut words = line.split(' ');
        let name = type_name(words.next().unwrap_or_default());
        all.extend(words.map(|word| (word.replace('_', " "), name)));
    }
    all.insert("float8".into(), "double precision");
    all.extend(GRAMMAR.map(|(spelled, name)| (spelled.to_owned(), name)));
    all.extend(INTERVALS.iter().map(|text| (text.clone(), text.as_str())));
    let domains = lines(include_str!("../data/domains.txt")).filter(|(extension, ..)| *extension == "-");
    all.extend(domains.map(|(_, name, _)| (name.to_owned(), name)));
    all.extend(TYPES.values().filter(|info| info.extension == "-").map(|info| (info.name.to_owned(), info.name)));
    // Only with its quotes.
    all.insert("char".into(), "char");
    all
});

/// The canonical name behind a spelling of one of Postgres's own types.
pub fn canonical_type(name: &str) -> Option<&'static str> {
    SPELLINGS.get(name).copied()
}

/// The types that columns have most often, those first that have it more often.
const USUAL: [&str; 16] = [
    "text",
    "uuid",
    "int",
    "boolean",
    "timestamptz",
    "bigint",
    "jsonb",
    "date",
    "numeric",
    "varchar",
    "smallint",
    "time",
    "interval",
    "inet",
    "real",
    "json",
];

/// How common a type is for a column: the lower, the more common.
pub fn type_rank(name: &str) -> usize {
    USUAL.iter().position(|usual| *usual == name).unwrap_or(USUAL.len())
}

/// All spellings of Postgres's own types, for suggestions.
pub fn type_spellings() -> impl Iterator<Item = &'static str> {
    static SORTED: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        let mut all: Vec<_> = SPELLINGS.keys().map(String::as_str).collect();
        all.sort_unstable();
        all
    });
    SORTED.iter().copied()
}

/// How the server writes a type, and how its tables call it, where one of them is not the canonical name.
static SERVER: LazyLock<FxHashMap<&'static str, (String, &'static str)>> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let mut words = line.split(' ');
        let (name, long, internal) = (words.next()?, words.next()?, words.next_back()?);
        Some((type_name(name), (long.replace('_', " "), internal)))
    };
    include_str!("../data/spellings.txt").lines().filter_map(line).collect()
});

/// How the server writes a type in a cast.
pub fn server_spelling(name: &str) -> &str {
    SERVER.get(name).map_or(name, |(long, _)| long)
}

/// How the server's own tables call a type, and so what a column is called that is a cast to it.
pub fn internal_type_name(name: &str) -> &str {
    SERVER.get(name).map_or(name.trim_matches('"'), |(_, internal)| internal)
}

static NUMBERS: LazyLock<FxHashMap<&'static str, (u32, u32)>> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let mut words = line.split(' ');
        let name = type_name(words.next()?);
        let mut number = || words.next().and_then(|word| unmarked(word).parse().ok());
        Some((name, (number()?, number()?)))
    };
    include_str!("../data/numbers.txt").lines().filter_map(line).collect()
});

/// By what number the server knows a type, or its arrays: the older, the lower.
pub fn type_number(name: &str, array: bool) -> Option<u32> {
    NUMBERS.get(name).map(|(plain, arrays)| if array { *arrays } else { *plain })
}

/// The type that a column of `serial` and its like has.
pub fn serial_type(name: &str) -> Option<&'static str> {
    Some(match name {
        "smallserial" | "serial2" => "smallint",
        "serial" | "serial4" => "int",
        "bigserial" | "serial8" => "bigint",
        _ => return None,
    })
}

/// The extension that brings a type.
pub fn extension_of_type(name: &str) -> Option<&'static str> {
    type_info(name).map_or_else(|| beyond(name), |info| Some(info.extension).filter(|extension| *extension != "-"))
}

/// What a type takes in parentheses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modifiers {
    /// How many.
    pub most: usize,
    /// The least that the first may be.
    pub low: i64,
    /// The most that the first may be.
    pub high: i64,
}

/// What a type takes in parentheses, if anything.
pub fn modifiers(name: &str) -> Option<Modifiers> {
    let (most, low, high) = match name {
        "varchar" | "char" | "bpchar" => (1, 1, 10_485_760),
        "bit" | "varbit" => (1, 1, 83_886_080),
        "numeric" => (2, 1, 1000),
        "timestamp" | "timestamptz" | "time" | "timetz" | "interval" => (1, 0, 6),
        "vector" | "halfvec" => (1, 1, 16_000),
        "sparsevec" => (1, 1, 1_000_000_000),
        // Of the fields, only seconds have a precision.
        _ if name.strip_prefix("interval ").is_some_and(|field| field.ends_with("second")) => (1, 0, 6),
        _ => return None,
    };
    Some(Modifiers { most, low, high })
}

/// Whether a word can stand behind a number of an interval.
pub fn is_interval_unit(word: &str) -> bool {
    static UNITS: LazyLock<FxHashSet<&'static str>> =
        LazyLock::new(|| include_str!("../data/interval_units.txt").split_whitespace().collect());
    UNITS.contains(word)
}

/// Whether a type has a limit where none is written: one character, one bit.
pub fn limited_without_length(name: &str) -> bool {
    matches!(name, "char" | "bit")
}

/// Whether every value within the one limit is within the other, so that Postgres looks at none: both are what is in the
/// parentheses of one type.
pub fn widens(name: &str, from: &[i64], to: &[i64]) -> bool {
    let limit = |all: &[i64]| all.first().copied();
    match (name, limit(from), limit(to)) {
        ("numeric", Some(old), Some(new)) => new >= old && from.get(1).unwrap_or(&0) == to.get(1).unwrap_or(&0),
        ("varchar" | "varbit", Some(old), Some(new)) => new >= old,
        _ => match (family(name), limit(from), limit(to)) {
            (Family::Moment | Family::Time | Family::Interval, from, Some(new)) => new >= from.unwrap_or(6),
            _ => false,
        },
    }
}

/// How many bytes each value of a type takes, where that is always as many, and at what multiples of bytes it stands.
pub fn fixed_length(name: &str) -> Option<(u32, u32)> {
    Some(match name {
        "boolean" | "char" => (1, 1),
        "smallint" => (2, 2),
        "int" | "real" | "date" | "oid" | "xid" => (4, 4),
        "bigint" | "double precision" | "money" | "time" | "timestamp" | "timestamptz" | "xid8" | "pg_lsn" => (8, 8),
        "timetz" => (12, 8),
        "interval" => (16, 8),
        "uuid" => (16, 1),
        "macaddr" => (6, 4),
        "macaddr8" => (8, 4),
        "point" => (16, 8),
        "line" | "circle" => (24, 8),
        "lseg" | "box" => (32, 8),
        "name" => (64, 1),
        _ => return None,
    })
}

/// Types that are used alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// `smallint`, `int`, `bigint`.
    Integer,
    /// `numeric`.
    Decimal,
    /// `real`, `double precision`.
    Float,
    /// `money`.
    Money,
    /// `oid` and names that are kept as one.
    Oid,
    /// `boolean`.
    Boolean,
    /// `text`, `varchar`, `char`, `name`, `citext`.
    Text,
    /// `date`, `timestamp`, `timestamptz`.
    Moment,
    /// `time`, `timetz`.
    Time,
    /// `interval`, of any fields.
    Interval,
    /// `uuid`.
    Uuid,
    /// `json`, `jsonb`.
    Json,
    /// `bytea`.
    Bytes,
    /// `bit`, `varbit`.
    Bits,
    /// `inet`, `cidr`.
    Network,
    /// `tsvector`, `tsquery`.
    Search,
    /// `vector`, `halfvec`, `sparsevec`.
    Vector,
    /// Points, lines and areas.
    Geometry,
    /// A range.
    Range,
    /// Several ranges.
    Multirange,
    /// What stands alone.
    Other,
}

impl Family {
    /// Whether values can be added and compared as numbers.
    pub fn is_number(self) -> bool {
        matches!(self, Family::Integer | Family::Decimal | Family::Float)
    }
}

/// The family of a type, by its canonical name.
pub fn family(name: &str) -> Family {
    let Some(info) = type_info(name) else {
        return if name.starts_with("interval ") { Family::Interval } else { Family::Other };
    };
    match (info.category, info.name) {
        (b'N', "smallint" | "int" | "bigint") => Family::Integer,
        (b'N', "numeric") => Family::Decimal,
        (b'N', "real" | "double precision") => Family::Float,
        (b'N', "money") => Family::Money,
        (b'N', _) => Family::Oid,
        (b'B', _) => Family::Boolean,
        (b'S', _) => Family::Text,
        (b'D', "time" | "timetz") => Family::Time,
        (b'D', _) => Family::Moment,
        (b'T', _) => Family::Interval,
        (b'V', _) => Family::Bits,
        (b'I', _) => Family::Network,
        (b'G', _) => Family::Geometry,
        (b'R', _) if info.is_multirange() => Family::Multirange,
        (b'R', _) => Family::Range,
        (_, "uuid") => Family::Uuid,
        (_, "json" | "jsonb") => Family::Json,
        (_, "bytea") => Family::Bytes,
        (_, "tsvector" | "tsquery") => Family::Search,
        _ if info.extension == "vector" => Family::Vector,
        _ => Family::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_lead_to_one_name() {
        for (written, name) in [
            ("int8", "bigint"),
            ("integer", "int"),
            ("float8", "double precision"),
            ("float", "double precision"),
            ("character varying", "varchar"),
            ("national character", "char"),
            ("timestamp with time zone", "timestamptz"),
            ("interval day to second", "interval day to second"),
            ("\"char\"", "\"char\""),
            ("char", "char"),
            ("text", "text"),
            ("information_schema.sql_identifier", "information_schema.sql_identifier"),
        ] {
            assert_eq!(canonical_type(written), Some(name), "{written}");
        }
        assert_eq!(canonical_type("vector"), None);
        assert_eq!(canonical_type("string"), None);
        assert_eq!(extension_of_type("vector"), Some("vector"));
        assert_eq!(extension_of_type("geometry"), Some("postgis"));
        assert_eq!(extension_of_type("text"), None);
        assert_eq!(server_spelling("timestamptz"), "timestamp with time zone");
        assert_eq!(server_spelling("double precision"), "double precision");
        assert_eq!(server_spelling("text"), "text");
    }

    #[test]
    fn what_takes_a_length_says_which() {
        TYPES.values().for_each(|info| assert_eq!(info.length, modifiers(info.name).is_some(), "{}", info.name));
    }

    #[test]
    fn equality_is_what_the_operators_say() {
        let of = |name| type_info(name).map(|info| info.equality);
        assert_eq!(of("uuid"), Some(Equality::Identity));
        assert_eq!(of("numeric"), Some(Equality::Value));
        assert_eq!(of("circle"), Some(Equality::Measure));
        assert_eq!(of("point"), Some(Equality::None));
        assert_eq!(of("json"), Some(Equality::None));
    }
}
