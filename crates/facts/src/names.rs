//! Names that the system has given: schemas, columns, roles, privileges, languages, extensions.

use crate::table::{lines, unmarked};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::LazyLock;

/// The longest name that Postgres keeps, in bytes: it cuts the rest off.
pub const LONGEST_NAME: usize = 63;

/// Columns that every table has.
pub const SYSTEM_COLUMNS: &[&str] = &["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// What `get diagnostics` asks for.
pub const DIAGNOSTICS_ITEMS: &[&str] = &["row_count", "pg_context", "pg_routine_oid"];

/// What `get stacked diagnostics` asks for.
pub const STACKED_ITEMS: &[&str] = &[
    "returned_sqlstate",
    "column_name",
    "constraint_name",
    "pg_datatype_name",
    "message_text",
    "table_name",
    "schema_name",
    "pg_exception_detail",
    "pg_exception_hint",
    "pg_exception_context",
];

/// What stands behind `using` in `raise`.
pub const RAISE_OPTIONS: &[&str] =
    &["message", "detail", "hint", "errcode", "column", "constraint", "datatype", "table", "schema"];

/// The names of errors that `exception when` and `raise` take, in alphabetical order.
pub fn conditions() -> impl Iterator<Item = &'static str> {
    include_str!("../data/conditions.txt").lines().filter_map(|line| line.split(' ').next())
}

/// Whether PL/pgSQL knows an error by this name.
pub fn is_condition(name: &str) -> bool {
    conditions().any(|condition| condition == name)
}

/// The SQLSTATE of an error that has this name.
pub fn sqlstate_of(name: &str) -> Option<&'static str> {
    let mut rows = include_str!("../data/conditions.txt").lines().filter_map(|line| line.split_once(' '));
    rows.find(|(condition, _)| *condition == name).map(|(_, code)| code.trim())
}

/// Whether the text is the code of an error: five digits and capital letters.
pub fn is_sqlstate(text: &str) -> bool {
    text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

/// Languages that are there from the start.
pub const LANGUAGES: &[&str] = &["sql", "plpgsql", "c", "internal"];

/// Words that stand for roles where a role is named.
pub const ROLE_WORDS: &[&str] = &["public", "current_user", "current_role", "session_user"];

/// The schema of the accounts on Supabase, what of it a project's SQL names, and the role that nothing else has.
const PLATFORM: (&str, &[&str], &str) = ("auth", &["users", "uid", "jwt", "role", "email"], "service_role");

/// Whether SQL that names this is of Supabase, unless it makes the schema itself.
pub fn is_of_supabase(schema: Option<&str>, name: &str) -> bool {
    let (accounts, names, role) = PLATFORM;
    match schema {
        Some(schema) => schema == accounts && names.contains(&name),
        None => name == role,
    }
}

/// Whether the platform has this schema.
pub fn is_schema_of_supabase(schema: &str) -> bool {
    schema == PLATFORM.0
}

/// Who may have made a schema that no spec declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaMaker {
    /// The platform Supabase.
    Supabase,
    /// An extension, in a schema whose name it decides.
    Extension,
}

/// Who makes a schema of this name, where that is somebody's own.
pub fn schema_maker(name: &str) -> Option<SchemaMaker> {
    match name {
        "auth"
        | "extensions"
        | "graphql_public"
        | "pgbouncer"
        | "realtime"
        | "_realtime"
        | "storage"
        | "supabase_functions"
        | "supabase_migrations" => Some(SchemaMaker::Supabase),
        "cron" | "graphql" | "net" | "partman" | "pgmq" | "pgroonga" | "pgsodium" | "pgsodium_masks" | "pgtle"
        | "repack" | "tiger" | "tiger_data" | "topology" | "vault" => Some(SchemaMaker::Extension),
        name if name.starts_with("_timescaledb") || name.starts_with("timescaledb_") => Some(SchemaMaker::Extension),
        _ => None,
    }
}

/// Whether the language is there from the start.
pub fn is_language(name: &str) -> bool {
    LANGUAGES.contains(&name)
}

/// Whether the schema is the system's own.
pub fn is_system_schema(name: &str) -> bool {
    name.starts_with("pg_") || name == "information_schema"
}

/// Whether the role is there from the start.
pub fn is_predefined_role(name: &str) -> bool {
    include_str!("../data/roles.txt").lines().any(|line| line.split(['@', ' ']).next() == Some(name))
}

/// Whether only a function can give back or take this type.
pub fn is_pseudo_type(name: &str) -> bool {
    include_str!("../data/pseudo_types.txt").lines().any(|pseudo| pseudo == name)
}

/// What `all` privileges on a kind of object are in every version, sorted. The kind is in Postgres's words; views and
/// foreign tables are tables.
pub fn privileges(kind: &str) -> impl Iterator<Item = &'static str> {
    let line = include_str!("../data/privileges.txt").lines().find_map(move |line| {
        let (name, words) = line.split_once(' ')?;
        (name == kind.replace(' ', "_")).then_some(words)
    });
    line.unwrap_or_default().split(' ').filter(|word| !word.is_empty() && unmarked(word) == *word)
}

/// The rights on a kind of object that a function may ask for, in any version; of a column, too.
pub fn rights(kind: &str) -> impl Iterator<Item = &'static str> {
    let line = include_str!("../data/privileges.txt").lines().find_map(move |line| {
        let (name, words) = line.split_once(' ')?;
        (name == if kind == "column" { "table" } else { kind }).then_some(words)
    });
    let of_columns = ["select", "insert", "update", "references"];
    let all = line.unwrap_or_default().split(' ').map(unmarked);
    let column = kind == "column";
    all.filter(move |right| !column || of_columns.contains(right))
}

