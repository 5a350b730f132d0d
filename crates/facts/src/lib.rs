//! What Postgres has and does, in one place: types and their families, functions and operators with their volatility,
//! casts, keywords, index methods, what statements lock. The tables under `data` are written from Postgres 15 and 18 by
//! `facts.sql`; a test of `specc-postgres` reads both servers again and compares. What only one version has is marked
//! there with `@` and the version. `grammar.txt` (what only the grammar has), `parameters.txt` (of storage) and
//! `elsewhere.txt` (types of extensions that are not on the test servers) are written by hand. A table is read when it is first asked for.

mod casts;
pub mod citus;
mod conversions;
mod functions;
mod indexes;
mod keywords;
mod literals;
mod names;
mod rights;
mod settings;
mod storage;
mod table;
mod types;
mod words;

pub use casts::{Cast, Context, cast, casts_to, keeps_bytes, refers};
pub use conversions::{Conversion, Limited, conversion, from_labels, from_long_text};
pub use functions::{
    Grammar, Kind, RowColumn, Variant, Volatility, counts_rows, extension_volatility, function_names, functions,
    gives_a_value, gives_for_rows, grammar, grammar_names, is_about_rows, keeps_values, makes_document_of_row,
    numbers_rows, operators, platform_function, row_columns, takes_sequence, volatility, worded,
};
pub use indexes::{
    IndexMethod, extension_of_operator_class, has_default_class, index_method, index_methods, is_leakproof,
    most_indexed_dimensions, operator_classes,
};
pub use keywords::{is_bare_label, is_keyword, is_operator_word, may_name_table, needs_quotes};
pub use literals::{array_items, is_json_object, read_literal};
pub use names::{
    DIAGNOSTICS_ITEMS, LANGUAGES, LONGEST_NAME, RAISE_OPTIONS, ROLE_WORDS, STACKED_ITEMS, SYSTEM_COLUMNS, SchemaMaker,
    asked_right, conditions, extension_of_trigger_function, is_condition, is_known_extension, is_language,
    is_list_setting, is_of_supabase, is_predefined_role, is_pseudo_type, is_right, is_schema_of_supabase, is_sqlstate,
    is_system_schema, is_trigger_function, listed_names, privileges, rights, schema_maker, sqlstate_of,
};
pub use rights::{is_of_event_trigger, is_safe_above};
pub use settings::{Setting, setting, setting_names};
pub use storage::{COMPRESSION_WORDS, Parameter, ParameterValue, STORAGE_WORDS, parameters};
pub use table::Spelled;
pub use types::{
    Equality, Family, INTERVAL_FIELDS, Modifiers, TypeInfo, canonical_type, extension_of_type, family, fixed_length,
    internal_type_name, is_interval_unit, limited_without_length, modifiers, serial_type, server_spelling, tells_apart,
    type_info, type_number, type_rank, type_spellings, widens,
};
pub use words::{
    FieldUse, Searching, field_names, is_field, may_be_collation, searches, searching, zone_argument, zone_meant,
};
