//! Tables, columns, labels and functions that exchange their names: each row, column, label and body is found under its new name,
//! there and back.

use crate::changes::given::compile;
use crate::changes::run::{Way, load, script};
use specc_model::Target;
use specc_postgres::Session;
use specc_tests::Dice;

/// Names, and for each what had it before; as many as there are owners, some of them new.
struct Names {
    was: Vec<usize>,
    more: Vec<String>,
}

impl Names {
    /// Another order of the same names, or of all but a few of them.
    fn random(dice: &mut Dice, many: usize, first: &str) -> Self {
        let mut was: Vec<usize> = (0..many).collect();
        for at in (1..many).rev() {
            was.swap(at, dice.below(at + 1));
        }
        // A chain begins at a name that nothing had.
        let new = if dice.once_in(3) { dice.below(many) } else { many };
        let more = (0..many).map(|at| format!("{first}{}", if at == new { many } else { at })).collect();
        Self { was, more }
    }

    fn said(&self, at: usize, first: &str) -> String {
        let was = format!("{first}{}", self.was[at]);
        if was == self.more[at] { String::new() } else { format!(" was {was}") }
    }
}

/// A spec in which names are exchanged.
struct Exchange {
    tables: Names,
    columns: Vec<Names>,
    labels: Names,
    functions: Names,
    /// By table: whether its columns take no null, so that there are names of that too.
    required: Vec<bool>,
    /// Which columns have a unique, an index or a check over them; by table and column as they were.
    parts: Vec<Vec<usize>>,
}

const LABELS: usize = 3;
const FUNCTIONS: usize = 3;

impl Exchange {
    fn random(dice: &mut Dice) -> Self {
        let some = 2 + dice.below(3);
        let tables = Names::random(dice, some, "t");
        let many: Vec<usize> = tables.was.iter().map(|_| 2 + dice.below(3)).collect();
        let columns = many.iter().map(|many| Names::random(dice, *many, "c")).collect();
        let parts = many.iter().map(|many| (0..*many).map(|_| dice.below(4)).collect()).collect();
        let labels = Names::random(dice, LABELS, "l");
        let functions = Names::random(dice, FUNCTIONS, "f");
        let required = many.iter().map(|_| dice.once_in(2)).collect();
        Self { tables, columns, labels, functions, required, parts }
    }

