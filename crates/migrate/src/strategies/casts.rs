//! Which built-in types Postgres turns into each other.

use specc_catalog::DataType;

/// Types that turn into each other, in families.
const FAMILIES: [&[&str]; 12] = [
    &["smallint", "int", "bigint", "numeric", "real", "double precision"],
    &["timestamp", "timestamptz", "date"],
    &["timestamp", "timestamptz", "time", "timetz"],
    &["time", "interval"],
    &["json", "jsonb"],
    &["bit", "varbit"],
    &["int", "bigint", "bit"],
    &["int", "boolean"],
    &["int", "bigint", "numeric", "money"],
    &["inet", "cidr"],
    &["macaddr", "macaddr8"],
    &["smallint", "int", "bigint", "oid"],
];

/// Types that turn only into those of their families, and from and to text.
const ALONE: [&str; 5] = ["boolean", "uuid", "bytea", "xml", "interval"];

/// What becomes of a `jsonb` value.
const OF_JSONB: [&str; 7] = ["boolean", "smallint", "int", "bigint", "numeric", "real", "double precision"];

/// Whether Postgres has no cast between two types, as far as that is known, so that a value goes by way of its text.
pub(crate) fn are_none(from: &DataType, to: &DataType) -> bool {
    let (a, b) = (from.name.as_str(), to.name.as_str());
    let known = |name: &str| ALONE.contains(&name) || FAMILIES.iter().any(|family| family.contains(&name));
    let builtin = from.schema.is_empty() && to.schema.is_empty();
    let related = a == b
        || FAMILIES.iter().any(|family| family.contains(&a) && family.contains(&b))
        || a == "jsonb" && OF_JSONB.contains(&b);
    builtin && known(a) && known(b) && !related
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
        // Nobody here knows them.
        assert!(!none("vector", "int"));
    }
}
