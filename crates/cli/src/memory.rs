//! The memory of this process: how much there is, and giving back what is free.

/// A line of what the system says of this process, in MB; none where it says nothing.
pub fn of(label: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix(label)?.trim().strip_suffix(" kB"))?;
    kilobytes.parse::<u64>().ok().map(|n| n / 1024)
}

/// Gives what was freed back to the system. A tree that one thread made and another frees otherwise stays with the first,
/// page by page, until that thread makes something new: after the syntax trees that is a quarter of the memory of a build.
pub fn give_back() {
    rayon::broadcast(|_| give_back_own());
    give_back_own();
}

/// The same of this thread alone, and of what lies between the threads (single large texts).
#[expect(unsafe_code, reason = "the allocator has this function in C only; it takes no pointer")]
pub fn give_back_own() {
    // SAFETY: the function may be called at any time by any thread, and touches only memory that is free.
    unsafe { libmimalloc_sys::mi_collect(true) }
}