/// What a right is on that a function of this name asks for, in Postgres's words.
pub fn asked_right(function: &str) -> Option<&'static str> {
    Some(match function {
        "has_table_privilege" | "has_any_column_privilege" | "has_column_privilege" => "table",
        "has_sequence_privilege" => "sequence",
        "has_function_privilege" => "function",
        "has_type_privilege" => "type",
        "has_schema_privilege" => "schema",
        "has_language_privilege" => "language",
        "has_database_privilege" => "database",
        _ => return None,
    })
}

/// Whether a function may ask for this right.
pub fn is_right(kind: &str, right: &str) -> bool {
    let mut known = rights(kind).peekable();
    // Old words that say nothing, or the same.
    let old = right == "rule" && kind == "table" || right == "temp" && kind == "database";
    known.peek().is_none() || old || known.any(|known| known == right)
}

/// Whether what the extension brings is in the tables.
pub fn is_known_extension(name: &str) -> bool {
    static KNOWN: LazyLock<FxHashSet<&'static str>> =
        LazyLock::new(|| include_str!("../data/extensions.txt").lines().collect());
    KNOWN.contains(name)
}

/// The extension that brings a trigger function; `-` for Postgres itself.
pub fn extension_of_trigger_function(name: &str) -> Option<&'static str> {
    lines(include_str!("../data/trigger_functions.txt")).find(|(_, known, _)| *known == name).map(|(e, ..)| e)
}

/// Whether Postgres or a known extension has a trigger function with this name.
pub fn is_trigger_function(name: &str) -> bool {
    extension_of_trigger_function(name).is_some()
}

/// The extension that brings what is no type or operator class of the tables: domains, and what extensions have that are
/// not on the test servers.
pub(crate) fn beyond(name: &str) -> Option<&'static str> {
    static BEYOND: LazyLock<FxHashMap<&'static str, &'static str>> = LazyLock::new(|| {
        let elsewhere = include_str!("../data/elsewhere.txt").lines().flat_map(|line| {
            let mut words = line.split(' ');
            let extension = words.next().unwrap_or_default();
            words.map(move |name| (name, extension))
        });
        let domains = lines(include_str!("../data/domains.txt")).map(|(extension, name, _)| (name, extension));
        elsewhere.chain(domains.filter(|(_, extension)| *extension != "-")).collect()
    });
    BEYOND.get(name).copied()
}

/// Whether a setting's value is a list of names, which is not written as one literal.
pub fn is_list_setting(name: &str) -> bool {
    [
        "datestyle",
        "local_preload_libraries",
        "search_path",
        "session_preload_libraries",
        "shared_preload_libraries",
        "temp_tablespaces",
        "unix_socket_directories",
    ]
    .iter()
    .any(|list| list.eq_ignore_ascii_case(name))
}

/// The names in the value of such a setting: apart by commas, in double or single quotes or in none.
pub fn listed_names(value: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = value.trim();
    while !rest.is_empty() {
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let mut name = String::new();
        match quote {
            Some(quote) => {
                rest = &rest[1..];
                while let Some(at) = rest.find(quote) {
                    name.push_str(&rest[..at]);
                    rest = &rest[at + 1..];
                    if !rest.starts_with(quote) {
                        break;
                    }
                    name.push(quote);
                    rest = &rest[1..];
                }
                rest = rest.find(',').map_or("", |at| &rest[at + 1..]);
            }
            None => {
                let (first, more) = rest.split_once(',').unwrap_or((rest, ""));
                name.push_str(first.trim());
                rest = more;
            }
        }
        names.push(name);
        rest = rest.trim();
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn lists_of_names() {
        let names = ["a", "x, y", "it's", "q\"q", "$user"];
        assert_eq!(listed_names("a, \"x, y\", \"it's\", \"q\"\"q\", \"$user\""), names);
        assert_eq!(listed_names("a,'b, c' , \"d\", ''"), ["a", "b, c", "d", ""]);
        assert_eq!(listed_names(""), [""; 0]);
    }

    #[test]
    fn names_of_the_servers() {
        let set = |text: &'static str| text.lines().collect::<BTreeSet<_>>();
        let columns = set(include_str!("../data/system_columns.txt"));
        assert_eq!(columns, SYSTEM_COLUMNS.iter().copied().collect());
        assert_eq!(set(include_str!("../data/languages.txt")), LANGUAGES.iter().copied().collect());
        assert!(include_str!("../data/schemas.txt").lines().all(is_system_schema));
        assert_eq!(privileges("sequence").collect::<Vec<_>>(), ["select", "update", "usage"]);
        assert_eq!(privileges("foreign server").collect::<Vec<_>>(), ["usage"]);
        assert_eq!(privileges("table").count(), 7);
        assert_eq!(sqlstate_of("unique_violation"), Some("23505"));
        assert!(is_condition("unique_violation") && is_condition("transaction_timeout") && !is_condition("warning"));
        assert!(is_sqlstate("P0001") && !is_sqlstate("p0001") && !is_sqlstate("2350"));
        assert!(is_predefined_role("pg_monitor") && is_predefined_role("pg_maintain") && !is_predefined_role("ann"));
        assert!(is_trigger_function("moddatetime") && is_known_extension("plpgsql") && !is_known_extension("postgis"));
    }
}
