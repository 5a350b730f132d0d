//! Fills columns of rows that were there, in batches, beside those who use the table.

use super::rows::{quiet, refusal};
use super::table_name;
use crate::alter::Alter;
use crate::quote::{dollar, ident, literal, push_ident};
use crate::refuse::Refuse;
use specc_catalog::TableName;

/// Pages of a backfill that are written in its first transaction, and at most in one.
const PAGES: [usize; 2] = [4, 64];

/// Who wants a row of a batch waits for the end of it: no batch is to take longer than so many milliseconds, whatever the rows and the machine
/// are like.
const TIME: u32 = 30;

/// Rounds over all pages, a twentieth of a second apart, after which rows that others hold are waited for.
const ROUNDS: usize = 20;

/// Walks the table's pages and commits after each few of them: nobody waits long for a row, and what is done stays done.
/// Rows that someone else has locked are passed over, and come in the next round. A row that is locked in each of many
/// rounds is waited for, and is then the only one that its transaction holds, so that no client's transaction can wait for
/// it in a circle.
pub(super) fn backfill(out: &mut String, change: &Alter<'_>) {
    let Alter::Backfill {
        table, set, was_null, pending, gives_up, refuse, settings, divided, counted, at_once, ..
    } = change
    else {
        return;
    };
    if *at_once {
        return all_rows(out, table, set, pending, refuse.as_ref(), *counted);
    }
    let mut name = String::new();
    table_name(&mut name, table);
    let mut assignments = String::new();
    // A column a line, where they would not stand on one.
    let long = !divided && set.iter().map(|(column, value)| column.len() + value.len()).sum::<usize>() > 80;
    let between = if long && set.len() > 1 { ",\n            " } else { ", " };
    super::separated(&mut assignments, set, between, |out, (column, value)| match was_null {
        // Worked out once: it may be another one the next time.
        Some(kept) => out.push_str(&format!(
            "({}, {}) = (select value, value from (select {value} as value) as filled)",
            ident(column),
            ident(kept)
        )),
        None => {
            push_ident(out, column);
            out.push_str(" = ");
            out.push_str(value);
        }
    });
    let only = if *divided { "" } else { "only " };
    let exit = if *gives_up {
        // What a round over all rows that are left does not fill stays as it is.
        format!("exit when filled = 0 and tried >= (select count(*) from {only}{name} where {pending});")
    } else {
        format!("exit when not exists (select from {only}{name} where {pending});")
    };
    // What is set for a transaction is gone when that is committed.
    let pinned = |indent: &str| {
        let all = settings.iter().map(|(name, value)| format!("{indent}set local {name} = {};\n", literal(value)));
        all.collect::<String>()
    };
    // A name in a query is a column: our own variables are named with the block.
    let label = if table.name == "fill" { "filling" } else { "fill" };
    let rows = Rows {
        label,
        name: &name,
        own: ident(&table.name).into_owned(),
        assignments: &assignments,
        pending,
        gives_up: *gives_up,
        divided: *divided,
        set_up: &|indent| quiet(indent, *counted) + &pinned(indent),
    };
    let mut declared = String::from("  rounds int := 0;\n");
    declared.push_str(if *divided {
        "  part regclass;\n  page bigint;\n"
    } else {
        "  page bigint;\n  pages bigint;\n"
    });
    declared.push_str(&format!("  step bigint := {};\n  began timestamptz;\n", PAGES[0]));
    declared.push_str("  held tid;\n  passed tid;\n");
    if *gives_up {
        declared.push_str("  tried bigint;\n  filled bigint;\n  asked bigint;\n  done bigint;\n");
    }
    if refuse.is_some() {
        declared.push_str("  missing text;\n");
    }
    let start = if *gives_up { "    tried := 0;\n    filled := 0;\n" } else { "" };
    let refused = refuse.as_ref().map(|refuse| refusal(table, refuse, only, &name)).unwrap_or_default();
    let (pages, single) =
        if *divided { (rows.pages_of_parts(), rows.single_of_parts()) } else { (rows.pages(), rows.single()) };
    let body = format!(
        "
#variable_conflict use_column
<<{label}>>
declare
{declared}begin
  loop
    rounds := rounds + 1;
{start}    if rounds <= {ROUNDS} then
{pages}    else
      -- What others hold in every round is waited for, a row at a time.
{single}    end if;
{asked}    {exit}
    perform pg_sleep(0.05);
  end loop;
{refused}end
",
        asked = pinned("    "),
    );
    out.push_str("do ");
    out.push_str(&dollar(&body));
}

/// Goes on behind a batch, with as many pages as the last one says that there is time for.
fn next(indent: &str) -> String {
    format!(
        "{indent}page := page + step;
{indent}step := case
{indent}  when clock_timestamp() - began > interval '{} ms' then greatest(step / 2, 1)
{indent}  when clock_timestamp() - began < interval '{} ms' then least(step * 2, {})
{indent}  else step
{indent}end;
",
        TIME,
        TIME / 3,
        PAGES[1]
    )
}

