//! What looks at the rows of a table, or fills them.

use super::table_name;
use crate::alter::{Alter, Refuse};
use crate::quote::{dollar, ident, literal, push_ident, qualified};
use specc_catalog::{Column, TableName};

/// Triggers are for what users write: the time of the last change and audits are not a backfill's to touch. Who may not
/// say so fills with them, and so does what others count: their values follow the rows. Rows that a policy hides are rows
/// too: whoever cannot see them is refused.
fn quiet(indent: &str, counted: bool) -> String {
    if counted {
        return format!("{indent}{SEES_ALL}\n");
    }
    let lines = [
        SEES_ALL,
        "begin",
        "  set local session_replication_role = replica;",
        "exception when insufficient_privilege then",
        "  null;",
        "end;",
    ];
    lines.iter().map(|line| format!("{indent}{line}\n")).collect()
}

/// Where row level security is forced on the owner, Postgres refuses what would not see every row.
const SEES_ALL: &str = "set local row_security = off;";

/// Pages of a backfill that are written in one transaction.
const PAGES: usize = 16;

/// Walks the table's pages and commits after each few of them: nobody waits long for a row, and what is done stays done.
/// Rows that someone else has locked are passed over, and come in the next round.
pub(super) fn backfill(out: &mut String, change: &Alter<'_>) {
    let Alter::Backfill { table, set, pending, gives_up, refuse, settings, divided, counted } = change else { return };
    let mut name = String::new();
    table_name(&mut name, table);
    let mut assignments = String::new();
    super::separated(&mut assignments, set, ", ", |out, (column, value)| {
        push_ident(out, column);
        out.push_str(" = ");
        out.push_str(value);
    });
    let only = if *divided { "" } else { "only " };
    let mut declared =
        String::from(if *divided { "  part regclass;\n  page bigint;\n" } else { "  page bigint;\n  pages bigint;\n" });
    let exit = if *gives_up {
        declared.push_str("  tried bigint;\n  filled bigint;\n  asked bigint;\n  done bigint;\n");
        // What a round over all rows that are left does not fill stays as it is.
        format!("exit when filled = 0 and tried >= (select count(*) from {only}{name} where {pending});")
    } else {
        format!("exit when not exists (select from {only}{name} where {pending});")
    };
    if refuse.is_some() {
        declared.push_str("  missing text;\n");
    }
    let start = if *gives_up { "    tried := 0;\n    filled := 0;\n" } else { "" };
    // What is set for a transaction is gone when that is committed.
    let pinned = |indent: &str| {
        let all = settings.iter().map(|(name, value)| format!("{indent}set local {name} = {};\n", literal(value)));
        all.collect::<String>()
    };
    let set_up = |indent: &str| quiet(indent, *counted) + &pinned(indent);
    let tally = |update: &str, pending: &str| {
        let written = format!("with written as ({update} returning ({pending}) as pending)");
        (written, "select count(*), count(*) filter (where not pending)")
    };
    let count = |indent: &str| format!("{indent}tried := tried + asked;\n{indent}filled := filled + done;\n");
    let rounds = if *divided {
        // A page is a page of one partition.
        let update = format!(
            "update %1$s as {} set {} where ctid = any (array(select ctid from %1$s as {} where ctid >= '(%2$s,0)' and ctid < '(%3$s,0)' and ({}) for update skip locked))",
            ident(&table.name).replace('%', "%%"),
            assignments.replace('%', "%%"),
            ident(&table.name).replace('%', "%%"),
            pending.replace('%', "%%"),
        );
        let (update, into, add) = if *gives_up {
            let (written, counts) = tally(&update, &pending.replace('%', "%%"));
            (format!("{written} {counts} from written"), " into asked, done", count("        "))
        } else {
            (update, "", String::new())
        };
        format!(
            "    for part in select relid from pg_partition_tree({tree}) where isleaf loop
      page := 0;
      while page < pg_relation_size(part) / current_setting('block_size')::int loop
{quiet}        execute format({update}, part, page, page + {PAGES}){into};
{add}        commit;
        page := page + {PAGES};
      end loop;
    end loop;
",
            tree = literal(&name),
            update = literal(&update),
            quiet = set_up("        "),
        )
    } else {
        let update = format!(
            "update only {name}
      set {assignments}
      where ctid = any (array(
        select ctid from only {name}
        where ctid >= format('(%s,0)', page)::tid and ctid < format('(%s,0)', page + {PAGES})::tid
          and {pending}
        for update skip locked
      ))"
        );
        let (update, add) = if *gives_up {
            let (written, counts) = tally(&update, pending);
            (format!("{written}\n      {counts} into asked, done from written"), count("      "))
        } else {
            (update, String::new())
        };
        format!(
            "    page := 0;
    pages := pg_relation_size({regclass}) / current_setting('block_size')::int;
    while page < pages loop
{quiet}      {update};
{add}      commit;
      page := page + {PAGES};
    end loop;
",
            regclass = literal(&name),
            quiet = set_up("      "),
        )
    };
    let refused = refuse.as_ref().map(|refuse| refusal(table, set, refuse, only, &name)).unwrap_or_default();
    let body = format!(
        "\ndeclare\n{declared}begin\n  loop\n{start}{rounds}{asked}    {exit}\n    perform pg_sleep(0.05);\n  end loop;\n{refused}end\n",
        asked = pinned("    "),
    );
    out.push_str("do ");
    out.push_str(&dollar(&body));
}

