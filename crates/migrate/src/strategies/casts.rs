//! Which built-in types Postgres turns into each other.

use specc_catalog::DataType;
use specc_facts::{Context, Family};

/// Whether Postgres has no cast between two built-in types, so that a value goes by way of its text.
pub(crate) fn are_none(from: &DataType, to: &DataType) -> bool {
    let builtin = from.schema.is_empty() && to.schema.is_empty();
    builtin && !specc_facts::casts_to(&from.name, &to.name, Context::Explicit)
}

/// Whether Postgres makes a value of the other type by itself when it is written there. That is better than a cast where
/// both are there: a cast to `varchar(3)` cuts what does not fit, writing it is an error.
pub(crate) fn is_assigned(from: &DataType, to: &DataType) -> bool {
    let builtin = from.schema.is_empty() && to.schema.is_empty();
    let to_text = to.schema.is_empty() && to.dims == 0 && specc_facts::family(&to.name) == Family::Text;
    from.dims == to.dims
        && (from.schema == to.schema && from.name == to.name
            || builtin && specc_facts::casts_to(&from.name, &to.name, Context::Assignment)
            || to_text)
}

#[cfg(test)]
mod tests {
    use super::are_none;
    use specc_catalog::DataType;

    #[test]
    fn families_have_casts_and_strangers_have_none() {
        let none = |a: &str, b: &str| are_none(&DataType::builtin(a), &DataType::builtin(b));
        assert!(none("bigint", "timestamp"));
        assert!(none("uuid", "int"));
        assert!(none("boolean", "bigint"));
        assert!(!none("int", "boolean"));
        assert!(!none("date", "timestamptz"));
        assert!(!none("jsonb", "numeric"));
        assert!(!none("text", "uuid"));
        assert!(none("smallint", "boolean"));
        // Nobody here knows it.
        assert!(!none("geometry", "int"));
    }
}
