//! Casts between types.

use crate::functions::Volatility;
use crate::table::{Spelled, lines, unmarked};
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
}

static CASTS: LazyLock<FxHashMap<(Spelled, Spelled), Cast>> = LazyLock::new(|| {
    let mut casts = FxHashMap::default();
    for (_, source, words) in lines(include_str!("../data/casts.txt")) {
        let source = Spelled::of(source);
        for (how, target) in words.filter_map(|word| unmarked(word).split_once(':')) {
            let how = how.as_bytes();
            let context = match how[0] {
                b'i' => Context::Implicit,
                b'a' => Context::Assignment,
                _ => Context::Explicit,
            };
            let cast = Cast { context, volatility: Volatility::of(how[1]), binary: how.len() > 2 };
            casts.insert((source, Spelled::of(target)), cast);
        }
    }
    casts
});

/// The cast from `from` to `to`; `None` where Postgres only can by way of text, or from an array's elements.
pub fn cast(from: Spelled, to: Spelled) -> Option<Cast> {
    CASTS.get(&(from, to)).copied()
}
