//! Index methods and operator classes.

use crate::casts::{Context, cast};
use crate::names::beyond;
use crate::table::{Spelled, lines, unmarked};
use crate::types::{TypeInfo, type_info};
use rustc_hash::FxHashMap;
use std::sync::LazyLock;

/// A method of indexes.
#[derive(Clone, Copy, Debug)]
pub struct IndexMethod {
    /// Its name.
    pub name: &'static str,
    /// `-` for Postgres itself.
    pub extension: &'static str,
    /// Keys have an order, so `asc` and `desc` mean something.
    pub ordered: bool,
    /// An index can be unique.
    pub unique: bool,
    /// How many columns it may have.
    pub most_columns: usize,
    /// It can serve an exclusion constraint.
    pub excludes: bool,
    /// It can carry further columns.
    pub includes: bool,
}

static METHODS: LazyLock<Vec<IndexMethod>> = LazyLock::new(|| {
    let read = lines(include_str!("../data/methods.txt")).map(|(extension, name, mut words)| {
        let can = unmarked(words.next().unwrap_or_default());
        IndexMethod {
            name,
            extension,
            ordered: can.contains('o'),
            unique: can.contains('u'),
            most_columns: if can.contains('m') { 32 } else { 1 },
            excludes: can.contains('x'),
            includes: can.contains('i'),
        }
    });
    read.collect()
});

/// All methods, sorted by name.
pub fn index_methods() -> &'static [IndexMethod] {
    &METHODS
}

/// The method with this name.
pub fn index_method(name: &str) -> Option<&'static IndexMethod> {
    METHODS.iter().find(|method| method.name == name)
}

/// How many dimensions of a type the indexes of vectors take, if they are over it.
pub fn most_indexed_dimensions(name: &str) -> Option<i64> {
    match name {
        "vector" => Some(2000),
        "halfvec" => Some(4000),
        // Not the width, but what is not zero, is limited.
        "sparsevec" | "bit" => Some(i64::MAX),
        _ => None,
    }
}

/// A class of operators.
#[derive(Clone, Copy)]
struct Class {
    name: &'static str,
    method: &'static str,
    on: Spelled,
    default: bool,
    leakproof: bool,
    extension: &'static str,
}

/// All classes, by name.
fn classes() -> impl Iterator<Item = Class> {
    lines(include_str!("../data/operator_classes.txt")).flat_map(|(extension, name, words)| {
        words.filter_map(|word| unmarked(word).split_once(':')).map(move |(method, ty)| {
            let (ty, leakproof) = ty.strip_suffix('+').map_or((ty, false), |ty| (ty, true));
            let (ty, default) = ty.strip_suffix('!').map_or((ty, false), |ty| (ty, true));
            Class { name, method, on: Spelled::of(ty), default, leakproof, extension }
        })
    })
}

/// The operator classes of a method, of Postgres and of extensions.
pub fn operator_classes(method: &str) -> impl Iterator<Item = &'static str> {
    classes().filter(move |class| class.method == method).map(|class| class.name)
}

/// The extension that brings an operator class; `None` for Postgres itself and what is not known.
pub fn extension_of_operator_class(name: &str) -> Option<&'static str> {
    static BY_NAME: LazyLock<FxHashMap<&'static str, &'static str>> = LazyLock::new(|| {
        let mut found = FxHashMap::default();
        for class in classes() {
            // What Postgres has as well comes from there.
            let known = found.entry(class.name).or_insert(class.extension);
            if class.extension == "-" {
                *known = class.extension;
            }
        }
        found
    });
    BY_NAME.get(name).copied().map_or_else(|| beyond(name), |extension| Some(extension).filter(|e| *e != "-"))
}

/// The type whose class serves a type of Postgres in a `btree` index: its own, or that of what it is without a change.
pub(crate) fn ordered_as(info: &TypeInfo) -> Option<&'static str> {
    let own = Spelled { name: info.name, array: false };
    let served = |on: Spelled| cast(own, on).is_some_and(|cast| cast.binary && cast.context == Context::Implicit);
    let types = || classes().filter(|class| class.method == "btree" && class.default).map(|class| class.on);
    types().find(|on| *on == own).or_else(|| types().find(|on| served(*on))).map(|on| on.name)
}

