//! What people write who come from SQL, Prisma or DBML, and what to write instead.

use super::Place;

/// A habit found in a broken entry.
pub(super) struct Habit {
    /// Where, from the start of the entry.
    pub at: usize,
    pub len: usize,
    pub message: String,
    pub help: String,
}

/// Words that other languages use for `entity`.
pub(super) fn is_foreign_entity(word: &str) -> bool {
    matches!(word.to_ascii_lowercase().as_str(), "model" | "table" | "type" | "create")
}

/// The habit that explains why `text` makes no sense from `from` on.
pub(super) fn find(place: Place, text: &str, from: usize) -> Option<Habit> {
    if let Some(at) = unfinished_accept(text, from) {
        return Some(Habit {
            at,
            len: "accept".len(),
            message: "an `accept` has the code of a warning and a reason, on one line".to_owned(),
            help: "write `accept W0605 'why it is as it should be'`".to_owned(),
        });
    }
    if let Some(at) = bare_braces(text).filter(|_| matches!(place, Place::Member | Place::Composite | Place::Domain)) {
        return Some(Habit {
            at,
            len: 1,
            message: "braces alone are no value".to_owned(),
            help: "an empty object, or an empty array, is written `'{}'`".to_owned(),
        });
    }
    match place {
        Place::Item => item(text),
        Place::Member if from > 0 => {
            modifier(&text[from..]).map(|(len, message, help)| Habit { at: from, len, message, help })
        }
        Place::Member => member(text),
        Place::Enum | Place::Composite | Place::Policy => None,
        _ => None,
    }
}

/// An `accept` that the scan did not take: it has no reason, or no code.
fn unfinished_accept(text: &str, from: usize) -> Option<usize> {
    let is_code = |word: &str| {
        let digits = word.strip_prefix(['E', 'W', 'L']).unwrap_or("x");
        word.starts_with('\'') || (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    };
    let all = text.get(from..)?.match_indices("accept").map(|(at, word)| (from + at, &text[from + at + word.len()..]));
    let mut stands = all.filter(|(at, rest)| {
        let alone = text[..*at].chars().next_back().is_none_or(char::is_whitespace);
        alone && rest.starts_with([' ', '\t']) && rest.split_whitespace().next().is_some_and(is_code)
    });
    stands.next().map(|(at, _)| at)
}

/// Where a default begins with a brace that no quote stands before.
fn bare_braces(text: &str) -> Option<usize> {
    let (before, after) = text.split_once('=')?;
    let quoted = before.contains(['\'', '"', '(', '{']);
    (!quoted && after.trim_start().starts_with('{')).then(|| text.len() - after.trim_start().len())
}

/// What follows the first word of `text`, which can stand after a bracket.
fn after<'a>(text: &'a str, first: &str) -> &'a str {
    text.split_once(first).map_or("", |(_, rest)| rest)
}

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '(' | '{' | ',')).filter(|w| !w.is_empty()).collect()
}

