//! What an object's structure needs, found without making an id or a sentence for it.

use crate::{DataType, Function, IndexKey, Kind, Object, ObjectId, Qualified, Returns, Rule, TableName};
use smol_str::{SmolStr, format_smolstr};

/// An [`ObjectId`] that borrows its parts: looks an object up without making one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IdRef<'a> {
    /// The kind.
    pub kind: Kind,
    /// The schema, or empty.
    pub schema: &'a str,
    /// The name.
    pub name: &'a str,
    /// The part, or empty.
    pub part: &'a str,
}

impl<'a> IdRef<'a> {
    /// An id without a part.
    pub fn new(kind: Kind, schema: &'a str, name: &'a str) -> Self {
        Self { kind, schema, name, part: "" }
    }

    /// The id of a table.
    pub fn table(table: &'a TableName) -> Self {
        Self::new(Kind::Table, &table.schema, &table.name)
    }

    /// An id that owns its parts.
    pub fn to_id(self) -> ObjectId {
        ObjectId::new(self.kind, self.schema, self.name).part(self.part)
    }
}

impl<'a> From<&'a ObjectId> for IdRef<'a> {
    fn from(id: &'a ObjectId) -> Self {
        Self { kind: id.kind, schema: &id.schema, name: &id.name, part: &id.part }
    }
}

impl indexmap::Equivalent<ObjectId> for IdRef<'_> {
    fn equivalent(&self, id: &ObjectId) -> bool {
        self.kind == id.kind && self.name == id.name && self.schema == id.schema && self.part == id.part
    }
}

/// A reason that becomes words only when someone reads it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Why<'a> {
    /// As it stands.
    Is(&'static str),
    /// `its {what} {name} {rest}`
    Of(&'static str, &'a str, &'static str),
    /// As recorded with the entry.
    Said(&'a SmolStr),
}

impl Why<'_> {
    /// In words.
    pub(crate) fn words(self) -> SmolStr {
        match self {
            Why::Is(text) => SmolStr::new_static(text),
            Why::Of(what, "", rest) => format_smolstr!("its {what} {rest}"),
            Why::Of(what, name, rest) => format_smolstr!("its {what} {name} {rest}"),
            Why::Said(text) => text.clone(),
        }
    }
}

const TYPED: &str = "has this type";

/// Calls `f` for each thing that the structure of `object` needs. A type by name is offered as every kind of object
/// that could be meant: an id that is not in the catalog belongs to the platform, or to another kind.
pub(crate) fn visit<'a>(object: &'a Object, mut f: impl FnMut(IdRef<'a>, Why<'a>)) {
    let f = &mut f;
    match object {
        Object::Schema(_) | Object::Publication(_) | Object::Bucket(_) | Object::Sql(_) => {}
        Object::Role(o) => {
            for role in &o.member_of {
                f(IdRef::new(Kind::Role, "", role), Why::Is("it is a member of this role"));
            }
        }
        Object::Extension(o) => schema(&o.schema, f),
        Object::Enum(o) => schema(&o.schema, f),
        Object::Domain(o) => {
            schema(&o.schema, f);
            data_type(&o.base, Why::Is("it is based on this type"), f);
            collation(o.collation.as_ref(), f);
        }
        Object::Composite(o) => {
            schema(&o.schema, f);
            for (name, ty, collated) in &o.fields {
                data_type(ty, Why::Of("field", name, TYPED), f);
                collation(collated.as_ref(), f);
            }
        }
        Object::Sequence(o) => schema(&o.schema, f),
        Object::Table(o) => {
            schema(&o.table.schema, f);
            for parent in &o.inherits {
                f(IdRef::table(parent), Why::Is("it inherits from this table"));
            }
            if let Some((parent, _)) = &o.partition_of {
                f(IdRef::table(parent), Why::Is("it is a partition of this table"));
            }
            for column in &o.columns {
                data_type(&column.ty, Why::Of("column", &column.name, TYPED), f);
                collation(column.collation.as_deref(), f);
            }
            if let Some(by) = &o.partition_by {
                keys(&by.keys, f);
            }
        }
        Object::Constraint(o) => {
            f(IdRef::table(&o.table), Why::Is("it is a constraint of this table"));
            match &o.rule {
                Rule::ForeignKey(key) if key.target != o.table => {
                    f(IdRef::table(&key.target), Why::Is("it refers to this table"));
                }
                Rule::Exclude { method, elements, .. } => {
                    elements.iter().for_each(|(key, _)| index_key(key, f));
                    if method == "gist" {
                        f(IdRef::new(Kind::Extension, "", "btree_gist"), Why::Is("its operators come from here"));
                    }
                }
                _ => {}
            }
        }
        Object::Index(o) => {
            relation(&o.table, Why::Is("it is an index of this"), f);
            keys(&o.keys, f);
            if let Some(method) = specc_facts::index_method(&o.method).filter(|method| method.extension != "-") {
                f(IdRef::new(Kind::Extension, "", method.extension), Why::Is("its method comes from here"));
            }
        }
        Object::Function(o) => function(o, f),
        Object::View(o) => schema(&o.view.schema, f),
        Object::Trigger(o) => {
            relation(&o.table, Why::Is("it fires on this"), f);
            f(IdRef::new(Kind::Function, &o.function.schema, &o.function.name), Why::Is("it runs this function"));
        }
        Object::Policy(o) => {
            f(IdRef::table(&o.table), Why::Is("it guards this table"));
            for role in &o.roles {
                f(IdRef::new(Kind::Role, "", role), Why::Is("it is for this role"));
            }
        }
        Object::Grant(o) => {
            f(IdRef::from(&o.on), Why::Is("it gives access to this"));
            f(IdRef::new(Kind::Role, "", &o.to), Why::Is("it gives access to this role"));
        }
        Object::PublicationTable(o) => {
            f(IdRef::new(Kind::Publication, "", &o.publication), Why::Is("it is published there"));
            f(IdRef::table(&o.table), Why::Is("it publishes this table"));
        }
        Object::Job(_) => f(IdRef::new(Kind::Extension, "", "pg_cron"), Why::Is("this runs it")),
        Object::Seed(o) => f(IdRef::table(&o.table), Why::Is("its rows go into this table")),
    }
}

