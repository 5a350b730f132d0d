//! Functions and operators. A name's variants are taken apart when it is first asked for.

use crate::table::{Spelled, unmarked};
use rustc_hash::FxHashMap;
use std::sync::{LazyLock, OnceLock};

/// What a call gives back for how many rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One value for one row.
    Function,
    /// One value for a group of rows.
    Aggregate,
    /// One value for a row among others.
    Window,
}

/// How often a call may give another value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volatility {
    /// Never.
    Immutable,
    /// From one statement to the next.
    Stable,
    /// From one row to the next.
    Volatile,
}

impl Volatility {
    /// By the word of `create function`.
    pub fn named(word: &str) -> Self {
        match word {
            "immutable" => Self::Immutable,
            "stable" => Self::Stable,
            _ => Self::Volatile,
        }
    }

    pub(crate) fn of(letter: u8) -> Self {
        match letter {
            b'i' => Self::Immutable,
            b's' => Self::Stable,
            _ => Self::Volatile,
        }
    }
}

/// One function or operator behind a name.
#[derive(Clone, Debug)]
pub struct Variant {
    /// `-` for Postgres itself.
    pub extension: &'static str,
    /// Function, aggregate or window function.
    pub kind: Kind,
    /// The best of the versions.
    pub volatility: Volatility,
    /// The worst of them.
    pub worst: Volatility,
    /// Whether it gives many rows.
    pub set: bool,
    /// Whether the last argument may come several times.
    pub variadic: bool,
    /// It is an aggregate over ordered rows: `within group (order by …)` belongs to it.
    pub ordered: bool,
    /// How many arguments may be left out.
    pub defaults: usize,
    /// The arguments; a prefix operator has one.
    pub args: Vec<Spelled>,
    /// What it gives.
    pub result: Spelled,
}

impl Variant {
    /// Whether it may be called with so many arguments.
    pub fn takes(&self, count: usize) -> bool {
        let most = self.args.len();
        count <= most && count + self.defaults >= most || self.variadic && count + 1 >= most
    }
}

/// A name's lines, and what they say.
struct Entry {
    lines: Vec<&'static str>,
    read: OnceLock<Vec<Variant>>,
}

type Table = FxHashMap<&'static str, Entry>;

fn table(text: &'static str) -> Table {
    let mut table = Table::default();
    for line in text.lines() {
        let name = line.split(' ').nth(1).unwrap_or_default();
        let entry = table.entry(name).or_insert_with(|| Entry { lines: Vec::new(), read: OnceLock::new() });
        entry.lines.push(line);
    }
    table
}

static FUNCTIONS: LazyLock<Table> = LazyLock::new(|| table(include_str!("../data/functions.txt")));
/// A column of what a function gives; its type where that is one.
pub type RowColumn = (&'static str, Option<Spelled>);

static COLUMNS: LazyLock<FxHashMap<&str, Vec<RowColumn>>> = LazyLock::new(|| {
    let mut all: FxHashMap<&str, Vec<RowColumn>> = FxHashMap::default();
    for (_, name, words) in crate::table::lines(include_str!("../data/columns.txt")) {
        let columns = all.entry(name).or_default();
        for (column, ty) in words.flat_map(|word| unmarked(word).split(',')).filter_map(|word| word.split_once(':')) {
            let ty = Spelled::of(ty);
            // What the variants and versions say otherwise is of no one type.
            match columns.iter_mut().find(|(own, _)| *own == column) {
                Some((_, known)) => *known = known.filter(|known| *known == ty),
                None => columns.push((column, Some(ty))),
            }
        }
    }
    all
});

/// The columns that a function of Postgres's own gives names to, whichever of its name and of the versions is meant; a type
/// where it is one.
pub fn row_columns(name: &str) -> &'static [RowColumn] {
    COLUMNS.get(name).map_or(&[], Vec::as_slice)
}

static OPERATORS: LazyLock<Table> = LazyLock::new(|| table(include_str!("../data/operators.txt")));

fn find(
    table: &'static Table,
    name: &str,
    one: fn(&'static str, &'static str) -> Option<Variant>,
) -> &'static [Variant] {
    let Some(entry) = table.get(name) else { return &[] };
    entry.read.get_or_init(|| {
        let mut variants: Vec<Variant> = Vec::new();
        for line in &entry.lines {
            let mut words = line.split(' ');
            let extension = words.next().unwrap_or("-");
            for found in words.skip(1).filter_map(|word| one(extension, unmarked(word))) {
                // What only the versions tell apart is one variant.
                let same = |v: &&mut Variant| v.args == found.args && v.extension == extension;
                match variants.iter_mut().find(same) {
                    Some(known) => {
                        known.volatility = known.volatility.min(found.volatility);
                        known.worst = known.worst.max(found.worst);
                        known.defaults = known.defaults.max(found.defaults);
                    }
                    None => variants.push(found),
                }
            }
        }
        variants
    })
}

