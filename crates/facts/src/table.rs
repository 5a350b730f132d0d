//! Lines of the tables.

/// A type as the tables spell it: its element's name and whether it is an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spelled {
    /// The element's canonical name.
    pub name: &'static str,
    /// Whether it is an array.
    pub array: bool,
}

impl Spelled {
    pub(crate) fn of(text: &'static str) -> Self {
        let (name, array) = text.strip_suffix("[]").map_or((text, false), |name| (name, true));
        Self { name: type_name(name), array }
    }
}

impl std::fmt::Display for Spelled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.name, if self.array { "[]" } else { "" })
    }
}

/// The one canonical name with a space in it has another one in the tables, which spaces separate.
pub(crate) fn type_name(written: &'static str) -> &'static str {
    if written == "float8" { "double precision" } else { written }
}

/// A word without the mark of the version that alone has it.
pub(crate) fn unmarked(word: &'static str) -> &'static str {
    // An operator may have the sign in its name, but is no word behind one.
    word.rsplit_once('@').filter(|(_, version)| matches!(*version, "15" | "18")).map_or(word, |(word, _)| word)
}

/// Extension, name and words of the lines that start with an extension; Postgres itself is `-`.
pub(crate) fn lines(
    text: &'static str,
) -> impl Iterator<Item = (&'static str, &'static str, impl Iterator<Item = &'static str>)> {
    text.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.next()?, words.next()?, words))
    })
}