fn item(text: &str) -> Option<Habit> {
    let words = words(text);
    let first = *words.first()?;
    let second = words.get(1).copied().unwrap_or("…").trim_matches('"');
    let lower = first.to_ascii_lowercase();
    let start = text.find(first).unwrap_or(0);
    let whole = |message: String, help: String| Some(Habit { at: start, len: first.len(), message, help });
    if first.starts_with('}') {
        return Some(Habit {
            at: 0,
            len: 1,
            message: "`}` closes nothing".to_owned(),
            help: "delete it, or look for a `}` too many above".to_owned(),
        });
    }
    match lower.as_str() {
        "model" | "table" | "type" | "class" | "struct" => {
            whole(format!("`{first}` is not how an entity is declared"), format!("write `entity {second} {{ … }}`"))
        }
        "create" | "alter" | "drop" => create(first, &words).map(|habit| Habit { at: start, ..habit }),
        "ref" | "ref:" | "relationship" => whole(
            "references stand in the entity that holds the foreign key".to_owned(),
            "write `author_id -> users on delete cascade` in the entity".to_owned(),
        ),
        "index" | "unique" | "check" | "key" | "search" => whole(
            format!("`{first}` stands in the entity that it is about"),
            format!("write it between the braces of the entity: `entity events {{ {first} … }}`"),
        ),
        "insert" => whole(
            "rows stand in a `seed`".to_owned(),
            "write `seed dev { users ana { email: 'ana@example.com' } }`".to_owned(),
        ),
        "datasource" | "generator" | "project" => whole(
            format!("specc needs no `{first}`"),
            "delete it; the target database is named in the project file".to_owned(),
        ),
        "import" | "include" => {
            whole(format!("specc needs no `{first}`"), "delete it; every spec file of the project is read".to_owned())
        }
        "function" | "procedure" if lower_at(text, " returns ").is_some() => {
            let at = lower_at(text, " returns ").unwrap_or(0) + 1;
            Some(Habit {
                at,
                len: "returns".len(),
                message: "what a function gives back is written with an arrow".to_owned(),
                help: "write `function full_name(p: profiles) -> text as $$ … $$`".to_owned(),
            })
        }
        "function" | "procedure" => bare_parameter(text),
        "tablegroup" | "note" => {
            whole(format!("`{first}` has no counterpart"), "write documentation as `/// …` lines".to_owned())
        }
        _ if text.starts_with('#') => Some(Habit {
            at: 0,
            len: 1,
            message: "`#` does not start a comment".to_owned(),
            help: "write comments as `// why`".to_owned(),
        }),
        _ if after(text, first).trim_start().starts_with(':') || first.ends_with(':') => Some(Habit {
            at: start,
            len: first.trim_end_matches(':').len(),
            message: format!("`{}` stands in no entity", first.trim_end_matches(':')),
            help: "a field stands between the braces of an entity; maybe a `}` above closes it too early".to_owned(),
        }),
        _ => None,
    }
}

/// A parameter of a function as SQL has it, `p_id uuid`.
fn bare_parameter(text: &str) -> Option<Habit> {
    for part in after(text, "(").split(')').next()?.split(',') {
        let words: Vec<&str> = part.split_whitespace().collect();
        let modes = words.iter().take_while(|word| matches!(**word, "in" | "out" | "inout" | "variadic")).count();
        let several = ["double", "timestamp", "time", "character", "bit", "national", "interval"];
        if let Some([name, ty, ..]) = words.get(modes..)
            && !name.contains([':', '(', '[', '.'])
            && !ty.starts_with([':', '=', '['])
            && !several.contains(name)
        {
            return Some(Habit {
                at: name.as_ptr().addr() - text.as_ptr().addr(),
                len: name.len(),
                message: format!("expected `:` between the parameter `{name}` and its type"),
                help: format!("write `{name}: {ty}`"),
            });
        }
    }
    None
}

fn lower_at(text: &str, what: &str) -> Option<usize> {
    text.to_ascii_lowercase().find(what)
}

fn create(first: &str, words: &[&str]) -> Option<Habit> {
    let lower: Vec<String> = words.iter().map(|w| w.to_ascii_lowercase()).collect();
    let kind = lower.iter().skip(1).map(String::as_str).find(|w| {
        !matches!(*w, "or" | "replace" | "unique" | "temporary" | "temp" | "if" | "not" | "exists" | "concurrently")
    });
    let help = match kind.unwrap_or("") {
        "table" => "write `entity events { id: uuid key }`; an entity is the table of that name",
        "type" => "write `enum event_status { draft, published }`, or `composite address { street: text }`",
        "index" => "write `index (status, starts_at desc)` in the entity",
        "policy" => "write `policy on events { name: allow select when … }`",
        "view" | "materialized" => "write `view active_events as $$ select … $$`",
        "function" | "procedure" => "write `function name(p: text) -> text as $$ … $$`",
        "trigger" => "write `trigger name before update execute f()` in the entity",
        "extension" => "write `extension pg_trgm`",
        "schema" => "write `schema billing`",
        "sequence" => "write `sequence invoice_no: bigint { start 1000 }`",
        "domain" => "write `domain email: citext { check has_at: value ~ '@' }`",
        "role" | "user" => "write `role reporting`",
        _ => "declare what should be there; for anything else there is `sql name $$ … $$`",
    };
    let shown = match kind {
        Some(kind) => format!("{} {kind}", first.to_ascii_lowercase()),
        None => first.to_ascii_lowercase(),
    };
    Some(Habit {
        at: 0,
        len: first.len(),
        message: format!("`{shown}` is SQL; a spec says what is there, not how it gets there"),
        help: help.to_owned(),
    })
}

