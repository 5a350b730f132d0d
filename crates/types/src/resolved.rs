//! Types of the catalog with what they are: what each language writes is chosen from this.

use crate::world::World;
use smol_str::SmolStr;
use specc_catalog::{Composite, DataType, Domain, Enum, IdRef, Kind, Object, Qualified, TableName};

/// A type.
#[derive(Clone, Debug)]
pub(crate) enum Type<'c> {
    /// One of Postgres's own, with the numbers in its parentheses.
    Plain(SmolStr, Vec<i64>),
    Enum(&'c Enum),
    Composite(&'c Composite),
    Domain(&'c Domain),
    /// The rows of a table or view.
    Row(TableName),
    /// An array, of any dimensions.
    List(Box<Type<'c>>),
    /// One that the catalog does not have: an extension's, or one of another schema.
    Other(Qualified),
}

impl<'c> World<'c> {
    /// What a type is.
    pub(crate) fn resolve(&self, ty: &DataType) -> Type<'c> {
        if ty.dims > 0 {
            return Type::List(Box::new(self.resolve(&DataType { dims: 0, ..ty.clone() })));
        }
        if ty.schema.is_empty() {
            return match specc_facts::type_info(&ty.name).is_some_and(|info| info.extension != "-") {
                true => Type::Other(Qualified::new("", ty.name.clone())),
                false => Type::Plain(ty.name.clone(), ty.args.clone()),
            };
        }
        let find = |kind| self.catalog.find(IdRef::new(kind, &ty.schema, &ty.name));
        let object = [Kind::Enum, Kind::Domain, Kind::Composite, Kind::Table, Kind::View].into_iter().find_map(find);
        match object.and_then(|at| self.catalog.at(at)).map(|(_, entry)| &entry.object) {
            Some(Object::Enum(found)) => Type::Enum(found),
            Some(Object::Domain(found)) => Type::Domain(found),
            Some(Object::Composite(found)) => Type::Composite(found),
            Some(Object::Table(_) | Object::View(_)) => Type::Row(TableName::new(&*ty.schema, &*ty.name)),
            _ => Type::Other(Qualified::new(ty.schema.clone(), ty.name.clone())),
        }
    }

    /// The type below the domains that a type is, and those, from the outermost on.
    pub(crate) fn below_domains(&self, ty: &DataType) -> (Type<'c>, Vec<&'c Domain>) {
        let (mut found, mut domains) = (self.resolve(ty), Vec::new());
        while let Type::Domain(domain) = found {
            // A domain that is over itself is no catalog of a database.
            if domains.len() > 32 {
                break;
            }
            domains.push(domain);
            found = self.resolve(&domain.base);
        }
        (found, domains)
    }
}

impl Type<'_> {
    /// The type as a catalog has it, if it is one of Postgres's own or an array.
    pub(crate) fn sort(&self) -> specc_analysis::checks::Sort {
        use specc_analysis::checks::Sort;
        match self {
            Type::Plain(name, args) => Sort::of(
                &DataType { schema: SmolStr::default(), name: name.clone(), args: args.clone(), dims: 0 },
                false,
            ),
            Type::Enum(_) => Sort::Enum,
            Type::List(_) => Sort::Array,
            _ => Sort::Other,
        }
    }
}
