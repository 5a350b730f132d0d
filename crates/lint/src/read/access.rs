//! Policies, functions, views, grants.

use super::{names, options, rows, truth};
use crate::cursor::{Cursor, DEEP, Place};
use crate::statement::{Condition, Grant, Pin, Policy, View, What};

/// After `create policy` or `alter policy`.
pub(super) fn policy(words: &mut Cursor<'_>, altered: bool) -> Option<What> {
    let name = words.ident()?;
    words.take("on").then_some(())?;
    let mut policy = Policy {
        name,
        table: words.name()?,
        altered,
        restrictive: false,
        command: "all".into(),
        roles: Vec::new(),
        using: None,
        check: None,
    };
    while !words.is_done() {
        if words.take("as restrictive") {
            policy.restrictive = true;
        } else if words.take("for") {
            policy.command = words.ident().unwrap_or_default();
        } else if words.take("to") {
            let from = words.mark();
            words.skip_to(&["using", "with"]);
            policy.roles = words.since(from).idents();
        } else if words.take("using") {
            policy.using = words.group().map(|group| condition(&group));
        } else if words.take("with check") {
            policy.check = words.group().map(|group| condition(&group));
        } else if words.take("rename") {
            return Some(What::Harmless);
        } else {
            words.skip_whole();
        }
    }
    Some(What::Policy(policy))
}

fn condition(words: &Cursor<'_>) -> Condition {
    let mut per_row = Vec::new();
    calls(&mut words.clone(), false, DEEP, &mut per_row);
    Condition { place: words.whole(), always: truth::is_always(words), per_row, words: words.idents() }
}

/// Functions that give the same for every row of a statement, by schema and name.
const OF_SESSION: [(&str, &str); 5] =
    [("auth", "uid"), ("auth", "jwt"), ("auth", "role"), ("auth", "email"), ("", "current_setting")];

/// Finds calls of them that stand in no scalar subselect: `(select auth.uid())`.
fn calls(words: &mut Cursor<'_>, scalar: bool, depth: usize, found: &mut Vec<(String, Place)>) {
    if depth == 0 {
        return;
    }
    while !words.is_done() {
        if let Some(mut inner) = words.group() {
            let subselect = inner.sees(0, "select");
            let reads = inner.clone().skip_to(&["from"]);
            calls(&mut inner, if subselect { !reads } else { scalar }, depth - 1, found);
            continue;
        }
        let from = words.mark();
        let Some(name) = words.name() else {
            words.back(from);
            words.skip();
            continue;
        };
        let schema = name.schema.as_deref().unwrap_or_default();
        let of_session = OF_SESSION.contains(&(schema, name.name.as_str()))
            || (schema == "pg_catalog" && name.name == "current_setting");
        if words.sees_symbol(0, b'(') && of_session && !scalar {
            words.skip_whole();
            let place = words.place(from);
            found.push((words.since(from).as_written().to_string(), place));
        }
    }
}

/// After `create function`.
pub(super) fn function(words: &mut Cursor<'_>) -> Option<What> {
    let name = words.name()?;
    let arguments = words.group().map(|group| group.as_written().to_lowercase()).unwrap_or_default();
    let (mut definer, mut pinned) = (None, Pin::None);
    while !words.is_done() {
        let from = words.mark();
        if words.take("security definer") {
            definer = Some(words.place(from));
        } else if words.take("security invoker") {
            definer = None;
        } else if takes_path(words) {
            pinned = pin(words);
        } else if words.take("begin atomic") {
            break;
        } else {
            words.skip_whole();
        }
    }
    Some(What::Function { name, arguments, definer, pinned })
}

/// After `alter function`.
pub(super) fn alter_function(words: &mut Cursor<'_>) -> Option<What> {
    let name = words.name()?;
    let _ = words.group();
    let (mut definer, mut pinned) = (None, None);
    while !words.is_done() {
        if words.take("security definer") {
            definer = Some(true);
        } else if words.take("security invoker") {
            definer = Some(false);
        } else if takes_path(words) {
            pinned = Some(pin(words));
        } else {
            words.skip_whole();
        }
    }
    Some(What::AlterFunction { name, definer, pinned })
}

/// `set search_path`, whose name may be quoted.
fn takes_path(words: &mut Cursor<'_>) -> bool {
    let here = words.sees(0, "set") && words.sees_name(1, "search_path");
    if here {
        words.skip();
        words.skip();
    }
    here
}

/// After `set search_path`: where names are looked up. The temporary schema is searched first, unless it is named.
fn pin(words: &mut Cursor<'_>) -> Pin {
    let _ = words.take("to") || words.take_symbol(b'=');
    let from = words.mark();
    words.skip();
    while words.take_symbol(b',') {
        words.skip();
    }
    match super::settings::values(&words.since(from)).last().map(String::as_str) {
        Some("pg_temp") => Pin::Full,
        None if !words.since(from).is_any(&["default"]) => Pin::Empty,
        _ => Pin::None,
    }
}

