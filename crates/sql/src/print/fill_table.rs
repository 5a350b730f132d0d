//! Fills a table from the rows of another one, and proves that it holds them.

use super::rows::{SEES_ALL, quiet};
use super::{has_equality, push_type, separated, table_name};
use crate::fill_table::{Assign, FillTable, InsertFrom};
use crate::quote::{dollar, ident, literal, qualified};
use specc_catalog::TableName;

/// Rows of the source that are written in one transaction.
const ROWS: usize = 2000;

/// How long a batch waits for a row that somebody else holds. It is less than what Postgres waits before it looks for a
/// circle of those who wait, so that no client's transaction is ended for it: the batch gives way and begins anew.
const PATIENCE: &str = "200ms";

/// How often rows that differ in the end are copied anew.
const ROUNDS: usize = 3;

/// What is off while rows are found by their keys. Plans are made when the new table is empty, and kept: without an index
/// each batch would read all that is there by then.
pub const BY_INDEX: [&str; 3] = ["enable_seqscan", "enable_hashjoin", "enable_mergejoin"];

/// How many rows are named.
const NAMED: usize = 20;

pub(super) fn fill_table(out: &mut String, o: &FillTable<'_>) {
    let fill = Fill::new(o);
    if o.at_once {
        out.push_str("-- Nobody writes the rows while they are copied; then both tables are compared.\n");
    }
    out.push_str("do ");
    out.push_str(&dollar(&if o.at_once { fill.at_once() } else { fill.in_batches() }));
}

/// Nobody writes what is read until all of it is there.
pub(super) fn insert_from(out: &mut String, o: &InsertFrom<'_>) {
    for table in &o.of {
        out.push_str("lock table ");
        table_name(out, table);
        out.push_str(" in share row exclusive mode;\n");
    }
    out.push_str("insert into ");
    table_name(out, o.table);
    let columns: Vec<_> = o.columns.iter().map(|column| ident(column)).collect();
    out.push_str(&format!(" ({}) overriding system value\n{}", columns.join(", "), o.query.trim()));
}

fn name(table: &TableName) -> String {
    qualified(&table.schema, &table.name)
}

fn list<T>(all: &[T], separator: &str, one: impl Fn(&T) -> String) -> String {
    let mut out = String::new();
    separated(&mut out, all, separator, |out, item| out.push_str(&one(item)));
    out
}

struct Fill<'f, 'a> {
    o: &'f FillTable<'a>,
    /// The table, as it is named.
    table: String,
    /// The source, as it stands in `from`.
    source: String,
    /// A name in a query is a column: our own variables are named with the block.
    label: &'static str,
    /// The columns that are written.
    columns: String,
}

impl<'f, 'a> Fill<'f, 'a> {
    fn new(o: &'f FillTable<'a>) -> Self {
        let mut source = String::from(if o.source.partition_by.is_some() { "" } else { "only " });
        table_name(&mut source, &o.source.table);
        if let Some(alias) = o.alias.filter(|alias| *alias != o.source.table.name) {
            source.push_str(" as ");
            source.push_str(&ident(alias));
        }
        let label = if o.source.table.name == "fill" { "filling" } else { "fill" };
        let columns = list(&o.set, ", ", |assign| ident(&assign.column.name).into_owned());
        Self { o, table: name(o.table), source, label, columns }
    }

    /// The columns of the source's key, or what a function makes of their places.
    fn key(&self, one: impl Fn(usize, &str) -> String) -> String {
        let all: Vec<String> = self.o.key.iter().enumerate().map(|(at, column)| one(at + 1, column)).collect();
        all.join(", ")
    }

    fn columns_of_key(&self) -> String {
        self.key(|_, column| ident(column).into_owned())
    }

    /// Rows of the source between two places, or after one.
    fn compared(&self, operator: &str, variable: &str) -> String {
        let values = self.key(|at, _| format!("{}.{variable}_{at}", self.label));
        match self.o.key.len() {
            1 => format!("{} {operator} {values}", self.columns_of_key()),
            _ => format!("({}) {operator} ({values})", self.columns_of_key()),
        }
    }

