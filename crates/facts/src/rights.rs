//! Statements that ask for more rights than an owner has.

/// First words of statements that only a superuser may run, on some version or with some options, and that run nothing that
/// a user of the database wrote. An event trigger runs something later.
const ABOVE: &[&[&str]] = &[
    &["create", "event", "trigger"],
    &["alter", "event", "trigger"],
    &["comment", "on", "event", "trigger"],
    &["create", "publication"],
    &["alter", "publication"],
    &["comment", "on", "publication"],
    &["create", "operator", "class"],
    &["create", "operator", "family"],
    &["alter", "operator", "family"],
    &["comment", "on", "operator", "class"],
    &["comment", "on", "operator", "family"],
    &["create", "extension"],
    &["comment", "on", "extension"],
    &["alter", "default", "privileges"],
];

/// Whether a superuser may run a statement that begins with these words, whoever wrote it.
pub fn is_safe_above(is: impl Fn(usize, &str) -> bool) -> bool {
    ABOVE.iter().any(|words| begins(words, &is))
}

/// Whether a statement that begins with these words is about an event trigger, which fires for most statements after it.
pub fn is_of_event_trigger(is: impl Fn(usize, &str) -> bool) -> bool {
    let of = |words: &&&[&str]| words.ends_with(&["event", "trigger"]);
    ABOVE.iter().filter(of).any(|words| begins(words, &is))
}

fn begins(words: &[&str], is: &impl Fn(usize, &str) -> bool) -> bool {
    words.iter().enumerate().all(|(n, word)| is(n, word))
}