/// The functions with this name.
pub fn functions(name: &str) -> &'static [Variant] {
    find(&FUNCTIONS, name, function)
}

/// The operators with this name; a prefix operator has one argument.
pub fn operators(name: &str) -> &'static [Variant] {
    find(&OPERATORS, name, operator)
}

/// All names of functions, for suggestions.
pub fn function_names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.keys().copied()
}

/// `fs:text,timestamptz>timestamptz`
fn function(extension: &'static str, text: &'static str) -> Option<Variant> {
    let (flags, signature) = text.split_once(':')?;
    let (args, result) = signature.split_once('>')?;
    let flags = flags.as_bytes();
    Some(Variant {
        extension,
        kind: match flags.first()? {
            b'a' => Kind::Aggregate,
            b'w' => Kind::Window,
            _ => Kind::Function,
        },
        volatility: Volatility::of(*flags.get(1)?),
        worst: Volatility::of(*flags.get(1)?),
        set: flags.contains(&b'*'),
        variadic: flags.contains(&b'+'),
        ordered: flags.contains(&b'o'),
        defaults: flags.iter().skip(2).filter(|b| b.is_ascii_digit()).fold(0, |n, b| n * 10 + usize::from(b - b'0')),
        args: arguments(args),
        result: Spelled::of(result),
    })
}

/// `i:int,int>int`
fn operator(extension: &'static str, text: &'static str) -> Option<Variant> {
    let (volatility, signature) = text.split_once(':')?;
    let (args, result) = signature.rsplit_once('>')?;
    Some(Variant {
        extension,
        kind: Kind::Function,
        volatility: Volatility::of(*volatility.as_bytes().first()?),
        worst: Volatility::of(*volatility.as_bytes().first()?),
        set: false,
        variadic: false,
        ordered: false,
        defaults: 0,
        args: arguments(args),
        result: Spelled::of(result),
    })
}

fn arguments(text: &'static str) -> Vec<Spelled> {
    text.split(',').filter(|a| !a.is_empty()).map(Spelled::of).collect()
}

/// A function that Postgres's grammar has, and so its catalog may not.
#[derive(Clone, Copy, Debug)]
pub struct Grammar {
    /// What it gives, where it is called without arguments and parentheses.
    pub value: Option<&'static str>,
    /// How often it may give another value, its arguments aside.
    pub volatility: Volatility,
    /// Words may stand between its arguments: `json_value(j, '$.a' returning int)`.
    pub has_words: bool,
}

static GRAMMAR: LazyLock<FxHashMap<&'static str, Grammar>> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let mut words = line.split(' ');
        let (name, value, volatility) = (words.next()?, words.next()?, words.next()?);
        let volatility = Volatility::of(*volatility.as_bytes().first()?);
        let value = Some(value).filter(|v| *v != "-");
        Some((name, Grammar { value, volatility, has_words: words.next().is_some() }))
    };
    include_str!("../data/grammar.txt").lines().filter_map(line).collect()
});

/// The function of the grammar with this name.
pub fn grammar(name: &str) -> Option<Grammar> {
    GRAMMAR.get(name).copied()
}

/// The names of those that may have words between their arguments.
pub fn worded() -> &'static [&'static str] {
    static WORDED: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let mut names: Vec<_> = GRAMMAR.iter().filter(|(_, form)| form.has_words).map(|(name, _)| *name).collect();
        names.sort_unstable();
        names
    });
    &WORDED
}

/// All names of functions of the grammar, for suggestions.
pub fn grammar_names() -> impl Iterator<Item = &'static str> {
    GRAMMAR.keys().copied()
}

/// How often a call of a function of Postgres or the platform may give another value: the worst of the variants. `None`
/// where there is no such function. Functions of the project and of extensions are for the caller to look up, after these:
/// the system's schema comes first on every path.
pub fn volatility(schema: Option<&str>, name: &str) -> Option<Volatility> {
    let own = || extension_volatility("-", name);
    match schema {
        None => grammar(name).map(|g| g.volatility).or_else(own),
        Some("pg_catalog") => own(),
        Some(schema) => platform_function(schema, name).map(|(volatility, _)| volatility),
    }
}

/// Volatility and result of a function of the platform.
pub fn platform_function(schema: &str, name: &str) -> Option<(Volatility, Spelled)> {
    static PLATFORM: LazyLock<FxHashMap<&'static str, (Volatility, Spelled)>> = LazyLock::new(|| {
        let line = |line: &'static str| {
            let (name, found) = line.split_once(' ')?;
            let (volatility, result) = unmarked(found).split_once('>')?;
            Some((name, (Volatility::of(*volatility.as_bytes().first()?), Spelled::of(result))))
        };
        include_str!("../data/platform_functions.txt").lines().filter_map(line).collect()
    });
    PLATFORM.get(&*format!("{schema}.{name}")).copied()
}

