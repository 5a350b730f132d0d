//! The types that Postgres has, by every spelling, and the types that extensions bring.

/// The canonical (short) name behind a spelling of a built-in type.
pub(crate) fn canonical(name: &str) -> Option<&'static str> {
    Some(match name {
        "smallint" | "int2" => "smallint",
        "int" | "integer" | "int4" => "int",
        "bigint" | "int8" => "bigint",
        "numeric" | "decimal" | "dec" => "numeric",
        "real" | "float4" => "real",
        "double precision" | "float8" | "float" => "double precision",
        "boolean" | "bool" => "boolean",
        "varchar" | "character varying" | "char varying" => "varchar",
        "char" | "character" => "char",
        "timestamp" | "timestamp without time zone" => "timestamp",
        "timestamptz" | "timestamp with time zone" => "timestamptz",
        "time" | "time without time zone" => "time",
        "timetz" | "time with time zone" => "timetz",
        "varbit" | "bit varying" => "varbit",
        other => return PLAIN.iter().find(|p| **p == other).copied(),
    })
}

/// Built-in types with one spelling.
static PLAIN: &[&str] = &[
    "text",
    "uuid",
    "jsonb",
    "json",
    "date",
    "interval",
    "bytea",
    "money",
    "bpchar",
    "name",
    "bit",
    "inet",
    "cidr",
    "macaddr",
    "macaddr8",
    "tsvector",
    "tsquery",
    "xml",
    "jsonpath",
    "point",
    "line",
    "lseg",
    "box",
    "path",
    "polygon",
    "circle",
    "int4range",
    "int8range",
    "numrange",
    "tsrange",
    "tstzrange",
    "daterange",
    "int4multirange",
    "int8multirange",
    "nummultirange",
    "tsmultirange",
    "tstzmultirange",
    "datemultirange",
    "pg_lsn",
    "pg_snapshot",
    "txid_snapshot",
    "oid",
    "xid",
    "xid8",
    "cid",
    "tid",
    "regclass",
    "regproc",
    "regprocedure",
    "regoper",
    "regoperator",
    "regtype",
    "regrole",
    "regnamespace",
    "regconfig",
    "regdictionary",
    "regcollation",
    "refcursor",
    "aclitem",
    "int2vector",
    "oidvector",
    // Its quotes are part of its name: without them it is another type.
    "\"char\"",
    "interval year",
    "interval month",
    "interval day",
    "interval hour",
    "interval minute",
    "interval second",
    "interval year to month",
    "interval day to hour",
    "interval day to minute",
    "interval day to second",
    "interval hour to minute",
    "interval hour to second",
    "interval minute to second",
    "information_schema.sql_identifier",
];

/// Types that only a function can give back or take.
pub(crate) const PSEUDO: &[&str] = &[
    "void",
    "trigger",
    "event_trigger",
    "record",
    "anyelement",
    "anyarray",
    "anynonarray",
    "anyenum",
    "anyrange",
    "anymultirange",
    "anycompatible",
    "anycompatiblearray",
    "anycompatiblenonarray",
    "anycompatiblerange",
    "any",
    "cstring",
    "internal",
    "language_handler",
];

/// All spellings of built-in types that a suggestion may offer.
pub(crate) fn spellings() -> impl Iterator<Item = &'static str> {
    let aliased = [
        "smallint",
        "int",
        "integer",
        "bigint",
        "numeric",
        "decimal",
        "real",
        "double precision",
        "boolean",
        "bool",
        "varchar",
        "char",
        "timestamp",
        "timestamptz",
        "time",
        "timetz",
        "varbit",
    ];
    aliased.into_iter().chain(PLAIN.iter().copied())
}

/// The extension that brings a type.
pub(crate) fn extension_of(name: &str) -> Option<&'static str> {
    Some(match name {
        "vector" | "halfvec" | "sparsevec" => "vector",
        "citext" => "citext",
        "hstore" => "hstore",
        "ltree" | "lquery" | "ltxtquery" => "ltree",
        "geometry" | "geography" | "box2d" | "box3d" => "postgis",
        "raster" => "postgis_raster",
        "cube" => "cube",
        "seg" => "seg",
        "ean13" | "isbn" | "isbn13" | "issn" | "issn13" | "ismn" | "ismn13" | "upc" => "isn",
        "query_int" => "intarray",
        "semver" => "semver",
        "h3index" => "h3",
        _ => return None,
    })
}

/// The extension that brings an operator class.
pub(crate) fn opclass_extension(name: &str) -> Option<&'static str> {
    Some(match name {
        "gin_trgm_ops" | "gist_trgm_ops" => "pg_trgm",
        "vector_l2_ops"
        | "vector_ip_ops"
        | "vector_cosine_ops"
        | "vector_l1_ops"
        | "halfvec_l2_ops"
        | "halfvec_ip_ops"
        | "halfvec_cosine_ops"
        | "halfvec_l1_ops"
        | "sparsevec_l2_ops"
        | "sparsevec_ip_ops"
        | "sparsevec_cosine_ops"
        | "sparsevec_l1_ops"
        | "bit_hamming_ops"
        | "bit_jaccard_ops" => "vector",
        "gist_hstore_ops" | "gin_hstore_ops" | "btree_hstore_ops" => "hstore",
        "gist_ltree_ops" | "gist__ltree_ops" => "ltree",
        "gin__int_ops" | "gist__int_ops" | "gist__intbig_ops" => "intarray",
        _ => return None,
    })
}

/// Lowest and highest number of arguments and the range of the first, for types that take arguments.
pub(crate) fn arguments(name: &str) -> Option<(usize, usize, i64, i64)> {
    Some(match name {
        "varchar" | "char" => (0, 1, 1, 10_485_760),
        "bpchar" => (0, 1, 1, 10_485_760),
        "bit" | "varbit" => (0, 1, 1, 83_886_080),
        "numeric" => (0, 2, 1, 1000),
        "timestamp" | "timestamptz" | "time" | "timetz" | "interval" => (0, 1, 0, 6),
        "interval second" | "interval day to second" | "interval hour to second" | "interval minute to second" => {
            (0, 1, 0, 6)
        }
        "vector" | "halfvec" => (0, 1, 1, 16_000),
        "sparsevec" => (0, 1, 1, 1_000_000_000),
        _ => return None,
    })
}

/// Roles that a cluster always has.
pub(crate) const PREDEFINED_ROLES: &[&str] = &["public", "current_user", "current_role", "session_user"];
