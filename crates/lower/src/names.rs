//! Names that lowering gives.

use smol_str::SmolStr;

/// `name` within `limit` bytes; a longer one is cut and ends in a short hash of the whole, so that two long names stay
/// apart.
pub(crate) fn cut(name: &str, limit: usize) -> SmolStr {
    if name.len() <= limit {
        return name.into();
    }
    let hash = name.bytes().fold(0x811c_9dc5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
    let mut end = limit - 9;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}_{hash:08x}", &name[..end]).into()
}
