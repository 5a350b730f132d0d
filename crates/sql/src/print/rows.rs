//! What looks at the rows of a table, or fills them.

use super::table_name;
use crate::quote::{dollar, ident, literal, push_ident, qualified};
use specc_catalog::{Column, TableName};

/// Triggers are for what users write: the time of the last change, counts and audits are not a backfill's to touch. Who may
/// not say so fills with them. Rows that a policy hides are rows too: whoever cannot see them is refused.
fn quiet(indent: &str) -> String {
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
pub(super) fn backfill(out: &mut String, table: &TableName, set: &[(&str, &str)], pending: &str, divided: bool) {
    let mut name = String::new();
    table_name(&mut name, table);
    let mut assignments = String::new();
    super::separated(&mut assignments, set, ", ", |out, (column, value)| {
        push_ident(out, column);
        out.push_str(" = ");
        out.push_str(value);
    });
    let body = if divided {
        // A page is a page of one partition.
        let update = format!(
            "update %1$s set {} where ctid = any (array(select ctid from %1$s where ctid >= '(%2$s,0)' and ctid < '(%3$s,0)' and ({}) for update skip locked))",
            assignments.replace('%', "%%"),
            pending.replace('%', "%%"),
        );
        format!(
            "
declare
  part regclass;
  page bigint;
begin
  loop
    for part in select relid from pg_partition_tree({tree}) where isleaf loop
      page := 0;
      while page < pg_relation_size(part) / current_setting('block_size')::int loop
{quiet}        execute format({update}, part, page, page + {PAGES});
        commit;
        page := page + {PAGES};
      end loop;
    end loop;
    exit when not exists (select from {name} where {pending});
    perform pg_sleep(0.05);
  end loop;
end
",
            tree = literal(&name),
            update = literal(&update),
            quiet = quiet("        "),
        )
    } else {
        format!(
            "
declare
  page bigint;
  pages bigint;
begin
  loop
    page := 0;
    pages := pg_relation_size({regclass}) / current_setting('block_size')::int;
    while page < pages loop
{quiet}      update only {name}
      set {assignments}
      where ctid = any (array(
        select ctid from only {name}
        where ctid >= format('(%s,0)', page)::tid and ctid < format('(%s,0)', page + {PAGES})::tid
          and {pending}
        for update skip locked
      ));
      commit;
      page := page + {PAGES};
    end loop;
    exit when not exists (select from only {name} where {pending});
    perform pg_sleep(0.05);
  end loop;
end
",
            regclass = literal(&name),
            quiet = quiet("      "),
        )
    };
    out.push_str("do ");
    out.push_str(&dollar(&body));
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