fn member(text: &str) -> Option<Habit> {
    let words = words(text);
    let first = *words.first()?;
    let second = words.get(1).copied().unwrap_or("");
    let third = words.get(2).copied().unwrap_or("");
    let start = text.find(first).unwrap_or(0);
    let lower = first.to_ascii_lowercase();
    let say = |message: &str, help: &str| {
        Some(Habit { at: start, len: first.len(), message: message.to_owned(), help: help.to_owned() })
    };
    match lower.as_str() {
        "@@id" => return say("`@@id` is Prisma", "write `key (a, b)`"),
        "@@unique" => return say("`@@unique` is Prisma", "write `unique (a, b)`"),
        "@@index" => return say("`@@index` is Prisma", "write `index (a, b)`"),
        "@@map" | "@@schema" => {
            return say(
                "an entity has the name of its table",
                "name the entity as the table, with its schema: `billing.invoices`",
            );
        }
        "primary" => return say("`primary key` is written `key`", "write `key (a, b)`, or `key` after a field's type"),
        "foreign" | "foriegn" => {
            return say("a foreign key is written with an arrow", "write `author_id -> users on delete cascade`");
        }
        "constraint" if second != "trigger" => {
            return say("`constraint` is not needed", "write `check name: …`, `unique name: (…)` or `key name: (…)`");
        }
        "has" | "hasmany" | "hasone" => {
            return say(
                "the other side of a relation is inferred",
                "declare it once, where the foreign key is: `author_id -> users inverse posts`",
            );
        }
        "belongs" | "belongsto" | "ref" => {
            return say("a relation is written with an arrow", "write `author_id -> users`");
        }
        "indexes" | "indices" => {
            return say("each index is a line of its own", "write `index (status, starts_at desc)`");
        }
        "note" | "note:" | "comment" => {
            return say("documentation stands above what it explains", "write `/// …` lines above");
        }
        _ => {}
    }
    let is_word = |w: &str| w.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_' || c == '"');
    let known = super::spelling::keywords(Place::Member);
    if words.len() == 1
        && text.trim() == first
        && !known.contains(&first)
        && first.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    {
        return say(
            &format!("`{first}` alone is no field"),
            &format!("write `use {first}` for a mixin, or `{first}: text` for a field"),
        );
    }
    let near = specc_diag::nearest(first, known.iter().copied()).is_some() && first.len() > 3;
    // `title String @id`, `title varchar(120) not null`
    if is_word(first)
        && is_word(second)
        && !first.ends_with(':')
        && !known.contains(&first)
        && !near
        && !text.contains("->")
    {
        let rest = after(text, first).trim_start();
        let is_type = |w: &str| sql_type(w).is_some() || w.to_ascii_lowercase() == w || third.starts_with('@');
        if is_type(second.trim_end_matches(['?', ']', '['])) {
            let base = second.trim_end_matches(['?', ']', '[', ';', ',']);
            let suffix = &second[base.len()..];
            let suffix = suffix.trim_end_matches([';', ',']);
            let ty = sql_type(base).unwrap_or(base);
            let args =
                after(rest, second).strip_prefix('(').and_then(|r| r.split_once(')')).map(|(a, _)| format!("({a})"));
            return Some(Habit {
                at: start,
                len: first.len(),
                message: format!("expected `:` between the name `{first}` and its type"),
                help: format!(
                    "write `{first}: {ty}{}{suffix}`; a column is not null unless its type ends in `?`",
                    args.unwrap_or_default()
                ),
            });
        }
    }
    None
}