/// The same for what a known extension brings, wherever it lies; `-` is Postgres itself.
pub fn extension_volatility(extension: &str, name: &str) -> Option<Volatility> {
    functions(name).iter().filter(|v| v.extension == extension).map(|v| v.worst).max()
}

/// Whether an aggregate or window function says how many rows there are, or which place a row has, and nothing of their values.
pub fn counts_rows(name: &str) -> bool {
    matches!(name, "count" | "row_number" | "rank" | "dense_rank")
}

/// Whether it gives a value even for nulls.
pub fn gives_a_value(name: &str) -> bool {
    matches!(
        name,
        "clock_timestamp"
            | "concat"
            | "count"
            | "gen_random_uuid"
            | "json_build_array"
            | "json_build_object"
            | "jsonb_build_array"
            | "jsonb_build_object"
            | "nextval"
            | "now"
            | "num_nonnulls"
            | "num_nulls"
            | "random"
            | "row_number"
    )
}

/// Whether it gives a value wherever all its arguments have one.
pub fn keeps_values(name: &str) -> bool {
    matches!(name, "abs" | "btrim" | "char_length" | "length" | "lower" | "ltrim" | "md5" | "round" | "rtrim" | "upper")
}

/// Whether an aggregate or window function gives a value, as long as there is a row: whatever its arguments are, or where
/// each of them has a value.
pub fn gives_for_rows(name: &str, values: bool) -> bool {
    match name {
        "array_agg" | "json_agg" | "jsonb_agg" => true,
        "avg" | "bool_and" | "bool_or" | "every" | "max" | "min" | "string_agg" | "sum" => values,
        _ => false,
    }
}

/// Whether a window function gives a value for each row.
pub fn numbers_rows(name: &str) -> bool {
    matches!(name, "cume_dist" | "dense_rank" | "ntile" | "percent_rank" | "rank" | "row_number")
}

/// Whether a function of this name makes a document of the row that it is given.
pub fn makes_document_of_row(name: &str) -> bool {
    matches!(name, "to_jsonb" | "to_json" | "row_to_json")
}

/// Whether a statement that begins so reads or writes rows of what is there, and makes nothing.
pub fn is_about_rows(text: &str) -> bool {
    let words = ["select", "insert", "update", "delete", "merge", "with", "values", "truncate"];
    words.iter().any(|word| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))
}

/// Whether the first argument is the name of a sequence.
pub fn takes_sequence(name: &str) -> bool {
    matches!(name, "nextval" | "currval" | "setval")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{extension_of_type, is_pseudo_type, type_info};

    #[test]
    fn the_tables_are_read_whole() {
        let words = |text: &str| text.lines().map(|l| l.split(' ').count() - 2).sum::<usize>();
        let functions: Vec<_> = FUNCTIONS.keys().flat_map(|name| functions(name)).collect();
        let read = functions.len();
        let written = words(include_str!("../data/functions.txt"));
        // Of variants that the versions tell apart, one is kept.
        assert!(read <= written && read > written - 20, "{read} of {written}");
        let operators: usize = OPERATORS.keys().map(|name| operators(name).len()).sum();
        assert_eq!(operators, words(include_str!("../data/operators.txt")));
        let unknown: Vec<&str> = functions
            .iter()
            .flat_map(|v| v.args.iter().chain([&v.result]))
            .map(|s| s.name)
            .filter(|n| type_info(n).is_none() && !is_pseudo_type(n))
            .filter(|n| extension_of_type(n).is_none())
            // A composite type, and the rows of system tables.
            .filter(|n| !n.starts_with("tablefunc_") && !n.starts_with("pg_"))
            .collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    #[test]
    fn volatility_goes_by_schema_and_name() {
        use Volatility::{Immutable, Stable, Volatile};
        assert_eq!(volatility(None, "now"), Some(Stable));
        assert_eq!(volatility(Some("pg_catalog"), "now"), Some(Stable));
        assert_eq!(volatility(Some("shop"), "now"), None);
        assert_eq!(volatility(Some("auth"), "uid"), Some(Stable));
        assert_eq!(volatility(None, "uid"), None);
        assert_eq!(volatility(None, "gen_random_uuid"), Some(Volatile));
        assert_eq!(volatility(None, "coalesce"), Some(Immutable));
        assert_eq!(volatility(None, "uuid_generate_v4"), None);
        assert_eq!(extension_volatility("uuid-ossp", "uuid_generate_v4"), Some(Volatile));
        // Immutable from 16 on only.
        assert_eq!(volatility(None, "date_trunc"), Some(Stable));
    }
}
