//! Functions, views and triggers.

use super::{access, block, table};
use crate::state::{Level, State};
use crate::text::{Text, body, quoted, string};
use specc_catalog::{Body, Function, Kind, Object, ObjectId, Returns, Timing, Trigger, View, Volatility};

pub(super) fn function(state: &State<'_>, id: &ObjectId, o: &Function, text: &mut Text) {
    let level = state.level(id);
    let names = &state.names;
    text.says(id, |text| {
        text.doc(state.doc(id), "");
        let word = if o.procedure { "procedure" } else { "function" };
        let params: Vec<_> =
            o.params
                .iter()
                .map(|p| {
                    let mode = if p.mode == "in" { String::new() } else { format!("{} ", p.mode) };
                    let name = if p.name.is_empty() { String::new() } else { format!("{}: ", quoted(&p.name)) };
                    let default = p.default.as_ref().map_or(String::new(), |default| {
                        format!(" = {}", state.expr(level, &default.text, Some(&p.ty)))
                    });
                    format!("{mode}{name}{}{default}", names.data_type(&p.ty))
                })
                .collect();
        text.push(format!("{word} {}({})", names.qualified(&o.schema, &o.name), params.join(", ")));
        match &o.returns {
            Some(Returns::Type(ty)) => text.push(format!(" -> {}", names.data_type(ty))),
            Some(Returns::SetOf(ty)) => text.push(format!(" -> setof {}", names.data_type(ty))),
            Some(Returns::Table(columns)) => {
                let list: Vec<_> =
                    columns.iter().map(|(n, ty)| format!("{}: {}", quoted(n), names.data_type(ty))).collect();
                text.push(format!(" -> table ({})", list.join(", ")))
            }
            None => text,
        };
        attributes(o, text);
        for (name, value) in &o.settings {
            text.push(format!(" set {name} = {}", setting(name, value)));
        }
        depends(state, id, text);
        let (roles, inside) = access::to(state, id, "execute");
        if !roles.is_empty() {
            text.push(" to ");
            text.says(&inside[0], |text| {
                text.names(&roles);
            });
        }
        match &o.body {
            Body::Atomic(sql) => text.push(format!(" as atomic {}", body(sql))),
            Body::Text(sql) => text.push(format!(" as {}", body(&format!("\n{sql}\n")))),
            Body::Exact(sql) => text.push(format!(" as {}", body(sql))),
        };
    });
}

/// Blocks that it needs: what constructs say is found by reading it.
fn depends(state: &State<'_>, id: &ObjectId, text: &mut Text) {
    let blocks: Vec<_> = block::needed(state, [id].into_iter()).into_iter().collect();
    if !blocks.is_empty() {
        text.push(" depends on ").names(&blocks);
    }
}

fn attributes(o: &Function, text: &mut Text) {
    if o.language != "sql" {
        text.push(" language ").name(&o.language);
    }
    match o.volatility {
        Volatility::Volatile => {}
        Volatility::Stable => drop(text.push(" stable")),
        Volatility::Immutable => drop(text.push(" immutable")),
    }
    if o.strict {
        text.push(" strict");
    }
    if let Some(parallel) = &o.parallel {
        text.push(format!(" parallel {parallel}"));
    }
    if o.leakproof {
        text.push(" leakproof");
    }
    if o.security_definer {
        text.push(" security definer");
    }
    for (word, value) in [("cost", &o.cost), ("rows", &o.rows)] {
        if let Some(value) = value {
            text.push(format!(" {word} {value}"));
        }
    }
}

/// The value of a setting: words as they are, all else as a string; each name of a list for itself.
fn setting(name: &str, value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '$');
    let is_word = |text: &str| !text.is_empty() && text.chars().all(plain) && !text.starts_with('$');
    let one = |text: &str, quoted: fn(&str) -> String| if is_word(text) { text.to_owned() } else { quoted(text) };
    let names = if specc_facts::is_list_setting(name) { specc_facts::listed_names(value) } else { Vec::new() };
    if names.is_empty() {
        return one(value, string);
    }
    let in_quotes = |text: &str| match text.is_empty() || text.contains('\n') {
        true => string(text),
        false => format!("\"{}\"", text.replace('"', "\"\"")),
    };
    names.iter().map(|name| one(name, in_quotes)).collect::<Vec<_>>().join(", ")
}

