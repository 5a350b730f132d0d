//! Takes the locks of a transaction at its beginning.

use super::table_name;
use crate::quote::{dollar, push_ident};
use crate::statement::{Relation, TakenLock};

/// So long all locks together may be waited for at a time, in milliseconds: others stand behind them meanwhile. It is far from the
/// second after which Postgres looks who waits for whom, so that nobody is chosen to give way but who takes these locks.
const WAIT: usize = 60;
/// No lock is waited for less.
const LEAST: usize = 10;
/// So often it is tried, with a pause between in which those who stand behind have their turn.
const TRIES: u32 = 30;

/// Each lock in a statement, in a part of the transaction that is taken back where one is not free: then none is held. What is set
/// in such a part holds to the end of the transaction, so the wait of the file is put back: what stands behind waits as it says.
pub(super) fn take(out: &mut String, all: &[TakenLock<'_>]) {
    let mut body = format!(
        "declare
  waits constant text := current_setting('lock_timeout');
begin
  for attempt in 1..{TRIES} loop
    begin
      set local lock_timeout = '{}ms';
",
        (WAIT / all.len().max(1)).max(LEAST)
    );
    let mut rest = all;
    while let Some(first) = rest.first() {
        let like = |taken: &TakenLock<'_>| taken.relation == first.relation && taken.lock == first.lock;
        let same = match first.relation {
            Relation::Table => rest.iter().take_while(|taken| like(taken)).count(),
            Relation::View | Relation::MaterializedView | Relation::Foreign => 1,
        };
        let (now, later) = rest.split_at(same);
        body.push_str("      ");
        match first.relation {
            Relation::Table => {
                body.push_str("lock table ");
                for (n, taken) in now.iter().enumerate() {
                    body.push_str(if n > 0 { ", " } else { "" });
                    table_name(&mut body, taken.on);
                }
                body.push_str(&format!(" in {} mode;\n", first.lock.words()));
            }
            // Then it is locked where it is needed.
            Relation::Foreign => {
                body.push_str("begin\n        lock table ");
                table_name(&mut body, first.on);
                body.push_str(&format!(
                    " in {} mode;\n      exception when insufficient_privilege then\n        null;\n      end;\n",
                    first.lock.words()
                ));
            }
            // `lock table` takes no materialized view, and of a view the tables too. A view that moves to where it is stays as
            // it is, and is locked.
            Relation::View | Relation::MaterializedView => {
                let is_filled = first.relation == Relation::MaterializedView;
                body.push_str(if is_filled { "alter materialized view " } else { "alter view " });
                table_name(&mut body, first.on);
                body.push_str(" set schema ");
                push_ident(&mut body, &first.on.schema);
                body.push_str(";\n");
            }
        }
        rest = later;
    }
    body.push_str(&format!(
        "      perform set_config('lock_timeout', waits, true);
      return;
    exception when lock_not_available or deadlock_detected then
      if attempt = {TRIES} then
        raise;
      end if;
    end;
    perform pg_sleep(0.05 + 0.1 * random());
  end loop;
end
"
    ));
    out.push_str(
        "-- All locks of the file are taken at once or not at all, so that nobody waits long behind one of them.\ndo ",
    );
    out.push_str(&dollar(&format!("\n{body}")));
}
