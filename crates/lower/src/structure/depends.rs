//! What an expression or a declared dependency refers to, as ids of the catalog.

use super::functions;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_catalog::{Dependency, Kind, ObjectId};
use specc_model::{Base, Expr, Model, Object, PredicateId, Qualified, Type};
use sqlparser::ast;
use std::ops::ControlFlow;

/// Where names in expressions lead.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lookup {
    default_schema: SmolStr,
    /// By schema and name; overloads share a name.
    functions: FxHashMap<(SmolStr, SmolStr), Vec<ObjectId>>,
    /// Enums, domains, composites, and types that a `sql` block makes.
    types: FxHashMap<(SmolStr, SmolStr), ObjectId>,
    sequences: FxHashMap<(SmolStr, SmolStr), ObjectId>,
    /// Those that a `sql` block makes.
    collations: FxHashMap<(SmolStr, SmolStr), ObjectId>,
    /// The extensions that the spec declares.
    extensions: FxHashSet<SmolStr>,
}

impl Lookup {
    pub fn new(model: &Model) -> Self {
        let mut lookup = Self { default_schema: model.options.default_schema.clone(), ..Self::default() };
        let key = |name: &Qualified| (name.schema.clone(), name.name.clone());
        for function in &model.functions {
            lookup.functions.entry(key(&function.name)).or_default().push(functions::id(model, function));
        }
        for it in &model.enums {
            lookup.types.insert(key(&it.name), type_id(Kind::Enum, &it.name));
        }
        for it in &model.domains {
            lookup.types.insert(key(&it.name), type_id(Kind::Domain, &it.name));
        }
        for it in &model.composites {
            lookup.types.insert(key(&it.name), type_id(Kind::Composite, &it.name));
        }
        for it in &model.sequences {
            lookup.sequences.insert(key(&it.name), type_id(Kind::Sequence, &it.name));
        }
        for block in &model.sql_blocks {
            let id = ObjectId::new(Kind::Sql, "", block.name.clone());
            for (kind, name) in &block.provides {
                match kind.as_str() {
                    "function" | "procedure" | "aggregate" => {
                        lookup.functions.entry(key(name)).or_default().push(id.clone());
                    }
                    "type" | "domain" | "enum" | "composite" | "range" => {
                        lookup.types.insert(key(name), id.clone());
                    }
                    "collation" => {
                        lookup.collations.insert(key(name), id.clone());
                    }
                    "sequence" => {
                        lookup.sequences.insert(key(name), id.clone());
                    }
                    _ => {}
                }
            }
        }
        lookup.extensions = model.extensions.iter().map(|e| e.name.clone()).collect();
        lookup
    }

    /// What `expr` calls, casts to or counts with, also through the predicates that it uses.
    pub fn of_expr(&self, model: &Model, expr: &Expr) -> Vec<Dependency> {
        let mut found = Vec::new();
        self.walk(model, &expr.ast, &mut found, &mut FxHashSet::default());
        found.sort();
        found.dedup();
        found
    }

    fn walk(&self, model: &Model, expr: &ast::Expr, found: &mut Vec<Dependency>, seen: &mut FxHashSet<PredicateId>) {
        let mut predicates = Vec::new();
        let _ = ast::visit_expressions(expr, |expr| {
            match expr {
                ast::Expr::Function(call) => {
                    let (schema, name) = self.split(&call.name);
                    if schema == self.default_schema {
                        predicates.extend(model.index.predicates.get(&name).copied());
                    }
                    self.called(&schema, &name, found);
                    if matches!(name.as_str(), "nextval" | "currval" | "setval") {
                        found.extend(self.sequence_of(call));
                    }
                }
                ast::Expr::Identifier(name) => {
                    predicates.extend(model.index.predicates.get(name.value.as_str()).copied());
                }
                ast::Expr::Cast { data_type, .. } => found.extend(self.cast_to(data_type)),
                _ => {}
            }
            ControlFlow::<()>::Continue(())
        });
        for id in predicates {
            if seen.insert(id) {
                self.walk(model, &model.predicates[id.0 as usize].body.ast, found, seen);
            }
        }
    }

    fn called(&self, schema: &SmolStr, name: &SmolStr, found: &mut Vec<Dependency>) {
        let ids = self.functions.get(&(schema.clone(), name.clone())).into_iter().flatten();
        found.extend(ids.map(|id| Dependency::new(id.clone(), format!("an expression calls {name}"))));
    }

