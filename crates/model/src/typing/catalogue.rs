//! What Postgres has: functions, operators, casts and types, from tables that were read from its own catalog (see
//! `data/catalogue.sql`). A name's variants are taken apart when it is first asked for.

use rustc_hash::FxHashMap;
use std::sync::{LazyLock, OnceLock};

/// A type as the tables spell it: its element's name and whether it is an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Spelled {
    pub name: &'static str,
    pub array: bool,
}

impl Spelled {
    fn of(text: &'static str) -> Self {
        match text.strip_suffix("[]") {
            Some(name) => Self { name, array: true },
            None => Self { name: text, array: false },
        }
    }
}

impl std::fmt::Display for Spelled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = if self.name == "float8" { "double precision" } else { self.name };
        write!(f, "{name}{}", if self.array { "[]" } else { "" })
    }
}

/// What a call gives back for how many rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Function,
    Aggregate,
    Window,
}

/// One function or operator behind a name.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    /// `-` for Postgres itself.
    pub extension: &'static str,
    pub kind: Kind,
    /// `i`, `s` or `v`.
    pub volatility: u8,
    pub set: bool,
    pub variadic: bool,
    pub defaults: usize,
    pub args: Vec<Spelled>,
    pub result: Spelled,
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

static FUNCTIONS: LazyLock<Table> = LazyLock::new(|| table(include_str!("data/functions.txt")));
static OPERATORS: LazyLock<Table> = LazyLock::new(|| table(include_str!("data/operators.txt")));

fn find(
    table: &'static Table,
    name: &str,
    one: fn(&'static str, &'static str) -> Option<Variant>,
) -> &'static [Variant] {
    let Some(entry) = table.get(name) else { return &[] };
    entry.read.get_or_init(|| {
        let variants = entry.lines.iter().flat_map(|line| {
            let mut words = line.split(' ');
            let extension = words.next().unwrap_or("-");
            words.skip(1).filter_map(move |w| one(extension, w))
        });
        variants.collect()
    })
}

/// The functions with this name.
pub(crate) fn functions(name: &str) -> &'static [Variant] {
    find(&FUNCTIONS, name, function)
}

/// The operators with this name; a prefix operator has one argument.
pub(crate) fn operators(name: &str) -> &'static [Variant] {
    find(&OPERATORS, name, operator)
}

/// All names of functions, for suggestions.
pub(crate) fn function_names() -> impl Iterator<Item = &'static str> {
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
        volatility: *flags.get(1)?,
        set: flags.contains(&b'*'),
        variadic: flags.contains(&b'+'),
        defaults: flags.iter().skip(2).filter(|b| b.is_ascii_digit()).fold(0, |n, b| n * 10 + usize::from(b - b'0')),
        args: args.split(',').filter(|a| !a.is_empty()).map(Spelled::of).collect(),
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
        volatility: *volatility.as_bytes().first()?,
        set: false,
        variadic: false,
        defaults: 0,
        args: args.split(',').filter(|a| !a.is_empty()).map(Spelled::of).collect(),
        result: Spelled::of(result),
    })
}

/// When a cast happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Context {
    /// Anywhere.
    Implicit,
    /// Where a value is stored.
    Assignment,
    /// Where it is written.
    Explicit,
}

static CASTS: LazyLock<FxHashMap<(Spelled, Spelled), (Context, u8)>> = LazyLock::new(|| {
    let mut casts = FxHashMap::default();
    for line in include_str!("data/casts.txt").lines() {
        let mut words = line.split(' ').skip(1);
        let Some(source) = words.next().map(Spelled::of) else { continue };
        for cast in words {
            let Some((how, target)) = cast.split_once(':') else { continue };
            let context = match how.as_bytes()[0] {
                b'i' => Context::Implicit,
                b'a' => Context::Assignment,
                _ => Context::Explicit,
            };
            casts.insert((source, Spelled::of(target)), (context, how.as_bytes()[1]));
        }
    }
    casts
});

/// When Postgres casts `from` to `to`, and how volatile that is; `None` where it only can by way of text.
pub(crate) fn cast(from: Spelled, to: Spelled) -> Option<(Context, u8)> {
    CASTS.get(&(from, to)).copied()
}

/// What is known of a type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TypeInfo {
    pub name: &'static str,
    /// Postgres's letter: `N` numbers, `S` text, `D` dates …
    pub category: u8,
    /// Others of the category tend to become this one.
    pub preferred: bool,
    /// How volatile reading it from text and writing it to text are.
    pub input: u8,
    pub output: u8,
    /// What a range is made of.
    pub element: Option<Spelled>,
}

static TYPES: LazyLock<FxHashMap<&'static str, TypeInfo>> = LazyLock::new(|| {
    let read = |line: &'static str| {
        let mut words = line.split(' ').skip(1);
        let (name, category, io) = (words.next()?, words.next()?.as_bytes(), words.next()?.as_bytes());
        let info = TypeInfo {
            name,
            category: category[0],
            preferred: category.len() > 1,
            input: io[0],
            output: io[1],
            element: words.next().map(Spelled::of),
        };
        Some((name, info))
    };
    include_str!("data/types.txt").lines().filter_map(read).collect()
});

/// What is known of the type with this name in the tables.
pub(crate) fn type_info(name: &str) -> Option<&'static TypeInfo> {
    TYPES.get(name)
}

/// The extensions whose functions, operators and types are in the tables.
pub(crate) fn is_known_extension(name: &str) -> bool {
    static KNOWN: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        let lines = [include_str!("data/functions.txt"), include_str!("data/types.txt")];
        let mut names: Vec<_> = lines.iter().flat_map(|t| t.lines()).filter_map(|l| l.split(' ').next()).collect();
        names.sort_unstable();
        names.dedup();
        names
    });
    KNOWN.binary_search(&name).is_ok() || matches!(name, "pg_stat_statements" | "plpgsql" | "btree_gin" | "moddatetime")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_read_whole() {
        let count: usize = FUNCTIONS.keys().map(|n| functions(n).len()).sum();
        let words: usize = include_str!("data/functions.txt").lines().map(|l| l.split(' ').count() - 2).sum();
        assert_eq!(count, words);
        assert!(count > 2_500, "{count}");
        assert!(OPERATORS.keys().map(|n| operators(n).len()).sum::<usize>() > 900);
        assert!(CASTS.len() > 200);
        let unknown: Vec<String> = FUNCTIONS
            .keys()
            .flat_map(|n| functions(n))
            .flat_map(|v| v.args.iter().chain([&v.result]))
            .filter(|s| type_info(s.name).is_none() && !s.name.starts_with("any"))
            .map(|s| s.name.to_string())
            // pseudo-types, and a domain of an extension, about which everything is accepted
            .filter(|n| !matches!(&**n, "record" | "void" | "unknown" | "table_am_handler" | "earth"))
            .collect();
        assert!(unknown.iter().all(|n| n.starts_with("pg_") || n.starts_with("tablefunc_")), "{unknown:?}");
    }
}