/// Whether a type can be indexed by the method without naming an operator class: by its canonical name, or `anyenum` and
/// `record` for those of the project. `extension` says which are there. Nothing is known against an unknown type.
pub fn has_default_class(method: &str, name: &str, array: bool, extension: impl Fn(&str) -> bool) -> bool {
    default_class(method, name, array, extension).is_none_or(|class| class.is_some())
}

/// Whether Postgres may look a value up in an index before it has asked what row level security asks of the row: only
/// where the operators of the class are leakproof. Of `class`, where it is named. Nothing is known against an unknown type.
pub fn is_leakproof(method: &str, class: Option<&str>, name: &str, array: bool) -> bool {
    match class {
        Some(named) => classes().find(|c| c.name == named && c.method == method).is_none_or(|class| class.leakproof),
        None => default_class(method, name, array, |_| true).flatten().is_none_or(|class| class.leakproof),
    }
}

/// The class that a type has by default; the outer one is none for a type that is not known.
fn default_class(
    method: &str,
    name: &str,
    array: bool,
    extension: impl Fn(&str) -> bool,
) -> Option<Option<&'static Class>> {
    static BY_METHOD: LazyLock<FxHashMap<&'static str, Vec<Class>>> = LazyLock::new(|| {
        let mut found: FxHashMap<_, Vec<Class>> = FxHashMap::default();
        for class in classes().filter(|class| class.default) {
            found.entry(class.method).or_default().push(class);
        }
        found
    });
    let info = type_info(name);
    let pseudo = ["anyenum", "record"].into_iter().find(|pseudo| *pseudo == name);
    let known = info.map(|info| info.name).or(pseudo)?;
    let own = Spelled { name: known, array };
    let serves = |on: Spelled| match on.name {
        "anyarray" => array,
        "anyrange" => !array && info.is_some_and(TypeInfo::is_range),
        "anymultirange" => !array && info.is_some_and(TypeInfo::is_multirange),
        _ => on == own || cast(own, on).is_some_and(|cast| cast.binary && cast.context == Context::Implicit),
    };
    let defaults = BY_METHOD.get(method).map_or(&[][..], Vec::as_slice);
    let there = |class: &&Class| class.extension == "-" || extension(class.extension);
    // Most types have a class of their own, and no cast is looked up.
    let of_its_own = defaults.iter().filter(there).find(|class| class.on == own);
    Some(of_its_own.or_else(|| defaults.iter().filter(there).find(|class| serves(class.on))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_by_type() {
        let has = |method: &str, ty: &str| has_default_class(method, ty, false, |_| false);
        assert!(has("btree", "int") && has("btree", "varchar") && has("btree", "cidr") && has("btree", "int4range"));
        assert!(!has("btree", "json") && !has("btree", "point") && !has("btree", "vector"));
        assert!(has("gist", "point") && !has("gist", "int") && !has("hash", "money") && has("gin", "jsonb"));
        assert!(has_default_class("gist", "int", false, |e| e == "btree_gist"));
        assert!(has_default_class("gin", "int", true, |_| false));
        assert_eq!(extension_of_operator_class("gin_trgm_ops"), Some("pg_trgm"));
        let leakproof = |method: &str, ty: &str, array: bool| is_leakproof(method, None, ty, array);
        assert!(leakproof("btree", "uuid", false) && leakproof("btree", "varchar", false));
        assert!(!leakproof("btree", "anyenum", false) && !leakproof("btree", "numeric", false));
        assert!(!leakproof("gin", "text", true) && !leakproof("gin", "tsvector", false));
        assert!(leakproof("brin", "timestamptz", false) && leakproof("hnsw", "vector", false));
        // Of btree_gin as well, but first of all of Postgres.
        assert_eq!(extension_of_operator_class("int4_ops"), None);
    }
}
