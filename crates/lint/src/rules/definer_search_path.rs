//! A function that runs as its owner looks names up where the caller says
//!
//! Finds `security definer` functions without `set search_path`, or with one that does not name `pg_temp` at its end.
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

pub(crate) fn find(state: &State, _: &Options, out: &mut Out) {
    for function in state.functions.iter().filter(|function| function.definer && !function.pinned) {
        out.say(
            function.at,
            format!("{} runs as its owner and looks names up where its caller can put some", function.name.said()),
        )
        .help("add `set search_path = pg_catalog, pg_temp`, and write the schemas out in its body");
    }
}
