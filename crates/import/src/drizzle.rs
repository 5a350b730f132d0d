//! Snapshots of drizzle-kit, version 7 of dialect `postgresql`.

use crate::made::{Made, action, expression};
use crate::types::element;
use crate::{ImportError, Imported};
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;
use smol_str::SmolStr;
use specc_catalog::{
    Action, Column, Command, Dependency, Entry, IndexKey, Policy, Qualified, Rls, Role, Rule, SequenceOptions, SqlExpr,
    TableName, View,
};
use std::collections::BTreeMap;

type Named<T> = BTreeMap<String, T>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Snapshot {
    version: Value,
    dialect: Option<String>,
    #[serde(default)]
    tables: Named<Table>,
    #[serde(default)]
    enums: Named<Enumeration>,
    #[serde(default)]
    sequences: Named<Sequence>,
    #[serde(default)]
    views: Named<AView>,
    #[serde(default)]
    roles: Named<ARole>,
    #[serde(default)]
    policies: Named<APolicy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Table {
    name: SmolStr,
    #[serde(default)]
    schema: SmolStr,
    /// In the order of the text.
    columns: IndexMap<String, AColumn>,
    #[serde(default)]
    indexes: Named<AnIndex>,
    #[serde(default)]
    foreign_keys: Named<AReference>,
    #[serde(default)]
    composite_primary_keys: Named<Columns>,
    #[serde(default)]
    unique_constraints: Named<Columns>,
    #[serde(default)]
    check_constraints: Named<Check>,
    #[serde(default)]
    policies: Named<APolicy>,
    #[serde(default, rename = "isRLSEnabled")]
    rls: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AColumn {
    name: SmolStr,
    #[serde(rename = "type")]
    ty: String,
    #[serde(default)]
    type_schema: Option<SmolStr>,
    #[serde(default)]
    primary_key: bool,
    #[serde(default)]
    not_null: bool,
    #[serde(default)]
    default: Option<Value>,
    #[serde(default)]
    generated: Option<Generated>,
    #[serde(default)]
    identity: Option<Sequence>,
}

#[derive(Deserialize)]
struct Generated {
    #[serde(rename = "as")]
    text: String,
    #[serde(default, rename = "type")]
    kind: String,
}

/// Numbers stand in it as texts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sequence {
    name: SmolStr,
    #[serde(default)]
    schema: SmolStr,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    increment: Option<Value>,
    #[serde(default)]
    min_value: Option<Value>,
    #[serde(default)]
    max_value: Option<Value>,
    #[serde(default)]
    start_with: Option<Value>,
    #[serde(default)]
    cache: Option<Value>,
    #[serde(default)]
    cycle: bool,
}

#[derive(Deserialize)]
struct Enumeration {
    name: SmolStr,
    #[serde(default)]
    schema: SmolStr,
    values: Vec<SmolStr>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnIndex {
    name: SmolStr,
    columns: Vec<Key>,
    #[serde(default)]
    is_unique: bool,
    #[serde(default, rename = "where")]
    filter: Option<String>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    with: BTreeMap<SmolStr, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    expression: String,
    #[serde(default)]
    is_expression: bool,
    #[serde(default)]
    asc: Option<bool>,
    #[serde(default)]
    nulls: Option<String>,
    #[serde(default)]
    opclass: Option<SmolStr>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AReference {
    name: SmolStr,
    table_to: SmolStr,
    #[serde(default)]
    schema_to: Option<SmolStr>,
    columns_from: Vec<SmolStr>,
    columns_to: Vec<SmolStr>,
    #[serde(default)]
    on_delete: Option<String>,
    #[serde(default)]
    on_update: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Columns {
    name: SmolStr,
    columns: Vec<SmolStr>,
    #[serde(default)]
    nulls_not_distinct: bool,
}

#[derive(Deserialize)]
struct Check {
    name: SmolStr,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct APolicy {
    name: SmolStr,
    #[serde(default, rename = "as")]
    kind: Option<String>,
    #[serde(default, rename = "for")]
    command: Option<String>,
    #[serde(default)]
    to: Vec<SmolStr>,
    #[serde(default)]
    using: Option<String>,
    #[serde(default)]
    with_check: Option<String>,
    /// Of a policy that stands beside the tables.
    #[serde(default)]
    on: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ARole {
    name: SmolStr,
    #[serde(default)]
    create_db: bool,
    #[serde(default)]
    create_role: bool,
    #[serde(default)]
    inherit: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AView {
    name: SmolStr,
    #[serde(default)]
    schema: SmolStr,
    #[serde(default)]
    definition: Option<SmolStr>,
    #[serde(default)]
    materialized: bool,
    #[serde(default)]
    is_existing: bool,
    #[serde(default)]
    with_no_data: bool,
    #[serde(default)]
    with: BTreeMap<String, Value>,
}

fn wrong(message: impl Into<String>) -> ImportError {
    ImportError { line: 0, message: message.into() }
}

fn or_public(schema: &SmolStr) -> SmolStr {
    if schema.is_empty() { "public".into() } else { schema.clone() }
}

/// Reads a snapshot.
pub fn read(text: &str) -> Result<Imported, ImportError> {
    let snapshot: Snapshot = serde_json::from_str(text).map_err(|error| ImportError {
        line: error.line(),
        message: format!("this is no snapshot of drizzle-kit: {error}"),
    })?;
    let version = snapshot.version.as_str().map_or_else(|| snapshot.version.to_string(), str::to_owned);
    if version != "7" || snapshot.dialect.as_deref() != Some("postgresql") {
        let dialect = snapshot.dialect.unwrap_or_default();
        return Err(wrong(format!(
            "this snapshot has version {version} of dialect `{dialect}`; version 7 of `postgresql` is read: `drizzle-kit up` brings it there"
        )));
    }
    let mut made = Made::default();
    for role in snapshot.roles.into_values() {
        let said = [
            ("createdb", role.create_db),
            ("createrole", role.create_role),
            ("noinherit", role.inherit == Some(false)),
        ];
        let options = said.iter().filter(|(_, on)| *on).map(|(word, _)| SmolStr::from(*word)).collect();
        made.add(Role { name: role.name, options, member_of: Vec::new() });
    }
    for of in snapshot.enums.into_values() {
        made.enumeration(&or_public(&of.schema), &of.name, of.values);
    }
    for of in snapshot.sequences.into_values() {
        let options = of.numbers();
        made.add(specc_catalog::Sequence {
            schema: or_public(&of.schema),
            name: of.name,
            ty: None,
            options,
            owned_by: None,
        });
    }
    let tables: Vec<TableName> = snapshot.tables.into_values().map(|table| read_table(&mut made, table)).collect();
    for policy in snapshot.policies.into_values() {
        let Some(on) = policy.on.clone() else { continue };
        let (schema, name) = on.split_once('.').unwrap_or(("public", on.as_str()));
        read_policy(&mut made, &TableName::new(schema.trim_matches('"'), name.trim_matches('"')), policy);
    }
    for view in snapshot.views.into_values() {
        read_view(&mut made, view, &tables);
    }
    Ok(made.done)
}

impl Sequence {
    fn numbers(&self) -> SequenceOptions {
        let number = |value: &Option<Value>| match value {
            Some(Value::String(text)) => text.parse().ok(),
            Some(Value::Number(number)) => number.as_i64(),
            _ => None,
        };
        let start = number(&self.start_with);
        let unless = |value: Option<i64>, usual: i64| value.filter(|value| *value != usual);
        SequenceOptions {
            start: unless(start, 1),
            increment: unless(number(&self.increment), 1),
            min: unless(number(&self.min_value), 1),
            max: number(&self.max_value)
                .filter(|max| *max != i64::MAX && *max != i64::from(i32::MAX) && *max != i64::from(i16::MAX)),
            cache: unless(number(&self.cache), 1),
            cycle: self.cycle,
        }
    }
}

fn read_table(made: &mut Made, of: Table) -> TableName {
    let table = TableName::new(or_public(&of.schema), of.name.clone());
    let (mut columns, mut key) = (Vec::new(), None);
    for column in of.columns.into_values() {
        if column.primary_key {
            key = Some(column.name.clone());
        }
        columns.push(read_column(made, &table, column));
    }
    made.table(&table, columns, if of.rls || !of.policies.is_empty() { Rls::On } else { Rls::Off }, None);
    if let Some(column) = key {
        made.primary_key(&table, specc_catalog::conventional_name(&table.name, None, "pkey"), vec![column]);
    }
    for key in of.composite_primary_keys.into_values() {
        made.primary_key(&table, key.name, key.columns);
    }
    for unique in of.unique_constraints.into_values() {
        made.unique(&table, unique.name, unique.columns, unique.nulls_not_distinct);
    }
    for check in of.check_constraints.into_values() {
        made.rule(&table, check.name, Rule::Check { expr: SqlExpr::new(check.value), no_inherit: false });
    }
    for index in of.indexes.into_values() {
        for option in index.with.keys() {
            made.left_out(format!("{}: with {option}", index.name), "set it with `sql` where it is needed");
        }
        let keys = index.columns.into_iter().map(Key::made).collect();
        let method = index.method.as_deref().unwrap_or("btree");
        made.filtered(&table, index.name, index.is_unique, method, keys, index.filter.as_deref());
    }
    for key in of.foreign_keys.into_values() {
        let to = TableName::new(key.schema_to.as_ref().map_or_else(|| "public".into(), or_public), key.table_to);
        let actions =
            [&key.on_delete, &key.on_update].map(|words| words.as_deref().and_then(action).unwrap_or(Action::NoAction));
        made.reference(key.name, (&table, key.columns_from), (&to, key.columns_to), actions);
    }
    for policy in of.policies.into_values() {
        read_policy(made, &table, policy);
    }
    table
}

fn read_column(made: &mut Made, table: &TableName, of: AColumn) -> Column {
    let place = format!("{}.{}", table.name, of.name);
    let serial = specc_facts::serial_type(&of.ty);
    let mut column = Column::new(of.name, specc_catalog::DataType::builtin("int"));
    column.nullable = !(of.not_null || of.primary_key);
    column.ty = match (serial, of.type_schema) {
        (Some(ty), _) => specc_catalog::DataType::builtin(ty),
        (None, Some(schema)) => {
            // Its own type, whose name may have any letters.
            let (name, dims) = element(&of.ty);
            specc_catalog::DataType { schema, name: name.into(), args: Vec::new(), dims }
        }
        (None, None) => made.ty(&of.ty, &place),
    };
    column.default = match of.default {
        Some(Value::String(text)) => Some(SqlExpr::new(text)),
        Some(Value::Null) | None => None,
        Some(other) => Some(SqlExpr::new(other.to_string())),
    };
    if let Some(generated) = of.generated {
        column.virtual_generated = generated.kind == "virtual";
        column.generated = Some(Box::new(SqlExpr::new(generated.text)));
        column.default = None;
    }
    if let Some(identity) = of.identity {
        column.identity = Some(Box::new((identity.kind.as_deref() == Some("always"), identity.numbers())));
    }
    if serial.is_some() {
        made.serial(table, &mut column);
    }
    column
}

impl Key {
    fn made(self) -> IndexKey {
        let desc = self.asc == Some(false);
        let first = self.nulls.as_deref() == Some("first");
        let key = if self.is_expression { expression(&self.expression) } else { IndexKey::column(self.expression) };
        IndexKey {
            desc,
            nulls_first: self.nulls.map(|_| first).filter(|first| *first != desc),
            opclass: self.opclass.map(|name| Box::new(Qualified::new("", name))),
            ..key
        }
    }
}

fn read_policy(made: &mut Made, table: &TableName, of: APolicy) {
    let command = match of.command.as_deref().map(str::to_lowercase).as_deref() {
        Some("select") => Command::Select,
        Some("insert") => Command::Insert,
        Some("update") => Command::Update,
        Some("delete") => Command::Delete,
        _ => Command::All,
    };
    let mut roles: Vec<SmolStr> = of.to.into_iter().filter(|role| role != "public").collect();
    roles.sort();
    made.add(Policy {
        table: table.clone(),
        name: of.name,
        permissive: !of.kind.is_some_and(|kind| kind.eq_ignore_ascii_case("restrictive")),
        command,
        roles,
        using: of.using.map(SqlExpr::new),
        check: of.with_check.map(SqlExpr::new),
    });
}

fn read_view(made: &mut Made, of: AView, tables: &[TableName]) {
    let (Some(query), false) = (of.definition, of.is_existing) else {
        made.left_out(format!("view {}", of.name), "the snapshot has no query of it");
        return;
    };
    let on = |name: &str| of.with.get(name) == Some(&Value::Bool(true));
    let check_option = of.with.get("checkOption").and_then(Value::as_str).map(SmolStr::from);
    let view = View {
        view: TableName::new(or_public(&of.schema), of.name),
        columns: Vec::new(),
        query,
        materialized: of.materialized,
        security_invoker: on("securityInvoker"),
        security_barrier: on("securityBarrier"),
        check_option,
        no_data: of.with_no_data,
    };
    let mut entry = Entry::new(view);
    // Which tables it reads, Postgres will say.
    entry.depends = tables.iter().map(|table| Dependency::new(table.id(), "a view may read every table")).collect();
    if let Some(before) = made.done.catalog.insert(entry) {
        made.left_out(before.object.id().to_string(), "the schema has another one of this name");
    }
}
