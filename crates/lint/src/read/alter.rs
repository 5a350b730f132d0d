//! `alter …`

use super::{access, cascade, options, table, trigger};
use crate::cursor::{Cursor, DEEP};
use crate::statement::{Action, AlterTable, Using, What};
use specc_catalog::DataType;
use specc_sql::Lock;

/// Objects whose alteration locks no table.
const LIGHT: [&str; 22] = [
    "sequence",
    "role",
    "user",
    "group",
    "extension",
    "aggregate",
    "collation",
    "conversion",
    "operator",
    "server",
    "foreign",
    "language",
    "statistics",
    "publication",
    "subscription",
    "database",
    "tablespace",
    "system",
    "text",
    "event",
    "large",
    "access",
];

/// After `alter`.
pub(super) fn alter(words: &mut Cursor<'_>) -> Option<What> {
    if words.take("table") || words.take("foreign table") {
        return table(words);
    }
    if words.take("materialized view") {
        return table(words);
    }
    if words.take("view") {
        let mut what = table(words);
        // any change of a view locks it, and none is unknown that a table does not have
        if let Some(What::AlterTable(alter)) = &mut what {
            for (action, _) in &mut alter.actions {
                if matches!(action, Action::Light) {
                    *action = Action::Short;
                }
            }
        }
        return what;
    }
    if words.take("schema") {
        let from = words.mark();
        let name = words.ident()?;
        let place = words.place(from);
        return Some(if words.take("rename") { What::RenameSchema { name, place } } else { What::Harmless });
    }
    if words.take("policy") {
        return access::policy(words, true);
    }
    if words.take("function") || words.take("procedure") || words.take("routine") {
        return access::alter_function(words);
    }
    if words.take("default privileges") {
        return access::default_privileges(words);
    }
    if words.take("type") {
        return alter_type(words);
    }
    if words.take("domain") {
        let name = words.name()?;
        let adds = words.take("add") && !has_not_valid(words);
        return Some(What::AlterDomain { name, scans: adds || words.take("set not null") || words.take("validate") });
    }
    if words.take("trigger") || words.take("rule") {
        return trigger(words, "on", Lock::AccessExclusive).map(What::Trigger);
    }
    if words.take("index") {
        return Some(What::Harmless);
    }
    LIGHT.iter().any(|word| words.sees(0, word)).then_some(What::Harmless)
}

fn has_not_valid(words: &mut Cursor<'_>) -> bool {
    has(words, "not valid")
}

fn has(words: &mut Cursor<'_>, wanted: &str) -> bool {
    while !words.is_done() {
        if words.take(wanted) {
            return true;
        }
        words.skip_whole();
    }
    false
}

fn alter_type(words: &mut Cursor<'_>) -> Option<What> {
    let name = words.name()?;
    if words.take("add value") {
        let _ = words.take("if not exists");
        let value = words.strings().into_iter().next().map(|(value, _)| value)?;
        return Some(What::AddValue { name, value });
    }
    if words.take("rename value") {
        return Some(What::RenameValue { name });
    }
    if cascade(&mut words.clone()).is_none() {
        return Some(What::Harmless);
    }
    let mut actions = Vec::new();
    while !words.is_done() {
        let from = words.mark();
        words.skip_item();
        let place = words.place(from);
        actions.push((attribute(&mut words.since(from)).unwrap_or(Action::Short), place));
        words.skip();
    }
    Some(What::AlterType(AlterTable { table: name, actions }))
}

/// What a change of an attribute is to the tables of its type.
fn attribute(words: &mut Cursor<'_>) -> Option<Action> {
    if words.take("add attribute") {
        return Some(Action::AddColumn(Box::new(table::column(words)?)));
    }
    if words.take("drop attribute") {
        let _ = words.take("if exists");
        return Some(Action::DropColumn { column: words.ident()?, cascade: None });
    }
    if words.take("rename attribute") {
        let from = words.ident()?;
        words.take("to").then_some(())?;
        return Some(Action::RenameColumn { from, to: words.ident()? });
    }
    if words.take("alter attribute") { column(words) } else { None }
}

fn table(words: &mut Cursor<'_>) -> Option<What> {
    if words.take("all in tablespace") {
        return None;
    }
    let _ = words.take("if exists");
    let _ = words.take("only");
    let table = words.name()?;
    let _ = words.take_symbol(b'*');
    let mut actions = Vec::new();
    while !words.is_done() {
        let from = words.mark();
        words.skip_item();
        let place = words.place(from);
        let mut item = words.since(from);
        actions.push((action(&mut item).unwrap_or(Action::Unknown), place));
        words.skip();
    }
    Some(What::AlterTable(AlterTable { table, actions }))
}