    /// A column's type, by its place before; those of one table exchange types with their names.
    fn ty(table: usize, column: usize) -> &'static str {
        if (table + column).is_multiple_of(3) { "int" } else { "text" }
    }

    fn value(table: usize, column: usize) -> String {
        (100 * table + column).to_string()
    }

    fn text(&self, after: bool) -> String {
        let mut out = String::from("enum e { ");
        // In the order in which the type has them.
        for before in 0..LABELS {
            let at = self.labels.was.iter().position(|was| *was == before).unwrap_or(before);
            let label = if after {
                format!("{}{}", self.labels.more[at], self.labels.said(at, "l"))
            } else {
                format!("l{before}")
            };
            out += &format!("{label}{}", if before + 1 < LABELS { ", " } else { " }\n" });
        }
        for at in 0..FUNCTIONS {
            out += &match after {
                true => {
                    let (name, said) = (&self.functions.more[at], self.functions.said(at, "f"));
                    format!("function {name}() -> int stable{said} as $$ select {} $$\n", self.functions.was[at])
                }
                false => format!("function f{at}() -> int stable as $$ select {at} $$\n"),
            };
        }
        for at in 0..self.tables.was.len() {
            let before = if after { self.tables.was[at] } else { at };
            let names = &self.columns[before];
            out += &match after {
                true => format!("entity {}{} {{\n  id: int key\n", self.tables.more[at], self.tables.said(at, "t")),
                false => format!("entity t{at} {{\n  id: int key\n"),
            };
            let mut parts = String::new();
            // In the order in which the table has them.
            for was in 0..names.was.len() {
                let at = names.was.iter().position(|other| *other == was).unwrap_or(was);
                let name = if after { names.more[at].clone() } else { format!("c{was}") };
                let said = if after { names.said(at, "c") } else { String::new() };
                let null = if self.required[before] { "" } else { "?" };
                out += &format!("  {name}: {}{null}{said}\n", Self::ty(before, was));
                parts += &match self.parts[before][was] {
                    0 => format!("  unique ({name})\n"),
                    1 => format!("  index ({name})\n"),
                    2 => format!("  check {name}::text <> ''\n"),
                    _ => String::new(),
                };
            }
            let function = before % FUNCTIONS;
            let called = match self.functions.was.iter().position(|was| *was == function) {
                Some(now) if after => self.functions.more[now].clone(),
                _ => format!("f{function}"),
            };
            out += &format!("  e: e?\n  f: int = {called}()\n{parts}  rls off\n}}\n");
        }
        out
    }

    fn rows(&self) -> String {
        let mut out = String::new();
        for (table, names) in self.columns.iter().enumerate() {
            let values: Vec<String> =
                (0..names.was.len()).map(|column| format!("'{}'", Self::value(table, column))).collect();
            out +=
                &format!("insert into t{table} values (1, {}, 'l{}', default);\n", values.join(", "), table % LABELS);
        }
        out
    }

    /// What is not where it should be.
    fn misplaced(&self, session: &mut Session, after: bool) -> Vec<String> {
        let mut wrong = Vec::new();
        for at in 0..FUNCTIONS {
            let (name, was) = match after {
                true => (self.functions.more[at].clone(), self.functions.was[at]),
                false => (format!("f{at}"), at),
            };
            match session.query_one(&format!("select {name}()"), &[]).map(|row| row.get::<_, i32>(0)) {
                Ok(found) if usize::try_from(found) == Ok(was) => {}
                found => wrong.push(format!("{name}() should give {was}: {found:?}")),
            }
        }
        for at in 0..self.tables.was.len() {
            let before = if after { self.tables.was[at] } else { at };
            let table = if after { self.tables.more[at].clone() } else { format!("t{at}") };
            let names = &self.columns[before];
            let mut all: Vec<(String, String)> = (0..names.was.len())
                .map(|at| match after {
                    true => (names.more[at].clone(), Self::value(before, names.was[at])),
                    false => (format!("c{at}"), Self::value(before, at)),
                })
                .collect();
            let label = before % LABELS;
            let now = self.labels.was.iter().position(|was| *was == label).unwrap_or(label);
            all.push(("e".into(), if after { self.labels.more[now].clone() } else { format!("l{label}") }));
            for (column, value) in all {
                let query = format!("select {column}::text from {table}");
                match session.query_one(&query, &[]).map(|row| row.get::<_, Option<String>>(0)) {
                    Ok(found) if found.as_ref() == Some(&value) => {}
                    found => wrong.push(format!("{table}.{column} should hold {value}: {found:?}")),
                }
            }
        }
        wrong
    }
}

/// What goes wrong when the names of `seed` are exchanged.
pub fn check(seed: u64) -> Vec<String> {
    let exchange = Exchange::random(&mut Dice::new(seed));
    let (before, after) = (exchange.text(false), exchange.text(true));
    let wrong = both(&exchange, seed, &before, &after).unwrap_or_else(|stopped| vec![stopped]);
    if wrong.is_empty() {
        return wrong;
    }
    vec![format!("exchange {seed}: {}\n--- before\n{before}--- after\n{after}", wrong.join("\n"))]
}

fn both(exchange: &Exchange, seed: u64, before: &str, after: &str) -> Result<Vec<String>, String> {
    let given = |text: &str| compile("case", text, Target::Postgres, true);
    let (from, to) = (given(before)?, given(after)?);
    let rows = exchange.rows();
    let major = if seed.is_multiple_of(5) { 18 } else { 15 };
    // A label is spelled anew where it is held.
    let labels: Vec<String> = (0..exchange.tables.was.len()).map(|table| format!("public.t{table}.e")).collect();
    let way = Way { data_loss: false, rows: &rows, spelled_anew: &labels, ..Way::empty(&from, &to, major) };
    let outcome = way.go()?;
    let mut wrong = outcome.wrong;
    wrong.extend(outcome.summary.split_once("refused: ").map(|(_, why)| format!("refused: {why}")));
    let (ups, downs) = way.scripts()?;
    let (_db, mut session) = way.database()?;
    load(&mut session, "the spec before", &script(&from.catalog)?)?;
    load(&mut session, "rows", &rows)?;
    ups.iter().try_for_each(|up| load(&mut session, "up", up))?;
    wrong.extend(exchange.misplaced(&mut session, true));
    downs.iter().rev().try_for_each(|down| load(&mut session, "down", down))?;
    wrong.extend(exchange.misplaced(&mut session, false));
    Ok(wrong)
}
