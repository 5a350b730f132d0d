//! What Supabase's `postgrest-typegen` reads of a database, version 1 of its JSON, for its generators and those that others
//! write: tables, views, columns, references, functions and types. A server's numbers and counts are not known here: numbers only
//! tell things apart, and nothing is counted.

use crate::formats::Format;
use crate::functions::{gives, listed, result};
use crate::json::Json;
use crate::relationships;
use crate::world::{RelationKind, World};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_analysis::shape::table_columns;
use specc_catalog::{Body, Column, DataType, Function, MARK, Object, Returns, Rls, Rule, TableName, Volatility};
use std::collections::BTreeMap;

/// Where the numbers of relations, composite types, functions and other types begin: above those of the server's own.
const RELATIONS: usize = 100_000;
const COMPOSITES: usize = 200_000;
const FUNCTIONS: usize = 300_000;
const TYPES: usize = 400_000;

/// Writes the whole of it.
pub(crate) fn write(world: &World<'_>, out: &mut String) {
    let mut writer = Writer { world, types: BTreeMap::new(), comments: comments(world) };
    writer.known_types();
    let columns = writer.columns();
    let functions = writer.functions();
    let schemas = world.schemas.iter().enumerate().map(|(at, name)| {
        Json::object([("id", Json::plain(at + 1)), ("name", text(name)), ("owner", Json::text("postgres"))])
    });
    let document = Json::object([
        ("$comment", Json::text(MARK)),
        ("version", Json::plain(1)),
        ("schemas", Json::List(schemas.collect())),
        ("tables", writer.relations(RelationKind::Table)),
        ("foreignTables", Json::List(Vec::new())),
        ("views", writer.relations(RelationKind::View)),
        ("materializedViews", writer.relations(RelationKind::Materialized)),
        ("columns", columns),
        ("primaryKeys", writer.keys()),
        ("relationships", references(world)),
        ("functions", functions),
        ("types", writer.listed_types()),
    ]);
    document.write(out, 0);
    out.push('\n');
}

fn text(value: &SmolStr) -> Json {
    Json::text(value.as_str())
}

fn or_null(value: Option<impl Into<String>>) -> Json {
    value.map_or_else(|| Json::plain("null"), Json::text)
}

/// The comments of relations and types.
fn comments<'c>(world: &World<'c>) -> FxHashMap<(&'c str, &'c str), &'c str> {
    let all = world.catalog.iter().filter_map(|(id, entry)| {
        let is_named = matches!(
            entry.object,
            Object::Table(_) | Object::View(_) | Object::Enum(_) | Object::Composite(_) | Object::Domain(_)
        );
        Some(((id.schema.as_str(), id.name.as_str()), entry.comment.as_deref().filter(|_| is_named)?))
    });
    all.collect()
}

/// A type that something has.
struct Known {
    number: usize,
    labels: Vec<SmolStr>,
    attributes: Vec<(SmolStr, DataType)>,
    /// Of the row type of a relation, and of a composite type.
    relation: Option<usize>,
}

struct Writer<'w, 'c> {
    world: &'w World<'c>,
    /// By schema and name.
    types: BTreeMap<(SmolStr, SmolStr), Known>,
    comments: FxHashMap<(&'c str, &'c str), &'c str>,
}

impl Writer<'_, '_> {
    /// Those of the catalog, in whichever schema.
    fn known_types(&mut self) {
        for (id, entry) in self.world.catalog.iter() {
            let place = self.types.len();
            let (labels, attributes, relation) = match &entry.object {
                Object::Enum(found) => (found.labels.clone(), Vec::new(), None),
                Object::Domain(_) => (Vec::new(), Vec::new(), None),
                Object::Composite(found) => {
                    let fields = found.fields.iter().map(|(name, ty, _)| (name.clone(), ty.clone()));
                    (Vec::new(), fields.collect(), Some(COMPOSITES + place))
                }
                Object::Table(table) => (Vec::new(), Vec::new(), self.relation(&table.table)),
                Object::View(view) => (Vec::new(), Vec::new(), self.relation(&view.view)),
                _ => continue,
            };
            let known = Known { number: TYPES + place, labels, attributes, relation };
            self.types.insert((id.schema.clone(), id.name.clone()), known);
        }
        let fields: Vec<DataType> =
            self.types.values().flat_map(|known| &known.attributes).map(|(_, ty)| ty.clone()).collect();
        for ty in &fields {
            self.number(&Format::of(ty));
        }
    }

