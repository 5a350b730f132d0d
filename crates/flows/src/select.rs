//! The language of `select`: columns, embedded relations, aliases, casts, paths into JSON, aggregates; and that of `or`.

/// A part of the text.
pub(crate) type Place = (usize, usize);

/// A name and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub text: String,
    pub at: Place,
}

/// Something that is selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// `*`
    All(Place),
    /// `alias:column->path::cast`, `column.sum()`
    Column { name: Word, aggregate: bool },
    /// `count()`
    Count,
    /// `alias:relation!hint!inner(…)`, `...relation(…)`
    Embed { alias: Option<Word>, name: Word, hint: Option<Word>, items: Vec<Item> },
}

/// How many relations in each other are read.
const DEEP: usize = 50;

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub message: &'static str,
    pub at: Place,
}

/// Reads the text of a `select`; one that is empty selects all.
///
/// # Errors
/// The first place that is none of the language.
pub(crate) fn select(text: &str) -> Result<Vec<Item>, Wrong> {
    let mut reader = Reader { text, at: 0 };
    reader.blank();
    if reader.at == text.len() {
        return Ok(vec![Item::All((0, text.len()))]);
    }
    let items = reader.items(0)?;
    if reader.at < text.len() {
        return Err(reader.wrong("a `,` or the end of the list is expected here"));
    }
    Ok(items)
}

