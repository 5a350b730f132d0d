//! JSON that is read as a list of lines.

use serde_json::ser::Formatter;
use std::io::{self, Write};

/// A line for each field of the outermost object, and for each element of a list in it.
#[derive(Default)]
pub(super) struct LineEach {
    depth: usize,
}

impl LineEach {
    fn line<W: Write + ?Sized>(&self, out: &mut W) -> io::Result<()> {
        match self.depth {
            0 => out.write_all(b"\n"),
            1 => out.write_all(b"\n  "),
            2 => out.write_all(b"\n    "),
            _ => Ok(()),
        }
    }

    fn begin<W: Write + ?Sized>(&mut self, out: &mut W, with: &[u8]) -> io::Result<()> {
        self.depth += 1;
        out.write_all(with)
    }

    fn end<W: Write + ?Sized>(&mut self, out: &mut W, with: &[u8]) -> io::Result<()> {
        let has_lines = self.depth <= 2;
        self.depth -= 1;
        if has_lines {
            self.line(out)?;
        }
        out.write_all(with)
    }

    fn next<W: Write + ?Sized>(&self, out: &mut W, first: bool) -> io::Result<()> {
        if !first {
            out.write_all(if self.depth > 2 { b", " } else { b"," })?;
        }
        self.line(out)
    }
}

impl Formatter for LineEach {
    fn begin_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"{")
    }

    fn end_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b"}")
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.next(out, first)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn begin_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"[")
    }

    fn end_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b"]")
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.next(out, first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Serialize as _;

    #[test]
    fn what_is_deeper_stands_on_one_line() {
        let value = serde_json::json!({"a": [{"b": {"c": 1, "d": [1, 2]}}, {}], "e": true});
        let mut out = Vec::new();
        value
            .serialize(&mut serde_json::Serializer::with_formatter(&mut out, LineEach::default()))
            .expect("memory takes it");
        let text = String::from_utf8(out).expect("UTF-8");
        assert_eq!(text, "{\n  \"a\": [\n    {\"b\": {\"c\": 1, \"d\": [1, 2]}},\n    {}\n  ],\n  \"e\": true\n}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).ok(), Some(value));
    }
}