    /// The number of a type, and from now on it is one of those that are listed.
    fn number(&mut self, format: &Format) -> usize {
        let place = self.types.len();
        let known = self.types.entry((format.schema.clone(), format.name.clone())).or_insert_with(|| {
            let element = format.name.strip_prefix('_');
            let own = element.unwrap_or(&format.name);
            let own = specc_facts::canonical_type(own).unwrap_or(own);
            let server = specc_facts::type_number(own, element.is_some()).filter(|_| format.schema == "pg_catalog");
            let number = server.map_or(TYPES + place, |number| number as usize);
            Known { number, labels: Vec::new(), attributes: Vec::new(), relation: None }
        });
        known.number
    }

    fn relation(&self, name: &TableName) -> Option<usize> {
        self.world.place(name).map(|place| RELATIONS + place)
    }

    fn comment(&self, schema: &str, name: &str) -> Json {
        or_null(self.comments.get(&(schema, name)).copied())
    }

    fn relations(&self, kind: RelationKind) -> Json {
        let all = self.world.relations.iter().enumerate().filter(|(_, relation)| relation.kind == kind);
        let one = |(place, relation): (usize, &crate::Relation)| {
            let (schema, name) = (&relation.name.schema, &relation.name.name);
            let head = [("id", Json::plain(RELATIONS + place)), ("schema", text(schema)), ("name", text(name))];
            let own = match kind {
                RelationKind::Table => self.table(&relation.name),
                RelationKind::Materialized => vec![("is_populated", Json::plain(true))],
                RelationKind::View => vec![
                    ("is_updatable", Json::plain(relation.writes.0 && relation.writes.1)),
                    ("is_insert_enabled", Json::plain(relation.writes.0)),
                    ("is_update_enabled", Json::plain(relation.writes.1)),
                ],
            };
            Json::object(head.into_iter().chain(own).chain([("comment", self.comment(schema, name))]))
        };
        Json::List(all.map(one).collect())
    }

    fn table(&self, name: &TableName) -> Vec<(&'static str, Json)> {
        let found = self.world.catalog.find(specc_catalog::IdRef::table(name));
        let table = match found.and_then(|at| self.world.catalog.at(at)).map(|(_, entry)| &entry.object) {
            Some(Object::Table(table)) => Some(table),
            _ => None,
        };
        let rls = table.map_or(Rls::Off, |table| table.rls);
        let identity = table.and_then(|table| table.replica_identity.as_deref());
        let identity = match identity {
            Some("full") => "FULL",
            Some("nothing") => "NOTHING",
            Some(_) => "INDEX",
            None => "DEFAULT",
        };
        vec![
            ("rls_enabled", Json::plain(rls != Rls::Off)),
            ("rls_forced", Json::plain(rls == Rls::Forced)),
            ("replica_identity", Json::text(identity)),
            ("bytes", Json::plain(0)),
            ("size", Json::text("0 bytes")),
            ("live_rows_estimate", Json::plain(0)),
            ("dead_rows_estimate", Json::plain(0)),
        ]
    }

    fn columns(&mut self) -> Json {
        let mut all = Vec::new();
        for (place, relation) in self.world.relations.iter().enumerate() {
            let table = match relation.kind {
                RelationKind::Table => table_columns(self.world.catalog, &relation.name).unwrap_or_default(),
                _ => Vec::new(),
            };
            for column in &relation.columns {
                let own = table.iter().position(|known| known.name == column.name);
                all.push(self.column(RELATIONS + place, &relation.name, column, own.map(|at| (at, &table[at]))));
            }
        }
        Json::List(all)
    }

