//! What an expression or a declared dependency refers to, as ids of the catalog.

use super::functions;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_catalog::{Dependency, Kind, ObjectId};
use specc_model::formula::{Formula, Node, Part, Piece, TypeName};
use specc_model::{Base, Expr, Model, Object, Qualified, Type};

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
        expr.formula.visit_all(model, &mut |part| self.of_node(model, &part.node, &mut found));
        found.sort();
        found.dedup();
        found
    }

    fn of_node(&self, model: &Model, node: &Node, found: &mut Vec<Dependency>) {
        match node {
            Node::Call(call) => {
                self.called(model, &call.function, call.declared, found);
                if specc_facts::takes_sequence(&call.function.name) {
                    found.extend(call.args.first().and_then(|(_, arg)| self.sequence_of(arg)));
                }
            }
            Node::Cast(cast) => found.extend(self.cast_to(&cast.to)),
            Node::Form(form) => form.parts.iter().for_each(|part| {
                if let Part::Type(ty) = part {
                    found.extend(self.cast_to(ty));
                }
            }),
            Node::Sql(sql) => {
                for piece in &sql.pieces {
                    match piece {
                        Piece::Function { name, declared, .. } => self.called(model, name, *declared, found),
                        Piece::Type(ty) => found.extend(self.cast_to(ty)),
                        Piece::Text(_) | Piece::Formula(_) | Piece::Table(..) | Piece::View(_) => {}
                    }
                }
            }
            Node::Viewer => found.push(asks(session_id(model, "viewer_id"))),
            Node::Claim(_) => found.push(asks(session_id(model, "claims"))),
            Node::ViewerField(field) => {
                let fields = model.viewer.map(|entity| &model.entity(entity).fields);
                found.extend(fields.map(|fields| asks(session_id(model, &format!("viewer_{}", fields[*field].name)))));
            }
            Node::AsIs(sql) => {
                for id in sql.objects.iter().filter_map(|object| object_id(model, object)) {
                    let why = format!("an expression names {}", id.name);
                    found.push(Dependency::new(id, why));
                }
            }
            _ => {}
        }
    }

    /// The function of the spec that is called, or a `sql` block that may make it.
    fn called(&self, model: &Model, function: &Qualified, declared: Option<usize>, found: &mut Vec<Dependency>) {
        let why = || format!("an expression calls {}", function.name);
        if let Some(function) = declared.and_then(|at| model.functions.get(at)) {
            found.push(Dependency::new(functions::id(model, function), why()));
            return;
        }
        let ids = self.functions.get(&(function.schema.clone(), function.name.clone())).into_iter().flatten();
        found.extend(ids.filter(|id| id.kind == Kind::Sql).map(|id| Dependency::new(id.clone(), why())));
    }

    fn sequence_of(&self, arg: &Formula) -> Option<Dependency> {
        let value = match &arg.node {
            Node::Cast(cast) => &cast.of.node,
            node => node,
        };
        let Node::Literal(value) = value else { return None };
        let text = value.text()?;
        let (schema, name) = match text.split_once('.') {
            Some((schema, name)) => (schema.trim_matches('"'), name.trim_matches('"')),
            None => (self.default_schema.as_str(), text.trim_matches('"')),
        };
        let id = self.sequences.get(&(schema.into(), name.into()))?;
        Some(Dependency::new(id.clone(), format!("an expression takes numbers from {name}")))
    }

    fn cast_to(&self, ty: &TypeName) -> Option<Dependency> {
        let name = ty.name.as_ref()?;
        let id = self.types.get(&(name.schema.clone(), name.name.clone()))?;
        Some(Dependency::new(id.clone(), format!("an expression casts to {}", id.name)))
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
        let extension = specc_facts::extension_of_type(&name.name)?;
        let id = ObjectId::new(Kind::Extension, "", extension);
        self.extensions.contains(extension).then(|| Dependency::new(id, format!("it brings the type {}", name.name)))
    }
}

fn asks(id: ObjectId) -> Dependency {
    Dependency::new(id, "an expression asks who is asking")
}

fn type_id(kind: Kind, name: &Qualified) -> ObjectId {
    ObjectId::new(kind, name.schema.clone(), name.name.clone())
}

/// The id of a function that says who is asking.
pub(crate) fn session_id(model: &Model, name: &str) -> ObjectId {
    ObjectId::new(Kind::Function, model.options.helper_schema.clone(), name)
}

/// The schema of functions that say who is asking to bodies that clients run: nothing else is in it, so that clients may use
/// it.
pub(crate) fn session_schema(model: &Model) -> SmolStr {
    format!("{}_session", model.options.helper_schema).into()
}

/// The id of a function that says who is asking to bodies that clients run.
pub(crate) fn looked_up_id(model: &Model, name: &str) -> ObjectId {
    ObjectId::new(Kind::Function, session_schema(model), name)
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
        Object::Session(name) => session_id(model, name),
    })
}

/// The tables and views that plain queries in a condition read, and what SQL in it that stays as it is names; functions
/// are found where they are called.
pub(crate) fn queried(model: &Model, expr: &Expr) -> Vec<ObjectId> {
    let mut found = Vec::new();
    expr.formula.visit_all(model, &mut |part| match &part.node {
        Node::Sql(sql) => found.extend(sql.pieces.iter().filter_map(|piece| match piece {
            Piece::Table(entity, _) => object_id(model, &Object::Entity(*entity)),
            Piece::View(at) => object_id(model, &Object::View(*at)),
            _ => None,
        })),
        Node::AsIs(sql) => {
            let others =
                sql.objects.iter().filter(|object| !matches!(object, Object::Function(_) | Object::Session(_)));
            found.extend(others.filter_map(|object| object_id(model, object)));
        }
        _ => {}
    });
    found
}

/// The edges of declared dependencies.
pub(crate) fn declared(model: &Model, depends: &[Object], why: &str) -> Vec<Dependency> {
    depends.iter().filter_map(|d| object_id(model, d)).map(|id| Dependency::new(id, why)).collect()
}
