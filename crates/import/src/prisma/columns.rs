//! Fields that are columns.

use super::tree::{Block, Field, Many, Mark, Value};
use super::{Schema, wrong};
use crate::ImportError;
use crate::made::Made;
use specc_catalog::{Column, DataType, SqlExpr, TableName};
use specc_sql::quote::literal;

/// What a type of Prisma is where no `@db.…` says.
fn usual(ty: &str) -> Option<DataType> {
    let with = |name: &str, args: &[i64]| DataType { args: args.to_vec(), ..DataType::builtin(name) };
    Some(match ty {
        "String" => with("text", &[]),
        "Boolean" => with("boolean", &[]),
        "Int" => with("int", &[]),
        "BigInt" => with("bigint", &[]),
        "Float" => with("double precision", &[]),
        "Decimal" => with("numeric", &[65, 30]),
        "DateTime" => with("timestamp", &[3]),
        "Json" => with("jsonb", &[]),
        "Bytes" => with("bytea", &[]),
        _ => return None,
    })
}

/// `@db.VarChar(200)`; its words are Postgres's.
fn native(mark: &Mark) -> String {
    let numbers: Vec<&str> = (mark.arguments.iter())
        .filter_map(|(_, value)| match value {
            Value::Number(number) => Some(number.as_str()),
            _ => None,
        })
        .collect();
    let word = mark.name.trim_start_matches("db.");
    let name = match word {
        "DoublePrecision" => "double precision".to_owned(),
        "ByteA" => "bytea".to_owned(),
        word => word.to_lowercase(),
    };
    if numbers.is_empty() { name } else { format!("{name}({})", numbers.join(",")) }
}

/// The column of a field.
pub fn column(
    schema: &Schema,
    table: &TableName,
    model: &Block,
    field: &Field,
    made: &mut Made,
) -> Result<Column, ImportError> {
    let place = format!("{}.{}", model.name, field.name);
    let enumeration = schema.enumeration(&field.ty).filter(|_| !field.raw);
    let mut ty = match (enumeration, field.marks.iter().find(|mark| mark.name.starts_with("db."))) {
        (Some(of), _) => DataType { schema: of.schema().into(), ..DataType::builtin(of.table()) },
        (None, Some(mark)) => made.ty(&native(mark), &place),
        (None, None) if field.raw => made.ty(&field.ty, &place),
        (None, None) => usual(&field.ty)
            .ok_or_else(|| wrong(field.line, format!("`{}` is no type, model or enum of this schema", field.ty)))?,
    };
    if field.many == Many::List {
        ty.dims = 1;
    }
    let mut column = Column::new(field.column(), ty);
    // Prisma leaves lists without `not null`.
    column.nullable = field.many != Many::One;
    if field.mark("updatedAt").is_some() {
        made.left_out(format!("{place}: @updatedAt"), "the client sets it; `use timestamps` has a trigger for it");
    }
    let said = field.mark("default").and_then(|mark| mark.first("value"));
    match said {
        None => {}
        Some(Value::Call(call)) if call.name == "autoincrement" => made.serial(table, &mut column),
        Some(Value::Call(call)) => match (call.name.as_str(), call.first("")) {
            ("now", _) => column.default = Some(SqlExpr::new("current_timestamp")),
            ("dbgenerated", Some(Value::Text(text))) if !text.trim().is_empty() => {
                column.default = Some(SqlExpr::new(text.as_str()));
            }
            ("dbgenerated", _) => {
                made.left_out(format!("{place}: @default(dbgenerated())"), "the schema does not say what it is");
            }
            (other, _) => {
                made.left_out(
                    format!("{place}: @default({other}())"),
                    "the client makes it; the database has no default",
                );
            }
        },
        Some(value) => column.default = Some(SqlExpr::new(constant(value, field, enumeration, &column.ty))),
    }
    Ok(column)
}

/// A constant as SQL.
fn constant(value: &Value, field: &Field, enumeration: Option<&Block>, ty: &DataType) -> String {
    match value {
        Value::Text(text) if field.ty == "Bytes" => literal(&bytes(text)),
        Value::Text(text) if field.ty == "DateTime" => literal(&moment(text)),
        Value::Text(text) => literal(text),
        Value::Number(number) if field.ty == "String" => literal(number),
        Value::Number(number) => number.clone(),
        Value::Word(word) => match enumeration {
            Some(of) => literal(of.field(word).map_or(word, Field::column)),
            None => word.clone(),
        },
        Value::List(list) => {
            let items: Vec<String> = list.iter().map(|item| constant(item, field, enumeration, ty)).collect();
            let mut text = String::new();
            specc_sql::push_type(&mut text, ty);
            format!("array[{}]::{text}", items.join(", "))
        }
        Value::Call(call) => format!("{}()", call.name),
    }
}

/// Bytes stand in base64; what cannot be read as that, Postgres says.
fn bytes(text: &str) -> String {
    use base64::Engine as _;
    let Ok(bytes) = base64::prelude::BASE64_STANDARD.decode(text) else { return text.to_owned() };
    bytes.iter().fold(String::from("\\x"), |out, byte| out + &format!("{byte:02x}"))
}

/// `2020-01-01T08:00:00Z`, with spaces so that a time of day is read from it too.
fn moment(text: &str) -> String {
    let Some((day, rest)) = text.split_once('T') else { return text.to_owned() };
    match rest.find(['Z', '+', '-']) {
        Some(at) => format!("{day} {} {}", &rest[..at], if &rest[at..] == "Z" { "+00:00" } else { &rest[at..] }),
        None => format!("{day} {rest}"),
    }
}