fn action(words: &mut Cursor<'_>) -> Option<Action> {
    if words.take("add") {
        let explicit = words.take("column");
        if !explicit && let Some(constraint) = table::constraint(&mut words.clone()) {
            return Some(Action::AddConstraint(constraint));
        }
        let _ = words.take("if not exists");
        return Some(Action::AddColumn(Box::new(table::column(words)?)));
    }
    if words.take("drop") {
        if words.take("constraint") {
            let _ = words.take("if exists");
            return Some(Action::DropConstraint { name: words.ident()?, cascade: cascade(words) });
        }
        let _ = words.take("column");
        let _ = words.take("if exists");
        return Some(Action::DropColumn { column: words.ident()?, cascade: cascade(words) });
    }
    if words.take("alter constraint") {
        let name = words.ident()?;
        let turned_on = !has(&mut words.clone(), "not enforced") && words.has(&["enforced"]);
        return Some(if turned_on { Action::Enforce { name } } else { Action::Short });
    }
    if words.take("alter") {
        let _ = words.take("column");
        return column(words);
    }
    if words.take("rename constraint") {
        let from = words.ident()?;
        words.take("to").then_some(())?;
        return Some(Action::RenameConstraint { from, to: words.ident()? });
    }
    if words.take("rename to") {
        return Some(Action::RenameTable { to: words.ident()? });
    }
    if words.take("rename") {
        let _ = words.take("column");
        let from = words.ident()?;
        words.take("to").then_some(())?;
        return Some(Action::RenameColumn { from, to: words.ident()? });
    }
    if words.take("validate constraint") {
        return Some(Action::Validate { name: words.ident()? });
    }
    if words.take("attach partition") {
        let partition = words.name()?;
        return Some(Action::Attach { partition, default: words.sees(0, "default") });
    }
    if words.take("detach partition") {
        let _ = words.name()?;
        return Some(Action::Detach { concurrently: words.is_any(&["concurrently", "finalize"]) });
    }
    if words.take("enable row level security") {
        return Some(Action::Rls(true));
    }
    if words.take("disable row level security") {
        return Some(Action::Rls(false));
    }
    if words.is_any(&["enable", "disable"]) {
        return Some(if words.has(&["trigger"]) { Action::Trigger } else { Action::Short });
    }
    if words.take("set schema") {
        return Some(Action::SetSchema { to: words.ident()? });
    }
    if words.take("set logged") {
        return Some(Action::SetLogged(true));
    }
    if words.take("set unlogged") {
        return Some(Action::SetLogged(false));
    }
    if words.take("set tablespace") {
        return Some(Action::Rewrite("set tablespace"));
    }
    if words.take("set access method") {
        return Some(Action::Rewrite("set access method"));
    }
    if words.sees_symbol(1, b'(') && words.is_any(&["set", "reset"]) {
        let sets = words.take("set");
        let _ = !sets && words.take("reset");
        let invoker = words.group().and_then(|list| options::says(&list, "security_invoker"));
        return Some(invoker.map_or(Action::Light, |on| Action::Invoker(on && sets)));
    }
    if words.is_any(&["set", "reset", "cluster"]) {
        return Some(Action::Light);
    }
    let short = ["force", "no", "owner", "replica", "inherit", "of", "not", "options"];
    words.is_any(&short).then_some(Action::Short)
}

fn column(words: &mut Cursor<'_>) -> Option<Action> {
    let column = words.ident()?;
    if words.take("set data type") || words.take("type") {
        let ty = words.ty();
        let collation = if words.take("collate") { words.name().map(|name| name.name) } else { None };
        let using = if words.take("using") { using(words, &column) } else { Using::Casts(Vec::new()) };
        return Some(Action::SetType { column, ty, collation, using });
    }
    if words.take("set default") {
        return Some(Action::Short);
    }
    if words.take("set not null") {
        return Some(Action::SetNotNull { column });
    }
    if words.take("drop not null") {
        return Some(Action::DropNotNull { column });
    }
    if words.take("set expression") {
        return Some(Action::Rewrite("set expression"));
    }
    if words.take("set statistics") || words.sees(0, "reset") || (words.sees(0, "set") && words.sees_symbol(1, b'(')) {
        return Some(Action::Light);
    }
    words.is_any(&["set", "drop", "add", "restart", "options"]).then_some(Action::Short)
}

/// What `using` makes of the column.
fn using(words: &mut Cursor<'_>, column: &str) -> Using {
    let mut types = Vec::new();
    if value(words, column, DEEP, &mut types).is_some() && words.is_done() {
        Using::Casts(types)
    } else {
        Using::Computes
    }
}

/// The column, in brackets or cast or not: `(c)::text`, `cast(t.c as text)`. Takes it, and notes the types.
fn value(words: &mut Cursor<'_>, column: &str, depth: usize, types: &mut Vec<DataType>) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    let cast = words.sees(0, "cast") && words.sees_symbol(1, b'(');
    if cast {
        words.skip();
    }
    if let Some(mut inside) = words.group() {
        value(&mut inside, column, depth, types)?;
        if cast {
            inside.take("as").then_some(())?;
            types.push(inside.ty()?);
        }
        inside.is_done().then_some(())?;
    } else {
        (words.name()?.name == column).then_some(())?;
    }
    while words.sees_symbol(0, b':') && words.sees_symbol(1, b':') {
        words.skip();
        words.skip();
        types.push(words.ty()?);
    }
    Some(())
}
