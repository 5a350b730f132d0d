//! A function that runs as its owner looks names up where the caller says
//!
//! Finds `security definer` functions without `set search_path`, or with one that does not name `pg_temp` at its end. An
//! empty path, by which only what is of Postgres or temporary is found, is said with `--all`, as advice.
//!
//! Why: the caller chooses the search path, puts a table or an operator of the same name in front, and has it used
//! with the owner's rights. Where the path does not name it, `pg_temp` is searched first, for tables and types: whoever
//! may make temporary objects puts a domain called `uuid` there, whose check runs as the owner.
//!
//! Instead, pin it, and write schemas out in the body:
//!
//! ```sql
//! create function private.is_member(org uuid) returns boolean
//! language sql stable security definer
//! set search_path = pg_catalog, pg_temp
//! as $$ select exists (select 1 from public.members m where m.org_id = org and m.user_id = auth.uid()) $$;
//! ```

use crate::Options;
use crate::rule::Out;
use crate::state::State;
use crate::statement::Pin;
use specc_diag::Severity;

pub(crate) fn find(state: &State, options: &Options, out: &mut Out) {
    for function in state.functions.iter().filter(|function| function.definer) {
        let (message, level) = match function.pinned {
            Pin::None => ("runs as its owner and looks names up where its caller can put some", Severity::Error),
            Pin::Empty if options.all => {
                ("runs as its owner and looks temporary tables and types up first", Severity::Advice)
            }
            Pin::Empty | Pin::Full => continue,
        };
        let help = "write `set search_path = pg_catalog, pg_temp`, and the schemas of all other names in its body";
        out.say(function.at, format!("{} {message}", function.name.said())).help(help).level = level;
    }
}
