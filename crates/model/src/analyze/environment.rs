//! The spec as what SQL is resolved against.

use super::project::Project;
use crate::types::*;
use smol_str::SmolStr;
use specc_analysis::catalog::is_pseudo;
use specc_analysis::{Column, Environment, Filled, Lookup, Parameter, Relation, Routine};
use specc_catalog::Qualified as Name;
use specc_catalog::{DataType, conventional_name};
use specc_diag::nearest;

/// What the spec declares, and what Postgres and the declared extensions bring.
pub(crate) struct Known<'a> {
    pub project: &'a Project<'a>,
    pub model: &'a Model,
    path: Vec<SmolStr>,
    /// Everything that the declared extensions bring is known.
    closed: bool,
}

impl<'a> Known<'a> {
    pub(crate) fn new(project: &'a Project<'a>, model: &'a Model) -> Self {
        let mut path = vec![project.options.default_schema.clone()];
        if project.options.target == Target::Supabase {
            path.push("extensions".into());
        }
        let closed = model.extensions.iter().all(|e| specc_facts::is_known_extension(&e.name));
        Self { project, model, path, closed }
    }

    /// Whether everything in the schema is declared in the spec.
    fn is_own(&self, schema: &str) -> bool {
        let external = self.model.schemas.iter().any(|s| s.name == schema && s.external);
        let options = self.project.options;
        let declared = self.project.schemas.contains(schema) || schema == options.default_schema;
        schema == "extensions" || declared && !external && schema != options.helper_schema
    }

    /// Whether an identity of the spec has this sequence. Of a table that is not the spec's own it may be any.
    fn is_of_identity(&self, schema: &str, name: &str) -> bool {
        name.ends_with("_seq")
            && self.model.entities.iter().filter(|entity| entity.name.schema == schema).any(|entity| {
                let counts = |field: &&Field| entity.external || field.identity.is_some();
                let mut counted = entity.fields.iter().filter(counts);
                counted.any(|field| conventional_name(&entity.name.name, Some(&field.name), "seq") == name)
            })
    }

    /// Whether a `sql` block may make something of this name.
    fn in_block(&self, name: &str) -> bool {
        self.model.sql_blocks.iter().any(|block| block.up.contains(name))
    }

    /// Of what is not declared: whether it surely is not there.
    fn absent<T>(&self, schema: &str, name: &str) -> Lookup<T> {
        if self.is_own(schema) && self.closed && !self.in_block(name) { Lookup::Missing } else { Lookup::Unknown }
    }

    pub(crate) fn columns_of(&self, entity: EntityId) -> Vec<Column> {
        let fields = &self.model.entity(entity).fields;
        fields.iter().map(|f| Column { name: f.name.clone(), ty: self.data_type_of(&f.ty) }).collect()
    }

    /// The type as the catalog has it, without arguments.
    pub(crate) fn data_type_of(&self, ty: &Type) -> Option<DataType> {
        let named = |name: &Qualified| DataType { schema: name.schema.clone(), ..DataType::builtin(name.name.clone()) };
        let found = match &ty.base {
            Base::Builtin(name) => DataType::builtin(name.clone()),
            Base::Enum(id) => named(&self.model.enums[id.0 as usize].name),
            Base::Domain(id) => named(&self.model.domains[id.0 as usize].name),
            Base::Composite(id) => named(&self.model.composites[id.0 as usize].name),
            Base::Row(id) => named(&self.model.entity(*id).name),
            Base::Named(name) => named(name),
            Base::Unknown => return None,
        };
        Some(DataType { dims: ty.dims, ..found })
    }

    /// The type of the model behind one of the catalog.
    pub(crate) fn type_of(&self, ty: &DataType) -> Type {
        let name = Qualified { schema: ty.schema.clone(), name: ty.name.clone() };
        let base = if is_pseudo(ty) {
            Base::Unknown
        } else if ty.schema.is_empty() {
            Base::Builtin(ty.name.clone())
        } else if let Some(base) = self.project.types.get(&name) {
            base.clone()
        } else if let Some(Object::Entity(id)) = self.project.relations.get(&name) {
            Base::Row(*id)
        } else {
            Base::Unknown
        };
        Type { base, args: Vec::new(), dims: ty.dims }
    }

