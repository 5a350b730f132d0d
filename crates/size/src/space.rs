//! How many pages rows and indexes take.

use crate::Table;
use crate::column::{POINTER, TOASTED};

/// Bytes of a page.
pub const PAGE: u64 = 8_192;
/// Of which the page keeps some.
const PAGE_HEADER: u64 = 24;
/// The header of a row, aligned, and its line pointer.
const ROW: u64 = 24 + 4;

/// The most pages that `pg_class` has a number for, which is half of what a table of Postgres can have: sixteen terabytes.
pub const MOST: u64 = i32::MAX as u64;

/// Pages of so many rows of a table.
pub fn heap_pages(table: &Table, rows: u64, fillfactor: u64) -> u64 {
    let mut bytes = 0f64;
    for column in &table.columns {
        let width = f64::from(if column.width > TOASTED { POINTER } else { column.width });
        // A short value of no fixed length stands anywhere, a longer one at multiples of four.
        let align = match specc_facts::fixed_length(&column.ty.name).filter(|_| column.ty.dims == 0) {
            Some((_, align)) => f64::from(align),
            None if column.width > SHORT => 4.0,
            None => 1.0,
        };
        let there = 1.0 - column.nulls;
        bytes += (padding(bytes, align) + width) * there;
    }
    let nulls = u64::from(table.columns.iter().any(|column| column.nulls > 0.0));
    // A bit for each column where one is null: the header has room for eight.
    let header = ROW + nulls * 8 * u64::from(table.columns.len() > 8);
    pages(rows, (bytes / 8.0).ceil() as u64 * 8 + header, fillfactor)
}

/// Up to here the length of a value takes one byte.
const SHORT: u32 = 127;

/// What is left free before a value on average: what is needed where the place is known, else half of what may be.
fn padding(before: f64, align: f64) -> f64 {
    if before.fract() == 0.0 { (align - before % align) % align } else { (align - 1.0) / 2.0 }
}

fn pages(rows: u64, row: u64, fillfactor: u64) -> u64 {
    let free = (PAGE - PAGE_HEADER) * fillfactor.clamp(10, 100) / 100;
    let each = (free / row.max(1)).max(1);
    rows.div_ceil(each).min(MOST)
}

/// The part of a page of a btree that is filled where keys come in order, and where they come in any.
const IN_ORDER: u64 = 90;
const IN_ANY: u64 = 71;

/// A btree over so many rows, whose keys have so many bytes and values: equal keys are stored once for many rows. `ordered`: keys
/// come in their order.
pub fn btree_pages(rows: u64, key: u32, distinct: u64, ordered: bool) -> Pages {
    if rows == 0 {
        return Pages { pages: 1, height: 0 };
    }
    let aligned = u64::from(key).div_ceil(8) * 8;
    let tuple = 8 + aligned + 4;
    let each = (rows as f64 / distinct.max(1) as f64).max(1.0);
    // A list of rows takes six bytes for each; lists end before they are a third of a page.
    let shared = if each > 1.5 { (8.0 + aligned as f64 + 4.0) / each.min(400.0) + 6.0 } else { tuple as f64 };
    let filled = if ordered { IN_ORDER } else { IN_ANY };
    let free = ((PAGE - PAGE_HEADER - 16) * filled / 100) as f64;
    let leaves = ((rows as f64 * shared) / free).ceil().max(1.0) as u64;
    let inner = ((PAGE - PAGE_HEADER - 16) * 70 / 100) / tuple.max(1);
    let (mut level, mut all, mut height) = (leaves, leaves + 1, 0);
    while level > 1 {
        level = level.div_ceil(inner.max(2));
        all += level;
        height += 1;
    }
    Pages { pages: all.min(MOST), height }
}

/// Pages of an index by its method. What a GIN, GiST or vector index takes depends on what is in its values: these are the
/// measures of indexes over lists of words and over vectors (`docs/bench.md`).
pub fn index_pages(method: &str, rows: u64, key: u32, distinct: u64, ordered: bool) -> Pages {
    let bytes = |each: f64| ((rows as f64 * each) / (PAGE - PAGE_HEADER) as f64).ceil().max(1.0) as u64 + 1;
    let pages = match method {
        "btree" => return btree_pages(rows, key, distinct, ordered),
        "hash" => bytes(20.0 / 0.75),
        "brin" => 3 + (rows / 100_000),
        // A row is in the lists of each of its words, two bytes in each; and what waited to be sorted in leaves its room.
        "gin" => bytes(f64::from(key) * 0.35) + (rows * u64::from(key) / PAGE).min(WAITING),
        "gist" | "spgist" => bytes((f64::from(key) + 16.0) / 0.7),
        // The vector beside the row, and its neighbours.
        "hnsw" => bytes(hnsw(key)),
        "ivfflat" => bytes(f64::from(key) + 24.0),
        _ => bytes(f64::from(key) + 16.0),
    };
    Pages { pages: pages.min(MOST), height: 0 }
}

/// Pages of a list of what is not sorted in yet, `gin_pending_list_limit`.
const WAITING: u64 = 512;

/// A vector is never in parts: what is left of a page after the last whole one stays empty. Its neighbours take six bytes each.
fn hnsw(key: u32) -> f64 {
    let row = f64::from(key) + 40.0 + 280.0;
    let page = (PAGE - PAGE_HEADER) as f64;
    page / (page / row).floor().max(1.0)
}

/// The size of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pages {
    /// Its pages, the first one among them.
    pub pages: u64,
    /// Levels above the leaves.
    pub height: u32,
}
