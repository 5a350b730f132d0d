//! Types and checks as JSON Schema, as far as it says the same.

use crate::json::Json;
use crate::resolved::Type;
use crate::world::{Column, Relation, World};
use crate::zod::javascript;
use specc_analysis::checks::{Comparison, Formula, Sort, Value, conditions};
use specc_catalog::DataType;
use specc_facts::Family;

/// How deep composite types and arrays of them are followed.
const DEEP: usize = 16;

/// The schema of a type.
pub(crate) fn of_type(world: &World<'_>, ty: &DataType, nullable: bool) -> Json {
    of(world, ty, nullable, &[], 0)
}

/// The schema of a column's values.
pub(crate) fn of_column(world: &World<'_>, relation: &Relation, column: &Column) -> Json {
    let Some(ty) = &column.ty else { return Json::object::<String>([]) };
    let is_text = |name: &str| {
        let found = relation.columns.iter().find(|column| column.name == name);
        let plain = found.filter(|column| !column.collated).and_then(|column| column.ty.as_ref());
        plain.map_or(Sort::Other, |ty| world.below_domains(ty).0.sort())
    };
    let mut said = Vec::new();
    for check in world.checks(&relation.name).into_iter().filter(|check| !check.not_valid) {
        let own = conditions(check.text, &is_text).into_iter().flatten();
        said.extend(own.filter(|formula| formula.columns() == [column.name.clone()]));
    }
    of(world, ty, column.nullable, &said, 0)
}

fn of(world: &World<'_>, ty: &DataType, nullable: bool, said: &[Formula], depth: usize) -> Json {
    let (below, domains) = world.below_domains(ty);
    let nullable = nullable && domains.iter().all(|domain| domain.nullable);
    let mut fields = if depth > DEEP { Vec::new() } else { fields(world, &below, depth) };
    let sort = |_: &str| below.sort();
    let mut all: Vec<Formula> = said.to_vec();
    for domain in domains.iter().filter(|domain| domain.collation.is_none()) {
        all.extend(domain.checks.iter().flat_map(|(_, check)| conditions(&check.text, &sort)).flatten());
    }
    for formula in &all {
        narrow(formula, &mut fields);
    }
    if nullable {
        for (key, value) in &mut fields {
            match (key.as_str(), &mut *value) {
                ("type", Json::Text(name)) => *value = Json::texts([name.clone(), "null".to_owned()]),
                ("enum", Json::List(list)) => list.push(Json::plain("null")),
                _ => {}
            }
        }
    }
    Json::Object(fields)
}

fn fields(world: &World<'_>, ty: &Type<'_>, depth: usize) -> Vec<(String, Json)> {
    let typed = |name: &str| vec![("type".to_owned(), Json::text(name))];
    let with = |name: &str, more: &[(&str, Json)]| {
        let more = more.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
        typed(name).into_iter().chain(more).collect::<Vec<_>>()
    };
    match ty {
        Type::Plain(name, args) => match (name.as_str(), &args[..]) {
            ("boolean", _) => typed("boolean"),
            ("smallint", _) => {
                with("integer", &[("minimum", Json::plain(i16::MIN)), ("maximum", Json::plain(i16::MAX))])
            }
            ("int", _) => with("integer", &[("format", Json::text("int32"))]),
            ("bigint", _) => with("integer", &[("format", Json::text("int64"))]),
            (name, _) if matches!(specc_facts::family(name), Family::Decimal | Family::Float) => typed("number"),
            (name, [most, ..]) if specc_facts::family(name) == Family::Text => {
                with("string", &[("maxLength", Json::plain(most))])
            }
            ("uuid", _) => with("string", &[("format", Json::text("uuid"))]),
            ("date", _) => with("string", &[("format", Json::text("date"))]),
            ("timestamptz", _) => with("string", &[("format", Json::text("date-time"))]),
            // Any JSON.
            ("json" | "jsonb", _) => Vec::new(),
            (name, _) if crate::formats::is_text(name) => typed("string"),
            _ => Vec::new(),
        },
        Type::Enum(found) => with("string", &[("enum", Json::texts(found.labels.iter().map(|label| label.as_str())))]),
        Type::Composite(found) => {
            let field = |(name, ty, _): &(smol_str::SmolStr, DataType, _)| {
                (name.to_string(), of(world, ty, true, &[], depth + 1))
            };
            with("object", &[("properties", Json::Object(found.fields.iter().map(field).collect()))])
        }
        Type::Row(name) => {
            let columns = specc_analysis::shape::table_columns(world.catalog, name).unwrap_or_default();
            let field =
                |column: specc_catalog::Column| (column.name.to_string(), of(world, &column.ty, true, &[], depth + 1));
            with("object", &[("properties", Json::Object(columns.into_iter().map(field).collect()))])
        }
        // Of any dimensions: an item may be a list again.
        Type::List(item) => {
            let item = match &**item {
                Type::Domain(domain) => of(world, &domain.base, true, &[], depth + 1),
                item => {
                    let mut found = fields(world, item, depth + 1);
                    found.retain(|(key, _)| key != "enum" && key != "format");
                    Json::Object(found)
                }
            };
            let list = Json::object([("type", Json::text("array"))]);
            let null = Json::object([("type", Json::text("null"))]);
            with("array", &[("items", Json::object([("anyOf", Json::List(vec![item, null, list]))]))])
        }
        Type::Other(name) if crate::formats::is_text(&name.name) => typed("string"),
        Type::Domain(_) | Type::Other(_) => Vec::new(),
    }
}

/// Adds what a check says of the one value, if JSON Schema has a word for it.
fn narrow(formula: &Formula, fields: &mut Vec<(String, Json)>) {
    let mut add = |key: &str, value: Json| {
        if fields.iter().all(|(known, _)| known != key) {
            fields.push((key.to_owned(), value));
        }
    };
    match formula {
        Formula::All(list) => list.iter().for_each(|one| narrow(one, fields)),
        Formula::OneOf(Sort::Text, Value::Column(_), list) => {
            let text = |value: &Value| match value {
                Value::Text(text) => Some(Json::text(text.as_str())),
                _ => None,
            };
            if let Some(list) = list.iter().map(text).collect::<Option<Vec<_>>>() {
                add("enum", Json::List(list));
            }
        }
        Formula::Matches { value: Value::Column(_), pattern, folded } => {
            if let Ok(pattern) = javascript(pattern, *folded) {
                add("pattern", Json::text(pattern));
            }
        }
        Formula::Compare(sort, Value::Column(_), op, Value::Number(number)) if sort.is_number() && is_json(number) => {
            let key = match op {
                Comparison::Gt => "exclusiveMinimum",
                Comparison::GtEq => "minimum",
                Comparison::Lt => "exclusiveMaximum",
                Comparison::LtEq => "maximum",
                Comparison::Eq | Comparison::NotEq => return,
            };
            add(key, Json::plain(number));
        }
        Formula::Compare(_, Value::Length(inner), op, Value::Number(number)) if matches!(**inner, Value::Column(_)) => {
            let Ok(number) = number.parse::<u32>() else { return };
            match op {
                Comparison::Gt => add("minLength", Json::plain(number.saturating_add(1))),
                Comparison::GtEq => add("minLength", Json::plain(number)),
                Comparison::Lt if number > 0 => add("maxLength", Json::plain(number - 1)),
                Comparison::LtEq => add("maxLength", Json::plain(number)),
                _ => {}
            }
        }
        _ => {}
    }
}

/// Whether a number is written as JSON writes it.
fn is_json(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let all = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    all(whole) && all(part) && (whole == "0" || !whole.starts_with('0'))
}
