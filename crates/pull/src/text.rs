//! Text of a spec, and which part of it says which object.

use specc_catalog::{DataType, ObjectId, Qualified, TableName};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Text that remembers where each object is said. Names always stand in quotes here: the formatter takes away those that
/// are not needed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    pub out: String,
    /// Start, end and object; what stands in something else comes before it.
    pub marks: Vec<(usize, usize, ObjectId)>,
}

impl Text {
    /// Appends.
    pub fn push(&mut self, text: impl AsRef<str>) -> &mut Self {
        self.out.push_str(text.as_ref());
        self
    }

    /// Notes that what `write` writes says `id`.
    pub fn says(&mut self, id: &ObjectId, write: impl FnOnce(&mut Self)) {
        let start = self.out.len();
        write(self);
        self.marks.push((start, self.out.len(), id.clone()));
    }

    /// `"name"`
    pub fn name(&mut self, name: &str) -> &mut Self {
        self.push(quoted(name))
    }

    /// `("a", "b")`
    pub fn names<S: AsRef<str>>(&mut self, names: &[S]) -> &mut Self {
        let list: Vec<_> = names.iter().map(|n| quoted(n.as_ref())).collect();
        self.push(list.join(", "))
    }

    /// `'text'`
    pub fn string(&mut self, text: &str) -> &mut Self {
        self.push(string(text))
    }

    /// Documentation above what comes next.
    pub fn doc(&mut self, comment: Option<&str>, indent: &str) -> &mut Self {
        for line in comment.into_iter().flat_map(|c| c.split('\n')) {
            let gap = if line.is_empty() { "" } else { " " };
            self.push(format!("{indent}///{gap}{line}\n"));
        }
        self
    }

    /// Puts an empty line in.
    pub fn gap(&mut self, at: usize) {
        self.out.insert(at, '\n');
        for (start, end, _) in &mut self.marks {
            *start += usize::from(*start >= at);
            *end += usize::from(*end > at);
        }
    }

    /// All of another text.
    pub fn append(&mut self, other: &Text) {
        let base = self.out.len();
        self.out.push_str(&other.out);
        self.marks.extend(other.marks.iter().map(|(start, end, id)| (start + base, end + base, id.clone())));
    }

    /// The object that is said at this byte.
    pub fn at(&self, byte: usize) -> Option<&ObjectId> {
        let around = self.marks.iter().filter(|(start, end, _)| *start <= byte && byte <= *end);
        around.min_by_key(|(start, end, _)| end - start).map(|(_, _, id)| id)
    }
}

/// `"name"`
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `'text'`
pub(crate) fn string(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// `$$text$$`, with a tag where the text needs one.
pub(crate) fn body(text: &str) -> String {
    let mut tag = String::new();
    while text.contains(&format!("${tag}$")) || (tag.is_empty() && text.ends_with('$')) {
        tag.push_str("body");
    }
    format!("${tag}${text}${tag}$")
}

/// How names are said: without a schema in the default one.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub default_schema: String,
    /// Names of relations and types in the default schema: a built-in type of the same name has to be told apart.
    pub shadows: BTreeSet<String>,
}

impl Names {
    /// `"schema"."name"`, or the name alone.
    pub fn qualified(&self, schema: &str, name: &str) -> String {
        if schema == self.default_schema || schema.is_empty() {
            quoted(name)
        } else {
            format!("{}.{}", quoted(schema), quoted(name))
        }
    }

    /// The same for a table.
    pub fn table(&self, table: &TableName) -> String {
        self.qualified(&table.schema, &table.name)
    }

    /// A collation or operator class: with whatever schema it has.
    pub fn bare(name: &Qualified) -> String {
        if name.schema.is_empty() {
            quoted(&name.name)
        } else {
            format!("{}.{}", quoted(&name.schema), quoted(&name.name))
        }
    }

    /// A type, without `?`.
    pub fn data_type(&self, ty: &DataType) -> String {
        let mut out = if !ty.schema.is_empty() {
            self.qualified(&ty.schema, &ty.name)
        } else if self.shadows.contains(ty.name.as_str()) {
            format!("pg_catalog.{}", quoted(&ty.name))
        } else if ty.name.contains(' ') {
            ty.name.to_string()
        } else {
            quoted(&ty.name)
        };
        if !ty.args.is_empty() {
            let args: Vec<_> = ty.args.iter().map(i64::to_string).collect();
            let _ = write!(out, "({})", args.join(", "));
        }
        (0..ty.dims).for_each(|_| out.push_str("[]"));
        out
    }
}
