//! A spec that is put together from positions, and what Postgres has to say of it afterwards.

use crate::injection::alphabet::{self, Dice, exact, literal, plain, quoted};
use std::collections::BTreeSet;

/// Something that Postgres is asked, and the author's own word for it.
pub struct Fact {
    pub what: String,
    /// A query of one value, without brackets around it.
    pub query: String,
    pub wanted: String,
}

/// A name, as the spec and as the server write it.
#[derive(Clone)]
pub struct Name {
    pub raw: String,
    pub spec: String,
    pub sql: String,
}

/// A spec in the making. A tame one has the same structure, and names and texts that nothing is wrong with.
pub struct Spec {
    pub dice: Dice,
    tame: bool,
    used: BTreeSet<String>,
    made: usize,
    schema: Option<Name>,
    /// The schemas of tables and of helpers of which the spec says nothing.
    pub default_schema: Name,
    pub helper_schema: Name,
    pub text: String,
    /// Statements between the load and the questions.
    pub setup: String,
    pub facts: Vec<Fact>,
}

impl Spec {
    pub fn new(seed: u64, tame: bool) -> Self {
        let used = ["canary", "audit_log", "row_history", "public", "private", "probe"].map(str::to_owned).into();
        let (text, setup) = (String::new(), String::new());
        let named = |raw: &str| Name { raw: raw.into(), spec: raw.into(), sql: raw.into() };
        let (default_schema, helper_schema) = (named("public"), named("private"));
        let dice = Dice::new(seed);
        Self { dice, tame, used, made: 0, schema: None, default_schema, helper_schema, text, setup, facts: Vec::new() }
    }

    /// The position that is filled now, for what goes wrong.
    pub fn is_tame(&self) -> bool {
        self.tame
    }

    /// A name that nothing else here has.
    pub fn name(&mut self) -> Name {
        self.made += 1;
        let mut raw = if self.tame { format!("n{}", self.made) } else { alphabet::name(&mut self.dice) };
        while !self.used.insert(raw.clone()) {
            while raw.len() > 60 {
                raw.pop();
            }
            raw.push_str(&format!("{}", self.made));
        }
        let spec = alphabet::spec_name(&mut self.dice, &raw);
        Name { spec, sql: quoted(&raw), raw }
    }

    /// The schema of the tables that follow; none is the default one.
    pub fn set_schema(&mut self, schema: Option<Name>) {
        self.schema = schema;
    }

    /// The name of a bucket, most of which the platform refuses.
    pub fn bucket(&mut self) -> Name {
        let name = self.name();
        if self.tame || self.dice.once_in(20) {
            return name;
        }
        let raw: String =
            name.raw.chars().filter(|c| c.is_ascii_alphanumeric() || "!-.*'() &$@=;:+,?".contains(*c)).collect();
        let raw = format!("b{}", raw.trim_end());
        Name { spec: plain(&raw), sql: quoted(&raw), raw }
    }

    /// A label, which may have several lines; the spec has it in single quotes.
    pub fn label(&mut self) -> Name {
        let mut name = self.name();
        if !self.tame && self.dice.once_in(4) && name.raw.len() < 60 && !name.raw.is_empty() {
            name.raw.insert_str(name.raw.chars().next().map_or(0, char::len_utf8), "\n--");
            self.used.insert(name.raw.clone());
        }
        Name { spec: plain(&name.raw), ..name }
    }

    /// A name in the current schema.
    pub fn qualified(&mut self) -> Name {
        let name = self.name();
        match &self.schema {
            None => Name { sql: format!("{}.{}", self.default_schema.sql, name.sql), ..name },
            Some(schema) => Name {
                raw: name.raw,
                spec: format!("{}.{}", schema.spec, name.spec),
                sql: format!("{}.{}", schema.sql, name.sql),
            },
        }
    }

    /// Any text.
    pub fn value(&mut self) -> String {
        self.made += 1;
        if self.tame { format!("v{}", self.made) } else { alphabet::text(&mut self.dice) }
    }

    /// A text that can stand in quotes outside of expressions, where a file's line ends are read.
    pub fn unescaped(&mut self) -> String {
        self.value().replace('\r', "")
    }

    /// A text on one line, at most so long.
    pub fn line(&mut self) -> String {
        self.made += 1;
        if self.tame { format!("w{}", self.made) } else { alphabet::line(&mut self.dice) }
    }

    /// A text as a literal of an expression.
    pub fn lit(&mut self, text: &str) -> String {
        if self.tame { plain(text) } else { literal(&mut self.dice, text) }
    }

    pub fn say(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    pub fn do_first(&mut self, statement: &str) {
        self.setup.push_str(statement);
        self.setup.push_str(";\n");
    }

    pub fn fact(&mut self, what: &str, query: impl Into<String>, wanted: impl Into<String>) {
        self.facts.push(Fact { what: what.to_owned(), query: query.into(), wanted: wanted.into() });
    }

    /// The rows that a query finds are so many.
    pub fn counts(&mut self, what: &str, rows: &str, wanted: usize) {
        self.fact(what, format!("select count(*) from {rows}"), wanted.to_string());
    }

    /// A statement is refused with this code, and the message has these names and texts as they are.
    pub fn refuses(&mut self, what: &str, statement: &str, code: &str, parts: &[&str]) {
        let said = format!("probe.said({})", exact(statement));
        for part in parts {
            let query = format!(
                "select case when position({} in s) = 1 and position({} in s) > 0 then 'so' else s end from {said} s",
                exact(code),
                exact(part)
            );
            self.fact(what, query, "so");
        }
    }

    /// An expression that the server has, such as a check's, is true for some rows of a table and false for the others, in
    /// the order of their `id`.
    pub fn holds(&mut self, what: &str, table: &Name, expression: &str, wanted: &str) {
        let query = format!(
            "select probe.value('select string_agg(case when (' || ({expression}) || ') then ''t'' else ''f'' end, '''' order by id) from ' || {})",
            exact(&table.sql)
        );
        self.fact(what, query, wanted);
    }

    /// A body of SQL between dollar signs that it does not have.
    pub fn body(&mut self, text: &str) -> String {
        let mut tag = "$$".to_owned();
        let mut n = 0;
        while text.contains(tag.trim_end_matches('$')) && n > 0
            || n == 0 && (text.contains("$$") || text.ends_with('$'))
        {
            n += 1;
            tag = format!("$zz{n}$");
        }
        format!("{tag}{text}{tag}")
    }

    /// The comment of what `classid` and `oid` say.
    pub fn comment(&mut self, what: &str, object: &str, wanted: &str) {
        self.fact(what, format!("select coalesce({object}, '')"), wanted);
    }
}
