//! The columns of a table, with those that it has from others.

use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_catalog::{Catalog, Column, DataType, IdRef, Kind, Object, TableName};

/// A column of a relation that a query reads.
#[derive(Clone, Debug, PartialEq)]
pub struct RelationColumn {
    /// Its name.
    pub name: SmolStr,
    /// Its type, where it is known.
    pub ty: Option<DataType>,
    /// Whether it takes no null, by itself or by its type.
    pub required: bool,
    /// Whether it is never null, by whatever way that is known.
    pub certain: bool,
}

/// How far a table is followed to those that it has columns from.
const DEEP: usize = 32;

/// The columns of a table: a partition has its parent's, a table that inherits has those of its parents first. None where
/// the catalog has no such table.
pub fn table_columns(catalog: &Catalog, name: &TableName) -> Option<Vec<Column>> {
    of_table(catalog, name, 0)
}

fn of_table(catalog: &Catalog, name: &TableName, depth: usize) -> Option<Vec<Column>> {
    let at = catalog.find(IdRef::table(name))?;
    let Some(Object::Table(table)) = catalog.at(at).map(|(_, entry)| &entry.object) else { return None };
    if depth > DEEP {
        return Some(table.columns.clone());
    }
    if let Some((parent, _)) = &table.partition_of {
        let own = table.columns.clone();
        return Some(if own.is_empty() { of_table(catalog, parent, depth + 1).unwrap_or_default() } else { own });
    }
    let mut columns: Vec<Column> = Vec::new();
    let mut places: FxHashMap<SmolStr, usize> = FxHashMap::default();
    for parent in &table.inherits {
        for mut column in of_table(catalog, parent, depth + 1).unwrap_or_default() {
            // An identity is the parent's own.
            column.identity = None;
            match places.get(&column.name) {
                Some(at) => columns[*at].nullable &= column.nullable,
                None => {
                    places.insert(column.name.clone(), columns.len());
                    columns.push(column);
                }
            }
        }
    }
    for column in &table.columns {
        match places.get(&column.name) {
            Some(at) => {
                let known = &mut columns[*at];
                let nullable = known.nullable && column.nullable;
                *known =
                    Column { nullable, default: column.default.clone().or(known.default.take()), ..column.clone() };
            }
            None => columns.push(column.clone()),
        }
    }
    Some(columns)
}

impl super::Shapes<'_> {
    /// The columns of a table or view of the catalog; none where it has no such relation, or a view cannot be read.
    pub fn relation(&self, name: &TableName) -> Option<Vec<RelationColumn>> {
        if let Some(columns) = table_columns(self.catalog, name) {
            let column = |column: Column| {
                let required = !column.nullable || self.is_required_type(&column.ty);
                RelationColumn { name: column.name, ty: Some(column.ty), required, certain: required }
            };
            return Some(columns.into_iter().map(column).collect());
        }
        if let (None, Some(columns)) = (self.find(name), table_columns(self.around, name)) {
            // A type that lies there too is not known here.
            let column = |column: Column| RelationColumn {
                name: column.name,
                ty: Some(column.ty).filter(|ty| ty.schema.is_empty()),
                required: !column.nullable,
                certain: !column.nullable,
            };
            return Some(columns.into_iter().map(column).collect());
        }
        let shape = self.view(name)?;
        let column = |column: &super::Column| RelationColumn {
            name: column.name.clone(),
            ty: column.ty.clone(),
            required: column.required,
            certain: column.certain,
        };
        Some(shape.columns.iter().map(column).collect())
    }

    /// Whether a type is a domain that has no null.
    pub fn is_required_type(&self, ty: &DataType) -> bool {
        ty.dims == 0 && self.domain(ty).is_some_and(|domain| !domain.nullable)
    }

    /// The domain that a type is.
    pub fn domain(&self, ty: &DataType) -> Option<&specc_catalog::Domain> {
        if ty.schema.is_empty() {
            return None;
        }
        let at = self.catalog.find(IdRef::new(Kind::Domain, &ty.schema, &ty.name))?;
        match self.catalog.at(at).map(|(_, entry)| &entry.object) {
            Some(Object::Domain(domain)) => Some(domain),
            _ => None,
        }
    }
}