pub(super) fn view(state: &State<'_>, id: &ObjectId, o: &View, text: &mut Text) {
    text.says(id, |text| {
        text.doc(state.doc(id), "");
        let word = if o.materialized { "materialized view" } else { "view" };
        text.push(format!("{word} {}", state.names.table(&o.view)));
        if !o.columns.is_empty() {
            text.push(" (").names(&o.columns).push(")");
        }
        if !o.materialized && !o.security_invoker {
            text.push(" security definer");
        }
        if o.security_barrier {
            text.push(" security barrier");
        }
        if let Some(check) = &o.check_option {
            text.push(format!(" with {check} check option"));
        }
        if o.no_data {
            text.push(" with no data");
        }
        depends(state, id, text);
        let (roles, inside) = access::to(state, id, "select");
        if !roles.is_empty() {
            text.push(" to ");
            text.says(&inside[0], |text| {
                text.names(&roles);
            });
        }
        text.push(format!(" as {}", body(&format!("\n{}\n", o.query.trim_matches('\n').trim_end()))));
        let indexes = state.parts(&o.view, Kind::Index);
        if indexes.is_empty() {
            return;
        }
        text.push(" {\n");
        for id in indexes {
            let Some(Object::Index(index)) = state.entry(id).map(|e| &e.object) else { continue };
            text.doc(state.doc(id), "  ");
            text.push("  ");
            text.says(id, |text| table::index(state, id, index, text));
            text.push("\n");
        }
        text.push("}");
    });
}

/// A trigger in its entity, or (`alone`) by itself.
pub(super) fn trigger(state: &State<'_>, id: &ObjectId, o: &Trigger, alone: bool, text: &mut Text) {
    let level = state.level(id);
    let indent = if alone { "" } else { "  " };
    text.says(id, |text| {
        text.doc(state.doc(id), indent);
        text.push(indent);
        if o.constraint {
            text.push("constraint ");
        }
        text.push("trigger ").name(&o.name);
        if alone {
            text.push(format!(" on {}", state.names.table(&o.table)));
        }
        text.push(match o.timing {
            Timing::Before => " before ",
            Timing::After => " after ",
            Timing::InsteadOf => " instead of ",
        });
        let events: Vec<_> = o
            .events
            .iter()
            .map(|(event, columns)| match columns.as_slice() {
                [] => event.to_string(),
                list => format!("{event} of {}", list.iter().map(|c| quoted(c)).collect::<Vec<_>>().join(", ")),
            })
            .collect();
        text.push(events.join(" or "));
        text.push(if o.per_row { " for each row" } else { " for each statement" });
        if o.old_table.is_some() || o.new_table.is_some() {
            text.push(" referencing");
            for (word, name) in [("old", &o.old_table), ("new", &o.new_table)] {
                if let Some(name) = name {
                    text.push(format!(" {word} table as {}", quoted(name)));
                }
            }
        }
        if o.initially_deferred {
            text.push(" initially deferred");
        }
        match o.enabled.as_str() {
            "" => {}
            "disabled" => drop(text.push(" disabled")),
            how => drop(text.push(format!(" enabled {how}"))),
        }
        if let Some(when) = &o.when {
            text.push(format!(" when ({})", state.expr(level, &when.text, None)));
        }
        let function = match (level, o.function.schema.as_str()) {
            // A function of an extension may be known by its name alone, or only with its schema.
            (Level::Tidy, schema) => state.names.qualified(schema, &o.function.name),
            (_, schema) => format!("{}.{}", quoted(schema), quoted(&o.function.name)),
        };
        let args: Vec<_> = o.args.iter().map(|a| string(a)).collect();
        text.push(format!(" execute {function}({})", args.join(", ")));
    });
}
