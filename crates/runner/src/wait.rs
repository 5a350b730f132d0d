//! How long to wait before the next try.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

const LONGEST: Duration = Duration::from_secs(30);

/// Twice as long each time, up to half a minute, and never the same for two runners: between half of it and all.
pub(crate) fn backoff(first: Duration, attempt: u32) -> Duration {
    let whole = first.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(LONGEST);
    // A new hasher has new random keys.
    let random = RandomState::new().build_hasher().finish() % 1000;
    whole / 2 + (whole / 2).mul_f64(random as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_a_limit_and_is_never_longer() {
        let first = Duration::from_secs(1);
        for attempt in 1..40 {
            let wait = backoff(first, attempt);
            let whole = first.saturating_mul(1 << (attempt - 1).min(16)).min(LONGEST);
            assert!(wait >= whole / 2 && wait <= whole, "{attempt}: {wait:?}");
        }
    }
}