    /// The parameters of a function, with the columns of `returns table` among them.
    pub(crate) fn parameters(&self, function: &Function) -> Vec<Parameter> {
        let params = function.params.iter().map(|p| Parameter {
            name: p.name.clone(),
            ty: self.data_type_of(&p.ty).filter(|ty| !is_pseudo(ty)),
            any: self.data_type_of(&p.ty).filter(is_pseudo).map(|ty| ty.name).unwrap_or_default(),
            mode: p.mode.clone(),
            default: p.default.is_some(),
        });
        let mut params: Vec<Parameter> = params.collect();
        if let Some(Returns::Table(columns)) = &function.returns {
            let column = |(name, ty): &(SmolStr, Type)| Parameter {
                name: name.clone(),
                ty: self.data_type_of(ty),
                any: SmolStr::default(),
                mode: "out".into(),
                default: false,
            };
            params.extend(columns.iter().map(column));
        }
        params
    }

    /// The types of a function's input parameters in words, which tell functions of one name apart.
    pub(crate) fn signature(&self, function: &Function) -> SmolStr {
        let inputs = function.params.iter().filter(|p| p.mode != "out");
        let words = inputs.map(|p| self.data_type_of(&p.ty).map_or_else(|| "unknown".to_owned(), |ty| ty.to_string()));
        words.collect::<Vec<_>>().join(", ").into()
    }

    fn routine(&self, at: usize) -> Routine {
        let function = &self.model.functions[at];
        let params = self.parameters(function);
        let outs: Vec<Column> = params
            .iter()
            .filter(|p| matches!(&*p.mode, "out" | "inout"))
            .map(|p| Column { name: p.name.clone(), ty: p.ty.clone() })
            .collect();
        let returns = match &function.returns {
            Some(Returns::Type(ty) | Returns::SetOf(ty)) => self.data_type_of(ty).filter(|ty| !is_pseudo(ty)),
            _ => None,
        };
        let pseudo = match &function.returns {
            _ if outs.len() > 1 => SmolStr::new_static("record"),
            Some(Returns::Pseudo(word)) if outs.is_empty() && !word.starts_with("any") => word.clone(),
            Some(Returns::Type(ty) | Returns::SetOf(ty)) if outs.is_empty() => {
                let ty = self.data_type_of(ty).filter(|ty| ty.name == "record" && is_pseudo(ty));
                ty.map(|ty| ty.name).unwrap_or_default()
            }
            _ => SmolStr::default(),
        };
        Routine {
            pseudo,
            name: Name::new(function.name.schema.clone(), function.name.name.clone()),
            signature: self.signature(function),
            opaque: returns.is_none() && outs.is_empty(),
            columns: if outs.iter().all(|c| !c.name.is_empty()) { outs } else { Vec::new() },
            set: matches!(function.returns, Some(Returns::SetOf(_) | Returns::Table(_))),
            params,
            returns,
            procedure: Some(function.procedure),
        }
    }

    /// The object of the spec that a reference is to.
    pub(crate) fn object(&self, target: &specc_analysis::Target) -> Option<Object> {
        use specc_analysis::Target;
        let qualified = |name: &Name| Qualified { schema: name.schema.clone(), name: name.name.clone() };
        match target {
            Target::Relation(name) | Target::Column(name, _) | Target::Columns(name) => {
                let name = qualified(name);
                self.project.relations.get(&name).cloned().or_else(|| self.type_object(&name))
            }
            Target::Function(name, signature) => {
                let name = qualified(name);
                let list = self.project.functions.get(&name).map(Vec::as_slice).unwrap_or_default();
                let same = list.iter().find(|at| self.signature(&self.model.functions[**at]) == *signature);
                same.map(|at| Object::Function(*at))
                    .or_else(|| self.project.provided_functions.get(&name).map(|at| Object::Sql(*at)))
                    .or_else(|| self.says_who(&name.schema, &name.name).then(|| Object::Session(name.name.clone())))
            }
            Target::Type(name) | Target::Label(name, _) => {
                let name = qualified(name);
                self.type_object(&name).or_else(|| self.project.relations.get(&name).cloned())
            }
            Target::Configuration(name) => self.configured(&name.schema, &name.name).map(Object::Sql),
            Target::Collation(_) => None,
        }
    }

    /// Whether the function says who is asking: it is made in the helper schema where it is needed.
    fn says_who(&self, schema: &str, name: &str) -> bool {
        let field = |entity: EntityId| name.strip_prefix("viewer_").and_then(|field| self.model.field(entity, field));
        schema == self.project.options.helper_schema
            && (matches!(name, "viewer_id" | "claims") || self.model.viewer.and_then(field).is_some())
    }

    /// The block that makes the text search configuration.
    fn configured(&self, schema: &str, name: &str) -> Option<usize> {
        let makes = |block: &SqlBlock| {
            let mut all = block.provides.iter().filter(|(kind, _)| kind == "text search configuration");
            all.any(|(_, it)| it.schema == schema && it.name == name)
        };
        self.model.sql_blocks.iter().position(makes)
    }

