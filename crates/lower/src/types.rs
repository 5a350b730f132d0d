//! Types of the model as types of the catalog.

use specc_catalog::DataType;
use specc_model::{Model, Type};

/// The catalog's type for `ty`; one that could not be known is `text`.
pub(crate) fn data_type(model: &Model, ty: &Type) -> DataType {
    ty.data_type(model)
}
