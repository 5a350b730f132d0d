//! What the targets share: the check, and mutations of tokens beside those of bytes.

#![allow(clippy::disallowed_methods)]

pub use libfuzzer_sys;

use specc_tests::fuzz::mutate::{Dice, spoiled};
use specc_tests::fuzz::{TARGETS, samples};
use std::sync::OnceLock;

/// Holds a text against a target.
///
/// # Panics
/// Where it does not hold: that is a finding.
pub fn holds(name: &str, bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target");
    if let Err(what) = (target.holds)(text) {
        panic!("{what}");
    }
}

/// Changes an input: half of the time a byte here and there, else whole tokens, with others from the repository.
pub fn mutate(name: &str, data: &mut [u8], size: usize, most: usize, seed: u32) -> usize {
    static SAMPLES: OnceLock<Vec<String>> = OnceLock::new();
    let text = std::str::from_utf8(&data[..size]);
    let (true, Ok(text)) = (seed % 2 == 0, text) else {
        return libfuzzer_sys::fuzzer_mutate(data, size, most);
    };
    let samples = SAMPLES.get_or_init(|| samples(name));
    let changed = spoiled(&mut Dice::new(u64::from(seed)), text.to_owned(), samples);
    let end = changed.floor_char_boundary(most.min(changed.len()));
    data[..end].copy_from_slice(&changed.as_bytes()[..end]);
    end
}

/// The binary of a target.
#[macro_export]
macro_rules! target {
    ($name:literal) => {
        $crate::libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::holds($name, data));
        $crate::libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            $crate::mutate($name, data, size, max_size, seed)
        });
    };
}
