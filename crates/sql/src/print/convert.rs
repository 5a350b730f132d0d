//! Looks at the values of a column before it gets another type.

use super::rows::SEES_ALL;
use crate::convert::Convert;
use crate::quote::{dollar, ident, literal, qualified};

/// How many rows are named.
const NAMED: usize = 20;

/// Each row is asked by itself, since Postgres 15 can say of a value that it does not fit by an error only.
pub(super) fn convert(out: &mut String, o: &Convert<'_>) {
    let name = qualified(&o.table.schema, &o.table.name);
    let column = format!("{}.{}.{}", o.table.schema, o.table.name, o.path());
    let ty = o.type_text();
    let mut declared = String::new();
    let mut body = format!("  {SEES_ALL}\n");
    for (setting, value) in &o.settings {
        body.push_str(&format!("  set local {setting} = {};\n", literal(value)));
    }
    if o.refuses {
        // Without a key, by the value itself.
        let of = [o.column.name.as_str()];
        let (key, text) = if o.key.is_empty() { (&of[..], "::text") } else { (&o.key[..], "") };
        let own: Vec<String> = key.iter().map(|part| format!("quote_nullable(each.{}{text})", ident(part))).collect();
        let columns: Vec<_> = key.iter().map(|part| format!("{}{text}", ident(part))).collect();
        let (one, columns) = match own.as_slice() {
            [one] => (one.clone(), columns.join(", ")),
            _ => (format!("'(' || {} || ')'", own.join(" || ', ' || ")), format!("({})", columns.join(", "))),
        };
        // An attribute is asked in each value of the column.
        let attribute = o.attribute.map(|attribute| {
            let (own, attribute) = (ident(&o.column.name), ident(attribute));
            if o.column.ty.dims > 0 {
                format!("(select count(one.{attribute}::{ty}) from unnest(each.{own}) as one)")
            } else {
                format!("(select count((each.{own}).{attribute}::{ty}) where each.{own} is distinct from null)")
            }
        });
        let asked = if attribute.is_some() { "bigint" } else { &ty };
        let assign = attribute.unwrap_or_else(|| match o.value {
            None => format!("each.{}", ident(&o.column.name)),
            Some(value) => format!("(select {value} from (select each.*) {})", ident(&o.table.name)),
        });
        // A row of nulls `is null`, and is a value.
        let null = if o.required {
            "if value is not distinct from null then\n          raise exception 'null, and the column takes none';\n        end if;"
                .to_owned()
        } else if o.whole {
            let own = ident(&o.column.name);
            format!(
                "if value::text is distinct from each.{own}::text then\n          raise exception 'blanks at its end would be \
                 cut';\n        end if;"
            )
        } else {
            "null;".to_owned()
        };
        declared.push_str(&format!(
            "  each {name}%rowtype;\n  failed bigint := 0;\n  reason text;\n  named text[] := '{{}}';\n"
        ));
        body.push_str(&format!(
            "  for each in select * from {name} loop
    begin
      declare
        -- A domain may take no null, so that there is no value before.
        value constant {asked} := {assign};
      begin
        {null}
      end;
    exception when others then
      failed := failed + 1;
      reason := coalesce(reason, sqlerrm);
      if failed <= {NAMED} then
        named := named || {one};
      end if;
    end;
  end loop;
  if failed > 0 then
    raise exception using
      errcode = 'data_exception',
      message = format({message}, failed),
      detail = reason,
      hint = {hint} || array_to_string(named, ', ') || ')';
  end if;
",
            message = literal(&format!(
                "values of {} that cannot become {}: %s",
                column.replace('%', "%%"),
                ty.replace('%', "%%")
            )),
            hint = literal(&format!(
                "give those rows another value first, then run this again; to see {NAMED} of them at most: select * from \
                 {name} where {columns} in ("
            )),
        ));
    }
    if let (Some(changed), Some(rows)) = (o.changed, o.changed_rows()) {
        declared.push_str("  changed bigint;\n");
        body.push_str(&format!(
            "  select count(*) into changed from {name} where {changed};
  if changed > 0 then
    raise warning using
      message = format({}, changed),
      hint = {};
  end if;
",
            literal(&format!(
                "values of {} that are not the same as {}: %s",
                column.replace('%', "%%"),
                ty.replace('%', "%%")
            )),
            literal(&format!("to see the rows while they are as they were: {rows}")),
        ));
    }
    out.push_str("-- What the values become is asked before anything is changed.\ndo ");
    out.push_str(&dollar(&format!("\n#variable_conflict use_column\ndeclare\n{declared}begin\n{body}end\n")));
}
