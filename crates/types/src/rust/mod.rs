//! Structs of Rust for rows, new rows and changes, with enums, composite types, and domains as types of their own: for serde as
//! the API's JSON, and for sqlx.
//!
//! Paths begin with `::`, so that no schema or table hides a crate by its name.

mod names;

use crate::resolved::Type;
use crate::world::{Column, Relation, RelationKind, World};
use names::{Names, literal, pascal, snake, written};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_catalog::{DataType, Object};
use std::fmt::Write as _;

/// What the file has where it has a column of bytes.
const BYTES: &str = include_str!("bytes.txt");

/// What the file has where null is another value than none.
const PRESENT: &str = include_str!("present.txt");

/// Writes the types; returns what they cannot say.
pub(crate) fn write(world: &World<'_>, out: &mut String) -> Vec<String> {
    let mut writer =
        Writer { world, types: FxHashMap::default(), names: Vec::new(), beyond: Vec::new(), uses: Uses::default() };
    writer.name_types();
    let mut body = String::new();
    let mut modules = Names::default();
    for at in 0..world.schemas.len() {
        let mut own = String::new();
        writer.schema(at, &mut own);
        if writer.is_nested() {
            let name = written(&modules.take(snake(&world.schemas[at])));
            let _ = writeln!(body, "\n/// The schema `{}`.\npub mod {name} {{", shown(&world.schemas[at]));
            for line in own.trim().lines() {
                let _ = writeln!(body, "{}{line}", if line.is_empty() { "" } else { "    " });
            }
            body.push_str("}\n");
        } else {
            body.push_str(&own);
        }
    }
    if writer.uses.bytes {
        out.push_str(BYTES);
    }
    if writer.uses.present {
        out.push_str(PRESENT);
    }
    out.push_str(&body);
    writer.beyond
}

/// What is used of what stands at the top of the file.
#[derive(Default)]
struct Uses {
    bytes: bool,
    present: bool,
}

struct Writer<'w, 'c> {
    world: &'w World<'c>,
    /// The names of enums, composite types and domains, by schema and name.
    types: FxHashMap<(SmolStr, SmolStr), String>,
    /// Of each schema, the names of types that are taken.
    names: Vec<Names>,
    beyond: Vec<String>,
    uses: Uses,
}

/// What a struct is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Row,
    Insert,
    Update,
}

/// A name in a comment: on one line, in one direction.
fn shown(name: &str) -> String {
    name.chars().map(|c| if c.is_control() || names::turns(c) { ' ' } else { c }).collect()
}

