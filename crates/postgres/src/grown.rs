//! Files of a database that are longer than what is in them.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};

use crate::database::Database;
use crate::error::Error;
use crate::files;

/// Bytes of a page, and pages of a file: what is longer is in several.
const PAGE: u64 = 8_192;
const SEGMENT: u64 = 131_072;
/// A hundred terabytes are in no scratch database.
const MOST: u64 = 100 << 40 >> 13;

/// How large the files of a relation are to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grown {
    /// Its first file, as `pg_relation_filepath` names it.
    pub path: String,
    /// Pages.
    pub pages: u64,
    /// Of a btree: levels above its leaves.
    pub height: Option<u32>,
}

impl Database {
    /// Makes the files of relations longer; what is new in them are holes, which take no room. An empty btree gets levels,
    /// in which nothing is found. Nobody may have read the relations since the database was made, nor write to them afterwards.
    ///
    /// # Errors
    /// Where a file cannot be reached.
    pub fn grow(&self, relations: &[Grown]) -> Result<(), Error> {
        let data = self.cluster().dir().join("data");
        for relation in relations {
            // The server's word, but no file of another place is ours to change.
            let path = Path::new(&relation.path);
            if path.components().any(|part| !matches!(part, Component::Normal(_))) {
                continue;
            }
            let first = data.join(path);
            let (mut left, mut number) = (relation.pages.min(MOST), 0);
            while left > 0 {
                let own = left.min(SEGMENT);
                self.lengthen(&segment(&first, number), own * PAGE)?;
                left -= own;
                number += 1;
            }
            if let Some(height) =
                relation.height.filter(|_| relation.pages > u64::from(relation.height.unwrap_or(0)) + 1)
            {
                plant(&first, height).map_err(Error::io("write", &first))?;
            }
        }
        Ok(())
    }

    fn lengthen(&self, path: &Path, bytes: u64) -> Result<(), Error> {
        let is_new = !path.exists();
        let file = fs::OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = file.map_err(Error::io("open", path))?;
        let length = file.metadata().map_err(Error::io("read", path))?.len();
        if length < bytes {
            file.set_len(bytes).map_err(Error::io("lengthen", path))?;
        }
        if is_new { files::give(path, self.cluster().user()) } else { Ok(()) }
    }
}

/// The first file has no number.
fn segment(first: &Path, number: u64) -> PathBuf {
    if number == 0 {
        return first.to_owned();
    }
    let mut name = first.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// The mark of the first page of a btree, behind the header of a page.
const MARK: (u64, u32) = (24, 0x05_31_62);
/// Where the page says which page is the root, at which level, and the same of the fast root.
const ROOT: u64 = 32;

/// Gives an empty btree a root at block 1 and below it, to each level, a page with one way down, which ends at a leaf without
/// entries.
fn plant(path: &Path, height: u32) -> std::io::Result<()> {
    let file = fs::OpenOptions::new().read(true).write(true).open(path)?;
    let mut mark = [0; 4];
    file.read_exact_at(&mut mark, MARK.0)?;
    let mut root = [0; 4];
    file.read_exact_at(&mut root, ROOT)?;
    if u32::from_ne_bytes(mark) != MARK.1 || u32::from_ne_bytes(root) != 0 {
        return Ok(());
    }
    for level in (0..=height).rev() {
        let block = 1 + height - level;
        let below = (level > 0).then_some(block + 1);
        file.write_all_at(&tree_page(level, level == height, below), u64::from(block) * PAGE)?;
    }
    let places = [1u32, height, 1, height].map(u32::to_ne_bytes).concat();
    file.write_all_at(&places, ROOT)
}

/// Bytes of what a page of a btree says at its end.
const SPECIAL: u16 = 16;
/// Of an entry that leads down and is below all others, whatever the keys are.
const DOWN: u16 = 8;
/// Its tuple has no values, and says so where another would have its row.
const NO_VALUES: u16 = 0x2000;

/// A page that is the only one of its level.
fn tree_page(level: u32, is_root: bool, below: Option<u32>) -> Vec<u8> {
    let mut page = vec![0u8; PAGE as usize];
    let special = PAGE as u16 - SPECIAL;
    let (lower, upper) = if below.is_some() { (28, special - DOWN) } else { (24, special) };
    for (at, value) in [(12, lower), (14, upper), (16, special), (18, PAGE as u16 | 4)] {
        page[at..at + 2].copy_from_slice(&value.to_ne_bytes());
    }
    if let Some(block) = below {
        // Where the entry is, that it is there, and how long it is.
        let pointer = u32::from(upper) | 1 << 15 | u32::from(DOWN) << 17;
        page[24..28].copy_from_slice(&pointer.to_ne_bytes());
        let entry = [(block >> 16) as u16, block as u16, 0, DOWN | NO_VALUES].map(u16::to_ne_bytes).concat();
        page[upper as usize..special as usize].copy_from_slice(&entry);
    }
    let end = special as usize;
    page[end + 8..end + 12].copy_from_slice(&level.to_ne_bytes());
    let flags = u16::from(below.is_none()) | u16::from(is_root) << 1;
    page[end + 12..end + 14].copy_from_slice(&flags.to_ne_bytes());
    page
}
