//! Domains, and the columns that have a type.

use super::State;
use crate::name::{Key, Name};
use smol_str::format_smolstr;
use specc_catalog::DataType;

/// A domain over a domain over a domain is followed this far.
const DEEP: usize = 20;

impl State {
    fn type_key(&self, ty: &DataType) -> Key {
        let schema = if ty.schema.is_empty() { self.path() } else { ty.schema.as_str() };
        format_smolstr!("{schema}.{}", ty.name)
    }

    /// What a domain stores, and whether a constraint of it has to be looked at; any other type is itself.
    pub(crate) fn stored(&self, ty: &DataType) -> (DataType, bool) {
        let (mut ty, mut constrained) = (ty.clone(), false);
        for _ in 0..DEEP {
            let domain = self.domains.get(&self.type_key(&ty)).filter(|_| ty.dims == 0);
            let Some(domain) = domain else { break };
            constrained |= domain.constrained;
            let Some(base) = &domain.base else { break };
            ty = base.clone();
        }
        (ty, constrained)
    }

    /// The columns that have a type, each with its table.
    pub(crate) fn columns_of(&self, ty: &Name) -> impl Iterator<Item = (&Name, &String)> {
        let key = ty.key(self.path());
        self.tables.values().flat_map(move |table| {
            let key = key.clone();
            let of_type = move |ty: &DataType| self.type_key(ty) == key;
            let columns = table.columns.iter().filter(move |(_, known)| known.ty.as_ref().is_some_and(&of_type));
            columns.map(|(column, _)| (&table.name, column))
        })
    }
}