/// The Postgres type for a type of Prisma or another database.
fn sql_type(word: &str) -> Option<&'static str> {
    Some(match word {
        "String" => "text",
        "Int" => "int",
        "BigInt" => "bigint",
        "Boolean" | "Bool" => "boolean",
        "DateTime" | "datetime" | "DATETIME" => "timestamptz",
        "Json" => "jsonb",
        "Float" => "double precision",
        "Decimal" => "numeric",
        "Bytes" | "blob" | "BLOB" => "bytea",
        _ => return None,
    })
}

/// Habits after a field's type.
fn modifier(text: &str) -> Option<(usize, String, String)> {
    let lower = text.to_ascii_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    let first = *words.first()?;
    let second = words.get(1).copied().unwrap_or("");
    let say = |len: usize, message: &str, help: &str| Some((len, message.to_owned(), help.to_owned()));
    let both = || lower.find(second).map_or(first.len(), |at| at + second.len());
    let word = first.split(['(', ',']).next().unwrap_or(first);
    match (word, second) {
        ("not", s) if s.starts_with("null") => say(
            lower.find("null").map_or(3, |n| n + 4),
            "`not null` is not needed",
            "delete it: a column is not null unless its type ends in `?`",
        ),
        ("null" | "nullable" | "optional", _) => {
            say(word.len(), &format!("`{word}` is written as `?`"), "end the type in `?`, as in `text?`")
        }
        ("required", _) => {
            say(word.len(), "`required` is not needed", "delete it: a column is not null unless its type ends in `?`")
        }
        ("primary", _) => say(both(), "`primary key` is written `key`", "write `id: uuid key`"),
        ("pk" | "id" | "@id", _) => say(word.len(), &format!("`{word}` is written `key`"), "write `id: uuid key`"),
        ("references" | "reference" | "ref" | "ref:", _) => say(
            word.len(),
            "a reference is written with an arrow",
            "write `author_id -> users on delete cascade`; the type follows the target",
        ),
        ("default" | "@default" | "default:", _) => {
            let value = text[word.len()..].trim_start_matches([':', ' ']).trim();
            let value = value
                .strip_prefix('(')
                .and_then(|v| v.strip_suffix(')'))
                .filter(|v| v.matches('(').count() == v.matches(')').count())
                .unwrap_or(value);
            let value = if value.is_empty() || value.starts_with("autoincrement") { "now()" } else { value };
            say(word.len(), "a default is written with `=`", &format!("write `= {value}`"))
        }
        ("auto_increment" | "autoincrement" | "increment" | "@autoincrement", _) => {
            say(word.len(), &format!("`{word}` is written `identity`"), "write `id: bigint identity key`")
        }
        ("@unique", _) => say(word.len(), "`@unique` is written `unique`", "write `email: text unique`"),
        ("@updatedat", _) => say(word.len(), "`@updatedAt` is a mixin here", "write `use timestamps` in the entity"),
        ("@relation", _) => say(
            word.len(),
            "a relation is written with an arrow",
            "write `author_id -> users`; the other side is inferred",
        ),
        ("check", _) => say(
            word.len(),
            "a check is a line of its own",
            "write `check capacity_is_positive: capacity > 0` on a line below",
        ),
        ("index", _) => say(word.len(), "an index is a line of its own", "write `index (email)` on a line below"),
        ("comment" | "note" | "note:", _) => {
            say(word.len(), "documentation stands above what it explains", "write a `/// …` line above the field")
        }
        ("on", "delete" | "update") if !lower.contains("cascade") && words.len() < 3 => say(
            both(),
            "the action is missing",
            "write `on delete cascade`, `restrict`, `no action`, `set null` or `set default`",
        ),
        ("on", _) if second.starts_with("del") || second.starts_with("upd") => None,
        _ if first.starts_with("@map") || first.starts_with("@db.") => say(
            word.len(),
            &format!("`{word}` is not needed"),
            "a field's name is the column's name, and its type is the Postgres type",
        ),
        _ if first.starts_with('[') => say(
            1,
            "settings do not stand in brackets",
            "write `id: uuid key`, `email: text unique`, `created_at: timestamptz = now()`",
        ),
        _ if first == ";" || first.ends_with(';') => say(first.len(), "a line needs no `;`", "delete it"),
        _ => None,
    }
}