/// After `create view`.
pub(super) fn view(words: &mut Cursor<'_>, replace: bool, materialized: bool, temporary: bool) -> Option<What> {
    let _ = words.take("if not exists");
    let name = words.name()?;
    let _ = words.group();
    let mut view = View { name, replace, materialized, temporary, has_options: false, invoker: false, filled: None };
    while !words.is_done() && !words.sees(0, "as") {
        if words.take("with")
            && let Some(list) = words.group()
        {
            view.has_options = true;
            view.invoker = options::says(&list, "security_invoker") == Some(true);
        } else {
            words.skip_whole();
        }
    }
    let read = rows::tables(words);
    let mut no_data = false;
    while !words.is_done() {
        no_data |= words.take("with no data");
        words.skip_whole();
    }
    view.filled = (materialized && !no_data).then_some(read);
    Some(What::View(view))
}

/// After `grant`.
pub(super) fn grant(words: &mut Cursor<'_>) -> Option<What> {
    let mut grant =
        Grant { privileges: Vec::new(), tables: Vec::new(), all_in: Vec::new(), to_come: false, roles: Vec::new() };
    privileges(words, &mut grant)?;
    if !on_tables(words, &mut grant) {
        return Some(What::Harmless);
    }
    words.skip_to(&["to"]).then_some(())?;
    words.skip();
    grant.roles = roles(words);
    Some(What::Grant(grant))
}

fn privileges(words: &mut Cursor<'_>, grant: &mut Grant) -> Option<()> {
    while !words.is_done() && !words.is_any(&["on", "to", "from"]) {
        let from = words.mark();
        let name = words.ident()?;
        let _ = words.take("privileges");
        grant.privileges.push((name, words.place(from)));
        let _ = words.group();
        let _ = words.take_symbol(b',');
    }
    Some(())
}

/// The tables that are meant; false where it is about something else.
fn on_tables(words: &mut Cursor<'_>, grant: &mut Grant) -> bool {
    if !words.take("on") {
        return false;
    }
    if words.take("all tables in schema") {
        grant.all_in = names(words).into_iter().map(|name| name.name).collect();
        return true;
    }
    let explicit = words.take("table") || words.take("tables");
    let others = [
        "schema",
        "sequence",
        "sequences",
        "function",
        "functions",
        "procedure",
        "routine",
        "routines",
        "all",
        "database",
        "domain",
        "foreign",
        "language",
        "large",
        "parameter",
        "tablespace",
        "type",
        "types",
        "schemas",
        "procedures",
    ];
    if !explicit && words.is_any(&others) && !words.sees(1, "to") && !words.sees(1, "from") {
        return false;
    }
    grant.tables = names(words);
    true
}

fn roles(words: &mut Cursor<'_>) -> Vec<String> {
    let from = words.mark();
    words.skip_to(&["with", "granted", "cascade", "restrict"]);
    words.since(from).idents().into_iter().filter(|word| word != "group").collect()
}

/// After `revoke`.
pub(super) fn revoke(words: &mut Cursor<'_>) -> Option<What> {
    let _ = words.take("grant option for");
    let mut grant =
        Grant { privileges: Vec::new(), tables: Vec::new(), all_in: Vec::new(), to_come: false, roles: Vec::new() };
    privileges(words, &mut grant)?;
    let all = grant.privileges.iter().any(|(name, _)| name == "all");
    if !on_tables(words, &mut grant) || !all {
        return None;
    }
    words.skip_to(&["from"]).then_some(())?;
    words.skip();
    Some(What::Close { tables: grant.tables, all_in: grant.all_in, roles: roles(words) })
}

/// After `alter default privileges`.
pub(super) fn default_privileges(words: &mut Cursor<'_>) -> Option<What> {
    let mut schemas = Vec::new();
    while !words.is_done() && !words.is_any(&["grant", "revoke"]) {
        if words.take("in schema") {
            schemas = names(words).into_iter().map(|name| name.name).collect();
        } else {
            words.skip();
        }
    }
    if !words.take("grant") {
        return Some(What::Harmless);
    }
    let Some(What::Grant(mut grant)) = grant_to_come(words) else {
        return Some(What::Harmless);
    };
    grant.all_in = schemas;
    grant.to_come = true;
    Some(What::Grant(grant))
}

/// As [`grant`], where `tables` stands for all tables to come.
fn grant_to_come(words: &mut Cursor<'_>) -> Option<What> {
    let mut grant =
        Grant { privileges: Vec::new(), tables: Vec::new(), all_in: Vec::new(), to_come: true, roles: Vec::new() };
    privileges(words, &mut grant)?;
    words.take("on tables").then_some(())?;
    words.take("to").then_some(())?;
    grant.roles = roles(words);
    Some(What::Grant(grant))
}
