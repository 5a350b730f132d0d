//! `schema.prisma` for Postgres: what `prisma migrate` makes of it.

mod columns;
mod relations;
mod tree;

use crate::made::{Made, expression, named};
use crate::{ImportError, Imported};
use smol_str::SmolStr;
use specc_catalog::{IndexKey, Qualified, Rls, TableName};
use tree::{Block, Field, Many, Mark, Value};

/// A schema: its models and enums by their names.
struct Schema {
    blocks: Vec<Block>,
    /// The database keeps no references.
    without_references: bool,
}

impl Schema {
    fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Block> {
        self.blocks.iter().filter(move |block| block.kind == kind)
    }

    fn model(&self, name: &str) -> Option<&Block> {
        self.of_kind("model").find(|block| block.name == name)
    }

    fn enumeration(&self, name: &str) -> Option<&Block> {
        self.of_kind("enum").find(|block| block.name == name)
    }
}

fn wrong(line: usize, message: impl Into<String>) -> ImportError {
    ImportError { line, message: message.into() }
}

fn table_name(model: &Block) -> TableName {
    TableName::new(model.schema(), model.table())
}

/// Reads a schema.
pub fn read(text: &str) -> Result<Imported, ImportError> {
    let (blocks, docs) = tree::parse(text)?;
    let mut made = Made::default();
    let mut schema = Schema { blocks, without_references: false };
    settings(&mut schema, &mut made)?;
    for block in schema.blocks.iter().filter(|block| matches!(block.kind.as_str(), "view" | "type")) {
        made.left_out(format!("{} {}", block.kind, block.name), "the schema does not say what it is made of");
    }
    for block in schema.of_kind("enum") {
        let labels = block.fields.iter().map(|label| SmolStr::from(label.column())).collect();
        made.enumeration(block.schema(), block.table(), labels);
    }
    for model in schema.of_kind("model") {
        self::model(&schema, model, &mut made)?;
    }
    relations::references(&schema, &mut made)?;
    if docs > 0 {
        made.left_out(format!("lines of documentation (`///`): {docs}"), "Prisma keeps them out of the database");
    }
    Ok(made.done)
}

