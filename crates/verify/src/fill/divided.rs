//! Rows that fit the parts of a divided table.

use super::Plan;
use smol_str::SmolStr;
use specc_catalog::{Bounds, Catalog, DataType, ForeignKey, Object, SqlExpr, TableName};
use specc_sql::quote::ident;
use std::collections::BTreeMap;

/// Columns that divide a table, with values that its parts begin with.
pub(super) type Divided<'c> = Vec<(&'c SmolStr, Vec<&'c SqlExpr>)>;

/// Tables that are divided by columns, and for each of these a value of each part: the one that its values begin with.
pub(super) fn divided(catalog: &Catalog) -> Vec<(&TableName, Divided<'_>)> {
    let tables = || {
        catalog.iter().filter_map(|(_, entry)| match &entry.object {
            Object::Table(table) => Some(&**table),
            _ => None,
        })
    };
    let mut bounds: BTreeMap<&TableName, Vec<&Bounds>> = BTreeMap::new();
    for (whole, of) in tables().filter_map(|table| table.partition_of.as_ref()) {
        bounds.entry(whole).or_default().push(of);
    }
    let has_value = |value: &&SqlExpr| {
        !["minvalue", "maxvalue", "null"].iter().any(|word| value.text.trim().eq_ignore_ascii_case(word))
    };
    tables()
        .filter_map(|table| {
            let by = table.partition_by.as_ref()?;
            let parts = bounds.get(&table.table)?;
            let columns = by.keys.iter().enumerate().filter_map(|(at, key)| {
                let values = parts.iter().flat_map(|part| match part {
                    Bounds::Range { from, .. } => from.get(at).into_iter().collect::<Vec<_>>(),
                    Bounds::List(values) => values.iter().collect(),
                    _ => Vec::new(),
                });
                let values: Vec<&SqlExpr> = values.filter(has_value).collect();
                Some((key.column_name()?, values)).filter(|(_, values)| !values.is_empty())
            });
            Some((&table.table, columns.collect()))
        })
        .collect()
}

impl<'c> Plan<'c> {
    /// Columns that it refers to by what divides it, with the values that its parts begin with.
    pub(super) fn wanted_elsewhere(&self) -> Vec<(TableName, SmolStr, Vec<&'c SqlExpr>)> {
        let of = |key: &ForeignKey| {
            let pairs = key.columns.iter().zip(&key.target_columns);
            let values = pairs.filter_map(|(own, target)| {
                let (_, values) = self.divided.iter().find(|(column, _)| *column == own)?;
                Some((key.target.clone(), target.clone(), values.clone()))
            });
            values.collect::<Vec<_>>()
        };
        self.keys.iter().flat_map(|key| of(key)).collect()
    }

    /// Which rows of the target of a key have a place in a part, where it is a column of the key that divides the table.
    pub(super) fn fitting(&self, key: &ForeignKey) -> String {
        let pairs = key.columns.iter().zip(&key.target_columns);
        let conditions: Vec<String> = pairs
            .filter_map(|(own, target)| {
                let (_, values) = self.divided.iter().find(|(column, _)| *column == own)?;
                let column = self.table.columns.iter().find(|column| column.name == *own)?;
                Some(format!("{} = any ({})", ident(target), array(values, &column.ty)))
            })
            .collect();
        if conditions.is_empty() { String::new() } else { format!(" where {}", conditions.join(" and ")) }
    }
}

/// Values as a list of a type.
pub(super) fn array(values: &[&SqlExpr], ty: &DataType) -> String {
    let list: Vec<&str> = values.iter().map(|value| value.text.as_str()).collect();
    let mut text = format!("array[{}]::", list.join(", "));
    specc_sql::push_type(&mut text, ty);
    text + "[]"
}