    fn type_object(&self, name: &Qualified) -> Option<Object> {
        match self.project.types.get(name)? {
            Base::Enum(id) => Some(Object::Enum(*id)),
            Base::Domain(id) => Some(Object::Domain(*id)),
            Base::Composite(id) => Some(Object::Composite(*id)),
            _ => None,
        }
    }
}

impl Environment for Known<'_> {
    fn path(&self) -> &[SmolStr] {
        &self.path
    }

    fn schema(&self, name: &str) -> Lookup<()> {
        let may = self.project.knows_schema(name) || self.model.may_have_schema(name);
        if may { Lookup::Unknown } else { Lookup::Missing }
    }

    fn instead_of_schema(&self, name: &str) -> Option<String> {
        Some(self.model.instead_of_schema(name))
    }

    fn relation(&self, schema: &str, name: &str) -> Lookup<Relation> {
        let wanted = Qualified { schema: schema.into(), name: name.into() };
        let relation =
            |columns, complete, key| Lookup::Found(Relation { name: Name::new(schema, name), columns, complete, key });
        match self.project.relations.get(&wanted) {
            Some(Object::Entity(id)) => {
                let entity = self.model.entity(*id);
                let key = entity.key.iter().flat_map(|key| &key.fields).map(|at| entity.fields[*at].name.clone());
                relation(self.columns_of(*id), !entity.external, key.collect())
            }
            Some(Object::View(at)) => {
                let output = self.model.views.get(*at).map(|view| &view.output[..]).unwrap_or_default();
                let complete = !output.is_empty() && output.iter().all(|(name, _)| name != "*");
                let column = |(name, ty): &(SmolStr, Type)| Column { name: name.clone(), ty: self.data_type_of(ty) };
                relation(output.iter().map(column).collect(), complete, Vec::new())
            }
            Some(Object::Sequence(_) | Object::Sql(_)) => relation(Vec::new(), false, Vec::new()),
            None if self.is_of_identity(schema, name) => relation(Vec::new(), false, Vec::new()),
            _ => match self.partition(&wanted) {
                Some(parent) => {
                    let columns = self.columns_of(parent);
                    Lookup::Found(Relation { name: Name::new(schema, name), columns, complete: true, key: Vec::new() })
                }
                None if self.may_be_partition(&wanted) => Lookup::Unknown,
                None => self.absent(schema, name),
            },
        }
    }

    fn functions(&self, schema: &str, name: &str) -> Lookup<Vec<Routine>> {
        if schema == "pg_catalog" {
            let brought = specc_facts::functions(name).iter().any(|v| v.extension == "-");
            let may = brought || specc_facts::grammar(name).is_some() || name.starts_with("pg_") || !self.closed;
            return if may { Lookup::Unknown } else { Lookup::Missing };
        }
        let wanted = Qualified { schema: schema.into(), name: name.into() };
        if let Some(list) = self.project.functions.get(&wanted) {
            let mut all: Vec<Routine> = list.iter().map(|at| self.routine(*at)).collect();
            // A block of SQL may make another of this name.
            if self.project.provided_functions.contains_key(&wanted) {
                all.push(Routine::any(Name::new(schema, name)));
            }
            return Lookup::Found(all);
        }
        if self.project.provided_functions.contains_key(&wanted) || self.says_who(schema, name) {
            return Lookup::Found(vec![Routine::any(Name::new(schema, name))]);
        }
        let declared = |extension: &str| self.model.extensions.iter().any(|e| e.name == extension);
        if specc_facts::functions(name).iter().any(|v| declared(v.extension)) {
            return Lookup::Unknown;
        }
        self.absent(schema, name)
    }

    fn makes(&self, name: &str) -> bool {
        !self.closed || self.in_block(name)
    }

    fn filled(&self, schema: &str, table: &str, column: &str) -> Filled {
        let wanted = Qualified { schema: schema.into(), name: table.into() };
        let entity = match self.project.relations.get(&wanted) {
            Some(Object::Entity(id)) => Some(*id),
            _ => self.partition(&wanted),
        };
        let fields = entity.map(|id| &self.model.entity(id).fields[..]).unwrap_or_default();
        match fields.iter().find(|field| field.name == column) {
            Some(field) if field.generated.is_some() => Filled::ByExpression,
            Some(field) if field.identity.as_ref().is_some_and(|identity| identity.0) => Filled::ByNumbers,
            _ => Filled::ByAnyone,
        }
    }

    fn may_have_operators(&self) -> bool {
        let makes = |text: &str| {
            let text = text.to_ascii_lowercase();
            text.contains("operator") || text.contains("create cast") || text.contains("create extension")
        };
        !self.closed || self.model.sql_blocks.iter().any(|block| makes(&block.up))
    }

    fn data_type(&self, schema: &str, name: &str) -> Lookup<DataType> {
        if schema == "pg_catalog" {
            let found = specc_facts::canonical_type(name).map(DataType::builtin);
            return found.map_or(Lookup::Unknown, Lookup::Found);
        }
        let wanted = Qualified { schema: schema.into(), name: name.into() };
        if self.project.types.contains_key(&wanted) || self.project.relations.contains_key(&wanted) {
            return Lookup::Found(DataType { schema: schema.into(), ..DataType::builtin(name) });
        }
        if specc_facts::type_info(name).is_some() || specc_facts::extension_of_type(name).is_some() {
            return Lookup::Unknown;
        }
        if specc_facts::is_pseudo_type(name) || self.partition(&wanted).is_some() {
            return Lookup::Unknown;
        }
        self.absent(schema, name)
    }

    fn configuration(&self, schema: &str, name: &str) -> Lookup<Name> {
        let found = self.configured(schema, name).map(|_| Name::new(schema, name));
        found.map_or(Lookup::Unknown, Lookup::Found)
    }

    fn is_index(&self, name: &str) -> bool {
        let usual = ["_idx", "_key", "_pkey", "_excl"].iter().any(|end| name.ends_with(end));
        usual || self.project.indexes.contains(name)
    }

    fn labels(&self, schema: &str, name: &str) -> Option<Vec<SmolStr>> {
        let wanted = Qualified { schema: schema.into(), name: name.into() };
        let Some(Base::Enum(id)) = self.project.types.get(&wanted) else { return None };
        let found = &self.model.enums[id.0 as usize];
        Some(found.labels.iter().map(|label| label.name.clone()).collect()).filter(|l: &Vec<_>| !l.is_empty())
    }

    fn fields(&self, schema: &str, name: &str) -> Option<Vec<Column>> {
        let wanted = Qualified { schema: schema.into(), name: name.into() };
        if let Some(Base::Composite(id)) = self.project.types.get(&wanted) {
            let fields = &self.model.composites[id.0 as usize].fields;
            return Some(
                fields.iter().map(|(name, ty, _)| Column { name: name.clone(), ty: self.data_type_of(ty) }).collect(),
            );
        }
        match self.relation(schema, name) {
            Lookup::Found(relation) if relation.complete => Some(relation.columns),
            _ => None,
        }
    }

    fn domain(&self, schema: &str, name: &str) -> Option<DataType> {
        match self.project.types.get(&Qualified { schema: schema.into(), name: name.into() })? {
            Base::Domain(id) => self.data_type_of(&self.model.domains.get(id.0 as usize)?.base),
            _ => None,
        }
    }

    fn elsewhere(&self, name: &str) -> Vec<SmolStr> {
        let project = self.project;
        let relations = project.relations.keys().chain(project.types.keys());
        let names = relations.chain(project.functions.keys()).chain(project.provided_functions.keys());
        let mut found: Vec<SmolStr> = names.filter(|n| n.name == name).map(|n| n.schema.clone()).collect();
        if specc_facts::extension_of_type(name).is_some()
            || specc_facts::functions(name).iter().any(|v| v.extension != "-")
        {
            found.push("extensions".into());
        }
        found.sort();
        found.dedup();
        found
    }

    fn similar(&self, name: &str, function: bool) -> Option<SmolStr> {
        if !function {
            return nearest(name, self.project.spelled().iter().map(|(word, _)| word.as_str())).map(Into::into);
        }
        let own: Vec<String> = self.project.functions.keys().map(|name| self.project.spell(name)).collect();
        let others = specc_facts::function_names().map(|word| -> &str { word });
        nearest(name, own.iter().map(String::as_str).chain(others)).map(Into::into)
    }
}

impl Known<'_> {
    /// The entity that the relation is a partition of.
    fn partition(&self, name: &Qualified) -> Option<EntityId> {
        let has = |entity: &&Entity| entity.partitions.iter().any(|part| part.name == *name);
        self.model.entities.iter().find(has).map(|entity| entity.id)
    }

    /// Whether it may be a partition that something makes at night.
    fn may_be_partition(&self, name: &Qualified) -> bool {
        let of = |entity: &Entity| {
            entity.partition_by.is_some()
                && entity.name.schema == name.schema
                && name.name.starts_with(entity.name.name.as_str())
        };
        self.model.entities.iter().any(of)
    }
}