/// The columns that an expression of `or` names: `a.eq.1,and(b.gt.2,c.is.null)`, `not.or(…)`.
///
/// # Errors
/// The first place that is none of the language.
pub(crate) fn logic(text: &str) -> Result<Vec<Word>, Wrong> {
    let mut reader = Reader { text, at: 0 };
    let mut columns = Vec::new();
    let mut depth = 0;
    loop {
        reader.blank();
        while let Some(group) = reader.group() {
            reader.at += group;
            depth += 1;
            reader.blank();
        }
        let start = reader.at;
        let name = reader.word()?;
        reader.path();
        if !reader.take('.') {
            return Err(Wrong {
                message: "a column, a point and an operator are expected here",
                at: (start, reader.at.max(start + 1).min(text.len())),
            });
        }
        columns.push(name);
        let value = reader.at;
        reader.value();
        if !text[value..reader.at].contains('.') {
            return Err(Wrong {
                message: "an operator, a point and a value are expected here",
                at: (value, reader.at),
            });
        }
        while reader.take(')') {
            if depth == 0 {
                return Err(Wrong { message: "this `)` closes nothing", at: (reader.at - 1, reader.at) });
            }
            depth -= 1;
            reader.blank();
        }
        if reader.take(',') {
            continue;
        }
        if depth > 0 || reader.at < text.len() {
            return Err(reader.wrong("a `,` or a `)` is expected here"));
        }
        return Ok(columns);
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, c: char) -> bool {
        let is = self.peek() == Some(c);
        self.at += if is { c.len_utf8() } else { 0 };
        is
    }

    fn takes(&mut self, word: &str) -> bool {
        let is = self.rest().starts_with(word);
        self.at += if is { word.len() } else { 0 };
        is
    }

    fn blank(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn wrong(&self, message: &'static str) -> Wrong {
        let end = self.at + self.peek().map_or(0, char::len_utf8);
        Wrong { message, at: (self.at, end) }
    }

    /// A name, in quotes or without. The client takes blanks out of what is not in quotes.
    fn word(&mut self) -> Result<Word, Wrong> {
        let start = self.at;
        if self.take('"') {
            let mut text = String::new();
            loop {
                match self.peek() {
                    None => return Err(Wrong { message: "this quote is not closed", at: (start, self.text.len()) }),
                    Some('"') => break,
                    Some('\\') => self.at += 1,
                    Some(_) => {}
                }
                if let Some(c) = self.peek() {
                    text.push(c);
                    self.at += c.len_utf8();
                }
            }
            self.at += 1;
            let at = (start, self.at);
            self.blank();
            return Ok(Word { text, at });
        }
        let ends = |c: char, rest: &str| ",.():!\"*".contains(c) || rest.starts_with("->");
        let mut end = self.at;
        let mut text = String::new();
        while let Some(c) = self.peek().filter(|c| !ends(*c, self.rest())) {
            self.at += c.len_utf8();
            if !c.is_whitespace() {
                text.push(c);
                end = self.at;
            }
        }
        if text.is_empty() {
            return Err(self.wrong("a name is expected here"));
        }
        Ok(Word { text, at: (start, end) })
    }

    /// `->key->>0`
    fn path(&mut self) {
        while self.takes("->") {
            self.take('>');
            if self.word().is_err() {
                return;
            }
        }
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Item>, Wrong> {
        let mut items = Vec::new();
        loop {
            self.blank();
            items.push(self.item(depth)?);
            self.blank();
            if !self.take(',') {
                return Ok(items);
            }
        }
    }

    fn item(&mut self, depth: usize) -> Result<Item, Wrong> {
        let start = self.at;
        if self.take('*') {
            return Ok(Item::All((start, self.at)));
        }
        let spread = self.takes("...");
        self.blank();
        let mut name = self.word()?;
        let mut alias = None;
        if self.peek() == Some(':') && !self.rest().starts_with("::") {
            self.at += 1;
            self.blank();
            if self.take('*') {
                return Err(Wrong { message: "`*` has no other name", at: (start, self.at) });
            }
            alias = Some(std::mem::replace(&mut name, self.word()?));
        }
        let mut hints = Vec::new();
        while self.take('!') {
            self.blank();
            hints.push(self.word()?);
        }
        if self.take('(') {
            if name.text == "count" && hints.is_empty() && !spread && self.closes() {
                return self.after_aggregate(Item::Count);
            }
            if depth >= DEEP {
                return Err(Wrong { message: "relations are nested too deeply here", at: (start, self.at) });
            }
            let items = if self.closes() { Vec::new() } else { self.items(depth + 1)? };
            if !items.is_empty() && !self.take(')') {
                return Err(self.wrong("a `,` or a `)` is expected here"));
            }
            self.blank();
            let hint = hints.into_iter().find(|hint| !matches!(&*hint.text, "inner" | "left"));
            return Ok(Item::Embed { alias, name, hint, items });
        }
        if spread || !hints.is_empty() {
            return Err(self.wrong("the columns of the relation are expected here, in brackets"));
        }
        self.path();
        let mut aggregate = false;
        self.cast()?;
        if self.take('.') {
            let start = self.at;
            let function = self.word()?;
            let known = ["count", "sum", "avg", "min", "max"].contains(&&*function.text);
            if !known || !self.take('(') || !self.closes() {
                return Err(Wrong {
                    message: "only `count()`, `sum()`, `avg()`, `min()` and `max()` can follow a column",
                    at: (start, self.at),
                });
            }
            aggregate = true;
        }
        self.after_aggregate(Item::Column { name, aggregate })
    }

    fn after_aggregate(&mut self, item: Item) -> Result<Item, Wrong> {
        self.blank();
        self.cast()?;
        self.blank();
        Ok(item)
    }

    fn cast(&mut self) -> Result<(), Wrong> {
        if self.takes("::") {
            self.blank();
            self.word()?;
        }
        Ok(())
    }

    /// Nothing but the closing bracket.
    fn closes(&mut self) -> bool {
        let before = self.at;
        self.blank();
        let closes = self.take(')');
        self.at = if closes { self.at } else { before };
        closes
    }

    /// The length of `and(`, `not.or(` and the like.
    fn group(&self) -> Option<usize> {
        ["and(", "or(", "not.and(", "not.or("]
            .iter()
            .find(|word| self.rest().starts_with(**word))
            .map(|word| word.len())
    }

    /// An operator and its value: up to a comma or bracket that is in no quotes and no brackets of its own.
    fn value(&mut self) {
        let (mut depth, mut quoted) = (0usize, false);
        while let Some(c) = self.peek() {
            match c {
                '\\' if quoted => self.at += 1,
                '"' => quoted = !quoted,
                _ if quoted => {}
                '(' | '{' | '[' => depth += 1,
                ')' | '}' | ']' if depth > 0 => depth -= 1,
                ')' | ',' if depth == 0 => return,
                _ => {}
            }
            self.at = (self.at + self.peek().map_or(0, char::len_utf8)).min(self.text.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Item, logic, select};
    use proptest::prelude::*;

    /// The names of columns, with those of relations in brackets.
    fn shown(items: &[Item]) -> String {
        let one = |item: &Item| match item {
            Item::All(_) => "*".to_owned(),
            Item::Count => "count()".to_owned(),
            Item::Column { name, aggregate } => format!("{}{}", name.text, if *aggregate { "+" } else { "" }),
            Item::Embed { name, hint, items, .. } => {
                let hint = hint.as_ref().map(|hint| format!("!{}", hint.text)).unwrap_or_default();
                format!("{}{hint}({})", name.text, shown(items))
            }
        };
        items.iter().map(one).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn every_form_is_read() {
        for (text, read) in [
            ("", "*"),
            ("*", "*"),
            (" id , title ", "id,title"),
            ("*, author:users!posts_author_fkey(name)", "*,users!posts_author_fkey(name)"),
            ("users!inner(*), ...rel(a, b:c)", "users(*),rel(a,c)"),
            ("users!fk!left(id)", "users!fk(id)"),
            ("a->b->>c, d::text, e:f->0::int", "a,d,f"),
            ("amount.sum(), total:amount.avg()::int, count()", "amount+,amount+,count()"),
            ("rel(count)", "rel(count)"),
            ("rel()", "rel()"),
            ("\"odd name\", x:\"a\\\"b\"", "odd name,a\"b"),
            ("id,\n  rel (\n id,\n other ( x ) )", "id,rel(id,other(x))"),
        ] {
            assert_eq!(select(text).map(|items| shown(&items)).as_deref(), Ok(read), "{text}");
        }
    }

    #[test]
    fn places_are_those_of_the_names() {
        let text = "id, a:rel!h( éx , \"q\" )";
        let Ok(items) = select(text) else { panic!("it is read") };
        let Item::Embed { name, hint: Some(hint), items, .. } = &items[1] else { panic!("an embed") };
        let Item::Column { name: inner, .. } = &items[0] else { panic!("a column") };
        let cut = |at: (usize, usize)| &text[at.0..at.1];
        assert_eq!((cut(name.at), cut(hint.at), cut(inner.at)), ("rel", "h", "éx"));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in
            [",", "a,", "a,,b", "a(", "a(b", "a)b", "...a", "a!b", "a.foo()", "\"a", "x:*", "a b c)", "a:b:c", "a::"]
        {
            assert!(select(text).is_err(), "{text}");
        }
        assert!(select(&"a(".repeat(100_000)).is_err());
    }

    #[test]
    fn conditions_name_their_columns() {
        let names = |text: &str| logic(text).map(|all| all.into_iter().map(|w| w.text).collect::<Vec<_>>().join(" "));
        for (text, read) in [
            ("a.eq.1", "a"),
            ("a.eq.1,b.is.null", "a b"),
            ("a.in.(1,2,\"x,y)\"),and(b.gt.2,not.or(c.eq.x.y,d->>e.eq.1)),f.cs.{a,b}", "a b c d f"),
            ("tags.ov.{\"a,b\"}, name.ilike.%x%", "tags name"),
        ] {
            assert_eq!(names(text).as_deref(), Ok(read), "{text}");
        }
        for text in ["", "a", "and(a.eq.1", "a.eq.1)", ",a.eq.1", "a.eq.1,", "a.eq", "a.eq,b.eq.1"] {
            assert!(logic(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_ends_the_program(text in "[a-c,.():!\"*> \\\\é-]{0,40}") {
            for places in [select(&text).err(), logic(&text).err()].into_iter().flatten() {
                prop_assert!(text.get(places.at.0..places.at.1).is_some(), "{:?}", places);
            }
        }
    }
}
