//! Tables as entities, with all that is a part of them.

use super::types::counting;
use super::{access, block, routine, storage};
use crate::state::{Level, State};
use crate::text::{Names, Text, quoted};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_catalog::{
    Action, Column, ColumnStatistics, Constraint, DataType, ForeignKey, Index, IndexKey, KeyOn, Kind, Object, ObjectId,
    Rule, SqlExpr, Table, TableName, conventional_name,
};
use specc_sql::Json;
use std::fmt::Write as _;

/// What stands at its column rather than on a line of its own.
#[derive(Default)]
struct AtColumns<'a> {
    key: Option<(&'a ObjectId, SmolStr)>,
    unique: FxHashMap<SmolStr, &'a ObjectId>,
    references: FxHashMap<SmolStr, (&'a ObjectId, &'a Constraint, &'a ForeignKey)>,
    /// Checks that hold values of JSON to a shape, as it is written.
    shapes: FxHashMap<SmolStr, (&'a ObjectId, String)>,
}

impl AtColumns<'_> {
    fn has(&self, id: &ObjectId) -> bool {
        self.key.as_ref().is_some_and(|(key, _)| *key == id)
            || self.unique.values().any(|unique| *unique == id)
            || self.references.values().any(|(reference, _, _)| *reference == id)
            || self.shapes.values().any(|(check, _)| *check == id)
    }
}

pub(super) fn entity(state: &State<'_>, id: &ObjectId, table: &Table, text: &mut Text) {
    let constraints: Vec<(&ObjectId, &Constraint)> = state
        .parts(&table.table, Kind::Constraint)
        .into_iter()
        .filter_map(|id| match &state.entry(id)?.object {
            Object::Constraint(o) => Some((id, o)),
            _ => None,
        })
        .collect();
    let at = at_columns(state, table, &constraints);
    text.says(id, |text| {
        text.doc(state.doc(id), "");
        let unlogged = table.unlogged || storage::unlogged_partitions(state, table);
        if unlogged {
            text.push("unlogged ");
        }
        text.push(format!("entity {} {{\n", state.names.table(&table.table)));
        let mut paths = FxHashSet::default();
        let uses = state.uses.get(&table.table).map(Vec::as_slice).unwrap_or_default();
        for (place, column) in table.columns.iter().enumerate() {
            if let Some(one) = uses.iter().find(|one| one.columns.contains(&place)) {
                if one.columns.start == place {
                    text.push(format!("  use {}\n", one.mixin));
                }
                continue;
            }
            // A column is told by the part of an id that tables have none of.
            let place = id.clone().part(column.name.clone());
            text.says(&place, |text| self::column(state, id, table, column, &at, &mut paths, text));
        }
        for one in uses.iter().filter(|one| one.columns.is_empty()) {
            text.push(format!("  use {}\n", one.mixin));
        }
        let columns = text.out.len();
        for (id, constraint) in constraints.iter().filter(|(id, _)| !at.has(id)) {
            text.says(id, |text| {
                text.doc(state.doc(id), "  ");
                text.push("  ");
                self::constraint(state, id, constraint, &mut paths, text);
                text.push("\n");
            });
        }
        for id in state.parts(&table.table, Kind::Index) {
            let Some(Object::Index(index)) = state.entry(id).map(|e| &e.object) else { continue };
            text.says(id, |text| {
                text.doc(state.doc(id), "  ");
                text.push("  ");
                self::index(state, id, index, text);
                text.push("\n");
            });
        }
        storage::storage(state, table, text);
        let parts = state.all_parts(&table.table).iter().copied();
        let parts = parts.filter(|id| matches!(id.kind, Kind::Constraint | Kind::Index) && state.is_typed(id));
        let blocks = block::needed(state, [id].into_iter().chain(parts));
        if !blocks.is_empty() {
            let blocks: Vec<_> = blocks.iter().map(|b| format!("sql {}", quoted(b))).collect();
            text.push(format!("  depends on {}\n", blocks.join(", ")));
        }
        if text.out.len() > columns && columns > 0 {
            text.gap(columns);
        }
        for id in state.parts(&table.table, Kind::Trigger) {
            let Some(Object::Trigger(trigger)) = state.entry(id).map(|e| &e.object) else { continue };
            text.push("\n");
            routine::trigger(state, id, trigger, false, text);
            text.push("\n");
        }
        let policies = state.parts(&table.table, Kind::Policy);
        if !policies.is_empty() {
            text.push("\n  policy {\n");
            policies.into_iter().for_each(|id| access::rule(state, id, text));
            text.push("  }\n");
        }
        text.push("}");
    });
}

fn at_columns<'a>(state: &State<'a>, table: &Table, constraints: &[(&'a ObjectId, &'a Constraint)]) -> AtColumns<'a> {
    let mut at = AtColumns::default();
    let name = table.table.name.as_str();
    for &(id, constraint) in constraints {
        if state.level(id) != Level::Tidy || state.doc(id).is_some() {
            continue;
        }
        let immediate = !constraint.deferrable && !constraint.not_valid;
        match &constraint.rule {
            Rule::PrimaryKey { columns, include } if immediate && include.is_empty() => {
                if let [column] = columns.as_slice()
                    && constraint.name == conventional_name(name, None, "pkey")
                {
                    at.key = Some((id, column.clone()));
                }
            }
            Rule::Unique { columns, include, nulls_not_distinct: false } if immediate && include.is_empty() => {
                if let [column] = columns.as_slice()
                    && constraint.name == conventional_name(name, Some(column), "key")
                {
                    at.unique.entry(column.clone()).or_insert(id);
                }
            }
            Rule::Check { expr, no_inherit: false } if immediate => {
                if let Some((column, json)) = specc_sql::read_shape(&expr.text)
                    && constraint.name == conventional_name(name, Some(&column), "check")
                    && table.columns.iter().any(|own| own.name == column && own.ty == DataType::builtin("jsonb"))
                    && let Json::Object(_) = json
                    && let Some(shape) = shape(state, &json)
                {
                    at.shapes.entry(column).or_insert((id, shape));
                }
            }
            Rule::ForeignKey(key) => {
                if let [column] = key.columns.as_slice()
                    && fits(state, table, column, key)
                {
                    at.references.entry(column.clone()).or_insert((id, constraint, key));
                }
            }
            _ => {}
        }
    }
    at
}