    /// What is written of the rows of this condition. Where rows are found again, those that are there are not written
    /// again.
    fn insert(&self, indent: &str, of: &[String]) -> String {
        let o = self.o;
        let made = list(&o.set, ", ", |assign| o.named(assign));
        let mut conditions: Vec<String> = of.to_vec();
        conditions.extend(o.only.map(|only| format!("({only})")));
        let condition = match conditions.as_slice() {
            [] => String::new(),
            some => format!("{indent}  where {}", some.join(&format!("{indent}    and "))),
        };
        let mut text = format!(
            "insert into {} ({}) overriding system value{indent}select {} from (",
            self.table, self.columns, self.columns
        );
        text.push_str(&format!("{indent}  select {made}{indent}  from {}{condition}{indent}) as made", self.source));
        if o.known_by > 0 && !o.at_once {
            let same = self.known("there", "made");
            text.push_str(&format!("{indent}where not exists (select from {} as there where {same})", self.table));
        }
        text
    }

    /// The columns by which a row is found again are the same in two tables; the second one's values may be of another
    /// type still.
    fn known(&self, a: &str, b: &str) -> String {
        let same = |assign: &Assign<'_>| {
            let mut text = format!("{a}.{own} = {b}.{own}", own = ident(&assign.column.name));
            if !self.o.is_carried(assign) {
                text.push_str("::");
                push_type(&mut text, &assign.column.ty);
            }
            text
        };
        list(&self.o.set[..self.o.known_by], " and ", same)
    }

    /// The rows as they should be, each value of the type that it has in the end.
    fn wanted(&self, indent: &str) -> String {
        let one = |assign: &Assign<'_>| {
            let Assign { column, value } = assign;
            if self.o.is_carried(assign) {
                return self.o.named(assign);
            }
            let mut text = format!("({value})::");
            push_type(&mut text, &column.ty);
            format!("{text} as {}", ident(&column.name))
        };
        let only = self.o.only.map(|only| format!("{indent}where {only}")).unwrap_or_default();
        format!("select {}{indent}from {}{only}", list(&self.o.set, ", ", one), self.source)
    }

    /// A value that can be compared.
    fn equal(assign: &Assign<'_>, of: &str) -> String {
        let text = if has_equality(&assign.column.ty) { "" } else { "::text" };
        format!("{of}{}{text}", ident(&assign.column.name))
    }

    /// Where a row of one table is not one of the other, or not the same.
    fn unlike(&self, indent: &str) -> String {
        let (known, rest) = self.o.set.split_at(self.o.known_by);
        let found = |of: &str| format!("{of}.{} is null", ident(&known[0].column.name));
        // What is there besides may come from elsewhere.
        let mut conditions = if self.o.shared { vec![found("there")] } else { vec![found("made"), found("there")] };
        if !rest.is_empty() {
            let row = |of: &str| list(rest, ", ", |assign| Self::equal(assign, &format!("{of}.")));
            conditions.push(format!("row({}) is distinct from row({})", row("made"), row("there")));
        }
        conditions.join(&format!("{indent}  or "))
    }

    /// Both tables side by side, a row beside the one that it should be.
    fn beside(&self, indent: &str, join: &str) -> String {
        format!(
            "from ({indent}  {}{indent}) as made{indent}{join} join {} as there on {}{indent}where {}",
            self.wanted(&format!("{indent}  ")),
            self.table,
            self.known("there", "made"),
            self.unlike(indent)
        )
    }

    /// Takes rows that are not as they should be, so that the next round brings them again.
    fn repair(&self, indent: &str) -> String {
        let known = &self.o.set[..self.o.known_by];
        let keys = list(known, ", ", |assign| format!("there.{}", ident(&assign.column.name)));
        let same =
            list(known, " and ", |assign| format!("there.{own} = wrong.{own}", own = ident(&assign.column.name)));
        let within = format!("{indent}  ");
        format!(
            "delete from {} as there using ({within}select {keys}{within}{}{indent}) as wrong where {same}",
            self.table,
            self.beside(&within, if self.o.shared { "inner" } else { "right" })
        )
    }

    /// Counts what is in one table only or not the same in both, in one snapshot, and names some of it.
    fn compare(&self, indent: &str) -> String {
        let within = format!("{indent}  ");
        let o = self.o;
        let known = &o.set[..o.known_by];
        let differing = if o.known_by > 0 {
            let by = list(known, " || ', ' || ", |assign| {
                let own = ident(&assign.column.name);
                format!("coalesce(made.{own}::text, there.{own}::text)")
            });
            format!("select {by} as named{within}{}", self.beside(&within, if o.shared { "left" } else { "full" }))
        } else {
            let made = list(&o.set, ", ", |assign| Self::equal(assign, "made."));
            let there = list(&o.set, ", ", |assign| Self::equal(assign, ""));
            let wanted =
                format!("select {made} from ({within}    {}{within}  ) as made", self.wanted(&format!("{within}    ")));
            let has = format!("select {there} from {}", self.table);
            // What is there besides may come from elsewhere.
            let more = if o.shared {
                String::new()
            } else {
                format!("{within}  union all{within}  ({has}{within}  except all{within}  {wanted})")
            };
            format!(
                "select one::text as named{within}from ({within}  ({wanted}{within}  except all{within}  {has}){more}{within}) as one"
            )
        };
        let line = indent.trim_start_matches('\n');
        format!(
            "{line}{SEES_ALL}
{settings}{line}select count(*), (array_agg(named))[:{NAMED}] into differing, named from ({within}{differing}{indent}) as differs;
",
            settings = self.pinned(line),
        )
    }

    /// Stops where something differs.
    fn refuse(&self) -> String {
        let o = self.o;
        let message = format!(
            "rows of {} that are not in {} as they should be, or should not be there: ",
            self.named(&o.source.table),
            self.named(o.table)
        );
        let by = match &o.set[..o.known_by] {
            [] => "they are".to_owned(),
            some => format!("by {}", list(some, ", ", |assign| assign.column.name.to_string())),
        };
        let hint = format!(
            "somebody writes one of both tables past the triggers that keep them equal; run this file again when that has ended; {by}: "
        );
        format!(
            "  if differing > 0 then
    raise exception using
      errcode = 'data_exception',
      message = {message} || differing,
      hint = {hint} || array_to_string(named, '; ');
  end if;
",
            message = literal(&message),
            hint = literal(&hint),
        )
    }

    fn named(&self, table: &TableName) -> String {
        format!("{}.{}", table.schema, table.name)
    }

    fn pinned(&self, indent: &str) -> String {
        let all = self.o.settings.iter();
        all.map(|(name, value)| format!("{indent}set local {name} = {};\n", literal(value))).collect()
    }

    fn set_up(&self, indent: &str) -> String {
        quiet(indent, !self.o.quiet) + &self.pinned(indent)
    }

    fn at_once(&self) -> String {
        let fires = self.o.quiet;
        let (keep, back) = if fires {
            (
                "  fires constant text := current_setting('session_replication_role');\n",
                "  if current_setting('session_replication_role') <> fires then
    perform set_config('session_replication_role', fires, true);
  end if;
",
            )
        } else {
            ("", "")
        };
        format!(
            "
#variable_conflict use_column
<<{label}>>
declare
  differing bigint;
  named text[];
{keep}begin
  lock table {source} in share row exclusive mode;
{set_up}  {insert};
{back}{compare}{refuse}end
",
            label = self.label,
            source = name(&self.o.source.table),
            set_up = self.set_up("  "),
            insert = self.insert("\n  ", &[]),
            compare = self.compare("\n  "),
            refuse = self.refuse(),
        )
    }

    fn in_batches(&self) -> String {
        let o = self.o;
        let key = self.columns_of_key();
        let variables = |variable: &str| self.key(|at, _| format!("{variable}_{at}"));
        let mut declared = String::new();
        for variable in ["from", "upto"] {
            for (at, column) in o.key.iter().enumerate() {
                declared.push_str(&format!(
                    "  {variable}_{} {}.{}%type;\n",
                    at + 1,
                    name(&o.source.table),
                    ident(column)
                ));
            }
        }
        // Rounds are a loop around the walk.
        let (i, deeper) = if o.known_by > 0 { ("    ", "\n    ") } else { ("  ", "\n  ") };
        let by = |word: &str| list(&o.key, ", ", |column| format!("{}{word}", ident(column)));
        let next = |condition: String, limit: &str| {
            format!(
                "select {key} into {} from {}{condition} order by {} limit {limit}",
                variables("from"),
                self.source,
                by("")
            )
        };
        let first = match o.done {
            None => format!("{i}{};\n{i}more := found;\n", next(String::new(), "1")),
            Some(done) => format!(
                "{i}select {key} into {} from {};
{i}if found then
{i}  {};
{i}else
{i}  {};
{i}end if;
{i}more := found;
",
                variables("upto"),
                name(done),
                next(format!(" where {}", self.compared(">", "upto")), "1"),
                next(String::new(), "1"),
            ),
        };
        let reached = o.done.map(|done| {
            let values = self.key(|at, _| format!("{}.upto_{at}", self.label));
            format!(
                "{i}    delete from {done};\n{i}    insert into {done} ({key}) values ({values});\n",
                done = name(done)
            )
        });
        let range = [self.compared(">=", "from"), self.compared("<=", "upto")];
        let (begins, rounds, end) = if o.known_by > 0 {
            // What was written past the triggers is repaired, and so is what a transaction saw of before that began before
            // the batch with its rows: it could not find them.
            let end = format!(
                "    exit when differing = 0 or rounds = {ROUNDS};
    {};
    commit;
    rounds := rounds + 1;
  end loop;
{}",
                self.repair(deeper),
                self.refuse()
            );
            ("  loop\n", "  rounds int := 1;\n", end)
        } else {
            ("", "", self.refuse())
        };
        format!(
            "
#variable_conflict use_column
<<{label}>>
declare
{declared}{rounds}  more boolean;
  held boolean;
  differing bigint;
  named text[];
begin
{begins}{i}{SEES_ALL}
{first}{i}while more loop
{i}  begin
{set_up}{by_index}{i}    set local lock_timeout = '{PATIENCE}';
{i}    select {key} into {upto} from (
{i}      select {key} from {source} where {start} order by {ascending} limit {ROWS}
{i}    ) as batch order by {descending} limit 1;
{i}    -- Who writes one of these rows has ended or waits until the batch is written.
{i}    perform from {source} where {range} for share;
{i}    {insert};
{reached}{i}    held := false;
{i}  exception when lock_not_available or deadlock_detected then
{i}    held := true;
{i}  end;
{i}  commit;
{i}  {SEES_ALL}
{i}  if held then
{i}    perform pg_sleep(0.05);
{i}  else
{i}    {next};
{i}    more := found;
{i}  end if;
{i}end loop;
{compare}{end}end
",
            label = self.label,
            set_up = self.set_up(&format!("{i}    ")),
            by_index = BY_INDEX.iter().map(|name| format!("{i}    set local {name} = off;\n")).collect::<String>(),
            upto = variables("upto"),
            source = self.source,
            start = self.compared(">=", "from"),
            ascending = by(""),
            descending = by(" desc"),
            range = range.join(" and "),
            insert = self.insert(&format!("{deeper}    "), &range),
            reached = reached.unwrap_or_default(),
            next = next(format!(" where {}", self.compared(">", "upto")), "1"),
            compare = self.compare(deeper),
        )
    }
}
