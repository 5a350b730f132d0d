//! Values by their rank: the same wherever they are asked for, so that a reference of some rank has the key of that rank.

use crate::{Column, Sizes, Table, Values, is_number};
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::Qualified;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Edge {
    /// As Postgres reads it.
    Text(SmolStr),
    /// So far from the lowest to the highest of a range, from 0 to 1.
    Part(f64),
}

/// References that are followed to a value at most.
const DEPTH: usize = 16;
/// Digits of the rank in a text, and where there are more values.
const DIGITS: [usize; 2] = [9, 13];

impl Sizes {
    /// The value of a rank, from 1; none where values are not made by rank.
    pub fn value(&self, table: &Qualified, column: &str, rank: u64) -> Option<Edge> {
        let (table, column) = self.source(table, column)?;
        if rank == 0 || rank > column.distinct {
            return None;
        }
        if let Some(text) = column.value(rank) {
            return Some(Edge::Text(text));
        }
        match column.values {
            Values::Between { .. } => {
                // Ranks are spread over the range, so that the most frequent are not its lowest values.
                let mixed = mix(rank) as f64 / u64::MAX as f64;
                Some(Edge::Part(mixed))
            }
            Values::Random => Some(Edge::Text(uuid(table, column, rank))),
            Values::Words => Some(Edge::Text(word(column, rank))),
            Values::Of { .. } => match &*column.ty.name {
                "uuid" => Some(Edge::Text(uuid(table, column, rank))),
                name if is_number(name) => Some(Edge::Text(rank.to_string().into())),
                _ => Some(Edge::Text(word(column, rank))),
            },
            _ => None,
        }
    }

    /// The value that so many of all values stand below, in the order of their type; from 0 to 1.
    pub fn edge(&self, table: &Qualified, column: &str, part: f64) -> Option<Edge> {
        let (_, column) = self.source(table, column)?;
        let nth = ((column.distinct.saturating_sub(1)) as f64 * part).round() as u64 + 1;
        Some(match &column.values {
            Values::Counted => Edge::Text(nth.to_string().into()),
            Values::Listed(values) => Edge::Text(values.get(nth as usize - 1)?.clone()),
            Values::Between { .. } => Edge::Part(part),
            Values::Random => Edge::Text(of_number((part * u64::MAX as f64) as u64, 0)),
            Values::Words => Edge::Text(word(column, nth)),
            Values::Of { .. } => match &*column.ty.name {
                "uuid" => Edge::Text(of_number((part * u64::MAX as f64) as u64, 0)),
                name if is_number(name) => Edge::Text(nth.to_string().into()),
                _ => Edge::Text(word(column, nth)),
            },
            Values::Opaque => return None,
        })
    }

    /// The column whose values these are: that of the key at the end of references.
    fn source(&self, table: &Qualified, column: &str) -> Option<(&Table, &Column)> {
        let mut at = self.tables.get(table)?;
        let mut column = at.column(column)?;
        for _ in 0..DEPTH {
            let Values::Of { table, column: to } = &column.values else { return Some((at, column)) };
            // What others have is as good as made here.
            let Some(next) = self.tables.get(table) else { return Some((at, column)) };
            (at, column) = (next, next.column(to)?);
        }
        None
    }
}

fn word(column: &Column, rank: u64) -> SmolStr {
    let digits = DIGITS[usize::from(column.distinct >= 1_000_000_000)];
    format_smolstr!("{} {rank:0digits$}", column.name)
}

fn uuid(table: &Table, column: &Column, rank: u64) -> SmolStr {
    let name = [&table.name.schema, &table.name.name, &column.name];
    let seed = name.iter().flat_map(|part| part.bytes().chain([0])).fold(0u64, |all, byte| mix(all ^ u64::from(byte)));
    of_number(mix(seed ^ rank), mix(seed.wrapping_add(rank)))
}

fn of_number(high: u64, low: u64) -> SmolStr {
    let [a, b, c] = [high >> 32, (high >> 16) & 0xffff, high & 0xffff];
    format_smolstr!("{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}", low >> 48, low & 0xffff_ffff_ffff)
}

/// Bits in another order, each of which depends on all (the finalizer of splitmix64).
fn mix(value: u64) -> u64 {
    let mut x = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