    fn sequence_of(&self, call: &ast::Function) -> Option<Dependency> {
        let ast::FunctionArguments::List(list) = &call.args else {
            return None;
        };
        let ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(first)) = list.args.first()? else {
            return None;
        };
        let literal = match first {
            ast::Expr::Cast { expr, .. } => expr,
            other => other,
        };
        let ast::Expr::Value(value) = literal else {
            return None;
        };
        let text = value.value.clone().into_string()?;
        let (schema, name) = match text.split_once('.') {
            Some((schema, name)) => (schema.trim_matches('"'), name.trim_matches('"')),
            None => (self.default_schema.as_str(), text.trim_matches('"')),
        };
        let id = self.sequences.get(&(schema.into(), name.into()))?;
        Some(Dependency::new(id.clone(), format!("an expression takes numbers from {name}")))
    }

    fn cast_to(&self, ty: &ast::DataType) -> Option<Dependency> {
        match ty {
            ast::DataType::Custom(name, _) => {
                let id = self.types.get(&self.split(name))?;
                Some(Dependency::new(id.clone(), format!("an expression casts to {}", id.name)))
            }
            ast::DataType::Array(
                ast::ArrayElemTypeDef::SquareBracket(element, _) | ast::ArrayElemTypeDef::AngleBracket(element),
            ) => self.cast_to(element),
            _ => None,
        }
    }

    /// Schema (the default one if none is written) and name, as SQL reads them.
    fn split(&self, name: &ast::ObjectName) -> (SmolStr, SmolStr) {
        let text = |ident: &ast::Ident| -> SmolStr {
            if ident.quote_style.is_some() { ident.value.as_str().into() } else { ident.value.to_lowercase().into() }
        };
        let parts: Vec<SmolStr> = name.0.iter().filter_map(|part| part.as_ident()).map(text).collect();
        match parts.as_slice() {
            [name] => (self.default_schema.clone(), name.clone()),
            [.., schema, name] => (schema.clone(), name.clone()),
            [] => Default::default(),
        }
    }

    /// The `sql` block that makes a collation.
    pub fn of_collation(&self, name: Option<&Qualified>) -> Option<Dependency> {
        let name = name.filter(|_| !self.collations.is_empty())?;
        let schema = if name.schema.is_empty() { &self.default_schema } else { &name.schema };
        let id = self.collations.get(&(schema.clone(), name.name.clone()))?;
        Some(Dependency::new(id.clone(), format!("it sorts by the collation {}", name.name)))
    }

    /// What a type needs beyond what its own id says: the extension or the `sql` block that brings it.
    pub fn of_type(&self, ty: &Type) -> Option<Dependency> {
        let Base::Named(name) = &ty.base else {
            return None;
        };
        let schema = if name.schema.is_empty() { &self.default_schema } else { &name.schema };
        if let Some(id) = self.types.get(&(schema.clone(), name.name.clone())) {
            return Some(Dependency::new(id.clone(), format!("it uses the type {}", name.name)));
        }
        let extension = match name.name.as_str() {
            "vector" | "halfvec" | "sparsevec" => "vector",
            "geometry" | "geography" | "box2d" | "box3d" => "postgis",
            same @ ("citext" | "hstore" | "ltree" | "cube" | "isn" | "seg") => same,
            _ => return None,
        };
        let id = ObjectId::new(Kind::Extension, "", extension);
        self.extensions.contains(extension).then(|| Dependency::new(id, format!("it brings the type {}", name.name)))
    }
}

fn type_id(kind: Kind, name: &Qualified) -> ObjectId {
    ObjectId::new(kind, name.schema.clone(), name.name.clone())
}

/// The id of something declared; none for what exists already.
pub(crate) fn object_id(model: &Model, object: &Object) -> Option<ObjectId> {
    Some(match object {
        Object::Schema(name) => ObjectId::new(Kind::Schema, "", name.clone()),
        Object::Extension(name) => ObjectId::new(Kind::Extension, "", name.clone()),
        Object::Enum(id) => type_id(Kind::Enum, &model.enums[id.0 as usize].name),
        Object::Domain(id) => type_id(Kind::Domain, &model.domains[id.0 as usize].name),
        Object::Composite(id) => type_id(Kind::Composite, &model.composites[id.0 as usize].name),
        Object::Sequence(at) => type_id(Kind::Sequence, &model.sequences[*at].name),
        // It is made with its table.
        Object::Identity(id, _) => return object_id(model, &Object::Entity(*id)),
        Object::Entity(id) => {
            let entity = model.entity(*id);
            if entity.external {
                return None;
            }
            type_id(Kind::Table, &entity.name)
        }
        Object::View(at) => type_id(Kind::View, &model.views[*at].name),
        Object::Function(at) => functions::id(model, &model.functions[*at]),
        Object::Sql(at) => ObjectId::new(Kind::Sql, "", model.sql_blocks[*at].name.clone()),
    })
}

/// The edges of declared dependencies.
pub(crate) fn declared(model: &Model, depends: &[Object], why: &str) -> Vec<Dependency> {
    depends.iter().filter_map(|d| object_id(model, d)).map(|id| Dependency::new(id, why)).collect()
}
