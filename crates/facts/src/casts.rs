//! Casts between types.

use crate::functions::{Variant, Volatility, operators};
use crate::indexes::ordered_as;
use crate::table::{Spelled, lines, unmarked};
use crate::types::{TypeInfo, type_info};
use rustc_hash::FxHashMap;
use std::sync::LazyLock;

/// When a cast happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Context {
    /// Anywhere.
    Implicit,
    /// Where a value is stored.
    Assignment,
    /// Where it is written.
    Explicit,
}

/// A cast that Postgres has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cast {
    /// When it happens.
    pub context: Context,
    /// How volatile it is.
    pub volatility: Volatility,
    /// The bytes stay as they are.
    pub binary: bool,
    /// Every version has it.
    pub everywhere: bool,
}

static CASTS: LazyLock<FxHashMap<(Spelled, Spelled), Cast>> = LazyLock::new(|| {
    let mut casts = FxHashMap::default();
    for (_, source, words) in lines(include_str!("../data/casts.txt")) {
        let source = Spelled::of(source);
        for word in words {
            let Some((how, target)) = unmarked(word).split_once(':') else { continue };
            let how = how.as_bytes();
            let context = match how[0] {
                b'i' => Context::Implicit,
                b'a' => Context::Assignment,
                _ => Context::Explicit,
            };
            let cast = Cast {
                context,
                volatility: Volatility::of(how[1]),
                binary: how.len() > 2,
                everywhere: unmarked(word) == word,
            };
            casts.insert((source, Spelled::of(target)), cast);
        }
    }
    casts
});

/// The cast from `from` to `to`; `None` where Postgres only can by way of text, or from an array's elements.
pub fn cast(from: Spelled, to: Spelled) -> Option<Cast> {
    CASTS.get(&(from, to)).copied()
}

fn spelled(info: &TypeInfo) -> Spelled {
    Spelled { name: info.name, array: false }
}

/// Whether every Postgres makes a value of one type a value of the other in a context: both by canonical names. True
/// where a type is not known.
pub fn casts_to(from: &str, to: &str, context: Context) -> bool {
    let (Some(a), Some(b)) = (type_info(from), type_info(to)) else { return true };
    // By way of text: to text where it is stored, from text where a cast is written.
    let through_text =
        context >= Context::Assignment && b.category == b'S' || context == Context::Explicit && a.category == b'S';
    a.name == b.name
        || through_text
        || cast(spelled(a), spelled(b)).is_some_and(|cast| cast.everywhere && cast.context <= context)
}

/// Whether a foreign key of one type can refer to a key of the other: some `=` takes both as they are, or the one becomes
/// the other by itself.
pub fn refers(from: &str, key: &str) -> bool {
    let (Some(a), Some(b)) = (type_info(from), type_info(key)) else { return from == key };
    if a.name == b.name {
        return b.ordered;
    }
    let compares = |v: &Variant| matches!(&v.args[..], [x, y] if !x.array && x.name == b.name && y.name == a.name);
    b.ordered
        && (ordered_as(b).is_some_and(|key| casts_to(a.name, key, Context::Implicit))
            || operators("=").iter().any(compares))
}

/// Whether values of one type are values of the other without a change, and without a look at them.
pub fn keeps_bytes(from: &str, to: &str) -> bool {
    let (Some(a), Some(b)) = (type_info(from), type_info(to)) else { return false };
    // What is stored goes by assignment.
    cast(spelled(a), spelled(b)).is_some_and(|cast| cast.binary && cast.context != Context::Explicit)
}