    fn column(
        &mut self,
        table: usize,
        relation: &TableName,
        column: &crate::Column,
        own: Option<(usize, &Column)>,
    ) -> Json {
        let place = match own {
            Some((place, _)) => place,
            None => {
                let shape = self.world.shapes.view(relation).unwrap_or_default();
                shape.columns.iter().position(|known| known.name == column.name).unwrap_or(0)
            }
        };
        let own = own.map(|(_, own)| own);
        let format = &column.format;
        self.number(format);
        // The server knows of a view's column only what its type says.
        let is_required = column.ty.as_ref().is_some_and(|ty| self.world.shapes.is_required_type(ty));
        let nullable = own.map_or(!is_required, |own| own.nullable && !is_required);
        let identity = own.and_then(|own| own.identity.as_deref()).map(|(always, _)| *always);
        let default = own.and_then(|own| own.generated.as_deref().or(own.default.as_ref()));
        let data_type = match (format.name.strip_prefix('_'), format.schema.as_str()) {
            (Some(_), _) => "ARRAY".to_owned(),
            (None, "pg_catalog") => spelled(&format.name),
            (None, _) => "USER-DEFINED".to_owned(),
        };
        let element = format.name.strip_prefix('_').unwrap_or(&format.name);
        let labels = self.types.get(&(format.schema.clone(), element.into())).map(|known| known.labels.clone());
        let is_alone =
            |rule: &Rule| matches!(rule, Rule::Unique { columns, .. } if columns.as_slice() == [column.name.clone()]);
        let constraints = self.world.constraints.get(relation).into_iter().flatten();
        let is_unique = constraints.into_iter().any(|constraint| is_alone(&constraint.rule));
        let generation = match identity {
            Some(true) => Json::text("ALWAYS"),
            Some(false) => Json::text("BY DEFAULT"),
            None => Json::plain("null"),
        };
        Json::object([
            ("table_id", Json::plain(table)),
            ("schema", text(&relation.schema)),
            ("table", text(&relation.name)),
            ("id", Json::text(format!("{table}.{}", place + 1))),
            ("ordinal_position", Json::plain(place + 1)),
            ("name", text(&column.name)),
            ("default_value", or_null(default.map(|default| default.text.as_str()))),
            ("data_type", Json::text(data_type)),
            ("format", text(&format.name)),
            ("type_schema", text(&format.schema)),
            ("is_identity", Json::plain(identity.is_some())),
            ("identity_generation", generation),
            ("is_generated", Json::plain(own.is_some_and(|own| own.generated.is_some()))),
            ("is_nullable", Json::plain(nullable)),
            ("is_updatable", Json::plain(own.is_some() || column.written)),
            ("is_unique", Json::plain(is_unique)),
            ("enums", Json::texts(labels.unwrap_or_default())),
            ("check", Json::plain("null")),
            ("comment", or_null(own.and_then(|own| own.comment.as_deref()))),
        ])
    }

    fn keys(&self) -> Json {
        let mut all = Vec::new();
        for (place, relation) in self.world.relations.iter().enumerate() {
            let constraints = self.world.constraints.get(&relation.name).into_iter().flatten();
            let key = constraints.into_iter().find_map(|constraint| match &constraint.rule {
                Rule::PrimaryKey { columns, .. } => Some(columns),
                _ => None,
            });
            let column = |column: &SmolStr| {
                Json::object([
                    ("schema", text(&relation.name.schema)),
                    ("table_name", text(&relation.name.name)),
                    ("name", text(column)),
                    ("table_id", Json::plain(RELATIONS + place)),
                ])
            };
            all.extend(key.into_iter().flatten().map(column));
        }
        Json::List(all)
    }

    fn functions(&mut self) -> Json {
        let is_trigger = |ty: &DataType| ty.schema.is_empty() && matches!(&*ty.name, "trigger" | "event_trigger");
        let mut all = Vec::new();
        let shown: Vec<&Function> =
            self.world.functions.iter().copied().filter(|function| self.world.is_shown(&function.schema)).collect();
        for (place, function) in shown.into_iter().enumerate() {
            let gives = gives(function);
            if !is_trigger(&gives) {
                all.push(self.function(FUNCTIONS + place, function, &gives));
            }
        }
        Json::List(all)
    }