fn schema<'a>(name: &'a str, f: &mut impl FnMut(IdRef<'a>, Why<'a>)) {
    if !name.is_empty() {
        f(IdRef::new(Kind::Schema, "", name), Why::Is("it is in this schema"));
    }
}

/// A table, or a view.
fn relation<'a>(name: &'a TableName, why: Why<'a>, f: &mut impl FnMut(IdRef<'a>, Why<'a>)) {
    f(IdRef::table(name), why);
    f(IdRef::new(Kind::View, &name.schema, &name.name), why);
}

fn data_type<'a>(ty: &'a DataType, why: Why<'a>, f: &mut impl FnMut(IdRef<'a>, Why<'a>)) {
    if !ty.schema.is_empty() {
        for kind in [Kind::Enum, Kind::Domain, Kind::Composite, Kind::Table, Kind::View] {
            f(IdRef::new(kind, &ty.schema, &ty.name), why);
        }
    }
    if let Some(extension) = specc_facts::extension_of_type(&ty.name) {
        f(IdRef::new(Kind::Extension, "", extension), why);
    }
}

fn collation<'a>(name: Option<&'a Qualified>, f: &mut impl FnMut(IdRef<'a>, Why<'a>)) {
    if let Some(name) = name {
        schema(&name.schema, f);
        block("collation", name, Why::Is("it sorts by this collation"), f);
    }
}

/// What only a block makes; one that Postgres or an extension brings is not in the catalog.
fn block<'a>(word: &'a str, name: &'a Qualified, why: Why<'a>, f: &mut impl FnMut(IdRef<'a>, Why<'a>)) {
    f(IdRef { kind: Kind::Sql, schema: &name.schema, name: &name.name, part: word }, why);
}

fn keys<'a>(keys: &'a [IndexKey], f: &mut impl FnMut(IdRef<'a>, Why<'a>)) {
    keys.iter().for_each(|key| index_key(key, f));
}

fn index_key<'a>(key: &'a IndexKey, f: &mut impl FnMut(IdRef<'a>, Why<'a>)) {
    collation(key.collation.as_deref(), f);
    if let Some(class) = &key.opclass {
        block("operator class", class, Why::Is("its keys have this operator class"), f);
        if let Some(extension) = specc_facts::extension_of_operator_class(&class.name) {
            f(IdRef::new(Kind::Extension, "", extension), Why::Is("its operator class comes from here"));
        }
    }
}

fn function<'a>(o: &'a Function, f: &mut impl FnMut(IdRef<'a>, Why<'a>)) {
    schema(&o.schema, f);
    for param in &o.params {
        data_type(&param.ty, Why::Of("parameter", &param.name, TYPED), f);
    }
    match &o.returns {
        Some(Returns::Type(ty) | Returns::SetOf(ty)) => data_type(ty, Why::Is("it returns this type"), f),
        Some(Returns::Table(columns)) => {
            for (name, ty) in columns {
                data_type(ty, Why::Of("result column", name, TYPED), f);
            }
        }
        None => {}
    }
    if !specc_facts::is_language(&o.language) {
        f(IdRef::new(Kind::Extension, "", &o.language), Why::Is("its language comes from here"));
    }
}