/// All of them, in the transaction that it stands in.
fn all_rows(
    out: &mut String,
    table: &TableName,
    set: &[(&str, &str)],
    pending: &str,
    refuse: Option<&Refuse<'_>>,
    counted: bool,
) {
    let mut name = String::new();
    table_name(&mut name, table);
    let assignments: Vec<String> = set.iter().map(|(column, value)| format!("{} = {value}", ident(column))).collect();
    let refused = refuse.map(|refuse| refusal(table, refuse, "", &name)).unwrap_or_default();
    let missing = if refused.is_empty() { "" } else { "  missing text;\n" };
    let body = format!(
        "
#variable_conflict use_column
declare
  fires constant text := current_setting('session_replication_role');
{missing}begin
{quiet}  update {name}
  set {assignments}
  where {pending};
{refused}  set constraints all immediate;
  if current_setting('session_replication_role') <> fires then
    perform set_config('session_replication_role', fires, true);
  end if;
end
",
        quiet = quiet("  ", counted),
        assignments = assignments.join(", "),
    );
    out.push_str("do ");
    out.push_str(&dollar(&body));
}

/// The rows to fill, and how.
struct Rows<'a> {
    label: &'a str,
    name: &'a str,
    own: String,
    assignments: &'a str,
    pending: &'a str,
    gives_up: bool,
    divided: bool,
    set_up: &'a dyn Fn(&str) -> String,
}

impl Rows<'_> {
    /// The update of the rows of this condition; each line after the first begins with `line`.
    fn update(&self, line: &str, of: &str) -> String {
        let rows =
            if self.divided { format!("%1$s as {}", self.escaped(&self.own)) } else { format!("only {}", self.name) };
        let update = format!("update {rows}{line}set {}{line}where {of}", self.escaped(self.assignments));
        if !self.gives_up {
            return update;
        }
        let into = if self.divided { "" } else { " into asked, done" };
        format!(
            "with written as ({update} returning ({}) as pending){line}select count(*), count(*) filter (where not pending){into} from written",
            self.escaped(self.pending)
        )
    }

    /// For `format()`, which takes `%` for its own.
    fn escaped(&self, text: &str) -> String {
        if self.divided { text.replace('%', "%%") } else { text.to_owned() }
    }

    fn tally(&self, indent: &str) -> String {
        if !self.gives_up {
            return String::new();
        }
        format!("{indent}tried := tried + asked;\n{indent}filled := filled + done;\n")
    }

    fn into(&self) -> &'static str {
        if self.gives_up { " into asked, done" } else { "" }
    }

    fn pages(&self) -> String {
        let of = format!(
            "ctid = any (array(
          select ctid from only {name}
          where ctid >= format('(%s,0)', {label}.page)::tid and ctid < format('(%s,0)', {label}.page + {label}.step)::tid
            and {pending}
          for update skip locked
        ))",
            name = self.name,
            label = self.label,
            pending = self.pending,
        );
        format!(
            "      page := 0;
      pages := pg_relation_size({regclass}) / current_setting('block_size')::int;
      while page < pages loop
        began := clock_timestamp();
{quiet}        {update};
{tally}        commit;
{next}      end loop;
",
            next = next("        "),
            regclass = literal(self.name),
            quiet = (self.set_up)("        "),
            update = self.update("\n        ", &of),
            tally = self.tally("        "),
        )
    }

    /// A page is a page of one partition.
    fn pages_of_parts(&self) -> String {
        let of = format!(
            "ctid = any (array(select ctid from %1$s as {} where ctid >= '(%2$s,0)' and ctid < '(%3$s,0)' and ({}) for update skip locked))",
            self.escaped(&self.own),
            self.escaped(self.pending),
        );
        format!(
            "      for part in select relid from pg_partition_tree({tree}) where isleaf loop
        page := 0;
        while page < pg_relation_size(part) / current_setting('block_size')::int loop
          began := clock_timestamp();
{quiet}          execute format({update}, part, page, page + step){into};
{tally}          commit;
{next}        end loop;
      end loop;
",
            next = next("          "),
            tree = literal(self.name),
            quiet = (self.set_up)("          "),
            update = literal(&self.update(" ", &of)),
            into = self.into(),
            tally = self.tally("          "),
        )
    }

    /// The row is locked by one statement and written by the next, which sees what its last writer left.
    fn single(&self) -> String {
        format!(
            "      passed := '(0,0)';
      loop
{quiet}        set local lock_timeout = 0;
        select ctid into held from only {name}
        where ctid > {label}.passed and {pending}
        limit 1
        for update;
        exit when not found;
        {update};
{tally}        commit;
        passed := greatest(passed, held);
      end loop;
",
            quiet = (self.set_up)("        "),
            name = self.name,
            label = self.label,
            pending = self.pending,
            update = self.update("\n        ", &format!("ctid = {}.held", self.label)),
            tally = self.tally("        "),
        )
    }

    fn single_of_parts(&self) -> String {
        let lock = format!(
            "select ctid from %1$s as {} where ctid > '%2$s' and ({}) limit 1 for update",
            self.escaped(&self.own),
            self.escaped(self.pending),
        );
        format!(
            "      for part in select relid from pg_partition_tree({tree}) where isleaf loop
        passed := '(0,0)';
        loop
{quiet}          set local lock_timeout = 0;
          execute format({lock}, part, passed) into held;
          exit when held is null;
          execute format({update}, part, held){into};
{tally}          commit;
          passed := greatest(passed, held);
        end loop;
      end loop;
",
            tree = literal(self.name),
            quiet = (self.set_up)("          "),
            lock = literal(&lock),
            update = literal(&self.update(" ", "ctid = '%2$s'")),
            into = self.into(),
            tally = self.tally("          "),
        )
    }
}
