//! A function that runs as its owner looks names up where the caller says
//!
//! Finds `security definer` functions without `set search_path`.
//!
//! Why: the caller chooses the search path, puts a table or an operator of the same name in front, and has it used
//! with the owner's rights.
//!
//! Instead, pin it, and write schemas out in the body:
//!
//! ```sql
//! create function private.is_member(org uuid) returns boolean
//! language sql stable security definer
//! set search_path = ''
//! as $$ select exists (select 1 from public.members m where m.org_id = org and m.user_id = auth.uid()) $$;
//! ```

use crate::Options;
use crate::rule::Out;
use crate::state::State;

pub(crate) fn find(state: &State, _: &Options, out: &mut Out) {
    for function in state.functions.iter().filter(|function| function.definer && !function.pinned) {
        out.say(function.at, format!("{} runs as its owner with the caller's search path", function.name.said()))
            .help("add `set search_path = ''`, and write the schemas out in its body");
    }
}