impl<'c> Writer<'_, 'c> {
    fn is_nested(&self) -> bool {
        self.world.schemas.len() > 1
    }

    /// Where what stands at the top of the file is, from a type.
    fn top(&self) -> &'static str {
        if self.is_nested() { "super::" } else { "" }
    }

    /// Objects of a schema that are types of their own.
    fn own_types(&self, schema: &str) -> Vec<&'c Object> {
        let all = self.world.catalog.iter().map(|(_, entry)| &entry.object);
        all.filter(|object| match object {
            Object::Enum(found) => found.schema == schema && !found.labels.is_empty(),
            Object::Composite(found) => found.schema == schema,
            Object::Domain(found) => found.schema == schema,
            _ => false,
        })
        .collect()
    }

    fn name_types(&mut self) {
        for schema in &self.world.schemas {
            let mut names = Names::of_types();
            for object in self.own_types(schema) {
                let id = object.id();
                let name = names.take(pascal(&id.name, "Type"));
                self.types.insert((id.schema, id.name), name);
            }
            self.names.push(names);
        }
    }

    fn schema(&mut self, at: usize, out: &mut String) {
        let schema = &self.world.schemas[at];
        for object in self.own_types(schema) {
            self.own_type(object, schema, out);
        }
        let relations: Vec<&Relation> =
            self.world.relations_of(schema, true).chain(self.world.relations_of(schema, false)).collect();
        for relation in relations {
            let base = pascal(&relation.name.name, "Table");
            let parts = |base: &str| [base.to_owned(), format!("{base}Insert"), format!("{base}Update")];
            // All three have the same number, if they need one.
            let numbered = (1..).map(|n| if n == 1 { base.clone() } else { format!("{base}{n}") });
            let free = |base: &String| parts(base).iter().all(|name| self.names[at].is_free(name));
            let base = numbered.into_iter().find(free).unwrap_or(base);
            let [row, insert, update] = parts(&base).map(|name| self.names[at].take(name));
            self.relation(relation, Part::Row, &row, out);
            if relation.kind == RelationKind::Table {
                self.relation(relation, Part::Insert, &insert, out);
                self.relation(relation, Part::Update, &update, out);
            }
        }
    }

    fn own_type(&mut self, object: &'c Object, schema: &str, out: &mut String) {
        let id = object.id();
        let Some(name) = self.types.get(&(id.schema.clone(), id.name.clone())).cloned() else { return };
        let in_database = if schema == "public" { id.name.to_string() } else { format!("{schema}.{}", id.name) };
        let type_name = format!("#[sqlx(type_name = {})]", literal(&in_database));
        match object {
            Object::Enum(found) => {
                let _ = write!(
                    out,
                    "\n/// The enum `{}`.\n#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ::serde::Serialize, ::serde::Deserialize, ::sqlx::Type)]\n{type_name}\npub enum {name} {{\n",
                    shown(&id.name)
                );
                let mut variants = Names::default();
                for label in &found.labels {
                    let variant = variants.take(pascal(label, "Value"));
                    if variant != *label {
                        let label = literal(label);
                        let _ = writeln!(out, "    #[serde(rename = {label})]\n    #[sqlx(rename = {label})]");
                    }
                    let _ = writeln!(out, "    {variant},");
                }
                out.push_str("}\n");
            }
            Object::Domain(found) => {
                let place = format!("the domain `{}`", found.name);
                let below = self.type_of(&found.base, schema, &place, 0);
                let array = if found.base.dims > 0 { ", no_pg_array" } else { "" };
                let _ = write!(
                    out,
                    "\n/// The domain `{}`.\n#[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::serde::Deserialize, ::sqlx::Type)]\n#[serde(transparent)]\n#[sqlx(transparent{array})]\npub struct {name}(pub {below});\n",
                    shown(&id.name)
                );
            }
            Object::Composite(found) => {
                let _ = write!(
                    out,
                    "\n/// The type `{}`.\n#[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::serde::Deserialize, ::sqlx::Type)]\n{type_name}\npub struct {name} {{\n",
                    shown(&id.name)
                );
                let mut fields = Names::default();
                for (field, ty, _) in &found.fields {
                    let place = format!("the type `{}`, `{field}`", found.name);
                    let ty = format!("Option<{}>", self.type_of(ty, schema, &place, 0));
                    Self::field(&mut fields, field, &ty, "", false, out);
                }
                out.push_str("}\n");
            }
            _ => {}
        }
    }

    fn relation(&mut self, relation: &Relation, part: Part, name: &str, out: &mut String) {
        let kind = if relation.kind == RelationKind::Table { "table" } else { "view" };
        let (what, derived) = match part {
            Part::Row => (format!("A row of the {kind} `{}`.", shown(&relation.name.name)), ", ::sqlx::FromRow"),
            Part::Insert => (format!("A new row of `{}`: what is none is left out.", shown(&relation.name.name)), ""),
            Part::Update => {
                (format!("A change of `{}`: what is none stays as it is.", shown(&relation.name.name)), ", Default")
            }
        };
        let _ = write!(
            out,
            "\n/// {what}\n#[derive(Debug, Clone, PartialEq{}, ::serde::Serialize, ::serde::Deserialize{})]\npub struct {name} {{\n",
            if part == Part::Update { derived } else { "" },
            if part == Part::Row { derived } else { "" },
        );
        let mut fields = Names::default();
        for column in &relation.columns {
            if part != Part::Row && !column.written {
                continue;
            }
            let place = format!("`{}.{}`, `{}`", relation.name.schema, relation.name.name, column.name);
            let ty = match &column.ty {
                Some(ty) => {
                    // What is told of a column is told once.
                    let before = self.beyond.len();
                    let ty = self.type_of(ty, &relation.name.schema, &place, 0);
                    if part != Part::Row {
                        self.beyond.truncate(before);
                    }
                    ty
                }
                None => {
                    if part == Part::Row {
                        self.beyond.push(format!("{place}: its type is not known"));
                    }
                    "String".to_owned()
                }
            };
            let (ty, attribute) = self.shape(column, part, ty);
            Self::field(&mut fields, &column.name, &ty, &attribute, part == Part::Row, out);
        }
        out.push_str("}\n");
    }

    /// How a column's type stands in a struct.
    fn shape(&mut self, column: &Column, part: Part, ty: String) -> (String, String) {
        let none = "default, skip_serializing_if = \"Option::is_none\"";
        match part {
            Part::Row if column.nullable => (format!("Option<{ty}>"), String::new()),
            Part::Row => (ty, String::new()),
            Part::Insert if !column.optional => (ty, String::new()),
            // Left out, it is null.
            Part::Insert if column.default.is_none() && column.nullable => (format!("Option<{ty}>"), none.to_owned()),
            _ if column.nullable => {
                self.uses.present = true;
                (format!("Option<Option<{ty}>>"), format!("{none}, deserialize_with = \"{}present\"", self.top()))
            }
            _ => (format!("Option<{ty}>"), none.to_owned()),
        }
    }

    fn field(names: &mut Names, name: &str, ty: &str, attribute: &str, is_row: bool, out: &mut String) {
        let field = names.take(snake(name));
        let mut serde: Vec<String> = Vec::new();
        if field != name {
            serde.push(format!("rename = {}", literal(name)));
        }
        if !attribute.is_empty() {
            serde.push(attribute.to_owned());
        }
        if !serde.is_empty() {
            let _ = writeln!(out, "    #[serde({})]", serde.join(", "));
        }
        // Of composite types, sqlx reads the fields by their places.
        if field != name && is_row {
            let _ = writeln!(out, "    #[sqlx(rename = {})]", literal(name));
        }
        let _ = writeln!(out, "    pub {}: {ty},", written(&field));
    }

    /// The type of Rust, seen from a schema.
    fn type_of(&mut self, ty: &DataType, from: &str, place: &str, depth: usize) -> String {
        let found = self.world.resolve(ty);
        self.resolved(&found, from, place, depth)
    }

    fn resolved(&mut self, ty: &Type<'c>, from: &str, place: &str, depth: usize) -> String {
        let own = |schema: &SmolStr, name: &SmolStr| (schema.clone(), name.clone());
        let key = match ty {
            Type::Enum(found) => Some(own(&found.schema, &found.name)),
            Type::Composite(found) => Some(own(&found.schema, &found.name)),
            Type::Domain(found) => Some(own(&found.schema, &found.name)),
            _ => None,
        };
        if let Some(name) = key.as_ref().and_then(|key| self.types.get(key)) {
            let schema = key.as_ref().map(|key| key.0.as_str()).unwrap_or_default();
            return match schema == from {
                true => name.clone(),
                false => format!("super::{}::{name}", written(&self.module(schema))),
            };
        }
        match ty {
            Type::Plain(name, _) => {
                if let Some(found) = plain(name) {
                    return found.to_owned();
                }
                if name == "bytea" {
                    self.uses.bytes = true;
                    return format!("{}Bytes", self.top());
                }
                self.beyond
                    .push(format!("{place}: sqlx and serde read no `{name}` alike; select it as text (`::text`)"));
                "String".to_owned()
            }
            Type::List(item) => {
                let required = matches!(&**item, Type::Domain(domain) if !domain.nullable);
                let item = self.resolved(item, from, place, depth + 1);
                if required { format!("Vec<{item}>") } else { format!("Vec<Option<{item}>>") }
            }
            Type::Domain(domain) if depth < 32 => self.type_of(&domain.base, from, place, depth + 1),
            Type::Row(name) => {
                self.beyond
                    .push(format!("{place}: a row of `{}` is no type here; select it as `to_jsonb()`", name.name));
                "::serde_json::Value".to_owned()
            }
            Type::Other(name) if name.name == "citext" => "String".to_owned(),
            Type::Other(name) => {
                self.beyond.push(format!(
                    "{place}: `{}` is not a type that is known; select it as text (`::text`)",
                    name.name
                ));
                "String".to_owned()
            }
            Type::Enum(_) | Type::Composite(_) | Type::Domain(_) => {
                self.beyond.push(format!(
                    "{place}: its type is in a schema that is not written; select it as text (`::text`)"
                ));
                "String".to_owned()
            }
        }
    }

    /// The module of a schema, as they are named in order.
    fn module(&self, schema: &str) -> String {
        let mut names = Names::default();
        let all = self.world.schemas.iter().map(|found| (found, names.take(snake(found))));
        all.filter(|(found, _)| *found == schema).map(|(_, name)| name).next().unwrap_or_default()
    }
}

/// The type for one of Postgres's own.
fn plain(name: &str) -> Option<&'static str> {
    Some(match name {
        "boolean" => "bool",
        "smallint" => "i16",
        "int" => "i32",
        "bigint" => "i64",
        "real" => "f32",
        "double precision" => "f64",
        "numeric" => "::rust_decimal::Decimal",
        "text" | "varchar" | "char" | "bpchar" | "name" => "String",
        "uuid" => "::uuid::Uuid",
        "date" => "::chrono::NaiveDate",
        "time" => "::chrono::NaiveTime",
        "timestamp" => "::chrono::NaiveDateTime",
        "timestamptz" => "::chrono::DateTime<::chrono::Utc>",
        "json" | "jsonb" => "::serde_json::Value",
        _ => return None,
    })
}