/// The rows that are counted are locked first: who wrote them before has ended by then, and the trigger that counts has
/// said all of it. What is right already is not written.
pub(super) fn count(out: &mut String, table: &TableName, set: &[(&str, &str)], of: &[&TableName], guard: Option<&str>) {
    let name = qualified(&table.schema, &table.name);
    let mut tables: Vec<String> = of.iter().map(|of| qualified(&of.schema, &of.name)).collect();
    tables.sort();
    tables.dedup();
    let assignments: Vec<String> = set.iter().map(|(column, value)| format!("{} = {value}", ident(column))).collect();
    let own = ident(&table.name);
    let wrong: Vec<String> =
        set.iter().map(|(column, value)| format!("{own}.{} is distinct from {value}", ident(column))).collect();
    let switch = |word: &str| {
        guard.map(|guard| format!("  alter table {name} {word} trigger {};\n", ident(guard))).unwrap_or_default()
    };
    let body = format!(
        "
declare
  fires constant text := current_setting('session_replication_role');
begin
  lock table {tables} in share row exclusive mode;
{off}{quiet}  update {name}
  set {assignments}
  where {wrong};
  if current_setting('session_replication_role') <> fires then
    perform set_config('session_replication_role', fires, true);
  end if;
{on}end
",
        tables = tables.join(", "),
        off = switch("disable"),
        quiet = quiet("  ", false),
        assignments = assignments.join(",\n      "),
        wrong = wrong.join("\n     or "),
        on = switch("enable"),
    );
    out.push_str("-- Rows that were there are counted while nobody writes them.\ndo ");
    out.push_str(&dollar(&body));
}

pub(super) fn await_writers(out: &mut String, table: &TableName) {
    out.push_str(
        "-- Who is writing these rows still runs the trigger function as it was: that ends before they are counted.\n",
    );
    out.push_str("lock table ");
    table_name(out, table);
    out.push_str(" in share row exclusive mode");
}

/// Names the first row that has no value and needs one.
fn refusal(table: &TableName, set: &[(&str, &str)], refuse: &Refuse<'_>, only: &str, name: &str) -> String {
    let columns: Vec<&str> = set.iter().map(|(column, _)| *column).collect();
    let key = if refuse.key.is_empty() { &["ctid"][..] } else { &refuse.key };
    let values: Vec<String> = key.iter().map(|column| format!("{}::text", ident(column))).collect();
    let message = format!(
        "{} of {}.{} must have a value, and its backfill gives null for the row where {} is %",
        columns.join(", ").replace('%', "%%"),
        table.schema.replace('%', "%%"),
        table.name.replace('%', "%%"),
        key.join(", ").replace('%', "%%"),
    );
    format!(
        "  {SEES_ALL}
  select concat_ws(', ', {}) into missing from {only}{name} where {} limit 1;
  if found then
    raise exception {}, missing
      using errcode = 'not_null_violation', hint = {};
  end if;
",
        values.join(", "),
        refuse.rows,
        literal(&message),
        literal("give that row a value, then run this file again"),
    )
}

pub(super) fn refuse_labels(out: &mut String, table: &TableName, column: &Column, labels: &[&str]) {
    let name = qualified(&table.schema, &table.name);
    let list: Vec<String> = labels.iter().map(|label| literal(label)).collect();
    let column_name = ident(&column.name);
    let holds = match column.ty.dims {
        0 => format!("{column_name} in ({})", list.join(", ")),
        _ => format!("{column_name}::text[] && array[{}]", list.join(", ")),
    };
    let message = format!(
        "{}.{} still holds {} of the type {}.{}",
        table.name,
        column.name,
        labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(" or "),
        column.ty.schema,
        column.ty.name
    );
    let body = format!(
        "\nbegin\n  {SEES_ALL}\n  if exists (select from {name} where {holds}) then\n    raise exception using message = {},\n      \
         hint = {};\n  end if;\nend\n",
        literal(&message),
        literal("that label goes: give those rows another one first, then run this again"),
    );
    out.push_str("-- What rows still hold cannot go.\ndo ");
    out.push_str(&dollar(&body));
}