    fn function(&mut self, number: usize, function: &Function, gives: &DataType) -> Json {
        let returns = self.number(&Format::of(gives));
        let row = self.types.get(&(gives.schema.clone(), gives.name.clone())).and_then(|known| known.relation);
        let (is_set, rows) = match &function.returns {
            Some(Returns::SetOf(_) | Returns::Table(_)) => {
                (true, function.rows.as_ref().map_or_else(|| "1000".to_owned(), ToString::to_string))
            }
            _ => (false, "null".to_owned()),
        };
        let mut args = Vec::new();
        for param in &function.params {
            let default = match param.mode == "out" {
                true => "null".to_owned(),
                false => param.default.is_some().to_string(),
            };
            args.push(self.argument(&param.mode, &param.name, &param.ty, default));
        }
        if let Some(Returns::Table(columns)) = &function.returns {
            for (name, ty) in columns {
                args.push(self.argument("table", name, ty, "null".to_owned()));
            }
        }
        let (Body::Atomic(body) | Body::Text(body) | Body::Exact(body)) = &function.body;
        let behaviour = match function.volatility {
            Volatility::Immutable => "IMMUTABLE",
            Volatility::Stable => "STABLE",
            Volatility::Volatile => "VOLATILE",
        };
        let settings = function.settings.iter().map(|(name, value)| (name.as_str(), text(value)));
        let settings = match function.settings.is_empty() {
            true => Json::plain("null"),
            false => Json::object(settings),
        };
        Json::object([
            ("id", Json::plain(number)),
            ("schema", text(&function.schema)),
            ("name", text(&function.name)),
            ("language", text(&function.language)),
            ("definition", text(body)),
            ("complete_statement", Json::text("")),
            ("args", Json::List(args)),
            ("argument_types", Json::text(listed(function, true))),
            ("identity_argument_types", Json::text(listed(function, false))),
            ("return_type_id", Json::plain(returns)),
            ("return_type", Json::text(result(function, gives))),
            ("return_type_relation_id", Json::plain(row.map_or_else(|| "null".to_owned(), |row| row.to_string()))),
            ("is_set_returning_function", Json::plain(is_set)),
            ("prorows", Json::plain(rows)),
            ("behavior", Json::text(behaviour)),
            ("security_definer", Json::plain(function.security_definer)),
            ("config_params", settings),
        ])
    }

    fn argument(&mut self, mode: &str, name: &str, ty: &DataType, default: String) -> Json {
        let number = self.number(&Format::of(ty));
        Json::object([
            ("mode", Json::text(mode)),
            ("name", Json::text(name)),
            ("type_id", Json::plain(number)),
            ("has_default", Json::plain(default)),
        ])
    }

    fn listed_types(&self) -> Json {
        let number = |ty: &DataType| {
            let format = Format::of(ty);
            self.types.get(&(format.schema, format.name)).map_or(0, |known| known.number)
        };
        let one = |((schema, name), known): (&(SmolStr, SmolStr), &Known)| {
            let attribute = |(name, ty): &(SmolStr, DataType)| {
                Json::object([("name", text(name)), ("type_id", Json::plain(number(ty)))])
            };
            let relation = known.relation.map_or_else(|| "null".to_owned(), |relation| relation.to_string());
            let format = if schema == "pg_catalog" { spelled(name) } else { name.to_string() };
            Json::object([
                ("id", Json::plain(known.number)),
                ("name", text(name)),
                ("schema", text(schema)),
                ("format", Json::text(format)),
                ("enums", Json::texts(known.labels.iter().cloned())),
                ("attributes", Json::List(known.attributes.iter().map(attribute).collect())),
                ("comment", self.comment(schema, name)),
                ("type_relation_id", Json::plain(relation)),
            ])
        };
        Json::List(self.types.iter().map(one).collect())
    }
}

/// The server's long name of a type of its own.
fn spelled(name: &str) -> String {
    let (element, end) = name.strip_prefix('_').map_or((name, ""), |element| (element, "[]"));
    let canonical = specc_facts::canonical_type(element).unwrap_or(element);
    format!("{}{end}", specc_facts::server_spelling(canonical))
}

fn references(world: &World<'_>) -> Json {
    let found = relationships::all(world);
    let own = world.relations.iter().filter_map(|relation| found.get(&relation.name)).flatten();
    let one = |one: &crate::Relationship| {
        Json::object([
            ("foreign_key_name", text(&one.key)),
            ("schema", text(&one.from.schema)),
            ("relation", text(&one.from.name)),
            ("columns", Json::texts(one.columns.iter().cloned())),
            ("is_one_to_one", Json::plain(one.one_to_one)),
            ("referenced_schema", text(&one.to.schema)),
            ("referenced_relation", text(&one.to.name)),
            ("referenced_columns", Json::texts(one.to_columns.iter().cloned())),
        ])
    };
    Json::List(own.map(one).collect())
}