/// A shape as it is written; none where no type says which texts there can be.
fn shape(state: &State<'_>, json: &Json) -> Option<String> {
    Some(match json {
        Json::OneOf(labels) => {
            let mut all = state.catalog.iter();
            let found = all.find_map(|(_, entry)| match &entry.object {
                Object::Enum(found) if found.labels == *labels => Some(found),
                _ => None,
            })?;
            let ty = DataType { schema: found.schema.clone(), ..DataType::builtin(found.name.clone()) };
            state.names.data_type(&ty)
        }
        Json::List(of) => format!("{}[]", shape(state, of)?),
        Json::Object(keys) if keys.is_empty() => "{}".to_owned(),
        Json::Object(keys) => {
            let mut all = Vec::with_capacity(keys.len());
            for key in keys {
                let optional = if key.optional { "?" } else { "" };
                all.push(format!("{}: {}{optional}", quoted(&key.name), shape(state, &key.json)?));
            }
            format!("{{ {} }}", all.join(", "))
        }
        other => other.to_string(),
    })
}

fn statistics(said: &ColumnStatistics) -> String {
    let target = said.target.map(|target| format!("target {target}"));
    let distinct = said.distinct.map(|count| format!("n_distinct {count}"));
    let inherited = said.inherited.map(|count| format!("n_distinct_inherited {count}"));
    [target, distinct, inherited].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Whether the column says nothing that `column -> target` could not say.
fn fits(state: &State<'_>, table: &Table, column: &str, key: &ForeignKey) -> bool {
    let Some(own) = table.columns.iter().find(|c| c.name == column) else { return false };
    let plain = own.generated.is_none()
        && own.identity.is_none()
        && own.compression.is_none()
        && own.settings().next().is_none();
    let target = match state.entry(&key.target.id()).map(|e| &e.object) {
        Some(Object::Table(target)) => target,
        Some(_) => return false,
        // A table of the platform: what its column is, is known to whoever reads the text.
        None => return plain && own.collation.is_none(),
    };
    let [theirs] = key.target_columns.as_slice() else { return false };
    // A column whose type comes from itself would have none.
    if leads_back(state, &table.table, column, key) {
        return false;
    }
    let theirs = target.columns.iter().find(|c| c.name == *theirs);
    plain && theirs.is_some_and(|theirs| theirs.ty == own.ty && theirs.collation == own.collation)
}

/// Whether the references from column to column come back to where they start.
fn leads_back(state: &State<'_>, table: &TableName, column: &str, key: &ForeignKey) -> bool {
    let mut seen = vec![(table.clone(), SmolStr::from(column))];
    let mut open: Vec<(TableName, SmolStr)> =
        key.target_columns.iter().map(|c| (key.target.clone(), c.clone())).collect();
    while let Some(next) = open.pop() {
        if seen[0] == next {
            return true;
        }
        if seen.contains(&next) {
            continue;
        }
        for id in state.all_parts(&next.0) {
            if let Some(Object::Constraint(Constraint { rule: Rule::ForeignKey(key), .. })) =
                state.entry(id).map(|e| &e.object)
                && key.columns == [next.1.clone()]
            {
                open.extend(key.target_columns.iter().map(|c| (key.target.clone(), c.clone())));
            }
        }
        seen.push(next);
    }
    false
}

fn column(
    state: &State<'_>,
    id: &ObjectId,
    table: &Table,
    column: &Column,
    at: &AtColumns<'_>,
    paths: &mut FxHashSet<String>,
    text: &mut Text,
) {
    let own = (id.clone(), column.name.clone());
    let level = if state.sql_columns.contains(&own) { Level::Sql } else { state.level(id) };
    let apart = state.column_comments.contains(&own);
    text.doc(column.comment.as_deref().filter(|_| !apart), "  ");
    text.push("  ").name(&column.name);
    let optional = if column.nullable { "?" } else { "" };
    let default = column.default.as_ref().map(|default| state.expr(level, &default.text, Some(&column.ty)));
    let is_key = at.key.as_ref().is_some_and(|(_, key)| *key == column.name);
    let is_unique = at.unique.contains_key(&column.name);
    let flags = |text: &mut Text| {
        if is_key {
            text.push(" key");
        }
        if is_unique {
            text.push(" unique");
        }
    };
    match at.references.get(&column.name) {
        Some((id, constraint, key)) => text.says(id, |text| {
            text.push(format!(" -> {}{optional}", state.names.table(&key.target)));
            if key.target_columns != key_of(state, &key.target).unwrap_or_default() {
                text.push(" (").names(&key.target_columns).push(")");
            }
            if let Some(default) = &default {
                text.push(format!(" = {default}"));
            }
            flags(text);
            let path = column.name.strip_suffix("_id").filter(|p| !p.is_empty()).unwrap_or(&column.name);
            way(path, &column.name, constraint, paths, text);
            reference_options(table, state.level(id), constraint, key, text);
        }),
        None => {
            text.push(format!(": {}{optional}", state.names.data_type(&column.ty)));
            if let Some(default) = &default {
                text.push(format!(" = {default}"));
            }
            flags(text);
            if let Some(generated) = &column.generated {
                let how = if column.virtual_generated { "virtual " } else { "" };
                text.push(format!(" generated {how}({})", state.expr_of(level, &generated.text, &table.table)));
            }
            if let Some(identity) = &column.identity {
                text.push(if identity.0 { " identity" } else { " identity by default" });
                let options = counting(&identity.1);
                if !options.is_empty() {
                    text.push(format!(" ({options})"));
                }
            }
            if let Some(collation) = &column.collation {
                text.push(format!(" collate {}", Names::bare(collation)));
            }
            if let Some(storage) = &column.storage {
                text.push(format!(" storage {}", quoted(storage)));
            }
            if let Some(compression) = &column.compression {
                text.push(format!(" compression {}", quoted(compression)));
            }
            if let Some(said) = &column.statistics {
                text.push(format!(" statistics ({})", statistics(said)));
            }
            if let Some((id, shape)) = at.shapes.get(&column.name) {
                text.says(id, |text| {
                    text.push(format!(" shape {shape}"));
                });
            }
        }
    }
    text.push("\n");
}

/// `as path`, where the way to the target would have the name of another.
fn way(path: &str, column: &str, constraint: &Constraint, paths: &mut FxHashSet<String>, text: &mut Text) {
    if paths.insert(path.to_owned()) {
        return;
    }
    let more = (2..).map(|n| format!("{column}_{n}"));
    let names = [column.to_owned(), constraint.name.to_string()].into_iter().chain(more);
    for name in names {
        if paths.insert(name.clone()) {
            text.push(format!(" as {}", quoted(&name)));
            return;
        }
    }
}

/// The columns of a table's primary key.
fn key_of(state: &State<'_>, table: &TableName) -> Option<Vec<SmolStr>> {
    state.all_parts(table).iter().find_map(|id| match &state.entry(id)?.object {
        Object::Constraint(Constraint { rule: Rule::PrimaryKey { columns, .. }, .. }) if state.is_typed(id) => {
            Some(columns.clone())
        }
        _ => None,
    })
}

fn reference_options(table: &Table, level: Level, constraint: &Constraint, key: &ForeignKey, text: &mut Text) {
    action(" on delete", key.on_delete, &key.on_delete_columns, text);
    action(" on update", key.on_update, &[], text);
    if key.match_full {
        text.push(" match full");
    }
    deferral(constraint, text);
    if constraint.not_valid {
        text.push(" not valid");
    }
    let columns = joined(&key.columns);
    let conventional = conventional_name(&table.table.name, Some(&columns), "fkey");
    if level != Level::Tidy || constraint.name != conventional {
        text.push(" constraint ").name(&constraint.name);
    }
}

fn action(word: &str, action: Action, columns: &[SmolStr], text: &mut Text) {
    let kind = match action {
        Action::NoAction => return,
        Action::Restrict => "restrict",
        Action::Cascade => "cascade",
        Action::SetNull => "set null",
        Action::SetDefault => "set default",
    };
    text.push(format!("{word} {kind}"));
    if !columns.is_empty() {
        text.push(" (").names(columns).push(")");
    }
}

fn deferral(constraint: &Constraint, text: &mut Text) {
    if constraint.deferrable || constraint.initially_deferred {
        text.push(" deferrable");
    }
    if constraint.initially_deferred {
        text.push(" initially deferred");
    }
}

/// Column names as they stand in a conventional name.
fn joined(columns: &[SmolStr]) -> String {
    columns.iter().map(SmolStr::as_str).collect::<Vec<_>>().join("_")
}

fn constraint(
    state: &State<'_>,
    id: &ObjectId,
    constraint: &Constraint,
    paths: &mut FxHashSet<String>,
    text: &mut Text,
) {
    let level = state.level(id);
    let table = constraint.table.name.as_str();
    // Names by convention are left out where nothing could be meant by them.
    let named = |columns: Option<&str>, label: &str| {
        if level == Level::Tidy && constraint.name == conventional_name(table, columns, label) {
            String::new()
        } else {
            format!("{}: ", quoted(&constraint.name))
        }
    };
    match &constraint.rule {
        Rule::PrimaryKey { columns, include } => {
            text.push(format!("key {}(", named(None, "pkey"))).names(columns).push(")");
            self::include(include, text);
            deferral(constraint, text);
        }
        Rule::Unique { columns, include, nulls_not_distinct } => {
            let conventional: Vec<_> = columns.iter().chain(include).cloned().collect();
            text.push(format!("unique {}(", named(Some(&joined(&conventional)), "key"))).names(columns).push(")");
            if *nulls_not_distinct {
                text.push(" nulls not distinct");
            }
            self::include(include, text);
            deferral(constraint, text);
        }
        Rule::Check { expr, no_inherit } => {
            text.push(format!(
                "check {}: {}",
                quoted(&constraint.name),
                state.expr_of(level, &expr.text, &constraint.table)
            ));
            if *no_inherit {
                text.push(" no inherit");
            }
            if constraint.not_valid {
                text.push(" not valid");
            }
        }
        Rule::ForeignKey(key) => {
            text.push("reference (").names(&key.columns).push(format!(") -> {} (", state.names.table(&key.target)));
            text.names(&key.target_columns).push(")");
            let path = match key.columns.as_slice() {
                // The way that it would have at its column.
                [column] => column.strip_suffix("_id").filter(|p| !p.is_empty()).unwrap_or(column),
                _ => &key.target.name,
            };
            if path == key.target.name && paths.insert(path.to_owned()) {
                // That is the way it has without being told.
            } else if paths.insert(path.to_owned()) {
                text.push(format!(" as {}", quoted(path)));
            } else {
                way(path, &joined(&key.columns), constraint, paths, text);
            }
            let own = match state.entry(&constraint.table.id()).map(|e| &e.object) {
                Some(Object::Table(own)) => own,
                _ => return,
            };
            reference_options(own, level, constraint, key, text);
        }
        Rule::Exclude { method, elements, filter } => {
            text.push(format!("exclude {}: using {} (", quoted(&constraint.name), quoted(method)));
            let list: Vec<_> = elements
                .iter()
                .map(|(key, operator)| format!("{} with {operator}", element(state, level, key)))
                .collect();
            text.push(list.join(", ")).push(")");
            deferral(constraint, text);
            where_clause(state, level, &constraint.table, filter.as_ref(), text);
        }
    }
}

fn include(columns: &[SmolStr], text: &mut Text) {
    if !columns.is_empty() {
        text.push(" include (").names(columns).push(")");
    }
}

fn where_clause(state: &State<'_>, level: Level, table: &TableName, filter: Option<&SqlExpr>, text: &mut Text) {
    if let Some(filter) = filter {
        text.push(format!(" where {}", state.expr_of(level, &filter.text, table)));
    }
}

/// `[unique] index name: (…) …`
pub(super) fn index(state: &State<'_>, id: &ObjectId, index: &Index, text: &mut Text) {
    let level = state.level(id);
    if index.unique {
        text.push("unique ");
    }
    let columns: Option<Vec<_>> = index.keys.iter().map(IndexKey::column_name).collect();
    let columns: Option<Vec<_>> = columns.map(|c| c.into_iter().chain(&index.include).cloned().collect());
    let conventional = columns
        .is_some_and(|columns| index.name == conventional_name(&index.table.name, Some(&joined(&columns)), "idx"));
    let name = if level == Level::Tidy && conventional { String::new() } else { format!("{}: ", quoted(&index.name)) };
    let keys: Vec<_> = index.keys.iter().map(|key| element(state, level, key)).collect();
    text.push(format!("index {name}({})", keys.join(", ")));
    if index.method != "btree" {
        text.push(format!(" using {}", quoted(&index.method)));
    }
    include(&index.include, text);
    if index.nulls_not_distinct {
        text.push(" nulls not distinct");
    }
    if !index.options.is_empty() {
        text.push(" ").push(settings(&index.options));
    }
    where_clause(state, level, &index.table, index.filter.as_ref(), text);
}

/// `with (fillfactor = 70)`
pub(super) fn settings(options: &[(SmolStr, SmolStr)]) -> String {
    let plain = |v: &str| !v.is_empty() && v.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'));
    let one = |(name, value): &(SmolStr, SmolStr)| match plain(value) {
        true => format!("{name} = {value}"),
        false => format!("{name} = {}", crate::text::string(value)),
    };
    format!("with ({})", options.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// A name that needs no quotes anywhere.
fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

pub(super) fn element(state: &State<'_>, level: Level, key: &IndexKey) -> String {
    let mut out = match &key.on {
        // The formatter leaves elements as they are.
        KeyOn::Column(column) if is_plain(column) => column.to_string(),
        KeyOn::Column(column) => quoted(column),
        KeyOn::Expr(expr) => format!("({})", state.expr(level, &expr.text, None)),
    };
    if let Some(collation) = &key.collation {
        let _ = write!(out, " collate {}", Names::bare(collation));
    }
    if let Some(opclass) = &key.opclass {
        let _ = write!(out, " {}", Names::bare(opclass));
    }
    if key.desc {
        out.push_str(" desc");
    }
    match key.nulls_first {
        Some(true) => out.push_str(" nulls first"),
        Some(false) => out.push_str(" nulls last"),
        None => {}
    }
    out
}