fn settings(schema: &mut Schema, made: &mut Made) -> Result<(), ImportError> {
    let mut without_references = false;
    for source in schema.of_kind("datasource") {
        for (name, value) in &source.settings {
            match (name.as_str(), value) {
                ("provider", Value::Text(provider)) if !matches!(provider.as_str(), "postgresql" | "postgres") => {
                    return Err(wrong(0, format!("the datasource is `{provider}`; only `postgresql` is read")));
                }
                ("relationMode", Value::Text(mode)) if mode == "prisma" => {
                    without_references = true;
                    made.left_out(
                        "relationMode = \"prisma\"",
                        "the database has no references; the client checks them",
                    );
                }
                ("extensions", list) => {
                    for extension in list.list() {
                        match extension {
                            Value::Word(name) => made.extension(name, ""),
                            Value::Call(call) => made.extension(
                                call.text("map").unwrap_or(&call.name),
                                call.text("schema").unwrap_or_default(),
                            ),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
    }
    schema.without_references = without_references;
    Ok(())
}

fn model(schema: &Schema, model: &Block, made: &mut Made) -> Result<(), ImportError> {
    let table = table_name(model);
    let mut columns = Vec::new();
    for field in model.fields.iter().filter(|field| schema.model(&field.ty).is_none() || field.raw) {
        columns.push(columns::column(schema, &table, model, field, made)?);
        if field.mark("ignore").is_some() {
            made.left_out(
                format!("{}.{}: @ignore", model.name, field.name),
                "the column is there; the client hides it",
            );
        }
    }
    made.table(&table, columns, Rls::Off, None);
    if model.attribute("ignore").is_some() {
        made.left_out(format!("{}: @@ignore", model.name), "the table is there; the client hides it");
    }
    for field in &model.fields {
        if let Some(id) = field.mark("id") {
            key(&table, id, vec![field.column().into()], made);
        }
        if let Some(unique) = field.mark("unique") {
            let sort = unique.named("sort").and_then(Value::word) == Some("Desc");
            let keys = vec![IndexKey { desc: sort, ..IndexKey::column(field.column()) }];
            index(&table, unique, true, keys, &[field.column()], made);
        }
    }
    for mark in &model.attributes {
        match mark.name.as_str() {
            "id" => key(&table, mark, names(model, mark, 0)?, made),
            "unique" | "index" => {
                let keys = keys(model, mark)?;
                let columns: Vec<SmolStr> = names(model, mark, 0)?;
                let columns: Vec<&str> = columns.iter().map(SmolStr::as_str).collect();
                index(&table, mark, mark.name == "unique", keys, &columns, made);
            }
            "map" | "schema" | "ignore" => {}
            other => made.left_out(format!("{}: @@{other}", model.name), "it says nothing of a Postgres database"),
        }
    }
    Ok(())
}

fn key(table: &TableName, mark: &Mark, columns: Vec<SmolStr>, made: &mut Made) {
    let name = mark.text("map").map_or_else(|| named(&table.name, "_pkey"), SmolStr::from);
    made.primary_key(table, name, columns);
}

fn index(table: &TableName, mark: &Mark, unique: bool, keys: Vec<IndexKey>, columns: &[&str], made: &mut Made) {
    let end = if unique { "_key" } else { "_idx" };
    let usual = || named(&format!("{}_{}", table.name, columns.join("_")), end);
    // An index may have its name where a unique one has the client's.
    let said = mark.text("map").or_else(|| mark.text("name").filter(|_| !unique));
    let name = said.map_or_else(usual, SmolStr::from);
    let method = mark.named("type").and_then(Value::word).unwrap_or("btree");
    made.index(table, name, unique, method, keys);
}

/// The columns that a list of fields names.
fn names(model: &Block, mark: &Mark, line: usize) -> Result<Vec<SmolStr>, ImportError> {
    let list = mark.first("fields").map(Value::list).unwrap_or_default();
    list.iter().map(|value| Ok(named_field(model, value, line)?.column().into())).collect()
}

fn named_field<'a>(model: &'a Block, value: &Value, line: usize) -> Result<&'a Field, ImportError> {
    let name = match value {
        Value::Word(name) => name,
        Value::Call(call) => &call.name,
        _ => "",
    };
    model.field(name).ok_or_else(|| wrong(line, format!("`{}` has no field `{name}`", model.name)))
}

/// The keys of an index: `[a, b(sort: Desc, ops: JsonbPathOps)]`.
fn keys(model: &Block, mark: &Mark) -> Result<Vec<IndexKey>, ImportError> {
    let list = mark.first("fields").map(Value::list).unwrap_or_default();
    let key = |value: &Value| {
        let field = named_field(model, value, 0)?;
        let mut key = match field.raw && field.many == Many::List {
            true => expression(field.column()),
            false => IndexKey::column(field.column()),
        };
        if let Value::Call(call) = value {
            key.desc = call.named("sort").and_then(Value::word) == Some("Desc");
            let class = match call.named("ops") {
                Some(Value::Word(word)) => Some(Qualified::new("", operator_class(word))),
                Some(Value::Call(raw)) => raw.first("").and_then(Value::text).map(|text| Qualified::new("", text)),
                _ => None,
            };
            key.opclass = class.map(Box::new);
        }
        Ok(key)
    };
    list.iter().map(key).collect()
}

/// `JsonbPathOps` is `jsonb_path_ops`, `Int4MinMaxOps` is `int4_minmax_ops`.
fn operator_class(word: &str) -> String {
    let mut out = String::new();
    for (at, c) in word.char_indices() {
        if c.is_ascii_uppercase() && at > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out.replace("min_max", "minmax")
}
