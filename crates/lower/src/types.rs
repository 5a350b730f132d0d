//! Types of the model as types of the catalog.

use specc_catalog::DataType;
use specc_model::{Base, Model, Type};

/// The catalog's type for `ty`; one that could not be known is `text`.
pub(crate) fn data_type(model: &Model, ty: &Type) -> DataType {
    let (schema, name) = match &ty.base {
        Base::Builtin(name) => (Default::default(), name.clone()),
        Base::Enum(id) => named(&model.enums[id.0 as usize].name),
        Base::Domain(id) => named(&model.domains[id.0 as usize].name),
        Base::Composite(id) => named(&model.composites[id.0 as usize].name),
        Base::Row(id) => named(&model.entity(*id).name),
        Base::Named(name) => named(name),
        Base::Unknown => (Default::default(), "text".into()),
    };
    DataType { schema, name, args: ty.args.clone(), dims: ty.dims }
}

fn named(name: &specc_model::Qualified) -> (smol_str::SmolStr, smol_str::SmolStr) {
    (name.schema.clone(), name.name.clone())
}
